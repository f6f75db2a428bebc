//! A condition asks for a condition key that requests for the action never carry.

use crate::aws::{ActionSet, ConditionKeyInfo, KmsAction, carrying as carried_by, condition_key};
use crate::decision::Allowing;
use crate::policy::{Condition, Polarity, PolicyKind};

use super::attestation_bypassable::is_of_attestation;
use super::controllers::list;
use super::outsiders::uses;
use super::presence::{Absence, Conditioned, absence, conditioned, entries, services, takes};
use super::report::Sink;
use super::trust::on_keys;
use super::what_if::carrying;
use super::{Documented, KeyScope, Rule, Scope};

/// See the rule's page.
pub(super) struct ConditionKeyNotInRequest;

impl Rule for ConditionKeyNotInRequest {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        for of in conditioned(scope, document) {
            for condition in &of.statement.conditions {
                let Some(info) = condition_key(&condition.key.value) else { continue };
                let Some(absence) = absence(of.statement, condition) else { continue };
                // With `IfExists` the author says what requests without the key are to get.
                if condition.operator.value.if_exists || absence == Absence::Idle {
                    continue;
                }
                let asked = Asked { scope, document, of: &of, condition, info, absence };
                let is_ours = ["kms:", "aws:"].iter().any(|prefix| info.name.starts_with(prefix));
                if !is_ours && !asked.is_of_kms_alone() {
                    continue;
                }
                let covered = asked.at_stake();
                let (carried, lack) = asked.carrying(covered);
                let losers = asked.losers(covered, carried);
                if !losers.is_empty() {
                    let whole = losers == covered && asked.is_of_kms_alone();
                    asked.tell(losers, whole, lack, sink);
                }
            }
        }
    }
}

/// A condition in a statement, and what becomes of the statement where its key is missing.
struct Asked<'a> {
    scope: &'a Scope<'a>,
    document: &'a Documented<'a>,
    of: &'a Conditioned<'a>,
    condition: &'a Condition,
    info: &'static ConditionKeyInfo,
    absence: Absence,
}

/// Why requests lack a condition key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// The action does not carry it (rules C6, N1).
    Action,
    /// Key policies do not see it (rule C56).
    KeyPolicy,
    /// Keys of this spec take no encryption context (rule C52).
    Spec,
    /// A service's own calls do not carry it.
    Service,
}

