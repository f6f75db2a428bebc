//! YAML 1.2 with tags and comments, read from the events of `granit-parser`.
//!
//! Plain scalars resolve by the core schema as `serde_yaml` reads it: `no`, dates and numbers with a
//! leading zero are strings. Core tags (`!!str`) decide the kind of a scalar and are not kept; other
//! tags are kept and change nothing. `<<` is a name like any other. A name is the text of its scalar,
//! so `111122223333:` names `111122223333`.

use std::borrow::Cow;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StrInput, Tag, options};
use rustc_hash::FxHashMap;

use super::{Kind, Member, Node, Problem, scalar};
use crate::source::{Located, Span};

/// How many lists and objects may stand in one another, those behind an alias included.
const DEPTH: usize = 128;

/// How many nodes aliases may copy in one stream (a node more for each 64 bytes of decoded text).
const COPIES: usize = 1_000_000;

/// One document of a stream.
#[derive(Clone, PartialEq, Debug)]
pub struct Document<'a> {
    /// Its tree. A block list or object ends where its last item is written; an alias stands as a copy
    /// of what it names, with the spans of the anchored text.
    pub root: Node<'a>,
    /// Its comments in order: the text behind `#`, the span from `#` to the end of the line. What
    /// stands above a document's `---` belongs to the document before, if there is one and no `...`
    /// ends it.
    pub comments: Vec<Located<Cow<'a, str>>>,
}

/// Reads every document of a stream; a byte order mark may stand before each.
///
/// A document with a syntax error, nested deeper than 128 levels, or whose aliases copy more than a
/// million nodes is left out, and reading goes on behind the next `---`. Where a smaller thing is wrong
/// (an unknown alias, a name that is a list) the document stands without it. Each gives a [`Problem`].
pub fn parse(text: &str) -> (Vec<Document<'_>>, Vec<Problem>) {
    let options = options! {
        // As libyaml: the value of a block that the text ends in has no line feed that is not written.
        block_scalar_eof_without_line_feed: true,
        emit_unresolved_aliases: true,
        // Commented-out resources are long.
        max_buffered_comment_events: usize::MAX,
    };
    let mut events = Parser::new_from_str_with_options(text, options);
    let mut stream = Stream::new(text);
    while let Some(event) = events.next_event() {
        let taken = match event {
            Ok((event, span)) => stream.take(event, &span),
            Err(error) => Err(scan_problem(text, &error)),
        };
        if let Err(problem) = taken
            && !stream.give_up(problem, &mut events)
        {
            break;
        }
    }
    stream.finish()
}

/// What was read of a stream so far.
struct Stream<'a> {
    text: &'a str,
    documents: Vec<Document<'a>>,
    problems: Vec<Problem>,
    comments: Vec<Located<Cow<'a, str>>>,
    /// Lists and objects that are open, outermost first.
    open: Vec<Open<'a>>,
    /// The root of the document, once it is complete.
    root: Option<Node<'a>>,
    /// What anchors name; nothing while it is open.
    anchors: FxHashMap<usize, Option<Built<'a>>>,
    /// Nodes that were copied for aliases.
    copied: usize,
}

/// A list or an object that is not complete.
struct Open<'a> {
    start: usize,
    /// Where its last part ends.
    end: usize,
    tag: Option<Located<Cow<'a, str>>>,
    anchor: usize,
    size: usize,
    height: usize,
    parts: Parts<'a>,
}

enum Parts<'a> {
    Items(Vec<Node<'a>>),
    Members(Vec<Member<'a>>, Next<'a>),
}

/// What an open object waits for.
enum Next<'a> {
    Name,
    Value(Located<Cow<'a, str>>),
    /// The value of a name that could not be read.
    Lost,
}

/// A complete node and what it takes to copy it.
#[derive(Clone)]
struct Built<'a> {
    node: Node<'a>,
    size: usize,
    height: usize,
}

impl<'a> Built<'a> {
    fn leaf(node: Node<'a>) -> Self {
        let decoded = match &node.kind {
            Kind::String(Cow::Owned(text)) | Kind::Number(Cow::Owned(text)) => text.len(),
            _ => 0,
        };
        Self { node, size: 1 + decoded / 64, height: 0 }
    }
}

