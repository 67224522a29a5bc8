//! The catalogue and the tags of repositories, page by page.

use std::collections::{BTreeMap, BTreeSet};

use hyper::Response;
use hyper::header::{CONTENT_TYPE, LINK};
use serde_json::json;

use super::State;
use super::reply::Reply;

/// Names on a page where nobody asks for fewer, and at most.
const PAGE: usize = 1000;

/// Answers a question for a list, if it is one.
pub(super) fn answer(path: &str, state: &State) -> Option<Response<Reply>> {
    let (place, query) = path.split_once('?').unwrap_or((path, ""));
    if place == "/v2/_catalog" {
        let names = state.tags.keys().filter_map(|name| Some(name.rsplit_once(':')?.0));
        let names: BTreeSet<&str> = names.chain(state.endless.keys().map(String::as_str)).collect();
        return Some(page(place, query, "repositories", names.into_iter()));
    }
    let repository = place.strip_prefix("/v2/")?.strip_suffix("/tags/list")?;
    if let Some((_, count)) = state.endless.get(repository) {
        return Some(whole((0..*count).map(|number| format!("t{number:07}"))));
    }
    let of_repository = |name: &String| {
        let (of, tag) = name.rsplit_once(':')?;
        (of == repository).then(|| tag.to_owned())
    };
    let tags: BTreeSet<String> = state.tags.keys().filter_map(of_repository).collect();
    if tags.is_empty() { None } else { Some(page(place, query, "tags", tags.iter().map(String::as_str))) }
}

/// One page of `names`, which are in order.
fn page<'a>(place: &str, query: &str, list: &str, names: impl Iterator<Item = &'a str>) -> Response<Reply> {
    let query: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let count = query.get("n").and_then(|text| text.parse().ok()).unwrap_or(PAGE).min(PAGE);
    let last = query.get("last").copied().unwrap_or_default();
    let mut names: Vec<&str> = names.filter(|name| *name > last).take(count + 1).collect();
    let more = names.len() > count;
    names.truncate(count);
    let mut response = Response::builder().header(CONTENT_TYPE, "application/json");
    if let Some(last) = names.last().filter(|_| more) {
        response = response.header(LINK, format!("<{place}?last={last}&n={count}>; rel=\"next\""));
    }
    response.body(Reply::whole(json!({ list: names }).to_string())).expect("every header is valid")
}

/// All tags on one page, however many are asked for.
fn whole(names: impl Iterator<Item = String>) -> Response<Reply> {
    let mut body = String::from("{\"tags\":[");
    for (place, name) in names.enumerate() {
        body.extend([if place == 0 { "\"" } else { ",\"" }, &name, "\""]);
    }
    body.push_str("]}");
    let response = Response::builder().header(CONTENT_TYPE, "application/json");
    response.body(Reply::whole(body)).expect("every header is valid")
}
