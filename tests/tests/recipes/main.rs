//! The recipes for continuous integration in `infra/ci`, run as far as that is possible here: their scripts with a `plimsoll`, an
//! `aws` and a `docker` that are ours, and what they call `plimsoll` with on the binary itself.

mod job;
mod pipeline;
mod scripts;
mod verdicts;
