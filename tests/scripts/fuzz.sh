#!/bin/sh
# fuzz.sh [TARGET…]: runs every fuzz target, or those named, for SECONDS_EACH seconds (300). Stops at the first crash, whose
# input cargo-fuzz leaves in tests/fuzz/artifacts.
set -eu
. "$(dirname "$0")/toolchain.sh"

cargo fuzz --version >/dev/null 2>&1 || missing "cargo-fuzz is missing: 'cargo install cargo-fuzz --locked' brings it"

# libFuzzer's instrumentation is a nightly flag; this lets a stable compiler take it.
export RUSTC_BOOTSTRAP=1
if [ $# -eq 0 ]; then
    # Names of targets have no spaces.
    # shellcheck disable=SC2046
    set -- $(cargo fuzz list --fuzz-dir tests/fuzz)
fi
cargo fuzz build --fuzz-dir tests/fuzz
for target in "$@"; do
    echo "fuzz: $target for ${SECONDS_EACH:-300} s"
    dictionary="tests/fuzz/dictionaries/$target.dict"
    [ -f "$dictionary" ] || dictionary=
    cargo fuzz run --fuzz-dir tests/fuzz "$target" -- \
        -max_total_time="${SECONDS_EACH:-300}" -rss_limit_mb=2048 -timeout=25 -print_final_stats=1 \
        ${dictionary:+-dict="$dictionary"}
done
echo "fuzz: $# targets, no crash"
