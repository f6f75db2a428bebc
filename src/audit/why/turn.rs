//! What would turn an answer: changes tried on copies of the world until the reference answers the
//! other way.

use serde_json::json;

use crate::aws::{AccountId, ActionSet, KeyArn, KmsAction};
use crate::decision::{
    CallerKind, Citation, Cited, Decision, Gate, Outcome, Path, Reading, Request,
};
use crate::eval::reference::Reference;
use crate::inventory::{Constraints, Edit, Grant, Grantee, Inventory, Key, NamedPolicy};
use crate::policy::{Effect, Policy, PolicyDocument, PolicyKind};
use crate::source::{FileId, Place, Span};

/// Changes that together turn an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Turn {
    /// The changes, in the order in which they are needed.
    pub changes: Vec<Change>,
    /// Whether the answer was seen to turn; else the last change could not be tried, and what is
    /// needed beside it is not known.
    pub proven: bool,
}

/// One change of a world or of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A statement goes, or no longer matches the request.
    Remove {
        /// The policy as people name it.
        policy: String,
        /// Where the policy stands.
        place: Place,
        /// The statement's range in it.
        span: Span,
        /// Its `Sid`.
        sid: Option<Box<str>>,
        /// What it does.
        effect: Effect,
    },
    /// The key policy gets an Allow for this principal.
    AllowInKeyPolicy(Box<str>),
    /// The key policy gets an Allow for this account, so that its IAM policies count.
    Delegate(AccountId),
    /// An identity policy of this principal gets an Allow.
    AllowInIdentityPolicy(Box<str>),
    /// A grant to this principal.
    CreateGrant(Box<str>),
    /// A grant goes.
    RevokeGrant(Box<str>),
    /// The permissions boundary with this ARN allows it, or goes.
    AllowInBoundary(Box<str>),
    /// The session is made without its policies, or with ones that allow it.
    AllowInSession,
    /// An SCP attached at this root, unit or account allows it.
    AllowInScp(Box<str>),
    /// The VPC endpoint's policy allows it.
    AllowInEndpoint,
    /// The key policy gets a Deny for this principal.
    DenyInKeyPolicy(Box<str>),
    /// An identity policy of this principal gets a Deny.
    DenyInIdentityPolicy(Box<str>),
}

/// Which change is preferred where several would do.
#[derive(Clone, Copy)]
enum Strategy {
    /// Identity policies, which the key policy lets count.
    Identity,
    /// The key policy.
    KeyPolicy,
    /// A grant.
    Grant,
}

/// More changes than this are no advice.
const MOST: usize = 12;

/// The ways to the opposite answer, the shortest first.
pub(super) fn turns(
    world: &Inventory,
    request: &Request,
    decision: &Decision,
    key: Option<&KeyArn>,
) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for strategy in [Strategy::Identity, Strategy::KeyPolicy, Strategy::Grant] {
        let attempt = Attempt {
            world: world.clone(),
            request: request.clone(),
            key: key.cloned(),
            strategy,
            changes: Vec::new(),
        };
        let turn = if decision.is_allowed() { attempt.close() } else { attempt.open() };
        turns.extend(turn.filter(|turn| !turns.contains(turn)));
    }
    turns.sort_by_key(|turn| turn.changes.len());
    turns
}

/// The edit that lets the IAM policies of the caller's account count for the key.
pub(super) fn delegate(world: &Inventory, request: &Request, key: &KeyArn) -> Option<Edit> {
    let root = format!("arn:{}:iam::{}:root", request.caller.partition(), request.caller.account?);
    Some(put_key_statement(world, key, request.action, Effect::Allow, &json!({ "AWS": root })))
}

/// A world on its way to the opposite answer.
struct Attempt {
    world: Inventory,
    request: Request,
    key: Option<KeyArn>,
    strategy: Strategy,
    changes: Vec<Change>,
}

impl Attempt {
    /// Changes until the request is allowed.
    fn open(mut self) -> Option<Turn> {
        while self.changes.len() < MOST {
            let decision = Reference::new(&self.world).evaluate(&self.request);
            let (gate, explicit) = match decision.outcome {
                Outcome::Allowed(_) => {
                    return Some(Turn { changes: self.changes, proven: true });
                }
                Outcome::ExplicitDeny(gate) => (gate, true),
                Outcome::ImplicitDeny(gate) => (gate, false),
            };
            let before = self.changes.len();
            if explicit {
                self.remove_first(&decision, gate)?;
            } else if let Some(change) = untried(gate, &decision) {
                self.changes.push(change);
                return Some(Turn { changes: self.changes, proven: false });
            } else {
                self.allow_at(gate)?;
            }
            let (known, new) = self.changes.split_at_checked(before)?;
            // The same change twice leads nowhere.
            if new.iter().any(|change| known.contains(change)) {
                return None;
            }
        }
        None
    }

