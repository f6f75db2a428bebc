//! The rules, as a list and one by one.

use std::io::{self, Write};

use crate::diag::Renderer;
use crate::rules::{Metadata, Registered};

/// Writes a line for each rule: name, severity, persona, title.
///
/// # Errors
/// What `out` says.
pub fn list(out: &mut dyn Write, rules: &[Registered], renderer: &Renderer) -> io::Result<()> {
    let width = rules.iter().map(|rule| rule.metadata.slug.len()).max().unwrap_or_default();
    for Registered { metadata: Metadata { slug, front, .. }, .. } in rules {
        let (severity, persona) = (front.severity.name(), front.persona.name());
        let line = format!("{slug:width$}  {severity:8}  {persona:8}  {}", front.title);
        renderer.paragraph(out, &line, &" ".repeat(width + 22))?;
    }
    Ok(())
}

/// Writes a rule's page, with what its front matter says on top.
///
/// # Errors
/// What `out` says.
pub fn page(out: &mut dyn Write, metadata: &Metadata) -> io::Result<()> {
    let Metadata { slug, front, text } = metadata;
    writeln!(out, "# {slug}: {}\n", front.title)?;
    let (severity, confidence) = (front.severity.name(), front.confidence.name());
    writeln!(out, "{severity}, confidence {confidence}, persona {}", front.persona.name())?;
    if let Some(need) = front.needs {
        writeln!(out, "run with {} alone", need.option())?;
    }
    for (name, facet) in &front.facets {
        let (severity, persona) = (facet.severity.name(), facet.persona.name());
        writeln!(out, "- `{name}`: {severity}, persona {persona}: {}", facet.title)?;
    }
    writeln!(out, "\n{}", text.trim_end())?;
    if !front.cwe.is_empty() {
        let cwe: Vec<String> = front.cwe.iter().map(|number| format!("CWE-{number}")).collect();
        writeln!(out, "\nWeakness: {}", cwe.join(", "))?;
    }
    if !front.controls.is_empty() {
        writeln!(out, "\nControls: {}", front.controls.join("; "))?;
    }
    for reference in &front.references {
        writeln!(out, "\n{}: {}", reference.title, reference.url)?;
    }
    Ok(())
}
