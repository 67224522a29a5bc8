use super::*;

fn mistakes(text: &str) -> Vec<String> {
    Policy::parse(text).unwrap_err().iter().map(ToString::to_string).collect()
}

const HEAD: &str = "schema: plimsoll.policy/v1\nname: test\nrules:\n";

#[test]
fn the_default_policy_reads_and_explains_every_rule() {
    let policy = Policy::default_policy();
    assert_eq!((policy.name(), policy.digest()), ("default", sha256(DEFAULT_POLICY.as_bytes())));
    let lines: Vec<&str> = DEFAULT_POLICY.lines().collect();
    let rules: Vec<usize> = (0..lines.len()).filter(|line| lines[*line].starts_with("  - gate:")).collect();
    assert_eq!(rules.len(), policy.rules.len());
    for line in rules {
        assert!(lines[line - 1].starts_with("  # "), "line {}: a rule without a comment", line + 1);
    }
}

#[test]
fn all_mistakes_are_named_at_once_by_line_and_field() {
    let text = "\
schema: plimsoll.policy/v2
nmae: test
rules:
  - gate: vulnerabilitis
    trigger: package
    action: stop
  - gate: vulnerabilities
    trigger: pakage
    action: halt
  - gate: vulnerabilities
    trigger: package
    action: stop
    params:
      severty: high
      fix_available: maybe
      severity: hihg
      cvss_at_least: 11
  - gate: files
    trigger: permissions
    action: warn
  - gate: files
    trigger: name
    action: not_judged
    params: {regex: '(', regex: 'a'}
allowlists:
  - name: a
    items:
      - {gate: files, trigger_id: /x, expires: 2026-02-30}
";
    assert_eq!(
        mistakes(text),
        [
            "line 1, column 1: name: this field is required",
            "line 1, column 9: schema: expected plimsoll.policy/v1, found \"plimsoll.policy/v2\"",
            "line 2, column 1: nmae: unknown field \"nmae\"; did you mean \"name\"?",
            "line 4, column 11: rules[0].gate: unknown gate \"vulnerabilitis\"; did you mean \"vulnerabilities\"?",
            "line 8, column 14: rules[1].trigger: unknown trigger \"pakage\"; did you mean \"package\"?",
            "line 9, column 13: rules[1].action: unknown action \"halt\"; expected one of: go, warn, not_judged, stop",
            "line 14, column 7: rules[2].params.severty: unknown parameter \"severty\"; did you mean \"severity\"?",
            "line 15, column 22: rules[2].params.fix_available: expected true or false, found \"maybe\"",
            "line 16, column 17: rules[2].params.severity: unknown value \"hihg\"; did you mean \"high\"?",
            "line 17, column 22: rules[2].params.cvss_at_least: expected a number from 0 to 10, found \"11\"",
            "line 18, column 5: rules[3].params.bits: this parameter is required: Any of these: setuid and setgid \
             on regular files, world_writable on anything but links, devices and sticky directories.",
            "line 23, column 13: rules[4].action: not_judged is for gate coverage; use stop, warn or go",
            "line 24, column 21: rules[4].params.regex: not a regular expression: unclosed group",
            "line 24, column 26: rules[4].params.regex: duplicate field, first given on line 24",
            "line 28, column 48: allowlists[0].items[0].expires: \"2026-02-30\" is neither a date (2027-01-31) nor \
             an RFC 3339 instant (2027-01-31T12:00:00Z)",
        ]
    );
}

#[test]
fn wrong_shapes_are_mistakes_and_not_guesses() {
    for (text, expected) in [
        ("- a\n", "line 1, column 1: expected a mapping, found a list"),
        ("schema: plimsoll.policy/v1\nname: n\nrules: {}\n", "rules: expected a list, found a mapping"),
        ("schema: plimsoll.policy/v1\nname: n\nrules:\n", "rules: this field is required"),
        ("schema: plimsoll.policy/v1\nname: []\nrules: []\n", "name: expected a text, found a list"),
    ] {
        let found = mistakes(text);
        assert!(found.len() == 1 && found[0].contains(expected), "{text:?}: {found:?}");
    }
    let params = format!("{HEAD}  - {{gate: files, trigger: name, action: go, params: [a]}}\n");
    assert_eq!(mistakes(&params), ["line 4, column 54: rules[0].params: expected a mapping, found a list"]);
}

#[test]
fn more_rules_than_the_limit_are_a_mistake_and_not_a_slow_scan() {
    let rules = |number| {
        format!("{HEAD}{}", "  - {gate: dockerfile, trigger: no_command, action: go}\n".repeat(number))
    };
    assert!(Policy::parse(&rules(MAX_RULES)).is_ok());
    assert_eq!(mistakes(&rules(MAX_RULES + 1)), ["line 4, column 3: rules: 1001 items; the limit is 1000"]);
}

#[test]
fn fields_of_a_later_format_are_refused_and_not_ignored() {
    let text = "schema: plimsoll.policy/v1\nname: n\nrules: []\nmappings: []\n";
    assert!(mistakes(text)[0].starts_with("line 4, column 1: mappings: unknown field"));
}

#[test]
fn the_digest_is_that_of_the_text_and_covers_extra_allowlists_and_their_names() {
    let policy = Policy::parse(&format!("{HEAD}  []\n")).unwrap();
    let list = |name: &str| Allowlist::parse("schema: plimsoll.allowlist/v1\nitems: []\n", name).unwrap();
    assert_eq!(judged_by(&policy, &[]), policy.digest());
    let one = judged_by(&policy, &[list("a")]);
    assert_ne!(one, policy.digest());
    assert_ne!(one, judged_by(&policy, &[list("b")]));
    assert_ne!(judged_by(&policy, &[list("a"), list("b")]), judged_by(&policy, &[list("b"), list("a")]));
}
