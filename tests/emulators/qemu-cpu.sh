#!/bin/sh
# Usage: qemu-cpu.sh MODEL PROGRAM ARGUMENT...
# Runs a program on an emulated x86-64 CPU of the given model.
set -eu

model=$1
shift
if ! command -v qemu-x86_64 >/dev/null; then
    echo "qemu-cpu.sh: no qemu-x86_64: install the Debian package qemu-user" >&2
    exit 1
fi
exec qemu-x86_64 -cpu "$model" "$@"
