#!/bin/sh
# Usage: readme.sh README GOLDEN
# The README prints the hashes that the program finds, each in a line of its own.
set -eu

readme=$1 golden=$2

"$golden" | {
    lines=0
    while IFS= read -r line; do
        grep -qxF "$line" "$readme" || { echo "readme.sh: $readme lacks the line: $line" >&2; exit 1; }
        lines=$((lines + 1))
    done
    echo "$lines hashes"
    [ "$lines" -eq 6 ]
}
