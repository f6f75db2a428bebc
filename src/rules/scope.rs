//! What a rule may ask: the world, the engine, every policy with who holds it, and one key with the
//! answers already found for it.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::OnceLock;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::aws::{AccountId, ActionSet, KeySpec, KeyUsage, KmsAction, operations_for};
use crate::decision::{
    Allowing, Caller, Cell, Fate, Fates, Holders, Holding, Meant, Reach, Verdict,
};
use crate::graph::Graph;
use crate::inventory::{
    Account, AttachedPolicy, Identity, IdentityKind, Inventory, Key, policy_name,
};
use crate::kept::Memo;
use crate::policy::{PolicyDocument, PolicyKind};
use crate::source::Place;
use crate::syntax::is_of_deployment;

use super::Settings;
use super::asked::AskedBy;
use super::outsiders::{Owners, owners};
use super::wide::may_do_everything;

/// What every rule may ask.
pub struct Scope<'a> {
    /// The world.
    pub world: &'a Inventory,
    /// The engine.
    pub reach: &'a dyn Reach,
    /// What is declared as intended.
    pub settings: &'a Settings,
    /// The engine of the world as it was before a change, where that is given.
    pub base: Option<&'a dyn Reach>,
    /// The principal-key graph; without it, rules about ways of several calls say nothing.
    pub graph: Option<&'a Graph<'a>>,
    /// Every policy of the world, with who holds it.
    pub documents: Vec<Documented<'a>>,
    /// The accounts that are not outsiders.
    trusted: BTreeSet<AccountId>,
    /// The keys by the account that owns them.
    keys: BTreeMap<AccountId, Vec<&'a Key>>,
    asked: OnceLock<AskedBy>,
    /// The numbers of `documents` by where they stand: several may stand in one file as a whole.
    places: OnceLock<FxHashMap<Place, Vec<usize>>>,
    /// Who may do everything there is, by ARN.
    administrators: OnceLock<FxHashSet<Box<str>>>,
    regions: OnceLock<BTreeSet<Box<str>>>,
    /// All users and roles, and their numbers by ARN.
    identities: Vec<&'a Identity>,
    numbers: OnceLock<FxHashMap<Box<str>, usize>>,
    /// What keys can perform by what they are.
    possible: Memo<(Option<KeyUsage>, Option<KeySpec>), ActionSet>,
}

/// A policy of the world.
pub struct Documented<'a> {
    /// The policy.
    pub document: &'a PolicyDocument,
    /// As people name it: `key policy of alias/app (...)`.
    pub name: String,
    /// What it is part of, for the fingerprint: an ARN, an id, a path.
    pub subject: String,
    /// The key it is the policy of.
    pub key: Option<&'a Key>,
    /// The users and roles whose identity policy it is, directly or by a group.
    pub holders: Vec<&'a Identity>,
}

impl Documented<'_> {
    /// Whether AWS writes it, and nobody else could repair it.
    pub fn is_written_by_aws(&self) -> bool {
        self.subject.contains(":iam::aws:policy/") || self.key.is_some_and(Key::is_aws_managed)
    }
}

