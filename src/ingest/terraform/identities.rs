//! Users, roles, groups and managed policies as facts.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use crate::aws::AccountId;
use crate::aws::pattern::meets;
use crate::inventory::{AttachedPolicy, IdentityKind, NamedPolicy, PolicyVersion};
use crate::policy::PolicyKind;
use crate::source::Place;
use crate::syntax::WHETHER;

use super::super::declared::MAX_SESSION;
use super::super::facts::{
    Fact, GroupFact, IdentityFact, Names, Page, Parts, PolicyFact, PrincipalKind,
};
use super::super::given::{Gift, Given, Named, Target};
use super::attachments::Attachments;
use super::evaluator::Evaluator;
use super::value::{Data, Value, shape};
use super::world::{Declared, pattern};

/// Whose policies are spoken of: the account, `user`, `role` or `group`, and the name.
type Holder = (AccountId, &'static str, Box<str>);

/// What is declared of a user, role or group.
struct Draft<'r> {
    declared: &'r Declared<'r>,
    arn: Box<str>,
    /// The name, as a pattern where it is not known.
    shape: String,
    inline: Vec<NamedPolicy>,
    attached: Vec<AttachedPolicy>,
    /// Policies of which nobody knows whether they are attached, with what decides.
    doubted: Vec<(AttachedPolicy, Rc<str>)>,
    /// Whether further policies may be attached.
    is_open: bool,
    groups: BTreeSet<Box<str>>,
    /// Whether a user may be in further groups.
    are_groups_open: bool,
    /// Whether another is declared by the same name, and at most one of them will be there.
    is_one_of_several: bool,
}

/// Whom a name means.
enum Meant<'m, 'r> {
    /// A holder that is declared here.
    Draft(&'m mut Draft<'r>),
    /// Perhaps one that is declared elsewhere, by this name.
    Elsewhere(&'m Value, Here),
}

/// Whether something that is declared here may be meant as well.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Here {
    Nothing,
    Perhaps,
}

/// Takes whom a name means, and what decides whether it does.
type Tell<'t, 'r> = dyn FnMut(Meant<'_, 'r>, Option<Rc<str>>) + 't;

/// The users, roles, groups and managed policies of some resources.
pub(super) struct Identities<'r> {
    drafts: BTreeMap<Holder, Draft<'r>>,
    policies: Vec<PolicyFact>,
    /// What is given to holders that are not declared here, and the account that they are of.
    given: Vec<(AccountId, Given)>,
}

const KINDS: [&str; 3] = ["user", "role", "group"];

