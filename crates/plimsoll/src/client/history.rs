//! `plimsoll history`.

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use plimsoll_api::client::messages as v1;
use plimsoll_types::Reference;

use super::args::ServerArgs;
use super::{Trouble, connect, show};

/// The most a server gives at a time.
const PAGE: u32 = 500;

/// Says what the tags of a repository named, and when, as events, webhooks and crawls told of it: TAG, since when, until when it
/// was last seen, when it was gone, and the digest; what was first seen last comes first.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// One tag, or all tags of a repository
    #[arg(value_name = "[REGISTRY/]REPOSITORY[:TAG]", value_parser = place)]
    place: Place,

    /// List so many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,

    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    repository: String,
    tag: String,
}

pub(super) async fn run(arguments: HistoryArgs) -> Result<ExitCode, Trouble> {
    let client = connect::client(arguments.server)?;
    let mut request = v1::ListTagHistoryRequest {
        repository: arguments.place.repository,
        tag: arguments.place.tag,
        ..Default::default()
    };
    let (mut left, mut none) = (arguments.limit, true);
    while left > 0 {
        request.page_size = left.min(PAGE);
        let page = client.history(request.clone()).await?;
        for span in &page.spans {
            show::say(&line(span))?;
            none = false;
        }
        left = left.saturating_sub(page.spans.len() as u32);
        if page.next_page_token.is_empty() || page.spans.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    if none {
        let message = "nothing is known of it: no event, webhook or crawl told of it; `plimsoll crawl` looks";
        return Err(Trouble::new(message));
    }
    Ok(ExitCode::SUCCESS)
}

/// `TAG  FIRST SEEN  LAST SEEN  GONE OR -  DIGEST`.
fn line(span: &v1::TagSpan) -> String {
    let at = |at: Option<&v1::Timestamp>| {
        let at = at.and_then(|at| Timestamp::from_second(at.seconds).ok());
        at.map_or_else(|| "-".to_owned(), |at| at.to_string())
    };
    show::one_line(&format!(
        "{:<20}  {:<20}  {:<20}  {:<20}  {}",
        span.tag,
        at(span.first_seen.as_ref()),
        at(span.last_seen.as_ref()),
        at(span.gone_at.as_ref()),
        span.digest
    ))
}

fn place(text: &str) -> Result<Place, String> {
    let reference: Reference =
        text.parse().map_err(|error: plimsoll_types::ReferenceError| error.to_string())?;
    if reference.digest.is_some() {
        return Err("a digest has no history; name the tag, or the repository".to_owned());
    }
    let named = text.rsplit('/').next().unwrap_or_default();
    let tag = named.split_once(':').map_or("", |(_, tag)| tag).to_owned();
    Ok(Place { repository: format!("{}/{}", reference.registry, reference.repository), tag })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_tag_or_a_whole_repository() {
        let of = |repository: &str, tag: &str| Place { repository: repository.into(), tag: tag.into() };
        assert_eq!(place("127.0.0.1:5000/a/b:1"), Ok(of("127.0.0.1:5000/a/b", "1")));
        assert_eq!(place("127.0.0.1:5000/a"), Ok(of("127.0.0.1:5000/a", "")));
        assert_eq!(place("nginx"), Ok(of("docker.io/library/nginx", "")));
        assert!(place(&format!("a@sha256:{}", "a".repeat(64))).is_err() && place("A B").is_err());
    }

    #[test]
    fn a_line_says_from_when_to_when() {
        let at = |seconds| Some(v1::Timestamp { seconds, nanos: 0 });
        let span = v1::TagSpan {
            tag: "1\u{1b}".into(),
            digest: "sha256:ab".into(),
            first_seen: at(0),
            last_seen: at(60),
            gone_at: None,
        };
        let text = line(&span);
        assert!(text.contains("1970-01-01T00:00:00Z  1970-01-01T00:01:00Z  -"), "{text}");
        assert!(text.ends_with("sha256:ab") && !text.contains('\u{1b}'), "{text}");
    }
}
