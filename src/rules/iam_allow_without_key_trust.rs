//! An identity policy allows a key whose policy does not let identity policies count.

use std::collections::BTreeSet;

use crate::aws::{AccountId, ActionSet, KeyArn};
use crate::decision::{Allowing, Caller};
use crate::inventory::{Identity, Key};
use crate::policy::{Element, Polarity, PolicyKind, Statement};

use super::controllers::list;
use super::report::Sink;
use super::trust::{on_keys, performed, trusts};
use super::{Documented, KeyScope, Rule, Scope, short_name};

/// See the rule's page.
pub(super) struct IamAllowWithoutKeyTrust;

impl Rule for IamAllowWithoutKeyTrust {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        if document.document.kind != PolicyKind::Identity || document.holders.is_empty() {
            return;
        }
        for (index, statement) in document.document.policy().statements.iter().enumerate() {
            let actions = key_actions(scope, statement);
            if actions.is_empty() {
                continue;
            }
            for key in named_keys(scope, statement) {
                let on_key = KeyScope::new(scope, key);
                let actions = performed(&on_key, actions);
                if !actions.is_empty() && !is_trusted(&on_key, document, actions) {
                    let others = statement.resource.iter().map(|element| element.values.len());
                    let remedy = remedy(scope, statement, others.sum::<usize>() > 1);
                    tell(scope, sink, (document, index), &[key], remedy);
                }
            }
            if document.is_written_by_aws() || !names_kms(statement) {
                continue;
            }
            let matched = matched_by_patterns(scope, document, index, actions);
            if let Some(keys) = matched.filter(|keys| !keys.is_empty()) {
                let remedy = remedy(scope, statement, false);
                tell(scope, sink, (document, index), &keys, remedy);
            }
        }
    }
}

/// The actions on keys that an Allow statement covers.
fn key_actions(scope: &Scope<'_>, statement: &Statement) -> ActionSet {
    let element = statement.action.as_ref().filter(|_| statement.allows());
    let covered = element.map_or(ActionSet::EMPTY, |element| scope.reach.actions(element));
    covered.intersection(on_keys())
}

/// Whether the statement speaks of KMS by name: what is allowed in every service is not written for keys.
fn names_kms(statement: &Statement) -> bool {
    let element = statement.action.as_ref().filter(|element| element.polarity == Polarity::Is);
    let mut texts = element.into_iter().flat_map(|it| &it.values).filter_map(|it| it.value.text());
    texts.any(|text| text.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("kms:")))
}

/// The keys of the world that the statement names by their ARNs.
fn named_keys<'a>(scope: &Scope<'a>, statement: &Statement) -> Vec<&'a Key> {
    let element = statement.resource.as_ref().filter(|element| element.polarity == Polarity::Is);
    let texts = element.into_iter().flat_map(|element| &element.values);
    let arns = texts.filter_map(|value| KeyArn::parse(value.value.text()?));
    arns.filter_map(|arn| scope.world.key(&arn)).filter(|key| key.policy.is_some()).collect()
}

fn is_trusted(scope: &KeyScope<'_>, document: &Documented<'_>, actions: ActionSet) -> bool {
    document.holders.iter().any(|identity| trusts(scope, identity, actions))
}

/// For a statement with patterns alone: the keys they match, if not one of them trusts a holder; nothing
/// where one does, or where a pattern reaches further than the world. A key of another account counts where a
/// pattern names that account: `*` is not written for the keys of others.
fn matched_by_patterns<'a>(
    scope: &Scope<'a>,
    document: &Documented<'_>,
    index: usize,
    actions: ActionSet,
) -> Option<Vec<&'a Key>> {
    let statement = document.document.policy().statements.get(index)?;
    let element = statement.resource.as_ref()?;
    let is_pattern = |text: &str| text.contains('*') || text.contains('?');
    let mut texts = element.values.iter().map(|value| value.value.text().unwrap_or("*"));
    if element.polarity == Polarity::Is && !texts.any(is_pattern) {
        return None;
    }
    let holder = document.holders.first()?;
    let caller = Caller::parse(&holder.arn)?;
    let texts = element.values.iter().filter_map(|value| value.value.text());
    let mut accounts = texts.filter_map(|text| text.split(':').nth(4));
    let names_others = accounts.any(|it| !matches!(it, "" | "*") && it != holder.account.as_str());
    let mut matched = Vec::new();
    for key in reachable_keys(scope, holder, element) {
        // The keys of others count where they are named, or where one of them takes away what matched.
        if key.arn.account() != holder.account && matched.is_empty() && !names_others {
            return None;
        }
        let on_key = KeyScope::new(scope, key);
        let actions = performed(&on_key, actions);
        let one = actions.iter().next().map_or(ActionSet::EMPTY, ActionSet::of);
        let allowing = Allowing::Statement(document.document, index);
        if one.is_empty() || on_key.fates(&caller, allowing, one).applies().is_empty() {
            continue;
        }
        if key.policy.is_none() || is_trusted(&on_key, document, actions) {
            return None;
        }
        let owner = key.arn.account();
        let mut texts = element.values.iter().filter_map(|value| value.value.text());
        if owner == holder.account || texts.any(|it| it.split(':').nth(4) == Some(owner.as_str())) {
            matched.push(key);
        }
    }
    Some(matched)
}

