//! The one value that is handed to miette.

use std::fmt;
use std::iter;

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::snippet::{Fit, Window};
use super::{Severity, Snippet, visible};

/// A message about texts, with the places it speaks of.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// What it is called: the id of a rule.
    pub code: Option<String>,
    /// A page to read about it; linked where a terminal can.
    pub url: Option<String>,
    /// How bad it is; decides the sign in front of the message.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Why it is so.
    pub note: Option<String>,
    snippets: Windows,
}

/// The windows of all snippets, one behind the other in one range of offsets, a byte between them.
#[derive(Clone, Default, Debug)]
struct Windows(Vec<Window>);

impl Diagnostic {
    /// A message without a place.
    pub fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code: None,
            url: None,
            severity,
            message: message.into(),
            help: None,
            note: None,
            snippets: Windows::default(),
        }
    }

    /// The same with a code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The same with a page to read about it.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with why it is so.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The same with one more snippet, shown below those it has.
    #[must_use]
    pub fn snippet(mut self, snippet: Snippet) -> Self {
        self.snippets.0.extend(snippet.windows);
        self
    }
}

impl Diagnostic {
    /// The same with snippets whose lines fit.
    pub(super) fn fitted(&self, fit: Fit) -> Self {
        let windows = self.snippets.0.iter().map(|window| window.fitted(fit)).collect();
        Self { snippets: Windows(windows), ..self.clone() }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&visible(&self.message))
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let code = self.code.as_deref()?;
        Some(Box::new(format!("{} ({})", visible(code), self.severity.name())))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Critical | Severity::High => miette::Severity::Error,
            Severity::Medium => miette::Severity::Warning,
            Severity::Low | Severity::Info => miette::Severity::Advice,
        })
    }

    fn url<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(visible(self.url.as_deref()?)))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(visible(self.help.as_deref()?)))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        if self.snippets.0.is_empty() { None } else { Some(&self.snippets) }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.snippets.placed().flat_map(|(base, window)| {
            window.labels.iter().map(move |(range, label)| {
                let text = Some(visible(&label.text).into_owned()).filter(|text| !text.is_empty());
                let span = (base + range.start, range.len());
                if label.primary {
                    LabeledSpan::new_primary_with_span(text, span)
                } else {
                    LabeledSpan::new_with_span(text, span)
                }
            })
        });
        Some(Box::new(labels))
    }
}

impl Windows {
    /// Each window with the offset that it begins at.
    fn placed(&self) -> impl Iterator<Item = (usize, &Window)> {
        let next = |base: &mut usize, window: &Window| {
            let at = *base;
            *base += window.text.len() + 1;
            Some(at)
        };
        let bases = self.0.iter().scan(0, next);
        iter::zip(bases, &self.0)
    }
}

/// miette shows labels in two windows as two snippets, because no range holds both.
impl SourceCode for Windows {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (base, window) = self
            .placed()
            .filter(|(base, _)| *base <= span.offset())
            .last()
            .ok_or(MietteError::OutOfBounds)?;
        let inner = SourceSpan::from((span.offset() - base, span.len()));
        let read = window.text.read_span(&inner, lines_before, lines_after)?;
        // A label alone is read for the place that stands above the lines.
        let at = window.at(inner.offset()).filter(|_| lines_before + lines_after == 0);
        let (line, column) = match at {
            Some(at) => (at.line.saturating_sub(1) as usize, at.column.saturating_sub(1) as usize),
            None => (window.above + read.line(), read.column()),
        };
        Ok(Box::new(MietteSpanContents::new_named(
            window.name.clone(),
            read.data(),
            SourceSpan::from((base + read.span().offset(), read.span().len())),
            line,
            column,
            read.line_count(),
        )))
    }
}
