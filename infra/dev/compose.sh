# Sourced by services.sh: services as containers, from compose.yml.
# shellcheck shell=sh disable=SC2154

# A project for each directory, so that two of them do not meet.
compose() {
    COMPOSE_PROJECT_NAME="plimsoll-$(printf '%s' "$dir" | cksum | cut -d ' ' -f 1)"
    export COMPOSE_PROJECT_NAME
    # compose.yml wants the port of every service; those that are not started get one that nobody listens on.
    for each in $all; do
        variable=$(echo "$each" | tr '[:lower:]' '[:upper:]')_PORT
        number=$(sed -n '1s/.* //p' "$dir/$each/ports" 2>/dev/null)
        export "$variable=${number:-1}"
    done
    docker compose --file "$here/compose.yml" "$@"
}

obtain() {
    command -v curl >/dev/null 2>&1 || {
        complain "$1 needs curl, by which it is asked whether it is ready"
        return 1
    }
}

start() {
    compose up --detach --no-deps "$1" >"$dir/$1/log" 2>&1 || {
        complain "$1 cannot be started: $(tail -n 1 "$dir/$1/log")"
        return 1
    }
}

alive() { [ -n "$(compose ps --quiet --status running "$1" 2>/dev/null)" ]; }

end() {
    if [ "$2" = KILL ]; then
        compose kill "$1" >/dev/null 2>&1
    else
        compose stop "$1" >/dev/null 2>&1
    fi
}

discard() { compose rm --force --stop --volumes "$1" >/dev/null 2>&1; }

last_words() { compose logs --no-log-prefix --tail 1 "$1" 2>&1 | tail -n 1; }
