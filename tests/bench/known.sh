#!/usr/bin/env bash
# `make bench-known`: the verdict on nodeapp:1, all of whose layers are known, against every advisory of PLIMSOLL_TEST_DATA.
set -euo pipefail
. "$(dirname "$0")/setup.sh"

data=${PLIMSOLL_TEST_DATA:-}
[[ -n $data ]] || missing "bench-known: PLIMSOLL_TEST_DATA is not set, so there are no advisories to match"
need python3
image=${IMAGE:-nodeapp:1}
registry "$image"

mkdir "$work/pypa"
tar -xzf "$data/feeds/native/pypa-advisory-database.tar.gz" -C "$work/pypa"
"$plimsoll" db build --out "$work/all.db" "$data"/feeds/osv/* "$work/pypa"
python3 tests/bench/known.py "$plimsoll" "$work/all.db" "$REGISTRY/$image" "${RUNS:-15}"
