//! Wire messages and the evidence codec.
