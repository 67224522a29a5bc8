//! From a URL to a database.

use std::sync::Arc;

use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::{Error, State};

/// Opens the database a URL names, brings it to this version's schema, and creates it if it is a file.
///
/// `sqlite:FILE` is a file of one host, for one process of the fleet; `sqlite::memory:` lives as long as what is
/// returned. `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full` is for as many processes as one likes; its
/// parameters are those of libpq.
///
/// # Errors
/// [`Error::Url`] if it names neither; otherwise what the database says. The URL is never part of a message: it may hold
/// a password.
pub async fn connect(url: &str) -> Result<Arc<dyn State>, Error> {
    match url.split_once(':') {
        Some(("sqlite", "")) => Err(Error::Url("sqlite: names no file".to_owned())),
        Some(("sqlite", file)) => Ok(Arc::new(Sqlite::open(file).await?)),
        Some(("postgres" | "postgresql", _)) => Ok(Arc::new(Postgres::open(url).await?)),
        Some((scheme, _)) if scheme.len() < 20 => {
            Err(Error::Url(format!("{scheme}: is no database Plimsoll knows")))
        }
        _ => Err(Error::Url("this is not the URL of a database".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_database_is_refused_without_repeating_it() {
        for url in
            ["mysql://root:secret@host/db", "sqlite:", "root:secret@host and more words than a scheme has"]
        {
            let Err(error) = connect(url).await else { panic!("{url} was opened") };
            assert!(matches!(error, Error::Url(_)) && !error.to_string().contains("secret"), "{error}");
        }
    }
}
