#!/bin/sh
# Kills a fleet of processes and the services below it in every way it knows, and ends with one line that says what came of
# it. See tests/README.md.
#
# SCANS, SEED, KILLS, QUEUE    how many images, what is drawn by lot, processes killed, amqp or sqs
# TIMES, AWAY                  how often each failpoint is hit; seconds without an object store
# REGISTRY, IMAGES             a registry (host:port, plain HTTP) and images in it that are among those scanned
# CHAOS_LOGS                   a directory for what the processes log
# INSTALL=0                    installs nothing
set -u

services=""
conclude() {
    [ -z "$services" ] || sh infra/dev/services.sh down --dir "$work/services" >/dev/null 2>&1
    rm -rf "${work:-}"
}
trap conclude EXIT
trap 'exit 130' INT TERM
work=$(mktemp -d) || exit 1
. "$(dirname "$0")/toolchain.sh"

SCANS=${SCANS:-60} SEED=${SEED:-1} KILLS=${KILLS:-30} QUEUE=${QUEUE:-amqp} TIMES=${TIMES:-2} AWAY=${AWAY:-30}
BROKER_RESTARTS=${BROKER_RESTARTS:-2} STATE_RESTARTS=${STATE_RESTARTS:-1}
export SCANS SEED KILLS QUEUE TIMES AWAY BROKER_RESTARTS STATE_RESTARTS

. tests/scripts/featured.sh
featured failpoints || exit 1
cargo test --locked --workspace --test chaos --no-run || exit 1

# What is copied with skopeo: "nginx:1 pyapp:1".
CORPUS=""
for image in ${IMAGES:-}; do
    layout=$work/corpus/$image
    mkdir -p "$(dirname "$layout")"
    skopeo --insecure-policy copy --quiet --src-tls-verify=false "docker://$REGISTRY/$image" "oci:${layout%:*}:${image##*:}" ||
        exit 1
    case ":$CORPUS:" in
        *":${layout%:*}:"*) ;;
        *) CORPUS=${CORPUS:+$CORPUS:}${layout%:*} ;;
    esac
done
# Empty would be a path.
if [ -n "$CORPUS" ]; then export CORPUS; else unset CORPUS; fi

# Services of its own, since it restarts them.
case $QUEUE in
    sqs) services="postgres s3 sqs" ;;
    *) services="postgres s3 rabbitmq" ;;
esac
# shellcheck disable=SC2086 # A list of names.
INSTALL=${INSTALL:-1} sh infra/dev/services.sh up $services --dir "$work/services" || exit 1
# shellcheck source=/dev/null
. "$work/services/env"

cargo test --locked --workspace --test chaos -- --nocapture >"$work/log" 2>&1
code=$?
grep -v '^chaos: scans=' "$work/log"
# The last line, whatever else was said.
grep '^chaos: scans=' "$work/log" || echo "chaos: it did not come to an end"
exit "$code"
