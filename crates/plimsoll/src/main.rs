//! Judges container images: may this run?
fn main() {}
