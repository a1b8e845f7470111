#!/bin/sh
# Usage: run.sh [MINUTES [SEED]]
# Builds the soak in build/ and runs it, for 20 minutes unless told otherwise. It says what it does round by round.
set -eu

minutes=${1:-20}
root=$(cd "$(dirname "$0")/../.." && pwd -P)
generator=
[ -e "$root/build/CMakeCache.txt" ] || generator="-G Ninja"
# shellcheck disable=SC2086
cmake --log-level=WARNING -S "$root" -B "$root/build" $generator -DCMAKE_BUILD_TYPE=Release -DBACKPROP_BUILD_TESTS=ON
cmake --build "$root/build" --target soak
exec "$root/build/tests/soak/soak" "$((minutes * 60))" ${2:+"$2"}