impl<'a> Scope<'a> {
    /// A scope over the engine's world.
    pub fn new(reach: &'a dyn Reach, settings: &'a Settings) -> Self {
        let world = reach.world();
        let mut documents = Vec::new();
        for key in world.keys.values() {
            of_key(world, key, &mut documents);
        }
        for account in world.accounts.values() {
            of_account(account, &mut documents);
        }
        for policy in
            world.organization.iter().flat_map(|organization| organization.policies.values())
        {
            documents.extend(policy.document.as_ref().map(|document| {
                let name = format!("{} {} ({})", policy.kind.name(), policy.name, policy.id);
                alone(document, name, policy.id.to_string())
            }));
        }
        for (id, document) in &world.endpoints {
            documents.push(alone(document, format!("policy of VPC endpoint {id}"), id.to_string()));
        }
        for loose in &world.loose {
            let path = world.sources.path(loose.document.place.file).to_owned();
            documents.push(alone(
                &loose.document,
                format!("{} {}", loose.document.kind.name(), loose.name),
                path,
            ));
        }
        let trusted = trusted(world, settings);
        let mut keys: BTreeMap<AccountId, Vec<&Key>> = BTreeMap::new();
        for key in world.keys.values() {
            keys.entry(key.arn.account()).or_default().push(key);
        }
        Self {
            world,
            reach,
            settings,
            base: None,
            graph: None,
            documents,
            trusted,
            keys,
            asked: OnceLock::new(),
            places: OnceLock::new(),
            administrators: OnceLock::new(),
            regions: OnceLock::new(),
            identities: world.accounts.values().flat_map(|it| it.identities.values()).collect(),
            numbers: OnceLock::new(),
            possible: Memo::new(),
        }
    }

    /// The same beside the world as it was before a change.
    #[must_use]
    pub fn against(self, base: Option<&'a dyn Reach>) -> Self {
        Self { base, ..self }
    }

    /// The same with the graph of the same world.
    #[must_use]
    pub fn with_graph(self, graph: &'a Graph<'a>) -> Self {
        Self { graph: Some(graph), ..self }
    }

    /// The keys that an account owns.
    pub fn keys_of(&self, account: AccountId) -> &[&'a Key] {
        self.keys.get(&account).map_or(&[], Vec::as_slice)
    }

    /// The number of a policy among `documents`.
    pub(super) fn number_of(&self, document: &PolicyDocument) -> Option<usize> {
        let places = self.places.get_or_init(|| {
            let mut places: FxHashMap<Place, Vec<usize>> = FxHashMap::default();
            for (number, it) in self.documents.iter().enumerate() {
                places.entry(it.document.place).or_default().push(number);
            }
            places
        });
        let numbers = places.get(&document.place)?;
        let is_it = |number: &&usize| {
            let known = self.documents.get(**number);
            known.is_some_and(|known| known.document.identity() == document.identity())
        };
        numbers.iter().find(is_it).or(numbers.last()).copied()
    }

    /// What is known of a policy of the world.
    pub(super) fn documented(&self, document: &PolicyDocument) -> Option<&Documented<'a>> {
        self.documents.get(self.number_of(document)?)
    }

    /// The user or role with this ARN.
    pub(super) fn identity(&self, arn: &str) -> Option<&'a Identity> {
        let numbers = self.numbers.get_or_init(|| {
            let arns = self.identities.iter().map(|identity| identity.arn.clone());
            arns.zip(0..).collect()
        });
        self.identities.get(*numbers.get(arn)?).copied()
    }

    /// The Regions that keys stand in.
    pub(super) fn regions(&self) -> &BTreeSet<Box<str>> {
        self.regions
            .get_or_init(|| self.world.keys.values().map(|key| key.arn.region().into()).collect())
    }

    /// The tags and aliases that conditions ask for.
    pub(super) fn asked(&self) -> &AskedBy {
        self.asked.get_or_init(|| AskedBy::of(self.reach, &self.documents))
    }

    /// Whether an identity policy lets a user or role do everything there is: what it can do to keys
    /// follows.
    pub(super) fn is_administrator(&self, identity: &Identity) -> bool {
        let administrators = self.administrators.get_or_init(|| {
            let accounts = self.world.accounts.values();
            let all = accounts.flat_map(|account| account.identities.values());
            all.filter(|it| may_do_everything(self.world, it)).map(|it| it.arn.clone()).collect()
        });
        administrators.contains(&*identity.arn)
    }

    /// Whether an account is no outsider: it or a key of it is in the export, it is of the organization, or
    /// it is declared. A symbol is an account that the code itself is deployed to, and may be the key's own.
    pub fn is_trusted(&self, account: AccountId) -> bool {
        account.is_symbol() || self.trusted.contains(&account)
    }
}

