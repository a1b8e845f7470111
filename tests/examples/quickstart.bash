#!/usr/bin/env bash
# quickstart on a machine that lacks packages: what it says where it may not install them, and what it installs where it
# may. Stand-ins take the place of all programs that ask or change the system. Argument: the path of quickstart.
# shellcheck source-path=SCRIPTDIR source=common.bash
source "$(dirname "$0")/common.bash"
mkdir "$work/bin"
export LOG=$work/log PATH=$work/bin:$PATH

# stand_in NAME LINE...: a program of that name which logs how it is called, then runs these lines.
stand_in() {
    local name=$1
    shift
    printf '%s\n' '#!/bin/sh' "printf '%s\\n' \"$name \$*\" >>\"\$LOG\"" "$@" >"$work/bin/$name"
    chmod +x "$work/bin/$name"
}

# shellcheck disable=SC2016 # the stand-in expands them
stand_in dpkg-query 'for name; do :; done' \
    'case $name in zlib1g-dev | dataset-fashion-mnist | libbenchmark-dev | python3-matplotlib) exit 1 ;; esac' \
    'echo amd64 installed'
# shellcheck disable=SC2016
stand_in dpkg 'case $1 in --print-architecture) echo amd64 ;; esac'
stand_in apt-get
stand_in cmake 'exit 9' # nothing is built here
stand_in ctest 'exit 9'

# quickstart_as UID STATUS ARGUMENT...: runs it for that user; its output is in $said, the calls of stand-ins in $called.
quickstart_as() {
    local user=$1 expected=$2 status=0
    shift 2
    stand_in id "echo $user"
    : >"$LOG"
    said=$("${program[@]}" "$@" 2>&1) || status=$?
    called=$(grep -vE '^(dpkg-query|id|dpkg --print)' "$LOG") || true
    passed_if "status of quickstart $* for user $user" equal "$status" "$expected"
}

# Without the right to install: a message, and nothing else happens.
quickstart_as 1000 2 train --epochs 1
passed_if "train names what is missing" \
    contains "$said" "quickstart: these Debian packages are missing: zlib1g-dev dataset-fashion-mnist"
passed_if "train tells the command" \
    contains "$said" "sudo apt-get install --no-install-recommends zlib1g-dev dataset-fashion-mnist"
passed_if "train stops there" equal "$called" ""
quickstart_as 1000 2 bench
passed_if "bench names what is missing" \
    contains "$said" "packages are missing: zlib1g-dev libbenchmark-dev python3-matplotlib"
passed_if "bench stops there" equal "$called" ""
quickstart_as 1000 2 bench kernels
passed_if "one program needs no plots" test "${said/matplotlib/}" = "$said"
quickstart_as 1000 2 test
passed_if "test names what is missing, foreign packages too" contains "$said" "libsleef-dev:arm64"
passed_if "test tells how to add the foreign architecture" contains "$said" "sudo dpkg --add-architecture arm64 && "
passed_if "test stops there" equal "$called" ""

# With it: the missing packages are installed, then the build begins (and fails here: its stand-in does).
quickstart_as 0 9 train
passed_if "root updates the lists" contains "$called" " update"
passed_if "root installs what is missing" contains "$called" "--no-install-recommends zlib1g-dev dataset-fashion-mnist"
passed_if "root adds no architecture without need" test "${called/add-architecture/}" = "$called"
passed_if "then the build begins" grep -q '^cmake .*-DCMAKE_BUILD_TYPE=Release' <<<"$called"
quickstart_as 0 9 test
passed_if "root adds the foreign architecture first" equal "$(head -n 1 <<<"$called")" "dpkg --add-architecture arm64"
passed_if "then foreign packages are installed" contains "$called" "libsleef-dev:arm64"

stand_in apt-get 'exit 100'
quickstart_as 0 2 train
passed_if "a failed installation is said" contains "$said" "quickstart: apt-get could not install: zlib1g-dev"
passed_if "and nothing is built" test "${called/cmake/}" = "$called"

# With nothing missing no one is asked to install anything, root or not.
stand_in dpkg-query 'echo amd64 installed' 'echo arm64 installed'
stand_in apt-get
quickstart_as 1000 9 train
passed_if "nothing to install" test "${called/apt-get/}" = "$called"

# The libraries to compare with are left out where they can't be installed.
# shellcheck disable=SC2016
stand_in dpkg-query 'for name; do :; done' 'case $name in *blis*) exit 1 ;; esac' 'echo amd64 installed'
quickstart_as 1000 9 bench
passed_if "a library is missing" contains "$said" "goes without these packages' libraries, not installed: "
passed_if "nothing is installed without the right to" test "${called/apt-get/}" = "$called"
passed_if "and the build begins" contains "$called" "cmake"
stand_in apt-get 'exit 100'
quickstart_as 0 9 bench step
passed_if "one that cannot be installed" contains "$said" "goes without these packages' libraries, not installed: "
passed_if "and the build begins" contains "$called" "cmake"

quickstart_as 1000 2 bench fly
passed_if "an unknown benchmark" \
    contains "$said" "quickstart: bench takes 'step', 'kernels', 'features', 'load', 'report' or nothing, not 'fly'"
quickstart_as 1000 2 fly
passed_if "an unknown command" contains "$said" "quickstart: unknown command 'fly'"
quickstart_as 1000 0
passed_if "the usage" contains "$said" "Usage: ./quickstart COMMAND"
(cd / && "${program[@]}" help >/dev/null)
status=0
"${program[@]}" help >/dev/full 2>"$work/err" || status=$?
passed_if "status of a help that nobody takes" equal "$status" 2
passed_if "its message" equal "$(wc -l <"$work/err")" 1
finish