impl<'a> Stream<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            documents: Vec::new(),
            problems: Vec::new(),
            comments: Vec::new(),
            open: Vec::new(),
            root: None,
            anchors: FxHashMap::default(),
            copied: 0,
        }
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// What the document cannot be read for.
    fn take(&mut self, event: Event<'a>, at: &granit_parser::Span) -> Result<(), Problem> {
        let span = span_of(at);
        match event {
            Event::Comment(text, _) => self.comments.push(Located::new(text, span)),
            Event::Scalar(value, style, anchor, tag) => {
                let built = Built::leaf(self.scalar(value, style, tag.as_deref(), at));
                let end = built.node.span.end as usize;
                self.remember(anchor, &built)?;
                self.add(built, end);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.begin(anchor, tag.as_deref(), at, Parts::Items(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.begin(anchor, tag.as_deref(), at, Parts::Members(Vec::new(), Next::Name))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
            Event::Alias(anchor) => {
                let built = self.copy(anchor, span)?;
                self.add(built, span.range().end);
            }
            Event::UnresolvedAlias(_) => {
                self.problem(span, "unknown alias");
                let node = Node { span, tag: None, kind: Kind::Null };
                self.add(Built::leaf(node), span.range().end);
            }
            Event::DocumentEnd => {
                if let Some(root) = self.root.take() {
                    let comments = std::mem::take(&mut self.comments);
                    self.documents.push(Document { root, comments });
                }
                self.anchors.clear();
            }
            _ => {}
        }
        Ok(())
    }

    /// Leaves the document out and goes to the next; whether there is one.
    fn give_up(&mut self, problem: Problem, events: &mut Parser<'a, StrInput<'a>>) -> bool {
        self.problems.push(problem);
        self.open.clear();
        self.root = None;
        self.anchors.clear();
        self.comments.clear();
        events.proceed_next_document().unwrap_or(false)
    }

    fn finish(mut self) -> (Vec<Document<'a>>, Vec<Problem>) {
        if let Some(last) = self.documents.last_mut() {
            last.comments.append(&mut self.comments);
        }
        (self.documents, self.problems)
    }

    fn problem(&mut self, span: Span, message: &str) {
        self.problems.push(Problem { span, message: message.to_owned() });
    }

    fn begin(
        &mut self,
        anchor: usize,
        tag: Option<&Tag>,
        at: &granit_parser::Span,
        parts: Parts<'a>,
    ) -> Result<(), Problem> {
        let mut start = span_of(at).range().start;
        if self.open.len() == DEPTH {
            return Err(too_deep(character_at(self.text, start)));
        }
        if let (Parts::Items(_), true, Some(outer)) =
            (&parts, self.value_is_next(), self.open.last())
        {
            start = scalar::first_dash(self.text, outer.end, start);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
        let tag = self.kept_tag(tag, at);
        self.open.push(Open { start, end: start, tag, anchor, size: 1, height: 0, parts });
        Ok(())
    }

    /// Completes the innermost list or object; `span` holds its bracket, where it has one.
    fn end(&mut self, span: Span) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        // A block ends far behind its last part, after empty lines and comments.
        let end = match span.slice(self.text) {
            Some("]" | "}") => span.range().end,
            _ => open.end,
        };
        let kind = match open.parts {
            Parts::Items(items) => Kind::Array(items),
            Parts::Members(members, _) => Kind::Object(members),
        };
        let node = Node { span: Span::new(open.start, end), tag: open.tag, kind };
        let built = Built { node, size: open.size, height: open.height + 1 };
        self.remember(open.anchor, &built)?;
        self.add(built, end);
        Ok(())
    }

    /// Puts a complete node, written up to `end`, where it belongs.
    fn add(&mut self, built: Built<'a>, end: usize) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(built.node);
            return;
        };
        open.end = open.end.max(end);
        open.size += built.size;
        open.height = open.height.max(built.height);
        match &mut open.parts {
            Parts::Items(items) => items.push(built.node),
            Parts::Members(members, next) => match std::mem::replace(next, Next::Name) {
                Next::Value(name) => members.push(Member { name, value: built.node }),
                Next::Lost => {}
                Next::Name => {
                    let read = name(self.text, built.node);
                    if let Some(problem) = read.problem {
                        self.problems.push(problem);
                    }
                    *next = read.next;
                }
            },
        }
    }

    /// Keeps what an anchor names for its aliases.
    fn remember(&mut self, anchor: usize, built: &Built<'a>) -> Result<(), Problem> {
        if anchor != 0 {
            charge(&mut self.copied, built.size, built.node.span)?;
            self.anchors.insert(anchor, Some(built.clone()));
        }
        Ok(())
    }

    fn copy(&mut self, anchor: usize, alias: Span) -> Result<Built<'a>, Problem> {
        let Some(Some(named)) = self.anchors.get(&anchor) else {
            self.problem(alias, "alias of a node that it stands in");
            return Ok(Built::leaf(Node { span: alias, tag: None, kind: Kind::Null }));
        };
        if self.open.len() + named.height > DEPTH {
            return Err(too_deep(alias));
        }
        charge(&mut self.copied, named.size, alias)?;
        Ok(named.clone())
    }

    fn scalar(
        &mut self,
        value: Cow<'a, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        at: &granit_parser::Span,
    ) -> Node<'a> {
        let mut span = scalar::span(self.text, span_of(at), &value, style);
        let nothing = style == ScalarStyle::Plain && span.start == span.end;
        // The events spell an empty scalar `~`.
        let value = if nothing { Cow::Borrowed("") } else { value };
        if nothing && tag.is_none() {
            span = scalar::empty_span(self.text, span, self.value_is_next());
        }
        let kind = match tag.and_then(Tag::core_suffix) {
            Some(core) => scalar::apply_core_tag(core, value).unwrap_or_else(|value| {
                self.problem(span, &format!("not what its tag `!!{core}` says"));
                Kind::String(value)
            }),
            // The tag `!` alone says: no resolution.
            None if style == ScalarStyle::Plain && !is_non_specific(tag) => scalar::resolve(value),
            None => Kind::String(value),
        };
        Node { span, tag: self.kept_tag(tag, at), kind }
    }

    /// Whether a value comes next in the innermost object.
    fn value_is_next(&self) -> bool {
        let parts = self.open.last().map(|open| &open.parts);
        matches!(parts, Some(Parts::Members(_, Next::Value(_) | Next::Lost)))
    }

    /// A tag as it is written, or as `%TAG` and `!<...>` resolve it; nothing for core tags.
    fn kept_tag(
        &self,
        tag: Option<&Tag>,
        at: &granit_parser::Span,
    ) -> Option<Located<Cow<'a, str>>> {
        let tag = tag.filter(|tag| tag.is_custom() && !is_non_specific(Some(tag)))?;
        let span = span_of(&at.tag_span()?);
        let resolved = tag.to_string();
        let value = match span.slice(self.text) {
            Some(written) if written == resolved => Cow::Borrowed(written),
            _ => Cow::Owned(resolved),
        };
        Some(Located::new(value, span))
    }
}

