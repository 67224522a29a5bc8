# Sourced by the other scripts: checks the tools every build needs, before anything is built, and goes to the top
# of the repository. One line says what is missing and where it comes from.

cd "$(dirname "$0")/../.." || exit 1

# What was given to our make is none of the business of what the builds of dependencies run: to their configure scripts,
# INSTALL names the program that installs. The scripts here still see it, what they start does not.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES
install=${INSTALL:-}
unset INSTALL
[ -z "$install" ] || INSTALL=$install
unset install

missing() {
    echo "$1" >&2
    exit 1
}

# Whether the first version is the second one or a later one: toolchain_is_at_least 1.94.2 1.94.1
toolchain_is_at_least() {
    printf '%s %s\n' "$1" "$2" | awk '{
        split($1, have, /[.+-]/); split($2, want, /[.+-]/)
        for (i = 1; i <= 3; i++) if (have[i] + 0 != want[i] + 0) exit !(have[i] + 0 > want[i] + 0)
        exit 0
    }'
}

wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)

command -v cargo >/dev/null 2>&1 ||
    missing "cargo is missing: install Rust $wanted or later, see https://rustup.rs"
found=$(cargo --version 2>/dev/null | awk '{ print $2 }')
toolchain_is_at_least "${found:-0}" "$wanted" ||
    missing "cargo ${found:-of unknown version} is too old: Rust $wanted or later is needed; 'rustup update stable' brings it"
command -v cc >/dev/null 2>&1 ||
    missing "cc is missing: a C compiler is needed ('apt-get install gcc libc6-dev', or 'xcode-select --install' on macOS)"
