//! Terraform's JSON syntax (`.tf.json`): the same language, written out as HCL with the way back.
//!
//! Texts are templates there and objects are blocks or values, as the schema of each resource says. Of
//! the blocks only those that are looked at here are told from values; all else is a value.

use std::ops::Range;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Body;
use hcl_edit::template::{Element, Template};
use hcl_edit::{Ident, Span as _};

use crate::source::{Decoded, Span};
use crate::syntax::{Kind, Member, Node, Problem, json};

/// Blocks in the bodies of resources, data and providers.
const BLOCKS: [&str; 10] = [
    "assume_role",
    "assume_role_with_web_identity",
    "condition",
    "constraints",
    "content",
    "default_tags",
    "inline_policy",
    "not_principals",
    "principals",
    "statement",
];

/// Where the texts of a transcript stand in its JSON.
#[derive(Default, Debug)]
pub(super) struct Places {
    runs: Vec<Run>,
}

/// A run of bytes of the transcript.
#[derive(Debug)]
struct Run {
    start: usize,
    /// What it was written for.
    span: Span,
    /// Whether both move together, byte by byte.
    is_same: bool,
}

impl Places {
    /// The range of the JSON that a range of the transcript was written for.
    pub(super) fn of(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.run(range.start).map_or(0, |run| match run.is_same {
            true => run.span.start as usize + (range.start - run.start),
            false => run.span.start as usize,
        });
        let end = range.end.checked_sub(1).filter(|_| !range.is_empty());
        let end = end.and_then(|last| self.run(last)).map(|run| match run.is_same {
            true => run.span.start as usize + (range.end - run.start),
            false => run.span.end as usize,
        });
        start..end.unwrap_or(start).max(start)
    }

    fn run(&self, byte: usize) -> Option<&Run> {
        let nth = self.runs.partition_point(|run| run.start <= byte);
        self.runs.get(nth.checked_sub(1)?)
    }
}

/// The body that a text in JSON syntax is, with the way back to that text; of variables' values
/// (`.tfvars.json`) texts stand for themselves.
///
/// # Errors
/// Where it is none.
pub(super) fn body(text: &str, are_values: bool) -> Result<(Body, Places), Problem> {
    let root = json::parse(text)?;
    let mut writer = Writer { json: text, hcl: String::new(), places: Places::default() };
    for part in objects(&root, "the file")? {
        match are_values {
            true => writer.attributes(part, Texts::Literal)?,
            false => writer.root(part)?,
        }
    }
    let Writer { hcl, places, .. } = writer;
    match hcl.parse::<Body>() {
        Ok(body) => Ok((body, places)),
        Err(error) => {
            let at = error.location().offset();
            let span = places.of(&(at..at + 1));
            Err(Problem {
                span: Span::new(span.start, span.end),
                message: error.message().to_owned(),
            })
        }
    }
}

/// What texts are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Texts {
    Templates,
    Literal,
}

struct Writer<'j> {
    json: &'j str,
    hcl: String,
    places: Places,
}