fn trusted(world: &Inventory, settings: &Settings) -> BTreeSet<AccountId> {
    let owners = world.keys.values().map(|key| key.arn.account());
    let members = world.organization.iter().flat_map(|organization| &organization.accounts);
    let declared = world.accounts.keys().chain(members).chain(&settings.trusted_accounts);
    owners.chain(declared.copied()).collect()
}

fn alone(document: &PolicyDocument, name: String, subject: String) -> Documented<'_> {
    Documented { document, name, subject, key: None, holders: Vec::new() }
}

fn of_key<'a>(world: &Inventory, key: &'a Key, documents: &mut Vec<Documented<'a>>) {
    let shown = world.shown_key(key);
    for document in key.policy.iter().chain(&key.ram_policy) {
        documents.push(Documented {
            document,
            name: format!("key policy of {shown}"),
            subject: key.arn.to_string(),
            key: Some(key),
            holders: Vec::new(),
        });
    }
}

fn of_account<'a>(account: &'a Account, documents: &mut Vec<Documented<'a>>) {
    let mut by_group: BTreeMap<&str, Vec<&Identity>> = BTreeMap::new();
    let mut by_policy: BTreeMap<&str, Vec<&Identity>> = BTreeMap::new();
    let attach = |attached: &'a [AttachedPolicy],
                  identity: &'a Identity,
                  by_policy: &mut BTreeMap<&'a str, Vec<&'a Identity>>| {
        for policy in attached {
            by_policy.entry(&policy.arn).or_default().push(identity);
        }
    };
    for identity in account.identities.values() {
        attach(&identity.attached, identity, &mut by_policy);
        for name in &identity.groups {
            by_group.entry(name).or_default().push(identity);
            if let Some(group) = account.groups.get(name) {
                attach(&group.attached, identity, &mut by_policy);
            }
        }
        // What may be attached is looked at where it stands.
        for policy in identity.inline.iter().filter(|policy| !policy.is_managed()) {
            documents.push(Documented {
                document: &policy.document,
                name: format!("inline policy {} of {}", policy.name, short_name(identity)),
                subject: format!("{}/inline/{}", identity.arn, policy.name),
                key: None,
                holders: vec![identity],
            });
        }
        if let Some(trust) = &identity.trust {
            let name = format!("trust policy of {}", short_name(identity));
            documents.push(alone(trust, name, format!("{}/trust", identity.arn)));
        }
    }
    for group in account.groups.values() {
        for policy in group.inline.iter().filter(|policy| !policy.is_managed()) {
            documents.push(Documented {
                document: &policy.document,
                name: format!("inline policy {} of group/{}", policy.name, group.name),
                subject: format!("{}/inline/{}", group.arn, policy.name),
                key: None,
                holders: by_group.get(&*group.name).cloned().unwrap_or_default(),
            });
        }
    }
    for policy in account.policies.values() {
        documents.extend(policy.document().map(|document| Documented {
            document,
            name: format!("managed policy {}", policy_name(&policy.arn)),
            subject: policy.arn.to_string(),
            key: None,
            holders: by_policy.get(&*policy.arn).cloned().unwrap_or_default(),
        }));
    }
}

/// `user/alice` or `role/app`: a principal within its account.
pub fn short_name(identity: &Identity) -> String {
    match identity.kind {
        IdentityKind::User => format!("user/{}", identity.name),
        IdentityKind::Role => format!("role/{}", identity.name),
    }
}

/// One key, and the answers that rules asked for before.
pub struct KeyScope<'a> {
    /// What every rule may ask.
    pub scope: &'a Scope<'a>,
    /// The key.
    pub key: &'a Key,
    holders: RefCell<BTreeMap<ActionSet, Rc<Vec<Holders>>>>,
    verdicts: RefCell<BTreeMap<(Caller, KmsAction), Rc<Verdict>>>,
    candidates: RefCell<BTreeMap<KmsAction, Rc<Vec<Caller>>>>,
    possible: OnceCell<ActionSet>,
    owners: OnceCell<Owners>,
}

