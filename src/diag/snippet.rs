//! A part of a text with labels in it, made fit to be shown.

use std::ops::Range;

use crate::source::{Position, Span};

use super::visible;

/// Lines shown above and below a label.
const CONTEXT: usize = 1;
/// Lines of one label that are shown; it ends there when it is longer.
const LABEL_LINES: usize = 24;
/// How long lines may be where no screen says so.
pub(super) const WIDE: Fit = Fit { columns: 200 };
/// Columns of what leads from a label to what it says, and the fewest of a line of that.
const ARROW: usize = 4;
const LEAST: usize = 12;
/// What stands for the columns that are left out.
const LEFT_OUT: &str = "…";

/// How much of long lines is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fit {
    /// Columns of a line that are shown whole.
    pub(super) columns: usize,
}

impl Fit {
    /// Columns kept on either side of a label in a longer line.
    fn beside(self) -> usize {
        self.columns / 5
    }

    /// Columns of a label kept at either end in a longer line.
    fn ends(self) -> usize {
        self.columns * 3 / 10
    }
}

/// What is said of a range of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// The range, in bytes of the text.
    pub span: Span,
    /// What is said of it; may be empty.
    pub text: String,
    /// Whether it is what the message is about; others explain it.
    pub primary: bool,
    /// Where it stands, if the text is not shown as it stands there.
    pub at: Option<Position>,
}

impl Label {
    /// The label that the message is about.
    pub fn primary(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into(), primary: true, at: None }
    }

    /// A label that explains.
    pub fn related(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into(), primary: false, at: None }
    }
}

/// A named text with its labels, cut down to the lines around them.
///
/// Costs one pass over the text; holds the lines that are shown only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snippet {
    pub(super) windows: Vec<Window>,
}

/// Some lines that follow each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Window {
    /// The name of the text.
    pub(super) name: String,
    /// The lines, each as it is shown.
    pub(super) text: String,
    /// How many lines of the text stand above them.
    pub(super) above: usize,
    /// The labels in them, by range of `text`.
    pub(super) labels: Vec<(Range<usize>, Label)>,
}

impl Window {
    /// Where the label that begins at `offset` stands, if the text is not shown as it stands there.
    pub(super) fn at(&self, offset: usize) -> Option<Position> {
        let (_, label) = self.labels.iter().find(|(range, _)| range.start == offset)?;
        label.at
    }

    /// The same with lines that fit.
    pub(super) fn fitted(&self, fit: Fit) -> Self {
        let lines = Lines::of(&self.text);
        let placed = self.labels.iter().map(|(range, label)| {
            let reach = lines.reach(Span::new(range.start, range.end));
            // Where it stands is counted before its line is cut.
            let before = self.text.get(lines.range(reach.first).start..reach.start);
            let column = before.unwrap_or_default().chars().count() + 1;
            let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            let line = number(self.above + reach.first + 1);
            let at = label.at.unwrap_or(Position { line, column: number(column) });
            (reach, Label { at: Some(at), ..label.clone() })
        });
        let labels: Vec<(Reach, Label)> = placed.collect();
        let last = lines.starts.len().saturating_sub(1);
        let mut window = lines.window(&self.name, 0, last, &labels, fit);
        window.wrap(fit);
        Self { above: self.above, ..window }
    }

    /// Breaks what labels say into lines that fit beside where it is written: behind the middle of a label on one
    /// line, else on the left.
    fn wrap(&mut self, fit: Fit) {
        let Self { text, labels, .. } = self;
        let lines = Lines::of(text);
        for (range, label) in labels {
            let reach = lines.reach(Span::new(range.start, range.end));
            let start = lines.range(reach.first).start;
            let middle =
                if reach.first == reach.last { range.start.midpoint(range.end) } else { start };
            let before = text.get(start..floor(text, middle)).unwrap_or_default();
            let taken = before.chars().count() + ARROW;
            let options = textwrap::Options::new(fit.columns.saturating_sub(taken).max(LEAST))
                .break_words(false)
                .word_separator(textwrap::WordSeparator::AsciiSpace)
                .word_splitter(textwrap::WordSplitter::NoHyphenation);
            label.text = textwrap::fill(&label.text, options);
        }
    }
}

impl Snippet {
    /// The lines of `text` around `labels`. A label that does not lie in the text, or not on
    /// character boundaries, is moved to where it does.
    pub fn new(name: &str, text: &str, labels: impl IntoIterator<Item = Label>) -> Self {
        let lines = Lines::of(text);
        let mut labels: Vec<(Reach, Label)> =
            labels.into_iter().map(|label| (lines.reach(label.span), label)).collect();
        labels.sort_by_key(|(reach, label)| (reach.start, reach.end, !label.primary));
        let mut windows: Vec<Window> = Vec::new();
        let mut rest = labels.as_slice();
        while let Some(((first, _), _)) = rest.split_first() {
            let from = first.first.saturating_sub(CONTEXT);
            let mut to = first.last + CONTEXT;
            let mut count = 0;
            for (reach, _) in rest {
                if reach.first > to + CONTEXT + 1 {
                    break;
                }
                to = to.max(reach.last + CONTEXT);
                count += 1;
            }
            let (these, others) = rest.split_at(count);
            windows.push(lines.window(name, from, to, these, WIDE));
            rest = others;
        }
        Self { windows }
    }

    /// Both, one below the other.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.windows.extend(other.windows);
        self
    }
}

/// The lines of a text.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

