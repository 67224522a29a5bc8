//! Policies: format, gates, allowlists, evaluation.
