# Sourced by image.sh: the base, and the image on it.
# shellcheck shell=sh disable=SC2154

version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
image=localhost/plimsoll:$version

# A directory as an image that builds can start from: `imported DIR NAME`.
imported() {
    container=$(images from scratch)
    # Copied, because `buildah add` gives everything to root.
    cp -a "$1/." "$(images mount "$container")/"
    images umount "$container" >/dev/null
    images commit -q --rm "$container" "$2" >/dev/null
}

# Something of Debian's, by mmdebstrap; what it says is shown if it fails.
debian() {
    mmdebstrap "$@" >"$work/mmdebstrap.log" 2>&1 && return
    tail -n 5 "$work/mmdebstrap.log" >&2
    ! grep -qE 'Could not (resolve|connect)|Temporary failure|Unable to connect' "$work/mmdebstrap.log" ||
        skip "no mirror of Debian can be reached"
    die "mmdebstrap could not do it"
}

build() {
    say "making the base of Debian's packages"
    # Nothing is installed: mmdebstrap only makes an apt that knows Debian, whatever this machine is, and verifies it.
    cat >"$work/hook" <<HOOK
APT_CONFIG=\$MMDEBSTRAP_APT_CONFIG exec sh '$PWD/docker/base.sh' '$work/base'
HOOK
    debian --variant=custom --format=null --customize-hook="sh '$work/hook'" bookworm /dev/null
    imported "$work/base" localhost/plimsoll-base

    revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
    set -- --file docker/Dockerfile --tag "$image" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
        --build-context base=container-image://localhost/plimsoll-base
    if [ -n "$binary" ]; then
        mkdir "$work/binary"
        # Tables for debuggers are five sixths of it.
        strip -o "$work/binary/plimsoll" "$binary"
        set -- "$@" --target runtime --build-context "binary=$work/binary"
    else
        from_source
        set -- "$@" --layers --build-context debian=container-image://localhost/plimsoll-debian \
            --build-context "rust=$(rustc --print sysroot)" --build-context "crates=$work/crates"
    fi
    say "building $image"
    images build "$@" . >"$work/build.log" 2>&1 || {
        tail -n 20 "$work/build.log" >&2
        die "buildah could not build it"
    }
}

# What the build stage takes instead of pulling it.
from_source() {
    command -v cargo >/dev/null 2>&1 || skip "there is no Rust toolchain here"
    say "making a Debian with a compiler, and collecting the dependencies"
    debian --variant=minbase --include=ca-certificates,gcc,libc6-dev,make --format=directory bookworm "$work/debian"
    imported "$work/debian" localhost/plimsoll-debian
    rm -rf "$work/debian"
    cargo vendor --locked --versioned-dirs "$work/crates" >"$work/vendor.log" 2>&1 || {
        tail -n 5 "$work/vendor.log" >&2
        die "cargo could not collect the dependencies"
    }
}
