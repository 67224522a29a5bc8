//! Messages, checked and turned into what the state takes. Every field that makes no sense is named, not just the first.

mod crawl;
mod submit;

use plimsoll_proto::v1;
use plimsoll_state::ScanFilter;
use plimsoll_types::{Digest, ImageSource, ScanId, ScanState};
use tonic::Status;
use tonic_types::FieldViolation;

use crate::status;

pub(crate) use crawl::{HistoryRequest, crawl_id, crawl_page, crawl_request, history, history_token};
pub(crate) use submit::scan_request;

/// Scans on a page if nobody says.
const PAGE: u32 = 50;
/// Scans on a page at most.
const MAX_PAGE: u32 = 500;

/// What is wrong with the fields of a message.
#[derive(Debug, Default)]
struct Violations(Vec<FieldViolation>);

impl Violations {
    fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(FieldViolation::new(field, description));
    }

    /// The value, or its default after noting what is wrong with it.
    fn check<T: Default>(&mut self, field: impl Into<String>, result: Result<T, impl ToString>) -> T {
        result.unwrap_or_else(|error| {
            self.add(field, error.to_string());
            T::default()
        })
    }

    fn finish<T>(self, value: T) -> Result<T, Status> {
        if self.0.is_empty() { Ok(value) } else { Err(status::invalid(self.0)) }
    }
}

/// The id of a scan. A text that is none is a scan there is not, but saying so helps more.
pub(crate) fn scan_id(text: &str) -> Result<ScanId, Status> {
    text.parse().map_err(|error: plimsoll_types::ScanIdError| status::invalid_field("id", error.to_string()))
}

/// A page of a list: the filter, where it starts and how long it is.
pub(crate) fn page(message: v1::ListScansRequest) -> Result<(ScanFilter, Option<ScanId>, u32), Status> {
    let mut violations = Violations::default();
    let reference = match message.reference.as_str() {
        "" => None,
        text => Some(violations.check("reference", reference(text))),
    };
    let after = match message.page_token.as_str() {
        "" => None,
        token => violations.check("page_token", page_token(token)),
    };
    let label = message.label.map(|label| (label.key, label.value));
    if label.as_ref().is_some_and(|(key, _)| key.is_empty()) {
        violations.add("label.key", "is empty");
    }
    let size = match message.page_size {
        0 => PAGE,
        size if size > MAX_PAGE => {
            violations.add("page_size", format!("is {size}; {MAX_PAGE} is the most"));
            PAGE
        }
        size => size,
    };
    let state = violations.check("state", scan_state(message.state));
    violations.finish((ScanFilter { state, reference, label }, after, size))
}

/// A page starts after the last scan of the one before.
fn page_token(text: &str) -> Result<Option<ScanId>, &'static str> {
    text.parse().map(Some).map_err(|_| "is no token of this list; take next_page_token, or none")
}

fn scan_state(number: i32) -> Result<Option<ScanState>, String> {
    let state = v1::ScanState::try_from(number).map_err(|_| format!("is {number}, which is no state"))?;
    Ok(match state {
        v1::ScanState::Unspecified => None,
        v1::ScanState::Submitted => Some(ScanState::Submitted),
        v1::ScanState::Analyzing => Some(ScanState::Analyzing),
        v1::ScanState::Judged => Some(ScanState::Judged),
        v1::ScanState::Failed => Some(ScanState::Failed),
        v1::ScanState::Gone => Some(ScanState::Gone),
        v1::ScanState::Cancelled => Some(ScanState::Cancelled),
    })
}

/// What a verdict is asked about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Image {
    Reference(String),
    Digest(Digest, Option<Digest>),
}

/// The image of a question for a verdict.
pub(crate) fn image(message: &v1::GetVerdictRequest) -> Result<Image, Status> {
    use v1::get_verdict_request::Image as Asked;
    let policy = digest(&message.policy_digest).map_err(|why| status::invalid_field("policy_digest", why))?;
    match &message.image {
        None => Err(status::invalid_field("image", "is missing; set reference or digest")),
        Some(Asked::Reference(_)) if policy.is_some() => {
            Err(status::invalid_field("policy_digest", "goes with digest only"))
        }
        Some(Asked::Reference(text)) => {
            let reference = reference(text).map_err(|why| status::invalid_field("reference", why))?;
            Ok(Image::Reference(reference))
        }
        Some(Asked::Digest(text)) => {
            match digest(text).map_err(|why| status::invalid_field("digest", why))? {
                Some(digest) => Ok(Image::Digest(digest, policy)),
                None => Err(status::invalid_field("digest", "is empty")),
            }
        }
    }
}

/// A digest; none if the text is empty.
fn digest(text: &str) -> Result<Option<Digest>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: plimsoll_types::DigestError| error.to_string())
}

/// A reference to a registry, spelled out: one spelling per image, so that what was asked for as `nginx` is found as
/// `docker.io/library/nginx:latest`.
fn reference(text: &str) -> Result<String, String> {
    match text.parse() {
        Ok(ImageSource::Registry(reference)) => Ok(reference.to_string()),
        Ok(_) => Err("names files; a server pulls from registries only (`plimsoll scan` reads files)".into()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_spelled_out_and_files_refused() {
        assert_eq!(reference("nginx").unwrap(), "docker.io/library/nginx:latest");
        assert_eq!(reference("127.0.0.1:5000/a:1").unwrap(), "127.0.0.1:5000/a:1");
        assert!(reference("oci:/images/a").unwrap_err().contains("registries only"));
        assert!(reference("Not An Image").is_err() && reference("").is_err());
    }

    #[test]
    fn an_empty_page_request_asks_for_the_first_fifty() {
        assert_eq!(page(v1::ListScansRequest::default()).unwrap(), (ScanFilter::default(), None, PAGE));
    }

    #[test]
    fn pages_have_a_bound() {
        let sized = |page_size| page(v1::ListScansRequest { page_size, ..Default::default() });
        assert_eq!(sized(MAX_PAGE).unwrap().2, MAX_PAGE);
        assert!(sized(MAX_PAGE + 1).unwrap_err().message().contains("500 is the most"));
    }

    #[test]
    fn every_wrong_field_of_a_page_is_named() {
        let message = v1::ListScansRequest {
            state: 77,
            reference: "A B".into(),
            label: Some(v1::list_scans_request::LabelFilter::default()),
            page_token: "7".into(),
            page_size: 0,
        };
        let status = page(message).unwrap_err();
        for field in ["state", "reference", "label.key", "page_token"] {
            assert!(status.message().contains(&format!("{field}: ")), "{field} in {status}");
        }
    }

    #[test]
    fn a_policy_goes_with_a_digest_only() {
        use v1::get_verdict_request::Image as Asked;
        let digest = Digest::from_bytes([7; 32]);
        let ask = |asked, policy: &str| {
            image(&v1::GetVerdictRequest { image: asked, policy_digest: policy.into(), ..Default::default() })
        };
        let policy = digest.to_string();
        let by_digest = ask(Some(Asked::Digest(policy.clone())), &policy).unwrap();
        assert_eq!(by_digest, Image::Digest(digest, Some(digest)));
        for wrong in [
            ask(None, ""),
            ask(Some(Asked::Reference("a".into())), &policy),
            ask(Some(Asked::Digest("sha256:short".into())), ""),
            ask(Some(Asked::Digest(String::new())), ""),
        ] {
            assert_eq!(wrong.unwrap_err().code(), tonic::Code::InvalidArgument);
        }
    }
}
