#!/bin/sh
# Usage: symbols.sh exported NM LIBRARY LIST HEADERS     the shared library exports LIST, which is the headers' BP_API
#        symbols.sh versions NM LIBRARY VERSION          all that the shared library exports has this version
#        symbols.sh archive NM LIBRARY                   the static library's global symbols start with bp_
#        symbols.sh needed NM LIBRARY                    the shared library needs the C library, SLEEF and zlib alone
#        symbols.sh kernels NM LEVEL OBJECTS OTHER       the kernels of one level: OBJECTS and OTHER are files with lists
#                                                        of object files, OTHER of the library without the kernels
# What compilers add for 32-bit x86 is allowed: __x86.get_pc_thunk.*, which are hidden, and divisions of 64 bits.
# Every check first shows that it would see what it looks for.
set -eu
LC_ALL=C
export LC_ALL

mode=$1 nm=$2
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
    echo "symbols.sh: $mode: $*" >&2
    exit 1
}

# names FILE NM-OPTION... : the sorted symbol names that nm shows, without the versions that a library defines
names() {
    file=$1
    shift
    "$nm" "$@" "$file" >"$scratch/nm" || fail "nm cannot read $file"
    awk 'NF >= 2 && $(NF - 1) ~ /^[A-Za-z]$/ && $NF !~ /^(__x86\.get_pc_thunk|BACKPROP_)/ { sub(/@@BACKPROP_[0-9.]*$/, "", $NF); print $NF }' \
        "$scratch/nm" | sort -u
}

# names_of LIST NM-OPTION... : the same for all object files of a list
names_of() {
    list=$1
    shift
    [ -s "$list" ] || fail "no object files in $list"
    while read -r object || [ -n "$object" ]; do
        names "$object" "$@"
    done <"$list" >"$scratch/all"
    sort -u "$scratch/all"
}

# nothing_but PATTERN FILE WHAT: every line of FILE matches
nothing_but() {
    if grep -Ev "^($1)\$" "$2" >"$scratch/extra"; then
        cat "$scratch/extra" >&2
        fail "$3"
    fi
}

same() {
    diff -u "$1" "$2" >&2 || fail "$3"
}

exported() {
    library=$1 list=$2 headers=$3
    names "$library" -D --defined-only --extern-only >"$scratch/library"
    cat "$headers"/*.h | grep -Eo '^BP_API [^(]*\(' | sed 's/.*[ *]\(bp_[a-z0-9_]*\)($/\1/' | sort >"$scratch/headers"
    grep -qx bp_version "$scratch/library" || fail "bp_version is not seen in $library"
    same "$list" "$scratch/headers" "exported.txt (-) is not the headers' list (+)"
    same "$list" "$scratch/library" "exported.txt (-) is not what the library exports (+)"
}

versions() {
    "$nm" -D --defined-only --extern-only "$1" >"$scratch/nm" || fail "nm cannot read $1"
    grep -q ' bp_version@@' "$scratch/nm" || fail "bp_version has no version in $1"
    awk '{ print $NF }' "$scratch/nm" >"$scratch/library"
    nothing_but "bp_[a-z0-9_]*@@$2|$2|$2@@$2" "$scratch/library" "these exported symbols lack the version $2"
}

archive() {
    names "$1" --defined-only --extern-only >"$scratch/library"
    grep -qx bp_version "$scratch/library" || fail "bp_version is not seen in $1"
    nothing_but 'bp_.*' "$scratch/library" "these global symbols lack the prefix bp_"
}

needed() {
    "$nm" -D --undefined-only "$1" | awk '$(NF - 1) == "U" { print $NF }' | sort -u >"$scratch/needed"
    for function in malloc@GLIBC Sleef_ inflate; do
        grep -q "^$function" "$scratch/needed" || fail "$function is not seen in $1"
    done
    # The versions of the C library's symbols are those of libc and libm.
    nothing_but '.*@GLIBC_[0-9.]+|Sleef_[cf]inz_[a-z0-9_]*|(inflate|deflate)(|End|Init2_|Reset)(@.*)?|crc32_z(@.*)?' "$scratch/needed" \
        "the library needs more than it may"
    # Errors are statuses: it neither ends the process nor prints.
    if grep -E '^(abort|_?exit|__assert_fail|__(f|v)?printf_chk|(f|v|vf)?printf|f?puts|f?putc|putchar|stdout|stderr)@' \
        "$scratch/needed" >&2; then
        fail "the library ends the process or prints"
    fi
}

kernels() {
    level=$1 objects=$2 other=$3
    names_of "$objects" --defined-only --extern-only >"$scratch/defined"
    grep -qx "bp_backend_$level" "$scratch/defined" || fail "bp_backend_$level is not seen"
    nothing_but "bp_.*_$level" "$scratch/defined" "these global symbols lack the suffix of their level"

    # Kernels own nothing: they may call only the C library's plain functions on memory and numbers, and SLEEF's
    # functions of their own instruction set, never those that choose one at run time.
    case $level in
    avx2) sleef='finz_.*avx2' ;;
    avx512) sleef='finz_.*(avx512f|avx2)' ;; # narrow vectors are AVX2's
    neon) sleef='finz_.*advsimd' ;;
    scalar_fma) sleef='finz_.*purecfma' ;;
    scalar) sleef='(finz_.*purecfma|cinz_.*purec)' ;;
    *) fail "unknown level $level" ;;
    esac
    allowed="mem(cpy|set|move)|(fma|sqrt|isnan|fabs)f?|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__u(div|mod)di3|Sleef_$sleef"
    names_of "$other" --undefined-only >"$scratch/needed"
    for function in getenv malloc free; do
        grep -qx $function "$scratch/needed" || fail "$function is not seen outside the kernels"
    done
    names_of "$objects" --undefined-only | grep -vxFf "$scratch/defined" >"$scratch/needed"
    grep -q '^Sleef_' "$scratch/needed" || fail "no SLEEF function is seen in the kernels"
    nothing_but "$allowed" "$scratch/needed" "the kernels need more than they may"
}

"$mode" "$@"
