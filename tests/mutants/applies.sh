#!/bin/sh
# Usage: applies.sh [BUILD]
# Every mutant still applies to the tree and names its tests, which are all in BUILD, if that is given.
cd "$(dirname "$0")/../.." || exit
command -v patch >/dev/null || exit 77
failed=0
known=$([ -z "${1:-}" ] || ctest --test-dir "$1" -N | sed -n 's/^ *Test *#[0-9]*: //p')
for mutant in tests/mutants/*.patch; do
    if ! patch --dry-run -s -f -p1 -F3 <"$mutant" || ! grep -q '^Tests: [a-z]' "$mutant"; then
        echo "$mutant: does not apply, or names no test" >&2
        failed=1
    fi
    for test in $(sed -n 's/^Tests: //p' "$mutant"); do
        if [ -n "$known" ] && ! echo "$known" | grep -qx "$test"; then
            echo "$mutant: there is no test $test" >&2
            failed=1
        fi
    done
done
exit $failed
