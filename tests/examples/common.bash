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

# refused TEXT ARGUMENT...: the program must end with status 2, nothing on standard output and one line on standard
# error that starts with its name and contains TEXT.
refused() {
    local text=$1 status=0
    shift
    "${program[@]}" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
    passed_if "status of: train $*" equal "$status" 2
    passed_if "standard output of: train $*" equal "$(cat "$work/out")" ""
    passed_if "number of lines on standard error of: train $*" equal "$(wc -l <"$work/err")" 1
    passed_if "message of: train $*" contains "$(cat "$work/err")" "train: "
    passed_if "message of: train $*" contains "$(cat "$work/err")" "$text"
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

finish() {
    printf '%d checks, %d failed\n' "$checks" "$failures"
    [[ $checks -gt 0 && $failures -eq 0 ]]
}
