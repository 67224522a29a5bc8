use plimsoll_types::PackageType;
use plimsoll_types::report::Severity;

use super::*;
use crate::gates::testing::{Image, file, policy, vulnerability};

const STOP: &str = "{gate: vulnerabilities, trigger: package, action: stop, params: {severity: high}}";
const WARN: &str = "{gate: vulnerabilities, trigger: package, action: warn}";
const GO: &str = "{gate: vulnerabilities, trigger: package, action: go}";

fn image() -> Image {
    Image::default().package(PackageType::Deb, "a", "1").package(PackageType::Deb, "b", "1").vulnerabilities(
        [vulnerability("CVE-2026-1", "a", Severity::High), vulnerability("CVE-2026-2", "b", Severity::Low)],
    )
}

fn hidden() -> BlindSpot {
    BlindSpot::new(BlindKind::NoKnowledge, "", "no snapshot was given; use --db")
}

fn evaluation(rules: &[&str], image: &Image) -> Evaluation {
    image.evaluate(&policy(&format!("[{}]", rules.join(", "))).unwrap(), &[])
}

fn allowlist(items: &str) -> Allowlist {
    Allowlist::parse(&format!("schema: plimsoll.allowlist/v1\nname: team\nitems: {items}\n"), "file").unwrap()
}

#[test]
fn the_worst_action_decides() {
    assert_eq!(evaluation(&[STOP, WARN], &image()).status, VerdictStatus::Fail);
    assert_eq!(evaluation(&[WARN, GO], &image()).status, VerdictStatus::Warn);
    assert_eq!(evaluation(&[GO], &image()).status, VerdictStatus::Pass);
    assert_eq!(evaluation(&[STOP], &Image::default()).status, VerdictStatus::Pass);
}

#[test]
fn what_two_rules_find_is_one_reason_with_the_worse_action() {
    let reasons = evaluation(&[WARN, STOP, GO], &image()).reasons;
    let found: Vec<_> = reasons.iter().map(|reason| (reason.action, reason.trigger_id.as_str())).collect();
    assert_eq!(found, [(Action::Stop, "CVE-2026-1+a"), (Action::Warn, "CVE-2026-2+b")]);
}

#[test]
fn a_stop_outranks_not_judged_and_not_judged_outranks_a_warning() {
    assert_eq!(evaluation(&[STOP], &image().blind(hidden())).status, VerdictStatus::Fail);
    assert_eq!(evaluation(&[WARN], &image().blind(hidden())).status, VerdictStatus::NotJudged);
}

#[test]
fn no_policy_passes_what_nobody_looked_at() {
    let evaluation = evaluation(&[], &Image::default().blind(hidden()));
    assert_eq!(evaluation.status, VerdictStatus::NotJudged);
    assert_eq!(evaluation.reasons[0].trigger_id, "no_knowledge+");
    assert_eq!(evaluation.reasons[0].message, "no_knowledge: no snapshot was given; use --db");
}

#[test]
fn blind_spots_of_the_inventory_count_too_and_only_once() {
    let twice = Image::default().blind(hidden()).inventory(|inventory| inventory.blind_spots.push(hidden()));
    assert_eq!(evaluation(&[], &twice).reasons.len(), 1);
    let there = Image::default().inventory(|inventory| inventory.blind_spots.push(hidden()));
    assert_eq!(evaluation(&[], &there).status, VerdictStatus::NotJudged);
}

#[test]
fn allow_blind_lifts_its_kind_and_no_other_and_says_so() {
    let limit = BlindSpot::new(BlindKind::Limit, "/a", "too large");
    let image = || Image::default().blind(hidden()).allow_blind(BlindKind::NoKnowledge);
    let evaluated = evaluation(&[], &image());
    assert_eq!(evaluated.status, VerdictStatus::Pass);
    assert!(evaluated.reasons[0].message.ends_with("(allowed by --allow-blind no_knowledge)"));
    assert_eq!(evaluated.reasons[0].action, Action::Go);
    assert_eq!(evaluation(&[], &image().blind(limit)).status, VerdictStatus::NotJudged);
}

#[test]
fn allow_blind_lifts_not_judged_of_a_rule_but_not_its_stop() {
    let rule = |action: &str| format!("{{gate: coverage, trigger: blind_spot, action: {action}}}");
    let image = || Image::default().blind(hidden()).allow_blind(BlindKind::NoKnowledge);
    assert_eq!(evaluation(&[&rule("not_judged")], &image()).status, VerdictStatus::Pass);
    assert_eq!(evaluation(&[&rule("stop")], &image()).status, VerdictStatus::Fail);
    assert_eq!(evaluation(&[&rule("warn")], &image()).status, VerdictStatus::Warn);
}

