//! Which repositories and tags are meant.

use globset::{GlobBuilder, GlobMatcher};

/// A pattern that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

impl std::fmt::Display for FilterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is no pattern: {}", self.pattern, self.why)
    }
}

impl std::error::Error for FilterError {}

/// Globs over `REPOSITORY` or `REPOSITORY:TAG`. `*` stands for anything within a part of a name, `**` also for parts.
/// A pattern without a colon is about all tags of the repositories it fits.
#[derive(Clone, Debug)]
pub struct Filter {
    include: Option<Patterns>,
    exclude: Patterns,
}

#[derive(Clone, Debug, Default)]
struct Patterns {
    /// Those without a colon.
    repositories: Vec<GlobMatcher>,
    /// Those with one: what is before it, and what is after.
    tags: Vec<(GlobMatcher, GlobMatcher)>,
}

impl Filter {
    /// Reads patterns. Without any in `include` everything is meant.
    ///
    /// # Errors
    /// The first pattern that is none.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, FilterError> {
        let include = if include.is_empty() { None } else { Some(Patterns::new(include)?) };
        Ok(Self { include, exclude: Patterns::new(exclude)? })
    }

    /// Whether some tags of a repository may be meant.
    pub fn has_repository(&self, repository: &str) -> bool {
        let included = self.include.as_ref().is_none_or(|include| {
            include.all_of(repository) || include.tags.iter().any(|(of, _)| of.is_match(repository))
        });
        included && !self.exclude.all_of(repository)
    }

    /// Whether a tag of a repository is meant.
    pub fn has_tag(&self, repository: &str, tag: &str) -> bool {
        let fits = |patterns: &Patterns| {
            let fits =
                |(of, tags): &(GlobMatcher, GlobMatcher)| of.is_match(repository) && tags.is_match(tag);
            patterns.all_of(repository) || patterns.tags.iter().any(fits)
        };
        self.include.as_ref().is_none_or(fits) && !fits(&self.exclude)
    }

    /// Whether it may mean some tags of a repository and not others.
    pub fn tells_tags_apart(&self) -> bool {
        !self.exclude.tags.is_empty() || self.include.as_ref().is_some_and(|include| !include.tags.is_empty())
    }
}

impl Patterns {
    fn new(patterns: &[String]) -> Result<Self, FilterError> {
        let mut read = Self::default();
        for pattern in patterns {
            let glob = |text: &str| {
                let glob = GlobBuilder::new(text).literal_separator(true).build();
                let wrong = |error: globset::Error| FilterError {
                    pattern: pattern.clone(),
                    why: error.kind().to_string(),
                };
                glob.map(|glob| glob.compile_matcher()).map_err(wrong)
            };
            match pattern.split_once(':') {
                Some((repositories, tags)) => read.tags.push((glob(repositories)?, glob(tags)?)),
                None => read.repositories.push(glob(pattern)?),
            }
        }
        Ok(read)
    }

    /// Whether a pattern means all tags of a repository.
    fn all_of(&self, repository: &str) -> bool {
        self.repositories.iter().any(|pattern| pattern.is_match(repository))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> Filter {
        let own = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        Filter::new(&own(include), &own(exclude)).unwrap()
    }

    #[test]
    fn without_patterns_everything_is_meant() {
        let all = filter(&[], &[]);
        assert!(all.has_repository("a/b/c") && all.has_tag("a", "1") && !all.tells_tags_apart());
    }

    #[test]
    fn patterns_name_repositories_and_tags() {
        let some = filter(&["team-a/*", "base:v*", "deep/**"], &["team-a/tmp", "**:*-dev"]);
        for (repository, meant) in [
            ("team-a/app", true),
            ("team-a/app/b", false),
            ("team-a/tmp", false),
            ("base", true),
            ("deep/a/b", true),
            ("other", false),
        ] {
            assert_eq!(some.has_repository(repository), meant, "{repository}");
        }
        for (repository, tag, meant) in [
            ("team-a/app", "1", true),
            ("team-a/app", "1-dev", false),
            ("base", "v1", true),
            ("base", "1", false),
            ("base", "v1-dev", false),
        ] {
            assert_eq!(some.has_tag(repository, tag), meant, "{repository}:{tag}");
        }
        assert!(some.tells_tags_apart());
        assert!(!filter(&["a/*"], &["a/b"]).tells_tags_apart());
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        let error = Filter::new(&["a".into(), "b[".into()], &[]).unwrap_err();
        assert!(error.to_string().contains("\"b[\" is no pattern"), "{error}");
        assert!(Filter::new(&[], &["{a".into()]).is_err());
    }
}
