//! What statements of callers' own policies say of keys: asked again for every key, and answered once for those
//! that say the same to their questions.

use std::sync::Arc;

use crate::aws::ActionSet;
use crate::policy::PolicyDocument;
use crate::source::FileId;

use super::asked::Asked;
use super::census::Census;
use super::classes::{CallerIx, KeyAnswers, KeyIx, Questions};
use super::formula::{AtomId, Formula, Kinds};
use super::library::World;
use super::masked::Masked;
use super::matrix::OwnerIx;
use super::owner::Owner;

/// A policy, as the library knows it.
type Body = (usize, FileId);

/// A statement of a caller's own policies, by its index.
pub(super) type Speech = (CallerIx, Body, usize);

/// What a statement of a caller's own policies says to it.
pub(super) struct Said {
    /// When it applies.
    applies: Masked,
    /// What keys say to each of its questions.
    answers: Vec<(AtomId, Arc<KeyAnswers>)>,
    /// Whether the answers settle all that hangs on a key: it asks for its ARN alone.
    is_settled: bool,
}

/// What is left of it for some keys.
#[derive(Clone, Copy)]
pub(super) enum Heard {
    /// It never applies.
    Nothing,
    /// A side that consists of it.
    Side(OwnerIx),
    /// It may apply.
    Something,
}

impl Census<'_> {
    /// What a statement of a caller's own policies says of a key, as far as both are told.
    pub(super) fn heard(
        &self,
        world: &World<'_>,
        (document, index): (&PolicyDocument, usize),
        caller: CallerIx,
        key: KeyIx,
    ) -> Option<Heard> {
        // The library keeps every policy that it is asked for, and so no other has its identity.
        let speech = (caller, (document.identity(), document.place.file), index);
        let said = self.said.get(speech, |_| {
            let subject = self.subject(world, caller)?;
            let statement = world.statement(document, index);
            let applies = statement.mapped(|formula| world.with_caller(formula, &subject));
            let questions = Questions::of(world, std::iter::once(&applies), Kinds::KEY);
            let answers =
                questions.ids.iter().map(|id| (*id, self.matrix.keys.answers(world, *id)));
            let answers = answers.collect();
            let is_settled = questions.personal.is_empty()
                && !world.has(&applies, Kinds::ALIAS)
                && world.inventory.endpoints.is_empty();
            Some(Arc::new(Said { applies, answers, is_settled }))
        })?;
        let told = self.matrix.said(world, &said.answers, key);
        let key = *self.matrix.keys.keys.get(key as usize)?;
        Some(self.heard.get((speech, told), |(_, told)| {
            let ids = said.answers.iter().map(|(id, _)| *id);
            let answers: Vec<(AtomId, Formula)> = ids.zip(told.iter().copied()).collect();
            let answered = |formula| world.formulas.answered(formula, Kinds::KEY, &answers);
            let direct = said.applies.mapped(answered);
            if direct.is_never() {
                return Heard::Nothing;
            }
            if !said.is_settled {
                return Heard::Something;
            }
            let nothing = Owner::of_nothing(world, Asked::Key(key), ActionSet::ALL);
            Heard::Side(self.matrix.owner_sides.intern(Owner { direct, ..nothing }))
        }))
    }
}
