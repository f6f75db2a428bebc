//! What the export fixes of the condition keys that are about a caller (section 2.5).

use std::borrow::Cow;

use crate::aws::AccountId;
use crate::decision::{CallerKind, Context, ContextValue};
use crate::inventory::Inventory;
use crate::policy::Comparison;

use super::accounts::ACCOUNT;
use super::kinds::PRINCIPAL_ARN;
use super::question::{Known, Untold};
use super::services::NAME;
use super::spellings::written;
use super::spoken::pattern;
use super::subject::{Stranger, Subject, Whose};
use super::test::{Operand, Piece, Test};

impl Subject<'_> {
    /// What is known of a condition key (section 2.5), once the caller is.
    pub(super) fn known(&self, world: &Inventory, given: &Context, key: &str) -> Known {
        let is_given = given.get(&written(key)).is_some() || given.is_absent(key);
        if !is_given && self.is_left_open(key) {
            return Known::Untold(Untold::Capped);
        }
        self.known_of_one(world, given, key)
    }

    /// The same for a test. Whoever one names without a pattern has a row of its own, so that it says the same of all
    /// others.
    pub(super) fn known_to(
        &self,
        world: &Inventory,
        given: &Context,
        test: &Test,
        key: &str,
    ) -> Known {
        let is_given = given.get(key).is_some() || given.is_absent(key);
        if *test.key == *key && !is_given && self.is_numbered(test) {
            return Known::Untold(Untold::Capped);
        }
        let is_plain = || !test.values.iter().any(|it| pattern(it).contains(['*', '?']));
        match *test.key == *key && self.is_left_open(key) && is_plain() {
            true => self.known_of_one(world, given, key),
            false => self.known(world, given, key),
        }
    }

    /// Whether a test orders the numbers of the accounts that a row stands for, or compares them otherwise than as
    /// texts (rules C13, C14, C16): only texts tell rows apart.
    fn is_numbered(&self, test: &Test) -> bool {
        let of_many = |whose: &Whose| !matches!(whose, Whose::Account | Whose::Service { .. });
        let comparison = test.operator.comparison;
        let says_the_same =
            matches!(comparison, Comparison::Null | Comparison::Bool | Comparison::IpAddress);
        ACCOUNT.contains(&&*test.key)
            && self.whose().is_some_and(of_many)
            && !comparison.is_of_texts()
            && !says_the_same
    }

    /// The same of the principal that a row of many is called as.
    fn known_of_one(&self, world: &Inventory, given: &Context, key: &str) -> Known {
        if let Some(entry) = given.get(&written(key)) {
            return Known::Value(Some(entry.value.clone()));
        }
        if given.is_absent(key) {
            return Known::Value(None);
        }
        let one = |text: &str| Known::Value(Some(ContextValue::One(text.into())));
        let account = self.caller.account.map(|account| account.to_string());
        let absent = Known::Value(None);
        let service = self.caller.kind == CallerKind::Service;
        match key {
            "aws:principalarn" | "aws:principaltype" | "aws:username" | "aws:userid"
                if self.is_unnamed() =>
            {
                Known::OfRequest
            }
            "aws:principalarn" if self.outside_role().is_some() => Known::OfRequest,
            "aws:principalarn" => self.principal_arn().map_or(absent, one),
            "aws:principalaccount" => account.as_deref().map_or(absent, one),
            // Rule C54: the account of a service is not known.
            "kms:calleraccount" if service => Known::OfRequest,
            "kms:calleraccount" => account.as_deref().map_or(absent, one),
            "aws:principaltype" => match self.caller.kind {
                CallerKind::Root => one("Account"),
                CallerKind::User => one("User"),
                CallerKind::Role | CallerKind::AssumedRole { .. } => one("AssumedRole"),
                CallerKind::FederatedUser { .. } => one("FederatedUser"),
                CallerKind::Service | CallerKind::Provider => absent,
            },
            "aws:principalisawsservice" => one(if service { "true" } else { "false" }),
            "aws:principalservicename" if service => one(&self.caller.text),
            "aws:principalservicename" => absent,
            // Not exported, and several for one service.
            "aws:principalservicenameslist" if service => Known::OfRequest,
            ORG_ID => self.organization_id(world, given),
            ORG_PATHS => self.organization_path(world, given),
            "aws:userid" => self.user_id(),
            // Rule C44.
            "aws:username" => match &self.caller.kind {
                CallerKind::User => self.caller.text.rsplit('/').next().map_or(absent, one),
                _ => absent,
            },
            _ => match key.strip_prefix("aws:principaltag/") {
                Some(tag) => self.tag(tag),
                None => of_later(key),
            },
        }
    }

    /// Whether what patterns say of a key is left open: of principals whom more patterns tell apart than are looked
    /// at.
    fn is_left_open(&self, key: &str) -> bool {
        match self.whose() {
            Some(Whose::SomeAccount { told: false }) => {
                ACCOUNT.contains(&key) || [PRINCIPAL_ARN, USER_ID].contains(&key)
            }
            Some(Whose::Organization { told: false, .. }) => [ORG_ID, ORG_PATHS].contains(&key),
            Some(Whose::Service { told: false }) => key == NAME,
            _ => false,
        }
    }

    /// Rule C45.
    fn user_id(&self) -> Known {
        if let Some(what) = self.unlisted()
            && matches!(self.caller.kind, CallerKind::User | CallerKind::AssumedRole { .. })
        {
            return Known::missing(what);
        }
        // Somebody outside the export who is named has one that nobody knows.
        if self.stranger.is_some()
            && matches!(self.caller.kind, CallerKind::User | CallerKind::AssumedRole { .. })
        {
            return Known::OfRequest;
        }
        let id = self.identity.and_then(|identity| identity.unique_id.as_deref());
        let text = match &self.caller.kind {
            CallerKind::Root => self.caller.account.map(|account| account.to_string()),
            CallerKind::User => id.map(str::to_owned),
            CallerKind::AssumedRole { session, .. } => id.map(|id| format!("{id}:{session}")),
            CallerKind::FederatedUser { name } => {
                self.caller.account.map(|account| format!("{account}:{name}"))
            }
            CallerKind::Role => return Known::OfRequest,
            CallerKind::Service | CallerKind::Provider => None,
        };
        Known::Value(text.map(|text| ContextValue::One(text.into())))
    }

    /// A test without the values that the caller cannot have as others have them: the unique ids of those in the
    /// export, where it is none of them (rule C45), and the organization's, where its account is no member.
    pub(super) fn without_what_others_have<'t>(
        &self,
        world: &Inventory,
        given: &Context,
        test: &'t Test,
    ) -> Cow<'t, Test> {
        let is_of_others = |operand: &Operand| match &*test.key {
            USER_ID => id_in(operand, ':').is_some_and(|id| is_id_of_one_known(world, id)),
            ORG_ID | ORG_PATHS => {
                let own = world.organization.as_deref().filter(|_| self.is_no_member(world));
                let own = own.filter(|_| self.assumed_organization(given).is_none());
                let own = own.filter(|own| !own.accounts.is_empty());
                own.is_some_and(|own| own.id.is_some() && id_in(operand, '/') == own.id.as_deref())
            }
            _ => false,
        };
        if self.stranger.is_none() || !test.values.iter().any(is_of_others) {
            return Cow::Borrowed(test);
        }
        let left = test.values.iter().filter(|operand| !is_of_others(operand)).cloned();
        Cow::Owned(Test { values: left.collect(), ..test.clone() })
    }

    /// Whether it is of an account outside the export that the organization does not have: which other it is in,
    /// and whether it is in one, nobody knows.
    fn is_no_member(&self, world: &Inventory) -> bool {
        let of_account = |stranger: &Stranger| {
            matches!(stranger.whose, Whose::Account | Whose::SomeAccount { .. })
        };
        let is_member = |account| match world.organization.as_deref() {
            Some(own) => own.accounts.contains(&account),
            // What has none tells of its own accounts alone.
            None => !world.has_no_organization,
        };
        self.stranger.as_ref().is_some_and(of_account)
            && self.caller.account.is_some_and(|account| !is_member(account))
    }

    /// Tags of the user or role; sessions may bring others (rule T7, O26).
    fn tag(&self, tag: &str) -> Known {
        if self.tagged || self.stranger.is_some() && !self.caller.is_outside_accounts() {
            return Known::OfRequest;
        }
        if let Some(what) = self.unlisted() {
            return Known::missing(what);
        }
        let tags = self.identity.into_iter().flat_map(|identity| &identity.tags);
        let mut found = tags.filter(|(key, _)| key.eq_ignore_ascii_case(tag));
        Known::Value(found.next().map(|(_, value)| ContextValue::One(value.clone())))
    }

    fn organization_id(&self, world: &Inventory, given: &Context) -> Known {
        if let Some(id) = self.organization() {
            return Known::Value(Some(ContextValue::One(id.into())));
        }
        if let Some(assumed) = self.assumed_organization(given) {
            return Known::Value(assumed.map(ContextValue::One));
        }
        if self.is_no_member(world) {
            return Known::OfRequest;
        }
        let Some(account) = self.caller.account.filter(|_| !self.is_in_none()) else {
            return Known::Value(None);
        };
        organization_id(world, account)
    }

    fn organization_path(&self, world: &Inventory, given: &Context) -> Known {
        // Whoever is in an organization and not in the export can be anywhere in it.
        if self.organization().is_some() {
            return Known::OfRequest;
        }
        match self.assumed_organization(given) {
            Some(Some(_)) => return Known::OfRequest,
            Some(None) => return Known::Value(None),
            None => {}
        }
        if self.is_no_member(world) {
            return Known::OfRequest;
        }
        let Some(account) = self.caller.account.filter(|_| !self.is_in_none()) else {
            return Known::Value(None);
        };
        match self.moved_to(world, given) {
            Some(_) => Known::OfRequest,
            None => organization_path(world, account),
        }
    }

    /// The organization that a caller of the export is taken to be in, where its place there is not exported: it is
    /// another than the export's, or the export has none (section 2.5: a path begins with the organization).
    pub(super) fn moved_to(&self, world: &Inventory, given: &Context) -> Option<Box<str>> {
        let account = self.caller.account.filter(|_| self.stranger.is_none())?;
        let id = given.get(&written(ORG_ID))?.value.values().first().cloned()?;
        let is_there = match organization_path(world, account) {
            Known::Value(Some(path)) => path.values().iter().any(|path| is_in(path, &id)),
            _ => false,
        };
        (!is_there).then_some(id)
    }

    /// The organization that somebody outside the export is taken to be in.
    pub(super) fn assumed_organization(&self, given: &Context) -> Option<Option<Box<str>>> {
        let is_of_account = self.stranger.is_some() && !self.caller.is_outside_accounts();
        assumed_organization(given).filter(|_| is_of_account)
    }
}

