//! Questions whose answers the export fixes: about the caller, about the key, or about both.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::aws::{Nature, condition_key};
use crate::decision::ContextValue;
use crate::policy::{Effect, Principal};

use super::formula::{Atom, Formula, Formulas, Kinds};
use super::test::{Operand, Piece, Test};

/// A question about the caller or the key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Question {
    /// A test of a condition key that the export fixes, or with variables over such keys.
    Test {
        /// The test.
        test: Test,
        /// How the policy looks at the key.
        sight: Sight,
    },
    /// Whether a `Resource` value covers what is requested.
    Resource(ResourcePattern),
    /// Whether an entry of a Principal element means the caller in one of these classes.
    Names(Principal, Classes),
    /// Whether the list of a NotPrincipal Deny spares the caller (rules A46, A47).
    Spares(Box<[Principal]>),
}

/// How a policy looks at a condition key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Sight {
    /// It sees it.
    Plain,
    /// A key policy does not see it (rule C56), which AWS leaves open (O9).
    Hidden,
    /// It counts against the caller when nobody knows (rule C57, for a Deny).
    OfDeny,
    /// Both of the last two.
    HiddenOfDeny,
}

impl Sight {
    /// Rule C56.
    pub(super) fn is_hidden(self) -> bool {
        matches!(self, Self::Hidden | Self::HiddenOfDeny)
    }

    /// Whether the statement denies.
    pub(super) fn denies(self) -> bool {
        matches!(self, Self::OfDeny | Self::HiddenOfDeny)
    }
}

/// A `Resource` value in its parts (rule A61), at most six.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct ResourcePattern {
    /// The parts, which many patterns share; variables stand in the sixth alone (rule A64).
    pub(super) parts: Box<[Arc<[Piece]>]>,
    /// Whether missing parts of a short pattern are `*` (rule A63).
    pub(super) filled: bool,
}

/// The classes in which a statement can mean a caller, by what they need beside it (rule E20).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Classes {
    /// P1, P2, P3, P7 and services: nothing.
    Direct,
    /// P4, P5: what boundary and session policies leave.
    Limited,
    /// P6: an identity Allow as well.
    Account,
    /// Any of them.
    Any,
}

impl Classes {
    /// Whether an entry can mean anybody in one of them.
    pub(super) fn can_hold(self, entry: &Principal) -> bool {
        let classes: &[Self] = match entry {
            Principal::Anyone
            | Principal::AssumedRole(_)
            | Principal::FederatedUser(_)
            | Principal::Service(_) => &[Self::Direct],
            Principal::Role(_) => &[Self::Limited],
            // A session of the user is limited, and so is one that the provider vouches for.
            Principal::User(_) | Principal::UniqueId(_) | Principal::Federated(_) => {
                &[Self::Direct, Self::Limited]
            }
            // The root user is meant directly.
            Principal::Account { .. } => &[Self::Direct, Self::Account],
            Principal::CanonicalUser(_) | Principal::Invalid(_) | Principal::Unresolved(_) => &[],
        };
        classes.contains(&self) || self == Self::Any
    }
}

/// What is known of a condition key at some stage.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Known {
    /// Its value; nothing where it is absent.
    Value(Option<ContextValue>),
    /// The request brings it.
    OfRequest,
    /// Another stage knows it.
    NotYet,
    /// Nobody can tell.
    Untold(Untold),
}

impl Known {
    /// Not exported, in words.
    pub(super) fn missing(what: impl Into<Box<str>>) -> Self {
        Self::Untold(Untold::Missing(what.into()))
    }
}

/// Why nobody can tell what something says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Untold {
    /// A cap keeps it from being told: nothing of it is missing.
    Capped,
    /// It was not exported, in the words of `missing`.
    Missing(Box<str>),
}

impl Untold {
    /// What is missing.
    pub(super) fn missing(self) -> Option<String> {
        match self {
            Self::Missing(what) => Some(what.into_string()),
            Self::Capped => None,
        }
    }
}

/// Where a key's value comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Stage {
    Request,
    Key,
    Caller,
}

fn stage(key: &str) -> Stage {
    match condition_key(key).map(|info| info.nature) {
        Some(Nature::Principal) => Stage::Caller,
        Some(Nature::Key | Nature::Region) => Stage::Key,
        _ => Stage::Request,
    }
}

