//! What is told of several keys, users or roles because code does not say which of them a statement is for: it is
//! told once.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::aws::KeyArn;
use crate::findings::{Cause, Finding};
use crate::policy::PolicyDocument;
use crate::source::Span;

use super::Scope;

/// What findings share that are told once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Told<'f> {
    rule: &'static str,
    /// The statement, and what in it is underlined.
    cause: Cause,
    shown: Option<Span>,
    /// Whom it concerns, where it is one of a key policy; else which key.
    of_key: Result<&'f [String], Option<&'f KeyArn>>,
    /// How many of its policy share all of that and come before it.
    number: usize,
}

/// Tells what follows from a statement that may stand in several policies of the one in which it surely stands, or
/// of the first, and how many the others are.
pub(super) fn once(scope: &Scope<'_>, findings: &mut Vec<Finding>) {
    if scope.world.declared.is_none() {
        return;
    }
    let mut is_told = vec![true; findings.len()];
    for (is_of_keys, all) in alike(scope, findings) {
        let sure = all.iter().find(|(_, is_in_doubt)| !is_in_doubt);
        let Some((told, _)) = sure.or(all.first()).copied() else { continue };
        let others = all.into_iter().filter(|(at, is_in_doubt)| *is_in_doubt && *at != told);
        let others: Vec<usize> = others.map(|(at, _)| at).collect();
        fold(findings, told, &others, is_of_keys);
        for at in others {
            is_told.iter_mut().skip(at).take(1).for_each(|it| *it = false);
        }
    }
    let mut is_told = is_told.into_iter();
    findings.retain(|_| is_told.next().unwrap_or(true));
}

/// The findings that are alike, by their numbers, each with whether its statement may not stand there; and whether
/// they are of key policies.
fn alike(scope: &Scope<'_>, findings: &[Finding]) -> Vec<(bool, Vec<(usize, bool)>)> {
    let by_subject: FxHashMap<&str, &PolicyDocument> =
        scope.documents.iter().map(|it| (&*it.subject, it.document)).collect();
    let mut alike: BTreeMap<Told<'_>, Vec<(usize, bool)>> = BTreeMap::new();
    let mut seen: BTreeMap<(Told<'_>, &str), usize> = BTreeMap::new();
    for (at, finding) in findings.iter().enumerate() {
        let Some((mut told, policy, is_in_doubt)) = stated(scope, &by_subject, finding) else {
            continue;
        };
        let number = seen.entry((told.clone(), policy)).or_default();
        told.number = *number;
        *number += 1;
        alike.entry(told).or_default().push((at, is_in_doubt));
    }
    alike.into_iter().map(|(told, all)| (told.of_key.is_ok(), all)).collect()
}

/// What a finding says of a statement in the policy of its key, or in the one that it is about; which policy that is,
/// and whether the statement may not stand there.
fn stated<'f>(
    scope: &Scope<'_>,
    by_subject: &FxHashMap<&str, &PolicyDocument>,
    finding: &'f Finding,
) -> Option<(Told<'f>, &'f str, bool)> {
    // Uses of one thing in code are told once anyway.
    let cause @ (place, span) = finding.cause.filter(|_| finding.instance.is_none())?;
    let key = finding.key.as_ref();
    let of_key = || scope.world.key(key?)?.policy.as_ref().filter(|it| it.place == place);
    // A rule may say of which part of a policy it speaks, behind its name.
    let subject = &*finding.subject;
    let named = || by_subject.get(subject).or_else(|| by_subject.get(subject.split(' ').next()?));
    let of_subject = || named().copied().filter(|it| it.place == place);
    let (policy, name, of_key) = match of_key() {
        Some(policy) => (policy, key?.as_str(), Ok(&*finding.principals)),
        None => (of_subject()?, subject, Err(key)),
    };
    let mut statements = policy.policy().statements.iter();
    let statement = statements.find(|statement| Some(statement.span) == span)?;
    let shown = finding.labels.first().and_then(|label| label.span);
    let told = Told { rule: finding.rule, cause, shown, of_key, number: 0 };
    Some((told, name, statement.doubt.is_some()))
}

/// Tells of others with one finding.
fn fold(findings: &mut [Finding], told: usize, others: &[usize], is_of_keys: bool) {
    let (one, many) = if is_of_keys { ("key", "keys") } else { ("policy", "policies") };
    let count = match others.len() {
        0 => return,
        1 => format!("1 more {one}"),
        count => format!("{count} more {many}"),
    };
    let principals = others.iter().filter_map(|at| findings.get(*at)).flat_map(|it| &it.principals);
    let principals: Vec<String> = principals.cloned().collect();
    let Some(told) = findings.get_mut(told) else { return };
    told.principals.extend(principals);
    told.principals.sort();
    told.principals.dedup();
    told.message.push_str(&format!("; perhaps the same for {count}"));
}
