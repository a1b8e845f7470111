#!/bin/sh
# Usage: keep.sh
# Keeps a copy of the public headers, without their comments, for programs built against this version: at each release
# that breaks with the version before it. Needs gcc.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$here/include"
mkdir -p "$here/include/backprop"
for header in "$here"/../../include/backprop/*.h; do
    gcc -w -fpreprocessed -dD -E -P "$header" | sed 's/ $//' >"$here/include/backprop/$(basename "$header")"
done
