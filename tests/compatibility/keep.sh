#!/bin/sh
# Usage: keep.sh
# Keeps a copy of the public headers, for programs built against this version: at each release that breaks with the
# version before it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$here/include"
mkdir -p "$here/include/backprop"
cp "$here"/../../include/backprop/*.h "$here/include/backprop"
