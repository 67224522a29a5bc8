#!/bin/sh
# Has those who know a format look at what is in infra/: Prometheus at its configuration, its rules and their tests, Kustomize at
# the manifests, the collector at its own. What is not installed is skipped, and named; tests/tests/infra needs none but kubectl.
set -u

failed=""
check() {
    echo "lint-infra: $*"
    "$@" >"$log" 2>&1 || {
        cat "$log"
        failed="$failed $1"
    }
}
have() {
    command -v "$1" >/dev/null 2>&1 && return 0
    echo "lint-infra: skipped $1, which is not installed ($2)"
    return 1
}
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

if have promtool "Debian: prometheus"; then
    check promtool check config infra/prometheus/prometheus.yml
    check promtool test rules infra/prometheus/alerts_test.yml
fi
if have kubectl "or kustomize, under this name"; then
    for directory in infra/kubernetes/base infra/kubernetes/overlays/*/; do
        check kubectl kustomize "${directory%/}"
    done
fi
if have otelcol-contrib "a distribution of the OpenTelemetry collector"; then
    check otelcol-contrib validate --config infra/otel/collector.yaml
    # Its variables have no defaults: whoever uses it says where to.
    check env PLIMSOLL_TRACES_ENDPOINT=collector.example:4317 PLIMSOLL_TRACES_AUTHORIZATION=none \
        otelcol-contrib validate --config infra/otel/collector.yaml --config infra/otel/backend.yaml
fi

if [ -n "$failed" ]; then
    echo "lint-infra: failed:$failed" >&2
    exit 1
fi
echo "lint-infra: clean"
