//! What a caller could give itself.

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{Caller, CallerKind, Gift, Holding};
use crate::inventory::{Edit, Key};

use super::census::Census;
use super::grants::Granted;
use super::library::World;
use super::masked::Masked;
use super::matrix::OwnerIx;
use super::subject::Subject;

/// What somebody gives itself: the key's side towards it, how a policy means it by its name, and what.
pub(super) type Giving = (OwnerIx, Named, Gift);

/// The class in which a policy or a grant that names a caller by its own name means it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Named {
    Directly,
    /// A root user, who is its account as well.
    AsRoot,
    AsRole,
}

impl Named {
    fn of(caller: &Caller) -> Self {
        match caller.kind {
            CallerKind::Role => Self::AsRole,
            CallerKind::Root => Self::AsRoot,
            _ => Self::Directly,
        }
    }
}

impl Census<'_> {
    /// What a caller would hold if it gave itself something; nothing where the matrix cannot tell.
    pub fn would_hold(
        &self,
        caller: &Caller,
        key: &KeyArn,
        gift: Gift,
        wanted: ActionSet,
    ) -> Option<Holding> {
        let world = self.matrix.world();
        let key = self.key(key)?;
        let (home, owner, relation) = match self.caller(caller) {
            Some(caller) => self.sides(&world, caller, key)?,
            None => self.sides_of_stranger(&world, caller, key)?,
        };
        let key = *self.matrix.keys.keys.get(key as usize)?;
        let named = Named::of(caller);
        let owner = match gift {
            // What stays beside a new policy is not told apart in a side.
            Gift::Policy if !is_policy_alone(&world, key) => return None,
            Gift::Policy => {
                self.given.get((owner, named, gift), |_| self.with_policy(owner, named))
            }
            Gift::Grant(_) => self
                .given
                .get((owner, named, gift), |_| self.with_grant(&world, owner, key, caller, gift)),
        };
        Some(self.held((home, owner, relation)).within(wanted))
    }

    fn with_policy(&self, owner: OwnerIx, named: Named) -> OwnerIx {
        let mut side = self.matrix.owner_side(owner).clone();
        // Rule K7.
        let all = Masked::all().within(ActionSet::ALL.minus(KmsAction::RETIRE_GRANT.into()));
        let (direct, limited) = match named {
            Named::Directly | Named::AsRoot => (all, Masked::default()),
            Named::AsRole => (Masked::default(), all),
        };
        (side.direct, side.limited) = (direct, limited);
        (side.by_account, side.deny) = Default::default();
        self.matrix.owner_sides.intern(side)
    }

    fn with_grant(
        &self,
        world: &World<'_>,
        owner: OwnerIx,
        key: &Key,
        caller: &Caller,
        gift: Gift,
    ) -> OwnerIx {
        let mut side = self.matrix.owner_side(owner).clone();
        if let Edit::CreateGrant { grant, .. } = gift.edit(key, caller) {
            let formulas = world.formulas;
            let subject = Subject::of(world.inventory, caller.clone());
            let granted = Granted::of_grant(formulas, key, &grant);
            let add = |all: &mut Masked, one: &Masked| {
                let one = one.mapped(|formula| world.with_caller(formula, &subject));
                *all = all.or(formulas, &one);
            };
            add(&mut side.granted.direct, &granted.direct);
            add(&mut side.granted.limited, &granted.limited);
            add(&mut side.granted.account, &granted.account);
        }
        self.matrix.owner_sides.intern(side)
    }
}

/// Whether the key's side says what its key policy says, and no more.
fn is_policy_alone(world: &World<'_>, key: &Key) -> bool {
    key.ram_policy.is_none()
        && world.gaps.key_part(&key.arn, "key policy").is_none()
        && world.gaps.conflicts(key.arn.as_str()).is_empty()
}
