# PostgreSQL, in a cluster of its own. It refuses to run as root, so root starts it as the user postgres.
# shellcheck shell=sh disable=SC2034,SC2154

postgres_about="PostgreSQL"
postgres_packages="postgresql"
postgres_programs="/usr/bin/pg_isready"
postgres_ports="postgres"
postgres_stop=INT # "fast": open connections are cut, data is safe

postgres_bin() { find /usr/lib/postgresql/*/bin/postgres -prune | sort -V | tail -n 1 | xargs dirname; }

# A directory may lie where only root gets (below /root, say). Then the data goes elsewhere, and `data` leads to it.
postgres_data() {
    [ ! -L data ] || return 0
    mkdir -p cluster
    if [ "$(id -u)" = 0 ]; then
        chown postgres: cluster
        as_postgres test -w "$place/cluster" || {
            rmdir cluster
            elsewhere=$(mktemp -d /var/tmp/plimsoll-postgres.XXXXXX) && chown postgres: "$elsewhere"
            ln -s "$elsewhere" data
            return 0
        }
    fi
    ln -s "$place/cluster" data
}

as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        # From a directory that this user may enter.
        (cd / && setpriv --reuid=postgres --regid=postgres --init-groups --reset-env "$@")
    else
        "$@"
    fi
}

postgres_start() {
    postgres_data || return 1
    data=$(readlink data)
    if [ ! -e started ]; then
        as_postgres "$(postgres_bin)/initdb" --pgdata="$data" --username=plimsoll --auth=trust --encoding=UTF8 \
            --locale=C.UTF-8 --no-sync >>log 2>&1 || {
            complain "postgres cannot make a cluster: $(tail -n 1 log)"
            return 1
        }
        : >started
    fi
    # A killed server leaves this file. The process it names may still be seen, dead and waited for by nobody.
    rm -f "$data/postmaster.pid"
    # The suites open many short connections, each to a schema or database of its own.
    set -- "$(postgres_bin)/postgres" -D "$data" -p "$(port postgres)" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories= -c max_connections=300 -c logging_collector=off
    [ "$(id -u)" != 0 ] || set -- setpriv --reuid=postgres --regid=postgres --init-groups "$@"
    launch "$@"
}

postgres_ready() {
    if [ "$by" = compose ]; then
        compose exec -T postgres pg_isready -q -h 127.0.0.1 -U plimsoll
    else
        pg_isready -q -h 127.0.0.1 -p "$(port postgres)" -U plimsoll
    fi
}

postgres_discard() {
    data=$(readlink data) || return 0
    case $data in /var/tmp/plimsoll-postgres.*) rm -rf "$data" ;; esac
}

postgres_env() {
    echo "export PLIMSOLL_TEST_POSTGRES='postgres://plimsoll@127.0.0.1:$(port postgres)/postgres'"
}
