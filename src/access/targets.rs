//! What the Allow statements of identity policies name as resources.

use std::collections::BTreeSet;
use std::fmt;

use rustc_hash::FxHashSet;

use super::formula::{Atom, Formula, Formulas, Kinds, Node};
use super::question::{Question, ResourcePattern};
use super::test::Piece;

/// What the Allow statements of identity policies name as resources of one action.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ControlTargets {
    /// Whether some statement allows it on resources that no pattern here takes: `*`, or `NotResource`.
    pub everything: bool,
    /// The patterns of `Resource` as policies write them, what is known of the caller put in; sorted.
    pub patterns: BTreeSet<Box<str>>,
}

/// The atoms of questions about the resource.
const BOTH: Kinds = Kinds::KEY.and(Kinds::CALLER);

impl ControlTargets {
    /// Every resource, whatever it is called.
    pub(super) fn everything() -> Self {
        Self { everything: true, patterns: BTreeSet::new() }
    }

    /// What the formula of all Allow statements names: each is an Or of patterns beside its conditions.
    pub(super) fn of(formulas: &Formulas, allowed: Formula) -> Self {
        let mut patterns = BTreeSet::new();
        let (mut open, mut seen) = (vec![allowed], FxHashSet::default());
        while let Some(formula) = open.pop() {
            match formulas.node(formula) {
                Node::And(parts) | Node::Or(parts) => {
                    open.extend(parts.iter().filter(|part| seen.insert(**part)));
                }
                Node::Literal { atom, holds: true } => {
                    if let Some(pattern) = asked(formulas.atom(*atom)) {
                        patterns.insert(pattern.to_string().into());
                    }
                }
                _ => {}
            }
        }
        let elsewhere = formulas.replaced(allowed, BOTH, &mut |_, atom, holds| {
            asked(atom).map(|_| Formula::constant(!holds))
        });
        Self { everything: elsewhere != Formula::FALSE, patterns }
    }
}

fn asked(atom: &Atom) -> Option<&ResourcePattern> {
    match atom {
        Atom::Key(Question::Resource(pattern)) | Atom::Caller(Question::Resource(pattern)) => {
            Some(pattern)
        }
        _ => None,
    }
}

impl fmt::Display for ResourcePattern {
    /// As policies write it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, part) in self.parts.iter().enumerate() {
            if nth > 0 {
                out.write_str(":")?;
            }
            for piece in &**part {
                match piece {
                    Piece::Text(text) => out.write_str(text)?,
                    Piece::AnyRun => out.write_str("*")?,
                    Piece::AnyOne => out.write_str("?")?,
                    Piece::Variable { key, default: None } => write!(out, "${{{key}}}")?,
                    Piece::Variable { key, default: Some(text) } => {
                        write!(out, "${{{key}, '{text}'}}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
