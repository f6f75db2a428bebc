//! The side of a role that somebody wants to be: its trust policy, and RCPs (rules T3, T4, T7 to T9).

use crate::aws::{ControlAction, ControlSet};
use crate::inventory::OrgPolicyKind;

use super::asked::Asked;
use super::library::World;
use super::masked::Masked;
use super::owner::resolved;
use super::question::{missing, missing_allow, missing_deny};
use super::resource::Resource;
use super::subject::Subject;

/// What a role's trust policy says of the actions that it has a say in.
#[derive(Clone, Default)]
pub(super) struct Trust {
    /// When it allows a caller that it means directly.
    pub(super) direct: Masked<ControlSet>,
    /// When it allows one that it means by a role or a user.
    pub(super) limited: Masked<ControlSet>,
    /// When it allows one of an account that it delegates to.
    pub(super) by_account: Masked<ControlSet>,
    /// When it denies.
    pub(super) deny: Masked<ControlSet>,
    /// When an RCP denies.
    pub(super) rcp_deny: Masked<ControlSet>,
}

impl Trust {
    /// The side of a role, whoever asks; it has a say in some actions of STS alone.
    pub(super) fn of(world: &World<'_>, role: Resource<'_>) -> Self {
        let formulas = world.formulas;
        let everywhere = |formula| Masked::of(ControlSet::ALL, formula);
        let mut trust = Self::default();
        match role.identity.and_then(|it| it.trust.as_ref()) {
            Some(document) => {
                let compiled = world.compiled_control(document);
                trust.direct = compiled.allow.clone();
                trust.limited = compiled.limited.clone();
                trust.by_account = compiled.account.clone();
                trust.deny = compiled.deny.clone();
            }
            // A role that nobody listed may trust anyone; one that is not there trusts nobody.
            None => {
                let unlisted = role.unlisted.map(|it| format!("identities of account {it}"));
                let untold = role.identity.map(|_| format!("trust policy of {}", role.arn));
                if let Some(what) = unlisted.or(untold) {
                    trust.direct = everywhere(missing_allow(formulas, what.clone()));
                    trust.deny = everywhere(missing_deny(formulas, what));
                }
            }
        }
        for what in world.gaps.conflicts(role.arn) {
            let taken = everywhere(missing(formulas, what.clone(), "holds", true));
            for all in [&mut trust.direct, &mut trust.limited, &mut trust.by_account] {
                *all = all.and(formulas, &taken);
            }
            let unknown = everywhere(missing_allow(formulas, what.clone()));
            trust.direct = trust.direct.or(formulas, &unknown);
            let denies = everywhere(missing_deny(formulas, what.clone()));
            trust.deny = trust.deny.or(formulas, &denies);
        }
        let rcp = role.account.and_then(|it| world.control_levels(it, OrgPolicyKind::Rcp));
        trust.rcp_deny = rcp.map_or(Masked::default(), |rcp| rcp.deny.clone());
        let has_say = ControlAction::all().filter(|action| action.info().by_trust).collect();
        trust.mapped(|masked| resolved(world, Asked::Resource(role), &masked.within(has_say)))
    }

    /// The same for one caller and one action.
    pub(super) fn with_caller(
        &self,
        world: &World<'_>,
        subject: &Subject<'_>,
        action: ControlAction,
    ) -> Self {
        self.mapped(|masked| {
            let masked = masked.within(action.into());
            masked.mapped(|formula| world.with_caller(formula, subject))
        })
    }

    fn mapped(&self, change: impl Fn(&Masked<ControlSet>) -> Masked<ControlSet>) -> Self {
        Self {
            direct: change(&self.direct),
            limited: change(&self.limited),
            by_account: change(&self.by_account),
            deny: change(&self.deny),
            rcp_deny: change(&self.rcp_deny),
        }
    }
}
