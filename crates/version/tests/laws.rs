//! What must hold of every order, whatever the text; and dpkg itself as the judge of ours.

use std::cmp::Ordering;
use std::process::Command;

use plimsoll_version::{Event, Range, Scheme, Version, compare};
use proptest::prelude::*;

/// Texts made of the pieces on which the schemes' rules turn, so that near misses and ties are common.
fn text() -> impl Strategy<Value = String> {
    const PIECES: [&str; 40] = [
        "0", "1", "2", "9", "10", "00", "01", "1.0", "1.0.0", ".", "-", "_", "+", "~", "^", ":", "!", "a",
        "b", "m", "rc", "alpha", "beta", "dev", "post", "pre", "p", "r", "x", "A", "RC", "final", "ga", "sp",
        "SNAPSHOT", "-r1", "_p1", "v", "go", ".0",
    ];
    prop::collection::vec(prop::sample::select(&PIECES[..]), 1..6).prop_map(|pieces| pieces.concat())
}

fn scheme() -> impl Strategy<Value = Scheme> {
    prop::sample::select(Scheme::ALL)
}

/// A scheme and versions of it.
fn versions(count: usize) -> impl Strategy<Value = (Scheme, Vec<Version>)> {
    let texts = prop::collection::vec((text(), any::<bool>()), count * 4);
    (scheme(), texts).prop_filter_map("too few parse", move |(scheme, texts)| {
        let numbered = texts.into_iter().map(|(text, plain)| if plain { text } else { format!("1.{text}") });
        let versions: Vec<_> =
            numbered.filter_map(|text| Version::parse(scheme, &text).ok()).take(count).collect();
        (versions.len() == count).then_some((scheme, versions))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_is_reflexive_and_antisymmetric((_, versions) in versions(2)) {
        let [a, b] = &versions[..] else { unreachable!("two were asked for") };
        prop_assert_eq!(a.compare(a), Ordering::Equal);
        prop_assert_eq!(a.compare(b), b.compare(a).reverse(), "{:?} {:?}", a, b);
    }

    #[test]
    fn the_order_is_transitive((scheme, versions) in versions(3)) {
        let [a, b, c] = &versions[..] else { unreachable!("three were asked for") };
        // To Maven, `1.a0` is less than `1`, which is less than `1._`, which is less than `1.a0`.
        prop_assume!(scheme != Scheme::Maven);
        for [a, b, c] in [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]] {
            if a.compare(b).is_le() && b.compare(c).is_le() {
                let strict = a.compare(b).is_lt() || b.compare(c).is_lt();
                let expected = if strict { Ordering::Less } else { Ordering::Equal };
                prop_assert_eq!(a.compare(c), expected, "{:?} {:?} {:?}", a, b, c);
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(scheme in scheme(), a in "\\PC*", b in any::<String>(), c in text()) {
        for (a, b) in [(&a, &b), (&a, &c), (&c, &b), (&b, &b)] {
            let _ = compare(scheme, a, b);
            let events = [Event::Introduced(a.clone()), Event::Fixed(b.clone()), Event::Limit(c.clone())];
            if let (Ok(range), Ok(version)) = (Range::new(scheme, events), Version::parse(scheme, b)) {
                let _ = (range.contains(&version), range.fixed_after(&version), range.to_string());
            }
        }
    }
}

/// What dpkg answers, or `None` if it refuses one of the two.
fn dpkg(a: &str, b: &str) -> Option<Ordering> {
    let holds = |relation: &str| {
        let output =
            Command::new("dpkg").args(["--compare-versions", a, relation, b]).output().expect("dpkg runs");
        output.status.success()
    };
    let warned =
        Command::new("dpkg").args(["--compare-versions", a, "eq", b]).output().expect("dpkg runs").stderr;
    let warned = String::from_utf8_lossy(&warned);
    let only_warnings = warned.lines().all(|line| {
        line.is_empty() || line.contains("does not start with digit") || line.contains("invalid character in")
    });
    if !only_warnings {
        return None;
    }
    [("lt", Ordering::Less), ("eq", Ordering::Equal), ("gt", Ordering::Greater)]
        .into_iter()
        .find_map(|(relation, order)| holds(relation).then_some(order))
}

#[test]
fn dpkg_agrees() {
    if Command::new("dpkg").arg("--version").output().is_err() {
        println!("skipped: there is no dpkg");
        return;
    }
    let config = ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() };
    // Not with a hyphen first, which dpkg would take for an option.
    let texts = "(1:)?[0-9a-c.+~][0-9a-c.+~-]{0,7}";
    proptest!(config, |(a in texts, b in texts)| {
        prop_assert_eq!(compare(Scheme::Deb, &a, &b).ok(), dpkg(&a, &b), "{} {}", a, b);
    });
}
