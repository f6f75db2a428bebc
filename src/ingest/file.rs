//! One file: its bytes, its text, its documents, and the facts that they state.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::policy::SharedPolicies;
use crate::source::{FileId, FileProblem, Files, LineCount, ProblemKind, Span};
use crate::syntax::{Problem, json, yaml};

use super::digest::Digests;
use super::document::{Document, Read, Refusal, Source, Top, cause, offset};
use super::facts::Fact;
use super::hint::Hint;
use super::text::{self, TextFault};
use super::{bare, cloudformation, detect, problem_at, scenario, stored, terraform, unreadable};

/// How much of a text is looked at to see what it was meant to be.
const BEGINNING: usize = 4096;

/// How many bytes are looked at of what is no text.
const LOOKED_AT: usize = 1 << 20;

/// What became of a file.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What it states.
    pub(super) facts: Vec<Fact>,
    /// What is wrong with it.
    pub(super) problems: Vec<FileProblem>,
    /// What is wrong with it where it seems to be none of ours: told where nothing else was looked at.
    pub(super) aside: Option<FileProblem>,
    /// Whether one of its documents is ours, though it may state nothing.
    is_ours: bool,
    /// Its text, where it is a template that matters only beside what has to do with keys: it is not parsed.
    pub(super) idle: Option<Box<str>>,
}

impl Outcome {
    /// Whether the file is none of ours.
    pub(super) fn is_skipped(&self) -> bool {
        !self.is_ours && self.facts.is_empty() && self.problems.is_empty()
    }

    /// Whether it gave facts; of what is evaluated later nobody knows yet.
    pub(super) fn is_used(&self) -> bool {
        self.facts.iter().any(|fact| !matches!(fact, Fact::Terraform(_) | Fact::Manifest(_)))
    }

    fn of(problem: FileProblem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }
}

/// Reads the file at `path`, and takes its digest where `digests` are taken. `buffer` is the room that one
/// file after another is read into.
pub(super) fn read(
    files: &dyn Files,
    (file, path): (FileId, &str),
    policies: &SharedPolicies,
    digests: Option<&Digests>,
    buffer: &mut Vec<u8>,
) -> Outcome {
    let hint = Hint::new(path);
    if let Err(error) = files.read_into(path, buffer) {
        let problem = unreadable(path, &error);
        let is_told = problem.kind != ProblemKind::TooLarge || hint.is_export();
        return if is_told { Outcome::of(problem) } else { Outcome::default() };
    }
    if let Some(digests) = digests {
        digests.take(file, buffer);
    }
    match text::decode(std::mem::take(buffer)) {
        Ok(text) => {
            let lines = &LineCount::new(&text);
            let source = Source { file, text: &text, hint, lines, policies };
            let outcome = match is_idle(&source, path) {
                true => Outcome { idle: Some(source.text.into()), ..Outcome::default() },
                false => read_text(&source, path),
            };
            *buffer = text.into_bytes();
            outcome
        }
        Err((fault, bytes)) => {
            let is_ours = fault != TextFault::Binary && seems_ours(&bytes);
            if is_ours || hint.is_export() {
                Outcome::of(fault.problem(path))
            } else {
                Outcome::default()
            }
        }
    }
}

/// Reads the text of a template that was idle before.
pub(super) fn read_idle(
    (file, path): (FileId, &str),
    text: &str,
    policies: &SharedPolicies,
) -> Outcome {
    let (hint, lines) = (Hint::new(path), &LineCount::new(text));
    read_text(&Source { file, text, hint, lines, policies }, path)
}

/// Whether a file is a template that matters only beside what has to do with keys.
fn is_idle(source: &Source<'_>, path: &str) -> bool {
    let is_data = || source.hint.is_export() || stored::about(path).is_some();
    let is_template = || {
        let is_json = source.text.trim_start().starts_with(['{', '[']);
        !is_json
            || detect::is_member(source.text, "Resources") && !detect::begins_as_ours(source.text)
    };
    cloudformation::idle::is_idle(source.text)
        && !is_data()
        && !terraform::is_source(path)
        && !terraform::raw::is_template(path)
        && is_template()
        && !is_scenario(source.text)
}

