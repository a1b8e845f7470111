#!/usr/bin/env bash
# With its defaults `train` reaches the promised accuracy.
# shellcheck source-path=SCRIPTDIR source=common.bash
source "$(dirname "$0")/common.bash"

# reaches PERCENT ARGUMENT...
reaches() {
    local least=$1 output accuracy
    shift
    output=$("${program[@]}" "$@")
    accuracy=$(sed -n 's/^epoch \([0-9]*\)\/\1: .*test accuracy \([0-9.]*\) %.*/\2/p' <<<"$output")
    printf 'test accuracy %s %% with: train %s\n' "$accuracy" "$*"
    awk -v accuracy="$accuracy" -v least="$least" 'BEGIN { exit !(accuracy >= least) }'
}

passed_if "accuracy on the spirals" reaches 99 --data spirals
if [[ ! -e /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ]]; then
    echo "Fashion-MNIST is not installed"
elif [[ ${BACKPROP_TEST_QUICK:-0} == 1 ]]; then
    echo "Fashion-MNIST is left out of quick runs"
elif [[ $("${program[@]}" --data spirals --limit 1 --epochs 1) == *"instruction set scalar"* ]]; then
    echo "Fashion-MNIST takes minutes with the scalar instruction set"
else
    passed_if "accuracy on Fashion-MNIST" reaches 88
    passed_if "with AdamW, dropout and a schedule" reaches 89.5 --optimizer adamw --weight-decay 0.01 --dropout 0.2 \
        --smoothing 0.1 --schedule cosine --activation silu --normalize --epochs 20
fi
finish
