//! Diagnostics as text.

use std::borrow::Cow;
use std::io::{self, Write};

use miette::{GraphicalReportHandler, GraphicalTheme};
use textwrap::{WordSeparator, WordSplitter, WrapAlgorithm};

use super::snippet::{Fit, WIDE};
use super::{Diagnostic, visible};

/// Columns of a line that are shown on the narrowest screen.
const NARROW: usize = 30;

/// How text for people looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// Whether lines are drawn with box characters; ASCII otherwise.
    pub unicode: bool,
    /// Whether it is coloured.
    pub color: bool,
    /// Whether names are links to pages.
    pub links: bool,
    /// Columns that messages are wrapped at.
    pub width: usize,
    /// Columns of a line of a text that are shown; of a longer one what is around the labels.
    pub columns: usize,
}

impl Look {
    /// Text for a pipe: ASCII lines, no colours, no links, 80 columns.
    pub const PLAIN: Self =
        Self { unicode: false, color: false, links: false, width: 80, columns: WIDE.columns };
}

/// How much a word asks to be noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// As it should be: green.
    Plain,
    /// Worth a look: yellow.
    Notable,
    /// Not to be overlooked: bold, on red.
    Loud,
    /// Beside the point: faint.
    Faint,
}

impl Tone {
    /// The parameters of the terminal's "select graphic rendition".
    fn rendition(self) -> &'static str {
        match self {
            Self::Plain => "32",
            Self::Notable => "33",
            Self::Loud => "1;97;41",
            Self::Faint => "2",
        }
    }
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
            .with_links(look.links)
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

    /// A word in its colour, where there are colours. Its width stays.
    pub fn toned<'t>(&self, word: &'t str, tone: Tone) -> Cow<'t, str> {
        match self.look.color && !word.is_empty() {
            true => format!("\u{1b}[{}m{word}\u{1b}[0m", tone.rendition()).into(),
            false => word.into(),
        }
    }

    /// Writes a paragraph, wrapped between words; lines after the first begin with `indent`.
    ///
    /// # Errors
    /// What `out` says.
    pub fn paragraph(&self, out: &mut dyn Write, text: &str, indent: &str) -> io::Result<()> {
        // Spaces at the beginning are no word behind which a long one would wrap.
        let (lead, rest) = text.split_at(text.len() - text.trim_start_matches(' ').len());
        let options = textwrap::Options::new(self.look.width.max(40))
            .initial_indent(lead)
            .subsequent_indent(indent)
            .break_words(false)
            .wrap_algorithm(WrapAlgorithm::FirstFit)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        writeln!(out, "{}", textwrap::fill(&visible(rest), options))
    }

    /// Writes one diagnostic; it ends with a line feed.
    ///
    /// # Errors
    /// What `out` says.
    pub fn render(&self, out: &mut dyn Write, diagnostic: &Diagnostic) -> io::Result<()> {
        let mut text = String::new();
        let fit = Fit { columns: self.look.columns.clamp(NARROW, WIDE.columns) };
        let fitted = (fit != WIDE).then(|| diagnostic.fitted(fit));
        let diagnostic = fitted.as_ref().unwrap_or(diagnostic);
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

#[cfg(test)]
mod tests {
    use super::super::{Label, Severity, Snippet};
    use super::*;
    use crate::source::Span;

    fn rendered(diagnostic: &Diagnostic) -> String {
        let mut bytes = Vec::new();
        Renderer::new(Look::PLAIN).render(&mut bytes, diagnostic).expect("to memory");
        String::from_utf8(bytes).expect("text")
    }

    fn labelled(text: &str, spans: &[(usize, usize)]) -> String {
        let labels =
            spans.iter().map(|&(start, end)| Label::primary(Span::new(start, end), "here"));
        let snippet = Snippet::new("p.json", text, labels);
        rendered(&Diagnostic::new(Severity::High, "message").snippet(snippet))
    }

    #[test]
    fn a_diagnostic_is_shown_whole() {
        let snippet = Snippet::new(
            "a.json",
            "{\n  \"b\": 1\n}\n",
            [
                Label::primary(Span::new(4, 7), "this name"),
                Label::related(Span::new(9, 10), "its value"),
            ],
        );
        let other = Snippet::new("b.json", "x\n", [Label::related(Span::new(0, 1), "stands here")]);
        let diagnostic = Diagnostic::new(Severity::Medium, "a name")
            .code("some-rule")
            .help("change it")
            .note("it is so")
            .snippet(snippet)
            .snippet(other);
        let expected = "\
some-rule (medium)

  ! a name
   ,-[a.json:2:3]
 1 | {
 2 |   \"b\": 1
   :   ^|^  |
   :    |   `-- its value
   :    `-- this name
 3 | }
   `----
   ,-[b.json:1:1]
 1 | x
   : |
   : `-- stands here
   `----
  help: change it

  note: it is so
";
        assert_eq!(rendered(&diagnostic), expected);
    }

    #[test]
    fn a_line_longer_than_miette_bears_is_cut_around_its_labels() {
        let text = format!("{{\"a\":\"{}\",\"sid\":\"é\"}}", "x".repeat(70_000));
        let at = text.find("\"sid\"").expect("there");
        let shown = labelled(&text, &[(0, 1), (at, at + 5)]);
        assert!(shown.lines().all(|line| line.chars().count() < 300), "{shown}");
        assert!(shown.contains("…") && shown.contains("\"sid\":\"é\"}"), "{shown}");
        let whole = labelled(&text, &[(0, text.len())]);
        assert!(whole.lines().all(|line| line.chars().count() < 300), "{whole}");
    }

    #[test]
    fn lines_fit_a_narrow_screen() {
        let text = format!("{{\n  \"a\": \"{}\", \"sid\": \"é\", \"b\": 1}}\n", "x".repeat(90));
        let at = text.find("\"sid\"").expect("there");
        let label = Label::primary(Span::new(at, at + 5), "here");
        let diagnostic = Diagnostic::new(Severity::High, "message").snippet(Snippet::new(
            "p.json",
            &text,
            [label],
        ));
        let shown = |columns| {
            let mut bytes = Vec::new();
            let look = Look { columns, ..Look::PLAIN };
            Renderer::new(look).render(&mut bytes, &diagnostic).expect("to memory");
            String::from_utf8(bytes).expect("text")
        };
        let narrow = shown(40);
        assert!(narrow.lines().all(|line| line.chars().count() <= 48), "{narrow}");
        assert!(narrow.contains("…xxxxx\", \"sid\": \"é\", …"), "{narrow}");
        // Where it stands is told as it is in the file.
        assert!(narrow.contains("[p.json:2:102]"), "{narrow}");
        assert!(shown(200).contains(&"x".repeat(90)));
    }

    #[test]
    fn what_labels_say_fits_a_narrow_screen() {
        let text = "{ allow = [\"kms:Decrypt\"], to = [\"*\"] }\n";
        let at = text.find("[\"*\"]").expect("there");
        let says = "a principal of any account meets this Allow, whatever it is called";
        let labels =
            [Label::primary(Span::new(at, at + 5), says), Label::related(Span::new(2, 7), says)];
        let diagnostic =
            Diagnostic::new(Severity::High, "message").snippet(Snippet::new("p.tf", text, labels));
        let mut bytes = Vec::new();
        let look = Look { columns: 50, ..Look::PLAIN };
        Renderer::new(look).render(&mut bytes, &diagnostic).expect("to memory");
        let shown = String::from_utf8(bytes).expect("text");
        assert!(shown.lines().all(|line| line.chars().count() <= 58), "{shown}");
        let words = shown.split_whitespace().filter(|word| *word == "whatever").count();
        assert_eq!(words, 2, "{shown}");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_written() {
        let text = "\"a\u{1b}[2J\u{202E}b\rc\u{9b}é\"";
        let snippet =
            Snippet::new("n\u{1b}", text, [Label::primary(Span::new(0, text.len()), "\u{1b}")]);
        let diagnostic = Diagnostic::new(Severity::High, "m\u{202E}")
            .help("h\u{1b}")
            .note("n\u{1b}")
            .code("c\u{7f}")
            .snippet(snippet);
        let shown = rendered(&diagnostic);
        assert!(!shown.chars().any(|c| c != '\n' && c.is_control()), "{shown:?}");
        assert!(!shown.contains('\u{202E}'), "{shown:?}");
        assert!(shown.contains("é"), "{shown}");
    }

    #[test]
    fn far_labels_have_windows_of_their_own_and_true_line_numbers() {
        let text: String = (1..=90_000).map(|line| format!("line {line}\n")).collect();
        let at = |line: &str| text.find(line).map(|at| (at, at + line.len())).expect("there");
        let shown = labelled(&text, &[at("line 70000\n"), at("line 3\n")]);
        assert!(shown.lines().count() < 20, "{shown}");
        assert!(shown.contains("[p.json:3:1]") && shown.contains("[p.json:70000:1]"), "{shown}");
    }

    #[test]
    fn a_long_label_ends_early() {
        let text = "x\n".repeat(500);
        assert!(labelled(&text, &[(0, text.len())]).lines().count() < 40);
    }

    #[test]
    fn any_span_of_any_text_is_shown() {
        let texts = ["", "\n", "a", "é", "a\r\nb\r\n", "\r", "漢字\n\tx", "\n\n\n", "a\u{300}😀"];
        for text in texts {
            for start in 0..text.len() + 3 {
                for end in start.saturating_sub(1)..text.len() + 4 {
                    let shown = labelled(text, &[(start, end), (end, end), (0, 0)]);
                    assert!(!shown.contains("Failed to read"), "{text:?} {start}..{end}: {shown}");
                }
            }
        }
    }
}
