#!/bin/bash
# Usage: bochs.sh DIRECTORY COMMAND...
#
# Runs commands (a program's path, and arguments after blanks) on an emulated CPU with AVX-512: boots Debian's kernel
# under Bochs with an initramfs that holds the programs and their libraries, and reads their exit statuses from the
# serial line. DIRECTORY keeps the kernel, the disc image and the logs. Needs no root, and no AVX-512 of this machine.
# Variables whose names start with BACKPROP_ are handed on. Exit status: 0 if every command ran and exited with 0.
#
# An emulated machine that stands still (it has been seen, in a program that only computes) is booted again, and goes on
# with the command that it stood still in.
set -euo pipefail

timeout_seconds=${BOCHS_TIMEOUT:-2700} # all boots together
silent_seconds=${BOCHS_SILENT:-600}    # several times the longest silence of a test, on a busy machine
boots=3
here=$(cd "$(dirname "$0")" && pwd)
directory=$1
shift
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)

fail() {
    echo "bochs.sh: $*" >&2
    exit 1
}

# Each tool or file with the Debian package that has it.
check_tools() {
    local missing='' tool package
    while read -r tool package; do
        if ! command -v "$tool" >/dev/null && [ ! -e "$tool" ]; then
            missing="$missing $package"
        fi
    done <<'TOOLS'
bochs bochs
/usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_term_gui.so bochs-term
/usr/share/bochs/BIOS-bochs-latest bochsbios
/usr/lib/ISOLINUX/isolinux.bin isolinux
/usr/lib/syslinux/modules/bios/ldlinux.c32 syslinux-common
genisoimage genisoimage
cpio cpio
busybox busybox-static
script bsdutils
TOOLS
    [ -z "$missing" ] || fail "missing packages:$missing"
}

# The package linux-image-cloud-amd64 has no kernel itself, but depends on the one that has.
kernel_package() {
    apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '$1 == "Depends:" { print $2; exit }'
}

fetch_kernel() {
    local package
    if compgen -G "$directory/kernel/boot/vmlinuz-*" >/dev/null; then
        return
    fi
    package=$(kernel_package)
    if [ -z "$package" ]; then
        apt-get update -qq || true
        package=$(kernel_package)
    fi
    [ -n "$package" ] || fail "the package linux-image-cloud-amd64 is unknown: run 'apt-get update'"
    "$here/../../cmake/toolchains/unpack-packages.sh" "$directory/kernel" "$package"
    rm -rf "$directory/kernel/lib" "$directory/kernel/usr" # modules: all that the boot needs is in the kernel
}

# The root file system: programs in /t, every library in /lib, and an init that runs the commands one by one, from the
# given number on. Each is known by its number, counted from 1.
make_initramfs() {
    local root=$directory/root first=$1 number=0 command program
    shift
    rm -rf "$root"
    mkdir -p "$root"/{bin,lib,lib64,proc,dev,t,tmp}
    cp "$(command -v busybox)" "$root/bin/busybox"
    cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
    # devtmpfs brings ttyS0. LD_BIND_NOW: the lazy resolver would use XSAVEC, which is switched off below.
    {
        cat <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
exec >/dev/ttyS0 2>&1
export LD_BIND_NOW=1 LD_LIBRARY_PATH=/lib
if /bin/busybox grep -q avx512vl /proc/cpuinfo; then echo 'cpu: has avx512vl'; fi
cd /t
INIT
        export -p | sed -n 's/^declare -x \(BACKPROP_[A-Z_]*=\)/export \1/p'
        for command in "$@"; do
            number=$((number + 1))
            ((number >= first)) || continue
            echo "echo 'begin: $number ${command##*/}'; ./${command##*/} </dev/null; echo \"result: $number \$?\""
        done
        echo 'echo finished; /bin/busybox poweroff -f'
    } >"$root/init"
    chmod +x "$root/init"
    for command in "$@"; do
        program=${command%% *}
        [ -x "$program" ] || fail "no program $program"
        cp "$program" "$root/t/"
        if ldd "$program" | grep 'not found' >&2; then
            fail "$program lacks a library"
        fi
        ldd "$program" | awk '$2 == "=>" { print $3 }' | xargs -r cp -L -t "$root/lib"
    done
    (cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) >"$directory/iso/initrd.gz"
}

