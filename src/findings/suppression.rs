//! What the user does not want to hear: severities chosen otherwise, rules turned off, findings ignored.
//! Plain values; who reads them, and when they apply, is told elsewhere.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use globset::GlobSet;

use crate::diag::Severity;
use crate::source::{Place, Span};

/// What becomes of a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// It does not speak.
    Off,
    /// It speaks as its page says.
    On,
    /// It speaks with this severity, in all its facets.
    Severity(Severity),
}

/// Choices for the findings in some files.
#[derive(Clone, Debug)]
pub struct PathRules {
    /// The files.
    pub files: FileGlobs,
    /// The rules, by name.
    pub rules: BTreeMap<&'static str, Choice>,
}

/// Findings that are not to be told.
#[derive(Clone, Debug)]
pub struct Suppression {
    /// Which findings.
    pub what: Suppressed,
    /// Keys by id, ARN or alias, patterns allowed; all where empty.
    pub keys: Vec<String>,
    /// Principals by ARN or name, patterns allowed; all where empty.
    pub principals: Vec<String>,
    /// The files that the findings stand in.
    pub files: Reach,
    /// Why.
    pub reason: String,
    /// The first second at which it counts no more, in UTC, with the day that was written.
    pub until: Option<(i64, String)>,
    /// Where it is written.
    pub place: Place,
    /// The range that is it.
    pub span: Span,
}

/// Which findings a suppression means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Suppressed {
    /// Those of some rules.
    Rules(Vec<&'static str>),
    /// The one with this fingerprint.
    Fingerprint(String),
}

/// In which files a suppression looks.
#[derive(Clone, Debug)]
pub enum Reach {
    /// In all.
    Everywhere,
    /// In those that match.
    Files(FileGlobs),
    /// On these lines of the file that it is written in, from 1.
    Line(u32),
}

/// Patterns of paths that count from a directory.
#[derive(Clone, Debug)]
pub struct FileGlobs {
    set: GlobSet,
    base: Arc<Base>,
}

/// The directory that patterns count from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Base {
    /// Where relative paths begin: absolute.
    pub current: PathBuf,
    /// The directory of the configuration: absolute.
    pub folder: PathBuf,
}

impl FileGlobs {
    /// The patterns of `set`, counted from `base`.
    pub fn new(set: GlobSet, base: Arc<Base>) -> Self {
        Self { set, base }
    }

    /// Whether the file at `path`, as it is printed, is meant.
    pub fn take(&self, path: &str) -> bool {
        self.base.inside(path).is_some_and(|inside| self.set.is_match(inside))
    }
}

impl Base {
    /// The path as it counts from the directory; nothing where it lies elsewhere.
    pub fn inside(&self, path: &str) -> Option<PathBuf> {
        let whole = normal(&self.current.join(path));
        whole.strip_prefix(normal(&self.folder)).map(Path::to_path_buf).ok()
    }
}

/// The path without `.` and `..`, links not followed.
fn normal(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                found.pop();
            }
            other => found.push(other),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_count_from_the_directory_of_the_configuration() {
        let base = Base { current: "/work/repo/sub".into(), folder: "/work/repo".into() };
        let inside = |path: &str| base.inside(path).map(|path| path.display().to_string());
        assert_eq!(inside("a/./b.json").as_deref(), Some("sub/a/b.json"));
        assert_eq!(inside("../c.json").as_deref(), Some("c.json"));
        assert_eq!(inside("/work/repo/d.json").as_deref(), Some("d.json"));
        assert_eq!(inside("../../e.json"), None);
    }
}
