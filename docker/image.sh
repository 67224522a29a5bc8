#!/bin/sh
# image.sh: builds Plimsoll's image where nothing can be pulled, and proves that what was built scans.
#
#   sh docker/image.sh [BINARY]    around a binary that is there [default: target/release/plimsoll]
#   sh docker/image.sh --source    from source, with the Rust toolchain of this machine (a quarter of an hour)
#
# Packages come from Debian's mirrors; nothing comes from a registry. Leaves target/image/plimsoll.tar, an OCI archive.
# Wants Debian and root; ends with 77 and a line "skipped: why" where it cannot be done, with 1 where it went wrong.
#
# OUT=DIR    leave the archive there
set -eu

# As seen from where this was called.
case ${1:-} in
    "" | -* | /*) ;;
    *) set -- "$PWD/$1" ;;
esac
case ${OUT:-/} in /*) ;; *) OUT=$PWD/$OUT ;; esac
cd "$(dirname "$0")/.."

say() { echo "image: $*"; }
die() {
    echo "image: $*" >&2
    exit 1
}
skip() {
    echo "skipped: $*"
    exit 77
}

case ${1:-} in
    --source) binary="" ;;
    -*) die "there is no option $1" ;;
    "") binary=${CARGO_TARGET_DIR:-target}/release/plimsoll ;;
    *) binary=$1 ;;
esac
[ -z "$binary" ] || [ -f "$binary" ] || die "$binary is not there: 'cargo build --release' makes it, or name another one"
out=${OUT:-target/image}

lacking=""
for program in buildah mmdebstrap apt-get dpkg-deb strip; do
    command -v "$program" >/dev/null 2>&1 || lacking="$lacking $program"
done
[ -z "$lacking" ] ||
    skip "the image is built with$lacking, which is not here: apt-get install --no-install-recommends buildah mmdebstrap binutils"
[ "$(id -u)" = 0 ] || skip "only root can make the image's base"

# A store of its own, so that nothing else on this machine is seen or touched.
work=$(mktemp -d)
images() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
server=""
clean() {
    [ -z "$server" ] || processes "$server" | xargs kill -KILL 2>/dev/null || :
    images rm --all >/dev/null 2>&1 || :
    # A mount that is left is not emptied.
    rm -rf --one-file-system "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs work

# What no package brings.
unshare --mount true 2>/dev/null || skip "root may not mount here, which building an image needs"

. docker/build.sh
. docker/prove.sh

build
prove
keep
say "to use it: skopeo copy oci-archive:$out/plimsoll.tar docker://REGISTRY/plimsoll:$version"
