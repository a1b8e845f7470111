#!/bin/sh
# Usage: tidy.sh BUILD
# clang-tidy 14 finds nothing in the sources of kernels/ that BUILD compiles, by the checks of .clang-tidy. With other
# versions, whose checks are others, the test is skipped. CLANG_TIDY names another program.
set -eu
build=$(cd "$1" && pwd -P)
cd "$(dirname "$0")/../.."
tidy=${CLANG_TIDY:-$(command -v clang-tidy-14 || command -v clang-tidy || true)}
version=$("${tidy:-false}" --version 2>/dev/null) || version="no clang-tidy"
case $version in
*"version 14."*) ;;
*)
    echo "tidy.sh: skipped: this needs clang-tidy 14, and here is: $(echo "$version" | head -n 1)"
    exit 77
    ;;
esac
# The file has one line for each command, and more than one command for a source of several backends.
sources=$(sed -n "s|^ *\"file\": \"$PWD/\(kernels/.*\.c\)\".*|\1|p" "$build/compile_commands.json" | sort -u)
[ "$(echo "$sources" | wc -l)" -ge 50 ] || { echo "tidy.sh: sources are missing in $build" >&2; exit 1; }
# Each process takes a few files; one that finds something fails, and then so does xargs.
echo "$sources" | xargs -P "$(nproc)" -n 4 "$tidy" --quiet -p "$build" 2>/dev/null
