//! A way to a key in the numbers of the cast, before it is a path.

use super::cast::{Cast, Ix};
use super::key_moves::KeyMove;
use super::moves::Move;

/// One call, in numbers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Step {
    /// Who calls.
    pub(super) by: Ix,
    /// What.
    pub(super) what: Doing,
}

/// What a call does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Doing {
    /// About principals.
    Move(Move),
    /// About a key.
    Key(KeyMove),
}

impl Doing {
    /// The rule of the primitive; nothing for an edge.
    pub(super) fn primitive(&self) -> Option<&'static str> {
        match self {
            Self::Move(what) => what.primitive(),
            Self::Key(what) => Some(what.primitive()),
        }
    }

    /// Whether somebody is taken on, changed, or given a grant by it.
    pub(super) fn is_about(&self, at: Ix) -> bool {
        match self {
            Self::Move(what) => what.whose().is_some_and(|(whose, _)| whose == at),
            Self::Key(KeyMove::Grant(_, to)) => *to == at,
            Self::Key(_) => false,
        }
    }

    /// Who has other tags by it.
    pub(super) fn tagged(&self) -> Option<Ix> {
        match self {
            Self::Move(what) => what.tagged(),
            Self::Key(_) => None,
        }
    }

    /// Whether it counts as a primitive: what is written for one who was made is a part of making it (rules
    /// T35, T52).
    pub(super) fn is_counted(&self, cast: &Cast<'_>) -> bool {
        match self {
            Self::Move(what) => what.is_counted(cast),
            Self::Key(_) => true,
        }
    }
}

/// A way to a goal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Plan {
    /// Who sets out.
    pub(super) start: Ix,
    /// The calls, in order.
    pub(super) steps: Vec<Step>,
    /// Who takes the action in the end.
    pub(super) goal_as: Ix,
}

impl Plan {
    /// Whether a call was made before.
    pub(super) fn is_again(&self, nth: usize) -> bool {
        let before = self.steps.get(..nth).unwrap_or_default();
        self.steps.get(nth).is_some_and(|step| before.contains(step))
    }

    /// Whether somebody has other tags on the way and more than one part in it, so that the tags of one may not be
    /// those of another (rules T7, T34).
    pub(super) fn may_need_tags_again(&self, cast: &Cast<'_>) -> bool {
        let whole = |at: Ix| cast.role_of(at).unwrap_or(at);
        self.steps.iter().filter_map(|step| step.what.tagged()).any(|tagged| {
            let is_part =
                |step: &&Step| whole(step.by) == whole(tagged) || step.what.is_about(tagged);
            let parts = self.steps.iter().filter(is_part).count();
            // The step that gives the tags is one of them.
            parts + usize::from(whole(self.goal_as) == whole(tagged)) > 2
        })
    }

    /// The same calls in other orders: those last that take policies away, as with what denies a policy may take
    /// what lets the other calls be made (rule T31); those last that change tags, as the other calls may need
    /// the tags that were there (rule T34).
    pub(super) fn other_orders(&self) -> impl Iterator<Item = Self> {
        let late: [fn(&Move) -> bool; 2] = [
            |what| matches!(what, Move::Remove(..)),
            |what| matches!(what, Move::Tag(..) | Move::Untag(..)),
        ];
        late.into_iter().filter_map(|is_late| self.with_last(is_late))
    }

    /// The same calls, some of them last; nothing where these are last.
    fn with_last(&self, is_late: fn(&Move) -> bool) -> Option<Self> {
        let is_late = |step: &&Step| matches!(&step.what, Doing::Move(what) if is_late(what));
        let (last, first): (Vec<&Step>, Vec<&Step>) = self.steps.iter().partition(is_late);
        let steps: Vec<Step> = first.into_iter().chain(last).cloned().collect();
        (steps != self.steps).then(|| Self { steps, ..self.clone() })
    }
}

/// The same calls, what is written for a group that is made after it is made (rule T35): nothing before that
/// needs it.
pub(super) fn in_order(mut steps: Vec<Step>) -> Vec<Step> {
    let made = |step: &Step| match &step.what {
        Doing::Move(Move::CreateGroup(account, name)) => Some((*account, name.clone())),
        _ => None,
    };
    let written = |step: &Step| match &step.what {
        Doing::Move(
            Move::PutGroupPolicy(account, name) | Move::AttachToGroup(account, name, _),
        ) => Some((*account, name.clone())),
        _ => None,
    };
    let Some(last) = steps.iter().rposition(|step| made(step).is_some()) else { return steps };
    let groups: Vec<_> = steps.iter().filter_map(made).collect();
    let is_early = |nth: usize, step: &Step| {
        nth < last && written(step).is_some_and(|group| groups.contains(&group))
    };
    let early = steps.iter().enumerate().filter(|(nth, step)| is_early(*nth, step));
    let early: Vec<usize> = early.map(|(nth, _)| nth).collect();
    let moved: Vec<Step> = early.iter().rev().map(|nth| steps.remove(*nth)).collect();
    let at = (last + 1).saturating_sub(moved.len());
    steps.splice(at..at, moved.into_iter().rev());
    steps
}
