//! The findings as SARIF 2.1.0, for code scanning and for editors.
//!
//! OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; GitHub Docs, "SARIF support
//! for code scanning", whose limits hold.

use std::collections::BTreeMap;
use std::io::{self, Write};

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::diag::{Confidence, Severity, visible};
use crate::findings::Finding;
use crate::report::basis::{Covered, plural};
use crate::report::{escape, request_line};
use crate::rules::{self, Front, Metadata};
use crate::source::FileProblem;

use super::fixes;
use super::words::rule;
use super::{CheckReport, Spot};

/// Results that a run may have.
const RESULTS: usize = 25_000;

/// Principals and places beside it that a result names.
const NAMED: usize = 100;

/// Writes one run. Where it has more results than code scanning takes, the worst are kept and the run says
/// how many are left out.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &CheckReport<'_>) -> io::Result<()> {
    let (descriptors, index) = descriptors();
    let findings = kept(&report.checked.findings);
    let left_out = report.checked.findings.len() - findings.len();
    let results: Vec<Value> =
        findings.par_iter().map(|finding| result(report, &index, finding)).collect();
    let mut notifications: Vec<Value> =
        report.problems.iter().map(|one| notification(report, one)).collect();
    if left_out > 0 {
        let text = format!(
            "{} left out, none of them more severe than those that are here: a run holds {RESULTS} \
             results; `--format jsonl` has all",
            plural(left_out, "finding")
        );
        notifications.push(json!({ "level": "warning", "message": { "text": text } }));
    }
    let run = json!({
        "tool": { "driver": {
            "name": "keyreach",
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "shortDescription": { "text": env!("CARGO_PKG_DESCRIPTION") },
            "rules": descriptors,
        } },
        "columnKind": "unicodeCodePoints",
        "invocations": [{
            "executionSuccessful": report.problems.is_empty(),
            "toolExecutionNotifications": notifications,
        }],
        "properties": {
            "shown": report.checked.findings.len(),
            "leftOut": left_out,
            "suppressed": report.checked.aside.suppressed,
            "baselined": report.checked.aside.baselined,
            "assumptions": report.checked.assumed,
            "coverage": report.checked.coverage.as_ref().map(Covered::of),
        },
    });
    // Results are many, and `json!` would make a copy.
    let run = with(run, "results", Some(Value::Array(results)));
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
    });
    let log = with(log, "runs", Some(Value::Array(vec![run])));
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

/// The findings that fit into a run, in their order: of too many, the worst.
fn kept(findings: &[Finding]) -> Vec<&Finding> {
    let mut all: Vec<(usize, &Finding)> = findings.iter().enumerate().collect();
    if all.len() > RESULTS {
        all.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
        all.truncate(RESULTS);
        all.sort_by_key(|(nth, _)| *nth);
    }
    all.into_iter().map(|(_, finding)| finding).collect()
}

/// Every rule and facet, with the index of each by name.
fn descriptors() -> (Vec<Value>, BTreeMap<String, usize>) {
    let (mut all, mut index) = (Vec::new(), BTreeMap::new());
    for registered in rules::all() {
        let metadata = &registered.metadata;
        let front = &metadata.front;
        let own = [(None, &front.title, front.severity, front.confidence)];
        let facets = front
            .facets
            .iter()
            .map(|(name, facet)| (Some(name), &facet.title, facet.severity, facet.confidence));
        for (facet, title, severity, confidence) in own.into_iter().chain(facets) {
            let id = match facet {
                Some(facet) => format!("{}/{facet}", metadata.slug),
                None => metadata.slug.to_owned(),
            };
            index.insert(id.clone(), all.len());
            all.push(descriptor(metadata, &id, title, severity, confidence));
        }
    }
    (all, index)
}

fn descriptor(
    metadata: &Metadata,
    id: &str,
    title: &str,
    severity: Severity,
    confidence: Confidence,
) -> Value {
    let front = &metadata.front;
    let references: String = front
        .references
        .iter()
        .map(|reference| format!("- [{}]({})\n", reference.title, reference.url))
        .collect();
    let help = format!("{}\n\n{references}", metadata.text.trim_end());
    let checks = metadata.text.split("\n\n").nth(1).unwrap_or(title).replace('\n', " ");
    json!({
        "id": id,
        "shortDescription": { "text": title },
        "fullDescription": { "text": checks },
        "help": { "text": help, "markdown": help },
        "helpUri": front.references.first().map(|reference| &reference.url),
        "defaultConfiguration": { "level": level(severity) },
        "properties": {
            "tags": tags(front),
            "controls": front.controls,
            "precision": confidence.name(),
            "problem.severity": problem_severity(severity),
            "security-severity": security_severity(severity),
        },
    })
}