impl<'r> Identities<'r> {
    /// Collects what resources declare, and what others say of it.
    pub(super) fn new(evaluator: &Evaluator<'_>, resources: &'r [Declared<'r>]) -> Self {
        let mut made = Self { drafts: BTreeMap::new(), policies: Vec::new(), given: Vec::new() };
        for declared in resources {
            match declared.resource.of_type {
                "aws_iam_user" => made.holder(evaluator, declared, "user"),
                "aws_iam_role" => made.holder(evaluator, declared, "role"),
                "aws_iam_group" => made.holder(evaluator, declared, "group"),
                "aws_iam_policy" => made.managed(evaluator, declared),
                _ => {}
            }
        }
        for declared in resources {
            match declared.resource.of_type {
                "aws_iam_user_policy" => made.inline(evaluator, declared, "user"),
                "aws_iam_role_policy" => made.inline(evaluator, declared, "role"),
                "aws_iam_group_policy" => made.inline(evaluator, declared, "group"),
                "aws_iam_user_policy_attachment" => made.attach(evaluator, declared, "user"),
                "aws_iam_role_policy_attachment" => made.attach(evaluator, declared, "role"),
                "aws_iam_group_policy_attachment" => made.attach(evaluator, declared, "group"),
                "aws_iam_user_policy_attachments_exclusive" => {
                    made.attach(evaluator, declared, "user");
                }
                "aws_iam_role_policy_attachments_exclusive" => {
                    made.attach(evaluator, declared, "role");
                }
                "aws_iam_group_policy_attachments_exclusive" => {
                    made.attach(evaluator, declared, "group");
                }
                "aws_iam_policy_attachment" => {
                    for kind in KINDS {
                        made.attach(evaluator, declared, kind);
                    }
                }
                "aws_iam_user_group_membership" | "aws_iam_group_membership" => {
                    made.member(evaluator, declared);
                }
                _ => {}
            }
        }
        made
    }

    fn holder(
        &mut self,
        evaluator: &Evaluator<'_>,
        declared: &'r Declared<'r>,
        kind: &'static str,
    ) {
        let resource = &declared.resource;
        let deployment = &resource.provider.deployment;
        let arn = evaluator.iam_arn(resource).into();
        let name = evaluator.iam_name(resource).into();
        let mut draft = Draft {
            declared,
            arn,
            shape: evaluator.name_shape(resource),
            inline: Vec::new(),
            attached: Vec::new(),
            doubted: Vec::new(),
            is_open: declared.is_open,
            groups: BTreeSet::new(),
            are_groups_open: declared.is_open,
            is_one_of_several: false,
        };
        let listed = evaluator.argument(&resource.arguments, "managed_policy_arns");
        if let Some(listed) = listed.filter(|listed| !listed.is_null()) {
            Attachments::tell(evaluator, resource, &listed);
            draft.add(&listed, None);
        }
        let (blocks, are_all) = evaluator.plain_blocks(&resource.arguments, "inline_policy");
        for block in blocks {
            let argument = |name: &str| evaluator.argument(&block, name);
            let Some(policy) = argument("policy") else { continue };
            let number = draft.inline.len() + 1;
            let name = argument("name").and_then(|name| name.known());
            let name = name.map_or_else(|| format!("inline-{number}"), |name| name.to_string());
            let document = evaluator.policy(PolicyKind::Identity, &policy, None);
            draft.inline.push(NamedPolicy { name: name.into(), document });
        }
        draft.is_open |= !are_all;
        let holder = (deployment.account, kind, name);
        match self.drafts.entry(holder) {
            Entry::Vacant(free) => drop(free.insert(draft)),
            Entry::Occupied(mut first) => {
                first.get_mut().is_one_of_several = true;
                evaluator.unresolved(declared.at, format!("{}: a second {kind}", resource.address));
            }
        }
    }

    fn managed(&mut self, evaluator: &Evaluator<'_>, declared: &Declared<'_>) {
        let resource = &declared.resource;
        let deployment = &resource.provider.deployment;
        let Some(policy) = evaluator.argument(&resource.arguments, "policy") else {
            return;
        };
        let document = evaluator.policy(PolicyKind::Identity, &policy, None);
        self.policies.push(PolicyFact {
            arn: evaluator.iam_arn(resource).into(),
            account: Some(deployment.account),
            place: declared.place(),
            default_version: Some("v1".into()),
            versions: vec![PolicyVersion { id: "v1".into(), document }],
        });
    }

    /// The holders that an argument names; where that is not known, those that it may name, each with what
    /// decides.
    fn named(
        &mut self,
        account: AccountId,
        kind: &'static str,
        name: &Value,
        tell: &mut Tell<'_, 'r>,
    ) {
        if let Data::OneOf(expression, branches) = &name.data {
            for branch in branches.iter().filter(|branch| !branch.is_null()) {
                self.named(account, kind, branch, &mut |draft, doubt| {
                    let doubt = doubt.unwrap_or_else(|| Rc::clone(expression));
                    tell(draft, Some(doubt));
                });
            }
            return;
        }
        let known = name.known();
        if let Some(known) = &known
            && let Some(draft) = self.drafts.get_mut(&(account, kind, Box::from(&**known)))
        {
            return tell(Meant::Draft(draft), None);
        }
        let pieces = name.as_pieces().map(|pieces| shape(&pieces).0);
        let wanted =
            known.as_deref().map_or_else(|| pieces.unwrap_or_else(|| "*".into()), Into::into);
        let mut here = Here::Nothing;
        for ((of_account, of_kind, own), draft) in &mut self.drafts {
            let is_open = known.is_none() || draft.shape != **own;
            if (*of_account, *of_kind) == (account, kind) && is_open && meets(&wanted, &draft.shape)
            {
                let doubt = name.doubt();
                let doubt = doubt.unwrap_or_else(|| format!("{WHETHER}{wanted} is {own}").into());
                tell(Meant::Draft(draft), Some(doubt));
                here = Here::Perhaps;
            }
        }
        tell(Meant::Elsewhere(name, here), None);
    }

    /// Gives something to holders that other code or an export may have, by their names.
    fn give(
        &mut self,
        declared: &Declared<'_>,
        kind: &'static str,
        elsewhere: Vec<Elsewhere>,
        gift: impl Fn() -> Gift,
    ) {
        let account = declared.resource.provider.account();
        for Elsewhere { name, doubt, here } in elsewhere {
            let named = Named::Holder { kind: kind_of(kind), account, name: pattern(&name) };
            let is_here = here == Here::Perhaps;
            let given = declared.given(named, (kind, &name, is_here), doubt, gift());
            self.given.push((account, given));
        }
    }

    fn inline(&mut self, evaluator: &Evaluator<'_>, declared: &Declared<'_>, kind: &'static str) {
        let resource = &declared.resource;
        let deployment = &resource.provider.deployment;
        let argument = |name: &str| evaluator.argument(&resource.arguments, name);
        let (Some(holder), Some(policy)) = (argument(kind), argument("policy")) else { return };
        let name = argument("name").and_then(|name| name.known());
        let name = name.unwrap_or_else(|| resource.address.as_str().into());
        let inline = |doubt: Option<Rc<str>>| {
            let document = evaluator.policy(PolicyKind::Identity, &policy, doubt);
            NamedPolicy { name: Box::from(&*name), document }
        };
        let doubt = declared.doubt.clone();
        let mut elsewhere = Vec::new();
        self.named(deployment.account, kind, &holder, &mut |meant, may| match meant {
            Meant::Draft(draft) => draft.inline.push(inline(may.or_else(|| doubt.clone()))),
            Meant::Elsewhere(name, here) => elsewhere.push(Elsewhere::new(name, may, here)),
        });
        let gift = || Gift::Inline { policy: inline(None), loose: None };
        self.give(declared, kind, elsewhere, gift);
    }

    /// Attaches a managed policy, or a list of them, to one holder, or to all of a list.
    fn attach(&mut self, evaluator: &Evaluator<'_>, declared: &Declared<'_>, kind: &'static str) {
        let resource = &declared.resource;
        let account = resource.provider.account();
        let argument = |name: &str| evaluator.argument(&resource.arguments, name);
        let Some(policy) = argument("policy_arn").or_else(|| argument("policy_arns")) else {
            return;
        };
        let names = [kind.to_owned(), format!("{kind}s"), format!("{kind}_name")];
        let holders = names.iter().find_map(|name| argument(name));
        let Some(holders) = holders.filter(|holders| !holders.is_null()) else { return };
        Attachments::tell(evaluator, resource, &policy);
        let items = holders.items().map_or_else(|| vec![holders.clone()], <[Value]>::to_vec);
        for holder in items {
            let mut elsewhere = Vec::new();
            self.named(account, kind, &holder, &mut |meant, may| match meant {
                Meant::Draft(draft) => draft.add(&policy, may.or_else(|| declared.doubt.clone())),
                Meant::Elsewhere(name, here) => elsewhere.push(Elsewhere::new(name, may, here)),
            });
            let gift = || {
                let Attachments { policies, doubted, is_open } = Attachments::of(&policy);
                Gift::Attached { policies, is_open: is_open || !doubted.is_empty() }
            };
            self.give(declared, kind, elsewhere, gift);
        }
    }

    /// Users in groups: one user in some groups, or some users in one group.
    fn member(&mut self, evaluator: &Evaluator<'_>, declared: &Declared<'_>) {
        let resource = &declared.resource;
        let account = resource.provider.account();
        let argument = |one: &str, many: &str| {
            let one = evaluator.argument(&resource.arguments, one);
            one.or_else(|| evaluator.argument(&resource.arguments, many))
        };
        let (Some(users), Some(groups)) = (argument("user", "users"), argument("group", "groups"))
        else {
            return;
        };
        let list =
            |value: &Value| value.items().map_or_else(|| vec![value.clone()], <[Value]>::to_vec);
        let (users, groups) = (list(&users), list(&groups));
        let is_open = groups.iter().any(|group| group.known().is_none());
        if is_open {
            let what = format!("{}: which groups it is about", resource.address);
            evaluator.unresolved(declared.at, what);
        }
        let known = groups.iter().filter_map(Value::known);
        let known: BTreeSet<Box<str>> = known.map(|name| Box::from(&*name)).collect();
        for user in users {
            let mut elsewhere = Vec::new();
            self.named(account, "user", &user, &mut |meant, may| match meant {
                Meant::Draft(draft) if may.is_none() && declared.doubt.is_none() => {
                    draft.groups.extend(known.iter().cloned());
                    draft.are_groups_open |= is_open;
                }
                Meant::Draft(draft) => draft.are_groups_open = true,
                Meant::Elsewhere(name, here) => elsewhere.push(Elsewhere::new(name, may, here)),
            });
            let gift = || Gift::Groups { names: known.clone(), is_open };
            self.give(declared, "user", elsewhere, gift);
        }
    }

    /// The facts of users, roles, groups and managed policies.
    pub(super) fn facts(self, evaluator: &Evaluator<'_>) -> Vec<Fact> {
        let policies = self.policies.into_iter().map(|policy| Fact::Policy(Box::new(policy)));
        let mut facts: Vec<Fact> = policies.collect();
        let mut own: BTreeMap<AccountId, BTreeSet<Box<str>>> = BTreeMap::new();
        for ((account, ..), draft) in &self.drafts {
            own.entry(*account).or_default().insert(draft.arn.clone());
        }
        let own: BTreeMap<AccountId, Arc<BTreeSet<Box<str>>>> =
            own.into_iter().map(|(account, own)| (account, Arc::new(own))).collect();
        let given = self.given.into_iter().map(|(account, given)| {
            let own = own.get(&account).cloned().unwrap_or_default();
            Fact::Given(Box::new(Given { own, ..given }))
        });
        facts.extend(given);
        for ((_, kind, _), draft) in &self.drafts {
            facts.extend(draft.doubted(kind_of(kind)));
        }
        for ((account, kind, _), draft) in self.drafts {
            facts.push(match kind {
                "user" => draft.identity(evaluator, IdentityKind::User, account),
                "role" => draft.identity(evaluator, IdentityKind::Role, account),
                _ => draft.group(account),
            });
        }
        facts
    }
}

/// A holder that is not declared here.
struct Elsewhere {
    name: Value,
    /// What decides whether it is meant.
    doubt: Option<Rc<str>>,
    here: Here,
}

impl Elsewhere {
    fn new(name: &Value, doubt: Option<Rc<str>>, here: Here) -> Self {
        Self { name: name.clone(), doubt, here }
    }
}

/// What a holder is called in facts.
fn kind_of(kind: &str) -> PrincipalKind {
    match kind {
        "user" => PrincipalKind::User,
        "role" => PrincipalKind::Role,
        _ => PrincipalKind::Group,
    }
}

impl Draft<'_> {
    /// Attaches a managed policy, or all of a list.
    fn add(&mut self, policy: &Value, doubt: Option<Rc<str>>) {
        let all = Attachments::of(policy);
        let Attachments { policies, doubted, is_open } = match &doubt {
            Some(doubt) => all.when(doubt),
            None => all,
        };
        self.is_open |= is_open;
        self.doubted.extend(doubted);
        for policy in policies {
            if !self.attached.iter().any(|known| known.arn == policy.arn) {
                self.attached.push(policy);
            }
        }
    }

