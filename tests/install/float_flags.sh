#!/bin/sh
# Usage: float_flags.sh SOURCE WORK CC...
#
# With each compiler that is there, no flag that changes the bits of results comes through: not by CMAKE_C_FLAGS, by the
# environment, or by a parent project. Those that change none do.
set -eu

source=$1 work=$2/float_flags
shift 2
failures=0

# configure NAME CMAKE-ARGUMENT...
configure() {
    name=$1
    shift
    cmake -S "$work/$project" -B "$work/$name" -DCMAKE_C_COMPILER="$compiler" "$@" >"$work/log" 2>&1
}

failed() {
    cat "$work/log"
    echo "float_flags.sh: $compiler: $*" >&2
    failures=$((failures + 1))
}

# refused FLAG WHERE COMMAND...
refused() {
    flag=$1 where=$2
    shift 2
    if "$@"; then
        failed "$flag is taken $where"
    elif ! grep -qF -e "the compiler's flag $flag changes" "$work/log"; then
        failed "$flag $where: another error"
    fi
}

rm -rf "$work"
mkdir -p "$work/parent"
ln -s "$source" "$work/library"
cat >"$work/parent/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(parent LANGUAGES C)
add_compile_options(${OPTIONS})
add_subdirectory(../library backprop)
END
# A part of a level, without the machine's SLEEF.
printf '#include "backend.h"\nint declaration;\n' >"$work/level.c"

flags='-Ofast -ffast-math -funsafe-math-optimizations -fassociative-math -freciprocal-math -ffinite-math-only
    -fno-signed-zeros -fsingle-precision-constant -mfpmath=387 -mrecip'
of_clang='-ffp-model=fast -fapprox-func -fno-honor-nans -fno-honor-infinities -fdenormal-fp-math=preserve-sign'
harmless='-frounding-math -fno-trapping-math -fno-math-errno -fno-fast-math -fsigned-zeros -fno-associative-math
    -ffp-contract=fast -DOPTION=-Ofast'

for compiler; do
    command -v "$compiler" >/dev/null || continue
    name=$(basename "$compiler")
    echo "$compiler"
    own=
    ! "$compiler" --version | grep -q clang || own=$of_clang
    project=parent
    # shellcheck disable=SC2086 # several flags
    configure "$name" -DOPTIONS= -DCMAKE_C_FLAGS="$(echo $harmless)" || failed "harmless flags are refused"
    for flag in $flags $own; do
        refused "$flag" "in CMAKE_C_FLAGS" configure "$name" "-DCMAKE_C_FLAGS=-g $flag -Wall" -DOPTIONS=
        refused "$flag" "of a parent" configure "$name" -DCMAKE_C_FLAGS= "-DOPTIONS=-g;\$<\$<CONFIG:Release>:$flag>"
    done
    project=library
    export CFLAGS=-funsafe-math-optimizations
    refused $CFLAGS "in CFLAGS" configure "$name-top" -DBACKPROP_BUILD_TESTS=OFF
    unset CFLAGS
    # What the compiler itself tells, should a flag come another way.
    for flag in -O -ffast-math -ffinite-math-only -freciprocal-math -fno-signed-zeros; do
        case $name-$flag in *clang*-freciprocal-math | *clang*-fno-signed-zeros) continue ;; esac
        if "$compiler" -std=c11 "$flag" -I"$source/include" -I"$source/kernels" -fsyntax-only "$work/level.c" \
            2>"$work/log"; then
            [ "$flag" = -O ] || failed "$flag is compiled"
        else
            [ "$flag" != -O ] || failed "$flag is not compiled"
        fi
    done
done
echo "$failures failed"
[ "$failures" -eq 0 ]
