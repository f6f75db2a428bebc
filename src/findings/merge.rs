//! Findings in their final order, each cause told once.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::aws::KeyArn;

use super::{Cause, Explains, Finding, Label, Role};

/// How many instances of a block of code are named beside the first.
const INSTANCES: usize = 3;

/// How many places of a finding are shown where it is told for several.
const PLACES: usize = 5;

/// Findings in their order, each cause told once: [`sort`], [`without_explained`], [`once_a_cause`],
/// [`once_a_block`].
pub fn merged(mut findings: Vec<Finding>) -> Vec<Finding> {
    sort(&mut findings);
    without_explained(&mut findings);
    once_a_cause(&mut findings);
    once_a_block(&mut findings);
    findings
}

/// Sorts findings by file, place and rule, and drops exact repetitions.
pub fn sort(findings: &mut Vec<Finding>) {
    findings.par_sort_by(|one, other| order(one).cmp(&order(other)));
    findings.dedup_by(|one, other| {
        one.rule == other.rule && one.message == other.message && one.labels == other.labels
    });
}

/// Hides what another finding explains: that one has the severity of the worst that follows from it, and says
/// what it stands for. Whoever suppresses findings does so before: one that is suppressed is not there, and
/// gives back what it explained.
pub fn without_explained(findings: &mut Vec<Finding>) {
    let hidden = hidden(findings);
    for at in hidden.keys() {
        let Some((rule, severity)) = findings.get(*at).map(|one| (one.rule, one.severity)) else {
            continue;
        };
        for cause in causes(&hidden, *at) {
            if let Some(cause) = findings.get_mut(cause) {
                cause.severity = cause.severity.max(severity);
                *cause.explained.entry(rule).or_default() += 1;
            }
        }
    }
    let mut at = 0..;
    findings.retain(|_| at.next().is_some_and(|at| !hidden.contains_key(&at)));
}

/// The findings that are told and from which a hidden one follows, by way of hidden ones, too.
fn causes(hidden: &BTreeMap<usize, Vec<usize>>, at: usize) -> BTreeSet<usize> {
    let (mut seen, mut next, mut told) = (BTreeSet::new(), vec![at], BTreeSet::new());
    while let Some(one) = next.pop() {
        for cause in hidden.get(&one).into_iter().flatten().filter(|cause| seen.insert(**cause)) {
            match hidden.contains_key(cause) {
                true => next.push(*cause),
                false => drop(told.insert(*cause)),
            }
        }
    }
    told
}

/// Of findings whose cause speaks of many keys, or of many instances of one block of code, keeps the first:
/// with the principals of all, and of what it is true beside.
pub fn once_a_cause(findings: &mut Vec<Finding>) {
    let mut firsts: FxHashMap<String, usize> = FxHashMap::default();
    let mut kept: Vec<(Finding, Others)> = Vec::with_capacity(findings.len());
    for finding in findings.drain(..) {
        if finding.shares_cause || finding.instance.is_some() {
            let at = *firsts.entry(finding.fingerprint()).or_insert(kept.len());
            if let Some((first, others)) = kept.get_mut(at) {
                others.add(first, finding);
                continue;
            }
        }
        kept.push((finding, Others::default()));
    }
    findings.extend(kept.into_iter().map(|(mut finding, others)| {
        finding.principals.sort();
        finding.principals.dedup();
        if let Some(told) = others.told() {
            finding.message.push_str(&format!("; the same {told}"));
        }
        finding
    }));
}

