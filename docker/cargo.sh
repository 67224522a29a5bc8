#!/bin/sh
# cargo.sh ARGUMENT…: cargo as the Dockerfile runs it, with the toolchain below /toolchain and, if there is anything, the
# dependencies below /crates.
set -eu

for bin in /toolchain/bin /toolchain/usr/local/rustup/toolchains/*/bin; do
    [ ! -x "$bin/cargo" ] || PATH=$bin:$PATH
done
command -v cargo >/dev/null || {
    echo "cargo.sh: the build context 'rust' has no cargo; give the root of Rust's image, or what 'rustc --print sysroot' prints" >&2
    exit 1
}
if [ -n "$(ls -A /crates 2>/dev/null)" ]; then
    set -- "$@" --offline --config 'source.crates-io.replace-with="vendored"' \
        --config 'source.vendored.directory="/crates"'
fi
exec cargo "$@" --locked
