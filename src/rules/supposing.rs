//! Policies as they are for strangers once what would not stop them is taken out: a Deny that spares members of
//! whatever organization, and what nobody knows.

use std::collections::BTreeSet;

use crate::inventory::{Edit, OrgPolicyKind};
use crate::policy::{
    Alternative, AtMost, Comparison, Condition, Element, Polarity, PolicyDocument, PolicyKind,
    Principal, Standing, Statement, Value,
};
use crate::source::{Place, Span};
use crate::syntax::is_of_deployment;

use super::KeyScope;
use super::audience::{is_about, takes_all};
use super::controllers::list;
use super::unresolved_reference::named;
use super::what_if::every;

/// A world as it could be.
pub(super) struct Supposed {
    /// What makes it.
    pub(super) edits: Vec<Edit>,
    /// The key policy in it, statement by statement as it was.
    pub(super) policy: PolicyDocument,
    /// The statements that are taken to stop nobody because nobody knows.
    pub(super) unknown: Vec<(Place, Span)>,
}

/// Branches of code that are taken.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Branches {
    /// What decides that they are, as it is written.
    pub(super) open: BTreeSet<String>,
    /// The one that a statement stands in: those beside it are not taken.
    own: Option<Alternative>,
}

impl Branches {
    /// Those that make a policy what it is in one reading.
    pub(super) fn of(open: &[Box<str>]) -> Self {
        Self { open: open.iter().map(|open| open.to_string()).collect(), own: None }
    }

    /// These, with those of a reading.
    pub(super) fn with(self, others: &Self) -> Self {
        Self { open: self.open.union(&others.open).cloned().collect(), ..self }
    }

    /// Whether none has to be taken.
    pub(super) fn are_none(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether a statement stands in one that is not taken where these are.
    fn exclude(&self, statement: &Statement) -> bool {
        self.own.zip(statement.alternative).is_some_and(|(own, other)| own.excludes(other))
    }
}

/// What is said of somebody whom something that is not known may stop.
pub(super) const UNLESS: &str = ", unless what is not known here stops it";

/// What is said of somebody whom code lets in where it takes these branches; and whether something that is not known
/// may stop it.
pub(super) fn where_it_is_so(branches: &BTreeSet<String>, is_unsure: bool) -> String {
    let branches: Vec<String> = branches.iter().map(|open| named(open)).collect();
    let unless = if is_unsure { " and what is not known here does not stop it" } else { "" };
    format!(", where {} has it so{unless}", list(&branches))
}

/// What stands in the place of a value that is not known: nobody has it.
const NOT_KNOWN: &str = "not-known";

/// The world in which no Deny that spares members of every organization, by these condition keys, stops
/// strangers: they can be members of one.
pub(super) fn as_members(
    scope: &KeyScope<'_>,
    policy: &PolicyDocument,
    keys: &[&str],
) -> Option<Supposed> {
    let spares = |statement: &Statement| {
        statement.denies() && statement.conditions.iter().any(|it| spares_members(it, keys))
    };
    let spare = |statement: &mut Statement| {
        if spares(statement) {
            statement.standing = Standing::Inert;
        }
    };
    supposed(scope, policy, [&spares, &spares], &spare)
}

/// The world in which what is not known stops nobody: statements that may not stand there do not, but for what
/// stands in these branches of code, and no caller has a value that is open.
pub(super) fn as_known(
    scope: &KeyScope<'_>,
    policy: &PolicyDocument,
    branches: &Branches,
) -> Option<Supposed> {
    let is_doubted = |statement: &Statement| statement.denies() && statement.doubt.is_some();
    let change = |statement: &mut Statement| {
        take(statement, branches);
        settle(statement);
    };
    let mut made = supposed(scope, policy, [&is_doubted, &is_open], &change)?;
    let is_open = |it: &&Statement| it.denies() && is_open(it) && !branches.exclude(it);
    let of_key = policy.policy().statements.iter().filter(is_open);
    made.unknown.extend(of_key.map(|statement| (policy.place, statement.span)));
    Some(made)
}

/// What decides whether a statement stands there, or means everyone, in one of several branches of code as they are
/// written; nothing where it may ask for more than is known.
pub(super) fn branches(statement: &Statement) -> Branches {
    let entries = statement.principal.iter().flat_map(|element| &element.entries);
    let everyone = entries.filter(|entry| *entry.value.at_most() == Principal::Anyone);
    branches_with(statement, everyone.filter_map(|entry| in_a_branch(&entry.value)))
}

/// The same for each entry of a statement's principals: what decides whether the statement means that one.
pub(super) fn branches_of_each(statement: &Statement) -> impl Iterator<Item = Branches> {
    let entries = statement.principal.iter().flat_map(|element| &element.entries);
    entries.map(|entry| branches_with(statement, in_a_branch(&entry.value)))
}

/// The branches that a statement stands in, and those that something in it does.
fn branches_with<'s>(
    statement: &'s Statement,
    inside: impl IntoIterator<Item = &'s str>,
) -> Branches {
    if statement.may_ask_more {
        return Branches::default();
    }
    let all = statement.doubt.as_deref().into_iter().chain(inside);
    let open = all.filter(|open| !is_of_deployment(open)).map(str::to_owned).collect();
    Branches { open, own: statement.alternative }
}

