#!/bin/sh
# Usage: compatibility.sh SOURCE WORK CC LIBRARY
#
# Programs and libraries of different versions, whose option structs have more fields:
#   1. A program built against the kept headers in include/ runs with a library of SOURCE in which each option struct has
#      got another field, whose default is 42. The library reads that default, and nothing beyond the program's struct.
#   2. A program built against such headers runs with LIBRARY, which does not know that field.
set -eu

source=$1 work=$2 cc=$3 library=$4
here=$(cd "$(dirname "$0")" && pwd)

fail() {
    echo "compatibility.sh: $*" >&2
    exit 1
}

# grow FOLDER NAMES: each header's option structs get another field; their names go into the file NAMES
grow() {
    for header in "$1"/*.h; do
        awk -v NAMES="$2" -f "$here/grow.awk" "$header" >"$work/header"
        cp "$work/header" "$header"
    done
    [ -s "$2" ] || fail "no option struct in $1"
}

# build PROGRAM INCLUDE LIBRARY FLAG...
build() {
    program=$1 include=$2 built=$3
    shift 3
    "$cc" -std=c11 -O1 -Wall -Wextra -Werror "$@" -I"$include" "$here/program.c" "$built" \
        -Wl,-rpath,"$(dirname "$built")" -o "$program"
}

rm -rf "$work"
mkdir -p "$work"
cd "$work"

# ---- An older program ----

mkdir source
cp -R "$source/CMakeLists.txt" "$source/LICENSE" "$source/cmake" "$source/include" "$source/kernels" "$source/docs" source
grow source/include/backprop names
# The default of the new field, wherever defaults are made.
grep -rlF '.struct_size = sizeof' source/kernels | while read -r file; do
    sed 's/\.struct_size = \(sizeof[^,}]*\)/.struct_size = \1, .grown = 42/' "$file" >edited
    cp edited "$file"
done
# What has been read is told.
cat >seen.h <<'END'
#include <stdio.h>
static inline bp_status sized_seen(const void *options, size_t size, const char *defaults) {
    size_t grown;
    memcpy(&grown, (const char *)options + size - sizeof grown, sizeof grown);
    fprintf(stderr, "read %s %zu\n", defaults, grown);
    return BP_OK;
}
END
sed -e '/^#include "failure.h"/r seen.h' -e 's/^    return BP_OK;/    return sized_seen(options, size, defaults);/' \
    source/kernels/sized.h >edited
cp edited source/kernels/sized.h
[ "$(grep -c sized_seen source/kernels/sized.h)" = 2 ] || fail "sized_read of kernels/sized.h is not what it was"

cmake -S source -B grown -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0 \
    -DBACKPROP_HAVE_avx2=OFF -DBACKPROP_HAVE_avx512=OFF -DBACKPROP_HAVE_neon=OFF -DBACKPROP_BUILD_TESTS=OFF \
    -DBACKPROP_BUILD_BPCHECK=OFF -DBACKPROP_BUILD_EXAMPLES=OFF -DBACKPROP_INSTALL=OFF >configure.log 2>&1 ||
    { cat configure.log; fail "cannot configure"; }
cmake --build grown --target backprop --parallel 2 >build.log 2>&1 || { cat build.log; fail "cannot build"; }

cp -R "$here/include" kept
cp -R kept found
grow found/backprop kept.names
build older kept "$work/grown/kernels/libbackprop.so"
# shellcheck disable=SC2046  # a list is meant
./older $(cat kept.names) 2>log || { cat log; fail "a program built against the kept headers fails"; }
# After each call of a function, the struct was read over the defaults of the new field, and no default got lost.
awk '
    /^call/ { if (wanted) bad(); wanted = $2 "_defaults("; call = $0; calls++ }
    /^read/ && wanted && index($2, wanted) == 1 { wanted = "" }
    /^read/ && $NF != 42 { print "the new field is " $NF ": " $0; failed = 1 }
    function bad() { print "not read by sized_read: " call; failed = 1 }
    END { if (wanted) bad(); exit failed || !calls }' log || fail "a struct is not read as those that grow must be"

# ---- A newer program ----

mkdir newer_include
cp -R "$source/include/backprop" newer_include
grow newer_include/backprop newer.names
build newer newer_include "$library" -DGROWN
# shellcheck disable=SC2046
./newer $(cat newer.names) 2>log || { cat log; fail "a program built against newer headers fails"; }
