//! The text that describes how a Go binary was built.

/// What `runtime/debug.BuildInfo` holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct BuildInfo {
    /// Import path of the main package.
    pub(crate) path: String,
    /// The module that holds the main package.
    pub(crate) main: Option<Module>,
    /// Every other module.
    pub(crate) dependencies: Vec<Module>,
    /// Flags and variables of the build.
    pub(crate) settings: Vec<(String, String)>,
}

/// One module as built in: where it was replaced, its replacement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Module {
    /// Module path.
    pub(crate) path: String,
    /// Version; `(devel)` for a main module without one.
    pub(crate) version: String,
    /// `h1:` sum; may be empty.
    pub(crate) sum: String,
    /// The module it stands in for.
    pub(crate) replaces: Option<String>,
}

impl BuildInfo {
    /// Reads the text. Lines of unknown kinds are left out, as `runtime/debug` promises to add some.
    pub(crate) fn parse(text: &str) -> Self {
        let mut info = Self::default();
        let mut last_is_main = false;
        for line in text.lines() {
            let (kind, rest) = line.split_once('\t').unwrap_or((line, ""));
            match kind {
                "path" => rest.clone_into(&mut info.path),
                "mod" => {
                    info.main = module(rest);
                    last_is_main = true;
                }
                "dep" => {
                    info.dependencies.extend(module(rest));
                    last_is_main = false;
                }
                "=>" => {
                    let replaced =
                        if last_is_main { info.main.as_mut() } else { info.dependencies.last_mut() };
                    if let (Some(replaced), Some(replacement)) = (replaced, module(rest)) {
                        replaced.replace(replacement);
                    }
                }
                "build" => info.settings.extend(setting(rest)),
                _ => {}
            }
        }
        info
    }

    /// The value of a setting; empty if it is not there.
    pub(crate) fn setting(&self, key: &str) -> &str {
        self.settings.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }
}

impl Module {
    /// A directory has neither a name nor a version of its own: what it replaces keeps both.
    fn replace(&mut self, replacement: Self) {
        let is_directory = replacement.path.starts_with(['.', '/']) || replacement.path.contains('\\');
        if !is_directory {
            let replaces = Some(std::mem::take(&mut self.path));
            *self = Self { replaces, ..replacement };
        }
    }
}

fn module(fields: &str) -> Option<Module> {
    let mut fields = fields.split('\t');
    let path = fields.next().filter(|path| !path.is_empty())?.to_owned();
    let version = fields.next().unwrap_or_default().to_owned();
    let sum = fields.next().unwrap_or_default().to_owned();
    Some(Module { path, version, sum, replaces: None })
}

/// `key=value`, either of which may be quoted the way Go quotes strings.
fn setting(text: &str) -> Option<(String, String)> {
    let (key, rest) = match text.strip_prefix('"') {
        Some(_) => unquoted(text)?,
        None => text.split_at_checked(text.find('=')?).map(|(key, rest)| (key.to_owned(), rest))?,
    };
    let value = rest.strip_prefix('=')?;
    let value = if value.starts_with(['"', '`']) { unquoted(value)?.0 } else { value.to_owned() };
    Some((key, value))
}

/// The content of the Go string literal `text` starts with, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    if let Some(raw) = text.strip_prefix('`') {
        return raw.split_once('`').map(|(content, rest)| (content.to_owned(), rest));
    }
    let mut content = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((content, &text[at + 1..])),
            '\\' => content.push(match characters.next()?.1 {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            }),
            other => content.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_and_settings_are_read() {
        let info = BuildInfo::parse(
            "path\texample.org/tool\nmod\texample.org/tool\t(devel)\t\ndep\texample.org/a\tv1.2.0\th1:aa=\n\
             build\t-compiler=gc\nbuild\t-ldflags=\"-X main.v=\\\"1 2\\\"\"\nbuild\tvcs=git\nnews\tx\n",
        );
        assert_eq!(info.main.as_ref().unwrap().version, "(devel)");
        assert_eq!(info.dependencies[0].sum, "h1:aa=");
        assert_eq!((info.setting("-compiler"), info.setting("vcs")), ("gc", "git"));
        assert_eq!(info.setting("-ldflags"), "-X main.v=\"1 2\"");
    }

    #[test]
    fn a_replacement_takes_the_place_of_what_it_replaces() {
        let info = BuildInfo::parse("dep\ta.org/a\tv1.0.0\n=>\tb.org/fork\tv1.0.1\th1:b=\n");
        let module = &info.dependencies[0];
        assert_eq!((module.path.as_str(), module.version.as_str()), ("b.org/fork", "v1.0.1"));
        assert_eq!(module.replaces.as_deref(), Some("a.org/a"));
    }

    #[test]
    fn a_directory_does_not() {
        let info = BuildInfo::parse("dep\ta.org/a\tv1.0.0\n=>\t./vendored/a\t\t\n");
        assert_eq!(
            (info.dependencies[0].path.as_str(), info.dependencies[0].version.as_str()),
            ("a.org/a", "v1.0.0")
        );
    }

    #[test]
    fn nonsense_is_no_module() {
        assert_eq!(BuildInfo::parse("=>\tx\tv1\nmod\t\nbuild\t=\nbuild\t\"x\nbuild\tnothing\n").main, None);
    }
}
