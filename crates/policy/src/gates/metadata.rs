//! Gate `metadata`: the image as a whole.

use std::sync::Arc;

use jiff::Timestamp;

use crate::gate::{Check, Constraint, Gate, Trigger};
use crate::param::{Param, ParamKind, Values};
use crate::wildcard;

pub(crate) struct Metadata;

impl Gate for Metadata {
    fn id(&self) -> &'static str {
        "metadata"
    }

    fn summary(&self) -> &'static str {
        "The image as a whole: its reference, platform, distribution, size, layers, labels and age."
    }

    fn triggers(&self) -> &'static [Trigger] {
        &[AGE, DISTRO, LABEL, LAYERS, PLATFORM, REFERENCE, SIZE]
    }
}

const MAX_DAYS: Param = Param {
    name: "max_days",
    kind: ParamKind::Integer,
    required: true,
    summary: "The most days since the creation the image config states.",
    example: "90",
};
const ALLOWED: Param = Param {
    name: "allowed",
    kind: ParamKind::Wildcards,
    required: false,
    summary: "Fires for anything but these; not together with denied.",
    example: "['debian:*', 'linux/amd64', 'registry.example.com/*']",
};
const DENIED: Param = Param {
    name: "denied",
    kind: ParamKind::Wildcards,
    required: false,
    summary: "Fires for these; not together with allowed.",
    example: "['debian:10']",
};
const NAME: Param = Param {
    name: "name",
    kind: ParamKind::Text,
    required: true,
    summary: "The label the image must have.",
    example: "org.opencontainers.image.source",
};
const VALUES: Param = Param {
    name: "values",
    kind: ParamKind::Wildcards,
    required: false,
    summary: "What its value must be one of; without it, any value will do.",
    example: "['https://git.example.com/*']",
};
const MAX_LAYERS: Param = Param {
    name: "max",
    kind: ParamKind::Integer,
    required: true,
    summary: "The most layers.",
    example: "40",
};
const MAX_SIZE: Param = Param {
    name: "max",
    kind: ParamKind::Size,
    required: true,
    summary: "The most bytes of all layers together.",
    example: "2GB",
};
const OF: Param = Param {
    name: "of",
    kind: ParamKind::Choice(&["compressed", "uncompressed"]),
    required: false,
    summary: "The size in the registry or that on the disk; without it, compressed.",
    example: "uncompressed",
};

const ONE_LIST: Constraint = Constraint::ExactlyOne(&[ALLOWED.name, DENIED.name]);

const AGE: Trigger = Trigger {
    id: "age",
    summary: "Fires if the image was created longer ago than max_days, or does not say when.",
    trigger_id: "age",
    params: &[MAX_DAYS],
    constraints: &[],
    compile: age,
};
const DISTRO: Trigger = Trigger {
    id: "distro",
    summary: "Fires for the wrong distribution; the text compared is ID:VERSION_ID of os-release, or unknown.",
    trigger_id: "ID:VERSION_ID",
    params: &[ALLOWED, DENIED],
    constraints: &[ONE_LIST],
    compile: distro,
};
const LABEL: Trigger = Trigger {
    id: "label",
    summary: "Fires if a label is missing or has another value.",
    trigger_id: "the label's name",
    params: &[NAME, VALUES],
    constraints: &[],
    compile: label,
};
const LAYERS: Trigger = Trigger {
    id: "layers",
    summary: "Fires if the image has more layers than max.",
    trigger_id: "layers",
    params: &[MAX_LAYERS],
    constraints: &[],
    compile: layers,
};
const PLATFORM: Trigger = Trigger {
    id: "platform",
    summary: "Fires for the wrong platform, written os/architecture[/variant].",
    trigger_id: "the platform",
    params: &[ALLOWED, DENIED],
    constraints: &[ONE_LIST],
    compile: platform,
};
const REFERENCE: Trigger = Trigger {
    id: "reference",
    summary: "Fires for the wrong image reference, as given to the scan.",
    trigger_id: "the reference",
    params: &[ALLOWED, DENIED],
    constraints: &[ONE_LIST],
    compile: reference,
};
const SIZE: Trigger = Trigger {
    id: "size",
    summary: "Fires if the layers together have more bytes than max.",
    trigger_id: "size",
    params: &[MAX_SIZE, OF],
    constraints: &[],
    compile: size,
};

