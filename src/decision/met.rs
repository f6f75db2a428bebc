//! What a printed condition says of a request, read from its words alone, as an auditor reads them: neither
//! engine has a part in it.

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ipnet::IpNet;

use crate::aws::{Arn, ValueType, condition_key};

use super::instant::w3c;
use super::{Condition, Context, ContextValue, Words};

impl Condition {
    /// Whether a request with this context meets the condition; nothing where a relation is no known one.
    pub fn is_met(&self, context: &Context) -> Option<bool> {
        let each = |parts: &[Self]| -> Option<Vec<bool>> {
            parts.iter().map(|part| part.is_met(context)).collect()
        };
        match self {
            Self::All(parts) => Some(!each(parts)?.contains(&false)),
            Self::Any(parts) => Some(each(parts)?.contains(&true)),
            Self::Test(words) => Line { words, context }.holds(),
        }
    }
}

/// One test beside the request it is asked of.
struct Line<'a> {
    words: &'a Words,
    context: &'a Context,
}

/// An operator of AWS with one polarity, as words name it.
type Relation = (&'static str, bool);

impl Line<'_> {
    fn holds(&self) -> Option<bool> {
        let value = value(self.context, &self.words.key);
        let relation = &*self.words.relation;
        match relation {
            "is present" => return Some(value.is_some()),
            "is absent" => return Some(value.is_none()),
            _ => {}
        }
        if let Some(name) = relation.strip_prefix("does not satisfy ") {
            return Some(!self.satisfies(name, value.as_ref()));
        }
        if let Some(name) = relation.strip_prefix("satisfies ") {
            return Some(self.satisfies(name, value.as_ref()));
        }
        // Rule G21: a grant takes a pair in whatever spelling.
        let some = relation.strip_prefix("in some spelling ");
        if let Some(which) = some.or_else(|| relation.strip_prefix("in no spelling ")) {
            let (operator, positive) = self.relation(which)?;
            let is_so = |value: &ContextValue| match value {
                ContextValue::One(value) => self.any(operator, value) == positive,
                ContextValue::Many(_) => false,
            };
            let entries = self.context.entries();
            let mut same = entries.filter(|it| it.name.eq_ignore_ascii_case(&self.words.key));
            return Some(same.any(|entry| is_so(&entry.value)) == some.is_some());
        }
        if let Some(which) = relation.strip_prefix("in its spellings has ") {
            let (which, holds) = match which.strip_prefix("not ") {
                Some(which) => (which, false),
                None => (which, true),
            };
            return Some(self.has_together(which)? == holds);
        }
        let some = relation.strip_prefix("has a value ");
        if let Some(which) = some.or_else(|| relation.strip_prefix("has no value ")) {
            return Some(self.has(which, value.as_ref())? == some.is_some());
        }
        let (operator, positive) = self.relation(relation)?;
        let Some(ContextValue::One(value)) = value else { return Some(!positive) };
        Some(self.any(operator, &value) == positive)
    }

    /// Rules G20, G21: whether the pair has these values in all its spellings together, or these and no other.
    fn has_together(&self, which: &str) -> Option<bool> {
        let entries = self.context.entries();
        let same = entries.filter(|it| it.name.eq_ignore_ascii_case(&self.words.key));
        let mut values: Vec<&str> =
            same.flat_map(|entry| entry.value.values()).map(AsRef::as_ref).collect();
        let mut wanted: Vec<&str> = self.words.values.iter().map(AsRef::as_ref).collect();
        match which {
            "all of" => Some(wanted.iter().all(|wanted| values.contains(wanted))),
            "just" => {
                values.sort_unstable();
                wanted.sort_unstable();
                Some(values == wanted)
            }
            _ => None,
        }
    }

    /// Whether some value of the set is so; a set of empty texts has none (rule C32).
    fn has(&self, which: &str, value: Option<&ContextValue>) -> Option<bool> {
        let (operator, positive) = match (which.strip_prefix("that "), which) {
            (Some(relation), _) => self.relation(relation)?,
            (None, "in") => ("StringEquals", true),
            (None, "outside") => ("StringEquals", false),
            (None, _) => return None,
        };
        let values = value.map_or(&[][..], ContextValue::values);
        let is_so = |value: &str| self.any(operator, value) == positive;
        let has_text = values.iter().any(|value| !value.is_empty());
        Some(has_text && values.iter().any(|value| is_so(value)))
    }

    /// The operator by its own name, with all that AWS lays down for it.
    fn satisfies(&self, name: &str, value: Option<&ContextValue>) -> bool {
        let (set, name) = match name.split_once(':') {
            Some((set, name)) => (Some(set), name),
            None => (None, name),
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let positive = !name.contains("Not");
        let name = name.replace("Not", "");
        let Some(value) = value else {
            return if_exists || set.map_or(!positive, |set| set == "ForAllValues");
        };
        let values = value.values();
        let empty = values.iter().all(|value| value.is_empty());
        let one = |value: &str| {
            let is = |operand: &str| self.compared(&name, value, operand);
            let mut operands = self.words.values.iter().map(|operand| &**operand);
            match positive {
                true => operands.any(|operand| is(operand) == Some(true)),
                // Rule C24: what cannot be read satisfies no operator.
                false => operands.all(|operand| is(operand) == Some(false)),
            }
        };
        match (set, value) {
            (Some("ForAllValues"), _) => empty || values.iter().all(|value| one(value)),
            (Some(_), _) => !empty && values.iter().any(|value| one(value)),
            (None, ContextValue::One(value)) => one(value),
            (None, ContextValue::Many(_)) => false,
        }
    }

    fn relation(&self, relation: &str) -> Option<Relation> {
        Some(match relation {
            "is" | "is in" => (self.equals(), true),
            "is not" | "is not in" => (self.equals(), false),
            "is, in any case," | "is, in any case, in" => ("StringEqualsIgnoreCase", true),
            "is not, in any case," | "is not, in any case, in" => ("StringEqualsIgnoreCase", false),
            "matches" | "matches one of" => ("StringLike", true),
            "does not match" | "matches none of" => ("StringLike", false),
            "matches as ARN" | "matches as ARN one of" => ("ArnLike", true),
            "does not match as ARN" | "matches as ARN none of" => ("ArnLike", false),
            "has the bytes" => ("BinaryEquals", true),
            "has not the bytes" => ("BinaryEquals", false),
            _ => {
                let (sign, positive) = match relation.strip_prefix("is not ") {
                    Some(sign) => (sign, false),
                    None => (relation, true),
                };
                let is_date = self.kind() == ValueType::Date;
                let operator = match sign {
                    "<" if is_date => "DateLessThan",
                    "<=" if is_date => "DateLessThanEquals",
                    ">" if is_date => "DateGreaterThan",
                    ">=" if is_date => "DateGreaterThanEquals",
                    "<" => "NumericLessThan",
                    "<=" => "NumericLessThanEquals",
                    ">" => "NumericGreaterThan",
                    ">=" => "NumericGreaterThanEquals",
                    _ => return None,
                };
                (operator, positive)
            }
        })
    }

    fn kind(&self) -> ValueType {
        condition_key(&self.words.key).map_or(ValueType::String, |info| info.value)
    }

    /// What `is` means of such a key.
    fn equals(&self) -> &'static str {
        match self.kind() {
            ValueType::String | ValueType::Arn => "StringEquals",
            ValueType::Bool => "Bool",
            ValueType::Numeric => "NumericEquals",
            ValueType::Date => "DateEquals",
            ValueType::IpAddress => "IpAddress",
        }
    }

    fn any(&self, operator: &str, value: &str) -> bool {
        let is = |operand: &str| self.compared(operator, value, operand) == Some(true);
        self.words.values.iter().any(|operand| is(operand))
    }

    /// Whether a value is so to one operand; nothing where one of the two cannot be read.
    fn compared(&self, operator: &str, value: &str, operand: &str) -> Option<bool> {
        let text = |wild| self.pattern(operand, wild);
        let is = |text: Option<Vec<Token>>| Some(text.is_some_and(|text| takes(&text, value)));
        match operator {
            "StringEquals" => is(text(false)),
            "StringLike" => is(text(true)),
            "StringEqualsIgnoreCase" => {
                let folded = |text: &str| text.to_lowercase();
                Some(text(false).is_some_and(|text| folded(&plain(&text)) == folded(value)))
            }
            "Bool" => {
                let read = |text: &str| text.to_ascii_lowercase().parse::<bool>().ok();
                let operand = text(false).and_then(|text| read(&plain(&text)));
                Some(read(value)? == operand?)
            }
            "ArnLike" => Some(self.takes_arn(value, operand)),
            "BinaryEquals" => {
                Some(BASE64.decode(operand).ok().is_some_and(|it| BASE64.decode(value) == Ok(it)))
            }
            "IpAddress" => {
                let block = operand.parse::<IpNet>().ok();
                let block = block.or_else(|| operand.parse::<IpAddr>().ok().map(IpNet::from))?;
                Some(block.contains(&value.parse::<IpAddr>().ok()?))
            }
            _ => {
                let read = if operator.starts_with("Date") { instant } else { number };
                let order = read(value)?.partial_cmp(&read(operand)?)?;
                Some(match operator.trim_start_matches("Date").trim_start_matches("Numeric") {
                    "Equals" => order == Ordering::Equal,
                    "LessThan" => order == Ordering::Less,
                    "LessThanEquals" => order != Ordering::Greater,
                    "GreaterThan" => order == Ordering::Greater,
                    "GreaterThanEquals" => order != Ordering::Less,
                    _ => return None,
                })
            }
        }
    }

    /// Part by part (rule C18); the lone `*` takes every ARN.
    fn takes_arn(&self, value: &str, operand: &str) -> bool {
        if Arn::parse(value).is_none() {
            return false;
        }
        let Some(pattern) = self.pattern(operand, true) else { return false };
        if pattern == [Token::Run] {
            return true;
        }
        let mut parts = vec![Vec::new()];
        for token in pattern {
            if token == Token::Char(':') && parts.len() < 6 {
                parts.push(Vec::new());
            } else if let Some(last) = parts.last_mut() {
                last.push(token);
            }
        }
        let values: Vec<&str> = value.splitn(6, ':').collect();
        parts.len() == values.len()
            && parts.iter().zip(values).all(|(part, value)| takes(part, value))
    }

    /// The operand with its variables put in; nothing where one has neither value nor default.
    fn pattern(&self, operand: &str, wild: bool) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        let mut rest = operand;
        while let Some((first, behind)) = first_of(rest) {
            if let Some((inner, behind)) =
                rest.strip_prefix("${").and_then(|rest| rest.split_once('}'))
            {
                rest = behind;
                if matches!(inner, "*" | "?" | "$") {
                    tokens.extend(inner.chars().map(Token::Char));
                    continue;
                }
                let (key, default) = match inner.split_once(", '") {
                    Some((key, default)) => (key, default.strip_suffix('\'')),
                    None => (inner, None),
                };
                let put = match value(self.context, key) {
                    Some(ContextValue::One(value)) => value.to_string(),
                    _ => default?.to_owned(),
                };
                tokens.extend(put.chars().map(Token::Char));
                continue;
            }
            rest = behind;
            tokens.push(match first {
                '*' if wild => Token::Run,
                '?' if wild => Token::One,
                other => Token::Char(other),
            });
        }
        Some(tokens)
    }
}

