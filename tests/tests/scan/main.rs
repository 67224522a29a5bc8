//! `plimsoll scan` as its users meet it: the built binary, images of the image maker, a registry that counts. One
//! theme a file.

mod credentials;
mod exit_codes;
mod inputs;
mod layers;
mod network;
mod platforms;
mod real_registry;
mod sources;
mod workshop;
