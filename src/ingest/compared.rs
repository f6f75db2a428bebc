//! Texts of conditions that may turn out to be the same: one names the Region or the account that is
//! deployed to by its symbol, another some Region or account by its name.
//!
//! Both are values that a request can bring, and where they are the same a condition on one holds of the
//! other. Which texts meet is known once all policies were heard; where some do, they are lowered again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::aws::pattern::takes;
use crate::syntax::{Kind, Member, Node, Unresolved, WHETHER};

use super::declared::REGION;
use super::homes::Homes;

/// Keys that are of the principal or of what is asked for: their values are told by these, and that a
/// principal of another account is one of this account is told of this account's own.
const FIXED: [&str; 4] = ["aws:principal", "aws:resource", "kms:calleraccount", "aws:user"];

/// Texts by the condition key that they are compared with, in lower case.
type Texts = BTreeMap<Box<str>, BTreeSet<Box<str>>>;

/// By condition key and text with a symbol: the texts that it may be.
type Same = BTreeMap<(Box<str>, Box<str>), BTreeSet<Box<str>>>;

/// What conditions compare, shared by all that lower policies of one run.
#[derive(Clone, Default, Debug)]
pub(super) struct Compared(Arc<Shared>);

#[derive(Default, Debug)]
struct Shared {
    heard: Mutex<Texts>,
    same: OnceLock<Same>,
}

impl Compared {
    /// Notes what the conditions of a policy compare.
    pub(super) fn hear(&self, policy: &Node<'_>) {
        let mut heard = self.0.heard.lock().unwrap_or_else(PoisonError::into_inner);
        each_value(policy, &mut |key, text| {
            if !heard.get(key).is_some_and(|texts| texts.contains(text)) {
                heard.entry(key.into()).or_default().insert(text.into());
            }
        });
    }

    /// Whether some texts may be the same, where things are in `homes`. From then on
    /// [`Compared::told`] says so.
    pub(super) fn learn(&self, homes: &Homes) -> bool {
        let symbols: Vec<String> = homes
            .open_accounts()
            .map(|account| account.to_string())
            .chain([REGION.to_owned()])
            .collect();
        let heard = self.0.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let mut same = Same::new();
        for (key, texts) in &*heard {
            let is_open = |text: &str| symbols.iter().any(|symbol| text.contains(&**symbol));
            for text in texts.iter().filter(|text| is_open(text)) {
                let form = symbols.iter().fold(text.to_string(), |form, it| form.replace(it, "*"));
                let met = texts.iter().filter(|other| *other != text && takes(&form, other));
                let met: BTreeSet<Box<str>> = met.cloned().collect();
                if !met.is_empty() {
                    same.insert((key.clone(), text.clone()), met);
                }
            }
        }
        !self.0.same.get_or_init(|| same).is_empty()
    }

    /// The policy in which each text says what else it may be.
    pub(super) fn told<'a>(&self, policy: Node<'a>) -> Node<'a> {
        match self.0.same.get() {
            Some(same) if !same.is_empty() => with_values(policy, &|key, text| {
                same.get(&(key.into(), text.into())).into_iter().flatten().cloned().collect()
            }),
            _ => policy,
        }
    }
}

/// The key of a condition in lower case, where requests bring its values.
fn of_request(name: &str) -> Option<String> {
    let key = name.to_ascii_lowercase();
    (!FIXED.iter().any(|fixed| key.starts_with(fixed))).then_some(key)
}

/// Each text that a condition of a policy compares, with its key.
fn each_value(policy: &Node<'_>, each: &mut dyn FnMut(&str, &str)) {
    for statement in policy.get("Statement").into_iter().flat_map(Node::one_or_many) {
        let operators = statement.get("Condition").map(members).unwrap_or_default();
        for entry in operators.iter().flat_map(|operator| members(&operator.value)) {
            let Some(key) = of_request(&entry.name.value) else { continue };
            let texts = entry.value.one_or_many().iter().filter_map(Node::as_str);
            texts.for_each(|text| each(&key, text));
        }
    }
}

