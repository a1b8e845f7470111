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
# The second try is for a machine whose package lists are missing or old; updating them takes root.
if ! { apt-get download -qq "$@" || { apt-get update -qq && apt-get download -qq "$@"; }; } >apt.log 2>&1; then
    cat apt.log >&2
    echo "unpack-packages.sh: cannot download $*" >&2
    exit 1
fi
for archive in *.deb; do
    dpkg-deb -x "$archive" ..
done
cd ..
rm -r archives
echo "$*" >"$unpacked"
