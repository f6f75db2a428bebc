//! What code gives to something that it does not declare itself, given: once all inputs are together.
//!
//! Where it is certain to whom, the inventory has it as if both stood together. Where it may be for one of
//! several, or for somebody whose account is not known, nobody knows whether each of them has it.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use crate::aws::managed::is_without_keys;
use crate::aws::{AccountId, Arn, KeyArn};
use crate::inventory::{
    Alias, AttachedPolicy, Gap, GapKind, Inventory, Key, LoosePolicy, ManagedPolicy, NamedPolicy,
    OrgPolicy, Stated, policy_name,
};
use crate::policy::PolicyDocument;
use crate::source::{FileId, Place};
use crate::syntax::{LIMITS, WHETHER};

use super::super::bare::may_touch_kms;
use super::super::facts::PrincipalKind;
use super::super::given::{Gift, Given, Named, Target, grant_in_doubt};
use super::super::managed;
use super::super::merge::Notes;
use super::super::symbols::Symbols;
use super::alone::Alone;
use super::candidates::{Candidates, Meant};
use super::{Subject, inline, limits, nodes};

/// Gives all that code gives to something elsewhere; `symbols` are those of the run.
pub(in crate::ingest) fn given(
    mut all: Vec<Given>,
    symbols: &Symbols,
    inventory: &mut Inventory,
    notes: &mut Notes,
) {
    all.sort_by_key(|given| given.place);
    let candidates = Candidates::new(symbols, inventory);
    let mut declared = inventory.declared.take().map(Arc::unwrap_or_clone).unwrap_or_default();
    let mut giving = Giving {
        inventory,
        notes,
        code: mem::take(&mut declared.files),
        replaced: BTreeSet::new(),
    };
    let mut keys = Alone::default();
    for Given { to, gift, place, own } in all {
        let (mut is_taken, mut strangers) = (false, Vec::new());
        for Target { named, doubt, told, whom } in to {
            if let (Named::Node { id }, Gift::OrgPolicy(policy)) = (&named, &gift) {
                let (inventory, doubt) = (&*giving.inventory, doubt.as_deref());
                let met = limits::attach(inventory, &mut declared, id, policy, doubt);
                if !met.is_empty() {
                    declared.unresolved.extend(told.map(|told| limited(&told, policy, &met)));
                    continue;
                }
            }
            let (meant, is_one) = match candidates.meant(&named, symbols, &own) {
                Meant::Nothing => (Vec::new(), false),
                Meant::One(arn) => (vec![arn], true),
                Meant::Perhaps(all) => (all, false),
            };
            is_taken |= !meant.is_empty();
            declared.unresolved.extend(told.filter(|_| !is_one));
            strangers.extend(whom);
            let decides = || format!("{WHETHER}{} is this one", shown(&named)).into();
            if !is_one
                && let Some((arn, is_doubted)) =
                    keys.key(giving.inventory, (&named, &gift), (&own, place))
            {
                let doubt = doubt.clone().or_else(|| is_doubted.then(decides));
                let doubt = doubt.map(|what| Doubt::new(what, &gift));
                giving.alone(&arn, &gift, place, doubt.as_ref());
            }
            let doubt = doubt.or_else(|| (!is_one).then(decides));
            let doubt = doubt.map(|what| Doubt::new(what, &gift));
            for arn in meant {
                giving.give(&named, &arn, &gift, place, doubt.as_ref());
            }
        }
        if !is_taken && may_use_keys(giving.inventory, &gift) {
            declared.strangers.extend(strangers);
        }
        if let Gift::Inline { policy, loose: Some(name) } = gift
            && !is_taken
        {
            giving.inventory.loose.push(LoosePolicy::new(name, policy.document));
        }
    }
    declared.files = mem::take(&mut giving.code);
    keys.note(giving.inventory, giving.notes);
    let open = &mut declared.unresolved;
    open.sort_by(|left, right| (left.place, &left.value).cmp(&(right.place, &right.value)));
    open.dedup_by(|left, right| (left.place, &left.value) == (right.place, &right.value));
    inventory.declared = Some(Arc::new(declared));
}

/// That nobody knows whether a policy limits some accounts, where it is told to which it is attached.
fn limited(told: &Stated<Box<str>>, policy: &OrgPolicy, met: &[AccountId]) -> Stated<Box<str>> {
    let accounts: Vec<&str> = met.iter().map(AccountId::as_str).collect();
    let (kind, accounts) = (policy.kind.name(), accounts.join(", "));
    Stated::new(format!("{LIMITS}{kind} {} limits {accounts}", policy.name).into(), told.place)
}

/// Whether a policy that is given is one that could use keys, as far as it is known.
fn may_use_keys(inventory: &Inventory, gift: &Gift) -> bool {
    let of_document = |document: &PolicyDocument| document.peek(may_touch_kms);
    match gift {
        Gift::Inline { policy, .. } => of_document(&policy.document),
        Gift::Attached { policies, .. } => policies.iter().any(|policy| {
            let mut accounts = inventory.accounts.values();
            match accounts.find_map(|account| account.policies.get(&policy.arn)) {
                Some(known) => known.versions.iter().any(|it| of_document(&it.document)),
                None => !is_without_keys(&policy.arn),
            }
        }),
        _ => false,
    }
}

