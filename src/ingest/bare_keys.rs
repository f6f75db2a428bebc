//! The keys that bare key policies are the policies of. Nobody knows their accounts and Regions: like those
//! of infrastructure code that is not pinned they are symbols, and a literal beside them may be the same.

use std::collections::BTreeMap;

use crate::aws::{Arn, KeyArn};
use crate::inventory::{Inventory, Key};
use crate::policy::{
    Element, Polarity, Policy, PolicyDocument, PolicyKind, Principal, PrincipalElement, Statement,
    Value,
};
use crate::source::Located;
use crate::syntax::Unresolved;

use super::bare::is_surely_key_policy;
use super::declared::Deployment;
use super::homes::{Homes, others};

/// Gives each bare policy that can only be one of a key that key, called as its file.
pub(super) fn add(world: &mut Inventory, deployment: &Deployment) {
    let mut homes = Homes::default();
    homes.add(deployment.account, &deployment.region);
    let mut called: BTreeMap<String, usize> = BTreeMap::new();
    for loose in &mut world.loose {
        let document = &loose.document;
        let is_sure = loose.is_of_key || is_surely_key_policy(document.policy());
        if document.kind != PolicyKind::Key || !is_sure {
            continue;
        }
        let path = world.sources.path(document.place.file);
        let count = called.entry(path.to_owned()).or_default();
        *count += 1;
        let number = if *count > 1 { format!("#{count}") } else { String::new() };
        let id = format!("{}{number}", path.replace(char::is_whitespace, "_"));
        let partition = partition(document.policy(), deployment);
        let arn = KeyArn::new(partition, &deployment.region, deployment.account, &id);
        loose.key = arn.map(|arn| Box::new(key(arn, document, &homes)));
    }
}

fn key(arn: KeyArn, document: &PolicyDocument, homes: &Homes) -> Key {
    let policy = widened(homes, &arn, document.policy());
    let policy = PolicyDocument::lowered(document.place, PolicyKind::Key, policy);
    // What is linted on its own lacks nothing.
    let grants_listed = true;
    Key { policy: Some(policy), grants_listed, ..Key::new(arn, document.place) }
}

/// The partition that the policy speaks of.
fn partition<'p>(policy: &'p Policy, deployment: &'p Deployment) -> &'p str {
    let entries = policy.statements.iter().flat_map(|statement| &statement.principal);
    let mut entries = entries.flat_map(|element| &element.entries);
    let named = entries.find_map(|entry| match &entry.value {
        Principal::Account { partition, .. } => partition.as_deref(),
        other => Arn::parse(other.text()).map(|arn| arn.partition),
    });
    named.filter(|named| !named.is_empty()).unwrap_or(&deployment.partition)
}

/// The policy in which each text that names an account or Region also says which others that may be; a key
/// that it names as a resource is the one that it is the policy of.
fn widened(homes: &Homes, own: &KeyArn, policy: &Policy) -> Policy {
    let mut policy = policy.clone();
    for statement in &mut policy.statements {
        let Statement { principal, resource, conditions, .. } = statement;
        if let Some(element) = principal {
            widen_principals(homes, element);
        }
        for element in resource.iter_mut().filter(|one| one.polarity == Polarity::Is) {
            name_own(own, element);
        }
        for condition in conditions {
            widen_values(homes, &mut condition.values);
        }
    }
    policy
}

/// Rule K2: a key policy speaks of its own key alone.
fn name_own(own: &KeyArn, element: &mut Element) {
    let is_key = |value: &Value| value.text().is_some_and(|text| text.contains(":key/"));
    if let Some(named) = element.values.iter().find(|value| is_key(&value.value)) {
        let own = Located::new(Value::Text(own.as_str().into()), named.span);
        element.values.push(own);
    }
}

fn widen_principals(homes: &Homes, element: &mut PrincipalElement) {
    let all = std::mem::take(&mut element.entries).into_iter();
    element.entries = all.flat_map(|entry| with_others(entry, |it| named(homes, it))).collect();
}