impl Writer<'_> {
    /// The members of the root: blocks by their kinds.
    fn root(&mut self, node: &Node<'_>) -> Result<(), Problem> {
        for member in node.members() {
            let labels = match &*member.name.value {
                "resource" | "data" => 2,
                "variable" | "output" | "module" | "provider" => 1,
                "locals" => 0,
                _ => continue,
            };
            self.blocks(&member.name.value, member, labels, String::new())?;
        }
        Ok(())
    }

    /// The blocks of a kind, below `labels` further names.
    fn blocks(
        &mut self,
        kind: &str,
        member: &Member<'_>,
        labels: usize,
        header: String,
    ) -> Result<(), Problem> {
        for node in objects(&member.value, kind)? {
            match labels.checked_sub(1) {
                Some(labels) => {
                    for inner in node.members().iter().filter(|it| it.name.value != "//") {
                        let header = format!("{header} {}", quoted(&inner.name.value));
                        self.blocks(kind, inner, labels, header)?;
                    }
                }
                None => {
                    // Of several bodies of one name each begins with itself.
                    let is_only = std::ptr::eq(node, &member.value);
                    let start = if is_only { member.name.span.start } else { node.span.start };
                    let before = Span { start, end: node.span.start + 1 };
                    self.whole(&format!("{kind}{header} {{\n"), before);
                    self.block(kind, node)?;
                    self.whole("}", Span { start: node.span.end - 1, end: node.span.end });
                    self.whole("\n", node.span);
                }
            }
        }
        Ok(())
    }

    /// The inside of a block.
    fn block(&mut self, kind: &str, node: &Node<'_>) -> Result<(), Problem> {
        if matches!(kind, "locals" | "output") {
            return self.attributes(node, Texts::Templates);
        }
        for member in node.members().iter().filter(|member| member.name.value != "//") {
            let name = &*member.name.value;
            match (kind, name) {
                ("variable", "type") => self.attribute(member, |writer| {
                    writer.expression(&member.value);
                    Ok(())
                })?,
                ("variable", _)
                | ("module", "source" | "version" | "providers" | "depends_on")
                | (_, "provider" | "iterator" | "depends_on" | "lifecycle") => {
                    self.attribute(member, |writer| writer.value(&member.value, Texts::Literal))?;
                }
                ("module", _) => {
                    self.attribute(member, |writer| writer.value(&member.value, Texts::Templates))?;
                }
                (_, "dynamic") => self.blocks(name, member, 1, String::new())?,
                _ if BLOCKS.contains(&name) => self.blocks(name, member, 0, String::new())?,
                _ => {
                    self.attribute(member, |writer| writer.value(&member.value, Texts::Templates))?;
                }
            }
        }
        Ok(())
    }

    fn attributes(&mut self, node: &Node<'_>, texts: Texts) -> Result<(), Problem> {
        for member in node.members().iter().filter(|member| member.name.value != "//") {
            self.attribute(member, |writer| writer.value(&member.value, texts))?;
        }
        Ok(())
    }

    /// An attribute; one whose name could not stand in HCL is none that anything here asks for.
    fn attribute(
        &mut self,
        member: &Member<'_>,
        write: impl FnOnce(&mut Self) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        if Ident::try_new(&*member.name.value).is_err() {
            return Ok(());
        }
        self.whole(&member.name.value, member.name.span);
        self.whole(" = ", member.name.span);
        write(self)?;
        self.whole("\n", member.value.span);
        Ok(())
    }

    /// A text that is an expression of its own, such as the type of a variable.
    fn expression(&mut self, node: &Node<'_>) {
        match (node.as_str(), self.decoded(node)) {
            (Some(text), Some(decoded)) if text.parse::<Expression>().is_ok() => {
                self.copied(&decoded, 0..text.len(), node, false);
            }
            _ => self.whole("null", node.span),
        }
    }

    fn value(&mut self, node: &Node<'_>, texts: Texts) -> Result<(), Problem> {
        let first = Span { start: node.span.start, end: node.span.start + 1 };
        let last = Span { start: node.span.end - 1, end: node.span.end };
        match &node.kind {
            Kind::String(text) => return self.text(text, node, texts),
            Kind::Array(items) => {
                self.whole("[", first);
                for item in items {
                    self.value(item, texts)?;
                    self.whole(",", item.span);
                }
                self.whole("]", last);
            }
            Kind::Object(members) => {
                self.whole("{", first);
                for member in members {
                    let span = member.name.span;
                    let name = Kind::String(member.name.value.clone());
                    let name = Node { span, tag: None, kind: name };
                    self.text(&member.name.value, &name, texts)?;
                    self.whole(" = ", span);
                    self.value(&member.value, texts)?;
                    self.whole(",", member.value.span);
                }
                self.whole("}", last);
            }
            _ => {
                let written = node.span.slice(self.json).unwrap_or("null").to_owned();
                self.same(&written, node.span);
            }
        }
        Ok(())
    }

    /// A text in quotes.
    fn text(&mut self, text: &str, node: &Node<'_>, texts: Texts) -> Result<(), Problem> {
        let Some(decoded) = self.decoded(node) else { return Ok(()) };
        self.whole("\"", Span { start: node.span.start, end: node.span.start + 1 });
        match texts {
            Texts::Templates if text.contains(['$', '%']) => {
                let template: Template =
                    text.parse().map_err(|error: hcl_edit::parser::Error| {
                        let at = error.location().offset().min(text.len());
                        let inner = decoded.written(Span::new(at, at)).shifted(node.span.start);
                        Problem { span: inner, message: error.message().to_owned() }
                    })?;
                for element in &template {
                    // What is written inside of directives stays as it is.
                    let is_literal = matches!(element, Element::Literal(_));
                    let range = element.span().unwrap_or_default();
                    self.copied(&decoded, range, node, is_literal);
                }
            }
            Texts::Templates => self.copied(&decoded, 0..text.len(), node, true),
            Texts::Literal => {
                let mut at = 0;
                for (start, mark) in text.match_indices(['$', '%']) {
                    if text.get(start + 1..).is_some_and(|rest| rest.starts_with('{')) {
                        self.copied(&decoded, at..start, node, true);
                        self.whole(mark, decoded_span(&decoded, start..start + 1, node));
                        at = start;
                    }
                }
                self.copied(&decoded, at..text.len(), node, true);
            }
        }
        self.whole("\"", Span { start: node.span.end - 1, end: node.span.end });
        Ok(())
    }

    /// A string as it reads.
    fn decoded(&self, node: &Node<'_>) -> Option<Decoded> {
        Decoded::json_string(node.span.slice(self.json)?)
    }

    /// Part of a string, character by character.
    fn copied(&mut self, decoded: &Decoded, range: Range<usize>, node: &Node<'_>, is_quoted: bool) {
        let part = decoded.text.get(range.clone()).unwrap_or_default();
        for (at, character) in part.char_indices() {
            let start = range.start + at;
            let span = decoded_span(decoded, start..start + character.len_utf8(), node);
            match character {
                '"' if is_quoted => self.whole("\\\"", span),
                '\\' if is_quoted => self.whole("\\\\", span),
                '\n' if is_quoted => self.whole("\\n", span),
                '\r' if is_quoted => self.whole("\\r", span),
                '\t' if is_quoted => self.whole("\\t", span),
                _ => self.same(character.encode_utf8(&mut [0; 4]), span),
            }
        }
    }

    /// Writes what stands for the whole of `span`.
    fn whole(&mut self, text: &str, span: Span) {
        self.places.runs.push(Run { start: self.hcl.len(), span, is_same: false });
        self.hcl.push_str(text);
    }

    /// Writes what stands at `span` as it is, or decoded.
    fn same(&mut self, text: &str, span: Span) {
        if text.len() != span.range().len() {
            return self.whole(text, span);
        }
        let last = self.places.runs.last_mut();
        match last.filter(|run| run.is_same && run.span.end == span.start) {
            Some(run) => run.span.end = span.end,
            None => {
                self.places.runs.push(Run { start: self.hcl.len(), span, is_same: true });
            }
        }
        self.hcl.push_str(text);
    }
}