    /// Changes until the request is denied.
    fn close(mut self) -> Option<Turn> {
        while self.changes.len() < MOST {
            let decision = Reference::new(&self.world).evaluate(&self.request);
            let Outcome::Allowed(path) = decision.outcome else {
                return Some(Turn { changes: self.changes, proven: true });
            };
            match self.strategy {
                Strategy::Identity => self.take_away(&decision, path)?,
                Strategy::KeyPolicy if self.changes.is_empty() => self.deny()?,
                _ => return None,
            }
        }
        None
    }

    /// Removes the first statement that `gate` cites; the next look finds the others.
    fn remove_first(&mut self, decision: &Decision, gate: Gate) -> Option<()> {
        let mut steps = decision.trace.iter().filter(|step| step.decides && step.gate == gate);
        let citation = steps.find_map(|step| step.cited.first())?;
        self.remove(citation)
    }

    fn remove(&mut self, citation: &Citation) -> Option<()> {
        let document = match &citation.cited {
            Cited::Statement { document, .. } => document,
            Cited::Grant { id, .. } => {
                let edit = Edit::RevokeGrant { key: self.key.clone()?, grant: id.clone() };
                self.world = self.world.apply(&edit);
                self.changes.push(Change::RevokeGrant(id.clone()));
                return Some(());
            }
        };
        let statement = citation.statement()?;
        if document.kind == PolicyKind::Key && self.is_fixed() {
            return None;
        }
        self.changes.push(Change::Remove {
            policy: citation.policy.clone(),
            place: document.place,
            span: statement.span,
            sid: statement.sid.as_ref().map(|sid| sid.value.clone()),
            effect: citation.effect(),
        });
        let policies = &mut self.request.session_policies;
        match policies.iter_mut().find(|policy| policy.place == document.place) {
            Some(policy) => *policy = policy.without(statement.span),
            None => {
                let edit =
                    Edit::WithoutStatement { policy: document.place, statement: statement.span };
                self.world = self.world.apply(&edit);
            }
        }
        Some(())
    }

    /// Adds the Allow that `gate` lacks.
    fn allow_at(&mut self, gate: Gate) -> Option<()> {
        match (gate, self.strategy) {
            (Gate::PermissionsBoundary, _) => self.lift_boundary(),
            (Gate::SessionPolicy, _) if !self.request.session_policies.is_empty() => {
                self.request.session_policies.clear();
                self.changes.push(Change::AllowInSession);
                Some(())
            }
            (Gate::KeyPolicy, _) if self.request.action == KmsAction::RETIRE_GRANT => None,
            (Gate::KeyPolicy, _) if self.is_fixed() => None,
            (Gate::KeyPolicy, Strategy::Identity) if self.has_identity_side() => {
                let key = self.key.clone()?;
                let edit = delegate(&self.world, &self.request, &key)?;
                self.world = self.world.apply(&edit);
                self.changes.push(Change::Delegate(self.request.caller.account?));
                Some(())
            }
            (Gate::KeyPolicy | Gate::IdentityPolicy, Strategy::Grant) => self.grant(),
            (Gate::KeyPolicy, _) => self.allow_in_key_policy(),
            (Gate::IdentityPolicy, Strategy::KeyPolicy)
                if self.key.is_some() && !self.is_fixed() && !self.is_external() =>
            {
                self.allow_in_key_policy()
            }
            (Gate::IdentityPolicy, _) => {
                let identity = self.identity_arn()?;
                self.put_identity_statement(&identity, Effect::Allow)?;
                self.changes.push(Change::AllowInIdentityPolicy(identity));
                Some(())
            }
            _ => None,
        }
    }

    /// Rules E26, E40: root users and services have no identity policies.
    fn has_identity_side(&self) -> bool {
        !matches!(self.request.caller.kind, CallerKind::Root | CallerKind::Service)
    }

    /// Rule K15: nobody but AWS changes the policy of a key that AWS manages.
    fn is_fixed(&self) -> bool {
        let key = self.key.as_ref().and_then(|key| self.world.key(key));
        key.is_some_and(Key::is_aws_managed)
    }

    fn is_external(&self) -> bool {
        self.key.as_ref().map(KeyArn::account) != self.request.caller.account
    }

    /// Takes away what allows on `path`: the identity statements where these make the difference.
    fn take_away(&mut self, decision: &Decision, path: Path) -> Option<()> {
        let gate = match path {
            Path::P6 | Path::NoKey => Gate::IdentityPolicy,
            Path::P8 | Path::P9 | Path::P10 | Path::Retire => Gate::Grant,
            Path::RootNoKey => return None,
            _ => Gate::KeyPolicy,
        };
        self.remove_first(decision, gate)
    }

    fn deny(&mut self) -> Option<()> {
        let has_a_say = self.request.action != KmsAction::RETIRE_GRANT && !self.is_fixed();
        match self.key.clone().filter(|_| has_a_say) {
            Some(key) => {
                let principal = self.principal();
                let (element, named) = (principal.element(), principal.name);
                let action = self.request.action;
                let edit = put_key_statement(&self.world, &key, action, Effect::Deny, &element);
                self.world = self.world.apply(&edit);
                self.changes.push(Change::DenyInKeyPolicy(named));
            }
            None => {
                let identity = self.identity_arn()?;
                self.put_identity_statement(&identity, Effect::Deny)?;
                self.changes.push(Change::DenyInIdentityPolicy(identity));
            }
        }
        Some(())
    }