/// The keys that a Resource element may cover: those of the holder's account first, then those of others.
fn reachable_keys<'s, 'a>(
    scope: &'s Scope<'a>,
    holder: &Identity,
    element: &Element,
) -> Box<dyn Iterator<Item = &'a Key> + 's> {
    let home: AccountId = holder.account;
    let Some(accounts) = accounts(element) else {
        let all = scope.world.keys.values().map(std::sync::Arc::as_ref);
        let others = all.filter(move |key| key.arn.account() != home);
        return Box::new(scope.keys_of(home).iter().copied().chain(others));
    };
    let own = if accounts.contains(&home) { scope.keys_of(home) } else { &[] };
    let others = accounts.iter().filter(|account| **account != home);
    let mut others: Vec<&Key> =
        others.flat_map(|account| scope.keys_of(*account)).copied().collect();
    others.sort_by(|one, other| one.arn.cmp(&other.arn));
    Box::new(own.iter().copied().chain(others))
}

/// The accounts whose keys a Resource element can cover, where its patterns name them (rules A61, A64: all
/// parts are there, so that none runs on into another).
fn accounts(element: &Element) -> Option<BTreeSet<AccountId>> {
    let account = |text: &str| match *text.splitn(6, ':').collect::<Vec<_>>() {
        [_, _, _, _, account, _] => AccountId::parse(account),
        _ => None,
    };
    let texts = element.values.iter().map(|value| value.value.text().and_then(account));
    texts.collect::<Option<_>>().filter(|_| element.polarity == Polarity::Is)
}

/// What of the statement can go without taking anything else away: it may speak of more than these keys.
fn remedy(scope: &Scope<'_>, statement: &Statement, names_others: bool) -> Option<&'static str> {
    let element = statement.action.as_ref().filter(|it| it.polarity == Polarity::Is)?;
    let is_kms = |text: &str| text.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("kms:"));
    let texts: Option<Vec<&str>> = element.values.iter().map(|it| it.value.text()).collect();
    let texts = texts?;
    let mut services = texts.iter().filter_map(|text| text.split(':').next());
    if services.any(|service| service.contains(['*', '?'])) {
        return None;
    }
    let resources = statement.resource.iter().flat_map(|element| &element.values);
    let mut resources = resources.filter_map(|value| value.value.text());
    // What is about no key is allowed on `*` alone, and what is about other services by its own resources.
    let beside_keys = || !scope.reach.actions(element).minus(on_keys()).is_empty();
    let gives_more =
        !texts.iter().all(|text| is_kms(text)) || (resources.any(|it| it == "*") && beside_keys());
    Some(match (gives_more, names_others) {
        (true, _) => "take the actions on keys out of the statement",
        (false, true) => "take the key out of the statement's Resource",
        (false, false) => "delete the statement",
    })
}

fn tell(
    scope: &Scope<'_>,
    sink: &mut Sink<'_>,
    (document, index): (&Documented<'_>, usize),
    keys: &[&Key],
    remedy: Option<&str>,
) {
    let (Some(key), Some(holder)) = (keys.first(), document.holders.first()) else {
        return;
    };
    let holders: Vec<String> = document.holders.iter().map(|one| short_name(one)).collect();
    let shown: Vec<String> = keys.iter().map(|key| scope.world.shown_key(key)).collect();
    let does = if keys.len() == 1 { "does" } else { "do" };
    let message = format!(
        "{} allows {} what {} {does} not let IAM policies give",
        document.name,
        list(&holders),
        list(&shown)
    );
    let account = holder.account;
    let remedy = remedy.map(|remedy| format!("{remedy}, ")).unwrap_or_default();
    let trust = match key.arn.account() == account {
        true => format!(
            "name the principal in the key policy, or add the statement for account {account} to the \
             key policy so that IAM policies count"
        ),
        false if remedy.is_empty() => format!("allow account {account} in the key policy"),
        false => format!("or allow the principal or its account {account} in the key policy"),
    };
    let mut report = sink
        .report(format!("{} {}", document.subject, key.arn), message)
        .key(&key.arn)
        .statement(document.document, index, "this Allow has no effect on the key")
        .principals(document.holders.iter().map(|holder| holder.arn.to_string()))
        .explains(&["root-statement-narrowed"])
        .help(format!("{remedy}{trust}"));
    if let Some(policy) = &key.policy {
        let first = policy.policy().statements.iter().find_map(|one| one.principal.as_ref());
        let span = first.map(|principal| principal.span);
        report = report.beside(policy.place, span, "no statement of the key policy means them");
    }
    report.done();
}
