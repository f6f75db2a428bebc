//! An Allow, or a grant, that explicit denies cancel: entirely, by guardrails alone, or for a part.

use std::collections::BTreeSet;

use crate::aws::{AccountId, ActionSet, KeyArn, KmsAction};
use crate::decision::{Allowing, Caller, Citation, Cited, Fate, Fates, Gate, Meant, Request};
use crate::inventory::{Grantee, Identity, Key};
use crate::policy::{Polarity, PolicyDocument, PolicyKind, Principal, Statement};
use crate::source::{Place, Span};

use super::audience::{Audience, Others, others};
use super::controllers::{caused, list, short};
use super::report::Sink;
use super::trust::{performed, trusts};
use super::{Documented, KeyScope, Rule, Scope};

/// See the rule's page.
pub(super) struct AllowFullyDenied;

impl Rule for AllowFullyDenied {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        if scope.key.is_aws_managed() {
            return;
        }
        if let Some(document) = &scope.key.policy {
            for (index, statement) in document.policy().statements.iter().enumerate() {
                let Some(element) = statement.action.as_ref().filter(|_| statement.allows()) else {
                    continue;
                };
                let actions = scope.scope.reach.actions(element);
                let named = named_principals(statement);
                let allowing = Allowing::Statement(document, index);
                let others = others(scope, statement);
                if !is_stopped(scope, &named, actions) && !could_be_stopped(scope, &others, actions)
                {
                    continue;
                }
                let mut overlap = Overlap::of(scope, &named, actions, allowing);
                match others {
                    Others::Nobody => {}
                    Others::All(audience) => overlap.add_all(scope, &audience, actions, allowing),
                    Others::Unlisted => overlap.saves_others = true,
                }
                overlap.tell(
                    scope,
                    sink,
                    &Subject::Statement { of: "the key policy", document, index, statement },
                );
            }
        }
        for grant in &scope.key.grants {
            let named: Vec<Caller> = match &grant.grantee {
                Grantee::Principal(principal) => caller(principal).into_iter().collect(),
                Grantee::Service(name) => Caller::parse(name).into_iter().collect(),
            };
            if !is_stopped(scope, &named, grant.operations) {
                continue;
            }
            let overlap = Overlap::of(scope, &named, grant.operations, Allowing::Grant(grant));
            overlap.tell(scope, sink, &Subject::Grant { id: &grant.id, place: grant.place });
        }
    }

    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        if document.document.kind == PolicyKind::Identity {
            for (index, statement) in document.document.policy().statements.iter().enumerate() {
                identity_statement(scope, document, index, statement, sink);
            }
        }
    }
}

/// Whether something could stop one of `named`: what is always allowed no Deny and no guardrail does.
fn is_stopped(scope: &KeyScope<'_>, named: &[Caller], actions: ActionSet) -> bool {
    let performed = performed(scope, actions);
    named.iter().any(|one| !performed.is_subset(scope.holding(one, performed).always))
}

/// Whether something could stop all whom a statement means beside those that it names. Where the key's own account
/// is wholly known, and nobody of it could put the key policy, the rules about that tell it.
fn could_be_stopped(scope: &KeyScope<'_>, others: &Others, actions: ActionSet) -> bool {
    let Others::All(audience) = others else { return false };
    let own = scope.key.arn.account();
    let is_told = |root: &Caller| {
        let is_own = root.account == Some(own) && scope.world().is_complete(own);
        is_own && actions.contains(KmsAction::PUT_KEY_POLICY)
    };
    audience.is_everyone()
        || (is_stopped(scope, &audience.roots, actions) && !audience.roots.iter().any(is_told))
}

/// The users, roles, sessions and services that a key policy statement names one by one.
fn named_principals(statement: &Statement) -> Vec<Caller> {
    let element = statement.principal.as_ref().filter(|element| element.polarity == Polarity::Is);
    element
        .into_iter()
        .flat_map(|element| &element.entries)
        .filter_map(|entry| caller(&entry.value))
        .collect()
}