/// The organization in which who asks is taken to be, by its id or a place in it; none where it is taken to be in
/// none (section 2.5: it has both keys or neither).
pub(super) fn assumed_organization(given: &Context) -> Option<Option<Box<str>>> {
    let assumed = |key: &str| match given.get(&written(key)) {
        Some(entry) => {
            let id = entry.value.values().first().and_then(|value| value.split('/').next());
            id.map(|id| Some(id.into()))
        }
        None => given.is_absent(key).then_some(None),
    };
    [ORG_ID, ORG_PATHS].into_iter().find_map(assumed)
}

/// Whether a path is one of this organization.
fn is_in(path: &str, id: &str) -> bool {
    path.split('/').next() == Some(id)
}

/// The condition key of unique ids, in lower case.
pub(super) const USER_ID: &str = "aws:userid";

/// The condition keys of the organization, in lower case.
pub(super) const ORG_ID: &str = "aws:principalorgid";
pub(super) const ORG_PATHS: &str = "aws:principalorgpaths";

/// The id that every text begins with which the operand takes: alone, or before this character. A unique id is no
/// part of a longer one, so that what stands before a colon is a whole one.
fn id_in(operand: &Operand, end: char) -> Option<&str> {
    let Operand::Text(pieces) = operand else { return None };
    match &**pieces {
        [Piece::Text(id)] if !id.contains(end) => Some(id),
        [Piece::Text(text), ..] => text.split_once(end).map(|(id, _)| id),
        [Piece::AnyRun, Piece::Text(text), ..] if end == ':' => {
            text.split_once(end).map(|(id, _)| id)
        }
        _ => None,
    }
}

