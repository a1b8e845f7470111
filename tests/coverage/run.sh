#!/bin/sh
# Usage: run.sh [CTEST-ARGUMENT...]
# Which lines and branches of kernels/ the tests run: builds the tree with gcc's counters in build/coverage, runs the
# tests there, the kernels' for ARM under qemu too, and prints a table. Fails below 95 % of lines, and where a line is
# neither run nor explained in the list `uncovered` beside this script. Takes half an hour of one core.
# Needs the Debian packages gcovr and, for ARM, those of tests/emulators/packages.
set -eu

here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
native=$root/build/coverage neon=$root/build/neon-coverage results=$root/build/coverage.json
jobs=${JOBS:-$(nproc)}

# What runs on vectors, or knows the processor; the rest is the same on every one.
neon_tests='dense_forward dense_delta dense_gradient activation loss loss_kinds elementwise dropout layer_norm optimizer
    schedule panels network_small network_threads nonfinite dispatch'

need() {
    command -v "$1" >/dev/null || {
        echo "run.sh: no $1: install the Debian package $2" >&2
        return 1
    }
}

# configure BUILD CMAKE-ARGUMENT...: counters that threads share, and loops as they are written.
configure() {
    build=$1
    shift
    cmake --log-level=WARNING -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE= -DBACKPROP_TEST_EMULATORS=OFF \
        "-DCMAKE_C_FLAGS=-O1 --coverage -fprofile-update=atomic" "$@"
}

# count BUILD GCOV CTEST-ARGUMENT...: runs tests and keeps what they ran.
count() {
    build=$1 gcov=$2
    shift 2
    find "$build" -name '*.gcda' -delete
    ctest --test-dir "$build" --parallel "$jobs" --output-on-failure --no-tests=error "$@"
    gcovr --root "$root" --filter "$root/kernels/" --gcov-executable "$gcov" --exclude-unreachable-branches \
        --json "$results/$(basename "$build").json" "$build/kernels"
}

need gcovr gcovr || exit 2
rm -rf "$results"
mkdir -p "$results"

grep -qw avx512f /proc/cpuinfo 2>/dev/null ||
    echo "run.sh: this CPU has no AVX-512: what is written for it does not count" >&2
configure "$native"
cmake --build "$native" --parallel "$jobs"
# Left out: what looks at the library from outside, and what the counters' own memory and system calls disturb.
count "$native" gcov -LE '^(symbols|install|style|docs)$' \
    -E '^(quickstart|docs|step_calls|step_system_calls|train_accuracy|soak)$' "$@"

if need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu && need qemu-aarch64 qemu-user; then
    configure "$neon" --toolchain "$root/cmake/toolchains/aarch64-linux-gnu.cmake"
    # shellcheck disable=SC2046,SC2086
    cmake --build "$neon" --parallel "$jobs" --target $(printf 'test_%s ' $neon_tests)
    # shellcheck disable=SC2086
    BACKPROP_TEST_QUICK=1 count "$neon" aarch64-linux-gnu-gcov \
        -R "^($(echo $neon_tests | tr ' ' '|'))\$"
else
    echo "run.sh: what is written for ARM does not count" >&2
fi
python3 -B "$here/report.py" "$here/uncovered" "$root" "$results"/*
