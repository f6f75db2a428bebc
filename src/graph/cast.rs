//! Everyone who can take part in a path, by number, and whom each role's trust policy means.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use rustc_hash::FxHashMap;

use crate::aws::pattern::{is_pattern, takes};
use crate::aws::region::{is_region, partition};
use crate::aws::{AccountId, ActionSet, Arn};
use crate::decision::{Caller, CallerKind};
use crate::inventory::{Account, Identity, IdentityKind, Inventory, Key, ManagedPolicy};
use crate::policy::{Polarity, PolicyDocument, Principal};

use super::asked::Asked;
use super::change::nowhere;
use super::likeness::Alike;
use super::neighbours::Neighbours;
use super::opened::Opened;

/// Somebody in the cast, by number.
pub(super) type Ix = u32;

/// A key, by its place in the order of ARNs.
pub(super) type KeyIx = u32;

/// Everyone who can take part.
pub(super) struct Cast<'w> {
    /// The world.
    pub(super) world: &'w Inventory,
    /// By number: those of the export first, in the order of their names.
    pub(super) members: Vec<Member<'w>>,
    by_arn: FxHashMap<Box<str>, Ix>,
    nobody: Member<'w>,
    /// The accounts with what happens in them.
    pub(super) accounts: BTreeMap<AccountId, Household<'w>>,
    /// The keys, in the order of their ARNs.
    pub(super) keys: Vec<&'w Key>,
    /// Whom they open to.
    pub(super) opened: Opened,
    /// Roles that trust everyone, or whose trust nobody told.
    pub(super) open_roles: Vec<Ix>,
    /// Sessions that policies name, by their role.
    sessions: FxHashMap<Ix, Vec<Ix>>,
    roles: FxHashMap<Ix, Ix>,
    /// Regions that keys can be replicated to and launches made in, of all partitions.
    regions: BTreeSet<Box<str>>,
    /// What key policies ask for.
    pub(super) of_keys: Asked,
    /// What the policies of the organization ask for.
    pub(super) of_organization: Asked,
    /// Which tags of principals trust policies ask for: those of other accounts count, too (rule T4).
    pub(super) of_trust: Asked,
    /// Whether some policy asks for the boundary of what is changed.
    pub(super) hears_boundaries: bool,
    /// Whether some policy asks for tags of the user or role that is called on.
    pub(super) hears_target_tags: bool,
    /// Whether some policy asks for the managed policy that is attached.
    pub(super) hears_policies: bool,
    /// Whether some policy asks for the name of a session that is made.
    pub(super) hears_session_names: bool,
    /// The tags of principals that some policy asks for, in lower case.
    pub(super) principal_tag_keys: BTreeSet<String>,
    /// Whether some policy asks whether a service calls on somebody's behalf (rule U4).
    pub(super) hears_services: bool,
    /// Whether some policy of users and roles, or of the organization, asks to whom grants are made (rule T18).
    pub(super) hears_grantees: bool,
    /// Whether some policy asks for the place of an account in the organization.
    pub(super) hears_places: bool,
    /// Whether more could be done about the organization than was looked at (rule T37).
    pub(super) capped: AtomicBool,
    /// Those who stand for an account outside the export beside its role, with that role.
    pub(super) spare: Vec<(Ix, Ix)>,
    /// Those who are not there and could be made (rule T35).
    pub(super) made: BTreeMap<Ix, Identity>,
    neighbours: OnceLock<Neighbours>,
}

/// One of the cast.
pub(super) struct Member<'w> {
    /// Who it is.
    pub(super) caller: Caller,
    /// The user or role, where it is one of the export.
    pub(super) identity: Option<&'w Identity>,
    /// Whether it stands outside the export.
    pub(super) outside: bool,
    /// Roles whose trust policy names it.
    pub(super) named_by: Vec<Ix>,
}

