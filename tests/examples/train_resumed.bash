#!/usr/bin/env bash
# A training that goes on from a checkpoint ends with the weights of one that was never interrupted.
# shellcheck source-path=SCRIPTDIR source=common.bash
source "$(dirname "$0")/common.bash"
cd "$work"

# interrupted OPTION...: stops after two of five epochs, and goes on from there; once more, after the fourth.
interrupted() {
    local options=(--data spirals --limit 600 --epochs 5 "$@") whole
    whole=$(weights "${options[@]}")
    "${program[@]}" "${options[@]}" --stop-after 2 --save state >/dev/null
    passed_if "resumed: $*" equal "$(weights "${options[@]}" --load state)" "$whole"
    "${program[@]}" "${options[@]}" --stop-after 4 --load state --save state >/dev/null
    passed_if "resumed twice: $*" equal "$(weights "${options[@]}" --load state)" "$whole"
    passed_if "stopped: $*" test "$(weights "${options[@]}" --stop-after 4)" != "$whole"
}

interrupted
interrupted --optimizer adamw --weight-decay 0.01 --dropout 0.2 --layer-norm --schedule cosine
interrupted --optimizer adamw --weight-decay 0.1 --weight-decay-of weights --schedule warm-restarts
interrupted --optimizer momentum --normalize --schedule step --activation tanh

"${program[@]}" --data spirals --limit 600 --epochs 2 --save state >/dev/null
refused "--load state: has 2 of 2 epochs behind it" --data spirals --limit 600 --epochs 2 --load state --quiet
refused "--load state: was not written after whole epochs of 3 steps" --data spirals --limit 600 --epochs 9 --batch 250 \
    --load state --quiet
refused "--load state: " --data spirals --limit 600 --layers 2-8-2 --load state --quiet
echo nonsense >state
refused "--load state: " --data spirals --limit 600 --load state --quiet
finish
