#!/bin/sh
# Usage: readme.sh README PREFIX WORK CC
#
# Compiles every C example of the README against the installed library and runs those that are programs: the first
# must train its network.
set -eu

readme=$1 prefix=$2 work=$3/readme cc=$4

rm -rf "$work"
mkdir -p "$work"
awk -v work="$work" '
    /^```c$/ { count++; file = work "/example" count ".c"; next }
    /^```/ { file = ""; next }
    file { print > file }' "$readme"

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name backprop.pc)")
export PKG_CONFIG_PATH
LD_LIBRARY_PATH=$(pkg-config --variable=libdir backprop)
export LD_LIBRARY_PATH

programs=0 examples=0
for source in "$work"/example*.c; do
    examples=$((examples + 1))
    # shellcheck disable=SC2046  # several arguments are meant
    "$cc" -std=c11 -Wall -Wextra -Werror $(pkg-config --cflags backprop) -c "$source" -o "$source.o"
    grep -q 'int main(' "$source" || continue
    programs=$((programs + 1))
    # shellcheck disable=SC2046
    "$cc" "$source.o" -o "$source.out" $(pkg-config --libs backprop)
    "$source.out" >"$source.txt"
    cat "$source.txt"
    grep -Eq '^no error, loss [0-9.]+e-[0-9]+, weights [0-9a-f]{16}$' "$source.txt"
done
[ "$examples" -ge 2 ] && [ "$programs" -ge 1 ]
