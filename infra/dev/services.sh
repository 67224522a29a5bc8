#!/bin/sh
# The services Plimsoll talks to, for development and tests. `services.sh help` says how; README.md says more.
#
# One file per service lies in services/, and says how the service NAME is got, started and asked. It sets
#   NAME_about      what it is
#   NAME_packages   the Debian packages it comes in
#   NAME_programs   the programs that must be there
#   NAME_ports      names of the ports it listens on; the first is the one that clients use
#   NAME_stop       the signal that stops it in good order
# and defines functions, which run in the service's own directory:
#   NAME_get        gets what is in no Debian package (optional)
#   NAME_start      launches it; natively only
#   NAME_ready      succeeds as soon as it answers
#   NAME_env        prints the lines of DIR/env
set -u

here=$(cd "$(dirname "$0")" && pwd) || exit 1
top=$(cd "$here/../.." && pwd) || exit 1
all=$(cd "$here/services" && printf '%s ' *.sh | sed 's/\.sh / /g')

usage() {
    cat <<USAGE
services.sh up      [SERVICE…] [--dir DIR]    start them; what is already up is left alone
services.sh down    [SERVICE…] [--dir DIR]    stop them and delete what they held
services.sh status  [SERVICE…] [--dir DIR]    say which are up; exit 1 if one is not
services.sh restart [SERVICE…] [--dir DIR]    stop them in good order and start them on the same data and ports
services.sh kill    [SERVICE…] [--dir DIR]    kill -9, data and ports stay; 'up' brings them back

SERVICE: $all(default: all). DIR: where they live (default: target/services).
After 'up', '. DIR/env' exports the addresses that tests look for.

INSTALL=0                       install nothing; what is missing is named
SERVICES_BY=native|compose      instead of what this machine suggests
PLIMSOLL_TOOLS=DIR              where programs go that Debian has no package of (default: target/tools)
USAGE
}

say() { echo "services: $*"; }
complain() { echo "services: $*" >&2; }
die() {
    complain "$@"
    exit 1
}

command=${1:-help}
[ $# -eq 0 ] || shift
dir=$top/target/services
wanted=""
while [ $# -gt 0 ]; do
    case $1 in
        --dir)
            [ $# -ge 2 ] || die "--dir needs a directory"
            dir=$2
            shift
            ;;
        --dir=*) dir=${1#--dir=} ;;
        -*) die "there is no option $1; 'services.sh help' lists what there is" ;;
        *)
            case " $all" in
                *" $1 "*) wanted="$wanted $1" ;;
                *) die "there is no service $1; there are: $all" ;;
            esac
            ;;
    esac
    shift
done
[ -n "$wanted" ] || wanted=$all
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
# shellcheck disable=SC2034 # Services use it.
tools=${PLIMSOLL_TOOLS:-$top/target/tools}

by=${SERVICES_BY:-}
if [ -z "$by" ]; then
    if [ -e /etc/debian_version ]; then
        by=native
    elif docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
        by=compose
    else
        by=none
    fi
fi

# What a service's file says: `of postgres packages`.
of() { eval "printf '%s' \"\${$1_$2:-}\""; }
# Runs a function of a service in the service's directory: `in_place postgres ready`.
in_place() (
    # shellcheck disable=SC2030 # It is meant for what runs here only.
    place=$dir/$1
    cd "$place" && "$1_$2"
)
# The port of the service at hand, by name.
# shellcheck disable=SC2031 # `in_place` calls it, in the subshell that knows the place.
port() { sed -n "s/^$1 //p" "$place/ports"; }

for service in $all; do
    # shellcheck source=/dev/null
    . "$here/services/$service.sh"
done
# shellcheck source=/dev/null
. "$here/ports.sh"
# shellcheck source=/dev/null
case $by in
    native) . "$here/native.sh" ;;
    compose) . "$here/compose.sh" ;;
    none) ;;
    *) die "SERVICES_BY is native or compose, not $by" ;;
esac

# Waits until a service answers: `answers postgres`. It is asked again and again, and not beyond a minute and a half,
# or beyond its death.
answers() {
    tries=0
    until in_place "$1" ready >/dev/null 2>&1; do
        tries=$((tries + 1))
        if ! alive "$1"; then
            complain "$1 ended while it started: $(last_words "$1")"
            return 1
        elif [ "$tries" -ge 450 ]; then
            complain "$1 does not answer: $(last_words "$1")"
            return 1
        fi
        sleep 0.2
    done
    say "$1 is up: $(of "$1" about), $(first_address "$1")"
}

first_address() { in_place "$1" env | sed -n '1s/^export [A-Z_0-9]*=//p' | tr -d "'"; }

# DIR/env names what is up; it appears whole.
write_env() {
    {
        echo "# Written by infra/dev/services.sh."
        echo "export PLIMSOLL_TEST_SERVICES='$dir'"
        for service in $all; do
            [ ! -d "$dir/$service" ] || ! alive "$service" || in_place "$service" env
        done
    } >"$dir/.env" && mv "$dir/.env" "$dir/env"
}

up() {
    [ "$by" != none ] || die "this needs Debian, or a Docker engine that runs and its compose plugin; here is neither"
    mkdir -p "$dir" || exit 1
    failed=0 started=""
    for service in $wanted; do
        if [ -d "$dir/$service" ] && alive "$service"; then
            started="$started $service"
        elif obtain "$service" && mkdir -p "$dir/$service" && choose_ports "$service" && start "$service"; then
            started="$started $service"
        else
            failed=1
        fi
    done
    for service in $started; do
        answers "$service" || {
            end "$service" KILL
            failed=1
        }
    done
    write_env
    return "$failed"
}

down() {
    for service in $wanted; do
        [ -d "$dir/$service" ] || continue
        end "$service" "$(of "$service" stop)"
        discard "$service"
        rm -rf "${dir:?}/$service"
        say "$service is down"
    done
    [ -d "$dir" ] || return 0
    for service in $all; do
        [ ! -d "$dir/$service" ] || {
            write_env
            return 0
        }
    done
    rm -f "$dir/env"
    rmdir "$dir" 2>/dev/null || :
}

status() {
    missing=0
    for service in $wanted; do
        if [ -d "$dir/$service" ] && alive "$service" && in_place "$service" ready >/dev/null 2>&1; then
            say "$service is up: $(of "$service" about), $(first_address "$service")"
        elif [ -d "$dir/$service" ] && alive "$service"; then
            say "$service runs and does not answer: $(last_words "$service")"
            missing=1
        else
            say "$service is down"
            missing=1
        fi
    done
    return "$missing"
}

stop_each() {
    for service in $wanted; do
        [ -d "$dir/$service" ] || die "$service was never started in $dir"
        end "$service" "${1:-$(of "$service" stop)}"
    done
}

case $command in
    up) up ;;
    down) [ "$by" = none ] || down ;;
    status) [ "$by" != none ] && status ;;
    restart) stop_each && up ;;
    kill)
        stop_each KILL
        write_env
        ;;
    help | -h | --help) usage ;;
    *) die "there is no command $command; 'services.sh help' lists what there is" ;;
esac
