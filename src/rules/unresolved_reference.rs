//! A part of infrastructure code is not known before it is deployed.

use std::collections::BTreeSet;

use crate::aws::Arn;
use crate::inventory::{GapKind, Key, policy_name, without_instances};
use crate::policy::{PolicyKind, Statement};
use crate::source::Located;
use crate::syntax::{BROKEN, LIMITS, is_of_deployment, without_deployment};

use super::controllers::list;
use super::hanging::Hanging;
use super::report::{Report, Sink};
use super::{Documented, Rule, Scope};

/// See the rule's page.
pub(super) struct UnresolvedReference;

/// How many places are shown beside the first.
const BESIDE: usize = 4;

impl Rule for UnresolvedReference {
    fn document(&self, scope: &Scope<'_>, documented: &Documented<'_>, sink: &mut Sink<'_>) {
        let document = documented.document;
        let Some(declared) = &scope.world.declared else { return };
        if !declared.files.contains(&document.place.file) {
            return;
        }
        let statements = document.policy().statements.iter();
        let of_key = document.kind == PolicyKind::Key;
        // Paths lead over other services, too: where everything has to be resolved, they count.
        let decides = |statement: &&Statement| match scope.settings.strict {
            true => statement.may_lead_to_keys(),
            false => statement.may_speak_of_kms(),
        };
        let mut seen = BTreeSet::new();
        let open: Vec<Located<&str>> = statements
            .filter(decides)
            .flat_map(|statement| told(statement, of_key))
            .filter(|open| seen.insert((open.span, open.value)))
            .collect();
        let Some((first, rest)) = open.split_first() else { return };
        let names: BTreeSet<String> = open.iter().map(|open| named(open.value)).collect();
        let names: Vec<String> = names.into_iter().collect();
        let (what, verb) = (list(&names), if names.len() == 1 { "is" } else { "are" });
        let hanging = Hanging::on(scope, documented, &open);
        let message = format!("the {} hangs on {what}, which {verb} not known", documented.name);
        let path = scope.world.sources.path(document.place.file);
        let part_of = documented.key.map_or_else(|| shown(&documented.subject), |key| key.arn.id());
        let mut report = sink
            .report(documented.subject.as_str(), message)
            .said(without_instances(&names.join(" ")))
            .at(document.place, Some(first.span), "not known before it is deployed")
            .help(help(&open, &hanging, is_bare(documented, path)))
            .principals(hanging.principals())
            .one_of(code(path), part_of);
        if let Some(key) = documented.key {
            report = report.key(&key.arn);
        }
        let mut shown = BTreeSet::from([first.span]);
        let others = rest.iter().filter(|open| shown.insert(open.span));
        for open in others.take(BESIDE) {
            report = report.beside(document.place, Some(open.span), "nor is this");
        }
        strictly(scope, report).done();
    }

    fn world(&self, scope: &Scope<'_>, sink: &mut Sink<'_>) {
        // The summary tells of them; most have nothing to do with keys.
        let declared = scope.world.declared.as_ref().filter(|_| scope.settings.strict);
        for open in declared.iter().flat_map(|declared| &declared.unresolved) {
            let path = scope.world.sources.path(open.place.file);
            let report = sink
                .report(path, format!("not resolved: {}", open.value))
                .said(without_instances(&open.value))
                .at(open.place, None, "not known before it is deployed")
                .help(way(&open.value))
                .one_of(code(path), &open.value);
            strictly(scope, report).done();
        }
        let documents = declared.iter().flat_map(|declared| {
            let gaps = scope.world.gaps.iter();
            gaps.filter(|gap| declared.files.contains(&gap.place.file))
        });
        for gap in documents {
            let GapKind::PolicyDocument { policy, .. } = &gap.kind else { continue };
            let what = format!("the document of the managed policy {}", policy_name(policy));
            let path = scope.world.sources.path(gap.place.file);
            let report = sink
                .report(path, format!("not resolved: {what}"))
                .said(what)
                .at(gap.place, None, "not known before it is deployed")
                .help(DOCUMENT)
                .one_of(code(path), policy);
            strictly(scope, report).done();
        }
    }
}

/// The code that a file is part of, in which an expression means one thing: a directory of Terraform's, or
/// a template.
fn code(path: &str) -> String {
    let is_module = [".tf", ".tf.json", ".tofu"].iter().any(|end| path.ends_with(end));
    let directory = path.rsplit_once('/').map_or(".", |(directory, _)| directory);
    if is_module { directory } else { path }.to_owned()
}