/// Where a label lies: bytes, and lines counted from 0.
struct Reach {
    start: usize,
    end: usize,
    first: usize,
    last: usize,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The line that byte `offset` lies on.
    fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset).saturating_sub(1)
    }

    /// The bytes of a line, its break left out.
    fn range(&self, line: usize) -> Range<usize> {
        let start = self.starts.get(line).copied().unwrap_or(self.text.len());
        let next = self.starts.get(line + 1).copied();
        let end = next.map_or(self.text.len(), |next| next - 1);
        let text = self.text.get(start..end).unwrap_or_default();
        start..start + text.strip_suffix('\r').unwrap_or(text).len()
    }

    fn reach(&self, span: Span) -> Reach {
        let range = span.range();
        let start = floor(self.text, range.start);
        let first = self.line(start);
        let start = start.min(self.range(first).end);
        let mut end = floor(self.text, range.end).max(start);
        let mut last = self.line(if end > start { end - 1 } else { end });
        if last >= first + LABEL_LINES {
            last = first + LABEL_LINES - 1;
            end = self.range(last).end;
        }
        Reach { start, end: end.min(self.range(last).end).max(start), first, last }
    }

    fn window(
        &self,
        name: &str,
        from: usize,
        to: usize,
        labels: &[(Reach, Label)],
        fit: Fit,
    ) -> Window {
        // What follows the last line feed is a line only for a label that lies there.
        let end = self.starts.len().saturating_sub(1);
        let is_used = !self.range(end).is_empty() || labels.iter().any(|(it, _)| it.last == end);
        let to = to.min(if is_used { end } else { end.saturating_sub(1) });
        let mut text = String::new();
        let mut starts: Vec<Option<usize>> = vec![None; labels.len()];
        let mut ends = starts.clone();
        for line in from..=to {
            let range = self.range(line);
            let points = labels.iter().flat_map(|(reach, _)| reach.points_on(line, fit));
            let shown = Shown::of(self.text, range, points, fit);
            for ((reach, _), (start, end)) in labels.iter().zip(starts.iter_mut().zip(&mut ends)) {
                if reach.first == line {
                    *start = Some(text.len() + shown.at(reach.start));
                }
                if reach.last == line {
                    *end = Some(text.len() + shown.at(reach.end));
                }
            }
            text.push_str(&shown.text);
            text.push('\n');
        }
        let ranges = starts.into_iter().zip(ends).map(|(start, end)| {
            let start = start.unwrap_or_default();
            start..end.unwrap_or_default().max(start)
        });
        let labels = ranges.zip(labels).map(|(range, (_, label))| (range, label.clone())).collect();
        Window { name: visible(name).into_owned(), text, above: from, labels }
    }
}

impl Reach {
    /// The ranges of a line that must be seen for the label's sake.
    fn points_on(&self, line: usize, fit: Fit) -> impl Iterator<Item = Range<usize>> {
        let ends = fit.ends();
        let start = (self.first == line).then_some(self.start);
        let end = (self.last == line).then_some(self.end);
        let (one, other) = match (start, end) {
            (Some(start), Some(end)) if end - start <= 2 * ends => (Some(start..end), None),
            (Some(start), Some(end)) => (Some(start..start + ends), Some(end - ends..end)),
            (Some(start), None) => (Some(start..start + ends), None),
            (None, Some(end)) => (Some(end.saturating_sub(ends)..end), None),
            (None, None) => (None, None),
        };
        one.into_iter().chain(other)
    }
}

/// A line as it is shown.
struct Shown {
    text: String,
    /// The parts that were kept: bytes of the whole text, and where they stand in `text`.
    parts: Vec<(Range<usize>, usize)>,
}

impl Shown {
    fn of(
        text: &str,
        line: Range<usize>,
        points: impl Iterator<Item = Range<usize>>,
        fit: Fit,
    ) -> Self {
        let whole = text.get(line.clone()).unwrap_or_default();
        if whole.len() <= fit.columns || whole.chars().count() <= fit.columns {
            return Self { text: visible(whole).into_owned(), parts: vec![(line, 0)] };
        }
        let mut shown = Self { text: String::new(), parts: Vec::new() };
        for part in kept(text, &line, points, fit) {
            if part.start > line.start {
                shown.text.push_str(LEFT_OUT);
            }
            let at = shown.text.len();
            shown.text.push_str(&visible(text.get(part.clone()).unwrap_or_default()));
            shown.parts.push((part, at));
        }
        if shown.parts.last().is_some_and(|(part, _)| part.end < line.end) {
            shown.text.push_str(LEFT_OUT);
        }
        shown
    }

    /// Where byte `offset` of the whole text is shown; what is left out, where it is.
    fn at(&self, offset: usize) -> usize {
        let after = self.parts.partition_point(|(part, _)| part.start <= offset);
        match self.parts.get(after.saturating_sub(1)) {
            Some((part, at)) => at + offset.clamp(part.start, part.end) - part.start,
            None => 0,
        }
    }
}

/// The parts of a long line that are shown: around each point, else its beginning. Ascending.
fn kept(
    text: &str,
    line: &Range<usize>,
    points: impl Iterator<Item = Range<usize>>,
    fit: Fit,
) -> Vec<Range<usize>> {
    let beside = fit.beside();
    let mut wanted: Vec<Range<usize>> = points
        .map(|point| {
            let start = floor(text, point.start.saturating_sub(beside)).max(line.start);
            start..floor(text, point.end + beside).clamp(start, line.end)
        })
        .collect();
    if wanted.is_empty() {
        wanted.push(line.start..floor(text, line.start + fit.columns - beside).min(line.end));
    }
    wanted.sort_by_key(|part| part.start);
    let mut parts: Vec<Range<usize>> = Vec::new();
    for part in wanted {
        match parts.last_mut() {
            Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
            _ => parts.push(part),
        }
    }
    // As many as a line may hold; labels behind them are shown at its end.
    parts.truncate(32);
    parts
}

/// The last character boundary of `text` at or before `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}
