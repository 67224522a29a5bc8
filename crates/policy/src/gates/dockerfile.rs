//! Gate `dockerfile`: how the image was built and will start, read from its config and history.

use std::sync::Arc;

use plimsoll_types::{ImageConfig, Inventory, dockerfile_line};

use crate::gate::{Check, Constraint, Gate, Trigger};
use crate::mistake::shorten;
use crate::param::{Param, ParamKind, Values};
use crate::wildcard;

pub(crate) struct Dockerfile;

impl Gate for Dockerfile {
    fn id(&self) -> &'static str {
        "dockerfile"
    }

    fn summary(&self) -> &'static str {
        "How the image was built and how it will start, read from its config and history."
    }

    fn triggers(&self) -> &'static [Trigger] {
        &[ENV, EXPOSED_PORTS, INSTRUCTION, NO_COMMAND, NO_HEALTHCHECK, USER]
    }
}

const ENV_NAMES: Param = Param {
    name: "names",
    kind: ParamKind::Regexes,
    required: false,
    summary: "Only variables whose name fits one of these regular expressions; without it, all.",
    example: "['(?i)password', '_TOKEN$']",
};
const ENV_VALUES: Param = Param {
    name: "values",
    kind: ParamKind::Regexes,
    required: false,
    summary: "Only variables whose value fits one of these regular expressions; without it, all non-empty ones.",
    example: "['^AKIA[0-9A-Z]{16}$']",
};
const ALLOWED_PORTS: Param = Param {
    name: "allowed",
    kind: ParamKind::Wildcards,
    required: false,
    summary: "Fires for any port but these; not together with denied. A number alone stands for every protocol.",
    example: "['8080/tcp', '443']",
};
const DENIED_PORTS: Param = Param {
    name: "denied",
    kind: ParamKind::Wildcards,
    required: false,
    summary: "Fires for these ports; not together with allowed. A number alone stands for every protocol.",
    example: "['22']",
};
const PATTERN: Param = Param {
    name: "pattern",
    kind: ParamKind::Regexes,
    required: true,
    summary: "Regular expressions to look for in each instruction, written as in a Dockerfile on one line.",
    example: "['curl .*\\| *(ba)?sh', '^ADD https?://']",
};
const EXPECT: Param = Param {
    name: "expect",
    kind: ParamKind::Choice(&["absent", "present"]),
    required: false,
    summary: "absent: fires for every instruction that fits; present: fires if none does; without it, absent.",
    example: "present",
};
const DENIED_USERS: Param = Param {
    name: "denied",
    kind: ParamKind::Texts,
    required: false,
    summary: "Fires if the image starts as one of these users, by name or number; not together with allowed.",
    example: "[root]",
};
const ALLOWED_USERS: Param = Param {
    name: "allowed",
    kind: ParamKind::Texts,
    required: false,
    summary: "Fires if the image starts as any but these users, by name or number; not together with denied.",
    example: "[nobody, '65532']",
};

const ENV: Trigger = Trigger {
    id: "env",
    summary: "Fires for every environment variable of the config that fits; names or values must be given. The \
              value is never shown.",
    trigger_id: "the variable's name",
    params: &[ENV_NAMES, ENV_VALUES],
    constraints: &[Constraint::AtLeastOne(&[ENV_NAMES.name, ENV_VALUES.name])],
    compile: env,
};
const EXPOSED_PORTS: Trigger = Trigger {
    id: "exposed_ports",
    summary: "Fires for every exposed port that should not be.",
    trigger_id: "PORT/PROTOCOL",
    params: &[ALLOWED_PORTS, DENIED_PORTS],
    constraints: &[Constraint::ExactlyOne(&[ALLOWED_PORTS.name, DENIED_PORTS.name])],
    compile: exposed_ports,
};
const INSTRUCTION: Trigger = Trigger {
    id: "instruction",
    summary: "Fires for instructions of the history that fit a pattern, or for their absence.",
    trigger_id: "the instruction's first 80 characters, or absent",
    params: &[EXPECT, PATTERN],
    constraints: &[],
    compile: instruction,
};
const NO_COMMAND: Trigger = Trigger {
    id: "no_command",
    summary: "Fires if the image has neither an entrypoint nor a command.",
    trigger_id: "no_command",
    params: &[],
    constraints: &[],
    compile: no_command,
};
const NO_HEALTHCHECK: Trigger = Trigger {
    id: "no_healthcheck",
    summary: "Fires if the image has no health check, or one that is switched off.",
    trigger_id: "no_healthcheck",
    params: &[],
    constraints: &[],
    compile: no_healthcheck,
};
const USER: Trigger = Trigger {
    id: "user",
    summary: "Fires for the user the image starts as. A user without a number in the image's /etc/passwd is \
              compared by name; no user is root.",
    trigger_id: "the user as the config states it, or root",
    params: &[ALLOWED_USERS, DENIED_USERS],
    constraints: &[Constraint::ExactlyOne(&[ALLOWED_USERS.name, DENIED_USERS.name])],
    compile: user,
};