    fn allow_in_key_policy(&mut self) -> Option<()> {
        let key = self.key.clone()?;
        let principal = self.principal();
        let (element, action) = (principal.element(), self.request.action);
        let edit = put_key_statement(&self.world, &key, action, Effect::Allow, &element);
        self.world = self.world.apply(&edit);
        self.changes.push(Change::AllowInKeyPolicy(principal.name));
        Some(())
    }

    fn grant(&mut self) -> Option<()> {
        if !self.request.action.info().grantable {
            return None;
        }
        let key = self.key.clone().filter(|_| !self.is_fixed())?;
        let named = self.principal().name;
        let grantee = Grantee::principal(&named);
        let grant = Grant {
            id: "new".into(),
            name: None,
            grantee,
            retiring: None,
            issuing_account: None,
            operations: ActionSet::from_iter([self.request.action]),
            unknown_operations: Vec::new(),
            constraints: Constraints::default(),
            place: nowhere(),
        };
        self.world = self.world.apply(&Edit::CreateGrant { key, grant: Box::new(grant) });
        self.changes.push(Change::CreateGrant(named));
        Some(())
    }

    fn lift_boundary(&mut self) -> Option<()> {
        let identity = self.request.caller.identity_in(&self.world)?;
        let boundary = identity.boundary.as_ref()?.arn.clone();
        let edit = Edit::DeleteBoundary { holder: identity.arn.clone() };
        self.world = self.world.apply(&edit);
        self.changes.push(Change::AllowInBoundary(boundary));
        Some(())
    }

    fn put_identity_statement(&mut self, identity: &str, effect: Effect) -> Option<()> {
        self.world.identity(identity)?;
        let statement = json!({
            "Effect": effect.name(), "Action": self.request.action.as_str(), "Resource": "*"
        });
        let document = document(PolicyKind::Identity, &statement);
        let policy = NamedPolicy { name: format!("new-{}", self.changes.len()).into(), document };
        let edit = Edit::PutInlinePolicy { holder: identity.into(), policy };
        self.world = self.world.apply(&edit);
        Some(())
    }

    /// ARN of the user or role whose policies count for the caller.
    fn identity_arn(&self) -> Option<Box<str>> {
        self.request.caller.identity_in(&self.world).map(|identity| identity.arn.clone())
    }

    /// Whom a key policy or a grant names to mean the caller.
    fn principal(&self) -> Named {
        let caller = &self.request.caller;
        let role = caller.session_role_in(&self.world).map(|role| role.arn.clone());
        let name = role.unwrap_or_else(|| caller.text.clone());
        Named { name, is_service: caller.kind == CallerKind::Service }
    }
}

/// A principal as a policy names it.
struct Named {
    name: Box<str>,
    is_service: bool,
}

impl Named {
    fn element(&self) -> serde_json::Value {
        let kind = if self.is_service { "Service" } else { "AWS" };
        json!({ kind: *self.name })
    }
}

/// The change that a gate needs which is not tried: what stands there is not ours to edit.
fn untried(gate: Gate, decision: &Decision) -> Option<Change> {
    match gate {
        Gate::Scp => {
            let mut steps = decision.trace.iter().filter(|step| step.gate == Gate::Scp);
            steps.find_map(|step| match &step.reading {
                Reading::Silent(Some(level)) => Some(Change::AllowInScp(level.clone())),
                _ => None,
            })
        }
        Gate::VpcEndpointPolicy => Some(Change::AllowInEndpoint),
        _ => None,
    }
}

/// The key's policy with one statement more.
fn put_key_statement(
    world: &Inventory,
    key: &KeyArn,
    action: KmsAction,
    effect: Effect,
    principal: &serde_json::Value,
) -> Edit {
    let statement = json!({
        "Effect": effect.name(), "Principal": principal, "Action": action.as_str(), "Resource": "*"
    });
    let new = document(PolicyKind::Key, &statement);
    let old = world.key(key).and_then(|key| key.policy.as_ref());
    let policy = match old {
        Some(old) => {
            let mut statements = old.policy().statements.clone();
            statements.extend(new.policy().statements.iter().cloned());
            let policy = Policy { statements, readable: true, ..old.policy().clone() };
            PolicyDocument::lowered(old.place, PolicyKind::Key, policy)
        }
        None => new,
    };
    Edit::PutKeyPolicy { key: key.clone(), policy }
}

fn document(kind: PolicyKind, statement: &serde_json::Value) -> PolicyDocument {
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
    PolicyDocument::json(nowhere(), kind, policy.to_string())
}

/// The place of what stands in no file.
fn nowhere() -> Place {
    Place::plain(FileId(u32::MAX), Span::default())
}