#[test]
fn an_excused_match_does_not_count_and_is_listed_last() {
    let list =
        allowlist("[{gate: vulnerabilities, trigger_id: CVE-2026-1+a, reason: r, expires: 2026-06-15}]");
    let policy = policy(&format!("[{STOP}, {WARN}]")).unwrap();
    let on = |now: &str| image().now(now).evaluate(&policy, std::slice::from_ref(&list));

    let before = on("2026-06-15T23:59:59Z");
    assert_eq!(before.status, VerdictStatus::Warn);
    let last = before.reasons.last().unwrap();
    let excuse = last.allowlisted.as_ref().unwrap();
    assert_eq!((last.action, last.trigger_id.as_str()), (Action::Stop, "CVE-2026-1+a"));
    assert_eq!((excuse.list.as_str(), excuse.reason.as_deref()), ("team", Some("r")));
    assert_eq!(excuse.expires.as_deref(), Some("2026-06-16T00:00:00Z"));

    let after = on("2026-06-16T00:00:00Z");
    assert_eq!(after.status, VerdictStatus::Fail);
    assert!(after.reasons[0].allowlisted.is_none());
    assert!(
        after.reasons[0].message.ends_with("; allowed by team until 2026-06-16T00:00:00Z, which has passed"),
        "{}",
        after.reasons[0].message
    );
}

#[test]
fn an_allowlist_inside_the_policy_counts_and_one_of_another_gate_does_not() {
    let text = |gate: &str| {
        format!(
            "schema: plimsoll.policy/v1\nname: t\nrules: [{STOP}]\nallowlists:\n- name: inside\n  items:\n  \
             - {{gate: {gate}, trigger_id: 'CVE-2026-1+*'}}\n"
        )
    };
    let with = |gate: &str| image().evaluate(&Policy::parse(&text(gate)).unwrap(), &[]).status;
    assert_eq!(with("vulnerabilities"), VerdictStatus::Pass);
    assert_eq!(with("packages"), VerdictStatus::Fail);
}

#[test]
fn a_blind_spot_can_be_excused_by_name() {
    let list =
        allowlist("[{gate: coverage, trigger_id: no_knowledge+, reason: offline, expires: 2030-01-01}]");
    let evaluation = Image::default().blind(hidden()).evaluate(&policy("[]").unwrap(), &[list]);
    assert_eq!(evaluation.status, VerdictStatus::Pass);
}

#[test]
fn the_order_of_the_input_changes_nothing() {
    let found = |ids: [u32; 4]| {
        let image = Image::default()
            .package(PackageType::Npm, "a", "1")
            .vulnerabilities(ids.map(|id| vulnerability(&format!("CVE-{id}"), "a", Severity::High)))
            .blind(hidden());
        evaluation(&[WARN, STOP], &image)
    };
    assert_eq!(found([1, 2, 3, 4]), found([4, 2, 1, 3]));
}

#[test]
fn the_default_policy_fails_on_what_an_upgrade_repairs_and_passes_a_clean_image() {
    let judge = |image: &Image| image.evaluate(&Policy::default_policy(), &[]).status;
    let with = |severity, fixed: &[&str]| {
        let mut found = vulnerability("CVE-2021-44228", "log4j-core", severity);
        found.fixed_versions = fixed.iter().map(|&version| version.to_owned()).collect();
        Image::default().package(PackageType::Maven, "log4j-core", "2.14.1").vulnerabilities([found])
    };
    assert_eq!(judge(&with(Severity::Critical, &["2.15.0"])), VerdictStatus::Fail);
    assert_eq!(judge(&with(Severity::High, &["2.15.0"])), VerdictStatus::Fail);
    assert_eq!(judge(&with(Severity::High, &[])), VerdictStatus::Warn);
    assert_eq!(judge(&with(Severity::Medium, &["2.15.0"])), VerdictStatus::Warn);
    assert_eq!(judge(&with(Severity::Unknown, &[])), VerdictStatus::Warn);
    assert_eq!(judge(&with(Severity::Medium, &[])), VerdictStatus::Pass);
    assert_eq!(judge(&with(Severity::Low, &["2.15.0"])), VerdictStatus::Pass);

    let debian = Image::default().files(
        ["/usr/bin/su", "/usr/bin/passwd", "/bin/mount", "/sbin/unix_chkpwd", "/usr/lib/openssh/ssh-keysign"]
            .map(|path| file(path, 0o4755).done()),
    );
    assert_eq!(judge(&debian), VerdictStatus::Pass);
    for (path, mode) in [("/opt/tool", 0o4755), ("/usr/bin/x", 0o777), ("/root/.ssh/id_rsa", 0o600)] {
        let image = Image::default().files([file(path, mode).done()]);
        assert_eq!(judge(&image), VerdictStatus::Warn, "{path}");
    }
}
