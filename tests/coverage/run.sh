#!/bin/sh
# Usage: run.sh [CTEST-ARGUMENT...]
# Which lines and branches of kernels/ the tests run: builds the tree with gcc's counters in build/coverage, runs the
# tests there, on ARM's instruction set under qemu too, and prints a table. Fails below 95 % of lines, and where a
# line is neither run nor explained in the list `uncovered` beside this script. Takes half an hour of one core.
# Needs the Debian packages gcovr and, for ARM, those of tests/emulators/packages.
set -eu

here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
build=$root/build
results=$build/coverage.json
jobs=${JOBS:-$(nproc)}
export BACKPROP_TEST_QUICK="${BACKPROP_TEST_QUICK:-1}"

command -v gcovr >/dev/null || {
    echo "run.sh: no gcovr: install the Debian package of that name" >&2
    exit 2
}
mkdir -p "$results"

# measure NAME GCOV CMAKE-ARGUMENT... -- CTEST-ARGUMENT...
measure() {
    name=$1 gcov=$2
    shift 2
    definitions=
    while [ "$1" != -- ]; do
        definitions="$definitions $1"
        shift
    done
    shift
    # Loops stay as they are written; counters are shared by threads.
    # shellcheck disable=SC2086
    cmake --log-level=WARNING -S "$root" -B "$build/$name" -G Ninja -DCMAKE_BUILD_TYPE= \
        "-DCMAKE_C_FLAGS=-O1 --coverage -fprofile-update=atomic" -DBACKPROP_TEST_EMULATORS=OFF $definitions
    cmake --build "$build/$name" --parallel "$jobs"
    find "$build/$name" -name '*.gcda' -delete
    # Left out is what looks at the library from outside, and what the counters' own system calls would disturb.
    ctest --test-dir "$build/$name" --parallel "$jobs" --output-on-failure --no-tests=error \
        -LE '^(symbols|install)$' -E '^(quickstart|docs|step_calls|step_system_calls|train_accuracy|soak)$' "$@"
    gcovr --root "$root" --filter "$root/kernels/" --gcov-executable "$gcov" --exclude-unreachable-branches \
        --json "$results/$name.json" "$build/$name"
}

grep -qw avx512f /proc/cpuinfo 2>/dev/null ||
    echo "run.sh: this CPU has no AVX-512, whose lines are not counted here" >&2

rm -f "$results"/*
measure coverage gcov -- "$@"
if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then
    # What is written for each instruction set; the rest is the same code.
    BACKPROP_TEST_ISA=neon measure coverage-neon aarch64-linux-gnu-gcov \
        "--toolchain $root/cmake/toolchains/aarch64-linux-gnu.cmake" -- \
        -R '^(dense_.*|activation|loss|loss_kinds|elementwise|dropout|layer_norm|optimizer|panels|network_small)$'
else
    echo "run.sh: no aarch64-linux-gnu-gcc or no qemu-aarch64: lines for ARM are not counted" >&2
fi
python3 -B "$here/report.py" "$here/uncovered" "$root" "$results"/*