fn caller(principal: &Principal) -> Option<Caller> {
    match principal {
        Principal::User(arn)
        | Principal::Role(arn)
        | Principal::AssumedRole(arn)
        | Principal::FederatedUser(arn) => Caller::parse(arn),
        Principal::Service(name) => Caller::parse(name),
        _ => None,
    }
}

/// What explicit denies leave of an Allow on one key.
struct Overlap<'o> {
    allowing: Allowing<'o>,
    /// What is denied in every request, in the order in which the principals are named.
    denied: Vec<(Caller, ActionSet)>,
    /// What some request passes.
    free: Vec<(Caller, ActionSet)>,
    /// What no Deny stops and a guardrail leaves out in every request.
    left_out: Vec<(Caller, ActionSet)>,
    /// The guardrails that leave it out.
    gates: BTreeSet<Gate>,
    undecided: bool,
    /// Whether somebody who is not named one by one may pass.
    saves_others: bool,
}

impl<'o> Overlap<'o> {
    fn of(
        scope: &KeyScope<'_>,
        named: &[Caller],
        actions: ActionSet,
        allowing: Allowing<'o>,
    ) -> Self {
        let mut overlap = Self {
            allowing,
            denied: Vec::new(),
            free: Vec::new(),
            left_out: Vec::new(),
            gates: BTreeSet::new(),
            undecided: false,
            saves_others: false,
        };
        let performed = performed(scope, actions);
        for principal in named {
            let fates = scope.fates(principal, allowing, performed);
            let mut free = fates.free;
            for (action, gate) in guardrails(scope, principal, free, allowing) {
                free.remove(action);
                overlap.left_out.push((principal.clone(), action.into()));
                overlap.gates.insert(gate);
            }
            overlap.add(principal, Fates { free, ..fates });
        }
        overlap
    }

    /// Adds an audience, unless somebody of it passes.
    fn add_all(
        &mut self,
        scope: &KeyScope<'_>,
        audience: &Audience,
        actions: ActionSet,
        allowing: Allowing<'_>,
    ) {
        let performed = performed(scope, actions);
        let abroad: ActionSet =
            performed.iter().filter(|action| action.info().cross_account).collect();
        let owner = scope.key.arn.account();
        let reached =
            |caller: &Caller| if caller.account == Some(owner) { performed } else { abroad };
        let fates = |caller: &Caller| scope.fates(caller, allowing, reached(caller));
        let passes = |fates: Fates| !fates.free.is_empty() || !fates.unknown.is_empty();
        // The root users first: hardly ever is there more to ask.
        if audience.roots.iter().any(|root| passes(fates(root))) {
            self.saves_others = true;
            return;
        }
        // Then whoever holds some of it.
        let holders = scope.near_holders(performed);
        let is_one = |caller: &&Caller| audience.has(scope, caller);
        let holders = holders.iter().filter(|group| group.holds.possible.intersects(performed));
        let mut holding = holders.filter_map(|group| group.who.iter().find(is_one));
        if holding.any(|caller| passes(fates(caller))) {
            self.saves_others = true;
            return;
        }
        let mut meant = scope.meant(allowing, performed);
        meant.retain(|group| group.who.iter().any(|caller| audience.has(scope, caller)));
        let saved = |group: &Meant| passes(group.fates.within(reached(group.who.first())));
        let stand_ins = if meant.iter().any(saved) { None } else { audience.stand_ins(scope) };
        let all_stopped = |all: &Vec<Caller>| !all.iter().any(|one| passes(fates(one)));
        let Some(stand_ins) = stand_ins.filter(all_stopped) else {
            self.saves_others = true;
            return;
        };
        let members = meant.iter().flat_map(|group| {
            let members = group.who.iter().filter(|caller| audience.has(scope, caller));
            let members = members.filter(|caller| !audience.roots.contains(caller));
            members.map(move |caller| (caller, group.fates))
        });
        let mut members: Vec<(&Caller, Fates)> = members.collect();
        members.sort_by_key(|(caller, _)| *caller);
        audience.roots.iter().for_each(|root| self.add(root, fates(root)));
        for (caller, fates) in members {
            self.add(caller, fates.within(reached(caller)));
        }
        if audience.is_everyone() {
            stand_ins.iter().for_each(|stranger| self.add(stranger, fates(stranger)));
        }
    }

