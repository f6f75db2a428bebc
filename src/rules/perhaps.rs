//! What is told of several keys because code does not say which of them a statement is for: it is told once.

use std::collections::BTreeMap;

use crate::findings::{Cause, Finding};

use super::Scope;

/// Tells what follows from a statement that may stand in the policies of several keys of the one in whose it surely
/// stands, or of the first, and how many the others are.
pub(super) fn once(scope: &Scope<'_>, findings: &mut Vec<Finding>) {
    if scope.world.declared.is_none() {
        return;
    }
    let mut alike: BTreeMap<(&'static str, Cause), Vec<(usize, bool)>> = BTreeMap::new();
    for (at, finding) in findings.iter().enumerate() {
        if let Some((cause, is_in_doubt)) = of_key(scope, finding) {
            alike.entry((finding.rule, cause)).or_default().push((at, is_in_doubt));
        }
    }
    let mut is_told = vec![true; findings.len()];
    for all in alike.into_values() {
        let sure = all.iter().find(|(_, is_in_doubt)| !is_in_doubt);
        let Some((told, _)) = sure.or(all.first()).copied() else { continue };
        let others = all.into_iter().filter(|(at, is_in_doubt)| *is_in_doubt && *at != told);
        let others: Vec<usize> = others.map(|(at, _)| at).collect();
        let count = match others.len() {
            0 => continue,
            1 => "1 more key".to_owned(),
            count => format!("{count} more keys"),
        };
        for at in others {
            let principals = findings.get(at).map(|it| it.principals.clone()).unwrap_or_default();
            if let Some(told) = findings.get_mut(told) {
                told.principals.extend(principals);
                told.principals.sort();
                told.principals.dedup();
            }
            is_told.iter_mut().skip(at).take(1).for_each(|it| *it = false);
        }
        if let Some(told) = findings.get_mut(told) {
            told.message.push_str(&format!("; perhaps the same for {count}"));
        }
    }
    let mut is_told = is_told.into_iter();
    findings.retain(|_| is_told.next().unwrap_or(true));
}

/// The statement of the policy of its key that a finding is about, and whether it may not stand there.
fn of_key(scope: &Scope<'_>, finding: &Finding) -> Option<(Cause, bool)> {
    let cause @ (place, span) = finding.cause?;
    let policy = scope.world.key(finding.key.as_ref()?)?.policy.as_ref()?;
    let mut statements = policy.policy().statements.iter().filter(|_| policy.place == place);
    let statement = statements.find(|statement| Some(statement.span) == span)?;
    Some((cause, statement.doubt.is_some()))
}
