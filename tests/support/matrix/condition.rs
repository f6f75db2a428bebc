//! What a printed condition says of a request, read from its words alone: neither engine has a part in it.

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ipnet::IpNet;
use jiff::Timestamp;
use keyreach::aws::{Arn, ValueType, condition_key};
use keyreach::decision::{Condition, Context, ContextValue, Words};

/// Whether a request with this context meets the condition.
pub fn is_met(condition: &Condition, context: &Context) -> bool {
    match condition {
        Condition::All(parts) => parts.iter().all(|part| is_met(part, context)),
        Condition::Any(parts) => parts.iter().any(|part| is_met(part, context)),
        Condition::Test(words) => Line { words, context }.holds(),
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
    fn holds(&self) -> bool {
        let value = value(self.context, &self.words.key);
        let relation = &*self.words.relation;
        match relation {
            "is present" => return value.is_some(),
            "is absent" => return value.is_none(),
            _ => {}
        }
        if let Some(name) = relation.strip_prefix("does not satisfy ") {
            return !self.satisfies(name, value.as_ref());
        }
        if let Some(name) = relation.strip_prefix("satisfies ") {
            return self.satisfies(name, value.as_ref());
        }
        let some = relation.strip_prefix("has a value ");
        if let Some(which) = some.or_else(|| relation.strip_prefix("has no value ")) {
            return self.has(which, value.as_ref()) == some.is_some();
        }
        let (operator, positive) = self.relation(relation);
        let Some(ContextValue::One(value)) = value else { return !positive };
        self.any(operator, &value) == positive
    }

    /// Whether some value of the set is so; a set of empty texts has none (rule C32).
    fn has(&self, which: &str, value: Option<&ContextValue>) -> bool {
        let (operator, positive) = match which.strip_prefix("that ") {
            Some(relation) => self.relation(relation),
            None if which == "in" => ("StringEquals", true),
            None if which == "outside" => ("StringEquals", false),
            None => panic!("{:?}", self.words),
        };
        let values = value.map_or(&[][..], ContextValue::values);
        values.iter().any(|value| !value.is_empty())
            && values.iter().any(|value| self.any(operator, value) == positive)
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

    fn relation(&self, relation: &str) -> Relation {
        match relation {
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
                    _ => panic!("{:?}", self.words),
                };
                (operator, positive)
            }
        }
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
                    _ => panic!("{operator}"),
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
            match token {
                Token::Char(':') if parts.len() < 6 => parts.push(Vec::new()),
                token => parts.last_mut().unwrap().push(token),
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
                    tokens.push(Token::Char(inner.chars().next().unwrap()));
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

fn takes(pattern: &[Token], text: &str) -> bool {
    let Some((first, others)) = pattern.split_first() else { return text.is_empty() };
    let mut rest = text.chars();
    match first {
        Token::Run => takes(others, text) || rest.next().is_some() && takes(pattern, rest.as_str()),
        Token::One => rest.next().is_some() && takes(others, rest.as_str()),
        Token::Char(one) => rest.next() == Some(*one) && takes(others, rest.as_str()),
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Seconds since 1970, or a date of the W3C forms (rule C14).
fn instant(text: &str) -> Option<f64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() > 4 {
        return number(text);
    }
    let whole = match text.len() {
        4 => format!("{text}-01-01T00:00Z"),
        7 => format!("{text}-01T00:00Z"),
        10 => format!("{text}T00:00Z"),
        _ => text.to_owned(),
    };
    Some(whole.parse::<Timestamp>().ok()?.as_second() as f64)
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
