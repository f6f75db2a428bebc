//! The normal form of a policy: equal for policies that say the same. Serves comparison and fingerprints.

use std::collections::BTreeSet;

use super::{Element, Polarity, Policy, Statement, Value};

impl Policy {
    /// Its statements in normal form, sorted, and its version; `Id`, `Sid` and order say nothing.
    pub fn normal_form(&self) -> String {
        let statements: BTreeSet<String> =
            self.statements.iter().map(Statement::normal_form).collect();
        let statements: Vec<String> = statements.into_iter().collect();
        let faults: Vec<&str> = self.faults.iter().map(|fault| fault.message.as_str()).collect();
        format!("{:?} {} {}", self.version, statements.join(" "), faults.join(" "))
    }
}

impl Statement {
    /// The statement without `Sid`, its lists sorted and actions and condition keys in lower case.
    pub fn normal_form(&self) -> String {
        let effect = self.effect.as_ref().map_or("?", |effect| effect.value.name());
        let principal = self.principal.as_ref().map_or(String::new(), |element| {
            let entries: BTreeSet<String> =
                element.entries.iter().map(|entry| format!("{:?}", entry.value)).collect();
            format!("{}{entries:?}", sign(element.polarity))
        });
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
        format!("{effect} principal {principal} action {action} resource {resource} {conditions:?}")
    }
}

fn normal_element(element: Option<&Element>, spell: fn(&str) -> String) -> String {
    element.map_or(String::new(), |element| {
        let values: BTreeSet<String> = element
            .values
            .iter()
            .map(|value| match &value.value {
                Value::Text(text) => spell(text),
                Value::Unresolved(expression) => format!("unresolved {expression}"),
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