fn age(values: &Values) -> Check {
    let max_days = values.integer(&MAX_DAYS).unwrap_or_default();
    Arc::new(move |facts, matches| {
        let stated = facts.config.created.as_deref();
        let Some(created) = stated.and_then(|text| text.parse::<Timestamp>().ok()) else {
            matches.add(0, "age", "the image does not say when it was created");
            return;
        };
        let days = facts.now.duration_since(created).as_secs() / 86_400;
        if u64::try_from(days).is_ok_and(|days| days > max_days) {
            matches.add(0, "age", format!("created {days} days ago, more than {max_days}"));
        }
    })
}

/// The one list that is given, as a test for what is wrong.
fn is_wrong(values: &Values) -> impl Fn(&str) -> bool + Send + Sync + 'static {
    let allowed = values.wildcards(&ALLOWED);
    let is_allowed = allowed.is_some();
    let list = allowed.or_else(|| values.wildcards(&DENIED)).unwrap_or_default();
    move |text| wildcard::any(&list, text) != is_allowed
}

fn distro(values: &Values) -> Check {
    let is_wrong = is_wrong(values);
    Arc::new(move |facts, matches| {
        let text = match &facts.inventory.distro {
            Some(distro) => match &distro.version_id {
                Some(version) => format!("{}:{version}", distro.id),
                None => distro.id.clone(),
            },
            None => "unknown".to_owned(),
        };
        if is_wrong(&text) {
            matches.add(0, text.as_str(), format!("the distribution is {text}"));
        }
    })
}

fn label(values: &Values) -> Check {
    let name = values.texts(&NAME).and_then(|names| names.into_iter().next()).unwrap_or_default();
    let allowed = values.wildcards(&VALUES);
    Arc::new(move |facts, matches| match facts.config.labels.iter().find(|(label, _)| *label == name) {
        None => matches.add(0, name.as_str(), format!("label {name} is missing")),
        Some((_, value)) if allowed.as_ref().is_some_and(|allowed| !wildcard::any(allowed, value)) => {
            matches.add(0, name.as_str(), format!("label {name} is {value:?}, which is not allowed"));
        }
        Some(_) => {}
    })
}

fn layers(values: &Values) -> Check {
    let max = values.integer(&MAX_LAYERS).unwrap_or_default();
    Arc::new(move |facts, matches| {
        let layers = facts.image.layers.len();
        if layers as u64 > max {
            matches.add(0, "layers", format!("{layers} layers, more than {max}"));
        }
    })
}

fn platform(values: &Values) -> Check {
    let is_wrong = is_wrong(values);
    Arc::new(move |facts, matches| {
        let platform = facts.image.platform.as_ref();
        let platform = platform.map_or_else(|| "unknown".to_owned(), ToString::to_string);
        if is_wrong(&platform) {
            matches.add(0, platform.as_str(), format!("the platform is {platform}"));
        }
    })
}

fn reference(values: &Values) -> Check {
    let is_wrong = is_wrong(values);
    Arc::new(move |facts, matches| {
        let reference = facts.image.reference.as_str();
        if is_wrong(reference) {
            matches.add(0, reference, format!("the image is {reference}"));
        }
    })
}