/// How a target is named.
fn shown(named: &Named) -> &str {
    match named {
        Named::Holder { name: shape, .. }
        | Named::Key { id: shape, .. }
        | Named::Node { id: shape } => &shape.shape,
        Named::Own { arn, .. } => arn,
    }
}

/// What decides whether somebody has what is given.
struct Doubt {
    what: Box<str>,
    /// The policy that is given, in doubt: all that may have it share it.
    document: Option<PolicyDocument>,
}

impl Doubt {
    fn new(what: Box<str>, gift: &Gift) -> Self {
        let document = match gift {
            Gift::Inline { policy, .. } => Some(policy.document.doubted(&what)),
            _ => None,
        };
        Self { what, document }
    }
}

/// What is given so far.
struct Giving<'g> {
    inventory: &'g mut Inventory,
    notes: &'g mut Notes,
    /// The files of infrastructure code.
    code: BTreeSet<FileId>,
    /// Keys whose own policy was replaced by one that stands elsewhere.
    replaced: BTreeSet<KeyArn>,
}

impl Giving<'_> {
    /// Gives something to a user, role, group, key or level; `doubt` says what decides whether it has it.
    fn give(&mut self, to: &Named, arn: &str, gift: &Gift, place: Place, doubt: Option<&Doubt>) {
        match to {
            Named::Holder { kind, .. } | Named::Own { kind, .. } => {
                self.holder(*kind, arn, gift, place, doubt);
            }
            Named::Key { .. } => {
                if let Some(arn) = KeyArn::parse(arn) {
                    self.key(&arn, gift, place, doubt);
                }
            }
            Named::Node { .. } => {
                if let Gift::OrgPolicy(policy) = gift {
                    let doubt = doubt.map(|doubt| &*doubt.what);
                    nodes::attach(self.inventory, arn, policy, doubt, self.notes);
                }
            }
        }
    }

    fn holder(
        &mut self,
        kind: PrincipalKind,
        arn: &str,
        gift: &Gift,
        place: Place,
        doubt: Option<&Doubt>,
    ) {
        let account = Arn::parse(arn).and_then(|arn| AccountId::parse(arn.account));
        let Some(account) = account else { return };
        let may_hold = match (gift, doubt) {
            (Gift::Attached { policies, .. }, Some(doubt)) => {
                Some(MayHold::of(self.inventory, account, policies, &doubt.what))
            }
            _ => None,
        };
        let held = self.inventory.account_mut(account);
        let (policies, attached, groups) = match kind {
            PrincipalKind::Group => match held.groups.get_mut(policy_name(arn)) {
                Some(group) => (&mut group.inline, &mut group.attached, None),
                None => return,
            },
            PrincipalKind::User | PrincipalKind::Role => match held.identities.get_mut(arn) {
                Some(one) => (&mut one.inline, &mut one.attached, Some(&mut one.groups)),
                None => return,
            },
        };
        let open = match gift {
            Gift::Inline { policy, .. } => {
                let doubted = doubt.and_then(|doubt| doubt.document.as_ref());
                add_inline(policies, arn, policy, doubted, self.notes);
                None
            }
            Gift::Attached { policies: all, is_open } => {
                let is_open = match may_hold {
                    None => {
                        attach(attached, all);
                        *is_open
                    }
                    Some(may) => {
                        for policy in may.known {
                            if !attached.iter().any(|known| known.arn == policy.name) {
                                add_inline(policies, arn, &policy, None, self.notes);
                            }
                        }
                        *is_open || may.is_open
                    }
                };
                is_open.then_some("attached policies")
            }
            Gift::Groups { names, is_open } => {
                if let Some(groups) = groups.filter(|_| doubt.is_none()) {
                    groups.extend(names.iter().cloned());
                }
                (*is_open || doubt.is_some()).then_some("memberships")
            }
            Gift::KeyPolicy { .. } | Gift::Grants(_) | Gift::Alias(_) | Gift::OrgPolicy(_) => None,
        };
        if let Some(part) = open {
            let kind = GapKind::IdentityPart { account, arn: arn.into(), part };
            self.notes.gaps.push(Gap { kind, place });
        }
    }

    /// Gives something to a key of which nothing else is known. As with a key that is declared, whether it
    /// will be there is not asked.
    fn alone(&mut self, arn: &KeyArn, gift: &Gift, place: Place, doubt: Option<&Doubt>) {
        let key = self.inventory.keys.get(arn);
        let is_first = key.is_some_and(|key| key.policy.is_none());
        let doubt = doubt.filter(|_| !(is_first && matches!(gift, Gift::KeyPolicy { .. })));
        self.key(arn, gift, place, doubt);
    }

    fn key(&mut self, arn: &KeyArn, gift: &Gift, place: Place, doubt: Option<&Doubt>) {
        if let Gift::Alias(Some(alias)) = gift
            && doubt.is_none()
        {
            return self.alias(arn, alias);
        }
        let Some(key) = self.inventory.keys.get_mut(arn).map(Arc::make_mut) else { return };
        let open = match (gift, doubt) {
            (Gift::KeyPolicy { document, bypass }, None) => {
                key.lockout_check_bypassed = key.lockout_check_bypassed.or(*bypass);
                return self.replace(arn, document);
            }
            (Gift::KeyPolicy { document, .. }, Some(_)) => {
                let is_same = key.policy.as_ref().is_some_and(|it| it.same_meaning(document));
                (!is_same).then_some("key policy")
            }
            (Gift::Grants(Some(grants)), _) => {
                let account = Some(arn.account());
                let grants = grants.iter().cloned().map(|mut grant| {
                    grant.issuing_account = account;
                    match doubt {
                        Some(doubt) => grant_in_doubt(grant, &doubt.what),
                        None => grant,
                    }
                });
                key.grants.extend(grants);
                None
            }
            (Gift::Grants(None), _) => Some("grants"),
            (Gift::Alias(_), _) => {
                key.aliases_listed = false;
                None
            }
            (
                Gift::Inline { .. }
                | Gift::Attached { .. }
                | Gift::Groups { .. }
                | Gift::OrgPolicy(_),
                _,
            ) => None,
        };
        if let Some(part) = open {
            let kind = GapKind::KeyPart { key: arn.clone(), part, truncated: false };
            self.notes.gaps.push(Gap { kind, place });
        }
    }

    /// Gives a key a policy in place of the one that it declares itself. Of two that stand elsewhere
    /// nobody knows which is applied last, and an export says what is in force.
    fn replace(&mut self, arn: &KeyArn, document: &PolicyDocument) {
        let Some(key) = self.inventory.keys.get_mut(arn).map(Arc::make_mut) else { return };
        let is_own = |place: Place| self.code.contains(&place.file) && !self.replaced.contains(arn);
        match &key.policy {
            Some(known) if known.same_meaning(document) => {}
            Some(known) if !is_own(known.place) => {
                let what = format!("key policy of {arn}");
                self.notes.conflict(what, arn.as_str(), known.whole(), document.whole());
            }
            _ => key.policy = Some(document.clone()),
        }
        self.replaced.insert(arn.clone());
    }

    /// Adds an alias to the key that it points to.
    fn alias(&mut self, arn: &KeyArn, alias: &Alias) {
        let inventory = &mut *self.inventory;
        match inventory.aliases.get(&alias.arn) {
            Some(known) if known.target.as_deref() != Some(arn.id()) => {
                let what = format!("target of {}", alias.arn);
                self.notes.conflict(what, alias.arn.as_str(), known.place, alias.place);
            }
            Some(_) => {}
            None => {
                let alias = Alias { target: Some(arn.id().into()), ..alias.clone() };
                if let Some(key) = inventory.keys.get_mut(arn) {
                    Arc::<Key>::make_mut(key).aliases.insert(alias.arn.clone());
                }
                inventory.aliases.insert(alias.arn.clone(), alias);
            }
        }
    }
}

