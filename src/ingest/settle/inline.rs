//! Inline policies of one user, role or group: at most one of a name is in force.

use std::collections::BTreeSet;

use crate::inventory::NamedPolicy;
use crate::policy::PolicyDocument;

use super::super::merge::Notes;
use super::Subject;

/// Whether no two have one name.
pub(super) fn are_told_apart(policies: &[NamedPolicy]) -> bool {
    let mut names = BTreeSet::new();
    policies.len() < 2 || policies.iter().all(|policy| names.insert(&*policy.name))
}

/// The policies, each once. Of two that are certainly there and say different things the first counts,
/// and that is noted; where nobody knows which is there, none is certain.
pub(super) fn each_once(
    subject: &Subject<'_>,
    policies: Vec<NamedPolicy>,
    notes: &mut Notes,
) -> Vec<NamedPolicy> {
    let mut kept: Vec<NamedPolicy> = Vec::with_capacity(policies.len());
    for policy in policies {
        let mut same = kept.iter().filter(|known| known.name == policy.name);
        if !same.any(|known| known.document.same_meaning(&policy.document)) {
            kept.push(policy);
        }
    }
    if are_told_apart(&kept) {
        return kept;
    }
    let mut each: Vec<NamedPolicy> = Vec::with_capacity(kept.len());
    for policy in &kept {
        if each.iter().any(|known| known.name == policy.name) {
            continue;
        }
        let all: Vec<&NamedPolicy> = kept.iter().filter(|it| it.name == policy.name).collect();
        each.extend(one_of(subject, &all, notes));
    }
    each
}

/// What is known of several policies of one name.
fn one_of(subject: &Subject<'_>, all: &[&NamedPolicy], notes: &mut Notes) -> Vec<NamedPolicy> {
    let mut certain = all.iter().copied().filter(|policy| !is_in_doubt(&policy.document));
    let (first, others): (_, Vec<&NamedPolicy>) = (certain.next(), certain.collect());
    if let Some(first) = first.filter(|_| !others.is_empty()) {
        for other in others {
            let what = format!("inline policy {} of {}", first.name, subject.arn);
            let (kept, other) = (first.document.whole(), other.document.whole());
            notes.conflict(what, subject.arn, kept, other);
        }
        return vec![first.clone()];
    }
    let [policy] = all else {
        let doubted = |policy: &&NamedPolicy| {
            let doubt = format!("which of the inline policies {} is in force", policy.name);
            NamedPolicy { name: policy.name.clone(), document: policy.document.doubted(&doubt) }
        };
        return all.iter().map(doubted).collect();
    };
    vec![(*policy).clone()]
}

/// Whether nobody knows if any of it is in force.
fn is_in_doubt(document: &PolicyDocument) -> bool {
    let statements = &document.policy().statements;
    !statements.is_empty() && statements.iter().all(|statement| statement.doubt.is_some())
}
