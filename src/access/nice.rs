//! Texts that a reader likes better than the shortest: those that policies name, and plain words.

use crate::policy::Comparison;

use super::compare::{literal, text};
use super::range::{Form, Range, write};
use super::test::{Operand, Piece, Test};

/// Addresses for documentation, which hardly any block names.
pub(super) const ADDRESSES: [&str; 3] = ["203.0.113.10", "198.51.100.10", "2001:db8::10"];

/// Texts to try for a range, best first.
pub(super) fn texts(range: &Range, tests: &[&Test]) -> Vec<Box<str>> {
    let mut found = mentioned(tests);
    let others: &[&str] = match range {
        Range::Texts { forms, .. } if forms.contains(&Form::Arn) => {
            &["arn:aws:s3:::other", "arn:aws:sns:eu-west-1:111122223333:other"]
        }
        Range::Texts { forms, .. } if forms.contains(&Form::Account) => {
            &["111122223333", "999999999999"]
        }
        Range::Texts { forms, .. } if forms.contains(&Form::like("?*.amazonaws.com")) => {
            &["s3.eu-west-1.amazonaws.com", "ec2.eu-west-1.amazonaws.com", "other.amazonaws.com"]
        }
        Range::Texts { forms, .. } if forms.contains(&Form::organization()) => &["o-other00000"],
        Range::Texts { forms, .. } if forms.contains(&Form::Place) => &["o-other00000/r-root/"],
        Range::Addresses => &ADDRESSES,
        Range::Numbers(whole) => {
            let least = [whole.from, whole.from + 1];
            found.extend(least.into_iter().filter_map(|it| write(it, whole.written)));
            &[]
        }
        Range::Texts { .. } | Range::Finite(_) => &["other", "x"],
    };
    found.extend(others.iter().map(|text| Box::from(*text)));
    found
}

/// What the operands name, wildcards filled in.
pub(super) fn mentioned(tests: &[&Test]) -> Vec<Box<str>> {
    let operands = || tests.iter().filter(|test| test.operator.comparison != Comparison::Null);
    let operands = || operands().flat_map(|test| &test.values);
    let mut found: Vec<Box<str>> = operands().filter_map(literal).map(Box::from).collect();
    for (run, one) in [("x", "x"), ("other", "a"), ("", "x")] {
        let filled = |operand| Some(filled(operand, run, one)?.into());
        found.extend(operands().filter(|operand| literal(operand).is_none()).filter_map(filled));
    }
    found
}

fn filled(operand: &Operand, run: &str, one: &str) -> Option<String> {
    match operand {
        Operand::Text(pieces) => Some(fill(pieces, run, one)),
        Operand::AnyArn => Some(format!("arn:aws:s3:::{run}")),
        Operand::Arn(parts) => {
            // The first part is `arn` or no ARN matches (rule C23).
            let others = parts.iter().skip(1).map(|part| fill(part, run, one));
            Some(std::iter::once("arn".to_owned()).chain(others).collect::<Vec<_>>().join(":"))
        }
    }
}

fn fill(pieces: &[Piece], run: &str, one: &str) -> String {
    let part = |piece: &Piece| -> String {
        match piece {
            Piece::Text(text) => text.to_string(),
            Piece::AnyRun | Piece::Variable { .. } => run.to_owned(),
            Piece::AnyOne => one.to_owned(),
        }
    };
    pieces.iter().map(part).collect()
}

/// Patterns of texts filled so that they can be addresses.
pub(super) fn filled_addresses(tests: &[&Test]) -> Vec<Box<str>> {
    let patterns = || tests.iter().flat_map(|test| &test.values).filter_map(text);
    let runs = ["1", "0.1", "0.0.1", "10.0.0.1", ":1", "::1", "1:1"];
    let fillings = runs.iter().flat_map(|run| patterns().map(|pieces| fill(pieces, run, "1")));
    fillings.map(Box::from).collect()
}
