//! What is called for each step of a plan, with which parameters.

use std::collections::BTreeSet;

use serde_json::json;

use crate::aws::{ControlAction, KeyArn};
use crate::decision::{Caller, CallerKind, Context};
use crate::inventory::{Constraints, Grant, Grantee, Tags};
use crate::policy::{PolicyDocument, PolicyKind};

use super::super::asker::site;
use super::super::call::Call;
use super::super::cast::{Ix, KeyIx};
use super::super::center::CENTERS;
use super::super::change::{Carrier, WRITTEN, everything, nowhere};
use super::super::key_edits::KeyEdit;
use super::super::key_moves::KeyMove;
use super::super::launch::LAUNCHES;
use super::super::moves::Move;
use super::super::plan::{Doing, Plan, Step};
use super::super::wanted::Goal;
use super::Assembler;
use super::way::Way;

impl Assembler<'_, '_> {
    /// The call of a step.
    pub(super) fn call(
        &self,
        way: &Way<'_>,
        step: &Step,
        caller: &Caller,
        nth: usize,
        plan: &Plan,
    ) -> Option<Call> {
        match &step.what {
            Doing::Move(what) => self.call_of_move(way, what, caller, nth, plan),
            Doing::Key(what) => self.call_of_key(what, caller, plan),
        }
    }

    fn arn(&self, at: Ix) -> Option<Box<str>> {
        self.cast.arn(at).map(Into::into)
    }

    /// The ARN of a role, or of the role that a session is of.
    fn role(&self, at: Ix) -> Option<Box<str>> {
        self.arn(self.cast.role_of(at).unwrap_or(at))
    }

    fn call_of_move(
        &self,
        way: &Way<'_>,
        what: &Move,
        caller: &Caller,
        nth: usize,
        plan: &Plan,
    ) -> Option<Call> {
        let group = |account, name: &str| self.cast.group_arn(account, name);
        let written =
            |holder| Call::PutPolicy { holder, name: WRITTEN.into(), document: everything() };
        Some(match what {
            Move::Assume(at) => assume(caller, self.role(*at)?),
            Move::AssumeTagged(at) => {
                let role = self.role(*at)?;
                let tags = way.tags(&role);
                Call::AssumeRole { role, tags }
            }
            Move::FederationToken(at) => {
                Call::GetFederationToken { session: self.arn(*at)?, tags: Tags::new() }
            }
            Move::FederationTagged(at) => {
                let session = self.arn(*at)?;
                let tags = way.tags(&session);
                Call::GetFederationToken { session, tags }
            }
            Move::AccessKey(user) => Call::CreateAccessKey { user: self.arn(*user)? },
            Move::LoginProfile { user, update } => {
                Call::LoginProfile { user: self.arn(*user)?, update: *update }
            }
            Move::Launch(launch, role) => {
                let launch = LAUNCHES.get(*launch)?;
                let side = |context: &Context| way.engine().control_as(caller, None, context);
                let site = site(
                    side,
                    caller,
                    launch.actions,
                    self.cast.regions_of(caller.account?, caller.partition()),
                )?;
                Call::Launch {
                    launch,
                    role: self.arn(*role)?,
                    region: site.region,
                    resources: site.resources,
                }
            }
            Move::PutPolicy(holder) => written(self.arn(*holder)?),
            Move::PutGroupPolicy(account, name) => written(group(*account, name)?),
            Move::Attach(holder, policy) => {
                Call::AttachPolicy { holder: self.arn(*holder)?, policy: policy.clone() }
            }
            Move::AttachToGroup(account, name, policy) => {
                Call::AttachPolicy { holder: group(*account, name)?, policy: policy.clone() }
            }
            Move::Rewrite(policy) => {
                Call::CreatePolicyVersion { policy: policy.clone(), document: everything() }
            }
            Move::SetDefault(policy, version) => {
                Call::SetDefaultPolicyVersion { policy: policy.clone(), version: version.clone() }
            }
            Move::Join(user, account, name) => {
                Call::AddUserToGroup { user: self.arn(*user)?, group: group(*account, name)? }
            }
            Move::Trust(role) => Call::UpdateAssumeRolePolicy {
                role: self.arn(*role)?,
                document: self.trusting(*role, nth, plan),
            },
            Move::Organize(what) => what.call(way.engine().inventory())?,
            Move::Center(way_of, role) => {
                let center = CENTERS.get(*way_of)?;
                let side = |context: &Context| way.engine().control_as(caller, None, context);
                let regions = self.cast.regions_of(caller.account?, caller.partition());
                let site = site(side, caller, center.actions, regions)?;
                let (region, resources) = (site.region, site.resources);
                Call::Center { center, role: self.arn(*role)?, region, resources }
            }
            Move::CreateGroup(account, name) => Call::CreateGroup { group: group(*account, name)? },
            Move::CreatePolicy(policy) => {
                Call::CreatePolicy { policy: policy.clone(), document: everything() }
            }
            Move::CreateUser(user) => {
                let (boundary, tags) = self.cast.made_with(*user);
                let tags = tags.into_iter().collect();
                Call::CreateUser { user: self.arn(*user)?, boundary, tags }
            }
            Move::CreateRole(role) => {
                let (boundary, tags) = self.cast.made_with(*role);
                let trust = self.trusting(*role, nth, plan);
                let tags = tags.into_iter().collect();
                Call::CreateRole { role: self.arn(*role)?, trust, boundary, tags }
            }
            Move::DeleteBoundary(holder) => Call::DeleteBoundary { holder: self.arn(*holder)? },
            Move::PutBoundary(holder, policy) => {
                Call::PutBoundary { holder: self.arn(*holder)?, policy: policy.clone() }
            }
            Move::Remove(holder, carrier) => self.removal(*holder, carrier)?,
            Move::Federate(action, provider) => federated(*action, self.arn(*provider)?),
            Move::Tag(holder, set) => Call::TagIdentity {
                holder: self.arn(*holder)?,
                tags: set.iter().cloned().collect(),
            },
            Move::Untag(holder, keys) => {
                Call::UntagIdentity { holder: self.arn(*holder)?, keys: keys.to_vec() }
            }
        })
    }

