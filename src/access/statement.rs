//! Policies compiled: every statement once, whoever calls and whatever key is asked for.

use std::sync::Arc;

use crate::aws::ActionSet;
use crate::policy::{
    AtMost, Comparison, Effect, Element, Operator, Polarity, Policy, PolicyKind, Principal,
    PrincipalElement, Standing, Statement, Unresolved, Value, Variables,
};

use super::entry::{Lens, Stars, holds, pieces};
use super::formula::{Atom, Formula, Formulas, Kinds};
use super::masked::Masked;
use super::question::{
    Classes, Question, ResourcePattern, Sight, missing, missing_allow, missing_deny, unwritten,
};
use super::test::Test;
use super::word::Word;

/// A policy as formulas over questions and tests; the order of its statements says nothing any more.
pub(super) struct Compiled<S = ActionSet> {
    /// When some Allow applies; in a resource policy to callers whom it means directly.
    pub(super) allow: Masked<S>,
    /// When some Allow of a resource policy applies to callers whom it means by a role or a user.
    pub(super) limited: Masked<S>,
    /// When some Allow of a resource policy applies to callers of an account it delegates to.
    pub(super) account: Masked<S>,
    /// When some Deny applies.
    pub(super) deny: Masked<S>,
    /// Whether some statement asks for `aws:userid`, also where others make that of no importance.
    pub(super) asks_user_id: bool,
}

/// One statement as formulas.
pub(super) struct Applies<S = ActionSet> {
    /// Allow or Deny.
    pub(super) effect: Effect,
    /// When it applies: directly (or at all, for a policy without principals), limited, by account.
    pub(super) by_class: [Masked<S>; 3],
}

impl<S: Word> Applies<S> {
    /// When it applies, in whatever class.
    pub(super) fn any(&self, formulas: &Formulas) -> Masked<S> {
        let [direct, limited, account] = &self.by_class;
        direct.or(formulas, limited).or(formulas, account)
    }
}

impl<S> Default for Compiled<S> {
    fn default() -> Self {
        let never = Masked::default;
        let (allow, limited, account, deny) = (never(), never(), never(), never());
        Self { allow, limited, account, deny, asks_user_id: false }
    }
}

impl<S: Word> Compiled<S> {
    /// Compiles a policy; `name` tells it apart in what is missing.
    pub(super) fn of(formulas: &Formulas, policy: &Policy, kind: PolicyKind, name: &str) -> Self {
        let mut compiled = Self::default();
        if !policy.readable {
            let allows = missing_allow(formulas, format!("{name}: malformed"));
            compiled.allow = Masked::of(S::ALL, allows);
            let denies = missing_deny(formulas, format!("{name}: malformed"));
            compiled.deny = Masked::of(S::ALL, denies);
        }
        for index in 0..policy.statements.len() {
            let Some(applies) = statement(formulas, policy, kind, index, name) else { continue };
            let asks = |masked: &Masked<S>| masked.has(formulas, Kinds::USER_ID);
            compiled.asks_user_id |= applies.by_class.iter().any(asks);
            if applies.effect == Effect::Deny {
                compiled.deny = compiled.deny.or(formulas, &applies.any(formulas));
                continue;
            }
            let [direct, limited, account] = &applies.by_class;
            compiled.allow = compiled.allow.or(formulas, direct);
            compiled.limited = compiled.limited.or(formulas, limited);
            compiled.account = compiled.account.or(formulas, account);
        }
        compiled
    }
}

/// When one statement applies; nothing where it never does (rules A12 to A24).
pub(super) fn statement<S: Word>(
    formulas: &Formulas,
    policy: &Policy,
    kind: PolicyKind,
    index: usize,
    name: &str,
) -> Option<Applies<S>> {
    let statement = policy.statements.get(index)?;
    let effect = statement.effect.as_ref()?.value;
    let lens = Lens { kind, variables: Variables::from(policy.version), effect };
    let mut body = match statement.standing {
        Standing::Sound | Standing::Unwritten => {
            actions(formulas, statement.action.as_ref()?, effect)
        }
        // Rules A14, A15.
        Standing::Inert => return None,
        // Rule A20: an Allow does not apply, a Deny does, and nobody knows.
        Standing::Malformed => {
            let sid = statement.sid.as_ref().map(|sid| sid.value.to_string());
            let sid = sid.unwrap_or_else(|| (index + 1).to_string());
            let what = format!("{name}: statement {sid} is malformed");
            let unknown = missing(formulas, what, "applies", effect == Effect::Deny);
            let covered = match &statement.action {
                Some(element) => actions(formulas, element, effect),
                None => Masked::all(),
            };
            covered.and(formulas, &Masked::of(S::ALL, unknown))
        }
    };
    if body.is_never() {
        return None;
    }
    if let Some(doubt) = &statement.doubt {
        let (doubt, taken) = (doubt.clone(), effect == Effect::Deny);
        let stands = match statement.standing {
            Standing::Unwritten => unwritten(formulas, doubt, index, taken),
            _ => missing(formulas, doubt, ("statement", index), taken),
        };
        body = body.and(formulas, &Masked::of(S::ALL, stands));
    }
    // What a malformed statement lacks or restricts could be anything.
    let is_malformed = statement.standing == Standing::Malformed;
    let resource = match is_malformed && statement.resource.is_none() {
        true => Formula::TRUE,
        false => resource(formulas, lens, statement),
    };
    body = body.and(formulas, &Masked::of(S::ALL, resource));
    for condition in statement.conditions.iter().filter(|_| !is_malformed) {
        if body.is_never() {
            return None;
        }
        body = body.and(formulas, &holds(formulas, lens, condition));
    }
    let classes = match (is_malformed, &statement.principal) {
        (true, None) => [Formula::TRUE, Formula::FALSE, Formula::FALSE],
        (_, element) => principal(formulas, lens, element.as_ref()),
    };
    let by_class = classes.map(|class| body.and(formulas, &Masked::of(S::ALL, class)));
    by_class.iter().any(|masked| !masked.is_never()).then_some(Applies { effect, by_class })
}

