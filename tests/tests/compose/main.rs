//! `docker/compose.yml` held to what it says, without a Docker engine: its shape, its secrets, that every role is given
//! what the binary takes, and that the same commands, in the same order, end in a judged image.

mod file;
mod images;
mod order;
mod programs;
mod rehearsal;
mod secrets;
mod watching;

// What the scenarios of the fleet do with processes and services.
#[path = "../fleet/places.rs"]
#[expect(dead_code, reason = "SQS is not what the file is about")]
mod places;
#[path = "../fleet/process.rs"]
#[expect(dead_code, reason = "nothing is killed here")]
mod process;
