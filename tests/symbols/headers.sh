#!/bin/sh
# Usage: headers.sh INCLUDE COMPILER STANDARD...
# Compiles each public header alone, with all warnings, under each standard (c11, c++17, ...).
set -eu

include=$1 compiler=$2
shift 2

# compile STANDARD: the source text on standard input
compile() {
    case $1 in
    c++*) set -- "$1" c++ -Wold-style-cast -Wzero-as-null-pointer-constant ;;
    *) set -- "$1" c -Wstrict-prototypes -Wmissing-prototypes -Wc++-compat ;;
    esac
    standard=$1 language=$2
    shift 2
    "$compiler" "-std=$standard" -x "$language" -I"$include" -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wundef \
        -Wconversion -Wcast-qual -Wwrite-strings -Wredundant-decls "$@" -Werror -
}

failures=0
for each; do
    if echo 'size_t of_no_header;' | compile "$each" 2>/dev/null; then
        echo "headers.sh: $compiler accepts an unknown type" >&2
        exit 1
    fi
    for header in "$include"/backprop/*.h; do
        name=backprop/$(basename "$header")
        if ! printf '#include <%s>\n#include <%s>\nint declaration;\n' "$name" "$name" | compile "$each"; then
            echo "headers.sh: $name does not stand alone in $each" >&2
            failures=$((failures + 1))
        fi
    done
done
exit $failures