/// What decides whether an entry means a principal, where that is one of several branches.
pub(super) fn in_a_branch(entry: &Principal) -> Option<&str> {
    match entry {
        Principal::Unresolved(of) if matches!(of.at_most, AtMost::Principal(_)) => {
            Some(&of.expression)
        }
        _ => None,
    }
}

/// The statement as it is in these branches.
fn take(statement: &mut Statement, branches: &Branches) {
    if !statement.may_ask_more && !branches.exclude(statement) {
        statement.doubt.take_if(|doubt| branches.open.contains(&**doubt));
    }
    for entry in statement.principal.iter_mut().flat_map(|element| &mut element.entries) {
        if in_a_branch(&entry.value).is_some_and(|doubt| branches.open.contains(doubt)) {
            entry.value = entry.value.at_most().clone();
        }
    }
}

/// The world after `change` of those statements of the key policy that `touched` names, and without those statements
/// of RCPs that `goes` names; nothing where that is the world as it is.
fn supposed(
    scope: &KeyScope<'_>,
    policy: &PolicyDocument,
    [goes, touched]: [&dyn Fn(&Statement) -> bool; 2],
    change: &dyn Fn(&mut Statement),
) -> Option<Supposed> {
    let (world, account) = (scope.world(), scope.key.arn.account());
    let exported = world.organization.iter().flat_map(|it| it.policies.values());
    let declared = world.declared_limits(account, OrgPolicyKind::Rcp);
    let documents = exported.chain(declared).flat_map(|it| &it.document);
    let rcps = documents.filter(|it| it.kind == PolicyKind::Rcp);
    let statements = rcps.flat_map(|it| it.policy().statements.iter().map(|one| (it.place, one)));
    let gone = statements.filter(|(_, statement)| goes(statement));
    let gone: Vec<(Place, Span)> = gone.map(|(place, one)| (place, one.span)).collect();
    if gone.is_empty() && !policy.policy().statements.iter().any(touched) {
        return None;
    }
    let policy = every(policy, change);
    let put = Edit::PutKeyPolicy { key: scope.key.arn.clone(), policy: policy.clone() };
    let without = |(policy, statement): &(Place, Span)| Edit::WithoutStatement {
        policy: *policy,
        statement: *statement,
    };
    let edits = gone.iter().map(without).chain([put]).collect();
    Some(Supposed { edits, policy, unknown: gone })
}

/// Whether something of the statement decides and is not known: the resource of a key's own policy does not, and
/// strangers are of no account that code is deployed to.
pub(super) fn is_open(statement: &Statement) -> bool {
    let mut open = statement.unresolved_with(None);
    statement.doubt.is_some() || open.any(|open| !is_of_deployment(open.value))
}

/// The statement with values that nobody has where it leaves some open. An Allow that may not stand there, or that may
/// ask for more, stays in doubt, but for what only its deployment tells.
fn settle(statement: &mut Statement) {
    if statement.denies() && statement.doubt.is_some() {
        statement.standing = Standing::Inert;
    }
    statement.doubt.take_if(|doubt| is_of_deployment(doubt));
    let fill = |value: &mut Value, text: &str| {
        if let Value::Unresolved(_) = value {
            *value = Value::Text(text.into());
        }
    };
    let fill_all = |element: &mut Option<Element>, text: &str| {
        let values = element.iter_mut().flat_map(|element| &mut element.values);
        values.for_each(|value| fill(&mut value.value, text));
    };
    fill_all(&mut statement.action, NOT_KNOWN);
    fill_all(&mut statement.resource, "*");
    let values = statement.conditions.iter_mut().flat_map(|condition| &mut condition.values);
    values.for_each(|value| fill(&mut value.value, NOT_KNOWN));
    for entry in statement.principal.iter_mut().flat_map(|element| &mut element.entries) {
        if let Principal::Unresolved(_) = entry.value {
            entry.value = Principal::Invalid(NOT_KNOWN.into());
        }
    }
}

/// Whether a condition, in a Deny, does not hold for members of whatever organization: `StringNotLike` `o-*`, `Null`
/// `true`.
fn spares_members(condition: &Condition, keys: &[&str]) -> bool {
    let operator = &condition.operator.value;
    let mut texts = condition.values.iter().filter_map(|value| value.value.text());
    keys.iter().any(|key| is_about(condition, key))
        && match operator.comparison {
            Comparison::StringLike => operator.polarity == Polarity::IsNot && texts.any(takes_all),
            Comparison::Null => texts.any(|text| text.eq_ignore_ascii_case("true")),
            _ => false,
        }
}
