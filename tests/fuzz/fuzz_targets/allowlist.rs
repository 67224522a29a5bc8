//! Allowlists: any text, any items below a whole head, and one item of any texts. Mistakes are named in their places;
//! an allowlist excuses reasons, and neither adds nor removes any.

#![no_main]

mod judged;

use libfuzzer_sys::fuzz_target;
use plimsoll_policy::{Allowlist, Policy};
use serde_json::json;

fuzz_target!(|data: &[u8]| {
    let Some((way, data)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(data);
    let allowlist = match way % 3 {
        0 => text.into_owned(),
        1 => format!("schema: plimsoll.allowlist/v1\nitems:\n{text}\n"),
        _ => item(data),
    };
    match Allowlist::parse(&allowlist, "fuzz") {
        Ok(parsed) => {
            let policy = Policy::default_policy();
            let (strict, excused) = (judged::evaluated(&policy, &[]), judged::evaluated(&policy, &[parsed]));
            assert_eq!(excused.reasons.len(), strict.reasons.len());
            assert!(excused.reasons.iter().all(|reason| {
                strict
                    .reasons
                    .iter()
                    .any(|one| one.trigger_id == reason.trigger_id && one.action == reason.action)
            }));
        }
        Err(mistakes) => judged::check(&mistakes, &allowlist),
    }
});

fn item(data: &[u8]) -> String {
    let mut texts = data.split(|byte| *byte == 0xff).map(|text| match text {
        [0] => "vulnerabilities".into(),
        [1] => "coverage".into(),
        [2] => "CVE-2021-44228+g:a".into(),
        _ => String::from_utf8_lossy(text),
    });
    let mut text = || texts.next().unwrap_or_default();
    let item = json!({"gate": text(), "trigger_id": text(), "expires": text(), "reason": text()});
    json!({"schema": Allowlist::SCHEMA, "name": text(), "items": [item]}).to_string()
}
