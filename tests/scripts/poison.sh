#!/bin/sh
# Builds a plimsoll with the feature `poison` beside the ordinary one, and runs the scenarios that need it, which `make
# test` does too. Services are started for the time of the run, except those whose variable is set already.
set -eu
. "$(dirname "$0")/toolchain.sh"

. tests/scripts/featured.sh
featured poison
PLIMSOLL_BIN=${CARGO_TARGET_DIR:-$PWD/target}/debug/plimsoll
export PLIMSOLL_BIN

services=""
[ -n "${PLIMSOLL_TEST_AMQP:-}" ] || services="$services rabbitmq"
[ -n "${PLIMSOLL_TEST_POSTGRES:-}" ] || services="$services postgres"
[ -n "${PLIMSOLL_TEST_S3:-}" ] || services="$services s3"
if [ -n "$services" ]; then
    dir=$(mktemp -d)
    trap 'sh infra/dev/services.sh down --dir "$dir" >/dev/null 2>&1; rm -rf "$dir"' EXIT
    trap 'exit 130' INT TERM
    # shellcheck disable=SC2086 # A list of names.
    sh infra/dev/services.sh up $services --dir "$dir" || echo "poison: scenarios that need a service that is not up are skipped"
    # shellcheck source=/dev/null
    [ ! -e "$dir/env" ] || . "$dir/env"
fi
cargo test --locked --workspace --test fleet -- --show-output poison:: versions::
