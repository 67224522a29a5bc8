//! Folds the evidence of an image's layers into one inventory.
//!
//! *Merging equals applying*: the merged tree is what containerd leaves on a disk after applying the layers in
//! order (OCI image-spec, layer.md), where it accepts them; where it would refuse, the reading that hides
//! least is taken and a blind spot says so. A fact counts if the file it was read from is what the merged
//! image shows; nothing else decides about upgrades, deletions or moved databases.

mod apply;
mod attribution;
mod blind_spots;
mod fold;
mod metadata;
mod ownership;
mod package;
mod path_map;
mod records;
mod roots;
mod tree;

pub use fold::{fold, fold_shared};
