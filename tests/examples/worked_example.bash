#!/usr/bin/env bash
# Each value that worked_example prints is the one computed by hand, and none is left out on either side.
# shellcheck source-path=SCRIPTDIR source=common.bash
source "$(dirname "$0")/common.bash"

output=$("${program[@]}") || passed_if "status of the program" false
echo "$output"
while read -r name value _; do
    [[ -n $name && $name != "#"* ]] || continue
    printed=$(sed -n "s/^$name = .*[= ] *\(-\{0,1\}[0-9.]*\)$/\1/p" <<<"$output")
    passed_if "value of $name" equal "$printed" "$value"
done <"$(dirname "$0")/worked_example.hand"
passed_if "number of values" equal "$(grep -c '^[a-zA-Z0-9_]* = ' <<<"$output")" "$checks"
passed_if "cross-check with a network" contains "$output" "The same step by a network: equal bits"
finish
