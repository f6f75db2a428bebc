//! Words of actions: that of KMS, which the matrix is made of, and the second one, of the actions
//! outside KMS. Everything that is compiled for one is compiled for the other by the same code, and for
//! the second only where somebody asks.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, LazyLock};

use crate::aws::{
    AccountId, ActionSet, ControlAction, ControlSet, KmsAction, carrying, carrying_control,
};
use crate::inventory::OrgPolicyKind;
use crate::policy::PolicyDocument;

use super::levels::Levels;
use super::library::World;
use super::statement::Compiled;

/// A set of actions of one table, in one word.
pub(super) trait Word: Copy + Eq + Ord + Hash + Debug + 'static {
    /// The actions of the table.
    type Action: Copy + 'static;
    /// None of them.
    const EMPTY: Self;
    /// All of them.
    const ALL: Self;

    /// All of the table with their names in lower case, the prefix left out.
    fn names() -> &'static [(Self::Action, String)];
    /// The set of one.
    fn only(action: Self::Action) -> Self;
    /// Whether it is in the set.
    fn has(self, action: Self::Action) -> bool;
    /// What is in either.
    fn or(self, other: Self) -> Self;
    /// What is in both.
    fn and(self, other: Self) -> Self;
    /// What is in this one alone.
    fn without(self, other: Self) -> Self;
    /// The row of its first action.
    fn first(self) -> usize;
    /// The actions of the service with this prefix, without regard to case (rule A50).
    fn of_service(prefix: &str) -> Self;
    /// The actions whose requests can carry a condition key (rules C6, N1).
    fn carrying(key: &str) -> Self;
    /// A policy as formulas for these actions.
    fn compiled(world: &World<'_>, document: &PolicyDocument) -> Arc<Compiled<Self>>;
    /// What the organization says of an account, for these actions.
    fn levels(
        world: &World<'_>,
        account: AccountId,
        kind: OrgPolicyKind,
    ) -> Option<Arc<Levels<Self>>>;
}

/// Writes the part of [`Word`] that both sets have in common.
macro_rules! common {
    ($Set:ident of $Action:ident) => {
        type Action = $Action;
        const EMPTY: Self = $Set::EMPTY;
        const ALL: Self = $Set::ALL;

        fn names() -> &'static [(Self::Action, String)] {
            static NAMES: LazyLock<Vec<($Action, String)>> = LazyLock::new(|| {
                $Action::all().map(|it| (it, it.name().to_ascii_lowercase())).collect()
            });
            &NAMES
        }

        fn only(action: $Action) -> Self {
            Self::of(action)
        }

        fn has(self, action: $Action) -> bool {
            self.contains(action)
        }

        fn or(self, other: Self) -> Self {
            self.union(other)
        }

        fn and(self, other: Self) -> Self {
            self.intersection(other)
        }

        fn without(self, other: Self) -> Self {
            self.minus(other)
        }

        fn first(self) -> usize {
            self.lowest()
        }
    };
}

impl Word for ActionSet {
    common! { ActionSet of KmsAction }

    fn of_service(prefix: &str) -> Self {
        if prefix.eq_ignore_ascii_case("kms") { Self::ALL } else { Self::EMPTY }
    }

    fn carrying(key: &str) -> Self {
        carrying(key)
    }

    fn compiled(world: &World<'_>, document: &PolicyDocument) -> Arc<Compiled> {
        world.compiled(document)
    }

    fn levels(world: &World<'_>, account: AccountId, kind: OrgPolicyKind) -> Option<Arc<Levels>> {
        world.levels(account, kind)
    }
}

impl Word for ControlSet {
    common! { ControlSet of ControlAction }

    fn of_service(prefix: &str) -> Self {
        ControlAction::all().filter(|it| it.service().eq_ignore_ascii_case(prefix)).collect()
    }

    fn carrying(key: &str) -> Self {
        carrying_control(key)
    }

    fn compiled(world: &World<'_>, document: &PolicyDocument) -> Arc<Compiled<Self>> {
        world.compiled_control(document)
    }

    fn levels(
        world: &World<'_>,
        account: AccountId,
        kind: OrgPolicyKind,
    ) -> Option<Arc<Levels<Self>>> {
        world.control_levels(account, kind)
    }
}