/// What a policy is part of, as people name it: the same in two roots is one.
fn shown(subject: &str) -> &str {
    let resource = Arn::parse(subject).map_or(subject, |arn| arn.resource);
    resource.strip_prefix("policy/").unwrap_or(resource)
}

/// What of a statement is not known and decides something: in its own policy the resource of a key is
/// that key, however it is written; and which account is deployed to is told once, for everything.
fn told(statement: &Statement, of_key: bool) -> impl Iterator<Item = Located<&str>> {
    let open = statement.unresolved_with(statement.resource.as_ref().filter(|_| !of_key));
    open.filter(|open| !is_of_deployment(open.value))
        .map(|open| Located::new(without_deployment(open.value), open.span))
}

/// How to make known what code refers to.
const ELSEWHERE: &str = "check it together with what it refers to, or pass `--var NAME=VALUE`";

/// How to make known what is unresolved as a whole.
fn way(open: &str) -> String {
    let by_name = || variable(open).map(given);
    let known = remedy(open).map(str::to_owned).or_else(by_name);
    known.unwrap_or_else(|| ELSEWHERE.to_owned())
}

/// That a variable or a parameter be given.
fn given(name: &str) -> String {
    format!("pass `--var {name}=VALUE`, or write it in keyreach.yaml")
}

/// How to make the document of a managed policy known.
const DOCUMENT: &str = "put an export with the document beside it: `aws iam get-policy` and \
                        `aws iam get-policy-version`";

/// An expression as it is written, or what is said in words.
pub(super) fn named(open: &str) -> String {
    if open.starts_with(BROKEN) { open.to_owned() } else { format!("`{open}`") }
}

/// How to make something known that is no expression.
fn remedy(open: &str) -> Option<&'static str> {
    if open.starts_with(BROKEN) {
        return Some("mend the broken file beside it");
    }
    // An argument that the call of a module lacks; no option gives it.
    if open.split_once("module.").is_some_and(|(_, behind)| behind.contains(".var.")) {
        return Some("give it where the module is called");
    }
    let is_limit = open.starts_with(LIMITS);
    is_limit.then_some(
        "check it together with an export of the organization; `--account ID` says which account is meant",
    )
}

/// How to make it known, by the parameters that are named, and what is not known until then.
fn help(open: &[Located<&str>], hanging: &Hanging, is_bare: bool) -> String {
    let name = open.iter().find_map(|open| variable(open.value)).filter(|_| !is_bare);
    let remedy = open.iter().find_map(|open| remedy(open.value));
    let how = match (remedy, name) {
        (Some(remedy), _) => remedy.to_owned(),
        (None, Some(name)) => given(name),
        (None, None) => "check it together with what it refers to".to_owned(),
    };
    match hanging.told() {
        Some(told) => format!("{how}; unknown until then: {told}"),
        None => format!("{how}; verdicts that hang on it are unknown until then"),
    }
}

/// Whether a policy stands alone in its file: something else fills it in than who reads it.
fn is_bare(documented: &Documented<'_>, path: &str) -> bool {
    let called = path.replace(char::is_whitespace, "_");
    let is_of_file = |key: &Key| key.arn.id().starts_with(&called);
    documented.subject == path || documented.key.is_some_and(is_of_file)
}

/// The variable or parameter that an expression is made of: `var.name`, wherever it stands, or `${Name}`.
fn variable(open: &str) -> Option<&str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut variables = open.match_indices("var.").filter_map(|(at, prefix)| {
        let is_part = open.get(..at)?.ends_with(|c| is_of_name(c) || c == '.');
        let behind = open.get(at + prefix.len()..)?;
        let name = behind.split(|c| !is_of_name(c)).next()?;
        Some(name).filter(|name| !is_part && !name.is_empty())
    });
    let mut parameters = open.split("${").skip(1).filter_map(|behind| {
        let (name, _) = behind.split_once('}')?;
        Some(name).filter(|name| !name.is_empty() && name.chars().all(is_of_name))
    });
    variables.next().or_else(|| parameters.next())
}

/// Where everything has to be resolved, it weighs more.
fn strictly<'r>(scope: &Scope<'_>, report: Report<'r>) -> Report<'r> {
    if scope.settings.strict { report.facet("strict") } else { report }
}
