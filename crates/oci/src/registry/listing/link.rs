//! The `Link` header (RFC 8288), as far as pages need it.

/// The longest target that is followed.
const MAX_TARGET: usize = 4096;

/// The target of the first link with the relation `next`.
pub(super) fn next(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, parameters) = after.split_once('>')?;
        let end = parameters.find('<').unwrap_or(parameters.len());
        let is_next = parameters[..end].split([';', ',']).any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && value.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return (target.len() <= MAX_TARGET).then(|| target.to_owned());
        }
        rest = parameters;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_other_links() {
        let page = Some("/v2/_catalog?last=b&n=2".to_owned());
        for header in [
            r#"</v2/_catalog?last=b&n=2>; rel="next""#,
            r"</v2/_catalog?last=b&n=2>; rel=next",
            r#"</v2/_catalog?last=b&n=2>;title="x" ; Rel="start next""#,
            r#"</v2/_catalog>; rel="first", </v2/_catalog?last=b&n=2>; rel="next""#,
        ] {
            assert_eq!(next(header), page, "{header}");
        }
        for header in ["", "<", "<>", r#"</v2/_catalog>; rel="prev""#, "/v2/_catalog; rel=next", "<x>; rel"] {
            assert_eq!(next(header), None, "{header}");
        }
        assert_eq!(next(&format!("<{}>; rel=next", "x".repeat(MAX_TARGET + 1))), None);
    }
}