/// What an account holds.
#[derive(Default)]
pub(super) struct Household<'w> {
    /// The account.
    pub(super) account: Option<&'w Account>,
    /// Its root user.
    pub(super) root: Option<Ix>,
    /// Its users.
    pub(super) users: Vec<Ix>,
    /// Its roles, those of services included.
    pub(super) roles: Vec<Ix>,
    /// The identity providers of it that trust policies name.
    pub(super) providers: Vec<Ix>,
    /// The federated sessions of it that policies name (rule T12).
    pub(super) sessions: Vec<Ix>,
    /// Those who could be made in it (rule T35).
    pub(super) made: Vec<Ix>,
    /// The groups that could be made in it, with their ARNs by name (rule T35).
    pub(super) new_groups: BTreeMap<Box<str>, Box<str>>,
    /// The ARNs of policies that could be made in it (rule T21).
    pub(super) new_policies: Vec<Box<str>>,
    /// Its keys.
    pub(super) keys: Vec<KeyIx>,
    /// Roles, of whatever account, that trust the account as a whole.
    pub(super) trusted_by: Vec<Ix>,
    /// What its identity policies ask for.
    pub(super) asked: Asked,
    /// What its keys, and its users and roles, can have that is like something of the others.
    pub(super) alike: Alike,
}

impl<'w> Cast<'w> {
    /// The cast of a world.
    pub(super) fn of(world: &'w Inventory) -> Self {
        let mut cast = Self {
            world,
            members: Vec::new(),
            by_arn: FxHashMap::default(),
            nobody: Member {
                caller: Caller::of_provider("nobody"),
                identity: None,
                outside: true,
                named_by: Vec::new(),
            },
            accounts: BTreeMap::new(),
            keys: world.keys.values().map(AsRef::as_ref).collect(),
            opened: Opened::default(),
            open_roles: Vec::new(),
            sessions: FxHashMap::default(),
            roles: FxHashMap::default(),
            regions: REGIONS.iter().take(USUAL).map(|region| (*region).into()).collect(),
            of_keys: Asked::default(),
            of_organization: Asked::default(),
            of_trust: Asked::default(),
            hears_boundaries: false,
            hears_target_tags: false,
            hears_policies: false,
            hears_session_names: false,
            hears_services: false,
            hears_grantees: false,
            hears_places: false,
            capped: AtomicBool::new(false),
            principal_tag_keys: BTreeSet::new(),
            spare: Vec::new(),
            made: BTreeMap::new(),
            neighbours: OnceLock::new(),
        };
        cast.keys.sort_by(|one, other| one.arn.cmp(&other.arn));
        cast.opened = Opened::of(&cast.keys);
        for account in world.accounts.values() {
            cast.enter(account);
        }
        cast.regions.extend(cast.keys.iter().map(|key| key.arn.region().into()));
        for (at, key) in (0..).zip(&cast.keys) {
            cast.accounts.entry(key.arn.account()).or_default().keys.push(at);
        }
        cast.hear_trust();
        cast.hear_names();
        super::asked::hear(&mut cast);
        cast.hear_alike();
        cast.enter_outsiders();
        cast
    }

    /// The same with those who are not there and could be made (rule T35).
    pub(super) fn with_made(world: &'w Inventory) -> Self {
        let mut cast = Self::of(world);
        cast.enter_made();
        cast
    }

    fn enter(&mut self, account: &'w Account) {
        let partition = account.identities.keys().next().and_then(|arn| arn.split(':').nth(1));
        let root = format!("arn:{}:iam::{}:root", partition.unwrap_or("aws"), account.id);
        let root = Caller::parse(&root).map(|caller| self.add(caller, None, false));
        let (mut users, mut roles) = (Vec::new(), Vec::new());
        for identity in account.identities.values() {
            let Some(caller) = Caller::parse(&identity.arn) else { continue };
            let at = self.add(caller, Some(identity), false);
            match identity.kind {
                IdentityKind::User => users.push(at),
                IdentityKind::Role => roles.push(at),
            }
        }
        let household = self.accounts.entry(account.id).or_default();
        household.account = Some(account);
        household.root = root;
        household.users = users;
        household.roles = roles;
    }

