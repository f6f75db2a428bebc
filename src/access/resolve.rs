//! What is left of a question once a stage has spoken: a constant, or a test of what comes later.

use std::sync::Arc;

use crate::decision::ContextValue;
use crate::policy::{Comparison, Operator, Polarity};

use super::filled;
use super::formula::{Atom, Formula, Formulas};
use super::question::{
    Known, Question, ResourcePattern, Sight, Untold, undecided, untold, variables,
};
use super::test::{Operand, Piece, Test};

/// A piece of text, a pattern, with what a stage knows put in.
enum Put {
    /// It may still have variables of other stages.
    Pieces(Box<[Piece]>),
    /// A variable has neither value nor default: it matches nothing (rules A65, C42).
    Nothing,
    /// Nobody knows.
    Untold(Untold),
}

fn put(pieces: &[Piece], known: &dyn Fn(&str) -> Known) -> Put {
    let mut out: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let Piece::Variable { key, default } = piece else {
            push(&mut out, piece.clone());
            continue;
        };
        match known(key) {
            Known::Value(Some(ContextValue::One(value))) => push(&mut out, Piece::Text(value)),
            // Rule C40: a multi-valued key as variable has no value.
            Known::Value(_) => match default {
                Some(default) => push(&mut out, Piece::Text(default.clone())),
                None => return Put::Nothing,
            },
            Known::OfRequest | Known::NotYet => out.push(piece.clone()),
            Known::Untold(why) => return Put::Untold(why),
        }
    }
    Put::Pieces(out.into())
}

/// Adds a piece; neighbouring texts become one.
pub(super) fn push(out: &mut Vec<Piece>, piece: Piece) {
    match (out.last_mut(), piece) {
        (_, Piece::Text(text)) if text.is_empty() => {}
        (Some(Piece::Text(before)), Piece::Text(text)) => {
            *before = format!("{before}{text}").into();
        }
        (_, piece) => out.push(piece),
    }
}

/// What an operand becomes with what a stage knows; nothing where it matches nothing any more.
fn put_operand(
    operand: &Operand,
    known: &dyn Fn(&str) -> Known,
) -> Result<Option<Operand>, Untold> {
    let of = |put: Put| match put {
        Put::Pieces(pieces) => Ok(Some(pieces)),
        Put::Nothing => Ok(None),
        Put::Untold(why) => Err(why),
    };
    match operand {
        Operand::AnyArn => Ok(Some(Operand::AnyArn)),
        Operand::Text(pieces) => Ok(of(put(pieces, known))?.map(Operand::Text)),
        Operand::Arn(parts) => {
            let mut all = Vec::with_capacity(parts.len());
            for part in parts {
                match of(put(part, known))? {
                    Some(part) => all.push(part),
                    None => return Ok(None),
                }
            }
            Ok(Some(Operand::Arn(all.into())))
        }
    }
}

/// What a test says once a stage has spoken: a constant, or a test of what is left.
pub(super) fn resolved_test(
    formulas: &Formulas,
    test: &Test,
    sight: Sight,
    known: &dyn Fn(&str) -> Known,
) -> Formula {
    let mut values = Vec::with_capacity(test.values.len());
    let mut lost = Vec::new();
    for operand in &test.values {
        match put_operand(operand, known) {
            Ok(operand) => values.extend(operand),
            Err(why) => lost.push((why, operand)),
        }
    }
    values.sort_unstable();
    values.dedup();
    let left = Test { values: values.into(), ..test.clone() };
    let told = || filled_test(formulas, &left, sight, known);
    match (lost.first(), test.operator.quantifier) {
        (None, _) => told(),
        (Some((why, _)), Some(_)) => untold_value(formulas, why.clone(), test),
        // Rules C1, C2: each value of the policy for itself, of which those that are known may decide.
        (Some(_), None) => {
            let alone =
                |operand: &Operand| Test { values: [operand.clone()].into(), ..test.clone() };
            let lost = lost.iter().map(|(why, it)| untold_value(formulas, why.clone(), &alone(it)));
            let rest = (!left.values.is_empty()).then(told);
            match test.operator.polarity {
                Polarity::Is => formulas.or(lost.chain(rest)),
                Polarity::IsNot => formulas.and(lost.chain(rest)),
            }
        }
    }
}

/// The same, once what the stage knows is put into the operands.
fn filled_test(
    formulas: &Formulas,
    left: &Test,
    sight: Sight,
    known: &dyn Fn(&str) -> Known,
) -> Formula {
    let value = match known(&left.key) {
        Known::Untold(why) => return untold_value(formulas, why, left),
        Known::NotYet | Known::OfRequest => {
            return formulas.of(left.clone().asked_of(sight, known));
        }
        Known::Value(value) => value,
    };
    match value {
        Some(value) if left.variables().next().is_some() => {
            filled::inverted(formulas, left, &value, known)
        }
        value => Formula::constant(left.holds(value.as_ref(), &|_| None)),
    }
}

