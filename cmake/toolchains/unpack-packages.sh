#!/bin/sh
# Usage: unpack-packages.sh DIRECTORY PACKAGE...
# Unpacks Debian packages into DIRECTORY without installing them: for what cannot be installed beside the machine's own
# (a kernel to boot in an emulator, another processor's build of a package). Does nothing if they are there already.
set -eu

directory=$1
shift
unpacked=$directory/.packages
if [ -f "$unpacked" ] && [ "$(cat "$unpacked")" = "$*" ]; then
    exit 0
fi

rm -rf "$directory"
mkdir -p "$directory/archives"
cd "$directory/archives"
if ! apt-get download -qq "$@" >apt.log 2>&1; then
    cat apt.log >&2
    echo "unpack-packages.sh: cannot download $* (has 'apt-get update' been run, and is the architecture added?)" >&2
    exit 1
fi
for archive in *.deb; do
    dpkg-deb -x "$archive" ..
done
cd ..
rm -r archives
echo "$*" >"$unpacked"
