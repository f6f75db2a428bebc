//! What conditions say of requests that lack the condition key: asked by several rules.

use crate::aws::{ActionSet, ConditionKeyInfo, KeySpec};
use crate::decision::Caller;
use crate::inventory::Key;
use crate::policy::{
    Comparison, Condition, Effect, Element, Polarity, PolicyKind, Principal, Quantifier, Standing,
    Statement,
};
use crate::source::Located;

use super::{Documented, Scope};

/// What becomes of a statement for requests that lack the key of one of its conditions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absence {
    /// The Allow never applies to them.
    Dead,
    /// The Deny never stops them.
    Toothless,
    /// The condition does not hold the Deny back.
    Total,
    /// The condition does not hold the Allow back.
    Idle,
}

/// The rules that tell whom an Allow statement lets in, or what it gives: of one that gives nothing that is not
/// so.
pub(super) const GIVES: [&str; 7] = [
    "public-key-access",
    "external-account-access",
    "via-service-without-caller-account",
    "service-principal-unscoped",
    "forallvalues-allow",
    "if-exists-opens-allow",
    "allow-not-action",
];

/// What becomes of the statement; nothing where its effect is not known.
pub(super) fn absence(statement: &Statement, condition: &Condition) -> Option<Absence> {
    let effect = statement.effect.as_ref()?.value;
    Some(match (effect, holds_without(condition)) {
        (Effect::Allow, false) => Absence::Dead,
        (Effect::Allow, true) => Absence::Idle,
        (Effect::Deny, false) => Absence::Toothless,
        (Effect::Deny, true) => Absence::Total,
    })
}

/// Whether only a request that carries its key can meet the condition.
pub(super) fn needs_key(condition: &Condition) -> bool {
    !holds_without(condition)
}

/// Whether the condition holds for a request without its key (rules C2, C19, C30, C32, C33, C38).
fn holds_without(condition: &Condition) -> bool {
    let operator = condition.operator.value;
    if operator.comparison == Comparison::Null {
        let mut texts = condition.values.iter().filter_map(|value| value.value.text());
        return texts.any(|text| text.eq_ignore_ascii_case("true"));
    }
    operator.if_exists
        || match operator.quantifier {
            Some(Quantifier::ForAllValues) => true,
            Some(Quantifier::ForAnyValue) => false,
            None => operator.polarity == Polarity::IsNot,
        }
}

/// A statement with conditions.
pub(super) struct Conditioned<'d> {
    /// Its index.
    pub(super) index: usize,
    /// The statement.
    pub(super) statement: &'d Statement,
    /// Its actions.
    pub(super) element: &'d Element,
    /// Those of KMS among them.
    pub(super) actions: ActionSet,
}

/// The statements of a policy whose conditions speak of requests to KMS, but for
/// what AWS writes and what is malformed.
pub(super) fn conditioned<'d>(
    scope: &Scope<'_>,
    document: &Documented<'d>,
) -> Vec<Conditioned<'d>> {
    let asks = matches!(
        document.document.kind,
        PolicyKind::Key
            | PolicyKind::Identity
            | PolicyKind::Session
            | PolicyKind::Scp
            | PolicyKind::Rcp
    );
    if !asks || document.is_written_by_aws() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (index, statement) in document.document.policy().statements.iter().enumerate() {
        let sound = statement.standing == Standing::Sound && !statement.conditions.is_empty();
        let Some(element) = statement.action.as_ref().filter(|_| sound) else { continue };
        let actions = scope.reach.actions(element);
        if !actions.is_empty() {
            found.push(Conditioned { index, statement, element, actions });
        }
    }
    found
}

/// The entries of an element, each with the actions of KMS that it covers; one for all that a NotAction
/// leaves.
pub(super) fn entries(scope: &Scope<'_>, element: &Element) -> Vec<Entry> {
    if element.polarity == Polarity::IsNot {
        return vec![Entry { actions: scope.reach.actions(element), is_spelled_out: false }];
    }
    let entry = |value: &Located<_>| {
        let alone =
            Element { polarity: Polarity::Is, values: vec![value.clone()], span: value.span };
        let text = alone.values.first().and_then(|value| value.value.text());
        let is_spelled_out = text.is_some_and(|text| !text.contains(['*', '?']));
        Entry { actions: scope.reach.actions(&alone), is_spelled_out }
    };
    element.values.iter().map(entry).collect()
}

/// One entry of `Action`.
pub(super) struct Entry {
    /// The actions of KMS that it covers.
    pub(super) actions: ActionSet,
    /// Whether it names an action, without wildcard.
    pub(super) is_spelled_out: bool,
}

/// The services that a statement of a key policy names, where it names nobody else.
pub(super) fn services(statement: &Statement) -> Vec<Caller> {
    let element = statement.principal.as_ref().filter(|one| one.polarity == Polarity::Is);
    let entries = element.map_or(&[][..], |element| &element.entries);
    let service = |principal: &Principal| match principal {
        Principal::Service(name) => Caller::parse(name),
        _ => None,
    };
    let services: Option<Vec<Caller>> = entries.iter().map(|one| service(&one.value)).collect();
    services.unwrap_or_default()
}

/// Whether requests for the key can carry a condition key at all: only one that encrypts symmetrically takes an
/// encryption context (rule C52).
pub(super) fn takes(key: &Key, info: &ConditionKeyInfo) -> bool {
    let spec = key.metadata.as_ref().and_then(|metadata| KeySpec::parse(metadata.spec.as_deref()?));
    !info.name.starts_with("kms:EncryptionContext")
        || spec.is_none_or(|spec| spec == KeySpec::SymmetricDefault)
}
