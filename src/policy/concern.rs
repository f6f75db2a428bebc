//! Whether a statement may speak of the actions that keys are reached by.

use crate::aws::pattern::takes;
use crate::aws::{ControlAction, KmsAction};

use super::{Polarity, Standing, Statement, Value};

impl Statement {
    /// Whether it may speak of an action of KMS; `false` is certain.
    pub fn may_speak_of_kms(&self) -> bool {
        self.may_speak_of(KmsAction::all().map(KmsAction::as_str))
    }

    /// The same with the actions elsewhere that lead to a key.
    pub fn may_lead_to_keys(&self) -> bool {
        self.may_speak_of_kms()
            || self.may_speak_of(ControlAction::all().map(ControlAction::as_str))
    }

    /// Rules A50 to A55: letters count alike, and what is not known counts by its shape.
    fn may_speak_of(&self, mut actions: impl Iterator<Item = &'static str>) -> bool {
        // Rule A14: without actions it has no effect; rule A20: of a malformed one nobody knows.
        let Some(element) = &self.action else { return self.standing == Standing::Malformed };
        let pattern = |value: &Value| match (value, element.polarity) {
            (Value::Text(text), _) => Some(text.to_ascii_lowercase()),
            (Value::Unresolved(open), Polarity::Is) => Some(open.shape.to_ascii_lowercase()),
            // It may leave out nothing that the others do not.
            (Value::Unresolved(_), Polarity::IsNot) => None,
        };
        let patterns: Vec<String> =
            element.values.iter().filter_map(|value| pattern(&value.value)).collect();
        actions.any(|action| {
            let action = action.to_ascii_lowercase();
            let is_listed = patterns.iter().any(|pattern| takes(pattern, &action));
            is_listed == (element.polarity == Polarity::Is)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{Policy, PolicyKind, lower};
    use crate::source::Span;
    use crate::syntax::{Kind, Node, Unresolved, json};

    fn policy(element: &str) -> Policy {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", {element}, "Resource": "*"}}}}"#
        );
        lower(&json::parse(&text).expect("JSON"), PolicyKind::Identity)
    }

    fn check(element: &str, of_kms: bool, to_keys: bool) {
        let policy = policy(element);
        let statement = policy.statements.first().expect("a statement");
        let found = (statement.may_speak_of_kms(), statement.may_lead_to_keys());
        assert_eq!(found, (of_kms, to_keys), "{element}");
    }

    #[test]
    fn a50_actions_of_other_services_lead_to_no_key() {
        check(r#""Action": "s3:GetObject""#, false, false);
        check(r#""Action": ["s3:*", "KMS:decr*"]"#, true, true);
        check(r#""Action": "*""#, true, true);
        check(r#""Action": "iam:PassRole""#, false, true);
        check(r#""NotAction": "s3:*""#, true, true);
        check(r#""NotAction": "kms:*""#, false, true);
        check(r#""NotAction": "*""#, false, false);
    }

    #[test]
    fn a14_a_statement_without_actions_has_no_effect() {
        check(r#""Action": []"#, false, false);
    }

    #[test]
    fn a_policy_of_which_nothing_is_known_may_speak_of_all() {
        let kind = Kind::Unresolved(Unresolved::unknown("var.policy"));
        let node = Node { span: Span::default(), tag: None, kind };
        let policy = lower(&node, PolicyKind::Identity);
        assert!(policy.statements.iter().all(|statement| statement.may_speak_of_kms()));
    }
}
