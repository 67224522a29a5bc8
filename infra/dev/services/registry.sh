# An OCI registry. Its log has a line for every request, in JSON.
# shellcheck shell=sh disable=SC2034,SC2154

registry_about="Docker Registry"
registry_packages="docker-registry"
registry_programs="docker-registry"
registry_ports="http"
registry_stop=TERM

registry_start() {
    cat >config.yml <<CONF
version: 0.1
log: {accesslog: {disabled: true}, level: info, formatter: json}
storage: {filesystem: {rootdirectory: $place/data}, delete: {enabled: true}}
http: {addr: "127.0.0.1:$(port http)"}
CONF
    launch docker-registry serve "$place/config.yml"
}

registry_ready() { curl --silent --fail --max-time 5 "http://127.0.0.1:$(port http)/v2/"; }

registry_env() { echo "export PLIMSOLL_TEST_REGISTRY='127.0.0.1:$(port http)'"; }
