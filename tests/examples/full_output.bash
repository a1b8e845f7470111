#!/usr/bin/env bash
# Programs whose standard output is full or closed say so and end with status 2, whatever they print. A checkpoint that
# is written meanwhile is the same.
# shellcheck source-path=SCRIPTDIR source=common.bash
program_name=${NAME:?}
source "$(dirname "$0")/common.bash"
cd "$work"

case $program_name in
    train)
        data=(--data spirals --limit 300 --epochs 1)
        output_must_be_taken "${data[@]}"
        output_must_be_taken "${data[@]}" --quiet
        "${program[@]}" "${data[@]}" --save expected >/dev/null
        output_must_be_taken "${data[@]}" --save checkpoint
        passed_if "the checkpoint" cmp expected checkpoint
        ;;
    autoencoder) output_must_be_taken --limit 30 --epochs 1 ;;
    cartpole) output_must_be_taken --iterations 1 ;;
    regression) output_must_be_taken ;;
    worked_example) output_must_be_taken ;;
    bpcheck)
        output_must_be_taken --kernel sum
        output_must_be_taken --kernel sum --json
        output_must_be_taken --version
        ;;
esac
[[ $program_name == worked_example ]] || output_must_be_taken --help
finish