#[derive(PartialEq)]
enum Token {
    Char(char),
    One,
    Run,
}

fn first_of(text: &str) -> Option<(char, &str)> {
    let mut rest = text.chars();
    Some((rest.next()?, rest.as_str()))
}

/// The characters of a text without wildcards.
fn plain(tokens: &[Token]) -> String {
    let character = |token: &Token| match token {
        Token::Char(one) => Some(*one),
        Token::One | Token::Run => None,
    };
    tokens.iter().filter_map(character).collect()
}

/// Whether a text is of a pattern: the last run that was met is as long as it has to be.
fn takes(pattern: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut from) = (0, 0);
    let mut run: Option<(usize, usize)> = None;
    while from < text.len() || at < pattern.len() {
        let is_next = match (pattern.get(at), text.get(from)) {
            (Some(Token::Run), _) => {
                run = Some((at, from));
                at += 1;
                continue;
            }
            (Some(Token::One), Some(_)) => true,
            (Some(Token::Char(one)), Some(other)) => one == other,
            _ => false,
        };
        if is_next {
            (at, from) = (at + 1, from + 1);
            continue;
        }
        match run {
            Some((star, begun)) if begun < text.len() => {
                run = Some((star, begun + 1));
                (at, from) = (star + 1, begun + 1);
            }
            _ => return false,
        }
    }
    true
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Seconds since 1970 (rule C14).
fn instant(text: &str) -> Option<f64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return number(text);
    }
    let (seconds, fraction) = w3c(text)?;
    Some(seconds as f64 + number(&format!("0.{fraction}"))?)
}