/// Whom else a principal may be.
fn named(homes: &Homes, principal: &Principal) -> Vec<Principal> {
    let (of_type, text) = match principal {
        Principal::Account { account, partition: Some(partition) } => {
            ("AWS", format!("arn:{partition}:iam::{account}:root"))
        }
        Principal::Account { .. }
        | Principal::User(_)
        | Principal::Role(_)
        | Principal::AssumedRole(_)
        | Principal::FederatedUser(_) => ("AWS", principal.text().to_owned()),
        Principal::Service(name) => ("Service", name.to_string()),
        Principal::Federated(name) => ("Federated", name.to_string()),
        Principal::Anyone
        | Principal::CanonicalUser(_)
        | Principal::UniqueId(_)
        | Principal::Invalid(_)
        | Principal::Unresolved(_) => return Vec::new(),
    };
    let unresolved = |other: &Unresolved| Principal::unresolved(of_type, other);
    others(homes, &text).iter().map(unresolved).collect()
}

fn widen_values(homes: &Homes, values: &mut Vec<Located<Value>>) {
    let said = |value: &Value| -> Vec<Value> {
        let others = value.text().map(|text| others(homes, text)).unwrap_or_default();
        others.into_iter().map(|other| Value::Unresolved(Box::new(other))).collect()
    };
    let all = std::mem::take(values).into_iter();
    *values = all.flat_map(|value| with_others(value, said)).collect();
}

/// What stands there, and what else it may be at the same place.
fn with_others<T>(stands: Located<T>, others: impl Fn(&T) -> Vec<T>) -> Vec<Located<T>> {
    let span = stands.span;
    let others = others(&stands.value).into_iter().map(|other| Located::new(other, span));
    let others: Vec<Located<T>> = others.collect();
    [stands].into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::aws::AccountId;
    use crate::inventory::LoosePolicy;
    use crate::source::{Place, Sources, Span};

    /// The keys of some bare policies with this principal and action, each in a file of its own.
    fn keys(deployment: &Deployment, policies: &[(&str, &str)]) -> Vec<Option<Key>> {
        let (mut world, mut sources) = (Inventory::default(), Sources::default());
        for (principal, action) in policies {
            let text = format!(
                r#"{{"Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"{action}",
                "Resource":"*"}}]}}"#
            );
            let place = Place::plain(sources.add("a b.json".to_owned()), Span::new(0, text.len()));
            let document = PolicyDocument::json(place, PolicyKind::Key, text);
            world.loose.push(LoosePolicy::new("a b".into(), document));
        }
        world.sources = Arc::new(sources);
        add(&mut world, deployment);
        world.loose.into_iter().map(|loose| loose.key.map(|key| *key)).collect()
    }

    #[test]
    fn a_bare_key_policy_is_one_of_an_account_that_nobody_knows() {
        let of_other = r#"{"AWS":"arn:aws-us-gov:iam::111122223333:root"}"#;
        let found = keys(&Deployment::default(), &[(of_other, "kms:*"), (r#""*""#, "kms:Decrypt")]);
        let arns: Vec<&str> = found.iter().flatten().map(|key| key.arn.as_str()).collect();
        let (own, other) = (
            "arn:aws-us-gov:kms:this-region:this-account:key/a_b.json",
            "arn:aws:kms:this-region:this-account:key/a_b.json#2",
        );
        assert_eq!(arns, [own, other]);
        let policy = found[0].as_ref().and_then(|key| key.policy.as_ref()).expect("a policy");
        let principal = policy.policy().statements[0].principal.as_ref().expect("a principal");
        let [literal, other] = &principal.entries[..] else { panic!("{principal:?}") };
        assert_eq!(literal.value.text(), "111122223333");
        assert!(
            matches!(&other.value, Principal::Unresolved(it) if it.expression.contains("whether"))
        );
    }

    #[test]
    fn what_may_be_the_policy_of_something_else_has_no_key() {
        let found = keys(&Deployment::default(), &[(r#""*""#, "*"), (r#""*""#, "s3:GetObject")]);
        assert!(found.iter().all(Option::is_none), "{found:?}");
    }

    #[test]
    fn an_account_that_is_pinned_is_no_other() {
        let account = AccountId::parse("111122223333").expect("an account");
        let mut deployment = Deployment { account, ..Deployment::default() };
        deployment.in_region("eu-west-1");
        let found = keys(&deployment, &[(r#"{"AWS":"444455556666"}"#, "kms:*")]);
        let key = found[0].as_ref().expect("a key");
        assert_eq!(key.arn.account(), account);
        let policy = key.policy.as_ref().expect("a policy").policy();
        assert_eq!(policy.statements[0].principal.as_ref().map(|it| it.entries.len()), Some(1));
    }
}