fn size(values: &Values) -> Check {
    let max = values.integer(&MAX_SIZE).unwrap_or_default();
    let of = values.choice(&OF).unwrap_or("compressed");
    Arc::new(move |facts, matches| {
        let sizes = facts.image.layers.iter().map(|layer| match of {
            // What is not known to be smaller counts as it is in the registry.
            "uncompressed" => layer.uncompressed_size.unwrap_or(layer.size),
            _ => layer.size,
        });
        let bytes = sizes.fold(0_u64, u64::saturating_add);
        if bytes > max {
            matches.add(0, "size", format!("{bytes} bytes {of}, more than {max}"));
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::gates::testing::{Image, judge, mistakes};

    #[test]
    fn age_counts_whole_days_and_does_not_trust_silence() {
        let rule = "[{gate: metadata, trigger: age, action: warn, params: {max_days: 10}}]";
        let created = |text: &str| Image::default().config(|config| config.created = Some(text.to_owned()));
        assert!(judge(rule, &created("2026-06-05T00:00:01Z")).is_empty());
        assert_eq!(
            judge(rule, &created("2026-06-04T00:00:00Z")),
            ["warn metadata.age age: created 11 days ago, more than 10"]
        );
        assert!(judge(rule, &created("2030-01-01T00:00:00Z")).is_empty());
        assert_eq!(
            judge(rule, &created("once")),
            ["warn metadata.age age: the image does not say when it was created"]
        );
    }

    #[test]
    fn distro_and_platform_and_reference_are_allowed_or_denied() {
        let rules = "[{gate: metadata, trigger: distro, action: stop, params: {allowed: ['alpine:*']}},
                      {gate: metadata, trigger: platform, action: warn, params: {denied: linux/amd64}},
                      {gate: metadata, trigger: reference, action: warn, params: {allowed: 'docker.io/*'}}]";
        assert_eq!(
            judge(rules, &Image::default()),
            [
                "stop metadata.distro debian:12: the distribution is debian:12",
                "warn metadata.platform linux/amd64: the platform is linux/amd64",
                "warn metadata.reference registry.example.com/app:1: the image is registry.example.com/app:1",
            ]
        );
        let none = Image::default().inventory(|inventory| inventory.distro = None);
        assert!(judge(rules, &none)[0].contains("the distribution is unknown"));
    }

    #[test]
    fn allowed_and_denied_exclude_each_other() {
        let rule = |params: &str| {
            mistakes(&format!("[{{gate: metadata, trigger: distro, action: stop, params: {params}}}]"))
        };
        assert!(
            rule("{allowed: a, denied: b}")
                .contains("rules[0].params.denied: give either allowed or denied, not both")
        );
        assert!(rule("{}").contains("rules[0].params.allowed: give allowed or denied"));
    }

    #[test]
    fn labels_must_be_there_and_fit() {
        let rule =
            "[{gate: metadata, trigger: label, action: stop, params: {name: owner, values: ['team-*']}}]";
        let owner = |value: &str| {
            Image::default().config(|config| config.labels = vec![("owner".to_owned(), value.to_owned())])
        };
        assert_eq!(judge(rule, &Image::default()), ["stop metadata.label owner: label owner is missing"]);
        assert_eq!(
            judge(rule, &owner("bob")),
            ["stop metadata.label owner: label owner is \"bob\", which is not allowed"]
        );
        assert!(judge(rule, &owner("team-a")).is_empty());
    }

    #[test]
    fn size_and_layers_fire_above_their_maximum_only() {
        // The image of the tests has two layers of 100 bytes, 1,000 uncompressed.
        let rules = |layers: u32, size: u32, of: &str| {
            format!(
                "[{{gate: metadata, trigger: layers, action: warn, params: {{max: {layers}}}}},
                  {{gate: metadata, trigger: size, action: warn, params: {{max: {size}, of: {of}}}}}]"
            )
        };
        assert!(judge(&rules(2, 200, "compressed"), &Image::default()).is_empty());
        assert_eq!(
            judge(&rules(1, 1999, "uncompressed"), &Image::default()),
            [
                "warn metadata.layers layers: 2 layers, more than 1",
                "warn metadata.size size: 2000 bytes uncompressed, more than 1999",
            ]
        );
    }
}
