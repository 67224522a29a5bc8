# Sourced by services.sh: ports that nobody uses, chosen once for each directory, so that a service comes back where
# it was.
# shellcheck shell=sh disable=SC2154

# Every port that is in use on this machine, one a line.
used_ports() {
    if [ -r /proc/net/tcp ]; then
        # The second column is ADDRESS:PORT in hex.
        cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
            awk '$2 ~ /:/ { sub(/.*:/, "", $2); print $2 }' |
            sort -u | while read -r hex; do echo $((0x$hex)); done
    else
        netstat -an -p tcp 2>/dev/null | awk '$4 ~ /[.:][0-9]+$/ { sub(/.*[.:]/, "", $4); print $4 }'
    fi
}

# Ports handed out below the range from which systems take ports for outgoing connections (32768 and up).
choose_ports() {
    [ ! -s "$dir/$1/ports" ] || return 0
    seed=$(od -An -N3 -tu4 /dev/urandom) || return 1
    {
        used_ports
        # Ports of services that are down for now.
        cat "$dir"/*/ports 2>/dev/null | awk '{ print $2 }'
    } | awk -v seed="$seed" -v names="$(of "$1" ports)" '
        { used[$1] = 1 }
        END {
            srand(seed)
            for (i = 1; i <= split(names, name, " "); i++) {
                do candidate = 20000 + int(rand() * 12000); while (candidate in used)
                used[candidate] = 1
                print name[i], candidate
            }
        }' >"$dir/$1/.ports" && mv "$dir/$1/.ports" "$dir/$1/ports"
}
