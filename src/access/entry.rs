//! Condition entries as formulas: what is static becomes questions, the rest tests of the request.

use crate::aws::condition_key;
use crate::aws::condition_keys::is_multivalued;
use crate::policy::{
    Comparison, Condition, Effect, Operator, Part, Polarity, PolicyKind, Unresolved, Value,
    Variables, parts,
};

use super::formula::{Formula, Formulas};
use super::masked::Masked;
use super::question::{Sight, missing};
use super::resolve::push;
use super::spellings::folded;
use super::statement::taken;
use super::test::{Operand, Piece, Test};
use super::word::Word;

/// How a statement looks at a request.
#[derive(Clone, Copy)]
pub(super) struct Lens {
    /// The kind of its policy.
    pub(super) kind: PolicyKind,
    /// Whether `${...}` is a variable.
    pub(super) variables: Variables,
    /// What it does.
    pub(super) effect: Effect,
}

/// When one condition entry holds (rules C1, C2), for each action.
pub(super) fn holds<S: Word>(formulas: &Formulas, lens: Lens, condition: &Condition) -> Masked<S> {
    let key = folded(&condition.key.value);
    let values = operands(condition, lens.variables);
    let mut operator = condition.operator.value;
    // What is negated under one plain operator is the negation of the other.
    let is_text = matches!(
        operator.comparison,
        Comparison::StringEquals
            | Comparison::StringEqualsIgnoreCase
            | Comparison::StringLike
            | Comparison::ArnLike
    );
    let plain = operator.quantifier.is_none() && !operator.if_exists && !is_multivalued(&key);
    let negated = is_text && plain && operator.polarity == Polarity::IsNot;
    if negated {
        operator.polarity = Polarity::Is;
    }
    let test = Test { key: key.clone(), operator, values, of_grant: false };
    let turn = |formula: Formula| if negated { formulas.not(formula) } else { formula };
    // Rule C6: a key that does not accompany the action is missing.
    let without = turn(Formula::constant(test.holds(None, &|_| None)));
    let carrying = S::carrying(&key);
    let sight = sight(lens, &test);
    let mut known = turn(formulas.of(test.asked(sight)));
    for value in &condition.values {
        match &value.value {
            Value::Unresolved(value) => {
                known = with_unknown(formulas, known, condition, value, lens);
            }
            Value::Text(text) => {
                if let Some(may) = doubt(formulas, condition, text, lens) {
                    known = with_doubt(formulas, known, may, condition.operator.value.polarity);
                }
            }
        }
    }
    let with = Masked::of(carrying, known);
    with.or(formulas, &Masked::of(S::ALL.without(carrying), without))
}

/// A value that nobody resolved could match what its shape matches, and could fail to.
fn with_unknown(
    formulas: &Formulas,
    known: Formula,
    condition: &Condition,
    value: &Unresolved,
    lens: Lens,
) -> Formula {
    let operator = condition.operator.value;
    let about = (&condition.key.value, operator, &value.shape);
    let taken = taken(lens.effect, operator.polarity);
    let what = missing(formulas, value.expression.clone(), about, taken);
    let asked = |test: Test| {
        let sight = sight(lens, &test);
        formulas.of(test.asked(sight))
    };
    // Rules C10 to C18, C30, C32, C33: where the key is missing it does not matter what the value is.
    let present = match operator.comparison {
        Comparison::Null => Formula::TRUE,
        _ => asked(Test::present(&folded(&condition.key.value))),
    };
    let like = like_its_shape(condition, value, lens).map_or(Formula::TRUE, asked);
    with_doubt(formulas, known, formulas.and([what, present, like]), operator.polarity)
}

/// When a value that a decision reads as matching nothing could match all the same; nothing where it is sure
/// not to.
fn doubt(formulas: &Formulas, condition: &Condition, text: &str, lens: Lens) -> Option<Formula> {
    let operator = condition.operator.value;
    let key = folded(&condition.key.value);
    let about = (&key, operator, text);
    if *key == *"kms:viaservice" && text.ends_with(CHINA) {
        let what = "how kms:ViaService ends in China (O30)";
        let what = missing(formulas, what, about, false);
        let present = formulas.of(Test::present(&key).asked(Sight::Plain));
        return Some(formulas.and([what, present]));
    }
    // Rule C23 counts the parts as they are written; AWS may once the variables are put in.
    let pieces = pieces(text, lens.variables, Stars::Wild)?;
    let is_filled = pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. }));
    if operator.comparison != Comparison::ArnLike || !is_filled || arn_parts(text).len() == 6 {
        return None;
    }
    let what = "how an ARN is read that a policy variable brings whole (C23)";
    let what = missing(formulas, what, about, false);
    // Of several values each may match another way.
    if operator.quantifier.is_some() || is_multivalued(&key) {
        return Some(what);
    }
    let plain = Operator { comparison: Comparison::StringLike, polarity: Polarity::Is, ..operator };
    let values = Box::from([Operand::Text(pieces)]);
    let test = Test { key, operator: plain, values, of_grant: false };
    let sight = sight(lens, &test);
    Some(formulas.and([what, formulas.of(test.asked(sight))]))
}