fn env(values: &Values) -> Check {
    let (names, contents) = (values.regexes(&ENV_NAMES), values.regexes(&ENV_VALUES));
    Arc::new(move |facts, matches| {
        for variable in &facts.config.env {
            let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
            if !value.is_empty()
                && names.as_ref().is_none_or(|names| names.is_match(name.as_bytes()))
                && contents.as_ref().is_none_or(|contents| contents.is_match(value.as_bytes()))
            {
                matches.add(0, name, format!("environment variable {} is set in the image", shorten(name)));
            }
        }
    })
}

fn exposed_ports(values: &Values) -> Check {
    let allowed = values.wildcards(&ALLOWED_PORTS);
    let is_allowed = allowed.is_some();
    let list = allowed.or_else(|| values.wildcards(&DENIED_PORTS)).unwrap_or_default();
    Arc::new(move |facts, matches| {
        for port in &facts.config.exposed_ports {
            let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
            let full = format!("{number}/{protocol}");
            let listed = wildcard::any(&list, &full) || wildcard::any(&list, number);
            if listed != is_allowed {
                matches.add(0, full.as_str(), format!("port {full} is exposed"));
            }
        }
    })
}

fn instruction(values: &Values) -> Check {
    let patterns = values.regexes(&PATTERN).unwrap_or_else(regex::bytes::RegexSet::empty);
    let present = values.choice(&EXPECT) == Some("present");
    Arc::new(move |facts, matches| {
        let lines = facts.config.history.iter().filter_map(|line| line.created_by.as_deref());
        let mut fitting =
            lines.map(dockerfile_line).filter(|line| patterns.is_match(line.as_bytes())).peekable();
        if present {
            if fitting.peek().is_none() {
                let message = format!("no instruction fits {}", patterns.patterns().join(" or "));
                matches.add(0, "absent", message);
            }
            return;
        }
        for line in fitting {
            let line = shorten(&line);
            matches.add(0, line.as_str(), format!("the history has the instruction {line}"));
        }
    })
}

fn no_command(_: &Values) -> Check {
    Arc::new(|facts, matches| {
        if facts.config.entrypoint.is_empty() && facts.config.cmd.is_empty() {
            matches.add(0, NO_COMMAND.id, "the image has neither an entrypoint nor a command");
        }
    })
}

fn no_healthcheck(_: &Values) -> Check {
    Arc::new(|facts, matches| {
        let test = facts.config.healthcheck.as_deref().unwrap_or_default();
        if test.first().is_none_or(|first| first == "NONE") {
            matches.add(0, NO_HEALTHCHECK.id, "the image has no health check");
        }
    })
}

fn user(values: &Values) -> Check {
    let allowed = values.texts(&ALLOWED_USERS);
    let is_allowed = allowed.is_some();
    let list = allowed.or_else(|| values.texts(&DENIED_USERS)).unwrap_or_default();
    Arc::new(move |facts, matches| {
        let stated = stated_user(facts.config);
        let id = user_id(facts.inventory, stated);
        let listed = list
            .iter()
            .any(|name| name == stated || id.is_some_and(|id| user_id(facts.inventory, name) == Some(id)));
        if listed != is_allowed {
            matches.add(0, stated, format!("the image starts as user {}", shorten(stated)));
        }
    })
}

/// The user part of `User`; runtimes take root where there is none.
fn stated_user(config: &ImageConfig) -> &str {
    let stated = config.user.as_deref().unwrap_or_default();
    match stated.split_once(':').map_or(stated, |(user, _)| user).trim() {
        "" => "root",
        user => user,
    }
}

/// The number behind a user: the one the image's /etc/passwd gives a name, which is how runtimes start it.
fn user_id(inventory: &Inventory, user: &str) -> Option<u32> {
    if let Ok(number) = user.parse() {
        return Some(number);
    }
    let passwd = inventory.kept.iter().find(|file| file.path.as_bytes() == b"etc/passwd");
    let text = passwd.map(|file| String::from_utf8_lossy(&file.bytes)).unwrap_or_default();
    let listed = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == user).then(|| fields.nth(1))??.parse().ok()
    });
    listed.or((user == "root").then_some(0))
}

