# Sourced. `featured NAME…` builds, for each feature, a plimsoll that has it beside the ordinary one, and names it in
# PLIMSOLL_<NAME>_BIN. All builds share everything but the few crates that have the feature, or know one that has: for
# that, tests are built with any, since the features of what we depend on are others without tests. Cargo puts all
# programs in the same place, so these are copied away before the ordinary one is put back.

featured() {
    programs=${CARGO_TARGET_DIR:-$PWD/target}/debug
    for feature in "$@"; do
        cargo build --locked --workspace --bin plimsoll --test chaos --features "plimsoll/$feature" &&
            cp "$programs/plimsoll" "$programs/plimsoll-$feature" || return 1
        case $feature in
            failpoints) PLIMSOLL_FAILPOINTS_BIN=$programs/plimsoll-failpoints; export PLIMSOLL_FAILPOINTS_BIN ;;
            poison) PLIMSOLL_POISON_BIN=$programs/plimsoll-poison; export PLIMSOLL_POISON_BIN ;;
        esac
    done
    cargo build --locked --workspace --bin plimsoll --test chaos
}