/// What is known of a condition, where one more of its values may match.
fn with_doubt(formulas: &Formulas, known: Formula, may: Formula, polarity: Polarity) -> Formula {
    match polarity {
        Polarity::Is => formulas.or([known, may]),
        Polarity::IsNot => formulas.and([known, formulas.not(may)]),
    }
}

/// What some policies for China take `kms:ViaService` to end in; KMS documents another ending (rule C53).
const CHINA: &str = ".amazonaws.com.cn";

/// Whether the key is like what is known of a value; nothing where that says nothing.
fn like_its_shape(condition: &Condition, value: &Unresolved, lens: Lens) -> Option<Test> {
    let operator = condition.operator.value;
    let comparison = match operator.comparison {
        Comparison::StringEquals | Comparison::StringLike => Comparison::StringLike,
        Comparison::ArnLike if value.shape.matches(':').nth(4).is_some() => Comparison::ArnLike,
        _ => return None,
    };
    let key = folded(&condition.key.value);
    if operator.quantifier.is_some() || is_multivalued(&key) || *value.shape == *"*" {
        return None;
    }
    let operator = Operator { comparison, polarity: Polarity::Is, ..operator };
    let values = operand(comparison, &value.shape, lens.variables)?;
    Some(Test { key, operator, values: Box::from([values]), of_grant: false })
}

/// Rule C56.
pub(super) fn is_hidden_from_key_policies(key: &str) -> bool {
    condition_key(key).is_some_and(|info| info.missing_in_key_policy)
}

fn sight(lens: Lens, test: &Test) -> Sight {
    // A key policy sees such a key in a policy variable as little as anywhere else.
    let hidden = lens.kind == PolicyKind::Key && test.key_names().any(is_hidden_from_key_policies);
    let of_deny = lens.effect == Effect::Deny && *test.key == *"kms:resourcealiases";
    match (hidden, of_deny) {
        (true, true) => Sight::HiddenOfDeny,
        (true, false) => Sight::Hidden,
        (false, true) => Sight::OfDeny,
        (false, false) => Sight::Plain,
    }
}

/// The values that are known, as operands.
fn operands(condition: &Condition, variables: Variables) -> Box<[Operand]> {
    let comparison = condition.operator.value.comparison;
    let texts = condition.values.iter().filter_map(|value| value.value.text());
    let mut all: Vec<Operand> =
        texts.filter_map(|text| operand(comparison, text, variables)).collect();
    all.sort_unstable();
    all.dedup();
    all.into()
}

/// One value; nothing where it can match nothing (rules C23, C40).
fn operand(comparison: Comparison, text: &str, variables: Variables) -> Option<Operand> {
    let literal = |text: &str| Operand::Text(Box::from([Piece::Text(text.into())]));
    match comparison {
        Comparison::StringLike => pieces(text, variables, Stars::Wild).map(Operand::Text),
        // Rule C21.
        Comparison::StringEquals | Comparison::StringEqualsIgnoreCase | Comparison::Bool => {
            pieces(text, variables, Stars::Text).map(Operand::Text)
        }
        // Rules C18, C23.
        Comparison::ArnLike if text == "*" => Some(Operand::AnyArn),
        Comparison::ArnLike => {
            let parts = arn_parts(text);
            let parts = parts.into_iter().map(|part| pieces(part, variables, Stars::Wild));
            let parts: Option<Vec<_>> = parts.collect();
            parts.filter(|parts| parts.len() == 6).map(|parts| Operand::Arn(parts.into()))
        }
        // Rule C41: no variables in the others.
        _ => Some(literal(text)),
    }
}

/// What `*` and `?` mean where a text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stars {
    /// Wildcards.
    Wild,
    /// Themselves.
    Text,
}

/// The pieces of a text; nothing where a variable of a multi-valued key has no default (rule C40).
pub(super) fn pieces(text: &str, variables: Variables, stars: Stars) -> Option<Box<[Piece]>> {
    let mut out = Vec::new();
    for part in parts(text, variables) {
        let piece = match part {
            Part::Text(text) => Piece::Text(text.into()),
            Part::AnyRun if stars == Stars::Wild => Piece::AnyRun,
            Part::AnyOne if stars == Stars::Wild => Piece::AnyOne,
            Part::AnyRun => Piece::Text("*".into()),
            Part::AnyOne => Piece::Text("?".into()),
            Part::Variable { key, default } if is_multivalued(key) => Piece::Text(default?.into()),
            Part::Variable { key, default } => {
                Piece::Variable { key: folded(key), default: default.map(Into::into) }
            }
        };
        push(&mut out, piece);
    }
    Some(out.into())
}

/// The parts of an ARN at its first five colons outside `${...}`.
fn arn_parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::with_capacity(6);
    let (mut rest, mut from) = (text, 0);
    while parts.len() < 5 {
        let Some(at) = rest.get(from..).and_then(|tail| tail.find([':', '$'])) else { break };
        let at = from + at;
        let tail = rest.get(at..).unwrap_or_default();
        if tail.starts_with("${") {
            // An unclosed one is text (rule C47).
            from = at + tail.find('}').unwrap_or(1) + 1;
        } else if tail.starts_with('$') {
            from = at + 1;
        } else {
            parts.push(rest.get(..at).unwrap_or_default());
            rest = rest.get(at + 1..).unwrap_or_default();
            from = 0;
        }
    }
    parts.push(rest);
    parts
}