/// Of findings that say the same of one block of code, which makes the keys of several roots, keeps the one about the
/// key with the shortest name: names say of which root a key is where that does not go without saying.
pub fn once_a_block(findings: &mut Vec<Finding>) {
    let mut firsts: BTreeMap<_, usize> = BTreeMap::new();
    let mut kept: Vec<Finding> = Vec::with_capacity(findings.len());
    for mut finding in findings.drain(..) {
        let Some(said) = said_of_block(&finding) else {
            kept.push(finding);
            continue;
        };
        let at = *firsts.entry(said).or_insert(kept.len());
        let Some(first) = kept.get_mut(at) else {
            kept.push(finding);
            continue;
        };
        if name(&finding).len() < name(first).len() {
            std::mem::swap(first, &mut finding);
        }
        first.severity = first.severity.max(finding.severity);
        first.same.append(&mut finding.same);
        first.same.push(finding);
    }
    for first in kept.iter_mut().filter(|first| !first.same.is_empty()) {
        first.same.sort_by(|one, other| name(one).cmp(name(other)));
        let named: Vec<&str> = first.same.iter().take(INSTANCES).map(name).collect();
        let more = match first.same.len().saturating_sub(INSTANCES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        first.message.push_str(&format!("; the same for {}{more}", named.join(", ")));
    }
    *findings = kept;
}

/// What a finding says of the block of code that makes its key; nothing where that is not known.
fn said_of_block(finding: &Finding) -> Option<impl Ord + use<>> {
    let (block, label) = (finding.block?, finding.labels.first()?);
    let rule = (finding.rule, finding.facet, finding.cause);
    let statement = (finding.statement.clone(), finding.alike, finding.principals.clone());
    Some((block, rule, (label.place, label.span), statement))
}

/// The name of the key that a finding is about.
fn name(finding: &Finding) -> &str {
    finding.key.as_ref().map_or("", KeyArn::id)
}

/// Shows the place of another use of what a finding is about.
fn show(first: &mut Finding, other: &Finding) {
    let Some(place) = other.labels.first() else { return };
    let is_known = |label: &Label| (label.place, label.span) == (place.place, place.span);
    if first.labels.len() < PLACES && !first.labels.iter().any(is_known) {
        let (role, text) = (Role::Related, "the same".to_owned());
        first.labels.push(Label { role, text, ..place.clone() });
    }
}

/// What else a finding is true of.
#[derive(Default)]
struct Others {
    keys: usize,
    instances: BTreeSet<String>,
}

impl Others {
    fn add(&mut self, first: &mut Finding, other: Finding) {
        if first.is_use {
            show(first, &other);
        }
        first.principals.extend(other.principals);
        for (rule, count) in other.explained {
            *first.explained.entry(rule).or_default() += count;
        }
        match other.instance.filter(|instance| first.instance.as_ref() != Some(instance)) {
            Some(instance) => drop(self.instances.insert(instance)),
            None if first.is_use => {}
            None => self.keys += 1,
        }
    }

    fn told(&self) -> Option<String> {
        let named = self.instances.iter().take(INSTANCES).map(String::as_str);
        let named = named.collect::<Vec<_>>().join(", ");
        let more = self.instances.len().saturating_sub(INSTANCES);
        match (self.keys, more) {
            (0, _) if named.is_empty() => None,
            (1, _) if named.is_empty() => Some("with 1 more key".to_owned()),
            (keys, _) if named.is_empty() => Some(format!("with {keys} more keys")),
            (_, 0) => Some(format!("for {named}")),
            (_, more) => Some(format!("for {named} and {more} more")),
        }
    }
}

/// Findings with their numbers, by what others can share with them.
struct Explaining<'f> {
    by_key: FxHashMap<&'f KeyArn, Vec<(usize, &'f Finding)>>,
    by_cause: FxHashMap<Cause, Vec<(usize, &'f Finding)>>,
}

/// Which findings others explain, by their numbers, each with those from which it follows.
fn hidden(findings: &[Finding]) -> BTreeMap<usize, Vec<usize>> {
    let mut all = Explaining { by_key: FxHashMap::default(), by_cause: FxHashMap::default() };
    for (at, finding) in findings.iter().enumerate() {
        let Explains { on_key, there, refuted } = &finding.explains;
        if let Some(key) = finding.key.as_ref().filter(|_| !on_key.is_empty()) {
            all.by_key.entry(key).or_default().push((at, finding));
        }
        if let Some(cause) = finding.cause.filter(|_| !(there.is_empty() && refuted.is_empty())) {
            all.by_cause.entry(cause).or_default().push((at, finding));
        }
    }
    let numbered = findings.iter().enumerate();
    numbered.filter_map(|(at, finding)| Some((at, all.hiding(finding)?))).collect()
}

impl Explaining<'_> {
    /// Where a finding is hidden, those from which it follows: none where it is not so. Nobody is concerned
    /// whom those who explain it leave out.
    fn hiding(&self, finding: &Finding) -> Option<Vec<usize>> {
        let on_key = finding.key.as_ref().and_then(|key| self.by_key.get(key));
        let there = finding.cause.as_ref().and_then(|cause| self.by_cause.get(cause));
        let on_key = on_key.into_iter().flatten();
        let on_key = on_key.filter(|(_, other)| other.explains.on_key.contains(&finding.rule));
        // A policy that is part of no key speaks of every key.
        let is_of_key = |other: &Finding| other.key.is_none() || other.key == finding.key;
        let there = there.into_iter().flatten().filter(|(_, other)| is_of_key(other));
        let refuting =
            there.clone().filter(|(_, other)| other.explains.refuted.contains(&finding.rule));
        let there = there.filter(|(_, other)| other.explains.there.contains(&finding.rule));
        let lending: Vec<&(usize, &Finding)> = on_key.chain(there).collect();
        let others: Vec<&Finding> =
            lending.iter().copied().chain(refuting).map(|(_, other)| *other).collect();
        let is_named =
            |one: &String| others.iter().any(|other| other.principals.binary_search(one).is_ok());
        let is_whole = others.iter().any(|other| other.principals.is_empty())
            || !others.is_empty() && finding.principals.iter().all(is_named);
        is_whole.then(|| lending.iter().map(|(at, _)| *at).collect())
    }
}

/// File, place, rule, and what is left to make the order total.
fn order(finding: &Finding) -> impl Ord + '_ {
    let primary = finding.labels.first();
    let place = primary.map(|label| (label.place.file, label.place.span, label.span));
    (place, finding.rule, finding.facet, &finding.subject, &finding.message)
}
