//! Gate `packages`: which packages are in the image, whatever is known against them.

use std::sync::Arc;

use plimsoll_types::Package;

use crate::gate::{Check, Constraint, Gate, Trigger};
use crate::param::{Param, ParamKind, Values};
use crate::range::Range;
use crate::wildcard::{self, Wildcard};

pub(crate) struct Packages;

impl Gate for Packages {
    fn id(&self) -> &'static str {
        "packages"
    }

    fn summary(&self) -> &'static str {
        "Which packages are in the image, by name, version, type and licence."
    }

    fn triggers(&self) -> &'static [Trigger] {
        &[DENIED, LICENSE, REQUIRED]
    }
}

/// The package types rules can name, and two names for groups of them.
pub(crate) const TYPE_NAMES: &[&str] = &[
    "apk", "cargo", "composer", "deb", "gem", "generic", "golang", "language", "maven", "npm", "nuget", "os",
    "pypi", "rpm",
];

const NAMES: Param = Param {
    name: "names",
    kind: ParamKind::Wildcards,
    required: false,
    summary: "Only packages with these names (group:artifact for Maven); without it, all.",
    example: "[telnet, '@evil/*']",
};
const TYPES: Param = Param {
    name: "types",
    kind: ParamKind::Choices(TYPE_NAMES),
    required: false,
    summary: "Only packages of these types; os stands for deb, apk and rpm, language for all others.",
    example: "[npm]",
};
const VERSIONS: Param = Param {
    name: "versions",
    kind: ParamKind::Ranges,
    required: false,
    summary: "Only versions in one of these ranges, in the order of the package's own ecosystem; without it, all.",
    example: "['< 2.17.1', '>= 3.0, < 3.1.2']",
};
const LICENSES: Param = Param {
    name: "licenses",
    kind: ParamKind::Wildcards,
    required: true,
    summary: "The licences to look for, as SPDX ids or as the package states them.",
    example: "['AGPL-*', SSPL-1.0]",
};
const REQUIRED_NAMES: Param = Param {
    required: true,
    summary: "The packages that must be there; a rule with several names needs each of them.",
    example: "[ca-certificates]",
    ..NAMES
};

const DENIED: Trigger = Trigger {
    id: "denied",
    summary: "Fires for every package that fits all parameters; names or types must be given.",
    trigger_id: "the package's name",
    params: &[NAMES, TYPES, VERSIONS],
    constraints: &[Constraint::AtLeastOne(&[NAMES.name, TYPES.name])],
    compile: denied,
};
const LICENSE: Trigger = Trigger {
    id: "license",
    summary: "Fires for every package with one of these licences.",
    trigger_id: "LICENCE+PACKAGE, for example AGPL-3.0-only+ghostscript",
    params: &[LICENSES, NAMES, TYPES],
    constraints: &[],
    compile: license,
};
const REQUIRED: Trigger = Trigger {
    id: "required",
    summary: "Fires for every name no package that fits the other parameters has.",
    trigger_id: "the name as the rule gives it",
    params: &[REQUIRED_NAMES, TYPES, VERSIONS],
    constraints: &[],
    compile: required,
};

/// The parameters all triggers share.
struct Selection {
    names: Option<Vec<Wildcard>>,
    types: Option<Vec<&'static str>>,
    versions: Option<Vec<Range>>,
}

impl Selection {
    fn of(values: &Values) -> Self {
        Self {
            names: values.wildcards(&NAMES),
            types: values.choices(&TYPES),
            versions: values.ranges(&VERSIONS),
        }
    }

    /// Whether a package has one of the names and types. Versions are asked for separately.
    fn has_kind(&self, package: &Package) -> bool {
        let group = if package.package_type.is_os() { "os" } else { "language" };
        self.names.as_ref().is_none_or(|names| wildcard::any(names, &package.name))
            && self
                .types
                .as_ref()
                .is_none_or(|types| types.contains(&package.package_type.as_str()) || types.contains(&group))
    }

    /// Whether the version is in one of the ranges; `None` if it cannot be compared.
    fn has_version(&self, package: &Package) -> Option<bool> {
        let Some(ranges) = &self.versions else { return Some(true) };
        let mut answer = Some(false);
        for range in ranges {
            match range.contains(package) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => answer = None,
            }
        }
        answer
    }
}

fn denied(values: &Values) -> Check {
    let selection = Selection::of(values);
    Arc::new(move |facts, matches| {
        for package in facts.inventory.packages.iter().filter(|package| selection.has_kind(package)) {
            let what = format!("{} {} ({})", package.name, package.version, package.package_type);
            match selection.has_version(package) {
                Some(true) => matches.add(0, package.name.as_str(), format!("{what} is in the image")),
                Some(false) => {}
                // Nobody can say that it is a version that is not denied.
                None => {
                    let message = format!("{what} is in the image, and its version cannot be compared");
                    matches.add(0, package.name.as_str(), message);
                }
            }
        }
    })
}

