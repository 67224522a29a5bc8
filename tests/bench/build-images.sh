#!/usr/bin/env bash
# build-images.sh REGISTRY IMAGE…: builds those of nginx:1, pyapp:1, nodeapp:1 and javaapp:1 that are named from Debian, PyPI and npm
# packages, each on the same Debian layer, and pushes them, gzip-compressed, to a registry that speaks plain HTTP. Needs root,
# mmdebstrap and buildah, and nothing from a container registry.
set -euo pipefail
registry=$1
shift
work=$(mktemp -d)
trap 'buildah rm --all >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

# Containers without a daemon, and an image store of our own that goes when we go.
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
mkdir "$work/images" "$work/run"
buildah() { command buildah --root "$work/images" --runroot "$work/run" "$@"; }

# The host's certificate authorities, where a proxy stands between it and the package registries.
authorities=/etc/ssl/certs/ca-certificates.crt

# layer SCRIPT: runs a shell script in $container.
layer() {
    local pass=()
    if [[ -e $authorities ]]; then
        pass=(--volume "$authorities:/run/host-authorities.crt:ro")
        for variable in PIP_CERT NODE_EXTRA_CA_CERTS npm_config_cafile SSL_CERT_FILE; do
            pass+=(--env "$variable=/run/host-authorities.crt")
        done
    fi
    buildah run --network host "${pass[@]}" "$container" -- sh -euc "$1"
}

# What comes next is a layer of its own.
next_layer() {
    buildah commit --quiet --rm "$container" bench/below >/dev/null
    container=$(buildah from bench/below)
}

debian_packages() {
    echo "apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $* >/dev/null
        rm -rf /var/lib/apt/lists/*"
}

publish() {
    buildah commit --quiet --rm "$container" "bench/$1" >/dev/null
    buildah push --quiet --tls-verify=false --compression-format gzip "bench/$1" "docker://$registry/$1"
    echo "pushed $registry/$1"
}

nginx() {
    layer "$(debian_packages nginx-light curl ca-certificates)"
    buildah config --port 80 --cmd 'nginx -g "daemon off;"' "$container"
}

pyapp() {
    layer "$(debian_packages python3 python3-pip python3-venv ca-certificates)"
    next_layer
    layer 'pip install --break-system-packages --quiet --no-cache-dir --root-user-action=ignore \
        django==3.2.0 flask==0.12.2 requests==2.19.1 jinja2==2.10 urllib3==1.23 numpy scipy pandas'
}

nodeapp() {
    layer "$(debian_packages nodejs npm ca-certificates)"
    next_layer
    layer 'mkdir -p /app; cd /app; npm init -y >/dev/null
        npm install --silent --no-audit express@4.16.0 lodash@4.17.10 minimist@1.2.0 axios@0.18.0 react webpack jest >/dev/null'
}

javaapp() {
    layer "$(debian_packages default-jre-headless libspring-core-java liblog4j2-java libjackson2-databind-java \
        libcommons-collections3-java libtomcat9-java maven)"
}

mmdebstrap --quiet --variant=minbase bookworm "$work/debian.tar"
container=$(buildah from scratch)
buildah add --quiet "$container" "$work/debian.tar" / >/dev/null
buildah config --cmd bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
buildah commit --quiet --rm "$container" bench/debian >/dev/null

for image in "$@"; do
    case $image in
        nginx:1 | pyapp:1 | nodeapp:1 | javaapp:1) ;;
        *) continue ;;
    esac
    container=$(buildah from bench/debian)
    "${image%:*}"
    publish "$image"
done
