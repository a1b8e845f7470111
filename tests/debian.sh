#!/usr/bin/env bash
# Usage: tests/debian.sh RELEASE [COMMAND [ARGUMENT]...]
#
# The README's commands on a minimal Debian: makes a system of the release (bookworm, trixie, ...) in
# build/debian/RELEASE with debootstrap, copies the tree into it, and runs `./quickstart train` and `./quickstart test`
# there as root, with nothing but what they install themselves. With COMMAND, that in place of both, in the copied tree.
# The system stays for the next run; remove its folder to begin anew. Needs root, the Debian package debootstrap, and a
# mirror: MIRROR, or else the first one of this machine's apt.
set -euo pipefail

say() {
    printf 'debian.sh: %s\n' "$*" >&2
}

if [[ $# -lt 1 || $1 == -* ]]; then
    sed -n '2s/^# //p' "$0" >&2
    exit 2
fi
release=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd -P)
system=${DEBIAN_SYSTEM:-$root/build/debian/$release}
[[ $(id -u) == 0 ]] || { say "making a system takes root"; exit 2; }
command -v debootstrap >/dev/null || { say "no debootstrap: install the Debian package debootstrap"; exit 2; }

# Mounts are this process's own, and end with it, and so do the processes in there.
if [[ ${IN_NAMESPACE:-} != 1 ]]; then
    exec env IN_NAMESPACE=1 unshare --mount --pid --fork --kill-child "$0" "$release" "$@"
fi

if [[ ! -e $system/.complete ]]; then
    mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | head -n 1)}
    rm -rf "$system"
    mkdir -p "$system"
    debootstrap --variant=minbase "$release" "$system" ${mirror:+"$mirror"} >"$system.log" 2>&1 || {
        tail -n 20 "$system.log" >&2
        say "debootstrap failed"
        exit 1
    }
    touch "$system/.complete"
fi

mount -t proc proc "$system/proc"
mount --rbind /dev "$system/dev"
mount --rbind /sys "$system/sys"

# The tree as it is, without what git ignores; what an earlier run built stays.
mkdir -p "$system/backprop"
find "$system/backprop" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
git -C "$root" ls-files --cached --others --exclude-standard -z |
    (cd "$root" && tar --create --null --files-from=- --ignore-failed-read) | tar --extract -C "$system/backprop"

inside() {
    say "$release: $*"
    chroot "$system" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM="${TERM:-dumb}" \
        sh -c 'cd /backprop && exec "$@"' sh "$@"
}

if (($#)); then
    inside "$@"
else
    inside ./quickstart train
    inside ./quickstart test
fi
