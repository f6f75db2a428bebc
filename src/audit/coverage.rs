//! How much of infrastructure code is known before it is deployed.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::managed::{AS_OF, other};
use crate::inventory::{Declared, GapKind, Identity, Inventory, policy_name, without_instances};
use crate::policy::{Policy, PolicyDocument};
use crate::syntax::{WHETHER, is_of_deployment, without_deployment};

/// How much of what infrastructure code declares is resolved, and why not all.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Coverage {
    /// Keys, by their policies, aliases and what kind of key they are.
    pub keys: Resolved,
    /// Policies of all kinds.
    pub policies: Resolved,
    /// Users and roles, by their policies and what belongs to them.
    pub principals: Resolved,
    /// What is not known, in words, each once: of what is the same in several instances of a module the
    /// first, with how many more there are.
    pub unresolved: Vec<String>,
    /// What was taken for granted, in words.
    pub assumed: Vec<String>,
    /// What the symbols of accounts stand for, in words.
    pub accounts: Vec<String>,
}

/// How many of something are resolved.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Resolved {
    /// All is known.
    pub fully: usize,
    /// Something is not known.
    pub partly: usize,
    /// Nothing is known.
    pub not_at_all: usize,
}

/// How much of one thing is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Known {
    All,
    Some,
    Nothing,
}

impl Known {
    /// Of two parts of one thing.
    fn with(self, other: Self) -> Self {
        if self == other { self } else { Self::Some }
    }
}

impl Resolved {
    fn count(&mut self, known: Known) {
        match known {
            Known::All => self.fully += 1,
            Known::Some => self.partly += 1,
            Known::Nothing => self.not_at_all += 1,
        }
    }

    /// Of how many.
    pub fn total(self) -> usize {
        self.fully + self.partly + self.not_at_all
    }
}

impl Coverage {
    /// How much of `world` is known, where some of it comes from infrastructure code.
    pub fn of(world: &Inventory) -> Option<Self> {
        let declared = world.declared.as_deref()?;
        let mut counting = Counting { declared, open: BTreeSet::new(), seen: BTreeMap::new() };
        let mut found = Self::default();
        let mut documents = BTreeSet::new();
        let gaps: BTreeSet<&str> = world
            .gaps
            .iter()
            .filter(|gap| declared.files.contains(&gap.place.file))
            .filter_map(|gap| match &gap.kind {
                GapKind::IdentityPart { arn, .. } => Some(&**arn),
                GapKind::PolicyDocument { policy, .. } => {
                    let name = policy_name(policy);
                    documents.insert(&**policy);
                    counting.open.insert(format!("the document of the managed policy {name}"));
                    None
                }
                _ => None,
            })
            .collect();
        for key in world.keys.values().filter(|key| declared.files.contains(&key.place.file)) {
            let known = key.policy.iter().map(|policy| counting.look(policy)).collect();
            let is_whole = key.metadata.is_some() && key.aliases_listed && key.tags.is_some();
            found.keys.count(together(known, is_whole));
        }
        let mut as_of = BTreeSet::new();
        for account in world.accounts.values() {
            for group in account.groups.values() {
                let own = group.inline.iter().filter(|policy| !policy.is_managed());
                counting.look_at(own.map(|policy| &policy.document));
            }
            for policy in account.policies.values() {
                if declared.files.contains(&policy.place.file) && other(&policy.arn).is_some() {
                    let name = policy_name(&policy.arn);
                    as_of.insert(format!("{name} says what AWS had written by {AS_OF}"));
                }
                counting.look_at(policy.versions.iter().map(|version| &version.document));
            }
            for identity in account.identities.values() {
                if declared.files.contains(&identity.place.file) {
                    let known = of_identity(identity, &mut counting);
                    let attached = identity.attached.iter().chain(&identity.boundary);
                    let is_whole = !gaps.contains(&*identity.arn)
                        && !attached.into_iter().any(|policy| documents.contains(&*policy.arn));
                    found.principals.count(together(known, is_whole));
                }
            }
        }
        counting.look_at(world.loose.iter().map(|policy| &policy.document));
        counting.seen.values().for_each(|known| found.policies.count(*known));
        let mut open = counting.open;
        open.extend(declared.unresolved.iter().map(|open| open.value.to_string()));
        found.unresolved = once_a_block(open);
        found.assumed = declared.assumed.iter().map(ToString::to_string).collect();
        found.assumed.extend(as_of);
        let accounts = declared.accounts.iter();
        found.accounts = accounts.map(|(account, what)| format!("{account} is {what}")).collect();
        Some(found)
    }

    /// `2 of 3 keys, 4 of 4 policies and 1 of 2 principals of infrastructure code are resolved`.
    pub fn words(&self) -> String {
        let part = |what: &str, of: Resolved| format!("{} of {} {what}", of.fully, of.total());
        format!(
            "{}, {}, {} of infrastructure code fully resolved",
            part("keys", self.keys),
            part("policies", self.policies),
            part("principals", self.principals)
        )
    }
}

