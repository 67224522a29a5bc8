#!/bin/sh
# Works through registries, and ends with one line that says what came of the largest. See tests/README.md.
#
# REPOSITORIES, TAGS, KILLS    the generated registry, and how often the fleet is killed meanwhile
# EVENTS                       pushes of which every second is told
# ENDLESS                      tags of the repository without end
# PLIMSOLL_BIN                 the binary to use, instead of one that is built here for release
set -u

# shellcheck source=/dev/null
. "$(dirname "$0")/toolchain.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

export CRAWL_REPOSITORIES="${REPOSITORIES:-300}" CRAWL_TAGS="${TAGS:-2000}" CRAWL_KILLS="${KILLS:-2}"
export CRAWL_EVENTS="${EVENTS:-500}" CRAWL_ENDLESS="${ENDLESS:-1000000}" CRAWL_SECONDS="${CRAWL_SECONDS:-1800}"
if [ -z "${PLIMSOLL_BIN:-}" ]; then
    cargo build --locked --release --package plimsoll --bin plimsoll || exit 1
    PLIMSOLL_BIN=${CARGO_TARGET_DIR:-$PWD/target}/release/plimsoll
    export PLIMSOLL_BIN
fi
# One after the other: each has the machine to itself.
cargo test --locked --workspace --test crawl -- --nocapture --test-threads 1 >"$work/log" 2>&1
code=$?
grep -v '^crawl: images=' "$work/log"
# The last line, whatever else was said.
grep '^crawl: images=' "$work/log" || echo "crawl: it did not come to an end"
exit "$code"