/// A name read from its node, and what is wrong with it.
struct Name<'a> {
    next: Next<'a>,
    problem: Option<Problem>,
}

fn name<'a>(text: &'a str, node: Node<'a>) -> Name<'a> {
    let problem = |span, message: &str| Some(Problem { span, message: message.to_owned() });
    let span = node.span;
    let name = match node.kind {
        Kind::String(name) | Kind::Number(name) => name,
        Kind::Null | Kind::Bool(_) => Cow::Borrowed(span.slice(text).unwrap_or_default()),
        _ => {
            let problem = problem(span, "a name must be a scalar, its member is left out");
            return Name { next: Next::Lost, problem };
        }
    };
    let problem = node.tag.and_then(|tag| problem(tag.span, "a tag on a name says nothing"));
    Name { next: Next::Value(Located::new(name, span)), problem }
}

fn span_of(at: &granit_parser::Span) -> Span {
    // Markers of texts always have byte offsets.
    let range = at.byte_range().unwrap_or_default();
    Span::new(range.start, range.end.max(range.start))
}

fn charge(copied: &mut usize, size: usize, span: Span) -> Result<(), Problem> {
    *copied += size;
    if *copied > COPIES {
        let message = "aliases copy more than 1000000 nodes".to_owned();
        return Err(Problem { span, message });
    }
    Ok(())
}

fn too_deep(span: Span) -> Problem {
    Problem { span, message: "nested deeper than 128 levels".to_owned() }
}

/// The error at the character it was met at.
fn scan_problem(text: &str, error: &ScanError) -> Problem {
    let at = error.marker().byte_offset().unwrap_or(text.len());
    Problem { span: character_at(text, at), message: error.info() }
}

fn character_at(text: &str, at: usize) -> Span {
    let start = text.floor_char_boundary(at);
    let length = text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    Span::new(start, start + length)
}

fn is_non_specific(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| tag.original() == "!")
}