impl Asked<'_> {
    /// The actions that the statement means: in a key policy those that key policies decide and the key
    /// performs.
    fn at_stake(&self) -> ActionSet {
        let covered = self.of.actions;
        match (self.document.document.kind, self.document.key) {
            (PolicyKind::Key, Some(key)) => {
                let possible = KeyScope::new(self.scope, key).possible();
                covered.intersection(on_keys()).intersection(possible)
            }
            (PolicyKind::Key | PolicyKind::Rcp, _) => covered.intersection(on_keys()),
            _ => covered,
        }
    }

    /// Whether the statement speaks of no other service, which could carry the key.
    fn is_of_kms_alone(&self) -> bool {
        let is_kms = |text: &str| text.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("kms:"));
        let mut values = self.of.element.values.iter();
        self.document.document.kind == PolicyKind::Key
            || self.of.element.polarity == Polarity::Is
                && values.all(|value| value.value.text().is_some_and(is_kms))
    }

    /// Those of `covered` whose requests can carry the key as this policy sees them, and why the others
    /// do not.
    fn carrying(&self, covered: ActionSet) -> (ActionSet, Lack) {
        let name = &*self.condition.key.value;
        if self.document.document.kind == PolicyKind::Key && self.info.missing_in_key_policy {
            return (ActionSet::EMPTY, Lack::KeyPolicy);
        }
        let carried = covered.intersection(carried_by(name));
        let Some(key) = self.document.key.filter(|_| !carried.is_empty()) else {
            return (carried, Lack::Action);
        };
        if !takes(key, self.info) {
            return (ActionSet::EMPTY, Lack::Spec);
        }
        let services = services(self.of.statement);
        if services.is_empty() {
            return (carried, Lack::Action);
        }
        let open = carrying(self.document.document, self.of.index, name);
        let (on_key, allowing) =
            (KeyScope::new(self.scope, key), Allowing::Statement(&open, self.of.index));
        let sent = services.iter().map(|one| on_key.fates(one, allowing, carried).applies());
        match sent.fold(ActionSet::EMPTY, ActionSet::union) {
            none if none.is_empty() => (none, Lack::Service),
            _ => (carried, Lack::Action),
        }
    }

    /// The actions that lack the key and that the statement was meant for: all where none carries it, else
    /// those spelled out, and for a Deny that the condition does not hold back those of patterns too.
    fn losers(&self, covered: ActionSet, carried: ActionSet) -> ActionSet {
        let lacking = covered.minus(carried);
        if carried.is_empty() || lacking.is_empty() {
            return lacking;
        }
        // Nobody calls it, and without a key there is nothing to protect.
        let mut denied = lacking.intersection(on_keys());
        denied.remove(KmsAction::SYNCHRONIZE_MULTI_REGION_KEY);
        let mut losers = ActionSet::EMPTY;
        for entry in entries(self.scope, self.of.element) {
            let lost = match (entry.is_spelled_out, self.absence) {
                (true, _) => lacking,
                (false, Absence::Total) => denied,
                (false, _) => ActionSet::EMPTY,
            };
            losers = losers.union(entry.actions.intersection(lost));
        }
        // Who denies use without attestation means the operations that take none as well.
        match self.absence == Absence::Total && is_of_attestation(self.condition) {
            true => losers.minus(uses()),
            false => losers,
        }
    }

    fn tell(&self, losers: ActionSet, whole: bool, lack: Lack, sink: &mut Sink<'_>) {
        let name = &*self.condition.key.value;
        let actions: Vec<String> = losers.iter().map(|action| action.to_string()).collect();
        let lost = list(&actions);
        let what = match (whole, self.absence) {
            (true, Absence::Dead) => "the Allow gives nothing".to_owned(),
            (true, Absence::Toothless) => "the Deny stops nothing".to_owned(),
            (true, _) => "the Deny stops every request".to_owned(),
            (false, Absence::Dead) => format!("the Allow does not give {lost}"),
            (false, Absence::Toothless) => format!("the Deny never stops {lost}"),
            (false, _) => format!("the Deny stops every request for {lost}"),
        };
        let why = match lack {
            Lack::Action => format!("no such request carries {name}"),
            Lack::KeyPolicy => format!("key policies do not see {name}"),
            Lack::Spec => format!("the key takes no encryption context, so none carries {name}"),
            Lack::Service => format!("no call that a service makes carries {name}"),
        };
        let message = format!("{what} in {}: {why}", self.document.name);
        let help = match (whole, self.absence) {
            (true, _) => format!("take the condition out, or ask for a key that comes with {lost}"),
            (false, Absence::Total) => format!(
                "leave in this statement the actions that carry {name}, and deny the others, if they \
                 are to be denied, in one of its own"
            ),
            (false, _) => format!("put {lost} into a statement without the condition on {name}"),
        };
        let subject = format!("{} {}", self.document.subject, name.to_ascii_lowercase());
        let mut report = sink
            .report(subject, message)
            .of_statement(self.document.document, self.of.statement)
            .at(
                self.document.document.place,
                Some(self.condition.span),
                "asks for a key that is not there",
            )
            .help(help);
        if let Some(key) = self.document.key {
            report = report.key(&key.arn);
        }
        report = match self.absence {
            Absence::Total if losers.contains(KmsAction::PUT_KEY_POLICY) => {
                report.explains_there(&["deny-locks-out-everyone"])
            }
            Absence::Dead => report.explains_there(&["unsatisfiable-condition"]),
            _ => report,
        };
        let facet = match (lack, self.absence) {
            (Lack::KeyPolicy, _) => Some("unseen-in-key-policies"),
            (_, Absence::Toothless) => Some("lost-safeguard"),
            (_, Absence::Total) => Some("denies-all"),
            (_, Absence::Dead | Absence::Idle) => None,
        };
        match facet {
            Some(facet) => report.facet(facet).done(),
            None => report.done(),
        }
    }
}
