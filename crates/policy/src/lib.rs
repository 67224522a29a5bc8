//! Policies: their format, the gates that look at an image, allowlists, and the evaluation that turns all of
//! them into a verdict.
//!
//! Everything here is a pure function of its arguments: the caller loads files, fetches URLs and reads the
//! clock. A policy is parsed once, with every mistake named by line and field, into rules that are ready to
//! run; [`evaluate`] runs them over one image. [`Gate`] is the seam: a new gate is one file in `gates/` and a
//! line in [`gates::ALL`], and the parser, the JSON Schema and the did-you-mean of mistakes follow from it.

mod allowlist;
mod evaluate;
mod expiry;
mod fields;
mod gate;
pub mod gates;
mod mistake;
mod param;
mod policy;
mod range;
mod schema;
mod wildcard;
mod yaml;

pub use allowlist::Allowlist;
pub use evaluate::{Evaluation, Facts, Input, evaluate};
pub use gate::{Check, Constraint, Gate, Matches, Trigger};
pub use mistake::{Mistake, Mistakes};
pub use param::{Param, ParamKind, Values};
pub use policy::{DEFAULT_POLICY, Policy, judged_by};
pub use schema::schema;