/// What the rule is filed under; a CWE as GitHub writes it.
fn tags(front: &Front) -> Vec<String> {
    let tags = ["security", "aws", "kms", front.persona.name()].map(ToOwned::to_owned);
    let cwe = front.cwe.iter().map(|number| format!("external/cwe/cwe-{number:03}"));
    tags.into_iter().chain(cwe).collect()
}

fn result(report: &CheckReport<'_>, index: &BTreeMap<String, usize>, finding: &Finding) -> Value {
    let id = rule(finding);
    let primary =
        finding.labels.iter().take(1).map(|label| located(report, &report.spot(label), finding));
    let primary: Vec<Value> = primary.collect();
    let related = finding.labels.iter().skip(1).take(NAMED).enumerate().map(|(nth, label)| {
        let spot = report.spot(label);
        json!({
            "id": nth + 1,
            "message": { "text": text(spot.text) },
            "physicalLocation": physical(report, &spot),
        })
    });
    let fingerprint = finding.fingerprint();
    let witness = finding.witness.as_deref();
    let properties = json!({
        "severity": finding.severity.name(),
        "confidence": finding.confidence.name(),
        "security-severity": security_severity(finding.severity),
        "principals": finding.principals.iter().take(NAMED).collect::<Vec<_>>(),
        "principalCount": finding.principals.len(),
        "explains": finding.explained,
    });
    let witness = witness.map(|witness| request_line::write(&fingerprint, witness));
    let properties = with(properties, "witness", witness);
    let fixes = fixes::sarif(report, finding);
    let flow = flow(report, finding);
    let help =
        if finding.help.is_empty() { String::new() } else { format!("\n\n{}", finding.help) };
    let result = json!({
        "ruleIndex": index.get(&id),
        "ruleId": id,
        "level": level(finding.severity),
        "message": { "text": text(&format!("{}{help}", finding.message)) },
        "locations": primary,
        "relatedLocations": related.collect::<Vec<_>>(),
        "partialFingerprints": { "keyreach/v1": fingerprint },
        "properties": properties,
    });
    with(with(result, "fixes", fixes), "codeFlows", flow)
}

/// The steps of a way, where the finding tells of one.
fn flow(report: &CheckReport<'_>, finding: &Finding) -> Option<Value> {
    let steps = finding.labels.iter().take(NAMED).map(|label| {
        let spot = report.spot(label);
        let message = json!({ "text": text(spot.text) });
        json!({ "location": { "physicalLocation": physical(report, &spot), "message": message } })
    });
    let steps: Vec<Value> = steps.collect();
    let is_way = finding.steps && steps.len() > 1;
    is_way.then(|| json!([{ "threadFlows": [{ "locations": steps }] }]))
}

/// The place of a finding, with the key that it is about.
fn located(report: &CheckReport<'_>, spot: &Spot<'_>, finding: &Finding) -> Value {
    let location = json!({
        "physicalLocation": physical(report, spot),
        "message": { "text": text(spot.text) },
    });
    let key = finding.key.as_ref();
    let key = key.map(|key| json!([{ "fullyQualifiedName": key.as_str(), "kind": "resource" }]));
    with(location, "logicalLocations", key)
}

fn physical(report: &CheckReport<'_>, spot: &Spot<'_>) -> Value {
    let region = spot.range.map(|(start, end)| {
        json!({
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        })
    });
    with(
        json!({ "artifactLocation": { "uri": escape::uri(report.inside(spot.file)) } }),
        "region",
        region,
    )
}

/// The object with one more member, where there is one.
fn with(mut object: Value, name: &str, member: Option<Value>) -> Value {
    if let (Value::Object(members), Some(member)) = (&mut object, member) {
        members.insert(name.to_owned(), member);
    }
    object
}

fn notification(report: &CheckReport<'_>, problem: &FileProblem) -> Value {
    let region =
        problem.position.map(|at| json!({ "startLine": at.line, "startColumn": at.column }));
    let place = json!({ "artifactLocation": { "uri": escape::uri(report.inside(&problem.path)) } });
    let place = with(place, "region", region);
    json!({
        "level": "error",
        "message": { "text": text(&format!("{}; {}", problem.message, problem.help)) },
        "descriptor": { "id": problem.kind.name() },
        "locations": [{ "physicalLocation": place }],
    })
}

/// A message; SARIF wants one that is not empty.
fn text(text: &str) -> String {
    if text.is_empty() { "here".to_owned() } else { visible(text).into_owned() }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn problem_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "recommendation",
    }
}

/// The score by which GitHub tells critical (above 9), high (from 7), medium (from 4) and low apart.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "1.0",
    }
}