    /// What it may have is given to it once all policies are known.
    fn doubted(&self, kind: PrincipalKind) -> impl Iterator<Item = Fact> {
        let doubted = self.doubted.iter().filter(|_| !self.is_one_of_several);
        doubted.map(move |(policy, doubt)| {
            let to = Target::own(kind, &self.arn, doubt);
            let policies = vec![policy.clone()];
            let gift = Gift::Attached { policies, is_open: false };
            let (place, own) = (policy.place, Arc::default());
            Fact::Given(Box::new(Given { to: vec![to], gift, place, own }))
        })
    }

    fn parts(&mut self) -> Parts {
        let place = self.declared.place();
        Parts {
            inline: std::mem::take(&mut self.inline),
            inline_names: if self.declared.is_open { Names::Unknown } else { Names::All },
            attached: Some(Page {
                items: std::mem::take(&mut self.attached),
                place,
                more: self.is_open,
            }),
            also_attached: None,
        }
    }

    fn identity(
        mut self,
        evaluator: &Evaluator<'_>,
        kind: IdentityKind,
        account: AccountId,
    ) -> Fact {
        let resource = &self.declared.resource;
        let argument = |name: &str| evaluator.argument(&resource.arguments, name);
        let place = self.declared.place();
        if self.is_one_of_several {
            // Which of them it will be nobody knows, and so nothing of what it has.
            let named = IdentityFact::new(kind, self.arn, account, place);
            return Fact::Identity(Box::new(named));
        }
        // An empty text is none for the provider.
        let is_none = |it: &Value| it.is_null() || it.known().is_some_and(|arn| arn.is_empty());
        let boundary = match argument("permissions_boundary").filter(|it| !is_none(it)) {
            None => Some(None),
            Some(boundary) => {
                let known = boundary.known().map(|arn| {
                    let place = Place::plain(boundary.at.file, boundary.at.span);
                    Some(AttachedPolicy { arn: Box::from(&*arn), place })
                });
                if known.is_none() {
                    let what = format!("{}: its permissions boundary", resource.address);
                    evaluator.unresolved(boundary.at, what);
                }
                known
            }
        };
        let trust = argument("assume_role_policy")
            .map(|policy| evaluator.policy(PolicyKind::Trust, &policy, None));
        let seconds = argument("max_session_duration").filter(|it| !it.is_null());
        let max_session = match (kind, seconds) {
            (IdentityKind::User, _) => None,
            (IdentityKind::Role, None) => Some(MAX_SESSION),
            (IdentityKind::Role, Some(seconds)) => {
                seconds.known().and_then(|text| text.parse().ok())
            }
        };
        let tags = evaluator.tags(resource);
        let groups = (kind == IdentityKind::User).then(|| Page {
            items: std::mem::take(&mut self.groups),
            place,
            more: self.are_groups_open,
        });
        let parts = self.parts();
        Fact::Identity(Box::new(IdentityFact {
            tags,
            boundary,
            max_session,
            trust,
            parts,
            groups,
            is_in_doubt: self.declared.doubt.is_some(),
            ..IdentityFact::new(kind, self.arn, account, place)
        }))
    }

    fn group(mut self, account: AccountId) -> Fact {
        let parts = match self.is_one_of_several {
            true => Parts::default(),
            false => self.parts(),
        };
        let is_in_doubt = self.declared.doubt.is_some();
        let group = GroupFact::new(self.arn, account, self.declared.place(), parts);
        Fact::Group(Box::new(GroupFact { is_in_doubt, ..group }))
    }
}