    pub(super) fn add(
        &mut self,
        caller: Caller,
        identity: Option<&'w Identity>,
        outside: bool,
    ) -> Ix {
        if let Some(known) = self.by_arn.get(&caller.text) {
            return *known;
        }
        let at = self.members.len() as Ix;
        self.by_arn.insert(caller.text.clone(), at);
        self.members.push(Member { caller, identity, outside, named_by: Vec::new() });
        at
    }

    /// Takes in one who could be made: under one name as often as it could be made otherwise.
    pub(super) fn add_made(&mut self, identity: Identity) {
        let Some(caller) = Caller::parse(&identity.arn) else { return };
        let (account, at) = (identity.account, self.members.len() as Ix);
        self.by_arn.entry(caller.text.clone()).or_insert(at);
        self.members.push(Member { caller, identity: None, outside: false, named_by: Vec::new() });
        self.made.insert(at, identity);
        self.accounts.entry(account).or_default().made.push(at);
    }

    /// Which accounts lead to which.
    pub(super) fn neighbours(&self) -> &Neighbours {
        self.neighbours.get_or_init(|| Neighbours::of(self))
    }

    /// The one with this name.
    pub(super) fn find(&self, arn: &str) -> Option<Ix> {
        self.by_arn.get(arn).copied()
    }

