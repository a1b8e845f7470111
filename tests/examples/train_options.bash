#!/usr/bin/env bash
# Every wrong option of `train` gives one clear line and status 2.
# shellcheck source-path=SCRIPTDIR source=common.bash
source "$(dirname "$0")/common.bash"
program+=(--data spirals --limit 64 --epochs 1) # short, should a wrong option be taken

refused "--epoch: unknown option" --epoch 3
refused "stray: unknown option" stray
refused "-: unknown option" -
for option in data layers activation dropout loss smoothing epochs batch optimizer weight-decay weight-decay-of learning-rate schedule warmup \
    stop-after save load isa threads seed limit; do
    refused "--$option: its value is missing" "--$option"
done

for option in epochs stop-after batch threads limit; do
    for value in "" x 12x " 12" +3 -3 0 1.5 1e3 0x10 4000000000 18446744073709551617 99999999999999999999; do
        refused "--$option $value: not a whole number from 1 to" "--$option" "$value"
    done
done
for value in "" x -1 1x 18446744073709551616 99999999999999999999; do
    refused "--seed $value: not a whole number from 0 to 18446744073709551615" --seed "$value"
done
for value in "" x 0 0.0 -0.1 +0.1 " 0.1" 0.1x 0.1,5 1e inf nan 1e99 1e-99; do
    refused "--learning-rate $value: not a finite number above zero" --learning-rate "$value"
done

for value in "" x -1 1 1.5 inf nan; do
    refused "--dropout $value: not a number from 0 to below 1" --dropout "$value"
done
for value in "" x -1 1.5 inf nan; do
    refused "--smoothing $value: not a number from 0 to 1" --smoothing "$value"
done
for value in "" x -1 inf nan 1e99; do
    refused "--weight-decay $value: not a finite number, zero or more" --weight-decay "$value"
done
for value in "" sgdx SGD; do
    refused "--optimizer $value: unknown; the optimizers are sgd momentum nesterov" --optimizer "$value"
    refused "--schedule $value: unknown; the schedules are constant step linear" --schedule "$value"
    refused "--weight-decay-of $value: unknown; the choices are all weights" --weight-decay-of "$value"
    refused "--loss $value: unknown; the losses of labels are softmax-cross-entropy multiclass-hinge" --loss "$value"
done
refused "--loss mse: unknown" --loss mse
for value in "" x -1 1.5; do
    refused "--warmup $value: not a whole number from 0 to" --warmup "$value" --schedule cosine
done
refused "--warmup: needs a --schedule" --warmup 3
refused "--warmup 1: too many for 1 steps in all" --warmup 1 --schedule cosine --quiet
refused "--save /nowhere/file: " --save /nowhere/file --quiet
refused "--load /nowhere/file: " --load /nowhere/file --quiet

for value in "" relux RELU; do
    refused "--activation $value: unknown; the activations are identity relu leaky-relu sigmoid tanh" --activation "$value"
done

for value in "" 2 2- -2 2--2 2-0-2 2-a-2 2-8-2x 2-+8-2 2-70000-2 99999999999999999999-2; do
    refused "--layers $value: " --layers "$value"
done
refused "more than 64 layers" --layers "2$(printf -- '-8%.0s' {1..64})-2"
refused "--layers 3-8-2: the data has 2 inputs" --layers 3-8-2
refused "--layers 2-8-3: the data has 2 classes" --layers 2-8-3
refused "label 1 is out of range for a network with 1 outputs" --layers 2-8-1
refused "cannot make the network: an allocation failed" --layers "2$(printf -- '-65536%.0s' {1..63})-2" # a terabyte

names="scalar, avx2, avx512, neon"
for value in "" sse AVX2 scalar,avx2; do
    refused "--isa $value: unknown instruction set; valid names: $names" --isa "$value"
done
BACKPROP_ISA=sse refused "BACKPROP_ISA=sse: unknown instruction set; valid names: $names"
foreign=neon
! "${program[@]}" --isa neon --quiet >"$work/out" 2>&1 || foreign=avx512 # an AArch64 machine then
refused "--isa $foreign: this machine cannot run that instruction set; valid here: scalar" --isa "$foreign"
BACKPROP_ISA=$foreign refused "BACKPROP_ISA=$foreign: this machine cannot run that instruction set; valid here: scalar"
for value in x 0 -1 1x; do
    BACKPROP_THREADS=$value refused "BACKPROP_THREADS is \"$value\", and must be a whole number, at least 1" --layers 2-8-2
done

# The limits themselves are accepted.
passed_if "largest seed" contains "$(weights --seed 18446744073709551615 | wc -c)" 17
passed_if "smallest seed" contains "$(weights --seed 0 --batch 1000000000 --learning-rate .5 | wc -c)" 17

help=$("${program[@]}" --help)
for option in data layers activation dropout layer-norm loss smoothing epochs batch optimizer weight-decay weight-decay-of learning-rate schedule \
    warmup stop-after save load isa threads seed limit normalize quiet help; do
    passed_if "--help names --$option" contains "$help" "  --$option "
done
finish
