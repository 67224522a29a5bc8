use unicode_width::UnicodeWidthStr;

use super::*;
use crate::testing::{empty, failed_scan, hostile, sample};

fn table(report: &Report, color: bool, width: Option<usize>) -> String {
    render(report, &Options { color, width })
}

#[test]
fn a_failing_image_says_what_to_upgrade_and_who_brought_it() {
    insta::assert_snapshot!(table(&sample(), false, Some(100)));
}

#[test]
fn a_clean_image_is_short() {
    insta::assert_snapshot!(table(&empty(), false, Some(100)));
}

#[test]
fn an_image_that_could_not_be_reached_is_its_error() {
    insta::assert_snapshot!(table(&failed_scan(), false, Some(60)));
}

#[test]
fn colours_change_nothing_but_the_colours() {
    let colored = table(&sample(), true, Some(100));
    assert!(colored.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    let trimmed = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(trimmed(&plain), trimmed(&table(&sample(), false, Some(100))));
}

#[test]
fn strangers_texts_do_nothing_to_the_terminal() {
    let text = table(&hostile(), false, None);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
    assert!(!text.contains('\u{202e}') && !text.contains('\u{e0041}'));
    assert!(text.contains("\\u{1b}[2J\\u{202e}evil"));
}

#[test]
fn prose_keeps_to_the_width() {
    let mut report = sample();
    report.packages.clear();
    for width in [40, 60, 80] {
        let text = table(&report, false, Some(width));
        assert!(text.lines().all(|line| line.width() <= width || !line.contains(' ')), "{width}:\n{text}");
    }
}

#[test]
fn a_layer_the_image_does_not_have_is_no_panic() {
    let mut report = sample();
    report.packages.iter_mut().for_each(|package| package.layer = Some(9));
    assert!(table(&report, false, None).contains("layer the image does not list"));
    report.packages.iter_mut().for_each(|package| package.layer = None);
    assert!(table(&report, false, None).contains("in no one layer"));
}