    fn removal(&self, at: Ix, carrier: &Carrier) -> Option<Call> {
        let account = self.cast.identity(at)?.account;
        let group = |name: &str| self.cast.group_arn(account, name);
        let holder = self.arn(at)?;
        Some(match carrier {
            Carrier::Inline(name) => Call::DeletePolicy { holder, name: name.clone() },
            Carrier::Attached(policy) => Call::DetachPolicy { holder, policy: policy.clone() },
            Carrier::Group(name) => Call::RemoveUserFromGroup { user: holder, group: group(name)? },
            Carrier::GroupInline(of, name) => {
                Call::DeletePolicy { holder: group(of)?, name: name.clone() }
            }
            Carrier::GroupAttached(of, policy) => {
                Call::DetachPolicy { holder: group(of)?, policy: policy.clone() }
            }
        })
    }

    /// A trust policy for those who take on the role later in the plan, whatever they are (rules T25, T35).
    fn trusting(&self, role: Ix, nth: usize, plan: &Plan) -> PolicyDocument {
        let later = plan.steps.iter().skip(nth);
        let enters = later.filter(|step| match &step.what {
            Doing::Move(Move::Assume(at) | Move::AssumeTagged(at)) => {
                self.cast.role_of(*at).unwrap_or(*at) == role
            }
            _ => false,
        });
        let arns = enters.filter_map(|step| principal_arn(&self.cast.member(step.by)?.caller));
        let arns: BTreeSet<String> = arns.collect();
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": "*" },
                "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
                "Condition": { "ArnEquals": { "aws:PrincipalArn": arns } },
            }],
        });
        PolicyDocument::json(nowhere(), PolicyKind::Trust, policy.to_string())
    }

    fn call_of_key(&self, what: &KeyMove, caller: &Caller, plan: &Plan) -> Option<Call> {
        let goal_as = &self.cast.member(plan.goal_as)?.caller;
        let granting = plan.steps.iter().filter(|step| is_grant(step));
        let granting = granting.filter_map(|step| self.cast.member(step.by));
        let opened = || {
            let callers = granting.map(|member| &member.caller).chain([caller, goal_as]);
            opened(&callers.collect::<Vec<_>>())
        };
        Some(match what {
            KeyMove::PutPolicy(key) => {
                Call::PutKeyPolicy { key: self.key(*key)?, policy: opened() }
            }
            KeyMove::Replicate(key, region) => Call::ReplicateKey {
                key: self.key(*key)?,
                region: region.clone(),
                policy: opened(),
            },
            KeyMove::Grant(key, grantee) => {
                let action = self.cast.key(*key).and_then(|key| Goal::Use.action(key))?;
                let grant = Grant {
                    id: WRITTEN.into(),
                    name: None,
                    grantee: Grantee::principal(self.cast.arn(*grantee)?),
                    retiring: None,
                    issuing_account: caller.account,
                    operations: action.into(),
                    unknown_operations: Vec::new(),
                    constraints: Constraints::default(),
                    place: nowhere(),
                };
                // After a replica was made, it is the replica that is open.
                let key = self.key(*key)?;
                let key = replica(&key, plan).unwrap_or(key);
                Call::CreateGrant { key, grant: Box::new(grant) }
            }
            KeyMove::Edit(key, edit) => self.edit(&self.key(*key)?, edit)?,
        })
    }

    fn key(&self, at: KeyIx) -> Option<KeyArn> {
        self.cast.key(at).map(|key| key.arn.clone())
    }

    fn edit(&self, key: &KeyArn, edit: &KeyEdit) -> Option<Call> {
        let named = |name: &str| key.alias(name);
        let key = key.clone();
        Some(match edit {
            KeyEdit::Tagged(set) => Call::TagKey { key, tags: set.iter().cloned().collect() },
            KeyEdit::Untagged(keys) => Call::UntagKey { key, keys: keys.to_vec() },
            KeyEdit::Aliased(name) => Call::CreateAlias { alias: named(name)?, key },
            KeyEdit::Retargeted(name) => Call::UpdateAlias { alias: named(name)?, key },
            KeyEdit::Unaliased(name) => Call::DeleteAlias { alias: named(name)? },
        })
    }
}

