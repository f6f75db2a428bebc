//! The body of a request: `application/x-www-form-urlencoded`.

use std::collections::BTreeMap;

/// The parameters by name; of one that stands twice the last counts.
#[derive(Debug)]
pub(in crate::serve) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a body; nothing where it is no form.
    pub(in crate::serve) fn parse(body: &[u8]) -> Option<Self> {
        let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        let pair = |pair: &[u8]| {
            let at = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = pair.split_at_checked(at.unwrap_or(pair.len()))?;
            Some((decoded(name)?, decoded(value.strip_prefix(b"=").unwrap_or(value))?))
        };
        pairs.map(pair).collect::<Option<_>>().map(Self)
    }

    /// The value of a parameter.
    pub(in crate::serve) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The members of a list of structures, in order: for each the value of `field`, which is empty for
    /// a list of texts.
    pub(super) fn members(&self, list: &str, field: &str) -> Vec<&str> {
        let name = |number: usize| match field {
            "" => format!("{list}.member.{number}"),
            _ => format!("{list}.member.{number}.{field}"),
        };
        (1..=self.0.len()).map_while(|number| self.get(&name(number))).collect()
    }
}

fn decoded(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            _ => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded() {
        let form = Form::parse(b"Action=AssumeRole&A=a+b%2Fc%C3%A9&Empty=&Bare").expect("a form");
        let get = |name| form.get(name);
        assert_eq!((get("Action"), get("A")), (Some("AssumeRole"), Some("a b/cé")));
        assert_eq!((get("Empty"), get("Bare"), get("None")), (Some(""), Some(""), None));
    }

    #[test]
    fn lists_are_read_in_order() {
        let form = Form::parse(b"T.member.2.Key=b&T.member.1.Key=a&T.member.4.Key=d&K.member.1=x");
        let form = form.expect("a form");
        assert_eq!(form.members("T", "Key"), ["a", "b"]);
        assert_eq!(form.members("K", ""), ["x"]);
    }

    #[test]
    fn what_is_cut_off_is_no_form() {
        for body in [&b"a=%4"[..], b"a=%zz", b"a=%ff"] {
            assert!(Form::parse(body).is_none(), "{body:?}");
        }
    }
}