fn license(values: &Values) -> Check {
    let selection = Selection::of(values);
    let licenses = values.wildcards(&LICENSES).unwrap_or_default();
    Arc::new(move |facts, matches| {
        for package in facts.inventory.packages.iter().filter(|package| selection.has_kind(package)) {
            for claim in &package.licenses {
                let stated = claim.spdx.as_deref().unwrap_or(&claim.value);
                let texts = [Some(claim.value.as_str()), claim.spdx.as_deref()];
                if texts.into_iter().flatten().flat_map(license_ids).any(|id| wildcard::any(&licenses, id)) {
                    let message = format!("{} {} states the licence {stated}", package.name, package.version);
                    matches.add(0, format!("{stated}+{}", package.name), message);
                }
            }
        }
    })
}

/// A licence text as a whole and, of an SPDX expression, each licence in it.
fn license_ids(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')'));
    std::iter::once(text).chain(parts.filter(|part| !matches!(*part, "" | "AND" | "OR" | "WITH")))
}

fn required(values: &Values) -> Check {
    let names = values.wildcards(&REQUIRED_NAMES).unwrap_or_default();
    let selection = Selection { names: None, ..Selection::of(values) };
    Arc::new(move |facts, matches| {
        for name in &names {
            let mut named = facts.inventory.packages.iter().filter(|package| name.matches(&package.name));
            if !named
                .any(|package| selection.has_kind(package) && selection.has_version(package) == Some(true))
            {
                matches.add(0, name.as_str(), format!("no package {} as required", name.as_str()));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use plimsoll_types::PackageType;

    use crate::gates::testing::{Image, judge, mistakes};

    fn image() -> Image {
        Image::default()
            .package(PackageType::Deb, "telnet", "0.17+2.4-2")
            .package(PackageType::Npm, "left-pad", "1.10.0")
            .package(PackageType::Generic, "ghost", "1.0")
            .license("ghost", "GPL-2.0-only OR (AGPL-3.0-only AND MIT)")
    }

    fn found(trigger: &str, params: &str) -> Vec<String> {
        judge(&format!("[{{gate: packages, trigger: {trigger}, action: stop, params: {params}}}]"), &image())
    }

    #[test]
    fn denied_packages_are_found_by_name_and_type() {
        assert_eq!(
            found("denied", "{names: [telnet, rsh-client]}"),
            ["stop packages.denied telnet: telnet 0.17+2.4-2 (deb) is in the image"]
        );
        assert_eq!(found("denied", "{types: language}").len(), 2);
        assert_eq!(found("denied", "{types: [npm], names: '*'}").len(), 1);
        assert!(found("denied", "{types: [npm], names: telnet}").is_empty());
    }

    #[test]
    fn versions_are_in_the_order_of_the_ecosystem_and_strange_ones_count() {
        assert_eq!(found("denied", "{names: left-pad, versions: '>= 1.9'}").len(), 1);
        assert!(found("denied", "{names: left-pad, versions: '< 1.9'}").is_empty());
        assert_eq!(found("denied", "{names: left-pad, versions: ['< 1.9', '= 1.10.0']}").len(), 1);
        assert!(found("denied", "{names: ghost, versions: '< 1'}")[0].contains("cannot be compared"));
    }

    #[test]
    fn denying_everything_is_a_mistake() {
        let rule = "[{gate: packages, trigger: denied, action: stop, params: {versions: '< 1'}}]";
        assert!(mistakes(rule).contains("give names or types"));
    }

    #[test]
    fn licences_are_found_inside_expressions() {
        assert_eq!(
            found("license", "{licenses: ['AGPL-*']}"),
            ["stop packages.license GPL-2.0-only OR (AGPL-3.0-only AND MIT)+ghost: ghost 1.0 states \
              the licence GPL-2.0-only OR (AGPL-3.0-only AND MIT)"]
        );
        assert!(found("license", "{licenses: ['AGPL-*'], types: deb}").is_empty());
        assert!(found("license", "{licenses: GPL}").is_empty());
    }

    #[test]
    fn each_required_name_must_be_there_in_a_fitting_version() {
        assert!(found("required", "{names: [telnet, 'left-*']}").is_empty());
        assert_eq!(
            found("required", "{names: [telnet, curl]}"),
            ["stop packages.required curl: no package curl as required"]
        );
        assert_eq!(found("required", "{names: left-pad, versions: '>= 2'}").len(), 1);
        assert_eq!(found("required", "{names: telnet, types: rpm}").len(), 1);
        assert_eq!(found("required", "{names: ghost, versions: '>= 0'}").len(), 1);
    }
}
