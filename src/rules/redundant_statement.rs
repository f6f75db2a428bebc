//! A statement whose removal changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::ActionSet;
use crate::decision::{Allowing, Caller, Holders, Holding};
use crate::findings::{Access, Change, Fix, What};
use crate::inventory::Edit;
use crate::policy::{
    Comparison, Condition, Polarity, PolicyDocument, Principal, Standing, Statement, Value,
};
use crate::source::Located;

use super::controllers::{list, short};
use super::report::Sink;
use super::trust::performed;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct RedundantStatement;

impl Rule for RedundantStatement {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let Some(document) = scope.readable_policy() else { return };
        let mut gone: BTreeSet<usize> = BTreeSet::new();
        // Of two that say the same the later is in excess.
        for index in (0..document.policy().statements.len()).rev() {
            if let Some(why) = excess(scope, document, index, &gone) {
                gone.insert(index);
                tell(scope, document, index, &why, sink);
            }
        }
    }
}

/// Why a statement is in excess.
enum Excess {
    /// Another one says as much and more.
    Covered(usize),
    /// All whom it names hold in any case what it gives.
    Held(BTreeSet<Caller>),
}

fn excess(
    scope: &KeyScope<'_>,
    document: &PolicyDocument,
    index: usize,
    gone: &BTreeSet<usize>,
) -> Option<Excess> {
    let statements = &document.policy().statements;
    let statement = statements.get(index)?;
    let actions = acting(scope, statement)?;
    let others = statements.iter().enumerate().filter(|(at, _)| *at != index && !gone.contains(at));
    let mut others: Vec<(usize, &Statement)> = others.collect();
    let covering = others.iter().find(|(_, other)| covers(scope, other, statement, actions));
    if let Some((at, _)) = covering {
        return without_loss(scope, document, statement, actions).then_some(Excess::Covered(*at));
    }
    others.retain(|(_, other)| other.allows());
    let named = named(scope, statement).filter(|_| statement.allows())?;
    let allowing = |at: usize| Allowing::Statement(document, at);
    let is_held = |caller: &Caller| {
        let fates = scope.fates(caller, allowing(index), actions);
        let always = scope.holding(caller, actions).always;
        let decided = fates.unknown.is_empty() && fates.free.is_subset(always);
        if !decided || fates.free.is_empty() {
            return false;
        }
        // Something else has to give it: hardly ever does anything, and no edit has to be tried.
        let (direct, indirect): (Vec<_>, Vec<_>) =
            others.iter().partition(|(_, other)| means_directly(other, caller));
        let given = |from: &[&(usize, &Statement)], wanted: ActionSet| {
            let free = from.iter().map(|(at, _)| scope.fates(caller, allowing(*at), wanted).free);
            free.fold(ActionSet::EMPTY, ActionSet::union)
        };
        let left = fates.free.minus(given(&direct, fates.free));
        left.is_subset(given(&indirect, left)) && left.is_subset(by_identity(scope, caller, left))
    };
    let is_excess = named.iter().all(is_held) && without_loss(scope, document, statement, actions);
    is_excess.then_some(Excess::Held(named))
}

/// Whether the statement names the principal itself, or everyone.
fn means_directly(statement: &Statement, caller: &Caller) -> bool {
    statement.principal.iter().flat_map(|element| &element.entries).any(|entry| {
        matches!(entry.value, Principal::Anyone) || entry.value.text() == &*caller.text
    })
}

/// What the identity policies of a user or role allow on the key for some request.
fn by_identity(scope: &KeyScope<'_>, caller: &Caller, wanted: ActionSet) -> ActionSet {
    let world = scope.world();
    let Some(identity) = world.identity(&caller.text).filter(|_| !wanted.is_empty()) else {
        return ActionSet::EMPTY;
    };
    let account = world.account(identity.account);
    let groups = identity.groups.iter().filter_map(|name| account?.groups.get(name));
    let groups: Vec<_> = groups.collect();
    let inline = identity.inline.iter().chain(groups.iter().flat_map(|group| &group.inline));
    let attached = identity.attached.iter().chain(groups.iter().flat_map(|group| &group.attached));
    let managed = attached
        .filter_map(|policy| world.managed_policy(identity.account, &policy.arn)?.document());
    let mut found = ActionSet::EMPTY;
    for document in inline.map(|policy| &policy.document).chain(managed) {
        for (index, _) in
            document.policy().statements.iter().enumerate().filter(|(_, it)| it.allows())
        {
            let allowing = Allowing::Statement(document, index);
            found = found.union(scope.fates(caller, allowing, wanted).free);
        }
    }
    found
}

/// The actions that a sound statement for this key speaks of; nothing where it never applies.
fn acting(scope: &KeyScope<'_>, statement: &Statement) -> Option<ActionSet> {
    let element = statement.action.as_ref().filter(|_| statement.standing == Standing::Sound)?;
    let resource = statement.resource.as_ref().filter(|one| one.polarity == Polarity::Is)?;
    let is_key = |text: &str| text == "*" || text == scope.key.arn.as_str();
    let applies = resource.values.iter().any(|one| one.value.text().is_some_and(is_key));
    let actions = performed(scope, scope.scope.reach.actions(element));
    (applies && !actions.is_empty()).then_some(actions)
}

