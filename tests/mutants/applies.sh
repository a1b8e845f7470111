#!/bin/sh
# Usage: applies.sh
# Every mutant still applies to the tree and names its tests.
cd "$(dirname "$0")/../.." || exit
command -v patch >/dev/null || exit 77
failed=0
for mutant in tests/mutants/*.patch; do
    if ! patch --dry-run -s -f -p1 -F3 <"$mutant" || ! grep -q '^Tests: [a-z]' "$mutant"; then
        echo "$mutant: does not apply, or names no test" >&2
        failed=1
    fi
done
exit $failed
