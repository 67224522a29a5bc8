//! End-to-end scenarios, the image maker, the in-process registry, benches.
