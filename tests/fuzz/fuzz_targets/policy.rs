//! Policies: any text, any rules below a whole head, and one rule with any values of its parameters. Mistakes are named
//! in their places; what is a policy judges an image, twice the same.

#![no_main]

mod judged;

use libfuzzer_sys::fuzz_target;
use plimsoll_policy::{Param, Policy, gates};
use serde_json::json;

fuzz_target!(|data: &[u8]| {
    let Some((way, data)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(data);
    let policy = match way % 3 {
        0 => text.into_owned(),
        1 => format!("schema: plimsoll.policy/v1\nname: a\nrules:\n{text}\n"),
        _ => rule(data),
    };
    match Policy::parse(&policy) {
        Ok(parsed) => {
            assert_eq!(Policy::parse(&policy).expect("twice the same").digest(), parsed.digest());
            judged::evaluated(&parsed, &[]);
        }
        Err(mistakes) => judged::check(&mistakes, &policy),
    }
});

/// One rule of the trigger the first bytes name, with those of its parameters the third has bits for.
fn rule(data: &[u8]) -> String {
    let Some(([gate, trigger, given], data)) = data.split_first_chunk() else { return String::new() };
    let gate = gates::ALL[usize::from(*gate) % gates::ALL.len()];
    let trigger = &gate.triggers()[usize::from(*trigger) % gate.triggers().len()];
    let mut texts = data.split(|byte| *byte == 0xff).map(String::from_utf8_lossy);
    let mut params = String::new();
    for (bit, Param { name, required, example, .. }) in trigger.params.iter().enumerate() {
        if *required || given.rotate_right(bit as u32) & 1 == 1 {
            let value = match texts.next().unwrap_or_default() {
                text if text.is_empty() => (*example).to_owned(),
                // As it stands, for numbers and the like, or as a text.
                text => text.strip_prefix('=').map_or_else(|| json!(text).to_string(), str::to_owned),
            };
            params += &format!("    {name}: {value}\n");
        }
    }
    let params = if params.is_empty() { params } else { format!("  params:\n{params}") };
    let (gate, trigger) = (gate.id(), trigger.id);
    format!(
        "schema: plimsoll.policy/v1\nname: a\nrules:\n- gate: {gate}\n  trigger: {trigger}\n  action: stop\n{params}"
    )
}
