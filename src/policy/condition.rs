//! Condition entries and their operators (section 2 of the semantics).

use crate::source::{Located, Span};

use super::{Polarity, Value};

/// One operator with one condition key and its values.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The operator, with where its name stands.
    pub operator: Located<Operator>,
    /// The condition key as written; compared without case (rule C4).
    pub key: Located<Box<str>>,
    /// The values; one that matches is enough (rule C1).
    pub values: Vec<Located<Value>>,
    /// From the key to behind the values.
    pub span: Span,
}

/// An operator: `ForAnyValue:StringNotLikeIfExists` in its parts (rule C39).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Operator {
    /// The set operator.
    pub quantifier: Option<Quantifier>,
    /// What is compared.
    pub comparison: Comparison,
    /// `IsNot` for the operators with `Not` in their names (rule C2).
    pub polarity: Polarity,
    /// Whether a missing key makes it true (rule C30).
    pub if_exists: bool,
}

/// A set operator (rules C32, C33).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Quantifier {
    /// `ForAllValues`.
    ForAllValues,
    /// `ForAnyValue`.
    ForAnyValue,
}

/// What an operator compares (rules C10 to C19), `Not` aside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Comparison {
    /// Exact text.
    StringEquals,
    /// Text without case.
    StringEqualsIgnoreCase,
    /// Text against a pattern.
    StringLike,
    /// Equal numbers.
    NumericEquals,
    /// A smaller number.
    NumericLessThan,
    /// A smaller or equal number.
    NumericLessThanEquals,
    /// A greater number.
    NumericGreaterThan,
    /// A greater or equal number.
    NumericGreaterThanEquals,
    /// Equal instants.
    DateEquals,
    /// An earlier instant.
    DateLessThan,
    /// An earlier or equal instant.
    DateLessThanEquals,
    /// A later instant.
    DateGreaterThan,
    /// A later or equal instant.
    DateGreaterThanEquals,
    /// `true` or `false`.
    Bool,
    /// Bytes in base64.
    BinaryEquals,
    /// An address in a block.
    IpAddress,
    /// An ARN against a pattern, part by part; `ArnEquals` and `ArnLike` are the same (rule C18).
    ArnLike,
    /// Whether the key is there at all.
    Null,
}

impl Comparison {
    /// Whether texts are compared as such: a value of a policy is one text, or a pattern (rules C10 to C12, C18).
    pub fn is_of_texts(self) -> bool {
        use Comparison::{ArnLike, StringEquals, StringEqualsIgnoreCase, StringLike};
        matches!(self, StringEquals | StringEqualsIgnoreCase | StringLike | ArnLike)
    }
}

/// Every operator name without quantifier and `IfExists`.
const NAMES: [(&str, Comparison, Polarity); 27] = [
    ("StringEquals", Comparison::StringEquals, Polarity::Is),
    ("StringNotEquals", Comparison::StringEquals, Polarity::IsNot),
    ("StringEqualsIgnoreCase", Comparison::StringEqualsIgnoreCase, Polarity::Is),
    ("StringNotEqualsIgnoreCase", Comparison::StringEqualsIgnoreCase, Polarity::IsNot),
    ("StringLike", Comparison::StringLike, Polarity::Is),
    ("StringNotLike", Comparison::StringLike, Polarity::IsNot),
    ("NumericEquals", Comparison::NumericEquals, Polarity::Is),
    ("NumericNotEquals", Comparison::NumericEquals, Polarity::IsNot),
    ("NumericLessThan", Comparison::NumericLessThan, Polarity::Is),
    ("NumericLessThanEquals", Comparison::NumericLessThanEquals, Polarity::Is),
    ("NumericGreaterThan", Comparison::NumericGreaterThan, Polarity::Is),
    ("NumericGreaterThanEquals", Comparison::NumericGreaterThanEquals, Polarity::Is),
    ("DateEquals", Comparison::DateEquals, Polarity::Is),
    ("DateNotEquals", Comparison::DateEquals, Polarity::IsNot),
    ("DateLessThan", Comparison::DateLessThan, Polarity::Is),
    ("DateLessThanEquals", Comparison::DateLessThanEquals, Polarity::Is),
    ("DateGreaterThan", Comparison::DateGreaterThan, Polarity::Is),
    ("DateGreaterThanEquals", Comparison::DateGreaterThanEquals, Polarity::Is),
    ("Bool", Comparison::Bool, Polarity::Is),
    ("BinaryEquals", Comparison::BinaryEquals, Polarity::Is),
    ("IpAddress", Comparison::IpAddress, Polarity::Is),
    ("NotIpAddress", Comparison::IpAddress, Polarity::IsNot),
    ("ArnLike", Comparison::ArnLike, Polarity::Is),
    ("ArnNotLike", Comparison::ArnLike, Polarity::IsNot),
    ("ArnEquals", Comparison::ArnLike, Polarity::Is),
    ("ArnNotEquals", Comparison::ArnLike, Polarity::IsNot),
    ("Null", Comparison::Null, Polarity::Is),
];

