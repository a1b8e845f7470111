#!/bin/sh
# Usage: format.sh
# All C and C++ files are as clang-format 14 writes them by .clang-format. Other versions break lines elsewhere: without
# that one the test is skipped. CLANG_FORMAT names another program. To mend: the same with -i in place of the options.
set -eu
cd "$(dirname "$0")/../.."
format=${CLANG_FORMAT:-$(command -v clang-format-14 || command -v clang-format || true)}
version=$("${format:-false}" --version 2>/dev/null) || version="no clang-format"
case $version in
*"version 14."*) ;;
*)
    echo "format.sh: skipped: this needs clang-format 14, and here is: $version"
    exit 77
    ;;
esac
files=$(find include kernels tests bench examples \( -name build -o -path tests/compatibility/include \) -prune -o \( -name '*.[ch]' -o -name '*.cpp' \) -print)
[ "$(echo "$files" | wc -l)" -ge 300 ] || { echo "format.sh: files are missing" >&2; exit 1; }
# shellcheck disable=SC2086 # no name has a blank
"$format" --dry-run -Werror $files
