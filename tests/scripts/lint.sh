#!/bin/sh
# Formatting, clippy and cargo-deny. All three run, so that one run shows everything; any complaint is a failure.
set -u
. "$(dirname "$0")/toolchain.sh"

failed=""
check() {
    name=$1
    shift
    echo "lint: $*"
    "$@" || failed="$failed $name"
}

# Adds a component where rustup can; says what to do where it cannot.
component() {
    cargo "$2" --version >/dev/null 2>&1 && return 0
    command -v rustup >/dev/null 2>&1 && rustup component add "$1" && return 0
    echo "lint: cargo $2 is missing: 'rustup component add $1', or your distribution's package" >&2
    failed="$failed $1"
    return 1
}

component rustfmt fmt && check rustfmt cargo fmt --all --check
component clippy clippy && check clippy cargo clippy --locked --workspace --all-targets -- --deny warnings

# Advisories need a database from elsewhere; licences, owners and sources need nothing but the dependencies.
if cargo deny --version >/dev/null 2>&1; then
    check cargo-deny cargo deny --log-level error check bans licenses sources
else
    echo "lint: skipped cargo-deny, which is not installed ('cargo install cargo-deny --locked')"
fi

if [ -n "$failed" ]; then
    echo "lint: failed:$failed" >&2
    exit 1
fi
echo "lint: clean"
