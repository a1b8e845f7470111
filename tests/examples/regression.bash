#!/usr/bin/env bash
# `regression` learns its table, with the same bits everywhere, and refuses broken ones with one clear line.
# shellcheck source-path=SCRIPTDIR source=common.bash
program_name=regression
source "$(dirname "$0")/common.bash"

same_everywhere 6e094b8c3724d9fd --epochs 3

if [[ ${BACKPROP_TEST_QUICK:-0} != 1 ]]; then
    output=$("${program[@]}")
    tail -n 3 <<<"$output"
    explained=$(sed -n 's/^distance \[m\] of 120 other rows: .*R^2 \([0-9.]*\)$/\1/p' <<<"$output")
    passed_if "R^2 of rows that it was not trained on" awk -v r2="$explained" 'BEGIN { exit !(r2 >= 0.995) }'
fi

# A table of its own: y = 2 a - b.
cd "$work"
{
    echo "a,b,y"
    for k in {1..140}; do
        echo "$((k % 7)),$((k % 5)),$((2 * (k % 7) - k % 5))"
    done
} >table.csv
output=$("${program[@]}" --data table.csv --epochs 200 --patience 200)
passed_if "a plane is learned" grep -qE '^y of 21 other rows: .*R\^2 0\.99' <<<"$output"

sed '9s/^[0-9]*/ ?/' table.csv >gaps.csv
output=$("${program[@]}" --data gaps.csv --epochs 200 --patience 200)
passed_if "a plane is learned with a number missing" grep -qE '^y of 21 other rows: .*R\^2 0\.9' <<<"$output"
sed '9s/[0-9-]*$//' table.csv >broken.csv
refused "broken.csv: row 8 lacks its target" --data broken.csv
sed 's/^3,3,3$/3,three,3/' table.csv >broken.csv
refused "broken.csv: line 4, column 2: " --data broken.csv
sed '7s/$/,1/' table.csv >broken.csv
refused "broken.csv: " --data broken.csv
head -n 12 table.csv >broken.csv
refused "broken.csv: needs 20 rows" --data broken.csv
refused "nothing.csv: " --data nothing.csv
refused "--epochs 0: not a whole number from 1 to" --epochs 0
refused "--epochs: its value is missing" --epochs
refused "--rate: unknown option" --rate 1
passed_if "--help names its options" contains "$("${program[@]}" --help)" "--patience"
finish