/// Rules T3, T8: by what whoever asks has.
fn assume(caller: &Caller, role: Box<str>) -> Call {
    let provider = || caller.text.clone();
    match caller.kind {
        CallerKind::Provider if caller.text.contains(":saml-provider/") => {
            Call::AssumeRoleWithSaml { role, provider: provider() }
        }
        CallerKind::Provider => Call::AssumeRoleWithWebIdentity { role, provider: provider() },
        _ => Call::AssumeRole { role, tags: Tags::new() },
    }
}

/// Rule T41.
fn federated(action: ControlAction, provider: Box<str>) -> Call {
    match action == ControlAction::IAM_UPDATE_SAML_PROVIDER {
        true => Call::UpdateSamlProvider { provider },
        false => Call::CreateProvider { provider },
    }
}

fn is_grant(step: &Step) -> bool {
    matches!(step.what, Doing::Key(KeyMove::Grant(..)))
}

/// The replica that a plan makes and uses.
pub(super) fn replica(key: &KeyArn, plan: &Plan) -> Option<KeyArn> {
    let mut regions = plan.steps.iter().filter_map(|step| match &step.what {
        Doing::Key(KeyMove::Replicate(_, region)) => Some(region),
        _ => None,
    });
    key.in_region(regions.next_back()?)
}

/// A key policy that allows everything to these, whatever limits their roles.
fn opened(callers: &[&Caller]) -> PolicyDocument {
    let arns: BTreeSet<String> = callers.iter().filter_map(|it| principal_arn(it)).collect();
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": "kms:*",
            "Resource": "*",
            "Condition": { "ArnEquals": { "aws:PrincipalArn": arns } },
        }],
    });
    PolicyDocument::json(nowhere(), PolicyKind::Key, policy.to_string())
}

/// What `aws:PrincipalArn` holds for a caller (rule C46): a session has its role's ARN, whose path its own
/// does not tell.
fn principal_arn(caller: &Caller) -> Option<String> {
    match &caller.kind {
        CallerKind::AssumedRole { role, .. } => {
            Some(format!("arn:{}:iam::{}:role/*{role}", caller.partition(), caller.account?))
        }
        CallerKind::Service | CallerKind::Provider => None,
        _ => Some(caller.text.to_string()),
    }
}