/// Whether a user or a role of the export has this id.
fn is_id_of_one_known(world: &Inventory, id: &str) -> bool {
    let mut identities = world.accounts.values().flat_map(|account| account.identities.values());
    identities.any(|it| it.unique_id.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(id)))
}

/// Keys that neither caller nor account fix.
fn of_later(key: &str) -> Known {
    use crate::aws::{Nature, condition_key};
    match condition_key(key).map(|info| info.nature) {
        Some(Nature::Key | Nature::Region) => Known::NotYet,
        // What the export would fix and does not have is absent.
        Some(Nature::Principal) => Known::Value(None),
        _ => Known::OfRequest,
    }
}

/// `aws:PrincipalOrgID` or `aws:ResourceOrgID` of an account.
pub(super) fn organization_id(world: &Inventory, account: AccountId) -> Known {
    let Some(organization) = world.organization.as_deref() else {
        return without_organization(world);
    };
    let id = organization.id.as_deref().filter(|_| organization.accounts.contains(&account));
    Known::Value(id.map(|id| ContextValue::One(id.into())))
}

/// What is known of the organization of an account where none was exported.
fn without_organization(world: &Inventory) -> Known {
    match world.has_no_organization {
        true => Known::Value(None),
        false => Known::missing("organization"),
    }
}

/// `aws:PrincipalOrgPaths` or `aws:ResourceOrgPaths` of an account.
pub(super) fn organization_path(world: &Inventory, account: AccountId) -> Known {
    let Some(organization) = world.organization.as_deref() else {
        return without_organization(world);
    };
    let path = organization.path(account);
    Known::Value(path.map(|path| ContextValue::Many(vec![path.into()])))
}
