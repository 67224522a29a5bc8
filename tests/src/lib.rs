//! End-to-end scenarios, the image maker, the in-process registry, benches.

pub mod binary;
pub mod demo_image;
pub mod docker_registry;
pub mod ecr;
pub mod faults;
pub mod feed;
pub mod image;
pub mod proxy;
pub mod registry;
pub mod squash;