/// Whether bytes that are no UTF-8 seem to be something that is read here: what an export begins with, or a
/// policy or code that speaks of KMS.
fn seems_ours(bytes: &[u8]) -> bool {
    // UTF-16 is looked at without its zeros.
    let text = bytes.iter().take(LOOKED_AT).copied().filter(|&byte| byte != 0);
    let text: Vec<u8> = text.collect();
    let text = String::from_utf8_lossy(&text);
    let is_policy = || text.contains("Statement") && text.contains("kms:");
    detect::begins_as_ours(beginning(&text))
        || is_policy()
        || ["AWS::KMS::", "aws_kms_"].iter().any(|name| text.contains(name))
}

fn read_text(source: &Source<'_>, path: &str) -> Outcome {
    let mut reading = Reading { source, path, outcome: Outcome::default() };
    if terraform::is_source(path) {
        let source =
            terraform::Source { file: source.file, text: source.text.into(), is_plan: false };
        reading.outcome.facts.push(Fact::Terraform(source));
        return reading.outcome;
    }
    if terraform::raw::is_template(path) {
        reading.outcome.facts.extend(terraform::raw::read(source, path));
        if !reading.outcome.facts.is_empty() {
            return reading.outcome;
        }
    }
    if let Some((about, name)) = stored::about(path) {
        reading.taken(stored::read(source, path, about, name));
        return reading.finish();
    }
    match source.text.trim_start().bytes().next() {
        _ if is_scenario(source.text) => reading.scenario(),
        Some(b'{' | b'[') => reading.json(),
        _ => {
            let templates = cloudformation::read_yaml(source);
            reading.outcome.facts =
                if templates.is_empty() { bare::read_yaml(source) } else { templates };
        }
    }
    reading.finish()
}

/// Whether the first line that says anything names a scenario, or the first member where all stands in braces,
/// as in JSON; or another line or member of a text that is YAML.
fn is_scenario(text: &str) -> bool {
    if let Some(members) = text.trim_start().strip_prefix('{') {
        let version = member(members.trim_start(), "keyreach").unwrap_or_default();
        return version.trim_start().trim_start_matches(['"', '\'']).starts_with("scenario/");
    }
    let says_nothing = |line: &&str| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---"
    };
    let first = text.lines().find(|line| !says_nothing(line));
    first.is_some_and(|line| line.starts_with("keyreach:"))
        || text.contains("\nkeyreach:") && is_yaml_of_scenario(text)
}

/// Whether the members of the first document, in whatever order, say that a text is a scenario.
fn is_yaml_of_scenario(text: &str) -> bool {
    let documents = if text.contains("keyreach") { yaml::parse(text).0 } else { Vec::new() };
    documents.first().is_some_and(|document| scenario::is_scenario(&document.root))
}

/// What stands behind the member `name` with which a text begins, in quotes or not.
fn member<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''));
    let unquoted = |text: &'t str| match quote {
        Some(quote) => text.strip_prefix(quote),
        None => Some(text),
    };
    unquoted(unquoted(text)?.strip_prefix(name)?)?.trim_start().strip_prefix(':')
}

/// A file that is being read.
struct Reading<'a, 's> {
    source: &'s Source<'a>,
    path: &'s str,
    outcome: Outcome,
}

