#!/usr/bin/env bash
# A step on one thread makes no system call: strace sees none between the marks that the program sets.
# Argument: the program, test_step_calls.
set -euo pipefail
program=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

skip() {
    printf 'SKIPPED, system calls cannot be traced here: %s\n' "$1" >&2
    exit 77
}
command -v strace >/dev/null || skip "there is no strace (Debian: strace)"
strace -o "$log" true 2>/dev/null || skip "$(strace -o "$log" true 2>&1 | head -n 1)"

# calls_between_marks OPTION: those of all threads, one a line. Fails unless there are eight pairs of marks.
calls_between_marks() {
    strace -f -o "$log" "$program" "$1" >/dev/null
    awk '/write\(-1, "steps begin"/ { inside = 1; begun++; next }
         /write\(-1, "steps end"/ { inside = 0; ended++; next }
         inside
         END { exit !(begun == 8 && ended == 8) }' "$log" || {
        printf 'FAILED: the marks of eight networks are not in what strace shows\n' >&2
        return 1
    }
}

seen=$(calls_between_marks --call)
[[ $(grep -c 'getppid()' <<<"$seen") == 8 ]] || {
    printf 'FAILED: a system call between the marks was not seen\n' >&2
    exit 1
}
seen=$(calls_between_marks --between-marks)
[[ -z $seen ]] || {
    printf 'FAILED: system calls inside steps:\n%s\n' "$seen" >&2
    exit 1
}
echo "no system call inside a step"
