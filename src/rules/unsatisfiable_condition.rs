//! A condition, or several together, that no request can meet.

use std::collections::BTreeSet;

use crate::aws::{AccountId, ActionSet, Arn, Nature, condition_key};
use crate::decision::{Allowing, Caller};
use crate::inventory::{Edit, Key};
use crate::policy::{
    Comparison, Condition, Effect, Part, Polarity, PolicyDocument, PolicyKind, Principal,
    PrincipalElement, Statement, Value, Variables, parts,
};
use crate::source::Located;
use crate::syntax::is_of_deployment;

use super::presence::{Conditioned, conditioned, needs_key, services, takes};
use super::report::Sink;
use super::shapes::misshapen;
use super::trust::performed;
use super::what_if::{alone, changed};
use super::wildcard_without_like::patterns;
use super::{Documented, KeyScope, Rule, Scope};

/// See the rule's page.
pub(super) struct UnsatisfiableCondition;

impl Rule for UnsatisfiableCondition {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        let variables = document.document.policy().version.into();
        for of in conditioned(scope, document) {
            let all = of.statement.conditions.iter().collect::<Vec<_>>();
            let by_text = all.iter().find_map(|one| {
                let why = never(one, variables)?;
                Some((vec![*one], why))
            });
            let by_text = by_text.or_else(|| contradiction(&all)).or_else(|| {
                let one = all.iter().find(|one| is_of_another(of.statement, one))?;
                Some((vec![*one], "nobody whom the statement names is of that account"))
            });
            let found = by_text.or_else(|| {
                let conditions = unsolvable(scope, document, &of, variables)?;
                let why = match conditions.as_slice() {
                    [_] => "no request meets it",
                    _ => "no request meets all of them",
                };
                Some((conditions, why))
            });
            if let Some((conditions, why)) = found {
                tell(document, &of, &conditions, why, sink);
            }
        }
    }
}

/// Why one condition is never met, whatever the request.
fn never(condition: &Condition, variables: Variables) -> Option<&'static str> {
    if !needs_key(condition) || condition.operator.value.polarity == Polarity::IsNot {
        return None;
    }
    if condition.values.is_empty() {
        return Some("its list of values is empty");
    }
    // Rule C15.
    let is_truth = |text: &str| {
        text.contains('$') || ["true", "false"].iter().any(|one| text.eq_ignore_ascii_case(one))
    };
    if condition.operator.value.comparison == Comparison::Bool
        && condition.values.iter().all(|it| it.value.text().is_some_and(|text| !is_truth(text)))
    {
        return Some("a Bool is `true` or `false`");
    }
    let misshapen = misshapen(condition);
    if misshapen.is_some() {
        return misshapen;
    }
    let is_void = |value: &Located<Value>| {
        let mut parts = value.value.text().into_iter().flat_map(|text| parts(text, variables));
        parts.any(|part| match part {
            Part::Variable { key, default: None } => !key.contains(':'),
            _ => false,
        })
    };
    let all = condition.values.iter().all(is_void);
    all.then_some("its variable is no condition key and has no value")
}

/// Rule C54: whether a condition asks for the account of a caller whom the statement does not name.
fn is_of_another(statement: &Statement, condition: &Condition) -> bool {
    let key = &condition.key.value;
    let is_of_caller = ["kms:CallerAccount", "aws:PrincipalAccount"]
        .iter()
        .any(|name| key.eq_ignore_ascii_case(name));
    let is_plain = condition.operator.value.comparison == Comparison::StringEquals;
    let named = statement.principal.as_ref().filter(|it| it.polarity == Polarity::Is);
    let Some(named) = named.filter(|_| is_of_caller && is_plain && needs_key(condition)) else {
        return false;
    };
    let accounts: Option<BTreeSet<AccountId>> =
        named.entries.iter().map(|entry| account_of(&entry.value)).collect();
    let asked: Option<BTreeSet<AccountId>> =
        condition.values.iter().map(|value| AccountId::parse(value.value.text()?)).collect();
    // An account that code leaves open may be any.
    accounts.zip(asked).is_some_and(|(named, asked)| {
        let is_open = named.iter().chain(&asked).any(|account| account.is_symbol());
        !is_open && !named.is_empty() && named.is_disjoint(&asked)
    })
}

