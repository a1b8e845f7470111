#!/bin/sh
# Usage: consume.sh MODE SOURCE BUILD WORK CC CONFIG
#
# Installs the library from BUILD and builds and runs the program in consumer/ against it, in the folder WORK. Modes:
#   install               installs, and moves the installed tree: the others then show that it can be moved
#   find-package-shared   find-package-static   pkg-config-shared   pkg-config-static
#   subdirectory          no installation; the tree SOURCE as part of the consumer's
set -eu

mode=$1 source=$2 build=$3 work=$4 cc=$5 config=$6
here=$(cd "$(dirname "$0")" && pwd)
prefix=$work/prefix
own=$work/$mode

# The version that the SONAME must have: of 0.x the minor version, too.
number() {
    sed -n "s/^#define BP_VERSION_$1 //p" "$source/include/backprop/version.h"
}
soname=libbackprop.so.$(number MAJOR)
[ "$(number MAJOR)" != 0 ] || soname=$soname.$(number MINOR)

fail() {
    echo "consume.sh: $mode: $*" >&2
    exit 1
}

# run PROGRAM shared|static: runs it and checks that it loads the shared library just when it should.
run() {
    "$1" || fail "$(basename "$1") exits with status $?"
    libraries=$(ldd "$1")
    case $libraries in *libc.so*) ;; *) fail "ldd $1 shows no libraries" ;; esac
    case $2-$libraries in
    shared-*"$soname "*) ;;
    static-*libbackprop*) fail "$(basename "$1") loads the shared library" ;;
    static-*) ;;
    *) fail "$(basename "$1") does not load the shared library" ;;
    esac
}

# by_cmake BACKPROP shared|static
by_cmake() {
    cmake -S "$here/consumer" -B "$own" -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE="$config" \
        -DCMAKE_PREFIX_PATH="$prefix" -DBACKPROP="$1" -DBACKPROP_SOURCE="$source" >"$own/configure.log" 2>&1 ||
        { cat "$own/configure.log"; fail "cannot configure"; }
    cmake --build "$own" --parallel 2
    run "$own/consumer" "$2"
    if [ -e "$own/consumer_cxx" ]; then
        run "$own/consumer_cxx" "$2"
    fi
}

by_pkg_config() {
    # The linker prefers a shared library: for the static one, a copy of the tree without it.
    cp -R "$prefix/." "$own"
    static=
    if [ "$1" = static ]; then
        static=--static
        rm "$own"/lib*/libbackprop.so*
    fi
    PKG_CONFIG_PATH=$(dirname "$(find "$own" -name backprop.pc)")
    export PKG_CONFIG_PATH
    # shellcheck disable=SC2046  # several arguments are meant
    "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror $(pkg-config --cflags $static backprop) "$here/consumer/consumer.c" \
        -o "$own/consumer" $(pkg-config --libs $static backprop)
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir backprop)
    export LD_LIBRARY_PATH
    case $LD_LIBRARY_PATH in "$own"/*) ;; *) fail "backprop.pc does not follow its tree: $LD_LIBRARY_PATH" ;; esac
    run "$own/consumer" "$1"
}

rm -rf "$own"
mkdir -p "$own"
case $mode in
install)
    rm -rf "$prefix"
    cmake --install "$build" --config "$config" --prefix "$own/staged" >"$own/install.log"
    for header in "$source"/include/backprop/*.h; do
        cmp "$header" "$own/staged/include/backprop/$(basename "$header")"
    done
    [ -n "$(find "$own/staged" -name LICENSE)" ] || fail "no LICENSE installed"
    [ -e "$own/staged/share/man/man7/backprop.7" ] || fail "no man page installed"
    if grep -rF -e "$source/" -e "$build" "$own/staged" --include '*.cmake' --include '*.pc'; then
        fail "the installed files name the build's folders"
    fi
    mv "$own/staged" "$prefix"
    if [ -e "$build/tests/bpcheck/bpcheck" ]; then
        "$prefix/bin/bpcheck" --kernel sum >"$own/bpcheck.txt" || fail "the installed bpcheck exits with status $?"
        grep -q " 0 failed$" "$own/bpcheck.txt" || fail "the installed bpcheck checks nothing"
    fi
    ;;
find-package-shared) by_cmake shared shared ;;
find-package-static) by_cmake static static ;;
pkg-config-shared) by_pkg_config shared ;;
pkg-config-static) by_pkg_config static ;;
subdirectory) by_cmake source shared ;;
*) fail "unknown mode" ;;
esac
