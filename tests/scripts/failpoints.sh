# Sourced by test.sh and chaos.sh: builds a plimsoll with the feature `failpoints` beside the ordinary one, and names it in
# PLIMSOLL_FAILPOINTS_BIN. Both builds share everything but the few crates that have failpoints, or know one that has: for
# that, a test is built with either, since the features of what we depend on are others without tests. Cargo puts both
# programs in the same place, so this one is copied away before the ordinary one is put back.

programs=${CARGO_TARGET_DIR:-$PWD/target}/debug
cargo build --locked --workspace --bin plimsoll --test chaos --features plimsoll/failpoints &&
    cp "$programs/plimsoll" "$programs/plimsoll-failpoints" &&
    cargo build --locked --workspace --bin plimsoll --test chaos || exit 1
PLIMSOLL_FAILPOINTS_BIN=$programs/plimsoll-failpoints
export PLIMSOLL_FAILPOINTS_BIN
