//! The server of the command line.

use std::path::Path;

use plimsoll_api::client::{Client, Options};

use super::Trouble;
use super::args::ServerArgs;
use crate::inputs;

/// The token, where no file has it. Not an option: what is on a command line others can read.
const TOKEN: &str = "PLIMSOLL_TOKEN";

pub(super) fn client(arguments: ServerArgs) -> Result<Client, Trouble> {
    let mut options = Options::new(arguments.server);
    options.token = match arguments.token_file {
        Some(file) => Some(read(&file, "token")?.trim().to_owned()),
        None => std::env::var(TOKEN).ok().filter(|token| !token.is_empty()),
    };
    options.authority = arguments.ca.map(|file| read(&file, "certificate")).transpose()?;
    if let (Some(cert), Some(key)) = (arguments.cert, arguments.key) {
        options.identity = Some((read(&cert, "certificate")?, read(&key, "key")?));
    }
    options.token_in_the_clear = arguments.token_in_the_clear;
    Ok(Client::new(options)?)
}

fn read(file: &Path, what: &str) -> Result<String, Trouble> {
    inputs::text(file).map_err(|why| Trouble::new(format!("{what} {why}")))
}
