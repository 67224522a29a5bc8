#!/bin/sh
# Runs all tests and ends with what was skipped, why, and a line "N passed, N failed, N skipped".
#
# A test that cannot run here prints a line "skipped: <why>" and returns; the test harness shows what passing tests
# print, and summary.awk counts such a test as skipped. Ignored tests count as skipped, too.
#
# Services that tests talk to (infra/dev/README.md) are started for the time of the run, except those whose variable
# is set already.
#
# INSTALL=0             installs nothing: no system packages and no services that are not there
# PLIMSOLL_TEST_DATA    a folder of real advisories, images and package databases, for the tests that want them
set -u

# Whatever ends this script, the last line says what the tests came to.
concluded="" services=""
conclude() {
    [ -z "$services" ] || sh infra/dev/services.sh down --dir "$work/services" >/dev/null 2>&1
    [ -n "$concluded" ] || echo "0 passed, 1 failed, 0 skipped"
    rm -rf "${work:-}"
}
trap conclude EXIT
trap 'exit 130' INT TERM
work=$(mktemp -d) || exit 1
. "$(dirname "$0")/toolchain.sh"

# The programs that tests start, and the Debian packages they come in.
PROGRAMS="buildah docker-registry mmdebstrap skopeo umoci"
PACKAGES="buildah docker-registry mmdebstrap skopeo umoci"

absent() {
    for program in $PROGRAMS; do
        command -v "$program" >/dev/null 2>&1 || printf ' %s' "$program"
    done
}

if [ -n "$(absent)" ]; then
    command="apt-get install -y --no-install-recommends $PACKAGES"
    if [ "${INSTALL:-1}" = 0 ]; then
        echo "test: not installing$(absent) (INSTALL=0); tests that need them are skipped"
    elif [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then
        echo "test: installing$(absent), which tests need: $command"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive $command -qq >"$work/apt" 2>&1; } || {
            cat "$work/apt" 2>/dev/null
            echo "test: that did not work; tests that need them are skipped"
        }
    else
        echo "test: tests that need$(absent) are skipped; on Debian, root gets them by: $command"
    fi
fi

# First everything that tests need, among it the binary that end-to-end tests run; the errors of a failed build stay
# the last thing on the screen but one.
. tests/scripts/featured.sh
featured failpoints poison || exit 1
cargo build --locked --workspace --bins --tests --examples || exit 1
PLIMSOLL_BIN=${CARGO_TARGET_DIR:-$PWD/target}/debug/plimsoll
export PLIMSOLL_BIN

# Services last, so that nothing is started for a build that fails. Which variable belongs to which:
[ -n "${PLIMSOLL_TEST_AMQP:-}" ] || services="$services rabbitmq"
[ -n "${PLIMSOLL_TEST_POSTGRES:-}" ] || services="$services postgres"
[ -n "${PLIMSOLL_TEST_REGISTRY:-}" ] || services="$services registry"
[ -n "${PLIMSOLL_TEST_S3:-}" ] || services="$services s3"
[ -n "${PLIMSOLL_TEST_SQS:-}" ] || services="$services sqs"
if [ -n "$services" ]; then
    # shellcheck disable=SC2086 # A list of names.
    INSTALL=${INSTALL:-1} sh infra/dev/services.sh up $services --dir "$work/services" ||
        echo "test: tests that need a service that is not up are skipped"
    # shellcheck source=/dev/null
    [ ! -e "$work/services/env" ] || . "$work/services/env"
fi

concluded=yes
{
    CARGO_TERM_COLOR=never cargo test --locked --workspace --no-fail-fast -- --show-output 2>&1
    echo "cargo test ended with $?"
} | awk -f tests/scripts/summary.awk
