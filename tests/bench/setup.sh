# Sourced by the benches: a release binary, a registry and what is to be judged in it.
# shellcheck shell=bash
# REGISTRY=host:port    a registry (plain HTTP) that holds the images already; otherwise one is started on loopback

. "$(dirname "${BASH_SOURCE[0]}")/../scripts/toolchain.sh"
work=$(mktemp -d)
registry_pid=""
cleanup() {
    [[ -z $registry_pid ]] || kill "$registry_pid" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

cargo build --release --locked --package plimsoll
plimsoll=${CARGO_TARGET_DIR:-target}/release/plimsoll

# need PROGRAM…: the Debian packages that bring what is missing.
need() {
    local program lacking=()
    for program in "$@"; do
        command -v "$program" >/dev/null || lacking+=("$program")
    done
    [[ ${#lacking[@]} -eq 0 ]] && return
    [[ $(id -u) -eq 0 && -e /etc/debian_version ]] || missing "bench: ${lacking[*]} missing; this bench wants Debian and root"
    echo "bench: installing ${lacking[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${lacking[@]}" ca-certificates >/dev/null
}

# registry IMAGE…: sees to it that $REGISTRY holds the images.
registry() {
    [[ -n ${REGISTRY:-} ]] && return
    need docker-registry mmdebstrap buildah
    local port
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    REGISTRY=127.0.0.1:$port
    cat >"$work/registry.yml" <<EOF
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: $REGISTRY}
EOF
    docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
    registry_pid=$!
    for _ in $(seq 100); do
        python3 -c "import http.client; http.client.HTTPConnection('$REGISTRY').request('GET', '/v2/')" 2>/dev/null && break
        sleep 0.1
    done
    bash tests/bench/build-images.sh "$REGISTRY" "$@"
}
