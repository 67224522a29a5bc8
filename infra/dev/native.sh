# Sourced by services.sh: services as processes of this machine, started without systemd.
# shellcheck shell=sh disable=SC2154

absent() {
    for program in $1; do
        command -v "$program" >/dev/null 2>&1 || [ -x "$program" ] || printf ' %s' "$program"
    done
}

# Brings what a service needs: `obtain postgres`.
obtain() {
    lacking=$(absent "$(of "$1" programs) curl setsid setpriv")
    if [ -n "$lacking" ]; then
        packages="$(of "$1" packages) curl util-linux"
        command="apt-get install -y --no-install-recommends $packages"
        if [ "${INSTALL:-1}" = 0 ] || [ "$(id -u)" != 0 ]; then
            complain "$1 needs$lacking; root gets them by: $command"
            return 1
        fi
        say "$1 needs$lacking: $command"
        # shellcheck disable=SC2086 # A list of packages.
        install_packages $packages || {
            complain "$1 cannot be had: $(tail -n 1 "$dir/apt.log")"
            return 1
        }
    fi
    ! command -v "$1_get" >/dev/null || "$1_get"
}

# Debian's packages; installing one never starts a service here, or says so to the one who installs.
install_packages() {
    apt-get update -qq >"$dir/apt.log" 2>&1
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@" >>"$dir/apt.log" 2>&1
}

# Whether something may be fetched for a service: `may_fetch sqs elasticmq`.
may_fetch() {
    [ "${INSTALL:-1}" != 0 ] || {
        complain "$1 needs $2, which is not there (INSTALL=0)"
        return 1
    }
}

# A program from PyPI in an environment of its own: `from_pypi sqs 'moto[server]' moto_server`.
from_pypi() {
    [ -x "$tools/$1/bin/$3" ] && return 0
    may_fetch "$1" "$2" || return 1
    mkdir -p "$tools" && rm -rf "${tools:?}/$1"
    say "$1 needs $2 from PyPI"
    if ! python3 -m venv "$tools/$1" >"$tools/$1.log" 2>&1 ||
        ! "$tools/$1/bin/pip" install --quiet --disable-pip-version-check "$2" >>"$tools/$1.log" 2>&1; then
        rm -rf "${tools:?}/$1"
        complain "$1 cannot be had from PyPI: $(tail -n 1 "$tools/$1.log")"
        return 1
    fi
}

# The columns of /proc/PID/stat after the name, which may hold anything.
stat_of() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null; }

# A process is its number and the instant it was started at, because numbers come again.
since() { stat_of "$1" | cut -d ' ' -f 20; }

same() { # PID SINCE: whether that process runs; a dead one that nobody has waited for does not.
    case $(stat_of "$1") in
        '' | [ZX]*) return 1 ;;
    esac
    [ "$(since "$1")" = "$2" ]
}

# Runs a program in the background, with a session of its own: `launch PROGRAM ARGUMENT…`.
launch() {
    setsid "$@" </dev/null >>"$place/log" 2>&1 &
    echo "$! $(since $!)" >"$place/pid"
}

start() { in_place "$1" start; }

alive() {
    [ -s "$dir/$1/pid" ] || return 1
    read -r pid instant <"$dir/$1/pid"
    same "$pid" "$instant"
}

# A process and all that it started, each with its instant.
family() {
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$1" '
        { pid = $1; sub(/^.*\) /, ""); parent[pid] = $2; instant[pid] = $20 }
        END {
            member[root] = 1
            do {
                grown = 0
                for (pid in parent) if (!(pid in member) && parent[pid] in member) grown = member[pid] = 1
            } while (grown)
            for (pid in member) if (pid in parent) print pid, instant[pid]
        }'
}

# Ends a service with a signal: `end postgres INT`. What it leaves behind is killed; KILL is for all at once.
end() {
    alive "$1" || return 0
    # Nobody is born between the look and the killing.
    [ "$2" != KILL ] || kill -STOP "$pid" 2>/dev/null
    members=$(family "$pid")
    [ "$2" = KILL ] || kill -"$2" "$pid" 2>/dev/null
    tries=0
    while [ "$2" != KILL ] && [ "$tries" -lt 300 ] && same "$pid" "$instant"; do
        tries=$((tries + 1))
        sleep 0.1
    done
    echo "$members" | while read -r pid instant; do
        ! same "$pid" "$instant" || kill -KILL "$pid" 2>/dev/null
    done
    echo "$members" | while read -r pid instant; do
        while same "$pid" "$instant"; do sleep 0.05; done
    done
    rm -f "$dir/$1/pid"
}

discard() { ! command -v "$1_discard" >/dev/null || in_place "$1" discard; }

last_words() { echo "the end of $dir/$1/log: $(tail -n 1 "$dir/$1/log" 2>/dev/null)"; }
