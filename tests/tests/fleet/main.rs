//! The fleet as its users meet it: processes, asked by gRPC, killed and started again. One theme a file; the README of
//! this package says which of them need services.

mod collector;
mod crashes;
mod crowd;
mod deadlines;
mod events;
mod fleet;
mod garbage;
mod home;
mod numbers;
mod places;
mod poison;
mod process;
mod pushes;
mod replays;
mod roles;
mod scans;
mod services;
mod tenants;
mod traces;
mod versions;
