#!/usr/bin/env bash
# What `train` prints: plain lines into a file, a progress bar on a terminal, and the unusual endings.
# shellcheck source-path=SCRIPTDIR source=common.bash
source "$(dirname "$0")/common.bash"
program+=(--data spirals --limit 600 --epochs 2)
control=$'[\r\e]'

plain=$("${program[@]}")
echo "$plain"
passed_if "no control characters in a file" test "${plain//$control/}" = "$plain"
lines=(
    '^backprop [0-9.]+: instruction set [a-z0-9]+, [0-9]+ threads?$'
    '^data: spirals, 600 training and 2000 test samples$'
    '^network: 2-64-64-2 relu, 4482 parameters, batch 64, sgd, learning rate 0\.1, seed 1$'
    '^epoch 1/2: train loss [0-9]\.[0-9]{4}, test accuracy [0-9.]+ %, [0-9]+ samples/s$'
    '^epoch 2/2: train loss [0-9]\.[0-9]{4}, test accuracy [0-9.]+ %, [0-9]+ samples/s$'
    '^throughput: [0-9]+\.[0-9]{2} GFLOP/s over [0-9.]+ s of training$'
    '^weights: [0-9a-f]{16}$'
)
passed_if "number of lines" equal "$(grep -vc '^note: ' <<<"$plain")" "${#lines[@]}"
for line in "${lines[@]}"; do
    passed_if "a line like $line" grep -qE "$line" <<<"$plain"
done
passed_if "no larger batch than there are samples" contains "$("${program[@]}" --limit 5)" " parameters, batch 5, "
hash=$(tail -n 1 <<<"$plain")
passed_if "--quiet prints the last line only" equal "$("${program[@]}" --quiet)" "$hash"

# script runs a command on a terminal of its own.
on_terminal() {
    TERM=$1 script -qec "$(printf '%q ' "${program[@]}")" /dev/null </dev/null
}
if script -qec true /dev/null </dev/null >/dev/null 2>&1; then
    drawn=$(on_terminal xterm)
    passed_if "a full bar on a terminal" contains "$drawn" "epoch 1/2 [====="
    passed_if "loss and speed beside the bar" grep -qE '100 %  loss [0-9.]+  [0-9]+ samples/s' <<<"$drawn"
    passed_if "the bar is removed" contains "$drawn" $'\r\e[Kepoch 2/2: train loss'
    passed_if "the same weights on a terminal" contains "$drawn" "$hash"
    dumb=$(on_terminal dumb)
    passed_if "no bar on a dumb terminal" equal "${dumb//$'\e'/}" "$dumb"
    passed_if "the same weights on a dumb terminal" contains "$dumb" "$hash"
else
    echo "left out: the bar on a terminal (no program script, or /dev/pts is not mounted)"
fi

status=0
wild=$("${program[@]}" --learning-rate 1e30 2>&1) || status=$?
passed_if "status of a training that diverges" equal "$status" 2
passed_if "a number that is not finite is said" grep -qE 'in epoch 0, step [0-9]+ of 10 .*a lower --learning-rate may help' <<<"$wild"

status=0
"${program[@]}" >/dev/full 2>"$work/err" || status=$?
passed_if "status with a full disk" equal "$status" 2
passed_if "message with a full disk" equal "$(cat "$work/err")" "train: cannot write to standard output"
finish