impl Operator {
    /// Reads an operator name without case (rules C3, C20, C39); nothing for one that AWS does not know.
    pub fn parse(name: &str) -> Option<Self> {
        let (quantifier, rest) = match name.split_once(':') {
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAllValues") => {
                (Some(Quantifier::ForAllValues), rest)
            }
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAnyValue") => {
                (Some(Quantifier::ForAnyValue), rest)
            }
            Some(_) => return None,
            None => (None, name),
        };
        let (base, if_exists) = match strip_suffix_ignoring_case(rest, "IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let (_, comparison, polarity) =
            NAMES.iter().copied().find(|(known, ..)| known.eq_ignore_ascii_case(base))?;
        // Rule C30: Null has no IfExists. Rule C39: a set operator before Null says nothing.
        match comparison {
            Comparison::Null if if_exists => None,
            Comparison::Null => Some(Self { quantifier: None, comparison, polarity, if_exists }),
            _ => Some(Self { quantifier, comparison, polarity, if_exists }),
        }
    }

    /// The operator's name as AWS spells it; `ArnEquals` reads `ArnLike`, which is the same.
    pub fn name(self) -> String {
        let set = match self.quantifier {
            Some(Quantifier::ForAllValues) => "ForAllValues:",
            Some(Quantifier::ForAnyValue) => "ForAnyValue:",
            None => "",
        };
        let base = NAMES
            .iter()
            .find(|(_, comparison, polarity)| {
                (*comparison, *polarity) == (self.comparison, self.polarity)
            })
            .map_or("", |(name, ..)| name);
        let if_exists = if self.if_exists { "IfExists" } else { "" };
        format!("{set}{base}{if_exists}")
    }
}

fn strip_suffix_ignoring_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    let (head, tail) = text.split_at_checked(at)?;
    tail.eq_ignore_ascii_case(suffix).then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c3_c39_operator_names_are_read_in_parts() {
        let operator = Operator::parse("foranyvalue:stringnotlikeifexists").expect("known");
        assert_eq!(operator.name(), "ForAnyValue:StringNotLikeIfExists");
        assert_eq!(Operator::parse("ForAllValues:Null").expect("known").name(), "Null");
        assert_eq!(Operator::parse("ArnEquals").expect("known").name(), "ArnLike");
    }

    #[test]
    fn c20_c30_operators_that_do_not_exist() {
        for name in [
            "BoolNotEquals",
            "BinaryNotEquals",
            "IpAddressLike",
            "NullIfExists",
            "ForSome:Bool",
            "",
            "StringEquals:ForAnyValue",
        ] {
            assert!(Operator::parse(name).is_none(), "{name}");
        }
    }

    #[test]
    fn every_name_reads_back() {
        for (name, ..) in NAMES {
            let operator = Operator::parse(name).expect("known");
            assert_eq!(Operator::parse(&operator.name()), Some(operator));
        }
    }
}
