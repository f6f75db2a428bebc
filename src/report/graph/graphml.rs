//! The graph as GraphML, for Gephi, yEd, networkx and their like.

use std::io::{self, Write};

use crate::diag::visible;
use crate::graph::view::account;

use super::words::{actions, doubts, edge_style, edges, id, members, node_style};
use super::{GraphReport, conditions, doubt, titled};

/// What nodes and edges carry: id, whose it is, name, type.
const KEYS: [(&str, &str, &str, &str); 13] = [
    ("title", "graph", "title", "string"),
    ("label", "node", "label", "string"),
    ("kind", "node", "kind", "string"),
    ("account", "node", "account", "string"),
    ("names", "node", "names", "string"),
    ("nodes", "node", "nodes", "int"),
    ("color", "node", "color", "string"),
    ("edge", "edge", "kind", "string"),
    ("actions", "edge", "actions", "string"),
    ("condition", "edge", "condition", "string"),
    ("doubts", "edge", "doubts", "string"),
    ("edges", "edge", "edges", "int"),
    ("edge_color", "edge", "color", "string"),
];

/// Writes the graph as GraphML.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &GraphReport<'_>) -> io::Result<()> {
    let picture = &report.drawn.picture;
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">")?;
    for (id, of, name, kind) in KEYS {
        writeln!(
            out,
            "  <key id=\"{id}\" for=\"{of}\" attr.name=\"{name}\" attr.type=\"{kind}\"/>"
        )?;
    }
    writeln!(out, "  <graph id=\"keyreach\" edgedefault=\"directed\">")?;
    data(out, 4, "title", &titled(report).join("\n"))?;
    let ids: Vec<String> = picture.spots.iter().map(|spot| id(picture, spot)).collect();
    for (spot, id) in picture.spots.iter().zip(&ids) {
        writeln!(out, "    <node id=\"{id}\">")?;
        data(out, 6, "label", &spot.name)?;
        data(out, 6, "kind", spot.kind.unwrap_or("several"))?;
        if let Some(whose) = spot.account {
            data(out, 6, "account", &account(report.world, whose))?;
        }
        let names: Vec<String> = members(picture, spot).map(ToString::to_string).collect();
        data(out, 6, "names", &names.join("\n"))?;
        data(out, 6, "nodes", &names.len().to_string())?;
        data(out, 6, "color", node_style(spot.kind).color)?;
        writeln!(out, "    </node>")?;
    }
    for (number, line) in picture.lines.iter().enumerate() {
        let (Some(from), Some(to)) = (ids.get(line.from), ids.get(line.to)) else {
            continue;
        };
        writeln!(out, "    <edge id=\"e{number}\" source=\"{from}\" target=\"{to}\">")?;
        data(out, 6, "edge", &line.kind.name())?;
        let actions: Vec<&str> = actions(picture, line).into_iter().collect();
        let doubts: Vec<String> = doubts(picture, line).into_iter().map(doubt).collect();
        let lists = [
            ("actions", actions.join(" ")),
            ("condition", conditions(edges(picture, line)).join("\n")),
            ("doubts", doubts.join("\n")),
        ];
        for (key, text) in lists.iter().filter(|(_, text)| !text.is_empty()) {
            data(out, 6, key, text)?;
        }
        data(out, 6, "edges", &line.edges.len().to_string())?;
        data(out, 6, "edge_color", edge_style(line.kind).color)?;
        writeln!(out, "    </edge>")?;
    }
    writeln!(out, "  </graph>\n</graphml>")
}

fn data(out: &mut dyn Write, indent: usize, key: &str, text: &str) -> io::Result<()> {
    writeln!(out, "{}<data key=\"{key}\">{}</data>", " ".repeat(indent), escaped(text))
}

/// Text of XML; what no XML may hold is replaced by a mark.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => escaped.push('\u{FFFD}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_is_text_of_xml() {
        assert_eq!(escaped("<a>&\u{0}\u{FFFE}"), "&lt;a&gt;&amp;?\u{FFFD}");
    }
}
