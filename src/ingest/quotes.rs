//! JSON texts in which something is inserted that is not syntax: what is not known, and what stands for it.

/// Whether such a text, as far as it was read, stands inside a string.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Quotes {
    is_inside: bool,
    is_escaped: bool,
}

impl Quotes {
    /// Reads on.
    pub(super) fn read(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = self.is_inside,
                b'"' => self.is_inside = !self.is_inside,
                _ => {}
            }
        }
    }

    /// Whether what comes next stands inside a string.
    pub(super) fn is_inside(self) -> bool {
        self.is_inside
    }

    /// Whether what comes next is written behind a backslash.
    pub(super) fn is_escaped(self) -> bool {
        self.is_escaped
    }

    /// A mark as it can stand here: inside a string, or as a string of its own.
    pub(super) fn fit(self, mark: &str) -> String {
        if self.is_inside { mark.to_owned() } else { format!("\"{mark}\"") }
    }
}