make_disc() {
    rm -rf "$directory/iso"
    mkdir -p "$directory/iso/isolinux"
    cp "$directory"/kernel/boot/vmlinuz-* "$directory/iso/vmlinuz"
    cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$directory/iso/isolinux/"
    # Bochs reports a size of the compacted XSAVE area that Linux rejects together with AVX: noxsaves, xsavec.
    # The rest is for a quick boot.
    cat >"$directory/iso/isolinux/isolinux.cfg" <<'CONFIG'
default linux
prompt 0
label linux
 kernel /vmlinuz
 append initrd=/initrd.gz console=ttyS0,115200 nokaslr mitigations=off tsc=reliable lpj=1000000 random.trust_cpu=on noxsaves clearcpuid=xsavec panic=-1 quiet
CONFIG
    make_initramfs "$@"
    genisoimage -quiet -o "$directory/disc.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot \
        -boot-load-size 4 -boot-info-table "$directory/iso"
}

# Debian's Bochs starts in its debugger, hence the command file; its text display wants a terminal, hence `script`.
# Its exit status says nothing. Adds to serial.log what the machine said.
boot() (
    cd "$directory"
    cat >bochsrc <<'BOCHS'
plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=1, parallel=0, serial=1, gameport=0, iodebug=1
config_interface: textconfig
display_library: term
memory: guest=512, host=512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model=corei7_skylake_x, count=1, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=1
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=disc.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=serial.txt
log: bochs.log
panic: action=fatal
clock: sync=none, time0=local
BOCHS
    echo c >continue.txt
    rm -f serial.txt bochs.log bochs.pid
    TERM=xterm SHELL=/bin/sh script -qc 'echo $$ >bochs.pid; exec bochs -q -f bochsrc -rc continue.txt' /dev/null \
        >display.log 2>&1 </dev/null &
    watch_over $!
    [ -s serial.txt ] || fail "the emulated machine did not start; see $directory/bochs.log"
    tr -d '\r' <serial.txt >>serial.log
)

# Waits for a process, and kills the emulator if it is silent or out of time.
watch_over() {
    local process=$1 size=0 silent=0 now
    while kill -0 "$process" 2>/dev/null; do
        sleep 1
        now=$(stat -c %s serial.txt 2>/dev/null || echo 0)
        if [ "$now" = "$size" ]; then silent=$((silent + 1)); else silent=0; fi
        size=$now
        if ((silent >= silent_seconds || SECONDS >= timeout_seconds)); then
            kill -KILL "$(cat bochs.pid)" "$process" || true
            break
        fi
    done
    wait "$process" || true
}

# The number of the first command without a result.
next_command() {
    awk '$1 == "result:" { last = $2 } END { print last + 1 }' "$directory/serial.log"
}

run_all() {
    local boot first
    rm -f "$directory/serial.log"
    touch "$directory/serial.log"
    for ((boot = 1; boot <= boots && SECONDS < timeout_seconds; boot++)); do
        first=$(next_command)
        ((boot == 1)) || echo "bochs.sh: the machine came to no end after $SECONDS s: once more, from command $first" \
            >>"$directory/serial.log"
        make_disc "$first" "$@"
        boot
        ! grep -q '^finished' "$directory/serial.log" || break
        cp "$directory/display.log" "$directory/display.$boot.log"
        cp "$directory/bochs.log" "$directory/bochs.$boot.log"
    done
}

judge() {
    local number=0 command status failures=0
    cat "$directory/serial.log"
    grep -q '^cpu: has avx512vl' "$directory/serial.log" || fail "the emulated machine shows no AVX-512"
    for command in "$@"; do
        number=$((number + 1))
        status=$(awk -v number=$number '$1 == "result:" && $2 == number { print $3 }' "$directory/serial.log")
        if [ -z "$status" ]; then
            status="no result: out of time, or the machine died"
        fi
        echo "bochs.sh: ${command##*/}: $status"
        [ "$status" = 0 ] || failures=$((failures + 1))
    done
    grep -q '^finished' "$directory/serial.log" || fail "the emulated machine did not come to its end"
    [ $failures = 0 ] || fail "$failures of $number commands failed"
}

[ $# -gt 0 ] || fail "no commands to run"
check_tools
fetch_kernel
run_all "$@"
judge "$@"