impl<'a> Reading<'a, '_> {
    /// Reads a scenario; each fault of it is told.
    fn scenario(&mut self) {
        let scenario = scenario::load(self.source.text, self.source.file);
        self.outcome.is_ours = true;
        self.outcome.facts.push(Fact::World(Box::new(scenario.inventory)));
        // What is used in several places by an anchor is read at each of them.
        let mut told = HashSet::new();
        let is_new = |problem: &Problem| told.insert((problem.span, problem.message.clone()));
        for problem in scenario.problems.into_iter().filter(is_new) {
            let (text, span) = (self.source.text, Some(problem.span));
            let help = "correct the scenario; README describes the format";
            let problem =
                problem_at(ProblemKind::Unusable, self.path, text, span, problem.message, help);
            self.outcome.problems.push(problem);
        }
    }

    /// Whether the members of the first document say that the file is a scenario: in JSON they have no order.
    fn is_scenario(&self, members: &[(Cow<'a, str>, &'a RawValue)], span: Span) -> bool {
        let is_first = || skip_blank(self.source.text, 0) == span.start as usize;
        let says = |(name, value): &(Cow<'_, str>, &RawValue)| {
            name == "keyreach" && value.get().starts_with("\"scenario/")
        };
        members.iter().any(says) && is_first()
    }

    /// Reads one document, or several one behind the other.
    fn json(&mut self) {
        let text = self.source.text;
        let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Top<'a>>();
        let mut end = 0;
        while let Some(top) = stream.next() {
            let start = skip_blank(text, end);
            end = stream.byte_offset();
            match top {
                Ok(top) => self.top(&top, Span::new(start, end)),
                // What is no JSON can be YAML in braces.
                Err(_) if start == skip_blank(text, 0) && is_yaml_of_scenario(text) => {
                    return self.scenario();
                }
                Err(error) => {
                    let at = offset(text, error.line(), error.column());
                    return self.broken(start, at, &cause(&error));
                }
            }
        }
    }

    fn top(&mut self, top: &Top<'a>, span: Span) {
        match top {
            Top::Object(members) if self.is_scenario(members, span) => self.scenario(),
            Top::Object(members) => {
                self.document(&Document { source: *self.source, span, members });
            }
            Top::List(items) => {
                for item in items {
                    if let Ok(Top::Object(members)) = serde_json::from_str::<Top<'a>>(item.get())
                        && let Some(span) = self.source.span(item.get())
                    {
                        self.document(&Document { source: *self.source, span, members: &members });
                    }
                }
            }
            Top::Other => {}
        }
    }

    fn document(&mut self, document: &Document<'a, '_>) {
        self.taken(detect::read(document));
    }

    fn taken(&mut self, read: Read) {
        match read {
            Ok(facts) => {
                self.outcome.is_ours = true;
                if self.outcome.facts.is_empty() {
                    self.outcome.facts = facts;
                } else {
                    self.outcome.facts.extend(facts);
                }
            }
            Err(Refusal::Other) => {}
            Err(Refusal::Unusable { span, message }) => self.unusable(span, message),
        }
    }

    /// The text is no JSON at byte `at` of the document that begins at `start`. What comes behind is
    /// read all the same, where its end can be told.
    fn broken(&mut self, start: usize, at: usize, cause: &str) {
        let text = self.source.text;
        let rest = text.get(start..).unwrap_or_default();
        let templates = cloudformation::read_loose(self.source);
        if !templates.is_empty() {
            self.outcome.facts = templates;
            return;
        }
        let is_data = self.source.hint.is_data() || detect::begins_as_ours(beginning(rest));
        if !is_data && !self.outcome.is_ours {
            // A text that begins with a bracket, and may hold an example.
            return;
        }
        let (ranges, _) = json::documents(rest);
        let mut first = Span::new(start, text.trim_end().len());
        for (number, range) in ranges.into_iter().enumerate() {
            let span = range.shifted(Span::new(start, start).start);
            let parsed = span.slice(text).map(serde_json::from_str::<Top<'a>>);
            match parsed {
                Some(Ok(top)) => self.top(&top, span),
                _ if number == 0 => first = span,
                _ => {}
            }
        }
        let is_template = cloudformation::is_mentioned(text);
        if !is_template && let Some(fact) = bare::broken(self.source, first) {
            self.outcome.facts.push(fact);
            return;
        }
        let is_ours = self.source.hint.is_export()
            || self.outcome.is_ours
            || is_template
            || detect::begins_as_ours(beginning(rest));
        if !is_ours {
            self.outcome.aside = Some(self.broken_json(at, cause, "correct it, or leave it out"));
        } else {
            let help = match self.source.hint.command {
                _ if is_template => "correct it: what it declares is left out".to_owned(),
                Some(call) => format!("run `{call}` again: the file is damaged or cut off"),
                None => "export it again: the file is damaged or cut off".to_owned(),
            };
            self.outcome.problems.push(self.broken_json(at, cause, &help));
        }
    }

    fn broken_json(&self, at: usize, cause: &str, help: &str) -> FileProblem {
        let (span, message) = (Some(Span::new(at, at)), format!("broken JSON: {cause}"));
        problem_at(ProblemKind::Broken, self.path, self.source.text, span, message, help)
    }

    fn unusable(&mut self, span: Option<Span>, message: String) {
        self.outcome.is_ours = true;
        // One fault, one problem: of several in one file the first tells.
        if self.outcome.problems.is_empty() {
            let help = match self.source.hint.command {
                _ if stored::about(self.path).is_some() => {
                    "run `iam-collect download` again: the file is not as it writes it".to_owned()
                }
                Some(call) => {
                    format!("run `{call}` again, with `--output json` and without `--query`")
                }
                None => "export it again, with `--output json` and without `--query`".to_owned(),
            };
            let text = self.source.text;
            let problem = problem_at(ProblemKind::Unusable, self.path, text, span, message, &help);
            self.outcome.problems.push(problem);
        }
    }

    /// A text that a person writes is broken at `span`.
    fn misspelled(&mut self, span: Span, message: String) {
        if self.source.hint.is_export() {
            return self.unusable(Some(span), message);
        }
        self.outcome.is_ours = true;
        let (text, span) = (self.source.text, Some(span));
        let help = "correct it: what it declares is left out, or a part of it";
        let problem = problem_at(ProblemKind::Broken, self.path, text, span, message, help);
        self.outcome.problems.push(problem);
    }

    /// Tells of what could not be read, and of a file that its path calls an export and that is none.
    fn finish(mut self) -> Outcome {
        let is_fault = |fact: &mut Fact| matches!(fact, Fact::Fault { .. } | Fact::Broken { .. });
        let faults: Vec<Fact> = self.outcome.facts.extract_if(.., is_fault).collect();
        for fault in faults {
            match fault {
                Fact::Fault { span, message } => self.unusable(span, message),
                Fact::Broken { span, message } => self.misspelled(span, message),
                _ => {}
            }
        }
        if self.outcome.is_skipped() && self.source.hint.is_export() {
            let (kind, message, help) = not_an_export(self.source);
            let text = self.source.text;
            let problem = problem_at(kind, self.path, text, None, message, &help);
            self.outcome.problems.push(problem);
        }
        self.outcome
    }
}