/// Adds an inline policy, `doubted` where that is given; at most one of its name will be in force.
fn add_inline(
    policies: &mut Vec<NamedPolicy>,
    arn: &str,
    policy: &NamedPolicy,
    doubted: Option<&PolicyDocument>,
    notes: &mut Notes,
) {
    let mut same = policies.iter().filter(|known| known.name == policy.name);
    if same.any(|known| known.document.same_meaning(&policy.document)) {
        return;
    }
    let document = doubted.unwrap_or(&policy.document).clone();
    policies.push(NamedPolicy { name: policy.name.clone(), document });
    let mut all = inline::each_once(&Subject { arn }, mem::take(policies), notes);
    all.sort_by(|left, right| left.name.cmp(&right.name));
    *policies = all;
}

/// Attaches managed policies.
fn attach(attached: &mut Vec<AttachedPolicy>, policies: &[AttachedPolicy]) {
    for policy in policies {
        if !attached.iter().any(|known| known.arn == policy.arn) {
            attached.push(policy.clone());
        }
    }
    attached.sort_by(|left, right| left.arn.cmp(&right.arn));
}

/// Managed policies of which nobody knows whether somebody has them.
struct MayHold {
    /// Those whose documents are known, as inline policies that may not be in force, by their ARNs.
    known: Vec<NamedPolicy>,
    /// Whether there are others that could use keys.
    is_open: bool,
}

impl MayHold {
    fn of(
        inventory: &Inventory,
        account: AccountId,
        policies: &[AttachedPolicy],
        doubt: &str,
    ) -> Self {
        let mut may = Self { known: Vec::new(), is_open: false };
        for policy in policies.iter().filter(|policy| !is_without_keys(&policy.arn)) {
            let known = inventory.managed_policy(account, &policy.arn);
            let standing = managed::known(policy);
            let document = known.and_then(ManagedPolicy::document).cloned();
            match document.or_else(|| standing.as_ref()?.document().cloned()) {
                Some(document) => may.known.push(NamedPolicy {
                    name: policy.arn.clone(),
                    document: document.doubted(doubt),
                }),
                None => may.is_open = true,
            }
        }
        may
    }
}
