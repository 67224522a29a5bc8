//! Advisories in, an immutable snapshot out, and the matcher over it.