/// The account of a principal that is in one.
fn account_of(principal: &Principal) -> Option<AccountId> {
    match principal {
        Principal::Account { account, .. } => Some(*account),
        Principal::User(arn)
        | Principal::Role(arn)
        | Principal::AssumedRole(arn)
        | Principal::FederatedUser(arn) => AccountId::parse(Arn::parse(arn)?.account),
        Principal::Anyone
        | Principal::Service(_)
        | Principal::Federated(_)
        | Principal::CanonicalUser(_)
        | Principal::UniqueId(_)
        | Principal::Invalid(_)
        | Principal::Unresolved(_) => None,
    }
}

/// Two conditions on one key of which one asks that it be missing and one needs it.
fn contradiction<'d>(all: &[&'d Condition]) -> Option<(Vec<&'d Condition>, &'static str)> {
    let is_null = |one: &Condition| one.operator.value.comparison == Comparison::Null;
    let says = |one: &Condition, word: &str| {
        one.values.iter().all(|value| value.value.text() == Some(word)) && !one.values.is_empty()
    };
    let missing = all.iter().filter(|one| is_null(one) && says(one, "true"));
    for absent in missing {
        let same = |one: &&&Condition| one.key.value.eq_ignore_ascii_case(&absent.key.value);
        let mut others = all.iter().filter(same);
        if let Some(present) = others.find(|one| needs_key(one)) {
            let why = "one asks that the key be missing, the other needs it";
            return Some((vec![*absent, *present], why));
        }
    }
    None
}

/// The conditions on what a request says for itself that no caller's request meets together: one that is
/// enough where there is one.
fn unsolvable<'d>(
    scope: &Scope<'_>,
    document: &Documented<'_>,
    of: &Conditioned<'d>,
    variables: Variables,
) -> Option<Vec<&'d Condition>> {
    let key = some_key(scope, document)?;
    let is_asked = |one: &&Condition| {
        is_known(one) && is_of_request(key, one) && patterns(one, variables).is_empty()
    };
    let asked: Vec<&Condition> = of.statement.conditions.iter().filter(is_asked).collect();
    if !is_doubtful(&asked) {
        return None;
    }
    let on_key = KeyScope::new(scope, key);
    let needed = asked.iter().filter(|one| needs_key(one));
    let carried = needed.filter_map(|one| condition_key(&one.key.value));
    let carried = carried.fold(of.actions, |all, info| all.intersection(info.actions));
    let wanted = performed(&on_key, carried);
    if wanted.is_empty() || applies(scope, document, of, carried) {
        return None;
    }
    let callers = callers(&on_key, of);
    let is_met = |conditions: &[&Condition]| {
        let policy = opened(document.document, of.index, conditions);
        // Asked in a world that has the made-up policy: values of its own stand in it.
        let edit = Edit::PutKeyPolicy { key: key.arn.clone(), policy: policy.clone() };
        let (after, allowing) = (scope.reach.after(&edit), Allowing::Statement(&policy, 0));
        let fates = |one: &Caller| after.fates(one, &key.arn, allowing, wanted);
        callers.iter().any(|one| !fates(one).applies().is_empty())
    };
    if is_met(&asked) {
        return None;
    }
    let single = asked.iter().find(|one| !is_met(&[**one]));
    Some(single.map_or(asked.clone(), |one| vec![*one]))
}

/// Whether all values of a condition are known, other readings of a known one aside: what is not may turn out
/// to be one that requests have.
fn is_known(condition: &Condition) -> bool {
    condition.values.iter().all(|value| match &value.value {
        Value::Text(_) => true,
        Value::Unresolved(open) => is_of_deployment(&open.expression),
    })
}

