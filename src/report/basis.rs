//! What any answer stands on, for people and for programs.

use serde::Serialize;

use crate::audit::{Basis, Coverage, Resolved};
use crate::decision::OpenPoint;

use super::why::question;

/// How many names a line lists.
pub(super) const NAMED: usize = 8;

/// What any answer stands on.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Grounds<'a> {
    /// The version of keyreach.
    version: &'static str,
    /// SHA-256 over the lines that `sha256sum` prints for the input, sorted by path.
    digest: Option<&'a str>,
    /// Files that were read.
    files: usize,
    /// Files among them that could not be used.
    problems: usize,
    /// The day from which on requests happen.
    date: &'a str,
    /// The options that chose a part of the answer.
    question: &'a [String],
    /// What is taken for granted.
    assumptions: &'a [String],
    /// How much of infrastructure code is known; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<Covered<'a>>,
}

/// How much of infrastructure code is known before it is deployed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Covered<'a> {
    /// Its keys.
    keys: Parts,
    /// Its policies, of all kinds.
    policies: Parts,
    /// Its users and roles.
    principals: Parts,
    /// What is not known, in words.
    unresolved: &'a [String],
    /// What was taken for granted, such as defaults of parameters.
    assumed: Vec<&'a str>,
}

/// How many of something are resolved.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Parts {
    /// All of them is known.
    fully: usize,
    /// Something of them is not known.
    partly: usize,
    /// Nothing of them is known.
    not_at_all: usize,
}

impl<'a> Covered<'a> {
    /// What `coverage` says.
    pub(super) fn of(coverage: &'a Coverage) -> Self {
        let parts =
            |of: Resolved| Parts { fully: of.fully, partly: of.partly, not_at_all: of.not_at_all };
        Self {
            keys: parts(coverage.keys),
            policies: parts(coverage.policies),
            principals: parts(coverage.principals),
            unresolved: &coverage.unresolved,
            assumed: coverage
                .assumed
                .iter()
                .chain(&coverage.accounts)
                .map(String::as_str)
                .collect(),
        }
    }
}

impl<'a> Grounds<'a> {
    /// What `basis` says.
    pub(super) fn of(basis: &'a Basis) -> Self {
        Self {
            version: basis.version,
            digest: basis.digest.as_deref(),
            files: basis.files,
            problems: basis.problems,
            date: &basis.date,
            question: &basis.question,
            assumptions: &basis.assumptions,
            coverage: basis.coverage.as_ref().map(Covered::of),
        }
    }
}

/// A point that AWS leaves open.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Point {
    /// Its id: `O1`.
    point: &'static str,
    /// What it is about.
    text: &'static str,
}

impl Point {
    /// A point with what it is about.
    pub(super) fn of(point: OpenPoint) -> Self {
        Self { point: point.name(), text: question(point) }
    }
}

/// The lines that open an answer on `what`, each a heading and what it says.
pub(super) fn opening(basis: &Basis, what: &str) -> Vec<String> {
    let problems = match basis.problems {
        0 => String::new(),
        count => format!(", of which {count} could not be used"),
    };
    let digest = basis.digest.as_ref().map(|digest| format!(", SHA-256 {digest}"));
    let mut lines = vec![
        format!("keyreach {}: {what} from {} on", basis.version, basis.date),
        format!("Input: {}{problems}{}", plural(basis.files, "file"), digest.unwrap_or_default()),
    ];
    if !basis.question.is_empty() {
        lines.push(format!("Asked for: {}", basis.question.join(", ")));
    }
    lines.push(format!("Assumed: {}", basis.assumptions.join("; ")));
    lines.extend(basis.coverage.as_ref().map(|coverage| format!("Known: {}", covered(coverage))));
    let accounts = basis.coverage.iter().map(|coverage| coverage.accounts.join("; "));
    lines.extend(accounts.filter(|all| !all.is_empty()).map(|all| format!("Accounts: {all}")));
    lines
}

/// How much of infrastructure code is known, why not all, and what was assumed, in one line.
pub(super) fn covered(coverage: &Coverage) -> String {
    let list = |what: &str, texts: &[String]| match texts.len() {
        0 => String::new(),
        _ => format!("; {what}: {}", some(texts.iter().map(String::as_str))),
    };
    format!(
        "{}{}{}",
        coverage.words(),
        list("not known", &coverage.unresolved),
        list("assumed", &coverage.assumed)
    )
}

/// `a; b; and 3 more`.
pub(super) fn some<'t>(texts: impl ExactSizeIterator<Item = &'t str>) -> String {
    let count = texts.len();
    let named: Vec<&str> = texts.take(NAMED).collect();
    match count > NAMED {
        true => format!("{}; and {} more", named.join("; "), count - NAMED),
        false => named.join("; "),
    }
}

/// `1 file`, `2 files`.
pub(super) fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
