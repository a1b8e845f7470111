#!/usr/bin/env bash
# `train` reads IDX files, plain and compressed, and refuses every broken one with one clear line.
# shellcheck source-path=SCRIPTDIR source=common.bash
source "$(dirname "$0")/common.bash"

# bytes NUMBER...: those bytes, in decimal.
bytes() {
    local byte
    for byte in "$@"; do
        # shellcheck disable=SC2059 # the format is the byte
        printf "\\x$(printf %02x "$byte")"
    done
}

# idx LENGTH...: the header of a file of unsigned bytes with these dimensions.
idx() {
    local length
    bytes 0 0 8 $#
    for length in "$@"; do
        bytes $((length >> 24 & 255)) $((length >> 16 & 255)) $((length >> 8 & 255)) $((length & 255))
    done
}

train_images=train-images-idx3-ubyte
train_labels=train-labels-idx1-ubyte
test_images=t10k-images-idx3-ubyte
test_labels=t10k-labels-idx1-ubyte

# Starts afresh with a good data set: images of 2 x 2, three classes, six samples to train on and three to test.
good_data() {
    rm -rf "$work/data"
    mkdir "$work/data"
    cd "$work/data"
    {
        idx 6 2 2
        bytes {1..24}
    } >$train_images
    {
        idx 6
        bytes 0 1 2 2 1 0
    } >$train_labels
    {
        idx 3 2 2
        bytes {100..111}
    } >$test_images
    {
        idx 3
        bytes 2 0 1
    } >$test_labels
}

arguments=(--data "$work/data" --layers 4-8-3 --epochs 3 --batch 4)
# broken TEXT: the data set, as it now is, must be refused with this text.
broken() {
    refused "$1" "${arguments[@]}"
}

good_data
plain=$(weights "${arguments[@]}")
passed_if "a good data set" equal "${#plain}" 16
passed_if "a limit of all samples" equal "$(weights "${arguments[@]}" --limit 6)" "$plain"
passed_if "a limit above all samples" equal "$(weights "${arguments[@]}" --limit 7)" "$plain"
passed_if "a limit below all samples" test "$(weights "${arguments[@]}" --limit 5)" != "$plain"
gzip ./*
passed_if "a compressed data set" equal "$(weights "${arguments[@]}")" "$plain"

# Names as some archives unpack them, compressed and plain, and zeros after the compressed data.
for name in ./*; do
    mv "$name" "${name/-idx/.idx}"
done
passed_if "names with a dot, compressed" equal "$(weights "${arguments[@]}")" "$plain"
head -c 1000 /dev/zero >>${train_images/-idx/.idx}.gz
passed_if "zeros after the compressed data" equal "$(weights "${arguments[@]}")" "$plain"
echo x >>${train_images/-idx/.idx}.gz
broken "are followed by something else"
good_data
for name in ./*; do
    mv "$name" "${name/-idx/.idx}"
done
passed_if "names with a dot" equal "$(weights "${arguments[@]}")" "$plain"

refused "there is no such folder" --data "$work/nothing"
refused "there is no such folder" --data ""
refused "there is no such folder" --data "$work/data/$train_images.gz"
refused "the name of the folder is too long" --data "$(printf './%.0s' {1..2040})"
for name in $train_images $train_labels $test_images $test_labels; do
    good_data
    rm "$name"
    broken "$name: cannot open: No such file or directory"
    mkdir "$name"
    broken "$name: cannot open: Is a directory"
    rmdir "$name"
    : >"$name"
    broken "$name: the file is truncated"
    echo "What is this?" >"$name"
    broken "$name: not an IDX file (it starts with 57686174)"

    good_data
    truncate -s 3 "$name"
    broken "$name: the file is truncated"
    good_data
    truncate -s 7 "$name"
    broken "$name: the file is truncated"
    good_data
    truncate -s -1 "$name"
    broken "$name: the file is truncated"
    good_data
    bytes 0 >>"$name"
    broken "$name: the file holds more bytes than its header says"

    good_data
    gzip "$name"
    truncate -s -12 "$name.gz"
    broken "$name.gz: "
    good_data
    gzip "$name"
    { # another checksum
        head -c -8 "$name.gz"
        bytes 1 2 3 4
        tail -c 4 "$name.gz"
    } >changed
    mv changed "$name.gz"
    broken "$name.gz: incorrect data check"

    good_data
    { # floats: four times as many bytes
        bytes 0 0 13
        tail -c +4 "$name"
    } >changed
    mv changed "$name"
    broken "$name: the file is truncated"
done

good_data
cp $train_labels $train_images
broken "$train_images: has 1 dimensions instead of 3"
good_data
cp $train_images $train_labels
broken "$train_labels: has 3 dimensions instead of 1"

good_data
idx 0 2 2 >$train_images
idx 0 >$train_labels
broken "holds no items"
for size in "0 4" "4 0"; do
    good_data
    # shellcheck disable=SC2086 # two numbers
    idx 6 $size >$train_images
    broken "$train_images: holds no items"
done
for size in "65536 65536" "1 4294967295"; do
    good_data
    # shellcheck disable=SC2086 # two numbers
    idx 6 $size >$train_images
    broken "$train_images: the file is truncated"
done
good_data
idx 6 4294967295 4294967295 >$train_images
broken "$train_images: the array is too large"
good_data
{
    idx 6 1 3
    bytes {1..18}
} >$train_images
broken "training images have 3 pixels and test images 4"

good_data
{
    idx 5
    bytes 0 1 2 2 1
} >$train_labels
broken "$train_images: has 6 images for 5 labels"
good_data
{
    idx 4
    bytes 0 1 2 2
} >$test_labels
broken "$test_images: has 3 images for 4 labels"
for label in 3 255; do
    good_data
    {
        idx 6
        bytes 0 1 2 2 1 $label
    } >$train_labels
    broken "$train_labels: label $label is out of range for a network with 3 outputs"
    refused "$train_labels: label $label is out of range" "${arguments[@]}" --limit 2
    good_data
    {
        idx 3
        bytes 2 $label 1
    } >$test_labels
    broken "$test_labels: label $label is out of range for a network with 3 outputs"
done

# A header that claims far more than there is: refused after reading what there is, in little memory. (Sanitizers and
# emulators reserve much more: no limit there.)
good_data
memory=1000000
( ulimit -v $memory && "${program[@]}" "${arguments[@]}" --quiet ) >/dev/null 2>&1 || memory=unlimited
for claim in "4294967295 2 2" "4294967295 1024 1024"; do
    # shellcheck disable=SC2086 # three numbers
    idx $claim >$train_images
    bytes {1..24} >>$train_images
    { # refused would count in the subshell of the limit
        printf '#!/bin/sh\nulimit -v %s\nexec "$@"\n' $memory >"$work/limited"
        unlimited=("${program[@]}")
        program=(sh "$work/limited" "${unlimited[@]}")
        broken "$train_images: the file is truncated"
        program=("${unlimited[@]}")
    }
done
idx 4294967295 >$train_labels
broken "$train_labels: the file is truncated"
finish