fn members<'n, 'a>(node: &'n Node<'a>) -> &'n [Member<'a>] {
    match &node.kind {
        Kind::Object(members) => members,
        _ => &[],
    }
}

/// The policy with more values beside those of its conditions.
fn with_values<'a>(mut policy: Node<'a>, more: &dyn Fn(&str, &str) -> Vec<Box<str>>) -> Node<'a> {
    let statements = members_mut(&mut policy).iter_mut();
    for statement in statements.filter(|member| &*member.name.value == "Statement") {
        each_mut(&mut statement.value, &mut |statement| {
            let conditions = members_mut(statement).iter_mut();
            for condition in conditions.filter(|member| &*member.name.value == "Condition") {
                let operators = members_mut(&mut condition.value).iter_mut();
                for entry in operators.flat_map(|operator| members_mut(&mut operator.value)) {
                    if let Some(key) = of_request(&entry.name.value) {
                        add_values(&mut entry.value, &|text| more(&key, text));
                    }
                }
            }
        });
    }
    policy
}

fn members_mut<'n, 'a>(node: &'n mut Node<'a>) -> &'n mut [Member<'a>] {
    match &mut node.kind {
        Kind::Object(members) => members,
        _ => &mut [],
    }
}

fn each_mut<'a>(node: &mut Node<'a>, each: &mut dyn FnMut(&mut Node<'a>)) {
    match &mut node.kind {
        Kind::Array(items) => items.iter_mut().for_each(each),
        _ => each(node),
    }
}

fn add_values(values: &mut Node<'_>, more: &dyn Fn(&str) -> Vec<Box<str>>) {
    let mut all = Vec::new();
    for value in values.one_or_many() {
        all.push(value.clone());
        let Some(text) = value.as_str() else { continue };
        all.extend(more(text).into_iter().map(|other| {
            let expression = format!("{WHETHER}{text} is {other}").into();
            let kind = Kind::Unresolved(Unresolved { expression, shape: other });
            Node { kind, ..value.clone() }
        }));
    }
    if all.len() > values.one_or_many().len() {
        values.kind = Kind::Array(all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::AccountId;
    use crate::syntax::json;

    const OF_SYMBOL: &str = "s3.this-region.amazonaws.com";
    const OF_NAME: &str = "s3.eu-west-1.amazonaws.com";

    fn policy(key: &str, value: &str) -> String {
        format!(r#"{{"Statement": {{"Condition": {{"StringEquals": {{"{key}": "{value}"}}}}}}}}"#)
    }

    fn values(node: &Node<'_>) -> usize {
        let statement = node.get("Statement").expect("a statement");
        let operators = members(statement.get("Condition").expect("conditions"));
        members(&operators[0].value)[0].value.one_or_many().len()
    }

    fn told(policies: [String; 2]) -> [usize; 2] {
        let compared = Compared::default();
        let nodes = policies.each_ref().map(|text| json::parse(text).expect("JSON"));
        nodes.iter().for_each(|node| compared.hear(node));
        let mut homes = Homes::default();
        homes.add(AccountId::THIS, REGION);
        compared.learn(&homes);
        nodes.map(|node| values(&compared.told(node)))
    }

    #[test]
    fn a_text_with_a_symbol_may_be_one_that_another_policy_names() {
        let key = "kms:ViaService";
        assert_eq!(told([policy(key, OF_SYMBOL), policy("kms:viaservice", OF_NAME)]), [2, 1]);
        assert_eq!(told([policy(key, OF_SYMBOL), policy(key, "ec2.amazonaws.com")]), [1, 1]);
        assert_eq!(told([policy(key, OF_SYMBOL), policy("aws:SourceArn", OF_NAME)]), [1, 1]);
    }

    #[test]
    fn what_is_of_the_principal_is_told_by_the_principal() {
        let key = "kms:CallerAccount";
        assert_eq!(told([policy(key, "this-account"), policy(key, "111122223333")]), [1, 1]);
    }
}
