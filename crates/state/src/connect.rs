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

/// As [`connect`], but a file has to be there: for whoever reads what others wrote, to whom a new file would say that there
/// is nothing.
///
/// # Errors
/// As [`connect`]'s; [`Error::NoFile`] if there is no such file.
pub async fn connect_existing(url: &str) -> Result<Arc<dyn State>, Error> {
    if let Some(("sqlite", file)) = url.split_once(':')
        && !file.is_empty()
        && !std::path::Path::new(file).exists()
    {
        return Err(Error::NoFile { file: file.to_owned() });
    }
    connect(url).await
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

    #[tokio::test]
    async fn a_file_that_has_to_be_there_is_not_made() {
        let place = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}", place.path().join("state.db").display());
        let Err(error) = connect_existing(&url).await else { panic!("it was opened") };
        assert!(matches!(error, Error::NoFile { .. }) && error.to_string().contains("state.db"), "{error}");
        drop(connect(&url).await.expect("it is made"));
        assert!(connect_existing(&url).await.is_ok());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_new_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().expect("a directory");
        let file = place.path().join("state.db");
        let _state = connect(&format!("sqlite:{}", file.display())).await.expect("it is made");
        for name in ["state.db", "state.db-wal"] {
            let meta = std::fs::metadata(place.path().join(name)).expect("it is there");
            assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }
}
