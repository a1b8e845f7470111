#!/bin/sh
# Usage: parent.sh SOURCE WORK CC
#
# The library as a part of parent/, a project that sets everything otherwise: it builds, and trains to the golden
# hashes. And the library on top with CMAKE_UNITY_BUILD: no target takes files together.
set -eu

source=$1 work=$2/parent cc=$3
here=$(cd "$(dirname "$0")" && pwd)

configure() {
    name=$1
    shift
    cmake -B "$work/$name" -DCMAKE_C_COMPILER="$cc" "$@" >"$work/$name.log" 2>&1 || {
        cat "$work/$name.log"
        echo "parent.sh: cannot configure $name" >&2
        exit 1
    }
}

rm -rf "$work"
mkdir -p "$work"
configure below -S "$here/parent" -DBACKPROP_SOURCE="$source" -DCMAKE_BUILD_TYPE=MinSizeRel
cmake --build "$work/below" --parallel 2
"$work/below/golden_backprop" --early
"$work/below/golden_backprop_static" --early

configure top -S "$source" -DCMAKE_UNITY_BUILD=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DBACKPROP_TEST_EMULATORS=OFF
grep -q 'reference\.c' "$work/top/compile_commands.json"
if grep unity_ "$work/top/compile_commands.json"; then
    echo "parent.sh: these files are taken together" >&2
    exit 1
fi