/// Whether the statement says for every request all that another says.
fn covers(
    scope: &KeyScope<'_>,
    statement: &Statement,
    other: &Statement,
    actions: ActionSet,
) -> bool {
    let same_effect = statement.allows() == other.allows() && statement.denies() == other.denies();
    let asks_less =
        |condition: &Condition| other.conditions.iter().any(|narrow| is_wider(condition, narrow));
    same_effect
        && acting(scope, statement).is_some_and(|all| actions.is_subset(all))
        && statement.conditions.iter().all(asks_less)
        && names_all(statement, other)
}

/// Whether every request that meets `narrow` meets `wide`, as their texts show.
fn is_wider(wide: &Condition, narrow: &Condition) -> bool {
    let values = |one: &Condition| -> BTreeSet<Value> {
        one.values.iter().map(|value: &Located<Value>| value.value.clone()).collect()
    };
    let (of_wide, of_narrow) = (values(wide), values(narrow));
    let operator = wide.operator.value;
    operator == narrow.operator.value
        && wide.key.value.eq_ignore_ascii_case(&narrow.key.value)
        && match (operator.comparison, operator.polarity) {
            (Comparison::Null, _) => of_wide == of_narrow,
            (_, Polarity::Is) => of_narrow.is_subset(&of_wide),
            (_, Polarity::IsNot) => of_wide.is_subset(&of_narrow),
        }
}

/// Whether the principals of a statement hold those of another.
fn names_all(statement: &Statement, other: &Statement) -> bool {
    let (Some(all), Some(some)) = (&statement.principal, &other.principal) else { return false };
    let has = |wanted: &Principal| {
        all.entries.iter().any(|entry| entry.value == *wanted || entry.value == Principal::Anyone)
    };
    (all.polarity, some.polarity) == (Polarity::Is, Polarity::Is)
        && some.entries.iter().all(|entry| has(&entry.value))
}

/// The users and roles that a statement names, where it names nobody else and all of them exist.
fn named(scope: &KeyScope<'_>, statement: &Statement) -> Option<BTreeSet<Caller>> {
    let element = statement.principal.as_ref().filter(|one| one.polarity == Polarity::Is)?;
    let existing = |principal: &Principal| match principal {
        Principal::User(arn) | Principal::Role(arn) => {
            scope.world().identity(arn)?;
            Caller::parse(arn)
        }
        _ => None,
    };
    let named: Option<BTreeSet<Caller>> =
        element.entries.iter().map(|entry| existing(&entry.value)).collect();
    named.filter(|named| !named.is_empty())
}

/// Whether everyone holds without the statement what it holds with it.
fn without_loss(
    scope: &KeyScope<'_>,
    document: &PolicyDocument,
    statement: &Statement,
    actions: ActionSet,
) -> bool {
    let edit = Edit::WithoutStatement { policy: document.place, statement: statement.span };
    let after = scope.scope.reach.holders_after(&edit, &scope.key.arn, actions);
    let by_caller = |groups: &[Holders]| -> BTreeMap<Caller, Holding> {
        let each = groups.iter().flat_map(|group| group.who.iter().map(|one| (one, group.holds)));
        each.map(|(caller, holds)| (caller.clone(), holds)).collect()
    };
    by_caller(&scope.holders(actions)) == by_caller(&after)
}

fn tell(
    scope: &KeyScope<'_>,
    document: &PolicyDocument,
    index: usize,
    why: &Excess,
    sink: &mut Sink<'_>,
) {
    let statements = &document.policy().statements;
    let Some(statement) = statements.get(index) else { return };
    let sid = |at: usize, one: &Statement| match &one.sid {
        Some(sid) => format!("`{}`", sid.value),
        None => (at + 1).to_string(),
    };
    let (told, name) = (sid(index, statement), scope.name());
    let because = match why {
        Excess::Covered(at) => {
            let other = statements.get(*at).map(|one| sid(*at, one)).unwrap_or_default();
            format!("statement {other} says as much")
        }
        Excess::Held(who) => {
            let who: Vec<String> = who.iter().map(|caller| short(caller).to_owned()).collect();
            format!("{} may do all of it in any case", list(&who))
        }
    };
    let message =
        format!("removing statement {told} of the key policy of {name} changes nothing: {because}");
    let mut report = sink
        .report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .statement(document, index, "nobody gains or loses by it")
        .help("remove it; a shorter policy shows the statements that matter")
        .fix((statements.len() > 1).then(|| Fix {
            title: format!("take out statement {told}"),
            access: Access::Decided,
            changes: vec![Change {
                place: document.place,
                span: statement.span,
                what: What::TakeOut,
            }],
        }));
    if let Excess::Covered(at) = why {
        let span = statements.get(*at).map(|one| one.span);
        report = report.beside(document.place, span, "says as much");
    }
    report.done();
}
