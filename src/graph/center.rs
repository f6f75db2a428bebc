//! What IAM Identity Center gives to whoever manages it (rule T42).

use crate::aws::ControlAction;
use crate::decision::Caller;
use crate::inventory::Inventory;

/// One way to get at the role of a permission set.
#[derive(PartialEq, Eq, Debug)]
pub struct Center {
    /// The actions that are needed together; the first names the call.
    pub actions: &'static [ControlAction],
    /// What it gives.
    pub gives: Gives,
}

/// What a call about IAM Identity Center gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gives {
    /// The role, to a user of IAM Identity Center whom the caller has.
    Role,
    /// An inline policy of its permission set, which allows everything.
    Inline,
    /// AdministratorAccess.
    Managed,
}

use ControlAction as A;

const fn way(actions: &'static [ControlAction], gives: Gives) -> Center {
    Center { actions, gives }
}

/// All of them.
pub const CENTERS: &[Center] = &[
    way(&[A::SSO_CREATE_ACCOUNT_ASSIGNMENT], Gives::Role),
    way(&[A::IDENTITYSTORE_CREATE_GROUP_MEMBERSHIP], Gives::Role),
    way(
        &[A::SSO_PUT_INLINE_POLICY_TO_PERMISSION_SET, A::SSO_PROVISION_PERMISSION_SET],
        Gives::Inline,
    ),
    way(
        &[A::SSO_ATTACH_MANAGED_POLICY_TO_PERMISSION_SET, A::SSO_PROVISION_PERMISSION_SET],
        Gives::Managed,
    ),
];

/// Whether a role is one that AWS keeps for a service, IAM Identity Center first of all: nobody changes it by
/// calls of IAM (page "IAM roles created by IAM Identity Center").
pub(super) fn is_reserved(arn: &str) -> bool {
    arn.contains(":role/aws-reserved/")
}

/// Whether a role is that of a permission set.
pub(super) fn is_of_center(arn: &str) -> bool {
    arn.contains(":role/aws-reserved/sso.amazonaws.com/")
}

/// Whether a caller may be in the account that manages IAM Identity Center: the management account; to
/// which other one it is delegated no export tells.
pub(super) fn manages(world: &Inventory, caller: &Caller) -> bool {
    let management = world.organization.as_ref().and_then(|it| it.management_account);
    management.is_some() && management == caller.account
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn t42_every_action_of_the_table_is_of_some_way() {
        let listed = ControlAction::all().filter(|it| it.info().rules.contains(&"T42"));
        let listed: BTreeSet<ControlAction> = listed.collect();
        let used: BTreeSet<ControlAction> =
            CENTERS.iter().flat_map(|way| way.actions).copied().collect();
        assert_eq!(used, listed);
    }
}
