#!/bin/sh
# Usage: variant.sh PRESET BUILD CTEST-ARGUMENT...
# Configures the tree with a preset in the folder BUILD, builds it and runs its tests.
set -eu

preset=$1 build=$2
shift 2
cd "$(dirname "$0")/../.."

need() {
    if ! command -v "$1" >/dev/null; then
        echo "variant.sh: no $1: install the Debian package $2" >&2
        exit 1
    fi
}

need ninja ninja-build
case $preset in
aarch64)
    need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
    need qemu-aarch64 qemu-user
    ;;
clang) need clang clang ;;
*) need gcc gcc ;;
esac

cmake --preset "$preset" -B "$build"
cmake --build "$build"
ctest --test-dir "$build" --parallel "$(nproc)" --output-on-failure --no-tests=error "$@"