    fn add(&mut self, principal: &Caller, fates: Fates) {
        let put = |all: &mut Vec<(Caller, ActionSet)>, actions: ActionSet| {
            if !actions.is_empty() {
                all.push((principal.clone(), actions));
            }
        };
        put(&mut self.free, fates.free);
        put(&mut self.denied, fates.denied);
        self.undecided |= !fates.unknown.is_empty();
    }

    /// What stops it: every gate and Deny, and a request that is denied.
    fn stopped(&self, scope: &KeyScope<'_>) -> (BTreeSet<Gate>, Vec<Citation>) {
        let (mut gates, mut by) = (self.gates.clone(), Vec::new());
        for (caller, actions) in &self.denied {
            let (reach, key) = (scope.scope.reach, &scope.key.arn);
            let denials = reach.denials(caller, key, self.allowing, *actions);
            gates.extend(denials.gates);
            by.extend(denials.by);
        }
        (gates, by)
    }

    fn witness(&self, scope: &KeyScope<'_>) -> Option<Box<Request>> {
        let (caller, actions) = self.denied.first()?;
        match scope.fate(caller, actions.iter().next()?, self.allowing) {
            Fate::Denied { request, .. } => Some(request),
            _ => None,
        }
    }

    /// Where the boundaries are named that leave it out.
    fn boundaries(&self, scope: &KeyScope<'_>, gates: &BTreeSet<Gate>) -> BTreeSet<Place> {
        let left_out = self.left_out.iter().filter(|_| gates.contains(&Gate::PermissionsBoundary));
        let identities = left_out.filter_map(|(caller, _)| scope.identity(caller));
        identities.filter_map(|identity| Some(identity.boundary.as_ref()?.place)).collect()
    }

    fn tell(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>, subject: &Subject<'_>) {
        if (self.denied.is_empty() && self.left_out.is_empty()) || self.undecided {
            return;
        }
        let is_whole = self.free.is_empty() && !self.saves_others;
        let lost = if is_whole { Some(String::new()) } else { self.lost(scope, subject) };
        let Some(lost) = lost else { return };
        let (gates, by) = self.stopped(scope);
        // Only organization policies and boundaries stop it.
        let by_guardrails = gates.iter().all(|gate| GUARDRAILS.contains(gate));
        if is_whole && by_guardrails && self.is_of_outsiders(scope) {
            return;
        }
        let facet = match (is_whole, by_guardrails) {
            (true, true) => Some("guardrail-cancelled"),
            (true, false) => None,
            (false, _) => Some("partly"),
        };
        self.report(scope, sink, subject, (facet, &lost), (&gates, &by));
    }

    /// Whether it concerns outsiders alone: `guardrail-only-protection` tells who keeps them out.
    fn is_of_outsiders(&self, scope: &KeyScope<'_>) -> bool {
        let mut concerned = self.denied.iter().chain(&self.left_out);
        let is_outsider =
            |caller: &Caller| caller.account.is_some_and(|it| !scope.scope.is_trusted(it));
        concerned.all(|(caller, _)| is_outsider(caller))
    }