/// What a decision takes a match with something unknown for: it never allows, and always denies (U7).
pub(super) fn taken(effect: Effect, polarity: Polarity) -> bool {
    (effect == Effect::Deny) == (polarity == Polarity::Is)
}

/// Rules A18, A53: the actions an element covers.
fn actions<S: Word>(formulas: &Formulas, element: &Element, effect: Effect) -> Masked<S> {
    let texts = element.values.iter().filter_map(|value| value.value.text());
    let covered = texts.fold(S::EMPTY, |all, text| all.or(covered_by(text)));
    let mut any = Masked::of(covered, Formula::TRUE);
    for value in &element.values {
        let Value::Unresolved(unresolved) = &value.value else { continue };
        let Unresolved { expression, shape } = &**unresolved;
        // Rule A51 forbids wildcards in the prefix, not that the prefix is not known.
        let prefix = shape.split(':').next().unwrap_or_default();
        let possible: S = if prefix.contains('*') { S::ALL } else { covered_by(shape) };
        let taken = taken(effect, element.polarity);
        let what = missing(formulas, expression.clone(), ("action", shape), taken);
        any = any.or(formulas, &Masked::of(possible.without(covered), what));
    }
    if element.polarity == Polarity::IsNot { any.not(formulas) } else { any }
}

/// The actions that an element surely covers.
pub(super) fn sure_actions<S: Word>(element: &Element) -> S {
    let is_known = element.values.iter().all(|value| value.value.text().is_some());
    let texts = element.values.iter().filter_map(|value| value.value.text());
    let covered = texts.fold(S::EMPTY, |all, text| all.or(covered_by(text)));
    match element.polarity {
        Polarity::Is => covered,
        Polarity::IsNot if is_known => S::ALL.without(covered),
        Polarity::IsNot => S::EMPTY,
    }
}

/// The actions that one value of `Action` covers (rules A50 to A55).
fn covered_by<S: Word>(text: &str) -> S {
    if text == "*" {
        return S::ALL;
    }
    // Rule A51: no wildcard in the prefix.
    let Some((prefix, name)) = text.split_once(':') else {
        return S::EMPTY;
    };
    let of_service = S::of_service(prefix);
    if name == "*" || of_service == S::EMPTY {
        return of_service;
    }
    let those = |takes: &dyn Fn(&str) -> bool| {
        let own = S::names().iter().filter(|(action, _)| of_service.has(*action));
        let covered = own.filter(|(_, own)| takes(own)).map(|(action, _)| S::only(*action));
        covered.fold(S::EMPTY, S::or)
    };
    if !name.contains(['*', '?']) {
        return those(&|own| own.eq_ignore_ascii_case(name));
    }
    let lower = name.to_ascii_lowercase();
    let Some(pattern) = pieces(&lower, Variables::Literal, Stars::Wild) else {
        return S::EMPTY;
    };
    those(&|own| super::glob::takes(&pattern, own, &|_| None))
}

