#!/bin/sh
# secrets.sh: makes docker/.env with random passwords for compose.yml, which has none. A file that is there is left as it
# is, since the services keep the passwords they were started with; `docker compose -f docker/compose.yml down --volumes`
# makes them forget.
set -eu
cd "$(dirname "$0")"

if [ -e .env ]; then
    echo "secrets: docker/.env is there already" >&2
    exit 0
fi
# Hex digits need no quoting in a URL or in YAML.
umask 077
for name in GRAFANA_PASSWORD POSTGRES_PASSWORD RABBITMQ_PASSWORD S3_SECRET_KEY; do
    secret=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    [ "${#secret}" = 48 ] || {
        echo "secrets: /dev/urandom gives no random bytes" >&2
        exit 1
    }
    echo "$name=$secret"
done >.env.new
mv .env.new .env
echo "secrets: docker/.env is made" >&2
