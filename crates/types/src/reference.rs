//! What a user may name as an image.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::Digest;

/// A registry reference, `[registry/]repository[:tag][@digest]`, with Docker's defaults: no registry is
/// `docker.io`, a one-word repository there is below `library/`, no tag and no digest is `latest`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Host and port, for example `docker.io` or `127.0.0.1:5000`.
    pub registry: String,
    /// Repository.
    pub repository: String,
    /// Tag, if stated or defaulted.
    pub tag: Option<String>,
    /// Digest, if stated; it wins over the tag.
    pub digest: Option<Digest>,
}

/// Where an image comes from: the forms `plimsoll scan` takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// A registry.
    Registry(Reference),
    /// `oci:DIR[:TAG]`, an OCI image layout.
    OciDir {
        /// The directory.
        path: PathBuf,
        /// `org.opencontainers.image.ref.name`, or a digest.
        tag: Option<String>,
    },
    /// `oci-archive:FILE[:TAG]`, a layout in a tar.
    OciArchive {
        /// The file.
        path: PathBuf,
        /// As for the directory.
        tag: Option<String>,
    },
    /// `docker-archive:FILE[:REFERENCE]`, what `docker save` writes.
    DockerArchive {
        /// The file.
        path: PathBuf,
        /// One of its `RepoTags`.
        tag: Option<String>,
    },
    /// `rootfs:DIR`, a directory as one layer.
    Rootfs {
        /// The directory.
        path: PathBuf,
    },
}

/// Why a text names no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an image reference: {why}")]
pub struct ReferenceError {
    text: String,
    why: &'static str,
}

impl Reference {
    /// The tag or digest to ask a registry for.
    pub fn selector(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }

    /// The same repository at a digest.
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let error = |why| ReferenceError { text: text.chars().take(200).collect(), why };
        if text.is_empty() {
            return Err(error("it is empty"));
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                let digest =
                    digest.parse().map_err(|_| error("the part after @ is not sha256:<64 hex digits>"))?;
                (name, Some(digest))
            }
            None => (text, None),
        };
        let (registry, rest) = match name.split_once('/') {
            Some((host, rest))
                if host.contains(['.', ':']) || host == "localhost" || host.starts_with('[') =>
            {
                (host.to_owned(), rest)
            }
            _ => ("docker.io".to_owned(), name),
        };
        let registry = match registry.as_str() {
            "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
            _ => registry,
        };
        if matches!(registry.as_str(), "." | "..") || name.starts_with('/') {
            return Err(error(
                "for a path name its kind: oci:, oci-archive:, docker-archive: or rootfs: before it",
            ));
        }
        if !valid_host(&registry) {
            return Err(error("the registry is not host[:port], without a scheme such as https://"));
        }
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag.to_owned())),
            _ => (rest, None),
        };
        if let Some(tag) = &tag
            && !valid_tag(tag)
        {
            return Err(error("a tag is up to 128 letters, digits, _ . - and starts with none of . -"));
        }
        let repository = if registry == "docker.io" && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository.to_owned()
        };
        if repository.len() > 255 {
            return Err(error("a repository has up to 255 characters"));
        }
        if !repository.split('/').all(valid_component) {
            return Err(error(
                "a repository is lower-case words joined by / (letters, digits, and . _ - between them)",
            ));
        }
        let tag = if tag.is_none() && digest.is_none() { Some("latest".to_owned()) } else { tag };
        Ok(Self { registry, repository, tag, digest })
    }
}

fn valid_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let name_ok = if let Some(inner) = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')) {
        inner.parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        !name.is_empty()
            && name.len() <= 255
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
    };
    name_ok && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn valid_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let bytes = tag.as_bytes();
    (1..=128).contains(&bytes.len())
        && word(bytes[0])
        && bytes.iter().all(|b| word(*b) || matches!(b, b'.' | b'-'))
}

