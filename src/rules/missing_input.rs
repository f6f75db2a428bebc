//! Something that the evaluation needs was not exported.

use std::collections::BTreeMap;

use crate::aws::{AccountId, Arn};
use crate::inventory::{Gap, GapKind, policy_name};

use super::controllers::list;
use super::export::{command, key_name, weakened};
use super::report::Sink;
use super::{Rule, Scope};

/// See the rule's page.
pub(super) struct MissingInput;

/// How many gaps are shown beside the first.
const BESIDE: usize = 3;

/// What gaps of one cause share: what is missing, and of which account.
type Cause<'a> = (&'a str, Option<AccountId>);

impl Rule for MissingInput {
    fn world(&self, scope: &Scope<'_>, sink: &mut Sink<'_>) {
        let world = scope.world;
        if world.accounts.is_empty() && world.keys.is_empty() && world.organization.is_none() {
            return;
        }
        let mut by_cause: BTreeMap<Cause<'_>, Vec<&Gap>> = BTreeMap::new();
        // What infrastructure code leaves open nobody can export.
        let declared = world.declared.as_ref().map(|declared| &declared.files);
        let is_declared =
            |gap: &Gap| declared.is_some_and(|files| files.contains(&gap.place.file));
        let missing = |gap: &&Gap| {
            !gap.kind.is_truncation() && !is_carried(&gap.kind) && !is_declared(gap)
        };
        for gap in world.gaps.iter().filter(missing) {
            by_cause.entry(cause(&gap.kind)).or_default().push(gap);
        }
        for (cause, gaps) in by_cause {
            tell(scope, cause, &gaps, sink);
        }
    }
}

/// Whether it is a policy that AWS gives to service-linked roles: it is the same everywhere.
fn is_carried(kind: &GapKind) -> bool {
    matches!(kind, GapKind::PolicyDocument { policy, .. }
        if policy.contains(":iam::aws:policy/aws-service-role/"))
}

fn cause(kind: &GapKind) -> Cause<'_> {
    let what = match kind {
        GapKind::PolicyDocument { .. } => "document",
        GapKind::Group { .. } => "group",
        GapKind::Identities { .. } => "identities",
        GapKind::IdentityPart { part, .. } | GapKind::KeyPart { part, .. } => part,
        GapKind::Organization { .. } => "organization",
        GapKind::Subject { command } => command,
        GapKind::Listing { what } => what,
    };
    (what, kind.of_account().or_else(|| kind.of_key().map(|key| key.account())))
}

fn tell(scope: &Scope<'_>, (what, account): Cause<'_>, gaps: &[&Gap], sink: &mut Sink<'_>) {
    let Some((first, rest)) = gaps.split_first() else {
        return;
    };
    let more = match rest.len() {
        0 => String::new(),
        1 => " and the same for the other".to_owned(),
        others => format!(" and the same for the {others} others"),
    };
    let help = match &first.kind {
        GapKind::Subject { command } => format!(
            "put it in the directory of what it describes, as in \
             ACCOUNT/REGION/kms/KEY_ID/{command}.json; `keyreach collect-script` does so"
        ),
        kind => format!("run `{}`{more}{}", command(kind), weakened(kind)),
    };
    let subject = match account {
        Some(account) => format!("{what} of {account}"),
        None => what.to_owned(),
    };
    let mut report = sink
        .report(subject, message(scope, what, gaps))
        .at(first.place, None, label(&first.kind))
        .help(help);
    if let (Some(key), []) = (first.kind.of_key(), rest) {
        report = report.key(key);
    }
    for gap in rest.iter().take(BESIDE) {
        report = report.beside(gap.place, None, label(&gap.kind));
    }
    report.done();
}

fn message(scope: &Scope<'_>, what: &str, gaps: &[&Gap]) -> String {
    let names: Vec<String> = gaps.iter().map(|gap| name(scope, gap)).collect();
    let (first, names) = (gaps.first().map(|gap| &gap.kind), list(&names));
    let were = if what.ends_with('s') || (gaps.len() > 1 && what != "key policy") {
        "were"
    } else {
        "was"
    };
    match first {
        Some(GapKind::PolicyDocument { .. }) => {
            let managed = if gaps.len() == 1 { "managed policy" } else { "managed policies" };
            format!("the contents of {managed} {names} were not exported")
        }
        Some(GapKind::Group { .. }) => {
            format!("{names} {were} not exported: its policies are unknown")
        }
        Some(GapKind::Identities { .. }) => {
            format!(
                "the users, roles and groups of {names} were not exported: anyone could be there"
            )
        }
        Some(GapKind::KeyPart { part: "grants", .. }) => {
            format!("the grants of {names} were not exported: anyone could hold one")
        }
        Some(GapKind::KeyPart { part: "key policy", .. }) => {
            format!("the key policy of {names} was not exported, and every KMS key has one")
        }
        Some(GapKind::Organization { .. }) => format!("{names} {were} not exported"),
        Some(GapKind::Subject { command }) => {
            format!("nothing tells what the output of {command} in {names} describes")
        }
        _ => format!("the {what} of {names} {were} not exported"),
    }
}

/// What a gap is about, in a sentence.
fn name(scope: &Scope<'_>, gap: &Gap) -> String {
    match &gap.kind {
        GapKind::PolicyDocument { policy, .. } => policy_name(policy).to_owned(),
        GapKind::IdentityPart { arn, .. } => {
            Arn::parse(arn).map_or_else(|| arn.to_string(), |arn| arn.resource.to_owned())
        }
        GapKind::Group { name, .. } => format!("group/{name}"),
        GapKind::Identities { account, .. } => format!("account {account}"),
        GapKind::KeyPart { key, .. } => key_name(scope, key),
        GapKind::Organization { what } => format!("the {what}"),
        GapKind::Subject { .. } => scope.world.sources.path(gap.place.file).to_owned(),
        GapKind::Listing { what } => (*what).to_owned(),
    }
}

fn label(kind: &GapKind) -> String {
    match kind {
        GapKind::PolicyDocument { .. } => "named here, and described nowhere".to_owned(),
        GapKind::Group { name, .. } => format!("a member of {name}, which is described nowhere"),
        GapKind::Subject { .. } => "it names no key, user, role or policy".to_owned(),
        other => format!("not exported: {other}"),
    }
}