/// Why a file that its path calls an export is none.
fn not_an_export(source: &Source<'_>) -> (ProblemKind, String, String) {
    let call = source.hint.command.unwrap_or("the call");
    let text = source.text.trim();
    let beginning = beginning(text).to_ascii_lowercase();
    if text.is_empty() {
        let help = format!("`{call}` printed nothing: run it again and look at its errors");
        (ProblemKind::Unusable, "empty".to_owned(), help)
    } else if beginning.starts_with("<!doctype") || beginning.starts_with("<html") {
        let help = format!("a proxy answered in place of AWS: run `{call}` again without it");
        (ProblemKind::Unusable, "an HTML page".to_owned(), help)
    } else if text.starts_with(['{', '[']) {
        let message = format!("not what `{call}` prints");
        let help = format!("run `{call}` again, with `--output json` and without `--query`");
        (ProblemKind::Unusable, message, help)
    } else {
        let help = format!("run `{call}` again, with `--output json`");
        (ProblemKind::Broken, "no JSON".to_owned(), help)
    }
}

/// What is wrong with a file that is none of ours, where its path says that it is YAML and it is none.
pub(super) fn broken_yaml(files: &dyn Files, path: &str) -> Option<FileProblem> {
    let is_yaml = [".yaml", ".yml", ".template"].iter().any(|ending| path.ends_with(ending));
    let text = is_yaml.then(|| super::read_text(files, path).ok()).flatten()?;
    let problem = yaml::parse(&text).1.into_iter().next()?;
    let (span, message) = (Some(problem.span), format!("broken YAML: {}", problem.message));
    let help = "correct it, or leave it out";
    Some(problem_at(ProblemKind::Broken, path, &text, span, message, help))
}

fn beginning(text: &str) -> &str {
    let mut end = BEGINNING.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn skip_blank(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len()
}
