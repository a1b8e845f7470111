#!/bin/sh
# Usage: run.sh [--all] [MUTANT...]
# Plants faults in a copy of the tree, one after the other, and demands that the tests find each. A mutant is a patch
# beside this script: what it breaks, the tests that must notice, all of them tests of the whole suite, and the change.
# --all runs the whole suite, but for installation and other builds, instead of the named tests.
set -eu

here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
work=$root/build/mutants
tree=$work/tree build=$work/build
jobs=${JOBS:-$(nproc)}

all=
if [ "${1:-}" = --all ]; then
    all=1
    shift
fi
[ $# -gt 0 ] || set -- "$here"/*.patch

patch_of() {
    if [ -e "$1" ]; then echo "$1"; else echo "$here/$1.patch"; fi
}

tests_of() {
    sed -n 's/^Tests: //p' "$(patch_of "$1")"
}

# Builds what the given tests need, runs them, and prints the names of those that fail, on one line.
failures() {
    log=$work/log failed=$build/Testing/Temporary/LastTestsFailed.log
    rm -f "$failed"
    if [ -n "$all" ]; then
        programs=all
        set -- -LE '^(variants|install)$' -E '^(quickstart|avx512_bochs|neon.*)$'
    else
        programs=$(printf 'test_%s\n' "$@" | sed 's/^test_cpu_.*/test_dispatch/' | sort -u)
        set -- -R "^($(echo "$@" | tr ' ' '|'))\$"
    fi
    # shellcheck disable=SC2086
    if ! cmake --build "$build" --parallel "$jobs" --target $programs >"$log" 2>&1; then
        cat "$log" >&2
        return 1
    fi
    ctest --test-dir "$build" --parallel "$jobs" --timeout 300 --no-tests=error "$@" >"$log" 2>&1 && return
    if [ ! -e "$failed" ]; then
        cat "$log" >&2
        return 1
    fi
    cut -d: -f2 "$failed" | sort -u | tr '\n' ' '
}

# All files are new: objects of an earlier run may hold faults.
rm -rf "$tree"
mkdir -p "$tree"
(cd "$root" && git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- -cf -) |
    tar -C "$tree" -xmf -
# Little optimised: the contract's bits do not depend on it, and it builds faster.
cmake --log-level=WARNING -S "$tree" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE= -DCMAKE_C_FLAGS=-O1 \
    -DBACKPROP_TEST_EMULATORS=ON

# Without a fault none of the tests fails.
# shellcheck disable=SC2046
found=$(failures $(for mutant in "$@"; do tests_of "$mutant"; done))
if [ -n "$found" ]; then
    echo "run.sh: these fail without a fault: $found" >&2
    exit 2
fi

survived=0
for mutant in "$@"; do
    patch -s -p1 -d "$tree" <"$(patch_of "$mutant")"
    # shellcheck disable=SC2046
    found=$(failures $(tests_of "$mutant"))
    patch -s -R -p1 -d "$tree" <"$(patch_of "$mutant")"
    if [ -n "$found" ]; then
        printf '%-15s found by %s\n' "$(basename "$mutant" .patch)" "$found"
    else
        printf '%-15s SURVIVED %s\n' "$(basename "$mutant" .patch)" "$(tests_of "$mutant")"
        survived=$((survived + 1))
    fi
done
echo "$survived of $# mutants survived"
[ "$survived" -eq 0 ]
