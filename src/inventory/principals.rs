//! Principals that a policy or a grant names: whether there are such, as far as the export tells.

use crate::aws::{AccountId, Arn, Identity as Named, identity, is_service};
use crate::policy::Principal;

use super::{Grantee, Inventory};

impl Inventory {
    /// Rule A22: nobody that there is, as far as the export is complete; whoever it does not know may exist.
    /// `partition` is that of the key.
    pub fn is_nobody(&self, principal: &Principal, partition: &str) -> bool {
        match principal {
            Principal::Invalid(_) => true,
            Principal::Account { partition: Some(named), .. } => **named != *partition,
            Principal::User(arn) | Principal::Role(arn) => {
                is_abroad(arn, partition) || self.knows_all_of(arn) && self.identity(arn).is_none()
            }
            Principal::AssumedRole(arn) | Principal::FederatedUser(arn) => {
                is_abroad(arn, partition)
            }
            _ => false,
        }
    }

    /// That a grant on a key of `partition` may name a principal (rule G13), and that there is one, as for
    /// [`Self::is_nobody`]. Of a session its role is asked for.
    pub fn is_grantable(&self, named: &Grantee, partition: &str) -> bool {
        let principal = match named {
            Grantee::Principal(principal) => principal,
            Grantee::Service(name) => return is_service(name),
        };
        let is_principal = match principal {
            Principal::AssumedRole(arn) => self.has_role_of(arn),
            Principal::Account { .. }
            | Principal::User(_)
            | Principal::Role(_)
            | Principal::FederatedUser(_) => true,
            _ => false,
        };
        is_principal && !self.is_nobody(principal, partition)
    }

    /// Whether all principals of the account are exported.
    fn knows_all_of(&self, arn: &str) -> bool {
        let account = Arn::parse(arn).and_then(|arn| AccountId::parse(arn.account));
        account.is_some_and(|account| self.is_complete(account))
    }

    /// Whether the role of a session is there, or may be.
    fn has_role_of(&self, session: &str) -> bool {
        match identity(session) {
            Some(Named::AssumedRole { account, role_name, .. }) => {
                !self.is_complete(account) || self.role_by_name(account, role_name).is_some()
            }
            _ => false,
        }
    }
}

fn is_abroad(arn: &str, partition: &str) -> bool {
    Arn::parse(arn).is_some_and(|arn| arn.partition != partition)
}
