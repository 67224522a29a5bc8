#!/bin/sh
# skeleton.sh DIR: copies to DIR what decides which dependencies are built and how: manifests, lock file, configuration; and
# empty sources in place of ours. It differs only when one of these does, so a build of it can be kept.
set -eu
cd "$(dirname "$0")/.."
to=${1:?usage: skeleton.sh DIR}

mkdir -p "$to/docker"
cp Cargo.toml Cargo.lock "$to"
cp docker/cargo.sh "$to/docker"
cp -R .cargo "$to"
for manifest in crates/*/Cargo.toml tests/Cargo.toml; do
    mkdir -p "$to/$(dirname "$manifest")"
    cp "$manifest" "$to/$manifest"
done

# Every target that a manifest names, or that cargo finds by its place. A test is a program too, since some have no harness.
for source in crates/*/src/lib.rs crates/*/src/main.rs crates/*/build.rs crates/*/benches/*.rs crates/*/tests/*.rs \
    tests/src/lib.rs tests/src/bin/*.rs tests/load/main.rs; do
    mkdir -p "$to/$(dirname "$source")"
    case $source in
        */lib.rs) : >"$to/$source" ;;
        *) echo 'fn main() {}' >"$to/$source" ;;
    esac
done
