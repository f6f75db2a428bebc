//! Elements of an answer.

use std::fmt;

/// An element with text or with elements inside.
#[derive(Debug)]
pub(super) struct Xml {
    name: String,
    attributes: Vec<(&'static str, String)>,
    inside: Inside,
}

#[derive(Debug)]
enum Inside {
    Text(String),
    Elements(Vec<Xml>),
}

impl Xml {
    /// An element with nothing inside yet.
    pub(super) fn new(name: &str) -> Self {
        let inside = Inside::Elements(Vec::new());
        Self { name: name.to_owned(), attributes: Vec::new(), inside }
    }

    /// The same element under another name.
    pub(super) fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    pub(super) fn with_attribute(mut self, name: &'static str, value: &str) -> Self {
        self.attributes.push((name, value.to_owned()));
        self
    }

    /// With one more element inside.
    pub(super) fn with(mut self, element: Self) -> Self {
        match &mut self.inside {
            Inside::Elements(elements) => elements.push(element),
            Inside::Text(_) => self.inside = Inside::Elements(vec![element]),
        }
        self
    }

    /// With one more element inside that holds a text.
    pub(super) fn with_text(self, name: &str, text: &str) -> Self {
        let inside = Inside::Text(text.to_owned());
        self.with(Self { name: name.to_owned(), attributes: Vec::new(), inside })
    }
}

impl fmt::Display for Xml {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "<{}", self.name)?;
        for (name, value) in &self.attributes {
            write!(out, " {name}=\"{}\"", escaped(value))?;
        }
        out.write_str(">")?;
        match &self.inside {
            Inside::Text(text) => out.write_str(&escaped(text))?,
            Inside::Elements(elements) => elements.iter().try_for_each(|it| it.fmt(out))?,
        }
        write!(out, "</{}>", self.name)
    }
}

/// Characters that XML has no way to write become a question mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(character))),
            '\u{FFFE}' | '\u{FFFF}' => out.push('?'),
            _ if character.is_control() => out.push('?'),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        let xml = Xml::new("A").with_attribute("x", "\"").with_text("B", "<&>\u{1}\n");
        assert_eq!(xml.to_string(), "<A x=\"&quot;\"><B>&lt;&amp;&gt;?&#10;</B></A>");
    }
}
