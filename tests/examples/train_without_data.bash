#!/usr/bin/env bash
# Where no data set is installed `train` says so, and trains on the spirals. The program is a copy of it that looks for
# its data set in a folder that is nowhere.
# shellcheck source-path=SCRIPTDIR source=common.bash
source "$(dirname "$0")/common.bash"
notice="no data set in /nowhere (Debian package dataset-fashion-mnist): training on spirals"
short=(--limit 600 --epochs 1)

output=$("${program[@]}" "${short[@]}")
passed_if "it says so" contains "$output" "$notice"
passed_if "it trains on the spirals" contains "$output" "data: spirals, "
quiet=$("${program[@]}" "${short[@]}" --quiet 2>"$work/err")
passed_if "when quiet it says so on standard error" equal "$(cat "$work/err")" "$notice"
passed_if "and prints the weights" equal "$quiet" "$(tail -n 1 <<<"$output")"
passed_if "which are those of the spirals" equal "weights: $(weights "${short[@]}" --data spirals)" "$quiet"
refused "--layers 784-10: the data has 2 inputs" --layers 784-10
finish
