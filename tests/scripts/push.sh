#!/bin/sh
# `make push`: see tests/README.md.
#
# PUSHES, EVENTS   images pushed with a layer of their own, and as many without; events of ECR
# INSTALL=0        installs nothing
set -u

work=""
conclude() {
    [ -z "$work" ] || sh infra/dev/services.sh down --dir "$work/services" >/dev/null 2>&1
    rm -rf "$work"
}
trap conclude EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/toolchain.sh"
work=$(mktemp -d) || exit 1

PLIMSOLL_TEST_PUSHES=${PUSHES:-50} PLIMSOLL_TEST_EVENTS=${EVENTS:-1000}
export PLIMSOLL_TEST_PUSHES PLIMSOLL_TEST_EVENTS

cargo build --locked --release --package plimsoll --bin plimsoll || exit 1
PLIMSOLL_BIN=${PLIMSOLL_BIN:-${CARGO_TARGET_DIR:-$PWD/target}/release/plimsoll}
export PLIMSOLL_BIN
cargo test --locked --workspace --test fleet --no-run || exit 1

# The registry is of the test's own; this brings the program.
INSTALL=${INSTALL:-1} sh infra/dev/services.sh up registry sqs --dir "$work/services" || exit 1
# shellcheck source=/dev/null
. "$work/services/env"

code=0
for scenario in pushes::how_long events::every; do
    cargo test --locked --workspace --test fleet -- --nocapture "$scenario" >"$work/log" 2>&1 || code=1
    grep -E '^(push|events): ' "$work/log" || cat "$work/log"
done
exit "$code"