/// `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*` of the distribution-spec.
fn valid_component(part: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if !word(*first) || !word(*last) {
        return false;
    }
    bytes
        .split(|b| word(*b))
        .all(|between| matches!(between, b"" | b"." | b"_" | b"__") || between.iter().all(|b| *b == b'-'))
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

/// `PATH[:TAG]`: the tag is what follows the first colon, for a tag may be a reference with a port.
fn split_path(text: &str) -> (PathBuf, Option<String>) {
    match text.split_once(':') {
        Some((path, tag)) if !path.is_empty() && !tag.is_empty() => (path.into(), Some(tag.to_owned())),
        _ => (text.trim_end_matches(':').into(), None),
    }
}

impl FromStr for ImageSource {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let error = |why| ReferenceError { text: text.chars().take(200).collect(), why };
        let Some((scheme, rest)) = text.split_once(':') else { return text.parse().map(Self::Registry) };
        let no_path = || error("a path must follow the colon");
        match scheme {
            "oci" | "oci-archive" | "docker-archive" => {
                let (path, tag) = split_path(rest);
                if path.as_os_str().is_empty() {
                    return Err(no_path());
                }
                Ok(match scheme {
                    "oci" => Self::OciDir { path, tag },
                    "oci-archive" => Self::OciArchive { path, tag },
                    _ => Self::DockerArchive { path, tag },
                })
            }
            "rootfs" if rest.is_empty() => Err(no_path()),
            "rootfs" => Ok(Self::Rootfs { path: rest.into() }),
            "docker" | "registry" => rest.trim_start_matches("//").parse().map(Self::Registry),
            _ => text.parse().map(Self::Registry),
        }
    }
}

impl fmt::Display for ImageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, path, tag) = match self {
            Self::Registry(reference) => return reference.fmt(f),
            Self::OciDir { path, tag } => ("oci", path, tag.as_deref()),
            Self::OciArchive { path, tag } => ("oci-archive", path, tag.as_deref()),
            Self::DockerArchive { path, tag } => ("docker-archive", path, tag.as_deref()),
            Self::Rootfs { path } => ("rootfs", path, None),
        };
        write!(f, "{scheme}:{}", path.display())?;
        tag.iter().try_for_each(|tag| write!(f, ":{tag}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_defaults_apply() {
        for (text, full) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.25", "docker.io/library/nginx:1.25"),
            ("grafana/grafana", "docker.io/grafana/grafana:latest"),
            ("localhost/a", "localhost/a:latest"),
            ("127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c"),
            ("[::1]:5000/a", "[::1]:5000/a:latest"),
            ("index.docker.io/library/x", "docker.io/library/x:latest"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), full);
        }
    }

    #[test]
    fn a_digest_wins_over_a_tag_and_needs_none() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let reference: Reference = format!("r.io/a:t@{digest}").parse().unwrap();
        assert_eq!((reference.selector(), reference.tag.as_deref()), (digest.clone(), Some("t")));
        assert_eq!(format!("r.io/a@{digest}").parse::<Reference>().unwrap().tag, None);
    }

    #[test]
    fn bad_names_say_why() {
        for bad in
            ["", "UPPER/case", "a//b", "a:", "a:-x", "r.io/", "r.io:99999/a", "a@sha256:12", "a/../b", "a b"]
        {
            assert!(bad.parse::<Reference>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_path_and_an_address_are_told_what_they_lack() {
        for (text, hint) in [
            ("./image", "rootfs:"),
            ("../image.tar", "docker-archive:"),
            ("/srv/image", "rootfs:"),
            ("https://r.io/app", "without a scheme"),
        ] {
            let error = text.parse::<ImageSource>().unwrap_err().to_string();
            assert!(error.contains(hint), "{error}");
        }
    }

    #[test]
    fn what_is_written_of_the_longest_name_reads() {
        let name = "a".repeat(255 - "library/".len());
        let reference: Reference = name.parse().unwrap();
        assert_eq!(reference.to_string().parse(), Ok(reference));
        assert!(format!("{name}a").parse::<Reference>().is_err());
        assert!(format!("r.io/{}", "a".repeat(255)).parse::<Reference>().is_ok());
    }

    #[test]
    fn sources_by_scheme() {
        assert_eq!(
            "oci:/tmp/x:1.0".parse(),
            Ok(ImageSource::OciDir { path: "/tmp/x".into(), tag: Some("1.0".into()) })
        );
        assert_eq!("oci:/tmp/x".parse(), Ok(ImageSource::OciDir { path: "/tmp/x".into(), tag: None }));
        assert_eq!(
            "docker-archive:a.tar:r.io/x:1".parse(),
            Ok(ImageSource::DockerArchive { path: "a.tar".into(), tag: Some("r.io/x:1".into()) })
        );
        assert_eq!("rootfs:/a:b".parse(), Ok(ImageSource::Rootfs { path: "/a:b".into() }));
        assert!(matches!("localhost:5000/x".parse(), Ok(ImageSource::Registry(_))));
        for bad in ["oci:", "oci::", "docker-archive:::", "rootfs:"] {
            assert!(bad.parse::<ImageSource>().is_err(), "{bad}");
        }
    }
}
