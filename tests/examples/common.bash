# What the tests of the example programs share. Each script gets the program as its arguments, after the emulator, if
# any, that runs it. Sourced, with those arguments.
# shellcheck shell=bash
set -euo pipefail
unset BACKPROP_ISA BACKPROP_THREADS
# shellcheck disable=SC2034 # for the scripts
program=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
checks=0
failures=0

# passed_if TEXT COMMAND...: one check, passed if the command succeeds.
passed_if() {
    local text=$1
    shift
    checks=$((checks + 1))
    if ! "$@"; then
        failures=$((failures + 1))
        printf 'FAILED: %s\n' "$text" >&2
    fi
}

equal() {
    [[ $1 == "$2" ]] || {
        printf '  got      %s\n  expected %s\n' "$1" "$2" >&2
        return 1
    }
}

contains() {
    [[ $1 == *"$2"* ]] || {
        printf '  got %s\n  which lacks %s\n' "${1:-nothing}" "$2" >&2
        return 1
    }
}

# The program's name, as its messages have it.
program_name=${program_name:-train}

# refused TEXT ARGUMENT...: the program must end with status 2, nothing on standard output and one line on standard
# error that starts with its name and contains TEXT.
refused() {
    local text=$1 status=0
    shift
    "${program[@]}" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
    passed_if "status of: $program_name $*" equal "$status" 2
    passed_if "standard output of: $program_name $*" equal "$(cat "$work/out")" ""
    passed_if "number of lines on standard error of: $program_name $*" equal "$(wc -l <"$work/err")" 1
    passed_if "message of: $program_name $*" contains "$(cat "$work/err")" "$program_name: "
    passed_if "message of: $program_name $*" contains "$(cat "$work/err")" "$text"
}

# output_must_be_taken ARGUMENT...: with standard output full or closed, the program ends with status 2 and one line on
# standard error that says so.
output_must_be_taken() {
    local output status
    for output in full closed; do
        status=0
        case $output in
            full) "${program[@]}" "$@" >/dev/full 2>"$work/err" </dev/null || status=$? ;;
            closed) "${program[@]}" "$@" >&- 2>"$work/err" </dev/null || status=$? ;;
        esac
        passed_if "status with $output output of: $program_name $*" equal "$status" 2
        passed_if "number of lines on standard error" equal "$(wc -l <"$work/err")" 1
        passed_if "message" grep -Eq "^$program_name: .*standard output" "$work/err"
    done
}

# weights ARGUMENT...: the hash that the program prints when it is quiet, which must be its only output.
weights() {
    local line
    line=$("${program[@]}" --quiet "$@" </dev/null) || line="status $?"
    if [[ $line =~ ^weights:\ [0-9a-f]{16}$ ]]; then
        printf '%s\n' "${line#weights: }"
    else
        printf 'no hash but: %s\n' "$line"
    fi
}

# same_everywhere HASH ARGUMENT...: the program ends with this hash of its weights on every instruction set that this
# machine can run, and for one thread and two. On a CPU without fused multiply-add the hash is its own.
same_everywhere() {
    local expected=$1 isa threads output ran=0
    shift
    for isa in scalar avx2 avx512 neon; do
        for threads in 1 2; do
            output=$(BACKPROP_ISA=$isa BACKPROP_THREADS=$threads "${program[@]}" "$@" 2>&1 </dev/null) || true
            [[ $output != *"cannot run that instruction set"* ]] || continue
            if [[ $output == *"no fused multiply-add"* && $ran == 0 ]]; then
                expected=$(sed -n 's/^weights: //p' <<<"$output")
            fi
            passed_if "weights on $isa with $threads threads of: $program_name $*" \
                equal "$(sed -n 's/^weights: //p' <<<"$output")" "$expected"
            ran=$((ran + 1))
        done
    done
    passed_if "instruction sets to run on" test $ran -ge 2
}

finish() {
    printf '%d checks, %d failed\n' "$checks" "$failures"
    [[ $checks -gt 0 && $failures -eq 0 ]]
}
