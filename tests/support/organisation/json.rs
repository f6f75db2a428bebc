//! JSON whose members keep their order, printed the ways AWS prints it.

/// A JSON value; members stand in the order they were given.
#[derive(Clone, Debug)]
pub enum Json {
    /// A string.
    Text(String),
    /// A whole number.
    Number(i64),
    /// `true` or `false`.
    Bool(bool),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

/// An object from `"name": value` pairs; each value is turned into JSON. Wants `Json` in scope.
macro_rules! object {
    ($($name:literal : $value:expr),* $(,)?) => {
        Json::Object(vec![$((String::from($name), Json::from($value))),*])
    };
}
pub(super) use object;

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Json {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<usize> for Json {
    fn from(value: usize) -> Self {
        Self::Number(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl<T: Into<Self>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self> + Clone> From<&[T]> for Json {
    fn from(items: &[T]) -> Self {
        Self::List(items.iter().cloned().map(Into::into).collect())
    }
}

impl<T: Into<Self>, const N: usize> From<[T; N]> for Json {
    fn from(items: [T; N]) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl Json {
    /// An object from members that are only known at run time.
    pub fn members<N: Into<String>>(members: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// One value as a scalar, several as a list, as most people write policies.
    pub fn one_or_many(mut items: Vec<String>) -> Self {
        if items.len() == 1 { items.swap_remove(0).into() } else { items.into() }
    }

    /// Adds a member at the end of an object.
    pub fn push(&mut self, name: &str, value: impl Into<Self>) {
        if let Self::Object(members) = self {
            members.push((name.to_owned(), value.into()));
        }
    }

    /// As the aws CLI prints a response: four spaces, a line for each item, a final newline.
    pub fn cli(&self) -> String {
        let mut out = String::new();
        self.indented(&mut out, 0, 4);
        out.push('\n');
        out
    }

    /// Two spaces for each level, as the Organizations console saves a policy.
    pub fn console(&self) -> String {
        let mut out = String::new();
        self.indented(&mut out, 0, 2);
        out
    }

    /// As KMS gives a key policy back: arrays stay on a line, blanks around colons.
    pub fn key_policy(&self) -> String {
        let mut out = String::new();
        self.spaced(&mut out, 0);
        out
    }

    /// On one line, without blanks.
    pub fn compact(&self) -> String {
        let mut out = String::new();
        self.dense(&mut out);
        out
    }

    fn indented(&self, out: &mut String, depth: usize, width: usize) {
        match self {
            Self::List(items) if !items.is_empty() => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    line(out, index, (depth + 1) * width);
                    item.indented(out, depth + 1, width);
                }
                line(out, 0, depth * width);
                out.push(']');
            }
            Self::Object(members) if !members.is_empty() => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    line(out, index, (depth + 1) * width);
                    quote(out, name);
                    out.push_str(": ");
                    value.indented(out, depth + 1, width);
                }
                line(out, 0, depth * width);
                out.push('}');
            }
            other => other.dense(out),
        }
    }

    fn spaced(&self, out: &mut String, depth: usize) {
        match self {
            Self::List(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "[ " } else { ", " });
                    item.spaced(out, depth);
                }
                out.push_str(" ]");
            }
            Self::Object(members) if !members.is_empty() => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    line(out, index, (depth + 1) * 2);
                    quote(out, name);
                    out.push_str(" : ");
                    value.spaced(out, depth + 1);
                }
                line(out, 0, depth * 2);
                out.push('}');
            }
            other => other.dense(out),
        }
    }

    fn dense(&self, out: &mut String) {
        match self {
            Self::Text(text) => quote(out, text),
            Self::Number(number) => out.push_str(&number.to_string()),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    comma(out, index);
                    item.dense(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    comma(out, index);
                    quote(out, name);
                    out.push(':');
                    value.dense(out);
                }
                out.push('}');
            }
        }
    }
}

fn comma(out: &mut String, index: usize) {
    if index > 0 {
        out.push(',');
    }
}

fn line(out: &mut String, index: usize, blanks: usize) {
    comma(out, index);
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', blanks));
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
    out.push('"');
}
