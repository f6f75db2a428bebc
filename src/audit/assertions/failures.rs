//! Assertions that do not hold, as `check` tells them: one finding a key.

use std::collections::BTreeMap;

use crate::audit::Engine;
use crate::aws::{ActionSet, KeyArn};
use crate::decision::{Assumptions, Citation, Reach as _, Request};
use crate::graph::is_written;
use crate::rules::{Failed, Way};

use super::{Assertion, Breach, Claim, How, Judged, judge};

/// What does not hold.
pub(in crate::audit) fn of(
    engine: &Engine<'_>,
    assumptions: &Assumptions,
    assertions: &[Assertion],
) -> Vec<Failed> {
    let judged = judge(engine.access(), assumptions, assertions);
    let each = assertions.iter().zip(&judged);
    each.flat_map(|(assertion, judged)| of_one(engine, assertion, judged)).collect()
}

fn of_one(engine: &Engine<'_>, assertion: &Assertion, judged: &Judged) -> Vec<Failed> {
    let failed = |message: String, help, way| Failed {
        place: assertion.place,
        span: assertion.span,
        normal_form: assertion.normal_form(),
        message: format!("{}: {message}", assertion.message),
        help,
        way,
    };
    if let Some(why) = &judged.nothing {
        let help = "mend its names, or delete it: it would hold whatever happens";
        return vec![failed(
            format!("the assertion selects nothing: {why}"),
            help,
            Way::SelectsNothing,
        )];
    }
    let mut by_key: BTreeMap<Option<&KeyArn>, Vec<&Breach>> = BTreeMap::new();
    for breach in &judged.breaches {
        by_key.entry(breach.key.as_ref()).or_default().push(breach);
    }
    let claim = assertion.claim;
    let mut found: Vec<Failed> = by_key
        .into_iter()
        .map(|(key, breaches)| {
            let certain = breaches.iter().any(|breach| breach.is_certain(claim));
            let message = message(engine, claim, key, &breaches);
            failed(message, help(claim), cells(engine, key, &breaches, certain))
        })
        .collect();
    if judged.left_out > 0 {
        let message = format!("and {} more answers contradict it", judged.left_out);
        found.push(failed(message, help(claim), Way::Rest));
    }
    found
}

/// `role/app can decrypt with alias/orders`, or how many can.
fn message(
    engine: &Engine<'_>,
    claim: Claim,
    key: Option<&KeyArn>,
    breaches: &[&Breach],
) -> String {
    let world = engine.world();
    let on = match key {
        Some(arn) => format!(" on {}", world.shown_arn(arn)),
        None => " without a key".to_owned(),
    };
    let all = breaches.iter().fold(ActionSet::EMPTY, |all, one| all.union(one.actions));
    let possible = breaches.first().map_or(all, |one| one.possible);
    let words = crate::audit::matrix::Capability::words(all, possible).join(", ");
    // What is certain speaks for the others.
    let first = breaches.iter().find(|one| one.is_certain(claim)).or_else(|| breaches.first());
    let can = first.map_or("can", |one| one.can(claim));
    let mut names: Vec<&str> = breaches.iter().map(|one| &*one.principal).collect();
    names.dedup();
    match names.as_slice() {
        [only] => format!("{only} {can} {words}{on}"),
        several => format!("{} principals {can} {words}{on}", several.len()),
    }
}

fn help(claim: Claim) -> &'static str {
    match claim {
        Claim::Forbid | Claim::Only => {
            "take the access away, or name who may have it under `unless`"
        }
        Claim::Require { .. } => "give the access back, or mend the assertion",
    }
}

fn request(breach: &Breach) -> Option<&Request> {
    match &breach.how {
        How::Cell { request, .. } => request.as_deref(),
        How::Way { .. } | How::Broken => None,
    }
}

/// What of the input allows the steps of a way; what a step writes stands in no file.
fn steps(breach: &Breach) -> Option<Vec<Citation>> {
    let How::Way { path, .. } = &breach.how else { return None };
    let of_hops = path.hops.iter().flat_map(|hop| &hop.because).chain(&path.because);
    Some(of_hops.filter(|citation| !is_written(citation)).cloned().collect())
}

fn cells(engine: &Engine<'_>, key: Option<&KeyArn>, breaches: &[&Breach], certain: bool) -> Way {
    let witness = breaches.iter().find_map(|breach| request(breach));
    let by_steps = witness.is_none();
    let decided_by = match witness {
        Some(request) => engine.decide(request).matched().cloned().collect(),
        None => breaches.iter().find_map(|breach| steps(breach)).unwrap_or_default(),
    };
    let principals = breaches.iter().map(|breach| breach.principal.to_string()).collect();
    Way::Cells {
        key: key.cloned(),
        principals,
        witness: witness.cloned().map(Box::new),
        decided_by,
        by_steps,
        certain,
    }
}
