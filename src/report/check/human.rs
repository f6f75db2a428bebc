//! What `check` found, for people: each finding with its statements underlined, a summary at the end.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::aws::KeyArn;
use crate::diag::{self, Diagnostic, Renderer, Severity};
use crate::findings::{Finding, Role};
use crate::report::basis::plural;
use crate::report::{excerpt, request_line};
use crate::rules;
use crate::source::{Place, Span};

use super::CheckReport;
use super::fixes;
use super::words::{aside, at, explains, found, looked_at};

/// Principals that are named one by one.
const NAMED: usize = 4;

/// Findings of a rule that are shown whatever their length.
const FEW: usize = 10;

/// Lines of a rule with more findings, about a screen, behind which its findings are counted only.
const SCREEN: usize = 60;

/// Keys that the summary has a line for, the worst first.
const KEYS: usize = 16;

/// Where the pages of the rules are.
const PAGES: &str = "`keyreach rules RULE` explains a rule, and how to mend what it finds";

/// Rules that are named where something is left out.
const RULES: usize = 8;

/// What of a report for people is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Show {
    /// Whether the statements are shown, and not their places alone.
    pub snippets: bool,
    /// Whether a summary ends it.
    pub summary: bool,
}

/// Writes the findings and the summary. Of a rule with very many, a screen is shown and the rest counted.
///
/// # Errors
/// What `out` says.
pub fn write(
    out: &mut dyn Write,
    report: &CheckReport<'_>,
    renderer: &Renderer,
    show: Show,
) -> io::Result<()> {
    let findings = &report.checked.findings;
    let mut total: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in findings {
        *total.entry(finding.rule).or_default() += 1;
    }
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in findings {
        let written = lines.entry(finding.rule).or_default();
        if *written >= SCREEN && total.get(finding.rule).is_some_and(|total| *total > FEW) {
            *left_out.entry(finding.rule).or_default() += 1;
            continue;
        }
        let mut text = Vec::new();
        let links = renderer.look().links;
        renderer.render(&mut text, &diagnostic(report, finding, show, links))?;
        *written += text.split(|byte| *byte == b'\n').count();
        out.write_all(&text)?;
        writeln!(out)?;
    }
    if !left_out.is_empty() {
        renderer.paragraph(out, &left_out_of(&left_out), "  ")?;
        writeln!(out)?;
    }
    if !show.summary {
        return Ok(());
    }
    by_key(out, report, renderer)?;
    renderer.paragraph(
        out,
        &format!("{} in {}{}", found(report), looked_at(report), aside(report)),
        "",
    )?;
    match findings.is_empty() {
        true => Ok(()),
        false => renderer.paragraph(out, PAGES, ""),
    }
}

/// What is not shown of which rules, most first.
fn left_out_of(left_out: &BTreeMap<&str, usize>) -> String {
    let total: usize = left_out.values().sum();
    let mut rules: Vec<(&str, usize)> = left_out.iter().map(|(rule, n)| (*rule, *n)).collect();
    rules.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let named: Vec<String> =
        rules.iter().take(RULES).map(|(rule, count)| format!("{count} of {rule}")).collect();
    let more = match rules.len().saturating_sub(RULES) {
        0 => String::new(),
        others => format!(", and of {}", plural(others, "more rule")),
    };
    let which = named.join(", ");
    format!(
        "not shown: {} ({which}{more}); `--format jsonl` has all",
        plural(total, "more finding")
    )
}

/// The page on which AWS documents what the rule is about.
fn page(finding: &Finding) -> Option<&'static str> {
    let registered = rules::all().iter().find(|one| one.metadata.slug == finding.rule)?;
    registered.metadata.front.references.first().map(|page| &*page.url)
}

fn diagnostic(report: &CheckReport<'_>, finding: &Finding, show: Show, links: bool) -> Diagnostic {
    let code = match finding.facet {
        Some(facet) => format!("{} {facet}", finding.rule),
        None => finding.rule.to_owned(),
    };
    let mut diagnostic = Diagnostic::new(finding.severity, &finding.message).code(code);
    if let Some(page) = page(finding).filter(|_| links) {
        diagnostic = diagnostic.url(page);
    }
    if !finding.help.is_empty() {
        diagnostic = diagnostic.help(&finding.help);
    }
    if let Some(note) = note(report, finding, show) {
        diagnostic = diagnostic.note(note);
    }
    if show.snippets {
        for (place, labels) in by_place(finding) {
            if let Some(snippet) = excerpt(report.texts, place, labels) {
                diagnostic = diagnostic.snippet(snippet);
            }
        }
    }
    diagnostic
}

