#!/usr/bin/env bash
# bpcheck finds nothing wrong here, and says so in words and in JSON. Arguments: README, then the program after its
# emulator, if any.
readme=$1
shift
program_name=bpcheck
# shellcheck source-path=SCRIPTDIR/../examples source=common.bash
source "$(dirname "$0")/../examples/common.bash"

# json EXPRESSION: its value in Python, with the object in $work/json as d.
json() {
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$work/json" "$1"
}

# checked TEXT ARGUMENT...: the program ends with status 0 and nothing on standard error; its output is in $work/out.
checked() {
    local text=$1
    shift
    passed_if "$text" "${program[@]}" "$@" >"$work/out" 2>"$work/err" </dev/null
    passed_if "no message of: $program_name $*" equal "$(cat "$work/err")" ""
}

if [[ ${BACKPROP_TEST_QUICK:-0} == 0 ]]; then
    checked "a round of everything" --seed 1
    cat "$work/out"
    passed_if "nothing failed" grep -Eq '^[0-9]+ cases in 1 round, [0-9.]+ s: 0 failed$' "$work/out"
    passed_if "six hashes" equal "$(grep -Ec '^[a-z]+ +[0-9a-f]{16}$' "$work/out")" 6
    while IFS= read -r line; do
        passed_if "the README has the line: $line" grep -qxF "$line" "$readme"
    done < <(grep -E '^[a-z]+ +[0-9a-f]{16}$' "$work/out")
    passed_if "they are right" grep -Eq '^right on ' "$work/out"

    cp "$work/out" "$work/words"
    checked "all in JSON" --json --bench --seed 1
    cp "$work/out" "$work/json"
    passed_if "kernels" equal "$(json 'len(d["cases"])')" 23
    passed_if "cases of each kernel on each table" equal \
        "$(json 'min(t["run"] for k in d["cases"].values() for t in k.values())')" 100
    passed_if "the same cases in words and in JSON" grep -q \
        "^$(json 'sum(t["run"] for k in d["cases"].values() for t in k.values())') cases" "$work/words"
    passed_if "none failed" equal "$(json 'sum(t["failed"] for k in d["cases"].values() for t in k.values())')" 0
    passed_if "no failures" equal "$(json 'd["failures"]')" "[]"
    passed_if "hashes on each instruction set" equal \
        "$(json 'len(d["golden"]) == len(d["nanoseconds"]["sum"]) >= 1')" True
    passed_if "all of them right" equal "$(json 'sum(g["wrong"] for g in d["golden"])')" 0
    passed_if "times of each kernel" equal \
        "$(json 'min(t for k in d["nanoseconds"].values() for t in k.values()) > 0')" True
fi

# One kernel, for emulators.
checked "one kernel" --kernel softmax --seed 0x2a
passed_if "it is the only one" equal "$(grep -Ec '^[a-z_]+ +([0-9]+ *)+$' "$work/out")" 1
passed_if "no hashes with it" test -z "$(grep hash "$work/out" || true)"
passed_if "the seed is printed" grep -q "^bpcheck [0-9.]*, seed 0x2a$" "$work/out"
checked "networks" --kernel network --seed 3 --isa public
checked "two rounds in JSON" --kernel sum --json --repeat 2 --seed 42
cp "$work/out" "$work/json"
passed_if "rounds" equal "$(json '(d["rounds"], int(d["seed"], 16), list(d["cases"]))')" "(2, 42, ['sum'])"
passed_if "cases of two rounds" equal "$(json 'set(t["run"] for t in d["cases"]["sum"].values())')" "{200}"
checked "the same once more" --kernel sum --json --repeat 2 --seed 42
passed_if "gives the same" diff <(grep -v '"seconds"' "$work/out") <(grep -v '"seconds"' "$work/json")
checked "some minutes" --kernel sum --minutes 0.01 --json
cp "$work/out" "$work/json"
passed_if "last so long" equal "$(json 'd["seconds"] >= 0.6 and d["rounds"] >= 1')" True
checked "one instruction set" --kernel sum --isa scalar
passed_if "is all there is" grep -Eq '^cases +scalar$' "$work/out"
checked "times" --kernel sum --bench
passed_if "are in words, too" grep -Eq '^sum +[0-9.]+ +1\.0 x' "$work/out"
finish
