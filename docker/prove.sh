# Sourced by image.sh: what was built does what an image of Plimsoll has to. Everything runs from the image, as its user, in
# its environment.
# shellcheck shell=sh disable=SC2154

bytes() { stat -c %s "$1"; }

# Runs the image's program: `plimsoll ARGUMENT…`. It sees $work/share as /share.
plimsoll() {
    # chroot isolation shows the program this machine's environment no more than a container would.
    images run --volume "$work/share:/share" "$container" -- "$entry" "$@"
}

# `expect CODE ARGUMENT…`: runs it, and says what it said if it ends otherwise.
expect() {
    wanted=$1
    shift
    code=0
    plimsoll "$@" >"$work/said" 2>&1 || code=$?
    [ "$code" = "$wanted" ] || {
        tail -n 20 "$work/said" >&2
        die "plimsoll $1 ended with $code, not $wanted"
    }
}

prove() {
    container=$(images from "$image")
    root=$(images mount "$container")
    unpacked=$(du -sb "$root" | cut -f 1)
    entry=$(images inspect --format '{{index .OCIv1.Config.Entrypoint 0}}' "$container")
    user=$(images inspect --format '{{.OCIv1.Config.User}}' "$container")
    mkdir -p "$work/share/out" "$work/share/advisories"
    cp crates/knowledge/demo/* "$work/share/advisories"
    chmod 0777 "$work/share/out"

    holds_nothing_else
    is_not_root
    scans
    serves
}

# One program, and no way to become another user.
holds_nothing_else() {
    programs=$(find "$root" -xdev -type f -perm /111 ! -name '*.so' ! -name '*.so.*' | sed "s|^$root||")
    [ "$(echo "$programs" | grep -v /etc/update-motd.d/)" = "$entry" ] || die "there are other programs in the image: $programs"
    [ -z "$(find "$root" -xdev -type f -perm /6000)" ] || die "there are setuid programs in the image"
    authorities=$(grep -c 'BEGIN CERTIFICATE' "$root/etc/ssl/certs/ca-certificates.crt")
    [ "$authorities" -gt 100 ] || die "there are only $authorities certificate authorities in the image"
    say "in the image: $entry and no other program, no shell; $authorities certificate authorities"
}

is_not_root() {
    case $user in
        "" | 0 | 0:* | root*) die "the image's user is '$user'" ;;
    esac
    expect 0 db build --out /share/out/known.db /share/advisories
    owner=$(stat -c %u:%g "$work/share/out/known.db")
    [ "$owner" = "$user" ] || die "what it writes belongs to $owner, not $user"
    # What root could do.
    expect 3 db build --out /usr/bin/known.db /share/advisories
    expect 0 db build --out /var/lib/plimsoll/known.db /share/advisories
    say "it runs as $user, and can write to its own directory and not to the system's"
}

scans() {
    layout vulnerable 2.36-9
    layout mended 2.36-9+deb12u13
    judge 1 vulnerable
    grep -q CVE-2023-4911 "$work/share/out/vulnerable.json" || die "the report on 'vulnerable' lacks CVE-2023-4911"
    # Not a pass: these advisories are a demonstration, and a verdict by them says so.
    judge 2 mended
    ! grep -q CVE-2023-4911 "$work/share/out/mended.json" || die "the report on 'mended' has CVE-2023-4911"
    judge 3 missing
    say "it scans: an image with glibc 2.36-9 fails by CVE-2023-4911, one with a later one does not, a missing one is not judged"
}

# `judge CODE IMAGE`
judge() {
    expect "$1" scan "oci:/share/$2" --db /share/out/known.db --store /var/lib/plimsoll/store --quiet \
        --format "json=/share/out/$2.json"
    [ -s "$work/share/out/$2.json" ] || die "there is no report on '$2'"
}

# An image of one layer, a Debian 12 with one package: `layout NAME VERSION`.
layout() {
    place=$work/share/$1
    mkdir -p "$place/blobs/sha256" "$work/$1/etc" "$work/$1/var/lib/dpkg"
    printf 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n' >"$work/$1/etc/os-release"
    printf 'Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\nVersion: %s\n' "$2" \
        >"$work/$1/var/lib/dpkg/status"
    tar --sort=name --mtime=@0 --numeric-owner -C "$work/$1" -cf "$work/$1.tar" etc var
    layer=$(blob "$work/$1.tar")
    printf '{"architecture":"amd64","os":"linux","config":{"User":"1000"},"rootfs":{"type":"layers","diff_ids":["%s"]}}' \
        "${layer% *}" >"$work/$1.config"
    config=$(blob "$work/$1.config")
    printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}' application/vnd.oci.image.manifest.v1+json \
        "$(descriptor application/vnd.oci.image.config.v1+json "$config")" \
        "$(descriptor application/vnd.oci.image.layer.v1.tar "$layer")" >"$work/$1.manifest"
    manifest=$(blob "$work/$1.manifest")
    printf '{"schemaVersion":2,"manifests":[%s]}' \
        "$(descriptor application/vnd.oci.image.manifest.v1+json "$manifest")" >"$place/index.json"
    echo '{"imageLayoutVersion":"1.0.0"}' >"$place/oci-layout"
}

# Puts a file into the layout at $place; its digest and its size.
blob() {
    sum=$(sha256sum "$1" | cut -d ' ' -f 1)
    cp "$1" "$place/blobs/sha256/$sum"
    echo "sha256:$sum $(bytes "$1")"
}

descriptor() { printf '{"mediaType":"%s","digest":"%s","size":%s}' "$1" "${2% *}" "${2#* }"; }

# A whole fleet in one process starts, is ready by the image's own health check, and stops when it is told to.
serves() {
    plimsoll serve --data /var/lib/plimsoll/data --db /share/out/known.db --open-access --listen 127.0.0.1:0 \
        --http 127.0.0.1:0 >"$work/serve.log" 2>&1 &
    server=$!
    http="" tries=0
    until [ -n "$http" ] && plimsoll healthcheck --ready --http "$http" >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ "$tries" -gt 150 ] || ! kill -0 "$server" 2>/dev/null; then
            tail -n 5 "$work/serve.log" >&2
            die "serve does not get ready"
        fi
        http=$(sed -n 's/.*http=Some(\([0-9.:]*\)).*/\1/p' "$work/serve.log")
        sleep 0.2
    done
    told=""
    for running in $(processes "$server"); do
        # buildah does not hand signals on; only the program itself is told.
        [ "$(cat "/proc/$running/comm")" != plimsoll ] || { kill "$running" && told=yes; }
    done
    [ -n "$told" ] || die "the process that serves cannot be found"
    code=0
    wait "$server" || code=$?
    server=""
    [ "$code" = 0 ] || die "serve ended with $code when it was told to stop"
    expect 3 healthcheck --http "$http"
    say "it serves, tells its health check that it is ready, and stops when it is told to"
}

# A process and all that it started.
processes() {
    echo "$1"
    # Each of its threads has children of its own.
    # shellcheck disable=SC2013 # They are words, on one line.
    for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
        processes "$child"
    done
}

# Leaves the image, and says how large it is.
keep() {
    mkdir -p "$out"
    rm -f "$out/plimsoll.tar"
    images push -q "$image" "oci-archive:$out/plimsoll.tar:$version" >/dev/null
    say "$out/plimsoll.tar: $(bytes "$out/plimsoll.tar") bytes; unpacked $unpacked, of which the binary" \
        "$(bytes "$root$entry")"
}
