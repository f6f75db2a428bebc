//! Conditions that a request meets by leaving the condition key out: asked by several rules.

use crate::aws::ActionSet;
use crate::decision::{Allowing, Caller, Fate, Request};
use crate::inventory::Edit;
use crate::policy::{Condition, PolicyDocument, Statement};

use super::KeyScope;
use super::what_if::narrowed;

/// An Allow of the key policy with one of its conditions.
#[derive(Clone, Copy)]
pub(super) struct Optional<'d> {
    /// The key policy.
    pub(super) document: &'d PolicyDocument,
    /// The statement's index.
    pub(super) index: usize,
    /// The statement.
    pub(super) statement: &'d Statement,
    /// The condition.
    pub(super) condition: &'d Condition,
}

/// The conditions of a kind in the Allow statements of the key policy.
pub(super) fn conditions<'d>(
    scope: &KeyScope<'d>,
    is_one: impl Fn(&Condition) -> bool,
) -> Vec<Optional<'d>> {
    let document = scope.key.policy.as_ref().filter(|_| !scope.key.is_aws_managed());
    let Some(document) = document else { return Vec::new() };
    let mut found = Vec::new();
    for (index, statement) in document.policy().statements.iter().enumerate() {
        for condition in statement.conditions.iter().filter(|it| statement.allows() && is_one(it)) {
            found.push(Optional { document, index, statement, condition });
        }
    }
    found
}

/// The rules that tell of outsiders whom a statement lets in: it is the same cause where the condition would keep
/// them out.
pub(super) const OPEN: [&str; 3] =
    ["public-key-access", "via-service-without-caller-account", "external-account-access"];

impl Optional<'_> {
    /// The actions that the statement allows.
    pub(super) fn actions(&self, scope: &KeyScope<'_>) -> ActionSet {
        let element = self.statement.action.as_ref();
        element.map_or(ActionSet::EMPTY, |element| scope.scope.reach.actions(element))
    }

    /// The policy whose statement asks for requests without the condition key.
    pub(super) fn absent(&self) -> PolicyDocument {
        narrowed(self.document, self.index, &[("Null", &self.condition.key.value, &["true"])])
    }

    /// The policy whose statement asks for the condition key.
    fn present(&self) -> PolicyDocument {
        narrowed(self.document, self.index, &[("Null", &self.condition.key.value, &["false"])])
    }

    /// Whether none of `callers` surely gets anything of `wanted` by the statement once it asks for the condition
    /// key.
    pub(super) fn keeps_out(
        &self,
        scope: &KeyScope<'_>,
        callers: &[Caller],
        wanted: ActionSet,
    ) -> bool {
        let present = self.present();
        let allowing = Allowing::Statement(&present, self.index);
        callers.iter().all(|caller| scope.fates(caller, allowing, wanted).free.is_empty())
    }

    /// A request of the caller for some of `wanted` that leaves the condition key out, that the statement
    /// allows, and that is denied once the statement asks for the key.
    pub(super) fn gained(
        &self,
        scope: &KeyScope<'_>,
        caller: &Caller,
        wanted: ActionSet,
    ) -> Option<Box<Request>> {
        let absent = self.absent();
        let allowing = Allowing::Statement(&absent, self.index);
        let action = scope.fates(caller, allowing, wanted).free.iter().next()?;
        let Fate::Free(request) = scope.fate(caller, action, allowing) else { return None };
        let edit = Edit::PutKeyPolicy { key: scope.key.arn.clone(), policy: self.present() };
        let after = scope.scope.reach.after(&edit);
        (!after.decide(&request).is_allowed()).then_some(request)
    }
}
