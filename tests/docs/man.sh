#!/bin/sh
# Usage: man.sh SOURCE BPCHECK
#
# mandoc has nothing to say about the man pages, and bpcheck(1) has every option of `bpcheck --help`.
set -eu

source=$1 bpcheck=$2
status=0

for page in "$source"/docs/man/*.[17]; do
    # The pages refer to each other, which mandoc looks for among those that are installed.
    remarks=$(mandoc -T lint "$page" | grep -v 'referenced manual not found: Xr \(bpcheck 1\|backprop 7\)') || true
    if [ -n "$remarks" ]; then
        echo "$remarks" >&2
        status=1
    fi
done

text=$(mandoc -T ascii "$source/docs/man/bpcheck.1" | col -b)
options=$("$bpcheck" --help | sed -n 's/^  \(--[a-z]*\).*/\1/p')
[ "$(echo "$options" | wc -l)" -ge 9 ] || { echo "man.sh: bpcheck --help lists too few options" >&2; exit 1; }
for option in $options; do
    case $text in
    *"     $option"*) ;;
    *) echo "man.sh: bpcheck(1) lacks $option" >&2; status=1 ;;
    esac
done
exit $status
