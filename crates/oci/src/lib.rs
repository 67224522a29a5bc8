//! Where images come from: registries, OCI layouts, archives, root filesystems.