    /// A principal or an action that the statement names and that is denied throughout.
    fn lost(&self, scope: &KeyScope<'_>, subject: &Subject<'_>) -> Option<String> {
        let principals: BTreeSet<&Caller> = self.denied.iter().map(|(caller, _)| caller).collect();
        let whole = |caller: &&&Caller| !self.free.iter().any(|(other, _)| other == **caller);
        let principals: Vec<String> =
            principals.iter().filter(whole).map(|caller| short(caller).to_owned()).collect();
        if !principals.is_empty() {
            return Some(list(&principals));
        }
        let all = |cells: &[(Caller, ActionSet)]| {
            cells.iter().fold(ActionSet::EMPTY, |all, (_, actions)| all.union(*actions))
        };
        let whole = all(&self.denied).minus(all(&self.free));
        let actions = whole.intersection(subject.named_actions(scope));
        let actions: Vec<String> = actions.iter().map(|action| action.to_string()).collect();
        (!actions.is_empty()).then(|| list(&actions))
    }

    fn report(
        &self,
        scope: &KeyScope<'_>,
        sink: &mut Sink<'_>,
        subject: &Subject<'_>,
        (facet, lost): (Option<&'static str>, &str),
        (gates, by): (&BTreeSet<Gate>, &[Citation]),
    ) {
        let name = scope.name();
        let what = subject.name();
        let message = match facet {
            None => format!("explicit denies cancel everything that {what} gives on {name}"),
            Some("partly") => format!("explicit denies cancel {what} on {name} for {lost}"),
            Some(_) => format!("only guardrails stop what {what} gives on {name}"),
        };
        let concerned = self.denied.iter().chain(&self.left_out);
        // Nobody is a stranger by that name.
        let concerned = concerned.filter(|(it, _)| it.account != Some(AccountId::NOBODYS));
        let principals: BTreeSet<String> =
            concerned.map(|(caller, _)| caller.to_string()).collect();
        let report = sink
            .report(subject.fingerprint(&scope.key.arn), message)
            .key(&scope.key.arn)
            .principals(principals)
            .witness(self.witness(scope).as_deref())
            .help(match facet {
                Some("guardrail-cancelled") => {
                    "let the guardrail pass it, or take it out of the Allow"
                }
                _ => "remove one of the two, or exempt from the Deny whom the Allow means",
            });
        let mut report = match subject {
            Subject::Statement { document, index, .. } => {
                report.statement(document, *index, "this Allow is cancelled")
            }
            Subject::Grant { place, .. } => report.at(*place, None, "this grant is cancelled"),
        };
        if let Some(facet) = facet {
            report = report.facet(facet);
        }
        if let Subject::Statement { document, .. } = subject {
            report = caused(scope, report, document);
        }
        for (place, span) in places(by).into_iter().take(3) {
            report = report.beside(place, Some(span), "by this Deny");
        }
        for place in self.boundaries(scope, gates).into_iter().take(3) {
            report = report.beside(place, None, "by this boundary, which leaves it out");
        }
        report.done();
    }
}

/// Organization policies and boundaries; each may also stop what it merely leaves out.
const GUARDRAILS: [Gate; 3] = [Gate::Scp, Gate::Rcp, Gate::PermissionsBoundary];

/// The actions of `free` that guardrails stop in every request of a principal whom a key policy statement
/// names, though no Deny does: they leave them out.
fn guardrails(
    scope: &KeyScope<'_>,
    principal: &Caller,
    free: ActionSet,
    allowing: Allowing<'_>,
) -> Vec<(KmsAction, Gate)> {
    if free.is_empty()
        || !matches!(allowing, Allowing::Statement(document, _) if document.kind == PolicyKind::Key)
    {
        return Vec::new();
    }
    let never = free.minus(scope.holding(principal, free).possible);
    let gate = |action: KmsAction| {
        let Fate::Free(request) = scope.fate(principal, action, allowing) else { return None };
        let gate = scope.scope.reach.decide(&request).outcome.denied_by()?;
        GUARDRAILS.contains(&gate).then_some((action, gate))
    };
    never.iter().filter_map(gate).collect()
}

/// The places of the cited statements, each once, in order.
fn places(citations: &[Citation]) -> BTreeSet<(Place, Span)> {
    let place = |citation: &Citation| match &citation.cited {
        Cited::Statement { document, .. } => {
            citation.statement().map(|statement| (document.place, statement.span))
        }
        Cited::Grant { .. } => None,
    };
    citations.iter().filter_map(place).collect()
}

/// What is cancelled.
enum Subject<'a> {
    Statement { of: &'a str, document: &'a PolicyDocument, index: usize, statement: &'a Statement },
    Grant { id: &'a str, place: Place },
}

impl Subject<'_> {
    fn name(&self) -> String {
        match self {
            Self::Statement { of, statement, index, .. } => {
                let sid = statement.sid.as_ref().map(|sid| format!("`{}`", sid.value));
                let sid = sid.unwrap_or_else(|| (index + 1).to_string());
                format!("statement {sid} of {of}")
            }
            Self::Grant { id, .. } => format!("grant {id}"),
        }
    }

    fn fingerprint(&self, key: &KeyArn) -> String {
        match self {
            Self::Statement { .. } => key.to_string(),
            Self::Grant { id, .. } => format!("{key} {id}"),
        }
    }

    /// The actions that are spelled out, without wildcard.
    fn named_actions(&self, scope: &KeyScope<'_>) -> ActionSet {
        let Self::Statement { statement, .. } = self else {
            return ActionSet::EMPTY;
        };
        let Some(element) =
            statement.action.as_ref().filter(|element| element.polarity == Polarity::Is)
        else {
            return ActionSet::EMPTY;
        };
        let mut spelled = element.clone();
        spelled
            .values
            .retain(|value| value.value.text().is_some_and(|text| !text.contains(['*', '?'])));
        scope.scope.reach.actions(&spelled)
    }
}

/// An identity statement that names keys by their ARNs: cancelled where it would add something.
fn identity_statement(
    scope: &Scope<'_>,
    document: &Documented<'_>,
    index: usize,
    statement: &Statement,
    sink: &mut Sink<'_>,
) {
    let Some(element) = statement.action.as_ref().filter(|_| statement.allows()) else {
        return;
    };
    let keys = named_keys(scope, statement);
    if keys.is_empty() {
        return;
    }
    let actions = scope.reach.actions(element);
    let mut overlaps: Vec<(&Key, Overlap<'_>)> = Vec::new();
    for key in keys {
        let key_scope = KeyScope::new(scope, key);
        let on_key = performed(&key_scope, actions);
        let trusted = |identity: &&&Identity| trusts(&key_scope, identity, on_key);
        let holders: Vec<Caller> = document
            .holders
            .iter()
            .filter(trusted)
            .filter_map(|identity| Caller::parse(&identity.arn))
            .collect();
        let allowing = Allowing::Statement(document.document, index);
        overlaps.push((key, Overlap::of(&key_scope, &holders, actions, allowing)));
    }
    // The statement works where one of its keys lets it.
    if overlaps.iter().any(|(_, overlap)| !overlap.free.is_empty() || overlap.undecided) {
        return;
    }
    for (key, overlap) in overlaps {
        let of = document.name.as_str();
        let subject = Subject::Statement { of, document: document.document, index, statement };
        overlap.tell(&KeyScope::new(scope, key), sink, &subject);
    }
}

fn named_keys<'a>(scope: &Scope<'a>, statement: &Statement) -> Vec<&'a Key> {
    let element = statement.resource.as_ref().filter(|element| element.polarity == Polarity::Is);
    let values = element.map_or(&[][..], |element| &element.values);
    let arns: Option<Vec<KeyArn>> =
        values.iter().map(|value| KeyArn::parse(value.value.text()?).filter(is_exact)).collect();
    arns.unwrap_or_default().iter().filter_map(|arn| scope.world.key(arn)).collect()
}

fn is_exact(arn: &KeyArn) -> bool {
    !arn.as_str().contains(['*', '?', '$'])
}
