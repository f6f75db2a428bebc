//! A pattern is handed to an operator that compares literally.

use crate::aws::condition_key;
use crate::findings::Fix;
use crate::policy::{
    Comparison, Condition, Operator, Part, Polarity, Statement, Value, Variables, parts,
};
use crate::source::Located;

use super::fixing::{of_statement, replaced};
use super::presence::{GIVES, conditioned, needs_key};
use super::report::Sink;
use super::{Documented, Rule, Scope};

/// See the rule's page.
pub(super) struct WildcardWithoutLike;

impl Rule for WildcardWithoutLike {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        let variables = document.document.policy().version.into();
        for of in conditioned(scope, document) {
            for condition in &of.statement.conditions {
                let patterns = patterns(condition, variables);
                if let Some(first) = patterns.first() {
                    let whole = patterns.len() == condition.values.len();
                    tell(document, (of.statement, condition, first), whole, sink);
                }
            }
        }
    }
}

/// The values of a condition that are patterns and are compared literally.
pub(super) fn patterns(condition: &Condition, variables: Variables) -> Vec<&Located<Value>> {
    let is_pattern = |value: &&Located<Value>| has_wildcard(value.value.text(), variables);
    let literal = compares_literally(condition);
    condition.values.iter().filter(|_| literal).filter(is_pattern).collect()
}

/// Whether the operator takes `*` and `?` as characters (rule C21), and no value of the condition key ever
/// has one of the two.
fn compares_literally(condition: &Condition) -> bool {
    /// What somebody writes freely, in which both are ordinary characters.
    const FREE: [&str; 5] =
        ["kms:EncryptionContext", "kms:PolicyName", "aws:UserAgent", "aws:referer", "${Provider}"];
    let exact = [Comparison::StringEquals, Comparison::StringEqualsIgnoreCase];
    let known = condition_key(&condition.key.value);
    exact.contains(&condition.operator.value.comparison)
        && known.is_some_and(|info| !FREE.iter().any(|free| info.name.starts_with(free)))
}

fn has_wildcard(text: Option<&str>, variables: Variables) -> bool {
    text.is_some_and(|text| {
        parts(text, variables).any(|part| matches!(part, Part::AnyRun | Part::AnyOne))
    })
}

/// The operator with `Like`; where the statement has it already, two of one name would stand there, and one
/// that takes no account of case has no such sister.
fn fix(
    document: &Documented<'_>,
    statement: &Statement,
    condition: &Condition,
    like: &Operator,
) -> Option<Fix> {
    let operator = condition.operator.value;
    let is_there = statement.conditions.iter().any(|other| other.operator.value == *like);
    if is_there || operator.comparison != Comparison::StringEquals {
        return None;
    }
    let access = of_statement(document, statement);
    let names = (operator.name(), like.name());
    Some(replaced(document, access, condition.operator.span, (&names.0, &names.1)))
}

fn tell(
    document: &Documented<'_>,
    (statement, condition, value): (&Statement, &Condition, &Located<Value>),
    whole: bool,
    sink: &mut Sink<'_>,
) {
    let (name, operator) = (&*condition.key.value, condition.operator.value);
    // Whether a request without the condition key fails the condition.
    let needed = needs_key(condition);
    let follows = match (operator.polarity, needed, statement.denies()) {
        _ if !whole => "the value matches nothing",
        (Polarity::Is, true, false) => "the Allow gives nothing",
        (Polarity::Is, true, true) => "the Deny stops nothing",
        (Polarity::Is, false, false) => "the Allow is for requests without the key alone",
        (Polarity::Is, false, true) => "the Deny stops requests without the key alone",
        (Polarity::IsNot, true, _) => "every request with the key meets the condition",
        (Polarity::IsNot, false, false) => "the condition limits nothing",
        (Polarity::IsNot, false, true) => "the Deny stops every request",
    };
    let text = value.value.text().unwrap_or_default();
    let message = format!(
        "{} compares {name} with `{text}` character by character in {}: {follows}",
        operator.name(),
        document.name
    );
    let like = Operator { comparison: Comparison::StringLike, ..operator };
    let subject = format!("{} {}", document.subject, name.to_ascii_lowercase());
    let mut report = sink
        .report(subject, message)
        .of_statement(document.document, statement)
        .at(document.document.place, Some(value.span), "no value has such a character")
        .help(format!("write `{}`, which takes `*` and `?` as wildcards", like.name()))
        .fix(fix(document, statement, condition, &like));
    if let Some(key) = document.key {
        report = report.key(&key.arn);
    }
    match (whole, operator.polarity, statement.denies()) {
        (true, Polarity::Is, false) if needed => {
            report = report.refutes(&GIVES).explains_there(&["redundant-statement"]);
        }
        (true, Polarity::IsNot, true) if !needed => {
            report =
                report.explains_there(&["deny-exemption-never-matches", "deny-locks-out-everyone"]);
        }
        _ => {}
    }
    report.done();
}
