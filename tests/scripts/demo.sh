#!/bin/sh
# demo.sh [IMAGE]: judges the image we make ourselves, or the one that is named, by the advisories that come with the
# repository. They are a demonstration, some fifty of them: what they do not mention is not thereby safe.
set -eu
. "$(dirname "$0")/toolchain.sh"

image=${1:-}
# One build, so that both programs share their dependencies; a debug build, because it is ready several times sooner.
cargo build --locked --package plimsoll --package plimsoll-tests --bin plimsoll --bin demo
bin=${CARGO_TARGET_DIR:-target}/debug

if [ -z "$image" ]; then
    exec "$bin/demo"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
"$bin/plimsoll" db build --out "$work/demonstration.db" crates/knowledge/demo
code=0
"$bin/plimsoll" scan "$image" --db "$work/demonstration.db" || code=$?
# Here a verdict is success, whichever it is.
case $code in
    0 | 1 | 2) ;;
    *) exit "$code" ;;
esac
