//! The edges that no document states by itself: who can use a key today, and the calls of the paths that
//! were found.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use crate::access::{Access, Matrix, Row};
use crate::aws::{AccountId, ActionSet, KeyArn, KmsAction};
use crate::decision::{Bound, Caller, CallerKind, CellAnswer, Citation, Pair, Why};
use crate::eval::reference::Reference;
use crate::inventory::Inventory;

use super::{Call, Edge, EdgeKind, Goal, Hop, Node, Path, Sketch, is_stand_in};

/// Whose edges of use are drawn.
pub(super) enum Users<'s> {
    /// Of everybody, to these keys.
    Of(&'s BTreeSet<KeyArn>),
    /// Of these principals, to any key.
    By(&'s BTreeSet<Caller>),
}

/// Adds who can do what the goal is about with a key today, one edge for each pair. Costs a column of the
/// matrix for each key or a row for each principal, and a decision for each edge.
pub(super) fn uses(sketch: &mut Sketch, access: &Access<'_>, users: &Users<'_>, goal: Goal) {
    let matrix = Matrix::new(access);
    let using = Using { matrix: &matrix, world: access.inventory(), goal };
    match users {
        Users::Of(keys) => {
            let places = matrix.keys().iter().enumerate();
            for (at, arn) in places.filter(|(_, arn)| keys.contains(**arn)) {
                let Some(action) = using.action(arn) else {
                    continue;
                };
                for (row, pair) in matrix.column(Some(at), action.into(), false) {
                    using.add(sketch, row, at, &pair);
                }
            }
        }
        Users::By(callers) => {
            let rows = matrix.rows().iter().enumerate();
            for (at, _) in rows.filter(|(_, row)| callers.contains(&row.caller)) {
                for (key, pair) in matrix.row(at, ActionSet::ALL, false) {
                    if let Some(key) = key {
                        using.add(sketch, at, key, &pair);
                    }
                }
            }
        }
    }
}

struct Using<'m, 'w> {
    matrix: &'m Matrix<'m>,
    world: &'w Inventory,
    goal: Goal,
}

impl Using<'_, '_> {
    fn action(&self, arn: &KeyArn) -> Option<KmsAction> {
        self.goal.action(self.world.key(arn)?)
    }

    /// Adds the edge of a row and a key, where something can be used.
    fn add(&self, sketch: &mut Sketch, row: usize, key: usize, pair: &Pair) {
        let found = || {
            let arn = *self.matrix.keys().get(key)?;
            let action = self.action(arn)?;
            let cells = pair.cells.iter();
            let (_, answer) = cells.into_iter().find(|(actions, _)| actions.contains(action))?;
            let may = answer.verdict.at_most() > Bound::Never;
            let who = self.matrix.rows().get(row).filter(|_| may).map(of_row)?;
            let request = answer
                .witness
                .as_ref()
                .and_then(|context| self.matrix.request(row, Some(key), action, context));
            let decision = request.map(|request| Reference::new(self.world).evaluate(&request));
            let because = decision.iter().flat_map(|decision| decision.matched()).cloned();
            let edge = Edge {
                kind: EdgeKind::Uses,
                actions: vec![action.as_str().into()],
                condition: answer.condition.clone(),
                because: because.collect(),
                doubts: doubts(answer),
            };
            Some((who, Node::Key(arn.clone()), edge))
        };
        if let Some((who, key, edge)) = found() {
            sketch.edge(who, key, edge);
        }
    }
}

fn doubts(answer: &CellAnswer) -> BTreeSet<Why> {
    let missing = answer.missing.iter().cloned().map(Why::Missing);
    let open = answer.open.iter().map(|point| Why::Open(point.name()));
    missing.chain(open).chain(answer.undecided.then_some(Why::Undecided)).collect()
}

/// The node of a row of the matrix, whom else it stands for included.
fn of_row(row: &Row) -> Node {
    let is_outside = row.stands_for.is_some() || row.caller.kind == CallerKind::Service;
    match is_outside {
        false => Node::Principal(row.caller.clone()),
        true => {
            let named = Caller::parse(&row.name);
            Node::External(named.unwrap_or_else(|| Caller::of_provider(&row.name)))
        }
    }
}

/// Adds the calls of paths: each leads from its caller to what it changes or takes on. What a path has
/// changed in the end leads to the key, where no other edge says so.
pub(super) fn calls(sketch: &mut Sketch, world: &Inventory, paths: &[Path]) {
    let mut known: FxHashSet<(Node, Node, EdgeKind, &'static str)> = FxHashSet::default();
    let mut add = |sketch: &mut Sketch, from: Node, to: Node, edge: Edge, call: &'static str| {
        if from != to && known.insert((from.clone(), to.clone(), edge.kind, call)) {
            sketch.edge(from, to, edge);
        }
    };
    for path in paths {
        let mut last = None;
        for hop in &path.hops {
            let Some(changed) = changed(world, hop) else {
                continue;
            };
            last = Some(changed.clone());
            let because = written_left_out(&hop.because);
            let call = hop.call.name();
            let edge = Edge {
                kind: hop.edge,
                actions: vec![call.into()],
                condition: None,
                because,
                doubts: path.doubts.clone(),
            };
            add(sketch, of_caller(world, &hop.caller), changed, edge, call);
        }
        let key = Node::Key(path.goal_key.clone());
        let Some(last) = last.filter(|last| {
            !matches!(last, Node::Principal(_) | Node::Key(_)) && !sketch.joins(last, &key)
        }) else {
            continue;
        };
        let edge = Edge {
            kind: EdgeKind::Uses,
            actions: vec![path.goal.as_str().into()],
            condition: None,
            because: written_left_out(&path.because),
            doubts: path.doubts.clone(),
        };
        add(sketch, last, key, edge, path.goal.as_str());
    }
}

/// The citations of what the export holds; an earlier call wrote the others.
fn written_left_out(cited: &[Citation]) -> Vec<Citation> {
    cited.iter().filter(|citation| !super::is_written(citation)).cloned().collect()
}

/// The node of whoever makes a call.
fn of_caller(world: &Inventory, caller: &Caller) -> Node {
    let is_known = caller.account.is_some_and(|account| world.account(account).is_some());
    match is_known {
        true => Node::Principal(caller.clone()),
        // As the matrix calls its row.
        false if is_stand_in(world, caller) => {
            let account = caller.account.map(|account| account.to_string()).unwrap_or_default();
            let root = format!("arn:{}:iam::{account}:root", caller.partition());
            Node::External(Caller::parse(&root).unwrap_or_else(|| caller.clone()))
        }
        false => Node::External(caller.clone()),
    }
}

/// What a call takes on or changes; writing identity policies of an account is its IAM.
fn changed(world: &Inventory, hop: &Hop) -> Option<Node> {
    if let Some(caller) = hop.call.gained() {
        return Some(of_caller(world, &caller));
    }
    let principal = |arn: &str| Caller::parse(arn).map(|caller| of_caller(world, &caller));
    let iam = |arn: &str| {
        let account = arn.split(':').nth(4).and_then(AccountId::parse).or(hop.caller.account)?;
        Some(Node::Iam(account))
    };
    match &hop.call {
        Call::AssumeRole { role, .. }
        | Call::AssumeRoleWithSaml { role, .. }
        | Call::AssumeRoleWithWebIdentity { role, .. }
        | Call::Launch { role, .. }
        | Call::UpdateAssumeRolePolicy { role, .. } => principal(role),
        Call::GetFederationToken { session: user, .. }
        | Call::CreateAccessKey { user }
        | Call::CreateMfaDevice { user }
        | Call::EnableMfaDevice { user }
        | Call::LoginProfile { user, .. } => principal(user),
        Call::AddUserToGroup { group, .. } => Some(Node::Group(group.clone())),
        Call::Center { role: holder, .. }
        | Call::CreateRole { role: holder, .. }
        | Call::CreateUser { user: holder, .. }
        | Call::CreateGroup { group: holder }
        | Call::CreatePolicy { policy: holder, .. }
        | Call::PutPolicy { holder, .. }
        | Call::AttachPolicy { holder, .. }
        | Call::DeleteBoundary { holder }
        | Call::PutBoundary { holder, .. }
        | Call::DetachPolicy { holder, .. }
        | Call::DeletePolicy { holder, .. }
        | Call::RemoveUserFromGroup { user: holder, .. }
        | Call::TagIdentity { holder, .. }
        | Call::UntagIdentity { holder, .. }
        | Call::CreatePolicyVersion { policy: holder, .. }
        | Call::SetDefaultPolicyVersion { policy: holder, .. } => iam(holder),
        Call::PutKeyPolicy { key, .. }
        | Call::ReplicateKey { key, .. }
        | Call::CreateGrant { key, .. }
        | Call::TagKey { key, .. }
        | Call::UntagKey { key, .. }
        | Call::CreateAlias { key, .. } => Some(Node::Key(key.clone())),
        Call::UpdateAlias { alias, .. } | Call::DeleteAlias { alias } => {
            Some(Node::Alias(alias.clone()))
        }
        Call::UpdateSamlProvider { provider }
        | Call::CreateProvider { provider }
        | Call::AddClientId { provider, .. } => Some(Node::External(Caller::of_provider(provider))),
        Call::DetachOrgPolicy { policy, .. } | Call::UpdateOrgPolicy { policy, .. } => {
            Some(Node::Targets(format!("organization policy {policy}").into()))
        }
        Call::DisablePolicyType { root, kind } => {
            Some(Node::Targets(format!("{}s of {root}", kind.name()).into()))
        }
        Call::MoveAccount { account, .. } => Some(place_of(*account)),
        Call::LeaveOrganization => hop.caller.account.map(place_of),
    }
}

/// Where an account stands in its organization, which decides the policies that bind it.
fn place_of(account: AccountId) -> Node {
    Node::Targets(format!("place of {account} in the organization").into())
}
