#!/bin/sh
# Usage: run.sh [--all] [MUTANT...]
# Plants faults in copies of the tree, one at a time in each, and demands that the tests find every one. A mutant is a
# patch beside this script: what it breaks, the tests one of which must notice, and the change. JOBS copies are at work at
# the same time (default: one for each CPU). --all runs the whole suite, but for installation and other builds, instead
# of the named tests.
set -eu

here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
work=$root/build/mutants
original=$work/original
jobs=${JOBS:-$(nproc)}

copy() {
    rm -rf "$2"
    mkdir -p "$2"
    # All files are new: objects of an earlier run may hold faults.
    (cd "$1" && tar --null --files-from="$work/files" -cf -) | tar -C "$2" -xmf -
}

# Little optimized: the contract's bits do not depend on it, and it builds faster. Faults leave things unused.
configure() {
    launcher=$(command -v ccache) || launcher=
    cmake --log-level=WARNING -S "$1" -B "$2" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-O1 \
        -DCMAKE_C_COMPILER_LAUNCHER="$launcher" -DBACKPROP_WARNINGS_AS_ERRORS=OFF -DBACKPROP_TEST_EMULATORS=ON \
        -DBACKPROP_BUILD_EXAMPLES=ON
}

tests_of() {
    sed -n 's/^Tests: //p' "$@" | tr ' ' '\n' | sort -u
}

# The programs that tests run.
programs() {
    sed -E -e 's/^cpu_.*/test_dispatch/' -e 't' -e 's/^train_.*/train/' -e 't' -e 's/^bpcheck_options/bpcheck/' -e 't' \
        -e 's/^compatibility$/backprop/' -e 't' \
        -e 's/^python_//' -e 't' \
        -e '/^(bpcheck.*|fuzz_.*|autoencoder|cartpole|regression|worked_example)$/!s/^/test_/' | sort -u
}

# failures BUILD JOBS [CTEST'S OPTION]... <TESTS: builds and runs them, and prints the names of those that fail, in a line.
# 1: something else is wrong.
failures() {
    build=$1 parallel=$2 failed=$1/Testing/Temporary/LastTestsFailed.log
    shift 2
    tests=$(cat)
    rm -f "$failed"
    if [ -n "${ALL:-}" ]; then
        targets=all
        set -- "$@" -LE '^(variants|install|style|docs)$' -E '^(quickstart|avx512_bochs|neon.*)$'
    else
        targets=$(echo "$tests" | programs)
        set -- "$@" -R "^($(echo "$tests" | paste -sd '|'))\$"
    fi
    # shellcheck disable=SC2086
    cmake --build "$build" --parallel "$parallel" --target $targets >"$build/log" 2>&1 &&
        ctest --test-dir "$build" --parallel "$parallel" --timeout 300 --no-tests=error "$@" >"$build/log" 2>&1 && return
    if [ ! -e "$failed" ]; then
        cat "$build/log" >&2
        return 1
    fi
    cut -d: -f2 "$failed" | sort -u | paste -sd ' '
}

# One mutant, in the copy that this process has.
if [ "${1:-}" = --plant ]; then
    name=$(basename "$2" .patch) tree=$work/tree${slot:?} build=$work/build$slot
    if [ ! -e "$tree" ]; then
        copy "$original" "$tree"
        configure "$tree" "$build"
    fi
    patch -s -p1 -F3 --no-backup-if-mismatch -d "$tree" <"$2"
    found=$(tests_of "$2" | failures "$build" 1 --stop-on-failure) || found="NOTHING: it could not be tried"
    sed -n 's|^+++ b/||p' "$2" | while read -r file; do cp "$original/$file" "$tree/$file"; done
    printf '%-24s %s\n' "$name" "${found:-NOTHING of $(tests_of "$2" | paste -sd ' ')}" | tee -a "$work/found"
    exit
fi

if [ "${1:-}" = --all ]; then
    export ALL=1
    shift
fi
[ $# -gt 0 ] || set -- "$here"/*.patch
for mutant in "$@"; do
    [ -e "$mutant" ] || mutant=$here/$mutant.patch
    set -- "$@" "$mutant"
    shift
done

rm -rf "$work"/tree*
mkdir -p "$work"
: >"$work/found"
(cd "$root" && git ls-files -z --cached --others --exclude-standard) >"$work/files"
copy "$root" "$original"
export CCACHE_BASEDIR="$work" CCACHE_NOHASHDIR=1

configure "$original" "$work/build"
found=$(tests_of "$@" | failures "$work/build" "$jobs")
if [ -n "$found" ]; then
    echo "run.sh: these fail without a fault: $found" >&2
    exit 2
fi

echo "mutant                   found by"
printf '%s\0' "$@" | xargs -0 -n 1 -P "$jobs" --process-slot-var=slot "$0" --plant
survivors=$(grep -c ' NOTHING' "$work/found" || true)
echo "$survivors of $# mutants were not found"
[ "$survivors" -eq 0 ]