/// The labels of each text, the primary's text first.
fn by_place(finding: &Finding) -> Vec<(Place, Vec<diag::Label>)> {
    let mut places: Vec<(Place, Vec<diag::Label>)> = Vec::new();
    for label in &finding.labels {
        let span = label.span.unwrap_or_else(|| Span::new(0, label.place.span.range().len()));
        let shown = match label.role {
            Role::Primary => diag::Label::primary(span, &label.text),
            Role::Related => diag::Label::related(span, &label.text),
        };
        match places.iter_mut().find(|(place, _)| *place == label.place) {
            Some((_, labels)) => labels.push(shown),
            None => places.push((label.place, vec![shown])),
        }
    }
    places
}

/// Where it is, if that is not shown; whom it concerns, a request that shows it, and what follows from it.
fn note(report: &CheckReport<'_>, finding: &Finding, show: Show) -> Option<String> {
    let mut parts = Vec::new();
    if !show.snippets {
        parts.extend(report.primary(finding).map(|spot| format!("at {}", at(&spot))));
    }
    let (named, rest) = finding.principals.split_at(finding.principals.len().min(NAMED));
    if !named.is_empty() {
        let more =
            if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        parts.push(format!("concerns {}{more}", named.join(", ")));
    }
    if let Some(witness) = &finding.witness {
        let request = request_line::write(&finding.fingerprint(), witness);
        parts.push(format!("shown by {request}"));
    }
    parts.extend(explains(finding));
    parts.extend(fixes::of(report, finding).map(|fix| fix.told()));
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// What was found on one key.
#[derive(Default)]
struct Tally<'a> {
    /// How many findings of each severity, the worst first.
    counts: BTreeMap<std::cmp::Reverse<Severity>, usize>,
    /// The rules, each once.
    rules: Vec<&'a str>,
}

/// A line for each of the worst keys, where there are several.
fn by_key(out: &mut dyn Write, report: &CheckReport<'_>, renderer: &Renderer) -> io::Result<()> {
    let mut tallies: BTreeMap<Option<&KeyArn>, Tally<'_>> = BTreeMap::new();
    for finding in &report.checked.findings {
        let tally = tallies.entry(finding.key.as_ref()).or_default();
        *tally.counts.entry(std::cmp::Reverse(finding.severity)).or_default() += 1;
        if !tally.rules.contains(&finding.rule) {
            tally.rules.push(finding.rule);
        }
    }
    let elsewhere = tallies.remove(&None);
    if tallies.len() + usize::from(elsewhere.is_some()) < 2 {
        return Ok(());
    }
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    report.checked.key_names.values().for_each(|name| *names.entry(name).or_default() += 1);
    let named = |key: &KeyArn| {
        let name = report.checked.key_names.get(key)?;
        // Replicas share their id, and often their alias.
        Some(match names.get(&**name) {
            Some(1) => name.clone(),
            _ => format!("{name} in {}", key.region()),
        })
    };
    let mut keys: Vec<(String, Tally<'_>)> =
        tallies.into_iter().filter_map(|(key, tally)| Some((named(key?)?, tally))).collect();
    keys.sort_by(|(name, tally), (other_name, other)| {
        worst(tally).cmp(&worst(other)).reverse().then_with(|| name.cmp(other_name))
    });
    let more = keys.len().saturating_sub(KEYS);
    let elsewhere = elsewhere.map(|tally| ("elsewhere".to_owned(), tally));
    for (name, tally) in keys.into_iter().take(KEYS).chain(elsewhere) {
        renderer.paragraph(out, &format!("{name}: {}", told(&tally)), "  ")?;
    }
    if more > 0 {
        renderer.paragraph(out, &format!("and {}", plural(more, "more key")), "  ")?;
    }
    writeln!(out)
}

/// How bad it is: the counts from the worst severity on.
fn worst(tally: &Tally<'_>) -> Vec<usize> {
    let count = |severity: &Severity| tally.counts.get(&std::cmp::Reverse(*severity));
    Severity::ALL.iter().map(|severity| count(severity).copied().unwrap_or_default()).collect()
}

/// `1 high, 2 medium (missing-root-statement, admin-can-self-grant)`.
fn told(tally: &Tally<'_>) -> String {
    let counts: Vec<String> =
        tally.counts.iter().map(|(severity, n)| format!("{n} {}", severity.0.name())).collect();
    let (named, rest) = tally.rules.split_at(tally.rules.len().min(NAMED));
    let more = match rest.len() {
        0 => String::new(),
        others => format!(", {others} more"),
    };
    format!("{} ({}{more})", counts.join(", "), named.join(", "))
}