#[cfg(test)]
mod tests {
    use plimsoll_types::{HistoryLine, KeptFile};

    use crate::gates::testing::{Image, judge, mistakes};

    fn rule(trigger: &str, params: &str) -> String {
        format!("[{{gate: dockerfile, trigger: {trigger}, action: stop, params: {params}}}]")
    }

    fn starts_as(user: &str) -> Image {
        let passwd = b"root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n";
        Image::default().config(|config| config.user = Some(user.to_owned())).inventory(|inventory| {
            inventory.kept.push(KeptFile { path: "etc/passwd".into(), bytes: passwd.to_vec() });
        })
    }

    #[test]
    fn root_is_root_under_any_name() {
        let denied = rule("user", "{denied: [root]}");
        for user in ["", "root", "0", "00", "0:0", "root:app", ":app", "toor"] {
            assert_eq!(judge(&denied, &starts_as(user)).len(), 1, "{user:?}");
        }
        for user in ["app", "1000", "app:root", "somebody"] {
            assert!(judge(&denied, &starts_as(user)).is_empty(), "{user:?}");
        }
        let allowed = rule("user", "{allowed: [app]}");
        assert!(judge(&allowed, &starts_as("1000")).is_empty());
        assert_eq!(
            judge(&allowed, &starts_as("")),
            ["stop dockerfile.user root: the image starts as user root"]
        );
    }

    #[test]
    fn ports_are_allowed_or_denied_with_or_without_protocol() {
        let image = Image::default().config(|config| {
            config.exposed_ports = ["22", "53/udp", "8080/tcp"].map(str::to_owned).into();
        });
        assert_eq!(
            judge(&rule("exposed_ports", "{denied: ['22']}"), &image),
            ["stop dockerfile.exposed_ports 22/tcp: port 22/tcp is exposed"]
        );
        assert_eq!(judge(&rule("exposed_ports", "{allowed: ['8080/tcp', '53']}"), &image).len(), 1);
        assert_eq!(judge(&rule("exposed_ports", "{denied: ['*/tcp']}"), &image).len(), 2);
        assert!(mistakes(&rule("exposed_ports", "{}")).contains("give allowed or denied"));
    }

    #[test]
    fn variables_are_named_and_their_values_never_shown() {
        let image = Image::default().config(|config| {
            config.env = ["PATH=/bin", "DB_PASSWORD=hunter2", "EMPTY_PASSWORD="].map(str::to_owned).into();
        });
        let found = judge(&rule("env", "{names: '(?i)password'}"), &image);
        assert_eq!(
            found,
            ["stop dockerfile.env DB_PASSWORD: environment variable DB_PASSWORD is set in the image"]
        );
        assert_eq!(judge(&rule("env", "{values: '^hunter'}"), &image).len(), 1);
        assert!(judge(&rule("env", "{names: PATH, values: '^hunter'}"), &image).is_empty());
        assert!(mistakes(&rule("env", "{}")).contains("give names or values"));
    }

    #[test]
    fn instructions_are_searched_without_their_wrapping() {
        let image = Image::default().config(|config| {
            config.history = ["/bin/sh -c #(nop) ADD file:1 in /", "RUN /bin/sh -c curl x | sh # buildkit"]
                .map(|line| HistoryLine { created_by: Some(line.to_owned()), ..HistoryLine::default() })
                .into();
        });
        assert_eq!(
            judge(&rule("instruction", r"{pattern: '^RUN curl .*\| *sh$'}"), &image),
            ["stop dockerfile.instruction RUN curl x | sh: the history has the instruction RUN curl x | sh"]
        );
        assert!(judge(&rule("instruction", "{pattern: '^ADD', expect: present}"), &image).is_empty());
        assert_eq!(
            judge(&rule("instruction", "{pattern: '^USER', expect: present}"), &image),
            ["stop dockerfile.instruction absent: no instruction fits ^USER"]
        );
    }

    #[test]
    fn a_health_check_and_a_command_can_be_asked_for() {
        let both = "[{gate: dockerfile, trigger: no_command, action: warn},
                     {gate: dockerfile, trigger: no_healthcheck, action: warn}]";
        let with = |test: &str| {
            Image::default().config(|config| {
                config.healthcheck = Some(vec![test.to_owned()]);
                config.cmd = vec!["sh".to_owned()];
            })
        };
        assert!(judge(both, &with("CMD")).is_empty());
        assert_eq!(judge(both, &with("NONE")).len(), 1);
        let neither = Image::default().config(|config| config.cmd.clear());
        assert_eq!(judge(both, &neither).len(), 2);
    }
}
