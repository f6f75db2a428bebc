//! Whoever replicates a key writes the replica's policy, and so uses the same material.

use std::collections::BTreeSet;

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Caller, Gift, Request, Target};
use crate::inventory::{Edit, MultiRegion, MultiRegionRole};

use super::controllers::{Controller, reveal, told};
use super::escalation::{by_itself, direct, without_way};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct ReplicaPolicyEscalation;

/// Regions that every account can use.
const REGIONS: [&str; 4] = ["eu-west-1", "us-east-1", "us-east-2", "us-west-2"];

impl Rule for ReplicaPolicyEscalation {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let Some(primary) = primary(scope) else { return };
        if scope.readable_policy().is_none() {
            return;
        }
        let (reveal, replicate) = (reveal(scope), KmsAction::REPLICATE_KEY);
        let goal: ActionSet = reveal.iter().copied().collect();
        let free = free_regions(scope, primary);
        let mut found = Vec::new();
        for (group, members) in without_way(scope, replicate.into(), goal, &|_| true) {
            let regions: Vec<&String> = match group.holds.sure.contains(replicate) {
                true => free.iter().filter(|it| replicates(scope, group.who.first(), it)).collect(),
                false => continue,
            };
            // Members share what they may do with this key, and neither other Regions nor kms:CreateKey.
            found.extend(members.into_iter().filter_map(|caller| {
                let gained = |region: &&String| gained(scope, &caller, region, &reveal);
                let gained = regions.iter().find_map(gained)?;
                Some(Controller { caller, gained })
            }));
        }
        let begins = |one: &Controller| {
            let region = free.iter().find(|region| {
                replicates(scope, &one.caller, region)
                    && gained(scope, &one.caller, region, &[one.gained]).is_some()
            })?;
            let verdict = scope.scope.reach.verdict_of(&replicating(scope, &one.caller, region));
            verdict.witness().cloned().map(Box::new)
        };
        let how =
            |one: &Controller| format!("replicate it under another policy and gain {}", one.gained);
        if let Some(report) = told(scope, sink, found, begins, how, "allows kms:ReplicateKey") {
            report
                .help(
                    "limit kms:ReplicaRegion to Regions where replicas stand, deny kms:CreateKey in \
                     the others by SCP, or leave kms:ReplicateKey to a deployment role",
                )
                .done();
        }
    }
}

/// What the key says of its relatives, where it is a primary.
fn primary<'a>(scope: &KeyScope<'a>) -> Option<&'a MultiRegion> {
    let related = scope.key.metadata.as_ref()?.multi_region.as_ref()?;
    (related.role == MultiRegionRole::Primary).then_some(related)
}

/// The Regions without a replica: those that keys stand in, that a condition names, and some that are always
/// there.
fn free_regions(scope: &KeyScope<'_>, primary: &MultiRegion) -> BTreeSet<String> {
    let named = named_regions(scope).into_iter();
    let of_keys = scope.scope.regions().iter().map(ToString::to_string);
    let always = REGIONS.into_iter().map(str::to_owned);
    let taken = |region: &str| {
        let mut replicas = primary.replicas.iter();
        region == scope.key.arn.region()
            || replicas.any(|arn| arn.split(':').nth(3) == Some(region))
    };
    always.chain(of_keys).chain(named).filter(|region| !taken(region)).collect()
}

/// The Regions that conditions of the key policy ask for.
fn named_regions(scope: &KeyScope<'_>) -> BTreeSet<String> {
    let statements = scope.key.policy.iter().flat_map(|document| &document.policy().statements);
    let conditions = statements.flat_map(|statement| &statement.conditions);
    let asking = conditions.filter(|it| it.key.value.eq_ignore_ascii_case("kms:ReplicaRegion"));
    let texts = asking.flat_map(|it| &it.values).filter_map(|value| value.value.text());
    texts.filter(|text| !text.contains(['*', '?', '$'])).map(str::to_owned).collect()
}

fn replicating(scope: &KeyScope<'_>, caller: &Caller, region: &str) -> Request {
    let mut request = direct(scope, caller, KmsAction::REPLICATE_KEY);
    request.context.set_one("kms:ReplicaRegion", region);
    request
}

fn replicates(scope: &KeyScope<'_>, caller: &Caller, region: &str) -> bool {
    scope.scope.reach.reaches(&replicating(scope, caller, region))
}

/// What the caller gains by a replica in the Region under a policy that allows it everything, where it may
/// create a key there (rule L8) and write that policy again (rule K9).
fn gained(
    scope: &KeyScope<'_>,
    caller: &Caller,
    region: &str,
    wanted: &[KmsAction],
) -> Option<KmsAction> {
    let mut create = Request::plain(caller.clone(), KmsAction::CREATE_KEY, Target::Account);
    by_itself(&mut create);
    create.context.set_one("aws:RequestedRegion", region);
    let (reach, arn) = (scope.scope.reach, &scope.key.arn);
    if !reach.reaches(&create) {
        return None;
    }
    let Edit::PutKeyPolicy { policy, .. } = Gift::Policy.edit(scope.key, caller) else {
        return None;
    };
    let replica = arn.in_region(region)?;
    let edit = Edit::ReplicateKey { key: arn.clone(), region: region.into(), policy };
    let put = KmsAction::PUT_KEY_POLICY;
    let all: ActionSet = wanted.iter().copied().chain([put]).collect();
    let held = reach.after(&edit).holding(caller, &replica, all).sure;
    wanted.iter().copied().find(|action| held.contains(put) && held.contains(*action))
}