    /// One of the cast.
    pub(super) fn member(&self, at: Ix) -> Option<&Member<'w>> {
        self.members.get(at as usize)
    }

    /// One of the cast; the first where nobody has this number, which none is asked for.
    pub(super) fn member_or_first(&self, at: Ix) -> &Member<'w> {
        self.member(at).unwrap_or(&self.nobody)
    }

    /// The sessions of a role that policies name: whoever takes on the role can be any of them.
    pub(super) fn sessions_of(&self, role: Ix) -> &[Ix] {
        self.sessions.get(&role).map_or(&[], Vec::as_slice)
    }

    /// The role of a session that a policy names.
    pub(super) fn role_of(&self, session: Ix) -> Option<Ix> {
        self.roles.get(&session).copied()
    }

    /// As whom a role is taken on: itself, under any name, and, where policies ask for the names of
    /// sessions, each session that policies name (rule T6).
    pub(super) fn taken_on_as(&self, role: Ix) -> impl Iterator<Item = Ix> {
        let named = self.sessions_of(role).iter().copied();
        std::iter::once(role).chain(named.filter(|_| self.hears_session_names))
    }

    /// Whether it is a federated session (rule T12).
    pub(super) fn is_federated(&self, at: Ix) -> bool {
        let kind = self.member(at).map(|member| &member.caller.kind);
        matches!(kind, Some(CallerKind::FederatedUser { .. }))
    }

    /// The user by whose name a federated session goes, and whose tags it has (rule T12).
    pub(super) fn maker(&self, at: Ix) -> Option<&'w Identity> {
        let caller = &self.member(at)?.caller;
        match &caller.kind {
            CallerKind::FederatedUser { name } => self.world.user_by_name(caller.account?, name),
            _ => None,
        }
    }

    /// What a federated session is that brings no tags: it has those of the user, where there is one.
    pub(super) fn without_own_tags(&self, at: Ix) -> Option<Cow<'w, Identity>> {
        let caller = &self.member(at)?.caller;
        let nobody =
            |account| Identity::named(IdentityKind::User, &caller.text, account, nowhere());
        let own = || caller.account.map(|account| Cow::Owned(nobody(account)));
        self.maker(at).map(Cow::Borrowed).or_else(own)
    }

    /// The name of the session that a member is.
    pub(super) fn session_name(&self, at: Ix) -> Option<&str> {
        match &self.member(at)?.caller.kind {
            CallerKind::AssumedRole { session, .. } => Some(session),
            _ => None,
        }
    }

    /// The names that policies can mean somebody by: its own, and that of its role.
    pub(super) fn names(&self, at: Ix) -> impl Iterator<Item = &str> {
        let role = self.role_of(at).and_then(|role| self.arn(role));
        std::iter::once(&*self.member_or_first(at).caller.text).chain(role)
    }

    /// Regions of a partition, those first that an account uses.
    pub(super) fn regions_of(&self, account: AccountId, of: &str) -> impl Iterator<Item = &str> {
        let keys = self.accounts.get(&account).into_iter().flat_map(|it| &it.keys);
        let used: BTreeSet<&str> =
            keys.filter_map(|key| self.key(*key)).map(|key| key.arn.region()).collect();
        let others = self.regions_in(of);
        let others: Vec<&str> = others.filter(|region| !used.contains(region)).collect();
        used.into_iter().chain(others)
    }

    /// Regions of a partition.
    pub(super) fn regions_in(&self, of: &str) -> impl DoubleEndedIterator<Item = &str> {
        let all = self.regions.iter().map(|region| &**region);
        all.filter(move |region| partition(region) == of)
    }

    /// Takes in the Regions that policies ask for, a pattern by one that it takes, and one that no policy
    /// asks for, as long as there is any.
    pub(super) fn enter_regions(&mut self, asked: &BTreeSet<Box<str>>) {
        for text in asked {
            let taken = REGIONS.iter().copied().filter(|region| takes(text, region));
            match is_pattern(text) {
                true => self.regions.extend(taken.take(1).map(Into::into)),
                false => self.regions.extend(is_region(text).then(|| text.clone())),
            }
        }
        let unasked = |region: &&&str| !asked.iter().any(|text| takes(text, region));
        for of in ["aws", "aws-cn", "aws-us-gov"] {
            let mut own = REGIONS.iter().filter(|region| partition(region) == of);
            self.regions.extend(own.find(unasked).map(|region| (*region).into()));
        }
    }

    /// The operations that a grant of `goal` may list: it alone, and it with what policies that count in an
    /// account ask for (rule G54).
    pub(super) fn operations_with(&self, account: AccountId, goal: ActionSet) -> Vec<ActionSet> {
        let asked = self.asked_in(account).map(|asked| asked.operations);
        let asked = asked.fold(ActionSet::EMPTY, ActionSet::union);
        let each = asked.iter().map(|operation| goal.union(operation.into()));
        let mut all: Vec<ActionSet> = [goal].into_iter().chain(each).collect();
        all.push(goal.union(asked));
        all.sort_by_key(|operations| operations.len());
        all.dedup();
        all
    }

    /// One of the keys.
    pub(super) fn key(&self, at: KeyIx) -> Option<&'w Key> {
        self.keys.get(at as usize).copied()
    }

    /// What the account of a member holds.
    pub(super) fn household(&self, at: Ix) -> Option<&Household<'w>> {
        self.accounts.get(&self.member(at)?.caller.account?)
    }

    /// Rules T3, T4, T8: whom the trust policies mean.
    fn hear_trust(&mut self) {
        let roles: Vec<Ix> = self.accounts.values().flat_map(|it| it.roles.clone()).collect();
        for role in roles {
            let identity = self.member(role).and_then(|member| member.identity);
            let Some(identity) = identity.filter(|role| !role.is_service_linked()) else {
                continue;
            };
            let Some(trust) = &identity.trust else {
                self.open_roles.push(role);
                continue;
            };
            self.hear_trust_of(role, identity.account, trust);
        }
    }

    fn hear_trust_of(&mut self, role: Ix, home: AccountId, trust: &PolicyDocument) {
        let policy = trust.policy();
        let mut open = !policy.readable;
        let mut accounts = BTreeSet::new();
        for statement in policy.statements.iter().filter(|statement| statement.allows()) {
            let Some(element) = &statement.principal else { continue };
            open |= element.polarity == Polarity::IsNot;
            for entry in &element.entries {
                match entry.value.at_most() {
                    Principal::Anyone | Principal::Unresolved(_) => open = true,
                    Principal::Account { account, .. } => {
                        accounts.insert(*account);
                    }
                    Principal::Federated(provider) => {
                        let at = self.enter_provider(provider);
                        self.name(at, role);
                    }
                    Principal::UniqueId(id) => {
                        let by_id = |it: &&Identity| it.unique_id.as_deref() == Some(id);
                        let household = self.world.account(home);
                        let found = household.and_then(|it| it.identities.values().find(by_id));
                        if let Some(at) = found.and_then(|it| self.find(&it.arn)) {
                            self.name(at, role);
                        }
                    }
                    // Rule T9: who gets a service to do it is a matter of launches.
                    Principal::Service(_) => {}
                    principal => {
                        if let Some(caller) = Caller::parse(principal.text()) {
                            let at = self.enter_named(caller);
                            self.name(at, role);
                        }
                    }
                }
            }
        }
        if open {
            self.open_roles.push(role);
        }
        for account in accounts {
            self.accounts.entry(account).or_default().trusted_by.push(role);
        }
    }

    fn enter_provider(&mut self, provider: &str) -> Ix {
        let at = self.add(Caller::of_provider(provider), None, true);
        let home = Arn::parse(provider).and_then(|arn| AccountId::parse(arn.account));
        if let Some(household) = home.and_then(|home| self.accounts.get_mut(&home))
            && !household.providers.contains(&at)
        {
            household.providers.push(at);
        }
        at
    }

    fn name(&mut self, at: Ix, role: Ix) {
        if let Some(member) = self.members.get_mut(at as usize)
            && !member.named_by.contains(&role)
        {
            member.named_by.push(role);
        }
    }

    /// Somebody whom a policy names: a session of a role, or a principal outside the export.
    pub(super) fn enter_named(&mut self, caller: Caller) -> Ix {
        let known = caller.account.and_then(|account| self.world.account(account));
        let listed = known.is_some_and(|account| account.identities_listed);
        let of = caller.session_role_in(self.world).and_then(|role| self.find(&role.arn));
        let identity = of.and_then(|role| self.member(role)?.identity);
        let federated = matches!(caller.kind, CallerKind::FederatedUser { .. });
        let home = caller.account.filter(|_| federated && listed);
        let at = self.add(caller, identity, !listed);
        if let Some(household) = home.and_then(|home| self.accounts.get_mut(&home))
            && !household.sessions.contains(&at)
        {
            household.sessions.push(at);
        }
        self.roles.extend(of.map(|role| (at, role)));
        let sessions = of.map(|role| self.sessions.entry(role).or_default());
        if let Some(sessions) = sessions.filter(|sessions| !sessions.contains(&at)) {
            sessions.push(at);
        }
        at
    }

    /// The customer managed policies of a member's account.
    pub(super) fn own_policies(&self, at: Ix) -> impl Iterator<Item = &'w ManagedPolicy> {
        let account = self.household(at).and_then(|household| household.account);
        let policies = account.into_iter().flat_map(|account| account.policies.values());
        policies.filter(|policy| !policy.arn.contains(":iam::aws:"))
    }
}

/// Regions, those first that are looked at whatever policies ask for.
const REGIONS: [&str; 21] = [
    "eu-west-1",
    "us-east-1",
    "us-east-2",
    "us-west-2",
    "us-west-1",
    "eu-central-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "sa-east-1",
    "cn-north-1",
    "cn-northwest-1",
    "us-gov-east-1",
    "us-gov-west-1",
];

/// How many of them are looked at whatever policies ask for.
const USUAL: usize = 4;
