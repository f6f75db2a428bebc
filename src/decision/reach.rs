//! The one question of the rules: who can do what with which key, now or after an edit.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::inventory::{Edit, Grant, Inventory};
use crate::policy::{Element, PolicyDocument};
use crate::source::{Place, Span};

use super::{
    Caller, Citation, ControlRequest, Decision, Denials, Fates, Gate, Gift, Holders, Holding,
    Meant, Request, Target,
};

/// One (principal, key, permission).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cell {
    /// The principal; a role stands for any session of it (rule U6).
    pub principal: Caller,
    /// The key.
    pub key: KeyArn,
    /// The permission.
    pub action: KmsAction,
}

impl Cell {
    /// The request for it without any context.
    pub fn plain_request(&self) -> Request {
        let target = Target::Key(self.key.clone());
        Request::plain(self.principal.clone(), self.action, target)
    }
}

/// What holds for every request of a [`Cell`] that AWS could send.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Each is allowed.
    Always {
        /// One of them.
        witness: Box<Request>,
    },
    /// Some are allowed, some are not.
    Conditional {
        /// One that is allowed.
        witness: Box<Request>,
        /// One that is denied.
        counter: Box<Request>,
    },
    /// None is allowed.
    Never {
        /// One of them, chosen so that the allowing statements match where there are any.
        counter: Box<Request>,
    },
    /// Not decidable.
    Unknown(Unknown),
}

/// A verdict that is not known, with bounds that hold whatever the truth is.
#[derive(Clone, Debug)]
pub struct Unknown {
    /// The least it can be.
    pub at_least: Bound,
    /// The most it can be.
    pub at_most: Bound,
    /// A request that is allowed as far as is known.
    pub witness: Option<Box<Request>>,
    /// Why it is not known.
    pub why: BTreeSet<Why>,
}

/// One of the three verdicts, in order of what they allow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Bound {
    /// No request is allowed.
    Never,
    /// Some requests are allowed.
    Conditional,
    /// Every request is allowed.
    Always,
}

impl Bound {
    /// `never`, `conditional` or `always`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Conditional => "conditional",
            Self::Always => "always",
        }
    }
}

/// Whether some request of a cell is allowed, in order of what that lets hope for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Chance {
    /// None is, whatever is missing.
    No,
    /// One might be, if something that is not told says so.
    Perhaps,
    /// One is as far as is told; something that is not told could deny it.
    AsTold,
    /// One is, whatever is missing.
    Sure,
}

/// Why a verdict is not known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    /// Something was not exported; in the words of `missing`.
    Missing(String),
    /// A point that AWS leaves open: `O1`.
    Open(&'static str),
    /// The engine's cap was reached.
    Undecided,
}

impl Verdict {
    /// The least it can be.
    pub fn at_least(&self) -> Bound {
        match self {
            Self::Always { .. } => Bound::Always,
            Self::Conditional { .. } => Bound::Conditional,
            Self::Never { .. } => Bound::Never,
            Self::Unknown(unknown) => unknown.at_least,
        }
    }

    /// The most it can be.
    pub fn at_most(&self) -> Bound {
        match self {
            Self::Always { .. } => Bound::Always,
            Self::Conditional { .. } => Bound::Conditional,
            Self::Never { .. } => Bound::Never,
            Self::Unknown(unknown) => unknown.at_most,
        }
    }

    /// Whether some request is allowed for certain.
    pub fn reaches(&self) -> bool {
        self.at_least() > Bound::Never
    }

    /// Whether no request can be allowed, whatever is missing.
    pub fn is_never(&self) -> bool {
        self.at_most() == Bound::Never
    }

    /// A request that is allowed.
    pub fn witness(&self) -> Option<&Request> {
        match self {
            Self::Always { witness } | Self::Conditional { witness, .. } => Some(witness),
            Self::Never { .. } => None,
            Self::Unknown(unknown) => unknown.witness.as_deref(),
        }
    }
}

/// Something that may allow: a statement of a policy, or a grant.
#[derive(Clone, Copy, Debug)]
pub enum Allowing<'a> {
    /// A statement, by its index.
    Statement(&'a PolicyDocument, usize),
    /// A grant of the key.
    Grant(&'a Grant),
}

/// What becomes of an Allow statement or a grant for one cell.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It applies to no request of the cell.
    NeverApplies,
    /// It applies to some request that no Deny stops.
    Free(Box<Request>),
    /// Every request it applies to is denied explicitly, whatever is missing.
    Denied {
        /// One of them.
        request: Box<Request>,
        /// The gates whose Deny statements stop them.
        gates: BTreeSet<Gate>,
        /// The Deny statements.
        by: Vec<Citation>,
    },
    /// Not decidable, or what is missing decides.
    Unknown,
}

/// An engine that answers for cells. Rules ask it and never learn which engine it is.
///
/// Ask of everyone first, by groups ([`Reach::holders`], [`Reach::meant`]) or by whole sets of actions
/// ([`Reach::holding`], [`Reach::fates`], [`Reach::would_hold`]): such answers are made once for all callers
/// and keys whose policies say the same, and come without witnesses. Ask for a cell, a witness or a
/// decision where there is something to report.
pub trait Reach: Sync {
    /// The world it answers for.
    fn world(&self) -> &Inventory;

    /// Groups of callers that share every answer on `key`, with what they hold of `wanted`: everyone who might
    /// hold some of it. Strangers aside, who is not there holds nothing. In order of the first of each.
    fn holders(&self, key: &KeyArn, wanted: ActionSet) -> Vec<Holders>;