/// The value of a key; the names of the pairs follow from the pairs (rule C52).
fn value(context: &Context, key: &str) -> Option<ContextValue> {
    if let Some(entry) = context.get(key) {
        return Some(entry.value.clone());
    }
    if !key.eq_ignore_ascii_case("kms:EncryptionContextKeys") {
        return None;
    }
    let pairs = context.with_prefix("kms:EncryptionContext:");
    let names: Vec<Box<str>> = pairs.map(|(name, _)| name.into()).collect();
    (!names.is_empty()).then_some(ContextValue::Many(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(key: &str, relation: &str, values: &[&str]) -> Condition {
        let values = values.iter().map(|value| (*value).into()).collect();
        Condition::Test(Words { key: key.into(), relation: relation.into(), values })
    }

    #[test]
    fn g20_the_values_of_all_spellings_together() {
        let given = |pairs: &[(&str, &str)]| {
            let mut context = Context::default();
            pairs.iter().for_each(|(name, value)| {
                context.set_one(&format!("kms:EncryptionContext:{name}"), value);
            });
            context
        };
        let is_met = |relation: &str, pairs: &[(&str, &str)]| {
            let relation = format!("in its spellings {relation}");
            test("kms:EncryptionContext:app", &relation, &["x", "y"]).is_met(&given(pairs))
        };
        let both = [("app", "y"), ("APP", "x")];
        let more = [("app", "y"), ("APP", "x"), ("App", "y")];
        for (pairs, just, all) in
            [(&both[..], true, true), (&more, false, true), (&both[..1], false, false)]
        {
            assert_eq!(is_met("has just", pairs), Some(just), "{pairs:?}");
            assert_eq!(is_met("has not just", pairs), Some(!just), "{pairs:?}");
            assert_eq!(is_met("has all of", pairs), Some(all), "{pairs:?}");
        }
    }

    #[test]
    fn patterns_are_matched_in_whole_and_fast() {
        let context = |value: &str| {
            let mut context = Context::default();
            context.set_one("kms:ViaService", value);
            context
        };
        let cases = [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acb", false),
            ("a?c", "ac", false),
            ("*b*b", "abab", true),
            ("", "a", false),
        ];
        for (pattern, value, expected) in cases {
            let condition = test("kms:ViaService", "matches", &[pattern]);
            assert_eq!(condition.is_met(&context(value)), Some(expected), "{pattern} {value}");
        }
        let slow = test("kms:ViaService", "matches", &[&"*a".repeat(40)]);
        assert_eq!(slow.is_met(&context(&format!("{}b", "a".repeat(4000)))), Some(false));
    }

    #[test]
    fn c14_instants_are_read_to_the_letter() {
        let after = |operand: &str| {
            let mut context = Context::default();
            context.set_one("aws:TokenIssueTime", "2021-01-01T00:00:00Z");
            test("aws:TokenIssueTime", ">", &[operand]).is_met(&context)
        };
        // Four digits are seconds, not a year.
        for operand in ["2020-12-31T23:59:59.9Z", "2099", "2020-12"] {
            assert_eq!(after(operand), Some(true), "{operand}");
        }
        for operand in ["2021-01-01T00:00:00.0001Z", "1609459200"] {
            assert_eq!(after(operand), Some(false), "{operand}");
        }
    }

    #[test]
    fn an_unknown_relation_says_nothing() {
        let strange = test("a", "is like", &["x"]);
        assert_eq!(strange.is_met(&Context::default()), None);
        let either = Condition::Any(vec![test("a", "is absent", &[]), strange]);
        assert_eq!(either.is_met(&Context::default()), None);
    }
}
