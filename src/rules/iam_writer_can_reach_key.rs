//! Whoever can write IAM gets to keys that it cannot use today.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::KeyArn;
use crate::decision::{Citation, Cited};
use crate::graph::{Path, Writer, Writers};
use crate::policy::{PolicyDocument, PolicyKind};

use super::controllers::list;
use super::report::Sink;
use super::{Documented, Rule, Scope, short_name};

/// Up to how many calls away a key is near.
const NEAR: usize = 2;

/// See the rule's page.
pub(super) struct IamWriterCanReachKey;

impl Rule for IamWriterCanReachKey {
    fn world(&self, scope: &Scope<'_>, sink: &mut Sink<'_>) {
        let Some(graph) = scope.graph else { return };
        let found = graph.writers();
        let mut causes: BTreeMap<(usize, usize), Vec<&Writer>> = BTreeMap::new();
        for writer in &found.writers {
            if let Some(cause) = writer.write().and_then(|hop| cause(scope, &hop.because)) {
                causes.entry(cause).or_default().push(writer);
            }
        }
        for ((number, index), writers) in causes {
            if let Some(document) = scope.documents.get(number) {
                tell(scope, (document, index), &writers, &found, sink);
            }
        }
    }
}

/// The statement of an identity policy that allows the write, by the policy's number.
fn cause(scope: &Scope<'_>, because: &[Citation]) -> Option<(usize, usize)> {
    because.iter().find_map(|citation| match &citation.cited {
        Cited::Statement { document, index } if document.kind == PolicyKind::Identity => {
            Some((scope.number_of(document)?, *index))
        }
        _ => None,
    })
}

fn tell(
    scope: &Scope<'_>,
    (document, index): (&Documented<'_>, usize),
    writers: &[&Writer],
    found: &Writers,
    sink: &mut Sink<'_>,
) {
    let Some(nearest) = writers.iter().map(|it| &it.path).min_by_key(|path| path.hops.len()) else {
        return;
    };
    let names: BTreeSet<String> = writers.iter().map(|it| name(scope, &it.path)).collect();
    let names: Vec<String> = names.into_iter().collect();
    let mut keys: BTreeSet<&KeyArn> = writers.iter().flat_map(|it| &it.keys).collect();
    let is_beside = |arn: &&KeyArn| !may_be_elsewhere(scope, document.document, arn);
    let is_sure = keys.iter().any(is_beside);
    keys.retain(|arn| !is_sure || is_beside(arn));
    let shown: Vec<String> = keys.iter().map(|arn| scope.world.shown_arn(arn)).collect();
    let calls: Vec<&str> = nearest.hops.iter().map(|hop| hop.call.name()).collect();
    let (calls, goal, who) = (calls.join(", then "), nearest.goal, list(&names));
    let message = format!("{who} can gain {goal} on {} by {calls}", list(&shown));
    let mut report = sink
        .report(&*document.subject, message)
        .statement(document.document, index, "allows the write")
        .principals(writers.iter().map(|it| it.path.from.text.to_string()))
        .help(help(nearest, found));
    if nearest.hops.len() <= NEAR {
        report = report.facet("near");
    }
    if !is_sure {
        report = report.unsure();
    }
    report.done();
}

/// Whether nobody knows that the key is in the account whose policy it is: code declares the two in parts that are
/// deployed each by itself, and the account is a symbol.
fn may_be_elsewhere(scope: &Scope<'_>, document: &PolicyDocument, arn: &KeyArn) -> bool {
    let key = scope.world.key(arn).filter(|_| arn.account().is_symbol());
    let declared = scope.world.declared.as_ref();
    key.zip(declared)
        .is_some_and(|(key, declared)| declared.may_be_apart(document.place.file, key.place.file))
}

fn name(scope: &Scope<'_>, path: &Path) -> String {
    let identity = scope.world.identity(&path.from.text);
    identity.map_or_else(|| path.from.text.to_string(), short_name)
}

/// What to edit, and one line on those who administer the account anyway.
fn help(path: &Path, found: &Writers) -> String {
    let fix = "limit the write to identities that reach no key, or to those with a permissions boundary by \
               iam:PermissionsBoundary; or take the key out of the account's IAM";
    let administrators = path.from.account.and_then(|account| found.administrators.get(&account));
    match administrators.map_or(0, Vec::len) {
        0 => fix.to_owned(),
        1 => format!("{fix}; one principal administers IAM here anyway, and is not told"),
        many => format!("{fix}; {many} principals administer IAM here anyway, and are not told"),
    }
}
