#!/usr/bin/env bash
# Every wrong option of bpcheck gives one clear line and status 2.
program_name=bpcheck
# shellcheck source-path=SCRIPTDIR/../examples source=common.bash
source "$(dirname "$0")/../examples/common.bash"

refused "--kernels: unknown option" --kernels sum
refused "stray: unknown option" stray
refused ": unknown option" ""
for option in isa kernel seed repeat minutes case; do
    refused "--$option: its value is missing" "--$option"
done
for value in "" x -1 +1 " 1" 1x 0x 18446744073709551616; do
    refused "--seed $value: not a whole number from 0 to 18446744073709551615" --seed "$value"
    refused "--repeat $value: not a whole number from 1 to 18446744073709551615" --repeat "$value"
done
refused "--repeat 0: not a whole number from 1" --repeat 0
for value in "" x -1 +1 0 0.0 1x inf nan 1e999; do
    refused "--minutes $value: not a finite number above zero" --minutes "$value"
done
for value in "" SUM sums dense all; do
    refused "--kernel $value: unknown; --help lists the kernels" --kernel "$value"
done
for value in "" sse AVX2 avx2,avx512; do
    refused "--isa $value: unknown instruction set" --isa "$value"
done
foreign=neon
! "${program[@]}" --isa neon --kernel sum >"$work/out" 2>&1 || foreign=avx512 # an AArch64 machine then
refused "--isa $foreign: this machine cannot run that instruction set" --isa "$foreign"
refused "--repeat and --minutes: only one of them" --repeat 2 --minutes 1
refused "--case needs the --seed" --case sum/1/0/end
refused "--case goes with --seed, --isa and --json alone" --case sum/1/0/end --seed 1 --kernel sum
refused "--case sum/0/0/end: there is no such case" --case sum/0/0/end --seed 1
refused "--case nothing: there is no such case" --case nothing --seed 1

passed_if "--version" equal "$("${program[@]}" --version | sed 's/[0-9.]*$//')" "bpcheck "
help=$("${program[@]}" --help)
for option in isa kernel seed repeat minutes case bench json version help; do
    passed_if "--help names --$option" contains "$help" "  --$option "
done
finish