    /// Whether it finds what is held of all actions as quickly as what is held of one.
    fn holds_all_at_once(&self) -> bool {
        false
    }

    /// The same after `edit`. Cheap where the edit is of the key itself, its policy, grants, tags or
    /// aliases: only its side is made anew; any other compiles the whole world again.
    fn holders_after(&self, edit: &Edit, key: &KeyArn, wanted: ActionSet) -> Vec<Holders> {
        self.after(edit).holders(key, wanted)
    }

    /// What each of `callers` would hold of `wanted` after `edit`, in their order: [`Reach::holders_after`]
    /// for a few.
    fn holding_after(
        &self,
        edit: &Edit,
        key: &KeyArn,
        callers: &[Caller],
        wanted: ActionSet,
    ) -> Vec<Holding> {
        let after = self.after(edit);
        callers.iter().map(|caller| after.holding(caller, key, wanted)).collect()
    }

    /// Numbers of `callers`, in their order; those with one number share every answer on `key`.
    fn alike(&self, key: &KeyArn, callers: &[Caller]) -> Vec<usize>;

    /// What one caller holds of `wanted` on `key`.
    fn holding(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> Holding;

    /// For which of `wanted` the key policy or a grant means the caller in some request, by any of its names,
    /// its account included, as far as is told; whatever denies, and whatever identity policies say.
    fn opened(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> ActionSet;

    /// Those of `wanted` that policies or grants offer the caller in some request, whatever denies, and perhaps
    /// others: what is not in it no loss of a Deny gives.
    fn offered(&self, _caller: &Caller, _key: &KeyArn, wanted: ActionSet) -> ActionSet {
        wanted
    }

    /// What it would hold if it gave itself something.
    fn would_hold(&self, caller: &Caller, key: &KeyArn, gift: Gift, wanted: ActionSet) -> Holding;

    /// Groups of callers whom an Allow statement of the key policy, or a grant of the key, means for some
    /// action of `wanted`, holding or not, with what becomes of it. Looks at everyone whom the key may open
    /// to. In order of the first of each.
    fn meant(&self, key: &KeyArn, allowing: Allowing<'_>, wanted: ActionSet) -> Vec<Meant>;

    /// What becomes of an Allow statement or a grant for one caller: [`Reach::fate`] without requests.
    fn fates(
        &self,
        caller: &Caller,
        key: &KeyArn,
        allowing: Allowing<'_>,
        wanted: ActionSet,
    ) -> Fates;

    /// The same for each of `callers` after `edit`, in their order.
    fn fates_after(
        &self,
        edit: &Edit,
        key: &KeyArn,
        callers: &[Caller],
        allowing: Allowing<'_>,
        wanted: ActionSet,
    ) -> Vec<Fates> {
        let after = self.after(edit);
        callers.iter().map(|caller| after.fates(caller, key, allowing, wanted)).collect()
    }

    /// The denies that stop an Allow statement or a grant for one caller, for those actions of `wanted` for
    /// which it is denied throughout: what [`Fate::Denied`] says of each, together.
    fn denials(
        &self,
        caller: &Caller,
        key: &KeyArn,
        allowing: Allowing<'_>,
        wanted: ActionSet,
    ) -> Denials {
        let cell = |action| Cell { principal: caller.clone(), key: key.clone(), action };
        Denials::of_each(wanted, |action| self.fate(&cell(action), allowing))
    }

    /// Whether it could matter for `cell` what a request says of the condition key `name`.
    fn hangs_on(&self, cell: &Cell, name: &str) -> bool;

    /// The verdict over every request that AWS could send and that agrees with the context of `request`.
    fn verdict_of(&self, request: &Request) -> Verdict;

    /// The verdict of one cell.
    fn verdict(&self, cell: &Cell) -> Verdict {
        self.verdict_of(&cell.plain_request())
    }

    /// Whether some request is allowed for certain, as [`Verdict::reaches`] of [`Reach::verdict_of`] says.
    fn reaches(&self, request: &Request) -> bool {
        self.verdict_of(request).reaches()
    }

    /// Whether some request could be allowed: what [`Verdict::is_never`] of [`Reach::verdict_of`] denies.
    fn could_reach(&self, request: &Request) -> bool {
        !self.verdict_of(request).is_never()
    }

    /// The decision on one request, with its trace.
    fn decide(&self, request: &Request) -> Decision;

    /// The decision on one request outside KMS, with its trace: what it does not say is absent.
    fn decide_control(&self, request: &ControlRequest) -> Decision;

    /// What becomes of an Allow statement or a grant for one cell.
    fn fate(&self, cell: &Cell, allowing: Allowing<'_>) -> Fate;

    /// The KMS actions that an `Action` or `NotAction` element covers; what is unresolved covers none.
    fn actions(&self, element: &Element) -> ActionSet;

    /// Everyone whom names and action lists alone leave as a holder of `action` on `key`: its root user,
    /// the principals of its account where the key policy delegates, and whoever the key policy and the
    /// grants name. For counting who was looked at; [`Reach::holders`] says who holds. Sorted.
    fn candidates(&self, key: &KeyArn, action: KmsAction) -> Vec<Caller>;

    /// The same engine over the world after `edit`. Groups are made anew there: ask it for single cells.
    fn after(&self, edit: &Edit) -> Box<dyn Reach + '_>;

    /// The same without one statement, which is not of a key policy: kept, as it is the same for many keys.
    fn without(&self, policy: Place, statement: Span) -> Arc<dyn Reach + '_> {
        Arc::from(self.after(&Edit::WithoutStatement { policy, statement }))
    }
}