/// Whether the conditions could exclude each other, or one could miss what its key holds. Texts of keys that
/// have nothing to do with each other are always met by some request.
fn is_doubtful(asked: &[&Condition]) -> bool {
    let is_text = |one: &Condition| {
        let texts = one.values.iter().filter_map(|value| value.value.text());
        match one.operator.value.comparison {
            Comparison::StringEquals
            | Comparison::StringEqualsIgnoreCase
            | Comparison::StringLike
            | Comparison::ArnLike
            | Comparison::Null => true,
            Comparison::Bool => {
                let words = ["true", "false"];
                let mut texts = texts;
                texts.any(|text| words.iter().any(|word| text.eq_ignore_ascii_case(word)))
            }
            _ => !needs_key(one),
        }
    };
    let is_tied = |one: &&&Condition| {
        let info = condition_key(&one.key.value);
        let of_path = [Nature::RequestPath, Nature::Network];
        needs_key(one) && info.is_some_and(|info| of_path.contains(&info.nature))
    };
    let mut keys: Vec<String> =
        asked.iter().map(|one| one.key.value.to_ascii_lowercase()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.len() < asked.len()
        || asked.iter().filter(is_tied).count() > 1
        || !asked.iter().all(|one| is_text(one))
}

/// Whether an Allow applies to somebody as it stands: then its conditions are met.
fn applies(
    scope: &Scope<'_>,
    document: &Documented<'_>,
    of: &Conditioned<'_>,
    actions: ActionSet,
) -> bool {
    let allowing = Allowing::Statement(document.document, of.index);
    let applies_to = |on_key: &KeyScope<'_>, caller: &Caller| {
        let wanted = performed(on_key, actions);
        !on_key.fates(caller, allowing, wanted).applies().is_empty()
    };
    if !of.statement.allows() {
        return false;
    }
    if let Some(key) = document.key {
        let on_key = KeyScope::new(scope, key);
        let services = services(of.statement);
        return services.iter().any(|one| applies_to(&on_key, one))
            || !on_key.meant(allowing, performed(&on_key, actions)).is_empty();
    }
    let mut holders = document.holders.iter();
    holders.any(|holder| {
        let mut keys = scope.keys_of(holder.account).iter();
        Caller::parse(&holder.arn)
            .is_some_and(|caller| keys.any(|key| applies_to(&KeyScope::new(scope, key), &caller)))
    })
}

/// Whether the condition asks for something that a request says and the export does not fix.
fn is_of_request(key: &Key, condition: &Condition) -> bool {
    // KMS takes nothing but TLS: a Deny of the rest is common, and harmless.
    const TLS: &str = "aws:SecureTransport";
    let of_request = [Nature::RequestPath, Nature::Network, Nature::Time, Nature::RequestParameter];
    condition_key(&condition.key.value).is_some_and(|info| {
        of_request.contains(&info.nature) && info.name != TLS && takes(key, info)
    })
}

/// A key to ask on: the document's, or one of an account where it counts.
fn some_key<'a>(scope: &Scope<'a>, document: &Documented<'a>) -> Option<&'a Key> {
    let of_holder = || {
        let holder = document.holders.first()?;
        scope.keys_of(holder.account).first().copied()
    };
    let any = || scope.world.keys.values().next().map(std::sync::Arc::as_ref);
    document.key.or_else(of_holder).or_else(any)
}

/// Callers of every kind that a statement can mean.
fn callers(scope: &KeyScope<'_>, of: &Conditioned<'_>) -> Vec<Caller> {
    let (partition, account) = (scope.key.arn.partition(), scope.key.arn.account());
    let names = ["root", "user/somebody", "role/somebody"];
    let own = names.iter().map(|name| format!("arn:{partition}:iam::{account}:{name}"));
    own.filter_map(|arn| Caller::parse(&arn)).chain(services(of.statement)).collect()
}

/// A policy of that statement as an Allow to everyone, on these conditions alone.
fn opened(document: &PolicyDocument, index: usize, conditions: &[&Condition]) -> PolicyDocument {
    let one = alone(document, index);
    let open = changed(&one, 0, |statement| {
        let span = statement.span;
        let everyone = vec![Located::new(Principal::Anyone, span)];
        let all = vec![Located::new(Value::Text("*".into()), span)];
        statement.effect = Some(Located::new(Effect::Allow, span));
        statement.principal =
            Some(PrincipalElement { polarity: Polarity::Is, entries: everyone, span });
        if let Some(resource) = &mut statement.resource {
            (resource.polarity, resource.values) = (Polarity::Is, all);
        }
        statement.conditions = conditions.iter().map(|one| (*one).clone()).collect();
    });
    PolicyDocument::lowered(open.place, PolicyKind::Key, open.policy().clone())
}

fn tell(
    document: &Documented<'_>,
    of: &Conditioned<'_>,
    conditions: &[&Condition],
    why: &str,
    sink: &mut Sink<'_>,
) {
    let Some((first, rest)) = conditions.split_first() else { return };
    let follows = match of.statement.denies() {
        true => "the Deny stops nothing",
        false => "the Allow gives nothing",
    };
    let name = &*first.key.value;
    let message = format!("{follows} in {}, for its condition on {name}: {why}", document.name);
    let place = document.document.place;
    let mut report = sink
        .report(format!("{} {}", document.subject, name.to_ascii_lowercase()), message)
        .of_statement(document.document, of.statement)
        .at(place, Some(first.span), why)
        .help("take the statement out, or write the condition that was meant");
    if let Some(key) = document.key {
        report = report.key(&key.arn);
    }
    for other in rest {
        report = report.beside(place, Some(other.span), "together with this one");
    }
    report.done();
}