impl Test {
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.values.iter().flat_map(Operand::variables)
    }

    /// Whether it asks of a caller no more than its account and kind.
    pub(super) fn is_of_account(&self) -> bool {
        const OF_ACCOUNT: [&str; 7] = [
            "aws:principalaccount",
            "kms:calleraccount",
            "aws:principalorgid",
            "aws:principalorgpaths",
            "aws:principaltype",
            "aws:principalisawsservice",
            "aws:principalservicename",
        ];
        let of_request = |key: &str| stage(key) != Stage::Caller || OF_ACCOUNT.contains(&key);
        of_request(&self.key) && self.variables().all(of_request)
    }

    /// Whether no variable stands in it.
    pub(super) fn is_fixed(&self) -> bool {
        self.variables().next().is_none()
    }

    /// The condition keys in it that what is asked for fixes, each once.
    pub(super) fn key_names(&self) -> impl Iterator<Item = &str> {
        let names: BTreeSet<&str> = self.variables().chain([&*self.key]).collect();
        names.into_iter().filter(|name| stage(name) == Stage::Key)
    }

    /// The atom that asks it, by the last stage that must speak.
    pub(super) fn asked(self, sight: Sight) -> Atom {
        self.asked_of(sight, &|key| match stage(key) {
            Stage::Request => Known::OfRequest,
            Stage::Key | Stage::Caller => Known::NotYet,
        })
    }

    /// The atom that asks it of the stages that have not spoken yet.
    pub(super) fn asked_of(self, sight: Sight, known: &dyn Fn(&str) -> Known) -> Atom {
        let of_later = |key: &str| match known(key) {
            Known::NotYet => stage(key),
            _ => Stage::Request,
        };
        let last = self.variables().map(of_later).max().max(Some(of_later(&self.key)));
        match last {
            Some(Stage::Caller) => Atom::Caller(Question::Test { test: self, sight }),
            Some(Stage::Key) => Atom::Key(Question::Test { test: self, sight }),
            _ => Atom::Request(self),
        }
    }
}

impl ResourcePattern {
    /// The condition keys that stand in it as variables.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        variables(self.parts.iter().flat_map(|part| &**part))
    }
}

impl Operand {
    pub(super) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        let (one, parts): (&[Piece], &[Box<[Piece]>]) = match self {
            Self::Text(pieces) => (pieces, &[]),
            Self::Arn(parts) => (&[], parts),
            Self::AnyArn => (&[], &[]),
        };
        one.iter().chain(parts.iter().flatten())
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        variables(self.pieces())
    }
}

pub(super) fn variables<'a>(
    pieces: impl Iterator<Item = &'a Piece>,
) -> impl Iterator<Item = &'a str> {
    pieces.filter_map(|piece| match piece {
        Piece::Variable { key, .. } => Some(&**key),
        _ => None,
    })
}

impl ResourcePattern {
    /// The atom that asks whether it covers the requested resource.
    pub(super) fn asked(self) -> Atom {
        let mut keys = variables(self.parts.iter().flat_map(|part| &**part));
        let of_caller = keys.any(|key| stage(key) == Stage::Caller);
        drop(keys);
        let question = Question::Resource(self);
        if of_caller { Atom::Caller(question) } else { Atom::Key(question) }
    }
}

/// What something that was not exported says when it is asked `about`; `taken` is what a decision takes
/// that for. Only equal questions to it have equal answers: what allows may deny as well.
pub(super) fn missing(
    formulas: &Formulas,
    what: impl Into<Box<str>>,
    about: impl Hash,
    taken: bool,
) -> Formula {
    untold(formulas, Untold::Missing(what.into()), about, taken)
}

/// The same of anything that nobody can tell.
pub(super) fn untold(formulas: &Formulas, why: Untold, about: impl Hash, taken: bool) -> Formula {
    formulas.of(Atom::Untold { why, about: digest(about), taken, is_written: true })
}

/// Something that a cap keeps from being told.
pub(super) fn undecided(formulas: &Formulas, about: impl Hash) -> Formula {
    untold(formulas, Untold::Capped, about, false)
}

/// Whether a statement that nobody wrote stands in a policy that is not known: see `Standing::Unwritten`.
pub(super) fn unwritten(formulas: &Formulas, what: Box<str>, index: usize, taken: bool) -> Formula {
    let (why, about) = (Untold::Missing(what), digest(("statement", index)));
    formulas.of(Atom::Untold { why, about, taken, is_written: false })
}

/// A formula without the statements that nobody wrote.
pub(super) fn as_written(formulas: &Formulas, formula: Formula) -> Formula {
    formulas.replaced(formula, Kinds::UNTOLD, &mut |_, atom, holds| match atom {
        Atom::Untold { is_written: false, .. } => Some(Formula::constant(!holds)),
        _ => None,
    })
}

fn digest(about: impl Hash) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    about.hash(&mut hasher);
    hasher.finish()
}

/// Whether a policy that was not exported allows.
pub(super) fn missing_allow(formulas: &Formulas, what: impl Into<Box<str>>) -> Formula {
    missing(formulas, what, Effect::Allow, false)
}

/// Whether a policy that was not exported denies, which says nothing of whether it allows.
pub(super) fn missing_deny(formulas: &Formulas, what: impl Into<Box<str>>) -> Formula {
    missing(formulas, what, Effect::Deny, false)
}