/// When `Resource` or `NotResource` covers what is requested (rules A60 to A70, A18).
fn resource(formulas: &Formulas, lens: Lens, statement: &Statement) -> Formula {
    let Some(element) = &statement.resource else {
        // Rule A15: trust policies have none.
        return Formula::constant(lens.kind == PolicyKind::Trust);
    };
    let of = |value: &Value| match value {
        Value::Unresolved(unresolved) => {
            let Unresolved { expression, shape } = &**unresolved;
            let taken = taken(lens.effect, element.polarity);
            let what = missing(formulas, expression.clone(), ("resource", shape), taken);
            // Where parts of the ARN lack, what is not known may be several of them.
            let is_arn = shape.matches(':').nth(4).is_some();
            match is_arn.then(|| pattern(formulas, lens, shape)) {
                None => what,
                Some(None) => Formula::FALSE,
                Some(Some(pattern)) => formulas.and([what, formulas.of(pattern.asked())]),
            }
        }
        // Rule A60.
        Value::Text(text) if &**text == "*" => Formula::TRUE,
        Value::Text(text) => match pattern(formulas, lens, text) {
            Some(pattern) => formulas.of(pattern.asked()),
            // Rule A65.
            None => Formula::FALSE,
        },
    };
    let any = formulas.or(element.values.iter().map(|value| of(&value.value)));
    if element.polarity == Polarity::IsNot { formulas.not(any) } else { any }
}

/// Rules A61, A63, A64.
fn pattern(formulas: &Formulas, lens: Lens, text: &str) -> Option<ResourcePattern> {
    let filled = match lens.kind {
        PolicyKind::Identity | PolicyKind::Session => true,
        PolicyKind::Key | PolicyKind::Endpoint | PolicyKind::Trust => text.contains('*'),
        PolicyKind::Scp => text.ends_with('*'),
        PolicyKind::Rcp => false,
    };
    let parts = text.splitn(6, ':').enumerate().map(|(nth, part)| match nth {
        5 => pieces(part, lens.variables, Stars::Wild).map(Arc::from),
        _ => formulas
            .parts
            .get(part.into(), |part| pieces(part, Variables::Literal, Stars::Wild).map(Arc::from)),
    });
    let parts: Option<Vec<_>> = parts.collect();
    parts.map(|parts| ResourcePattern { parts: parts.into(), filled })
}

/// When the principal element means the caller: directly, limited, by account; for a Deny and outside
/// resource policies the first alone.
fn principal(formulas: &Formulas, lens: Lens, element: Option<&PrincipalElement>) -> [Formula; 3] {
    let Some(element) = element else {
        let of_anyone = Formula::constant(!lens.kind.is_resource_policy());
        return [of_anyone, Formula::FALSE, Formula::FALSE];
    };
    let entries = || element.entries.iter().map(|entry| &entry.value);
    let taken = taken(lens.effect, element.polarity);
    let names =
        |classes| formulas.or(entries().map(|entry| named(formulas, entry, classes, taken)));
    match (element.polarity, lens.effect) {
        (Polarity::Is, Effect::Allow) => {
            [names(Classes::Direct), names(Classes::Limited), names(Classes::Account)]
        }
        // Rules A44, A45: any class will do.
        (Polarity::Is, Effect::Deny) => [names(Classes::Any), Formula::FALSE, Formula::FALSE],
        // Rule A48.
        (Polarity::IsNot, Effect::Allow) => {
            [formulas.not(names(Classes::Any)), Formula::FALSE, Formula::FALSE]
        }
        (Polarity::IsNot, Effect::Deny) => {
            let list: Box<[Principal]> = entries().cloned().collect();
            let spared = formulas.of(Atom::Caller(Question::Spares(list)));
            [formulas.not(spared), Formula::FALSE, Formula::FALSE]
        }
    }
}

/// Whether an entry means the caller in one of `classes`; `taken` is what a decision takes that for where
/// the entry is not known.
pub(super) fn named(
    formulas: &Formulas,
    entry: &Principal,
    classes: Classes,
    taken: bool,
) -> Formula {
    let direct = matches!(classes, Classes::Direct | Classes::Any);
    match entry {
        // Rule A30.
        Principal::Anyone => Formula::constant(direct),
        // Rules A38, A40, A41.
        Principal::CanonicalUser(_) | Principal::Invalid(_) => Formula::FALSE,
        Principal::Unresolved(of) => {
            let who = match &of.at_most {
                AtMost::Principal(principal) => named(formulas, principal, classes, taken),
                _ if !direct => Formula::FALSE,
                AtMost::Anyone => Formula::TRUE,
                AtMost::Of(account) => {
                    let account = Principal::Account { account: *account, partition: None };
                    named(formulas, &account, Classes::Any, taken)
                }
                AtMost::Service => formulas.of(is_service().asked(Sight::Plain)),
            };
            let what = missing(formulas, of.expression.clone(), ("principal", &of.at_most), taken);
            formulas.and([who, what])
        }
        _ if !classes.can_hold(entry) => Formula::FALSE,
        _ => formulas.of(Atom::Caller(Question::Names(entry.clone(), classes))),
    }
}

/// Whether a service calls.
fn is_service() -> Test {
    let operator = Operator {
        quantifier: None,
        comparison: Comparison::Bool,
        polarity: Polarity::Is,
        if_exists: false,
    };
    Test::of("aws:principalisawsservice", operator, &["true"])
}
