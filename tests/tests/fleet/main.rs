//! The fleet as its users meet it: `plimsoll serve` as a process, asked by gRPC, killed and started again. One theme a
//! file.

mod collector;
mod crashes;
mod fleet;
mod numbers;
mod scans;
mod traces;
