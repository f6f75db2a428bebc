//! A real action stands where KMS never honours it.

use crate::aws::{ActionSet, Category, KmsAction};
use crate::decision::Caller;
use crate::policy::{Element, Polarity, PolicyKind, Principal, Standing, Statement};
use crate::source::Span;

use super::controllers::list;
use super::report::Sink;
use super::{Documented, KeyScope, Rule, Scope};

/// See the rule's page.
pub(super) struct ActionNotEffectiveHere;

impl Rule for ActionNotEffectiveHere {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        let kind = document.document.kind;
        if !matches!(kind, PolicyKind::Key | PolicyKind::Rcp) || document.is_written_by_aws() {
            return;
        }
        let mut all: Vec<Lost<'_>> = Vec::new();
        for statement in &document.document.policy().statements {
            let element = statement.action.as_ref().filter(|one| one.polarity == Polarity::Is);
            let Some(element) = element.filter(|_| statement.standing == Standing::Sound) else {
                continue;
            };
            for (action, span) in named(scope, element) {
                if let Some(why) = reason(scope, document, statement, action) {
                    all.push(Lost { statement, action, span, why });
                }
            }
        }
        for why in [Why::Identity, Why::Grant, Why::Spec, Why::Abroad] {
            let lost: Vec<&Lost<'_>> = all.iter().filter(|one| one.why == why).collect();
            tell(document, &lost, why, sink);
        }
    }
}

/// An action that has no effect where it stands.
struct Lost<'d> {
    statement: &'d Statement,
    action: KmsAction,
    span: Span,
    why: Why,
}

/// The actions that are spelled out, with where they stand.
fn named(scope: &Scope<'_>, element: &Element) -> Vec<(KmsAction, Span)> {
    let spelled = element
        .values
        .iter()
        .filter(|value| value.value.text().is_some_and(|text| !text.contains(['*', '?'])));
    let covered = spelled.filter_map(|value| {
        let alone =
            Element { polarity: Polarity::Is, values: vec![value.clone()], span: value.span };
        Some((scope.reach.actions(&alone).iter().next()?, value.span))
    });
    covered.collect()
}

/// Why an action has no effect where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It has no key: identity policies alone decide it (rule E50).
    Identity,
    /// Whoever may retire a grant is said by the grant (rule K7).
    Grant,
    /// The key cannot perform it (rule S4).
    Spec,
    /// It never works across accounts (rule E11).
    Abroad,
}

fn reason(
    scope: &Scope<'_>,
    document: &Documented<'_>,
    statement: &Statement,
    action: KmsAction,
) -> Option<Why> {
    let info = action.info();
    if !info.has_key_resource {
        return Some(Why::Identity);
    }
    if action == KmsAction::RETIRE_GRANT {
        return Some(Why::Grant);
    }
    let key = document.key?;
    if info.category == Category::Use && !KeyScope::new(scope, key).possible().contains(action) {
        return Some(Why::Spec);
    }
    let is_abroad = statement.allows() && !info.cross_account && means_others(document, statement);
    is_abroad.then_some(Why::Abroad)
}

/// Whether the statement names principals of other accounts and nobody else.
fn means_others(document: &Documented<'_>, statement: &Statement) -> bool {
    let owner = document.key.map(|key| key.arn.account());
    let Some(element) = statement.principal.as_ref().filter(|it| it.polarity == Polarity::Is)
    else {
        return false;
    };
    let is_other = |principal: &Principal| {
        let account = match principal {
            Principal::Account { account, .. } => Some(*account),
            Principal::User(arn)
            | Principal::Role(arn)
            | Principal::AssumedRole(arn)
            | Principal::FederatedUser(arn) => Caller::parse(arn).and_then(|caller| caller.account),
            _ => None,
        };
        account.is_some() && account != owner
    };
    !element.entries.is_empty() && element.entries.iter().all(|entry| is_other(&entry.value))
}

fn tell(document: &Documented<'_>, lost: &[&Lost<'_>], why: Why, sink: &mut Sink<'_>) {
    let Some(first) = lost.first() else { return };
    let actions: ActionSet = lost.iter().map(|one| one.action).collect();
    let names: Vec<String> = actions.iter().map(|action| action.to_string()).collect();
    let (because, help) = reason_in_words(why, names.len() == 1);
    let verb = if names.len() == 1 { "has" } else { "have" };
    let message = format!("{} {verb} no effect in {}: {because}", list(&names), document.name);
    let place = document.document.place;
    let mut report = sink
        .report(document.subject.as_str(), message)
        .of_statement(document.document, first.statement)
        .at(place, Some(first.span), because)
        .help(help);
    if let Some(key) = document.key {
        report = report.key(&key.arn);
    }
    for other in lost.iter().skip(1).take(3) {
        report = report.beside(place, Some(other.span), "and this one");
    }
    report.done();
}

/// Why one action or several have no effect, and what to do.
fn reason_in_words(why: Why, is_one: bool) -> (&'static str, &'static str) {
    match (why, is_one) {
        (Why::Identity, true) => (
            "identity policies and SCPs alone decide it",
            "take it out here; whoever needs it gets it by an identity policy",
        ),
        (Why::Identity, false) => (
            "identity policies and SCPs alone decide them",
            "take them out here; whoever needs them gets them by an identity policy",
        ),
        (Why::Grant, _) => (
            "the grant itself says who may retire it",
            "take it out; name a retiring principal in the grant, or use kms:RevokeGrant",
        ),
        (Why::Spec, true) => {
            ("the key cannot perform it", "take it out, or name what the key can do")
        }
        (Why::Spec, false) => {
            ("the key cannot perform them", "take them out, or name what the key can do")
        }
        (Why::Abroad, true) => (
            "it never works for another account",
            "take it out; let a role of the key's own account do it for them",
        ),
        (Why::Abroad, false) => (
            "they never work for another account",
            "take them out; let a role of the key's own account do that for them",
        ),
    }
}
