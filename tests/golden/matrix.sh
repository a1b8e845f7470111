#!/bin/sh
# Usage: matrix.sh [FOLDER]
#
# The golden hashes in every build: gcc and clang at -O1, -O2 and -O3, the shared library and the static one, every
# instruction set of this CPU, 1 to 8 threads; and for AArch64 under qemu. Builds in FOLDER, by default build/matrix;
# half an hour on two cores. Ends with the number of trainings, status 1 at the first wrong hash.
#   JOBS=1          compile so many files at a time; default: one for each core
#   COMPILERS=gcc   only these of: gcc clang aarch64
set -eu

source=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:-$source/build/matrix}
runs=0

# train PROGRAM ISA THREADS [--early]: the program compares the hashes itself. An instruction set that the CPU lacks is
# no run.
train() {
    program=$1 isa=$2 threads=$3
    shift 3
    if BACKPROP_ISA=$isa BACKPROP_THREADS=$threads $emulator "$program" "$@" >"$work/out" 2>&1; then
        runs=$((runs + 1))
    elif ! grep -q "cannot run that instruction set" "$work/out"; then
        cat "$work/out"
        echo "matrix.sh: wrong hashes: $program on $isa, $threads threads $*" >&2
        exit 1
    fi
}

# all_of PROGRAM: whole trainings; under an emulator short ones, and fewer.
all_of() {
    train "$1" scalar 1 $short
    for isa in avx2 avx512 neon; do
        for threads in $numbers; do
            train "$1" "$isa" "$threads" $short
        done
    done
}

mkdir -p "$work"
for compiler in ${COMPILERS:-gcc clang aarch64}; do
    case $compiler in
    aarch64)
        set -- --toolchain "$source/cmake/toolchains/aarch64-linux-gnu.cmake"
        emulator=qemu-aarch64 short=--early numbers='1 2 8'
        ;;
    *)
        set -- -DCMAKE_C_COMPILER="$compiler"
        emulator='' short='' numbers='1 2 3 4 5 6 7 8'
        ;;
    esac
    for level in 1 2 3; do
        build=$work/$compiler-O$level
        cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE="-O$level" \
            -DBACKPROP_TEST_EMULATORS=OFF "$@" >"$work/configure.log" || { cat "$work/configure.log"; exit 1; }
        cmake --build "$build" --parallel "${JOBS:-$(nproc)}" --target golden_shared golden_static >"$work/build.log" ||
            { cat "$work/build.log"; exit 1; }
        before=$runs
        for kind in shared static; do
            all_of "$build/tests/golden/golden_$kind"
        done
        echo "$compiler -O$level: $((runs - before)) trainings of six networks, all hashes right"
    done
done
echo "$runs trainings of six networks in all"
[ "$runs" -gt 0 ]
