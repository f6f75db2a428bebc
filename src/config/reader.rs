//! Members, texts and patterns of a tree, with every fault kept.

use std::sync::Arc;

use globset::{GlobBuilder, GlobSetBuilder};

use crate::aws::suggest;
use crate::findings::{Base, FileGlobs};
use crate::source::{Place, Span};
use crate::syntax::Node;

use super::Fault;

/// Reads nodes and keeps what is wrong.
pub(super) struct Reader {
    /// The whole file.
    pub(super) place: Place,
    /// The faults met.
    pub(super) faults: Vec<Fault>,
    /// The first pattern of paths.
    pub(super) first_glob: Option<Span>,
    base: Arc<Base>,
}

impl Reader {
    pub(super) fn new(place: Place, base: Arc<Base>) -> Self {
        Self { place, faults: Vec::new(), first_glob: None, base }
    }

    pub(super) fn fault(&mut self, span: Span, message: impl Into<String>, help: &str) {
        self.faults.push(Fault { span, message: message.into(), help: help.to_owned() });
    }

    /// That `text` is none of `names`.
    pub(super) fn no_such(&mut self, span: Span, what: &str, text: &str, names: &[&str]) {
        let near = suggest::nearest(text, names.iter().copied());
        let meant = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
        let help = format!("one of {}", names.join(", "));
        self.fault(span, format!("there is no {what} `{text}`{meant}"), &help);
    }

    /// The members of an object that may have `known` ones; each once.
    pub(super) fn members<'n>(
        &mut self,
        node: &'n Node<'_>,
        what: &str,
        known: &[&'static str],
    ) -> Vec<(&'static str, &'n Node<'n>)> {
        let mut found: Vec<(&'static str, &Node<'_>)> = Vec::new();
        for (name, span, value) in self.map(node, what) {
            match known.iter().find(|known| **known == name) {
                Some(known) if found.iter().any(|(other, _)| other == known) => {
                    self.fault(span, format!("`{name}` stands twice"), "keep one of the two");
                }
                Some(known) => found.push((known, value)),
                None => {
                    let near = suggest::nearest(name, known.iter().copied());
                    let meant = near.map(|near| format!(": did you mean `{near}`?"));
                    let message =
                        format!("unknown member `{name}` of {what}{}", meant.unwrap_or_default());
                    self.fault(span, message, &format!("it may have {}", known.join(", ")));
                }
            }
        }
        found
    }

    /// The names and values of an object; an empty value is one without members.
    pub(super) fn map<'n>(
        &mut self,
        node: &'n Node<'_>,
        what: &str,
    ) -> Vec<(&'n str, Span, &'n Node<'n>)> {
        use crate::syntax::Kind;
        if !matches!(node.kind, Kind::Object(_) | Kind::Null) {
            let message = format!("{} where {what} is wanted", node.kind_name());
            self.fault(node.span, message, "write names and values");
        }
        let one = |member: &'n crate::syntax::Member<'_>| {
            (&*member.name.value, member.name.span, &member.value)
        };
        node.members().iter().map(one).collect()
    }

    /// A single text.
    pub(super) fn text(&mut self, node: &Node<'_>, what: &str) -> Option<String> {
        let text = node.scalar().filter(|text| !text.trim().is_empty()).map(str::to_owned);
        if text.is_none() {
            let found = node.scalar().map_or(node.kind_name(), |_| "an empty text");
            self.fault(node.span, format!("{found} where {what} is wanted"), "");
        }
        text
    }

    /// A text or a list of texts.
    pub(super) fn texts(&mut self, node: &Node<'_>, what: &str) -> Vec<(String, Span)> {
        let one = |item: &Node<'_>| Some((self.text(item, what)?, item.span));
        node.one_or_many().iter().filter_map(one).collect()
    }

    /// Patterns of paths, in which `*` stays within a directory and `**` does not.
    pub(super) fn globs(&mut self, node: &Node<'_>) -> Option<FileGlobs> {
        let mut set = GlobSetBuilder::new();
        for (text, span) in self.texts(node, "a pattern of paths") {
            self.first_glob = self.first_glob.or(Some(span));
            match GlobBuilder::new(&text).literal_separator(true).build() {
                Ok(glob) => {
                    set.add(glob);
                }
                Err(error) => {
                    let help = "`*` stands for a part of a name, `**` for any directories";
                    self.fault(span, format!("`{text}` is no pattern: {}", error.kind()), help);
                }
            }
        }
        let set = set.build().ok()?;
        Some(FileGlobs::new(set, Arc::clone(&self.base)))
    }
}
