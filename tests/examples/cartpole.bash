#!/usr/bin/env bash
# `cartpole` learns to balance its pole, with the same bits everywhere.
# shellcheck source-path=SCRIPTDIR source=common.bash
program_name=cartpole
source "$(dirname "$0")/common.bash"

same_everywhere bbde65aae5428a80 --iterations 1
passed_if "another seed gives other weights" \
    test "$("${program[@]}" --iterations 1 | tail -n 1)" != "$("${program[@]}" --iterations 1 --seed 2 | tail -n 1)"

if [[ ${BACKPROP_TEST_QUICK:-0} != 1 ]]; then
    output=$("${program[@]}")
    tail -n 4 <<<"$output"
    ticks=$(sed -n 's/^balanced for \([0-9.]*\) of 500 ticks$/\1/p' <<<"$output")
    passed_if "ticks for which it balances" awk -v ticks="$ticks" 'BEGIN { exit !(ticks >= 475) }'
    # Whoever balances pushes to where the pole falls.
    passed_if "the angle's sign" grep -qE 'the angle by \+[0-9.]+, the angular velocity by \+' <<<"$output"
fi

refused "--iterations 0: not a whole number from 1 to" --iterations 0
refused "--seed -1: not a whole number from 0 to" --seed -1
refused "--seed 18446744073709551616: not a whole number from 0 to" --seed 18446744073709551616
refused "--batch: unknown option" --batch 1
finish
