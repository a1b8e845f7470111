#!/usr/bin/env bash
# A bpcheck that has broken kernels in it finds each, goes on after a crash, and runs any failed case again.
program_name=bpcheck_broken
# shellcheck source-path=SCRIPTDIR/../examples source=common.bash
source "$(dirname "$0")/../examples/common.bash"

# found WHAT KERNEL TEXT: with WHAT broken, cases of KERNEL fail, the others pass; the first report has TEXT, and the
# case that it names fails when it runs alone, and passes when nothing is broken.
found() {
    local status=0 again
    export BPCHECK_BROKEN=$1
    "${program[@]}" --kernel "$2" --seed 7 >"$work/out" 2>"$work/err" </dev/null || status=$?
    passed_if "$1: status" equal "$status" 1
    passed_if "$1: its report" contains "$(cat "$work/err")" "$3"
    passed_if "$1: a round all the same" \
        grep -Eq '^[0-9]+ cases in 1 round, [0-9.]+ s: [1-9][0-9]* failed$' "$work/out"
    passed_if "$1: counts" grep -q "^$2 .* [1-9][0-9]* FAILED/100" "$work/out"
    again=$(sed -n 's/^  again: bpcheck //p' "$work/err" | head -1)
    status=0
    # shellcheck disable=SC2086 # options and their values
    "${program[@]}" $again >"$work/out" 2>"$work/err" </dev/null || status=$?
    passed_if "$1: status of: $again" equal "$status" 1
    passed_if "$1: one case, on its table and the small one" \
        grep -Eq '^[12] cases in 1 round, [0-9.]+ s: 1 failed$' "$work/out"
    passed_if "$1: its report again" grep -qF "  again: bpcheck $again" "$work/err"
    status=0
    # shellcheck disable=SC2086
    BPCHECK_BROKEN='' "${program[@]}" $again >"$work/out" 2>"$work/err" </dev/null || status=$?
    passed_if "nothing broken: status of: $again" equal "$status" 0
    passed_if "nothing broken: one case, on its table and the small one" \
        grep -Eq '^[12] cases in 1 round, [0-9.]+ s: 0 failed$' "$work/out"
}

found ulp softmax "1 ULP apart"
found crash sgd "SIGSEGV at 0x40, near no operand"
if [[ ${BACKPROP_TEST_QUICK:-0} == 0 ]]; then
    found read activate "SIGSEGV 1 bytes past the memory of"
    found update network "parameters: "
fi

# The other kernels do not suffer from it, and JSON tells the same.
export BPCHECK_BROKEN=crash
status=0
"${program[@]}" --kernel sgd --seed 7 --repeat 3 --json >"$work/json" 2>/dev/null </dev/null || status=$?
passed_if "status with --json" equal "$status" 1
passed_if "failures in JSON" python3 - "$work/json" <<'PYTHON'
import json, sys
d = json.load(open(sys.argv[1]))
failed = {table: count["failed"] for table, count in d["cases"]["sgd"].items() if count["failed"]}
first = d["failures"][0]
assert d["rounds"] == 1 and len(failed) == 1 and first["isa"] in failed, d
assert first["case"].startswith("sgd/") and first["seed"] == "0x7" and len(d["failures"]) == 10, d
PYTHON
status=0
"${program[@]}" --kernel sum --seed 7 >"$work/out" 2>&1 </dev/null || status=$?
passed_if "another kernel passes" equal "$status" 0

if [[ ${BACKPROP_TEST_QUICK:-0} == 0 ]]; then
    status=0
    BPCHECK_BROKEN="hash" "${program[@]}" --seed 7 >"$work/out" 2>&1 </dev/null || status=$?
    passed_if "wrong hashes: status" equal "$status" 1
    passed_if "wrong hashes are called so" grep -q '^WRONG on ' "$work/out"
fi
finish
