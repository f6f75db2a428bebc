//! Diagnostics as text.

use std::io::{self, Write};

use miette::{GraphicalReportHandler, GraphicalTheme};
use textwrap::{WordSeparator, WordSplitter};

use super::{Diagnostic, visible};

/// How text for people looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// Whether lines are drawn with box characters; ASCII otherwise.
    pub unicode: bool,
    /// Whether it is coloured.
    pub color: bool,
    /// Columns that messages are wrapped at.
    pub width: usize,
}

impl Look {
    /// Text for a pipe: ASCII lines, no colours, 80 columns.
    pub const PLAIN: Self = Self { unicode: false, color: false, width: 80 };
}

/// Writes diagnostics in one look.
pub struct Renderer {
    handler: GraphicalReportHandler,
    look: Look,
}

impl Renderer {
    /// A renderer for `look`.
    pub fn new(look: Look) -> Self {
        let mut theme = match (look.unicode, look.color) {
            (true, true) => GraphicalTheme::unicode(),
            (true, false) => GraphicalTheme::unicode_nocolor(),
            (false, true) => GraphicalTheme::ascii(),
            (false, false) => GraphicalTheme::none(),
        };
        if look.unicode {
            // The icons of the theme are as wide as one column in some terminals and two in others.
            theme.characters.error = "×".into();
            theme.characters.warning = "!".into();
            theme.characters.advice = "›".into();
        }
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(look.width.max(40))
            .with_links(false)
            .without_syntax_highlighting()
            .with_break_words(false)
            .with_word_separator(WordSeparator::AsciiSpace)
            .with_word_splitter(WordSplitter::NoHyphenation);
        Self { handler, look }
    }

    /// How it writes.
    pub fn look(&self) -> Look {
        self.look
    }

    /// Writes a paragraph, wrapped between words; lines after the first begin with `indent`.
    ///
    /// # Errors
    /// What `out` says.
    pub fn paragraph(&self, out: &mut dyn Write, text: &str, indent: &str) -> io::Result<()> {
        let options = textwrap::Options::new(self.look.width.max(40))
            .subsequent_indent(indent)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        writeln!(out, "{}", textwrap::fill(&visible(text), options))
    }

    /// Writes one diagnostic; it ends with a line feed.
    ///
    /// # Errors
    /// What `out` says.
    pub fn render(&self, out: &mut dyn Write, diagnostic: &Diagnostic) -> io::Result<()> {
        let mut text = String::new();
        let rendered = match &diagnostic.note {
            Some(note) => {
                let footer = format!("note: {}", visible(note));
                self.handler.clone().with_footer(footer).render_report(&mut text, diagnostic)
            }
            None => self.handler.render_report(&mut text, diagnostic),
        };
        rendered.map_err(io::Error::other)?;
        for line in text.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
