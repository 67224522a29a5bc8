//! Which bucket, where, and how to write there.

use std::fmt;

use crate::Error;

/// What an address alone does not say. Everything left out comes from where AWS's own tools take it: environment,
/// profile, the machine's or the container's role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Options {
    /// URL of a server other than AWS's; buckets are then part of the path, not of the host name.
    pub endpoint: Option<String>,
    /// The region. With an endpoint it is us-east-1 unless said otherwise.
    pub region: Option<String>,
    /// How the server encrypts what is put.
    pub encryption: Encryption,
}

/// Encryption at rest, by the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// As the bucket is set up.
    #[default]
    Bucket,
    /// SSE-S3: with keys that S3 keeps (`encryption=AES256`).
    S3,
    /// SSE-KMS: with the named key (`encryption=aws:kms&kms_key=…`), or the account's default one.
    Kms(Option<String>),
}

/// `s3://BUCKET/PATH`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) bucket: String,
    /// Without slashes at its ends; empty for the whole bucket.
    pub(crate) path: String,
}

impl Address {
    /// Reads an address. What its query says (`?endpoint=…&region=…&encryption=…&kms_key=…`) goes before `options`.
    pub(crate) fn parse(url: &str, mut options: S3Options) -> Result<(Self, S3Options), Error> {
        let wrong = |why| Error::Address { address: url.to_owned(), why };
        let rest = url.strip_prefix("s3://").ok_or_else(|| wrong("it does not start with s3://"))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, path) = place.split_once('/').unwrap_or((place, ""));
        let in_bucket = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if bucket.is_empty() || !bucket.chars().all(in_bucket) {
            return Err(wrong("a bucket's name is made of letters, digits, dots and hyphens"));
        }
        let path = path.trim_matches('/');
        let is_part = |part: &str| !matches!(part, "" | "." | "..");
        if !path.is_empty() && !path.split('/').all(is_part) {
            return Err(wrong("a part of its path is empty or made of dots"));
        }
        if path.chars().any(|c| c.is_control() || "%#\\".contains(c)) {
            return Err(wrong("its path has a character that stores do not agree on"));
        }
        apply(query, &mut options).map_err(wrong)?;
        Ok((Self { bucket: bucket.to_owned(), path: path.to_owned() }, options))
    }

    /// The name of an object below this address.
    pub(crate) fn name(&self, below: &str) -> String {
        if self.path.is_empty() { below.to_owned() } else { format!("{}/{below}", self.path) }
    }

    /// The part of an object's name that lies below this address.
    pub(crate) fn below<'a>(&self, name: &'a str) -> Option<&'a str> {
        match self.path.as_str() {
            "" => Some(name),
            path => name.strip_prefix(path)?.strip_prefix('/'),
        }
    }

    /// The address of an object in this bucket, for people.
    pub(crate) fn shown(&self, name: &str) -> String {
        format!("s3://{}/{name}", self.bucket)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown(&self.path).trim_end_matches('/'))
    }
}

fn apply(query: &str, options: &mut S3Options) -> Result<(), &'static str> {
    let mut kms_key = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (name, value) {
            (_, "") => return Err("a parameter has no value"),
            ("endpoint", url) if url.starts_with("http://") || url.starts_with("https://") => {
                options.endpoint = Some(url.to_owned());
            }
            ("endpoint", _) => return Err("its endpoint does not start with http:// or https://"),
            ("region", region) => options.region = Some(region.to_owned()),
            ("encryption", "AES256") => options.encryption = Encryption::S3,
            ("encryption", "aws:kms") => options.encryption = Encryption::Kms(None),
            ("encryption", _) => return Err("its encryption is neither AES256 nor aws:kms"),
            ("kms_key", key) => kms_key = Some(key.to_owned()),
            _ => return Err("its parameters are endpoint, region, encryption and kms_key"),
        }
    }
    if let Some(key) = kms_key {
        match &mut options.encryption {
            Encryption::Kms(named) => *named = Some(key),
            _ => return Err("kms_key goes with encryption=aws:kms"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<(Address, S3Options), String> {
        Address::parse(url, S3Options::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_is_a_bucket_and_a_path() {
        for (url, bucket, path) in [
            ("s3://bucket", "bucket", ""),
            ("s3://bucket/", "bucket", ""),
            ("s3://my.bucket-1/a/b/", "my.bucket-1", "a/b"),
            ("s3://bucket/a?region=eu-central-1", "bucket", "a"),
        ] {
            let (address, _) = parse(url).unwrap();
            assert_eq!((address.bucket.as_str(), address.path.as_str()), (bucket, path), "{url}");
            assert_eq!(address.below(&address.name("blobs/x")), Some("blobs/x"));
        }
        assert_eq!(parse("s3://bucket/a").unwrap().0.below("ab/blobs/x"), None);
        assert_eq!(parse("s3://bucket/").unwrap().0.to_string(), "s3://bucket");
    }

    #[test]
    fn the_query_says_where_the_server_is_and_how_it_encrypts() {
        let url = "s3://b/p?endpoint=http://127.0.0.1:1&region=x&encryption=aws:kms&kms_key=arn:aws:kms:k/1";
        let expected = S3Options {
            endpoint: Some("http://127.0.0.1:1".into()),
            region: Some("x".into()),
            encryption: Encryption::Kms(Some("arn:aws:kms:k/1".into())),
        };
        assert_eq!(parse(url).unwrap().1, expected);
        assert_eq!(parse("s3://b?encryption=AES256").unwrap().1.encryption, Encryption::S3);
        let given = S3Options { region: Some("given".into()), ..S3Options::default() };
        let (_, options) = Address::parse("s3://b", given.clone()).unwrap();
        assert_eq!(options, given);
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (url, why) in [
            ("s4://bucket", "s3://"),
            ("s3://", "bucket"),
            ("s3:///a", "bucket"),
            ("s3://user@host/a", "bucket"),
            ("s3://b/a//b", "empty"),
            ("s3://b/../c", "dots"),
            ("s3://b/a%2fb", "character"),
            ("s3://b/a\nb", "character"),
            ("s3://b?endpoint=ftp://x", "http"),
            ("s3://b?encryption=rot13", "AES256"),
            ("s3://b?kms_key=x", "aws:kms"),
            ("s3://b?secret=x", "parameters"),
            ("s3://b?region=", "no value"),
        ] {
            let message = parse(url).unwrap_err();
            assert!(message.contains(why) && message.contains("s3://BUCKET"), "{url}: {message}");
        }
    }
}