impl<'a> KeyScope<'a> {
    /// The scope of one key.
    pub fn new(scope: &'a Scope<'a>, key: &'a Key) -> Self {
        Self {
            scope,
            key,
            holders: RefCell::default(),
            verdicts: RefCell::default(),
            candidates: RefCell::default(),
            possible: OnceCell::new(),
            owners: OnceCell::new(),
        }
    }

    /// The world.
    pub fn world(&self) -> &'a Inventory {
        self.scope.world
    }

    /// The user or role that a caller is.
    pub(super) fn identity(&self, caller: &Caller) -> Option<&'a Identity> {
        self.scope.identity(&caller.text)
    }

    /// The cell of a principal and an action on this key.
    pub fn cell(&self, principal: &Caller, action: KmsAction) -> Cell {
        Cell { principal: principal.clone(), key: self.key.arn.clone(), action }
    }

    /// The verdict of a principal's permission on this key.
    pub fn verdict(&self, principal: &Caller, action: KmsAction) -> Rc<Verdict> {
        let name = (principal.clone(), action);
        if let Some(known) = self.verdicts.borrow().get(&name) {
            return Rc::clone(known);
        }
        let verdict = Rc::new(self.scope.reach.verdict(&self.cell(principal, action)));
        self.verdicts.borrow_mut().insert(name, Rc::clone(&verdict));
        verdict
    }

    /// Groups of callers that share every answer on this key, with what they hold of `wanted`: everyone who
    /// might hold some of it. See [`Reach::holders`].
    pub fn holders(&self, wanted: ActionSet) -> Rc<Vec<Holders>> {
        if let Some(known) = self.holders.borrow().get(&wanted) {
            return Rc::clone(known);
        }
        let reach = self.scope.reach;
        let found = match wanted == ActionSet::ALL || !reach.holds_all_at_once() {
            true => reach.holders(&self.key.arn, wanted),
            false => {
                let whole = self.holders(ActionSet::ALL);
                let part = whole.iter().map(|it| (&it.who, it.holds.within(wanted)));
                let some = part.filter(|(_, holds)| !holds.possible.is_empty());
                some.map(|(who, holds)| Holders { who: who.clone(), holds }).collect()
            }
        };
        let found = Rc::new(found);
        self.holders.borrow_mut().insert(wanted, Rc::clone(&found));
        found
    }

    /// The groups of [`KeyScope::holders`] and perhaps others, with what they hold of `wanted` and perhaps of
    /// other actions: the same without a copy, for those who look for few.
    pub fn near_holders(&self, wanted: ActionSet) -> Rc<Vec<Holders>> {
        let at_once = self.scope.reach.holds_all_at_once();
        self.holders(if at_once { ActionSet::ALL } else { wanted })
    }

    /// What one principal holds of `wanted` on this key.
    pub fn holding(&self, principal: &Caller, wanted: ActionSet) -> Holding {
        self.scope.reach.holding(principal, &self.key.arn, wanted)
    }

    /// For which of `wanted` the key policy or a grant means the principal. See [`Reach::opened`].
    pub fn opened(&self, principal: &Caller, wanted: ActionSet) -> ActionSet {
        self.scope.reach.opened(principal, &self.key.arn, wanted)
    }

    /// Whom an Allow statement of the key policy, or a grant, means for some action of `wanted`.
    pub fn meant(&self, allowing: Allowing<'_>, wanted: ActionSet) -> Vec<Meant> {
        self.scope.reach.meant(&self.key.arn, allowing, wanted)
    }

    /// What becomes of an Allow statement or a grant for one principal on this key.
    pub fn fates(&self, principal: &Caller, allowing: Allowing<'_>, wanted: ActionSet) -> Fates {
        self.scope.reach.fates(principal, &self.key.arn, allowing, wanted)
    }

    /// What becomes of an Allow statement or a grant for a principal and an action on this key.
    pub fn fate(&self, principal: &Caller, action: KmsAction, allowing: Allowing<'_>) -> Fate {
        self.scope.reach.fate(&self.cell(principal, action), allowing)
    }

    /// Everyone who may hold `action` on this key; who is not there surely does not. Sorted.
    pub fn candidates(&self, action: KmsAction) -> Rc<Vec<Caller>> {
        if let Some(known) = self.candidates.borrow().get(&action) {
            return Rc::clone(known);
        }
        let found = Rc::new(self.scope.reach.candidates(&self.key.arn, action));
        self.candidates.borrow_mut().insert(action, Rc::clone(&found));
        found
    }

    /// The key as people name it: its alias, with the id beside it.
    pub fn name(&self) -> String {
        self.world().shown_key(self.key)
    }

    /// The root user of the key's account.
    pub fn root(&self) -> Option<Caller> {
        let arn = &self.key.arn;
        Caller::parse(&format!("arn:{}:iam::{}:root", arn.partition(), arn.account()))
    }

    /// Which accounts named by their numbers may be the one that owns the key.
    pub(super) fn owners(&self) -> &Owners {
        self.owners.get_or_init(|| owners(self))
    }

    /// The key policy, where the customer writes it and every statement of it could be read and
    /// resolved: only then can a rule say that nobody or nothing allows.
    pub fn readable_policy(&self) -> Option<&'a PolicyDocument> {
        self.policy_known_but_for(|_| false)
    }

    /// The same where the accounts that it names by their numbers may be others than they seem: which one it is
    /// deployed to is not known.
    pub(super) fn policy_of_open_account(&self) -> Option<&'a PolicyDocument> {
        self.policy_known_but_for(is_of_deployment)
    }

    fn policy_known_but_for(&self, is_known: fn(&str) -> bool) -> Option<&'a PolicyDocument> {
        let document = self.key.policy.as_ref().filter(|_| !self.key.is_aws_managed())?;
        let policy = document.policy();
        let resolved = policy.statements.iter().all(|statement| {
            statement.standing != crate::policy::Standing::Malformed
                && statement.unresolved().all(|open| is_known(open.value))
        });
        (policy.readable && resolved && document.kind == PolicyKind::Key).then_some(document)
    }

    /// The actions of `wanted` that the key can perform at all, in their order.
    pub fn performable(&self, wanted: &[KmsAction]) -> Vec<KmsAction> {
        let possible = self.possible();
        wanted.iter().copied().filter(|action| possible.contains(*action)).collect()
    }

    /// The actions on keys that the key can perform at all (rules S4, S5); all of them where its spec is
    /// not known.
    pub fn possible(&self) -> ActionSet {
        *self.possible.get_or_init(|| {
            let metadata = self.key.metadata.as_ref();
            let spec = metadata.and_then(|it| KeySpec::parse(it.spec.as_deref()?));
            let usage = metadata.and_then(|it| KeyUsage::parse(it.usage.as_deref()?));
            self.scope.possible.get((usage, spec), |(usage, spec)| possible(*usage, *spec))
        })
    }
}

/// See [`KeyScope::possible`].
fn possible(usage: Option<KeyUsage>, spec: Option<KeySpec>) -> ActionSet {
    let operations = match (usage, spec) {
        (Some(usage), Some(spec)) => operations_for(usage, spec),
        _ => ActionSet::ALL,
    };
    let can = |action: &KmsAction| {
        let info = action.info();
        let on_every_key = info.key_usages.is_empty();
        info.has_key_resource && (on_every_key || operations.contains(*action))
    };
    KmsAction::all().filter(can).collect()
}
