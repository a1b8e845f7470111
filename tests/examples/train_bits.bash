#!/usr/bin/env bash
# Training gives the same weights, bit for bit, on every instruction set that this machine can run and for every number
# of threads: those stored here, which do not depend on the machine either.
# shellcheck source-path=SCRIPTDIR source=common.bash
source "$(dirname "$0")/common.bash"

# Every machine refuses one of these two, and then says which ones it can run.
if message=$("${program[@]}" --isa neon --data spirals --limit 1 2>&1); then
    message=$("${program[@]}" --isa avx2 --data spirals --limit 1 2>&1) || true
fi
IFS=', ' read -r -a isas <<<"${message#*valid here: }"
printf 'instruction sets here: %s\n' "${isas[*]}"
passed_if "scalar is the first of them" equal "${isas[0]}" scalar
plan=$("${program[@]}" --data spirals --limit 1 --epochs 1)

# same HASH ARGUMENT...: the weights of this training on every instruction set and for 1, 2 and 3 threads.
same() {
    local expected=$1 isa threads
    shift
    if [[ $plan == *"no fused multiply-add"* ]]; then # other bits than elsewhere, and equal among themselves
        expected=$(weights --isa scalar --threads 1 "$@")
    fi
    for isa in "${isas[@]}"; do
        for threads in 1 2 3; do
            passed_if "weights of --isa $isa --threads $threads $*" \
                equal "$(weights --isa "$isa" --threads "$threads" "$@")" "$expected"
        done
    done
}

for isa in "${isas[@]}"; do
    plan=$("${program[@]}" --isa "$isa" --data spirals --limit 1 --epochs 1)
    passed_if "--isa $isa runs that" contains "$plan" "instruction set $isa,"
    plan=$(BACKPROP_ISA=$isa "${program[@]}" --data spirals --limit 1 --epochs 1)
    passed_if "BACKPROP_ISA=$isa runs that" contains "$plan" "instruction set $isa,"
done

same 466d4606366f28f8 --data spirals --epochs 1 --limit 600 --seed 7
same 55d7ce45e898d5e1 --data spirals --epochs 1 --limit 600 --seed 7 --activation tanh --batch 100 --layers 2-33-17-2
same 8111e4dc4003fa0b --data spirals --epochs 3 --limit 600 --layers 2-33-17-2 --optimizer adamw --weight-decay 0.01 \
    --dropout 0.2 --layer-norm --activation gelu --normalize --smoothing 0.1 --schedule one-cycle
same a299268119ea3f35 --data spirals --epochs 2 --limit 600 --optimizer lion --loss multiclass-hinge \
    --schedule cosine --warmup 5 --activation mish
for change in "--seed 8" "--epochs 2" "--limit 599" "--learning-rate 0.2" "--batch 63" "--dropout 0.1" "--layer-norm" \
    "--normalize" "--optimizer momentum" "--weight-decay 0.1" "--smoothing 0.1" "--schedule step" \
    "--schedule exponential" "--schedule multi-step" "--schedule warm-restarts" \
    "--optimizer adamw --weight-decay 0.1 --weight-decay-of weights" \
    "--loss multiclass-hinge" "--activation silu"; do
    # shellcheck disable=SC2086 # an option and its value
    passed_if "$change gives other weights" \
        test "$(weights --data spirals --epochs 1 --limit 600 --seed 7 $change)" != 466d4606366f28f8
done

if [[ -e /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ]]; then
    same 17c91a37ef532a3c --epochs 1 --limit 600 --seed 7 --layers 784-32-10
    if [[ ${BACKPROP_TEST_QUICK:-0} != 1 ]]; then
        same 2f551d5d90f455da --epochs 1 --limit 6000 --seed 7
    fi
fi
finish
