#!/usr/bin/env bash
# Fuzzes: tests/fuzz/run.sh all|FUZZER [MINUTES]. Builds the preset `fuzz`, then runs one fuzzer, or all of them one after
# the other, for that many minutes each (10). What they find lies in build/fuzz/findings, new inputs in build/fuzz/corpus.
# FUZZ_BUILD: another build folder that is configured and built already.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/fuzz
build=${FUZZ_BUILD:-build/fuzz}

names() {
    sed -n 's/^backprop_add_fuzzer(\([a-z_]*\).*/\1/p' $here/CMakeLists.txt
}

if [[ $# -lt 1 || $# -gt 2 ]]; then
    echo "usage: $0 all|FUZZER [MINUTES]; fuzzers:" $(names) >&2
    exit 2
fi
minutes=${2:-10}
if [[ $1 = all ]]; then fuzzers=$(names); else fuzzers=$1; fi

if [[ -z ${FUZZ_BUILD:-} ]]; then
    cmake --preset fuzz > /dev/null
    cmake --build --preset fuzz
fi

# The largest allocation in MiB: compressed IDX files grow, checked calls refuse what is larger.
declare -A allocation=([idx]=64 [network]=64 [fit]=64)
# Longest inputs in bytes, where libFuzzer's 4096 are more than a few calls need.
declare -A length=([network]=512 [fit]=256 [calls]=512 [data]=256 [tables]=512)
# ASan keeps freed memory for long by default, more than the limit for all.
export ASAN_OPTIONS=quarantine_size_mb=16:allocator_may_return_null=1:detect_stack_use_after_return=0

mkdir -p "$build/findings"
for name in $fuzzers; do
    mkdir -p "$build/corpus/$name"
    dictionary=()
    if [[ -e $here/$name.dict ]]; then dictionary=("-dict=$here/$name.dict"); fi
    "$build/tests/fuzz/fuzz_$name" "${dictionary[@]}" -max_total_time=$((60 * minutes)) -timeout=10 -print_final_stats=1 \
        -rss_limit_mb=1024 -malloc_limit_mb="${allocation[$name]:-8}" -max_len="${length[$name]:-4096}" \
        -artifact_prefix="$build/findings/$name-" "$build/corpus/$name" "$here/corpus/$name" 2>&1 |
        tee "$build/findings/$name.log" | grep --line-buffered -E "INITED|pulse|ERROR|broken|SUMMARY|stat::|DONE"
done
