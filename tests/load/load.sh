#!/bin/sh
# `make load`: see tests/README.md. SCENARIO is known, priority or cold; SERVICES=DIR uses, and keeps, the services there.
# shellcheck source=/dev/null
. "$(dirname "$0")/../scripts/toolchain.sh"
set -eu

scenario=${SCENARIO:-known}
case $scenario in
    known) set -- known "${COUNT:-2000}" "${RATE:-50}" "${CLIENTS:-32}" ;;
    priority) set -- priority "${BACKLOG:-10000}" ;;
    # shellcheck disable=SC2086 # A list of names.
    cold) set -- cold "${REGISTRY:?a registry, host:port, for what is cold}" ${IMAGES:?images in it} ;;
    *) missing "load: SCENARIO is known, priority or cold, not $scenario" ;;
esac

cargo build --locked --release --package plimsoll --package plimsoll-tests --bin plimsoll --example load
target=${CARGO_TARGET_DIR:-$PWD/target}

if [ -n "${SERVICES:-}" ]; then
    services=$SERVICES
else
    services=$(mktemp -d)
    trap 'sh infra/dev/services.sh down --dir "$services" >/dev/null; rm -rf "$services"' EXIT
    trap 'exit 130' INT TERM
fi
sh infra/dev/services.sh up rabbitmq postgres s3 --dir "$services"
. "$services/env"
PLIMSOLL_BIN=${PLIMSOLL_BIN:-$target/release/plimsoll}
export PLIMSOLL_BIN
"$target/release/examples/load" "$@"
