#!/usr/bin/env bash
# Fuzzes: tests/fuzz/run.sh all|FUZZER [MINUTES]
#
# Builds the preset `fuzz`, then runs one fuzzer, or all of them one after the other, for so many minutes each (10).
# What fails lies in build/fuzz/findings afterwards, with the logs; inputs that reached new code in build/fuzz/corpus,
# where the next run goes on from them. The exit status tells whether anything failed.
#
#        tests/fuzz/run.sh keep FUZZER
#
# Chooses a few of those inputs, small ones that together reach the most, and adds them to tests/fuzz/corpus.
#
# FUZZ_BUILD names another build folder, one that is built already.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/fuzz
build=${FUZZ_BUILD:-build/fuzz}

fuzzers() {
    sed -n 's/^backprop_add_fuzzer(\([a-z_]*\).*/\1/p' $here/CMakeLists.txt
}

usage() {
    echo "usage: $0 all|FUZZER [MINUTES], or $0 keep FUZZER; fuzzers: $(fuzzers | xargs)" >&2
    exit 2
}

# Longest inputs in bytes: what libFuzzer would take otherwise, 4096, is a long walk for calls that read some dozens.
longest() {
    case $1 in
    calls | network | tables) echo 512 ;;
    data | fit) echo 256 ;;
    *) echo 4096 ;;
    esac
}

# Inputs of calls are as long as they may be from the start: short ones end before the last array.
growth() {
    case $1 in
    calls | data | network | fit | tables) echo 0 ;;
    *) echo 100 ;;
    esac
}

# Largest allocation in MiB: a compressed IDX file grows up to 1032 times, networks have scratch for blocks.
largest() {
    case $1 in
    idx | network | fit) echo 64 ;;
    *) echo 8 ;;
    esac
}

run() {
    local name=$1 minutes=$2 dictionary=()
    mkdir -p "$build/corpus/$name" "$build/findings"
    if [[ -e $here/$name.dict ]]; then dictionary=("-dict=$here/$name.dict"); fi
    echo "== $name, $minutes minutes"
    "$build/tests/fuzz/fuzz_$name" "${dictionary[@]}" -max_total_time=$((60 * minutes)) -timeout=20 -rss_limit_mb=1024 \
        -malloc_limit_mb="$(largest "$name")" -max_len="$(longest "$name")" -len_control="$(growth "$name")" \
        -artifact_prefix="$build/findings/$name-" -print_final_stats=1 \
        "$build/corpus/$name" "$here/corpus/$name" 2>&1 |
        tee "$build/findings/$name.log" | grep --line-buffered -E "INITED|pulse|ERROR|broken|SUMMARY|stat::|DONE"
}

# Inputs of at most 1 KiB that reach something that those in the tree do not, at most ten of them.
keep() {
    local name=$1 chosen=$build/chosen
    rm -rf "$chosen"
    mkdir -p "$chosen"
    find "$here/corpus/$name" -type f -exec cp -t "$chosen" {} +
    "$build/tests/fuzz/fuzz_$name" -set_cover_merge=1 -use_counters=0 -max_len=1024 "$chosen" "$build/corpus/$name"
    find "$chosen" -type f -printf '%T@ %f\n' | sort -n | cut -d' ' -f2 | while read -r file; do
        if [[ ! -e $here/corpus/$name/$file ]]; then echo "$file"; fi
    done | head -n 10 | while read -r file; do
        cp "$chosen/$file" "$here/corpus/$name/${file:0:12}"
    done
}

if [[ $# -lt 1 || $# -gt 2 ]]; then usage; fi
# Freed memory kept by ASan counts against the limit for all.
export ASAN_OPTIONS=quarantine_size_mb=16:detect_stack_use_after_return=0
if [[ -z ${FUZZ_BUILD:-} ]]; then
    cmake --preset fuzz > /dev/null
    cmake --build --preset fuzz
fi

case $1 in
keep)
    keep "${2:?a fuzzer}"
    ;;
all)
    failed=()
    for name in $(fuzzers); do run "$name" "${2:-10}" || failed+=("$name"); done
    if [[ ${#failed[@]} -gt 0 ]]; then
        echo "failed: ${failed[*]}; see $build/findings" >&2
        exit 1
    fi
    ;;
*)
    if ! fuzzers | grep -qx "$1"; then usage; fi
    run "$1" "${2:-10}"
    ;;
esac
