use super::*;
use Event::{Fixed, Introduced, LastAffected, Limit};

type NewEvent = fn(String) -> Event;

fn range(events: &[(NewEvent, &str)]) -> Range {
    Range::new(Scheme::Semver, events.iter().map(|(event, text)| event((*text).to_owned()))).unwrap()
}

fn version(text: &str) -> Version {
    Version::parse(Scheme::Semver, text).unwrap()
}

#[track_caller]
fn check(range: &Range, inside: &[&str], outside: &[&str]) {
    for text in inside {
        assert!(range.contains(&version(text)), "{text} is not in {range}");
    }
    for text in outside {
        assert!(!range.contains(&version(text)), "{text} is in {range}");
    }
}

#[test]
fn events_may_come_in_any_order() {
    let sorted =
        [(Introduced as NewEvent, "1.0.0"), (Fixed, "1.0.2"), (Introduced, "3.0.0"), (Fixed, "3.2.5")];
    let shuffled = [sorted[3], sorted[0], sorted[2], sorted[1]];
    for events in [sorted, shuffled] {
        let range = range(&events);
        check(
            &range,
            &["1.0.0", "1.0.1", "3.0.0", "3.2.4"],
            &["0.9.0", "1.0.2", "2.0.0", "3.2.5", "1.0.0-rc.1"],
        );
        assert_eq!(range.to_string(), ">= 1.0.0, < 1.0.2 || >= 3.0.0, < 3.2.5");
    }
}

#[test]
fn zero_is_before_every_version() {
    let range = range(&[(Introduced, "0"), (Fixed, "1.0.0")]);
    check(&range, &["0.0.0", "0.0.0-0", "1.0.0-rc.1"], &["1.0.0"]);
    assert_eq!(range.to_string(), "< 1.0.0");
    let deb = Range::new(Scheme::Deb, [Introduced("0".into())]).unwrap();
    assert!(deb.contains(&Version::parse(Scheme::Deb, "0~~").unwrap()));
    assert_eq!(deb.to_string(), "*");
}

#[test]
fn last_affected_is_affected() {
    let range = range(&[(Introduced, "1.0.0"), (LastAffected, "1.5.0")]);
    check(&range, &["1.0.0", "1.5.0"], &["1.5.1", "0.9.0"]);
    assert_eq!(range.to_string(), ">= 1.0.0, <= 1.5.0");
    assert_eq!(range.fixed_after(&version("1.2.0")), None);
}

#[test]
fn one_version_may_be_first_and_last_affected() {
    check(&range(&[(LastAffected, "1.5.0"), (Introduced, "1.5.0")]), &["1.5.0"], &["1.4.9", "1.5.1"]);
}

#[test]
fn the_fix_is_the_one_of_the_stretch_the_version_is_in() {
    let range = range(&[
        (Introduced, "1.0.0"),
        (Fixed, "1.0.2"),
        (Introduced, "3.0.0"),
        (Fixed, "3.2.5"),
        (Fixed, "4.0.0"),
    ]);
    assert_eq!(range.fixed_after(&version("1.0.1")), Some("1.0.2"));
    assert_eq!(range.fixed_after(&version("3.0.1")), Some("3.2.5"));
    assert_eq!(range.fixed_after(&version("2.0.0")), None);
}

#[test]
fn a_version_is_below_some_limit() {
    let range = range(&[(Introduced, "0"), (Limit, "2.0.0"), (Limit, "1.0.0"), (Fixed, "3.0.0")]);
    check(&range, &["0.1.0", "1.5.0"], &["2.0.0", "2.5.0", "3.0.0"]);
    assert_eq!(range.to_string(), "< 3.0.0, < 2.0.0");
}

#[test]
fn a_star_lifts_every_limit() {
    let range = range(&[(Introduced, "0"), (Limit, "1.0.0"), (Limit, "*")]);
    check(&range, &["1.0.0", "99.0.0"], &[]);
    assert_eq!(range.to_string(), "*");
}

#[test]
fn introduced_and_fixed_at_one_version_cancel_out() {
    check(&range(&[(Introduced, "1.0.0"), (Fixed, "1.0.0")]), &[], &["0.9.0", "1.0.0", "2.0.0"]);
    let reopened = range(&[(Introduced, "0"), (Fixed, "1.0.0"), (Introduced, "1.0.0"), (Fixed, "2.0.0")]);
    check(&reopened, &["0.9.0", "1.0.0", "1.9.0"], &["2.0.0"]);
    assert_eq!(reopened.fixed_after(&version("0.9.0")), Some("2.0.0"));
}

#[test]
fn without_introduced_nothing_is_affected() {
    let range = range(&[(Fixed, "1.0.0"), (LastAffected, "2.0.0")]);
    check(&range, &[], &["0.1.0", "1.0.0", "3.0.0"]);
    assert!(range.is_empty());
    assert_eq!(range.to_string(), "none");
}

#[test]
fn a_version_of_another_scheme_is_outside() {
    let everything = range(&[(Introduced, "0")]);
    assert!(!everything.contains(&Version::parse(Scheme::Deb, "1").unwrap()));
}

#[test]
fn an_event_that_does_not_parse_fails_the_range() {
    let error = Range::new(Scheme::Deb, [Introduced("0".into()), Fixed("1:".into())]).unwrap_err();
    assert!(error.to_string().contains("\"1:\" is not a deb version"), "{error}");
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    /// The schema's pseudo code, word for word; it relies on no two events being at one version.
    fn affected(events: &[Event], subject: u8) -> bool {
        let number = |text: &str| text.parse::<u8>().unwrap();
        let before_limits = !events.iter().any(|event| matches!(event, Limit(_)))
            || events
                .iter()
                .any(|event| matches!(event, Limit(text) if text == "*" || subject < number(text)));
        let mut sorted: Vec<_> = events.iter().filter(|event| !matches!(event, Limit(_))).collect();
        sorted.sort_by_key(|event| match event {
            Introduced(text) | Fixed(text) | LastAffected(text) | Limit(text) => number(text),
        });
        let mut vulnerable = false;
        for event in sorted {
            match event {
                Introduced(text) if subject >= number(text) => vulnerable = true,
                Fixed(text) if subject >= number(text) => vulnerable = false,
                LastAffected(text) if subject > number(text) => vulnerable = false,
                _ => {}
            }
        }
        before_limits && vulnerable
    }

    fn event() -> impl Strategy<Value = (u8, u8)> {
        (0_u8..40, 0_u8..3)
    }

    proptest! {
        #[test]
        fn agrees_with_the_schema(
            marks in prop::collection::vec(event(), 0..8),
            limits in prop::collection::vec(prop_oneof![3 => (0_u8..40).prop_map(|n| n.to_string()), 1 => Just("*".to_owned())], 0..3),
            subject in 0_u8..40,
        ) {
            let mut seen = std::collections::BTreeSet::new();
            let marks = marks.into_iter().filter(|(number, _)| seen.insert(*number));
            let events: Vec<Event> = marks
                .map(|(number, kind)| match kind {
                    0 => Introduced(number.to_string()),
                    1 => Fixed(number.to_string()),
                    _ => LastAffected(number.to_string()),
                })
                .chain(limits.into_iter().map(Limit))
                .collect();
            let range = Range::new(Scheme::Deb, events.clone()).unwrap();
            let version = Version::parse(Scheme::Deb, &subject.to_string()).unwrap();
            prop_assert_eq!(range.contains(&version), affected(&events, subject), "{} in {:?}", subject, events);
        }
    }
}