/// Where part of a string is written in the JSON.
fn decoded_span(decoded: &Decoded, range: Range<usize>, node: &Node<'_>) -> Span {
    decoded.written(Span::new(range.start, range.end)).shifted(node.span.start)
}

/// The objects of a block: one or a list of them; none where it is null.
fn objects<'n, 'a>(node: &'n Node<'a>, of: &str) -> Result<&'n [Node<'a>], Problem> {
    let is_object = |node: &Node<'_>| matches!(node.kind, Kind::Object(_));
    match &node.kind {
        Kind::Null => Ok(&[]),
        _ => match node.one_or_many().iter().find(|node| !is_object(node)) {
            None => Ok(node.one_or_many()),
            Some(other) => Err(Problem {
                span: other.span,
                message: format!("{of} is an object or a list of them, not {}", other.kind_name()),
            }),
        },
    }
}

/// A label in quotes.
fn quoted(label: &str) -> String {
    let mut made = String::from("\"");
    for character in label.chars() {
        match character {
            '"' | '\\' => made.extend(['\\', character]),
            '\n' => made.push_str("\\n"),
            '\r' => made.push_str("\\r"),
            _ => made.push(character),
        }
    }
    made.push('"');
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use hcl_edit::structure::Attribute;

    /// What each attribute of the one block of `text` was written for.
    fn written(text: &str) -> Vec<(String, String)> {
        let (body, places) = body(text, false).expect("it can be read");
        let block = body.blocks().next().expect("a block");
        let of = |span: Option<Range<usize>>| {
            text.get(places.of(&span.expect("parsed"))).expect("a range").to_owned()
        };
        let attribute = |it: &Attribute| (of(it.key.span()), of(it.value.span()));
        block.body.attributes().map(attribute).collect()
    }

    #[test]
    fn each_value_leads_back_to_where_it_is_written() {
        let text = r#"{"locals": {"a": "x", "b": [1, {"c": null}], "d": "\u00e9${f(\"y\")}"}}"#;
        let expected = [
            ("\"a\"", "\"x\""),
            ("\"b\"", "[1, {\"c\": null}]"),
            ("\"d\"", "\"\\u00e9${f(\\\"y\\\")}\""),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(written(text), expected);
    }

    #[test]
    fn what_is_inside_a_text_leads_back_as_well() {
        let text = r#"{"locals": {"a": "q\" ${f(\"y\")} %{ if b }\"%{ endif }\n"}}"#;
        let (body, places) = body(text, false).expect("it can be read");
        let block = body.blocks().next().expect("a block");
        let value = &block.body.attributes().next().expect("an attribute").value;
        let Expression::StringTemplate(template) = value else { panic!("{value:?}") };
        let of = |element: &Element| {
            text.get(places.of(&element.span().expect("parsed"))).expect("a range")
        };
        let found: Vec<&str> = template.iter().map(of).collect();
        let expected = ["q\\\" ", "${f(\\\"y\\\")}", " ", "%{ if b }\\\"%{ endif }", "\\n"];
        assert_eq!(found, expected);
    }

    #[test]
    fn variables_have_literal_defaults_and_values() {
        let text = r#"{"variable": {"a": {"type": "list(string)", "default": "${no}"}}}"#;
        let (body, _) = body(text, false).expect("it can be read");
        let block = body.blocks().next().expect("a block");
        let of = |name: &str| &block.body.get_attribute(name).expect("it is there").value;
        assert!(matches!(of("type"), Expression::FuncCall(_)));
        assert_eq!(of("default").as_str(), Some("${no}"));
        let (body, _) = super::body(r#"{"a": "%{x}", "//": "why"}"#, true).expect("values");
        let values: Vec<_> = body.attributes().map(|it| it.value.as_str()).collect();
        assert_eq!(values, [Some("%{x}")]);
    }

    #[test]
    fn what_is_wrong_is_told_at_its_place() {
        let fault = |text: &str| {
            let problem = body(text, false).expect_err("it is broken");
            text.get(problem.span.start as usize..).unwrap_or_default().to_owned()
        };
        assert!(fault(r#"{"locals": 7}"#).starts_with('7'));
        assert!(fault(r#"{"locals": {"a": "\u0041 ${f(}"}}"#).starts_with("}\"}}"));
        assert!(fault(r#"{"data": {"x": {"y": {"statement": "s"}}}}"#).starts_with("\"s\""));
        assert!(fault(r#"{"locals": {"a": 1, "a": 2}}"#).starts_with("\"a\": 2"));
    }
}