/// What a test says of a value that nobody can tell.
fn untold_value(formulas: &Formulas, why: Untold, test: &Test) -> Formula {
    untold(formulas, why, test, test.holds(None, &|_| None))
}

impl ResourcePattern {
    /// Whether it covers the account form of rule A68, `rest` with the Region left out: a test of the
    /// Region, which the request brings.
    pub(super) fn in_region(
        &self,
        formulas: &Formulas,
        rest: &str,
        region: &str,
        known: &dyn Fn(&str) -> Known,
    ) -> Formula {
        const ANY: &[Piece] = &[Piece::AnyRun];
        let without: Box<[Arc<[Piece]>]> = self
            .parts
            .iter()
            .enumerate()
            .map(|(nth, part)| if nth == 3 { ANY.into() } else { part.clone() })
            .collect();
        let without = Self { parts: without, filled: self.filled };
        let rest = resolved_resource(formulas, &without, Some(rest), known);
        let of_region = match self.parts.get(3).map(|part| &**part) {
            None | Some(ANY) => return rest,
            Some(part) => part,
        };
        let operator = Operator {
            quantifier: None,
            comparison: Comparison::StringLike,
            polarity: Polarity::Is,
            if_exists: false,
        };
        let values = Box::from([Operand::Text(of_region.into())]);
        let test = Test { key: region.into(), operator, values, of_grant: false };
        formulas.and([rest, formulas.of(Atom::Request(test))])
    }
}

/// What a resource pattern says once a stage has spoken; `resource` is what is requested, where the stage
/// knows that.
pub(super) fn resolved_resource(
    formulas: &Formulas,
    pattern: &ResourcePattern,
    resource: Option<&str>,
    known: &dyn Fn(&str) -> Known,
) -> Formula {
    if variables(pattern.parts.iter().flat_map(|part| &**part)).next().is_none() {
        return match resource {
            Some(resource) => covers(formulas, pattern, resource),
            None => formulas.of(Atom::Key(Question::Resource(pattern.clone()))),
        };
    }
    let mut parts = Vec::with_capacity(pattern.parts.len());
    for part in &pattern.parts {
        match put(part, known) {
            Put::Pieces(pieces) => parts.push(pieces.into()),
            // Rule A65.
            Put::Nothing => return Formula::FALSE,
            Put::Untold(why) => return untold(formulas, why, pattern, false),
        }
    }
    let left = ResourcePattern { parts: parts.into(), filled: pattern.filled };
    let Some(resource) = resource else {
        // What is left of the variables is the request's, or of the key.
        return formulas.of(Atom::Key(Question::Resource(left)));
    };
    if left.variables().next().is_none() {
        return covers(formulas, &left, resource);
    }
    // Rule A64: variables stand in the last part, so all parts are there.
    let texts = resource.splitn(6, ':');
    let goals: Vec<_> = left.parts.iter().map(|part| &**part).zip(texts).collect();
    filled::resource(formulas, &goals, known).unwrap_or_else(|| undecided(formulas, &left))
}

/// Rules A61, A63; which of the two readings holds for short patterns AWS leaves open (O28).
fn covers(formulas: &Formulas, pattern: &ResourcePattern, resource: &str) -> Formula {
    let text: Vec<&str> = resource.splitn(6, ':').collect();
    if pattern.parts.len() >= 6 {
        return Formula::constant(part_by_part(&pattern.parts, &text));
    }
    let filled = pattern.filled && part_by_part(&pattern.parts, &text);
    if filled || !crossing(&pattern.parts, &text) {
        return Formula::constant(filled);
    }
    formulas.not(formulas.of(Atom::Open(crate::decision::OpenPoint::O28)))
}

fn part_matches(part: &[Piece], text: &str) -> bool {
    super::glob::takes(part, text, &|_| None)
}

/// Each part takes its own; parts that are not there take anything.
fn part_by_part(parts: &[Arc<[Piece]>], text: &[&str]) -> bool {
    parts.iter().zip(text).all(|(part, text)| part_matches(part, text))
}

/// Rule A61: a `*` that ends a part may run on across colons.
fn crossing(parts: &[Arc<[Piece]>], text: &[&str]) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return text.is_empty();
    };
    let Some((first, after)) = text.split_first() else {
        return false;
    };
    if !part_matches(part, first) {
        return false;
    }
    if part.last() != Some(&Piece::AnyRun) {
        return crossing(rest, after);
    }
    (0..=after.len()).any(|swallowed| crossing(rest, after.get(swallowed..).unwrap_or_default()))
}
