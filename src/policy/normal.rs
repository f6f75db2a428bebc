//! The normal form of a policy: equal for policies that say the same. Serves comparison and fingerprints.

use std::collections::BTreeSet;

use super::{Element, Gravity, Polarity, Policy, Principal, Statement, Value};

impl Policy {
    /// Its statements in normal form, sorted, and its version; `Id`, `Sid` and order say nothing.
    pub fn normal_form(&self) -> String {
        let statements: BTreeSet<String> =
            self.statements.iter().map(Statement::normal_form).collect();
        let statements: Vec<String> = statements.into_iter().collect();
        let faults = self.faults.iter().filter(|fault| fault.gravity != Gravity::Harmless);
        let faults: Vec<&str> = faults.map(|fault| fault.message.as_str()).collect();
        format!("{:?} {} {}", self.version, statements.join(" "), faults.join(" "))
    }

    /// A statement of this policy in normal form but for whom it names, and how many others look the same
    /// and come before it: in the order of their `Sid`, then of whom they name, wherever they stand.
    pub fn form_without_principals(&self, statement: &Statement) -> (String, usize) {
        let form = statement.form_without_principals();
        let order = |one: &Statement| {
            (one.sid.as_ref().map(|sid| sid.value.clone()), one.normal_principals(), one.span)
        };
        let own = order(statement);
        let alike = self.statements.iter().filter(|other| {
            other.span != statement.span
                && other.form_without_principals() == form
                && order(other) < own
        });
        let before = alike.count();
        (form, before)
    }
}

impl Statement {
    /// The statement without `Sid`, its lists sorted and actions and condition keys in lower case.
    pub fn normal_form(&self) -> String {
        self.form_with(&self.normal_principals())
    }

    /// The same without whom it names.
    fn form_without_principals(&self) -> String {
        self.form_with(self.principal.as_ref().map_or("", |element| sign(element.polarity)))
    }

    /// Whom it names.
    fn normal_principals(&self) -> String {
        self.principal.as_ref().map_or(String::new(), |element| {
            let entries: BTreeSet<String> =
                element.entries.iter().map(|entry| normal_principal(&entry.value)).collect();
            format!("{}{entries:?}", sign(element.polarity))
        })
    }

    fn form_with(&self, principal: &str) -> String {
        let effect = self.effect.as_ref().map_or("?", |effect| effect.value.name());
        let action = normal_element(self.action.as_ref(), str::to_ascii_lowercase);
        let resource = normal_element(self.resource.as_ref(), str::to_owned);
        let conditions: BTreeSet<String> = self
            .conditions
            .iter()
            .map(|condition| {
                let values: BTreeSet<&Value> =
                    condition.values.iter().map(|value| &value.value).collect();
                let key = condition.key.value.to_ascii_lowercase();
                format!("{} {key} {values:?}", condition.operator.value.name())
            })
            .collect();
        let doubt = self.doubt.as_ref().map_or(String::new(), |doubt| format!(" if {doubt}"));
        format!(
            "{effect} principal {principal} action {action} resource {resource} {conditions:?}{doubt}"
        )
    }
}

/// A bare account id is the root ARN of that account (rule A31); it stands for the one of `aws`.
fn normal_principal(principal: &Principal) -> String {
    match principal {
        Principal::Account { account, partition } => {
            format!("Account {account} {}", partition.as_deref().unwrap_or("aws"))
        }
        other => format!("{other:?}"),
    }
}

fn normal_element(element: Option<&Element>, spell: fn(&str) -> String) -> String {
    element.map_or(String::new(), |element| {
        let values: BTreeSet<String> = element
            .values
            .iter()
            .map(|value| match &value.value {
                Value::Text(text) => spell(text),
                Value::Unresolved(of) => format!("unresolved {}", of.expression),
            })
            .collect();
        format!("{}{values:?}", sign(element.polarity))
    })
}

fn sign(polarity: Polarity) -> &'static str {
    match polarity {
        Polarity::Is => "",
        Polarity::IsNot => "not ",
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{PolicyDocument, PolicyKind};
    use crate::source::{FileId, Place, Span};

    fn check(one: &str, other: &str, expected: bool) {
        let document = |text: &str| {
            let place = Place::plain(FileId(0), Span::new(0, text.len()));
            PolicyDocument::json(place, PolicyKind::Key, text)
        };
        assert_eq!(document(one).same_meaning(&document(other)), expected, "{one}\n{other}");
    }

    #[test]
    fn a31_both_spellings_of_an_account_say_the_same() {
        let policy = |account: &str| {
            format!(
                "{{\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":\"{account}\"}},\
                 \"Action\":\"kms:*\",\"Resource\":\"*\"}}]}}"
            )
        };
        let bare = policy("111122223333");
        check(&bare, &policy("arn:aws:iam::111122223333:root"), true);
        check(&bare, &policy("arn:aws-us-gov:iam::111122223333:root"), false);
        check(&bare, &policy("444455556666"), false);
    }

    #[test]
    fn a11_sids_say_nothing() {
        let policy = |sids: [&str; 2]| {
            let statements = sids.map(|sid| {
                format!("{{\"Sid\":\"{sid}\",\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"}}")
            });
            format!("{{\"Statement\":[{}]}}", statements.join(","))
        };
        check(&policy(["a", "a"]), &policy(["a b", "c"]), true);
    }

    /// The form of each statement of a policy without whom it names, and its number among those alike.
    fn forms(statements: &[(&str, &str, &str)]) -> Vec<(String, usize)> {
        let statements: Vec<String> = statements
            .iter()
            .map(|(sid, role, action)| {
                format!(
                    "{{\"Sid\":\"{sid}\",\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":\
                     \"arn:aws:iam::111122223333:role/{role}\"}},\"Action\":\"{action}\",\"Resource\":\"*\"}}"
                )
            })
            .collect();
        let text = format!("{{\"Statement\":[{}]}}", statements.join(","));
        let place = Place::plain(FileId(0), Span::new(0, text.len()));
        let document = PolicyDocument::json(place, PolicyKind::Key, text);
        let policy = document.policy();
        policy.statements.iter().map(|one| policy.form_without_principals(one)).collect()
    }

    #[test]
    fn whom_a_statement_names_is_no_part_of_the_form_that_fingerprints_take() {
        let (one, other) = (forms(&[("", "a", "kms:Decrypt")]), forms(&[("", "b", "kms:decrypt")]));
        assert_eq!(one, other);
        assert_eq!(one[0].1, 0);
        assert_ne!(one, forms(&[("", "a", "kms:Encrypt")]));
    }

    #[test]
    fn statements_that_look_the_same_are_numbered_wherever_they_stand() {
        let numbers = |statements: &[(&str, &str, &str)]| -> Vec<usize> {
            forms(statements).into_iter().map(|(_, number)| number).collect()
        };
        let (a, b, c) = (("", "a", "kms:*"), ("", "b", "kms:*"), ("", "c", "kms:Sign"));
        assert_eq!(numbers(&[a, b, c]), [0, 1, 0]);
        assert_eq!(numbers(&[c, b, a]), [0, 1, 0]);
        // Their names go before whom they name.
        assert_eq!(numbers(&[("2", "a", "kms:*"), ("1", "b", "kms:*")]), [1, 0]);
    }
}