/// What is the same but for the instance of a module that it stands in is told once, and so are calls of one
/// module that is not here, and blocks that one expression counts.
fn once_a_block(open: BTreeSet<String>) -> Vec<String> {
    let mut firsts: BTreeMap<String, usize> = BTreeMap::new();
    let mut told: Vec<(String, usize)> = Vec::new();
    for one in open {
        let at = *firsts.entry(kind(&one)).or_insert(told.len());
        match told.get_mut(at) {
            Some((_, others)) => *others += 1,
            None => told.push((one, 0)),
        }
    }
    let words = told.into_iter().map(|(first, others)| match others {
        0 => first,
        others => format!("{first} and {others} more like it"),
    });
    words.collect()
}

/// What is not known, whoever asks for it.
fn kind(open: &str) -> String {
    let source = open.strip_suffix("` is not here").and_then(|open| open.split_once(": `"));
    let counted = || open.split_once("` there are: `");
    let shared = source.or_else(counted).map(|(_, shared)| shared.to_owned());
    shared.unwrap_or_else(|| without_instances(open))
}

/// The policies that were looked at.
struct Counting<'w> {
    declared: &'w Declared,
    open: BTreeSet<String>,
    seen: BTreeMap<(crate::source::Place, usize), Known>,
}

impl Counting<'_> {
    fn look_at<'d>(&mut self, documents: impl IntoIterator<Item = &'d PolicyDocument>) {
        for document in documents {
            self.look(document);
        }
    }

    /// Counts a policy among those that were looked at.
    fn look(&mut self, document: &PolicyDocument) -> Known {
        let known = self.known(document);
        if self.declared.files.contains(&document.place.file) {
            self.seen.insert((document.place, document.identity()), known);
        }
        known
    }

    /// How much of a policy is known; what is not is noted.
    fn known(&mut self, document: &PolicyDocument) -> Known {
        if !self.declared.files.contains(&document.place.file) {
            return Known::All;
        }
        let Policy { statements, readable, .. } = document.policy();
        let mut open = statements.iter().map(|statement| {
            // What leads to no key decides nothing.
            let counts = statement.may_lead_to_keys();
            let all = statement.unresolved().filter(|_| counts).map(|open| open.value);
            let all: Vec<&str> = all.collect();
            let is_unknown = statement.doubt.is_some()
                && statement.action.as_ref().is_some_and(|element| {
                    element.values.iter().all(|value| value.value.text().is_none())
                });
            (all, is_unknown)
        });
        let (mut known, mut unknown) = (0, 0);
        for (all, is_unknown) in &mut open {
            let own: Vec<&&str> = all.iter().filter(|it| !is_of_deployment(it)).collect();
            if all.iter().any(|open| names_many(open)) {
                self.open.insert(MANY.to_owned());
            }
            for open in all.iter().filter(|it| is_of_deployment(it) && !names_many(it)) {
                let is_of_account = open.starts_with(&format!("{WHETHER}this-"));
                let text = match is_of_account {
                    true => "to which account and Region it is deployed (--account, --region)",
                    false => "which names its parts will have",
                };
                self.open.insert(text.to_owned());
            }
            self.open.extend(own.iter().map(|it| without_deployment(it).to_owned()));
            known += usize::from(own.is_empty());
            unknown += usize::from(is_unknown);
        }
        match statements.len() {
            0 if !readable => Known::Nothing,
            0 => Known::All,
            // What is left out could say anything.
            _ if !readable => Known::Some,
            all if known == all => Known::All,
            all if unknown == all => Known::Nothing,
            _ => Known::Some,
        }
    }
}

/// What is not told apart, where there is too much of it.
const MANY: &str = "which of many accounts or Regions a name is of: more than two dozen are taken for one that \
                    may be any (--account, --region, --var)";

/// Whether an expression asks whether a name is any of many at once.
fn names_many(expression: &str) -> bool {
    let asked = expression.split(", ").filter_map(|part| part.strip_prefix(WHETHER));
    asked.filter_map(|part| part.split_once(" is ")).any(|(one, other)| one == "*" || other == "*")
}

fn of_identity(identity: &Identity, counting: &mut Counting<'_>) -> Vec<Known> {
    let (managed, inline): (Vec<_>, Vec<_>) =
        identity.inline.iter().partition(|policy| policy.is_managed());
    let may_be_attached = managed.into_iter().map(|policy| &policy.document);
    let mut parts: Vec<Known> = may_be_attached.map(|it| counting.known(it)).collect();
    let documents = inline.into_iter().map(|policy| &policy.document);
    parts.extend(documents.chain(&identity.trust).map(|document| counting.look(document)));
    parts
}

/// How much of a thing is known whose policies are known as `parts` says.
fn together(parts: Vec<Known>, is_whole: bool) -> Known {
    let known = parts.into_iter().reduce(Known::with).unwrap_or(Known::All);
    match known {
        Known::All if !is_whole => Known::Some,
        known => known,
    }
}
