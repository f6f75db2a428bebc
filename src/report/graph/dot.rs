//! The graph for Graphviz.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::words::{Style, doubts, edge_style, id, legend, line_label, node_style, spot_label};
use super::{GraphReport, titled};

/// Writes the graph in the language of Graphviz: `dot -Tsvg`.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &GraphReport<'_>) -> io::Result<()> {
    let picture = &report.drawn.picture;
    writeln!(out, "digraph keyreach {{")?;
    let title = quoted(&titled(report).join("\n"));
    writeln!(
        out,
        "  graph [label={title}, labelloc=t, fontname=\"Helvetica,Arial,sans-serif\", fontsize=14,"
    )?;
    writeln!(out, "    rankdir=LR, ranksep=1.2, nodesep=0.25, concentrate=false];")?;
    writeln!(
        out,
        "  node [fontname=\"Helvetica,Arial,sans-serif\", fontsize=10, style=filled, color=\"#555555\"];"
    )?;
    writeln!(out, "  edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=8, arrowsize=0.7];")?;
    explained(out, report)?;
    let ids: Vec<String> = picture.spots.iter().map(|spot| id(picture, spot)).collect();
    for (spot, id) in picture.spots.iter().zip(&ids) {
        let Style { color, shape, .. } = node_style(spot.kind);
        let label = quoted(&spot_label(report.world, spot).join("\n"));
        let names: Vec<String> =
            super::words::members(picture, spot).map(ToString::to_string).collect();
        let tooltip = quoted(&names.join("\n"));
        writeln!(
            out,
            "  {id} [label={label}, shape={shape}, fillcolor=\"{color}\", tooltip={tooltip}];"
        )?;
    }
    for line in &picture.lines {
        let (Some(from), Some(to)) = (ids.get(line.from), ids.get(line.to)) else {
            continue;
        };
        let Style { color, shape, .. } = edge_style(line.kind);
        let label = quoted(&line_label(picture, line).join("\n"));
        // What is not certain ends in an open arrow.
        let arrow = if doubts(picture, line).is_empty() { "normal" } else { "empty" };
        writeln!(
            out,
            "  {from} -> {to} [label={label}, color=\"{color}\", fontcolor=\"{color}\", \
             style={shape}, arrowhead={arrow}];"
        )?;
    }
    writeln!(out, "}}")
}

/// The legend: one node with a table, so that it takes no part in the layout.
fn explained(out: &mut dyn Write, report: &GraphReport<'_>) -> io::Result<()> {
    let (nodes, edges) = legend(report.drawn);
    writeln!(out, "  legend [shape=plaintext, style=\"\", label=<")?;
    writeln!(out, "    <TABLE BORDER=\"1\" CELLBORDER=\"0\" CELLSPACING=\"2\" COLOR=\"#999999\">")?;
    writeln!(out, "    <TR><TD COLSPAN=\"2\"><B>Legend</B></TD></TR>")?;
    for Style { words, color, .. } in nodes {
        let words = escaped(words);
        writeln!(
            out,
            "    <TR><TD BGCOLOR=\"{color}\" WIDTH=\"24\"> </TD><TD ALIGN=\"LEFT\">{words}</TD></TR>"
        )?;
    }
    for Style { words, color, shape } in edges {
        let words = escaped(words);
        let drawn = match shape {
            "dashed" => "- -",
            "dotted" => "· ·",
            _ => "—",
        };
        writeln!(
            out,
            "    <TR><TD><FONT COLOR=\"{color}\"><B>{drawn}&gt;</B></FONT></TD>\
             <TD ALIGN=\"LEFT\"><FONT COLOR=\"{color}\">{words}</FONT></TD></TR>"
        )?;
    }
    writeln!(out, "    </TABLE>>];")
}

/// A text as a string of the language; a line feed stays one.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in crate::diag::visible(text).chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// A text inside an HTML-like label.
fn escaped(text: &str) -> String {
    let marks = BTreeMap::from([('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;")]);
    let shown = |character: char| {
        marks.get(&character).map_or_else(|| character.to_string(), |mark| (*mark).to_owned())
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_label_cannot_leave_its_quotes() {
        assert_eq!(quoted("a\"b\\\nc\u{1b}"), "\"a\\\"b\\\\\\nc?\"");
    }
}
