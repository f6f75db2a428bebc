//! The graph for Mermaid, which GitHub and GitLab draw in Markdown.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::words::{Style, doubts, edge_style, id, legend, line_label, node_style, spot_label};
use super::{GraphReport, titled};

/// How many edges Mermaid draws beside those of the legend; no file can tell it otherwise.
pub const EDGES: usize = 480;
/// How many bytes it surely reads; a note above the picture is not counted.
pub const TEXT: usize = 49_000;

/// Writes the graph as a flowchart of Mermaid.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &GraphReport<'_>) -> io::Result<()> {
    let picture = &report.drawn.picture;
    // A title is YAML, where a JSON string means itself.
    writeln!(
        out,
        "---\ntitle: {}\n---",
        serde_json::json!(crate::diag::visible(&titled(report).join(". ")))
    )?;
    writeln!(out, "flowchart LR")?;
    let kinds: BTreeSet<Option<&str>> = picture.spots.iter().map(|spot| spot.kind).collect();
    for kind in kinds {
        let Style { color, .. } = node_style(kind);
        let name = kind.unwrap_or("several");
        writeln!(out, "  classDef {name} fill:{color},stroke:#555555,color:#000000")?;
    }
    let ids: Vec<String> = picture.spots.iter().map(|spot| id(picture, spot)).collect();
    for (spot, id) in picture.spots.iter().zip(&ids) {
        let (open, close) = outline(spot.kind);
        let label = escaped(&spot_label(report.world, spot));
        let kind = spot.kind.unwrap_or("several");
        writeln!(out, "  {id}{open}\"{label}\"{close}:::{kind}")?;
    }
    let mut count = 0;
    let mut styles = Vec::new();
    for line in &picture.lines {
        let (Some(from), Some(to)) = (ids.get(line.from), ids.get(line.to)) else {
            continue;
        };
        let style = edge_style(line.kind);
        let arrow = match (style.shape, doubts(picture, line).is_empty()) {
            ("bold", _) => "==>",
            ("dashed" | "dotted", _) | (_, false) => "-.->",
            _ => "-->",
        };
        let label = escaped(&line_label(picture, line));
        writeln!(out, "  {from} {arrow}|\"{label}\"| {to}")?;
        styles.push((style.color, count));
        count += 1;
    }
    explained(out, report, &mut styles, count)?;
    let colors: BTreeSet<&str> = styles.iter().map(|(color, _)| *color).collect();
    for color in colors {
        let same = styles.iter().filter(|(other, _)| *other == color);
        let edges: Vec<String> = same.map(|(_, at)| at.to_string()).collect();
        writeln!(out, "  linkStyle {} stroke:{color}", edges.join(","))?;
    }
    Ok(())
}

/// The legend: the kinds of nodes, and of edges between points.
fn explained(
    out: &mut dyn Write,
    report: &GraphReport<'_>,
    styles: &mut Vec<(&'static str, usize)>,
    mut count: usize,
) -> io::Result<()> {
    let (nodes, edges) = legend(report.drawn);
    writeln!(out, "  subgraph legend [\"Legend\"]")?;
    for (number, Style { words, color, .. }) in nodes.into_iter().enumerate() {
        let words = escaped(&[words.to_owned()]);
        writeln!(out, "    legend_node_{number}[\"{words}\"]")?;
        writeln!(out, "    style legend_node_{number} fill:{color},stroke:#555555,color:#000000")?;
    }
    for (number, Style { words, color, shape }) in edges.into_iter().enumerate() {
        let words = escaped(&[words.to_owned()]);
        let arrow = match shape {
            "bold" => "==>",
            "dashed" | "dotted" => "-.->",
            _ => "-->",
        };
        writeln!(
            out,
            "    legend_from_{number}(( )) {arrow}|\"{words}\"| legend_to_{number}(( ))"
        )?;
        styles.push((color, count));
        count += 1;
    }
    writeln!(out, "  end")
}

/// The brackets that give a node its outline.
fn outline(kind: Option<&str>) -> (&'static str, &'static str) {
    match kind {
        Some("external") => ("[/", "/]"),
        Some("group") => ("([", "])"),
        Some("policy") => (">", "]"),
        Some("key") => ("{{", "}}"),
        Some("grant") => ("[[", "]]"),
        Some("iam") => ("[(", ")]"),
        _ => ("[", "]"),
    }
}

/// Lines inside the quotes of a label: Mermaid reads HTML, Markdown and entities there.
fn escaped(lines: &[String]) -> String {
    let mut label = String::new();
    for (nth, line) in lines.iter().enumerate() {
        if nth > 0 {
            label.push_str("<br>");
        }
        for character in crate::diag::visible(line).chars() {
            match character {
                '#' | '"' | '<' | '>' | '&' | '`' | '*' | '_' | ';' | '\\' | '|' | '{' | '}' => {
                    label.push_str(&format!("#{};", u32::from(character)));
                }
                '\n' | '\t' => label.push(' '),
                other => label.push(other),
            }
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_label_is_text_and_nothing_else() {
        let lines = ["a\"] --> b".to_owned(), "<script>#quot;".to_owned()];
        assert_eq!(escaped(&lines), "a#34;] --#62; b<br>#60;script#62;#35;quot#59;");
    }
}
