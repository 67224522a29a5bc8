//! A version for a main module built from a checkout, which calls itself `(devel)`.

use super::build_info::BuildInfo;

/// What `go build` writes where it knows no version.
pub(crate) const DEVEL: &str = "(devel)";

/// The version: one the linker was told to write into a variable named like a version or tag, else the
/// pseudo-version of the commit, else `(devel)`.
pub(crate) fn main_version(stated: &str, info: &BuildInfo) -> String {
    if stated != DEVEL {
        return stated.to_owned();
    }
    from_linker_flags(info.setting("-ldflags"))
        .or_else(|| from_commit(info))
        .unwrap_or_else(|| stated.to_owned())
}

/// `-X example.org/version.Version=1.2.3`: the name ends in `version`, `ver` or `tag`, the value in a version.
fn from_linker_flags(flags: &str) -> Option<String> {
    let assigned = |names: &[&str]| {
        flags.split([' ', '\t', '\n', '\'', '"']).find_map(|word| {
            let (name, value) = word.split_once('=')?;
            let (_, variable) = name.rsplit_once('.')?;
            names.iter().any(|name| variable.eq_ignore_ascii_case(name)).then(|| version(value))?
        })
    };
    assigned(&["version", "ver", "gitVersion", "buildVersion", "gitBuildVersion", "gitVer", "buildVer"])
        .or_else(|| assigned(&["tag"]))
}

/// `v` and three numbers with what may follow, after the last slash.
fn version(value: &str) -> Option<String> {
    let value = value.rsplit('/').next()?;
    let value = value.strip_prefix('v').unwrap_or(value);
    let end = value
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')))
        .unwrap_or(value.len());
    let core = value[..end].split(['-', '_']).next()?;
    let mut numbers = core.splitn(3, '.');
    let is_number =
        |text: Option<&str>| text.is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    let ok = is_number(numbers.next()) && is_number(numbers.next()) && is_number(numbers.next());
    ok.then(|| format!("v{}", &value[..end]))
}

/// `v0.0.0-20240102150405-0123456789ab`, the way `go` names an untagged commit.
fn from_commit(info: &BuildInfo) -> Option<String> {
    let (revision, time) = (info.setting("vcs.revision"), info.setting("vcs.time"));
    if revision.is_empty() || time.is_empty() {
        return None;
    }
    let revision = revision.get(..12).unwrap_or(revision);
    // Go writes the time in UTC; anything else gets the zero time, as in `go` itself.
    let digits: String = match time.strip_suffix('Z') {
        Some(time) => time.split('.').next()?.chars().filter(char::is_ascii_digit).collect(),
        None => String::new(),
    };
    let stamp = if digits.len() == 14 { digits.as_str() } else { "00010101000000" };
    Some(format!("v0.0.0-{stamp}-{revision}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(settings: &[(&str, &str)]) -> BuildInfo {
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        BuildInfo { settings, ..BuildInfo::default() }
    }

    #[test]
    fn a_stated_version_stays() {
        assert_eq!(main_version("v1.0.0", &info(&[("-ldflags", "-X main.version=2.0.0")])), "v1.0.0");
    }

    #[test]
    fn linker_flags_outrank_the_commit() {
        let commit = [("vcs.revision", "530be3e37337488ecc34"), ("vcs.time", "2026-09-28T15:53:40Z")];
        for (flags, version) in [
            ("-w -s -X main.version=1.18.1 -X main.gitCommit=5e16", "v1.18.1"),
            ("-X 'k8s.io/component-base/version.gitVersion=v1.30.1-rc.0+dirty'", "v1.30.1-rc.0"),
            ("-X main.Tag=release/v2.0.3", "v2.0.3"),
            ("-X main.version=main", "v0.0.0-20260928155340-530be3e37337"),
            ("", "v0.0.0-20260928155340-530be3e37337"),
        ] {
            let settings: Vec<_> = [("-ldflags", flags)].into_iter().chain(commit).collect();
            assert_eq!(main_version(DEVEL, &info(&settings)), version, "{flags}");
        }
    }

    #[test]
    fn without_either_it_stays_devel() {
        assert_eq!(main_version(DEVEL, &info(&[])), DEVEL);
    }
}
