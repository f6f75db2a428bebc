//! An Allow, or a grant, that explicit denies cancel: entirely, by guardrails alone, or for a part.

use std::collections::BTreeSet;

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{Allowing, Caller, Citation, Cited, Fate, Gate, Request};
use crate::inventory::{Grantee, Identity, Key};
use crate::policy::{Polarity, PolicyDocument, PolicyKind, Principal, Statement};
use crate::source::{Place, Span};

use super::audience::{Others, others};
use super::controllers::{list, short};
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
                let mut overlap = Overlap::of(scope, &named, actions, allowing);
                match others(scope, statement) {
                    Others::Nobody => {}
                    Others::Everyone(everyone) => {
                        overlap.add_everyone(scope, &everyone, actions, allowing);
                    }
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
                Grantee::Service(_) => Vec::new(),
            };
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

/// The users and roles that a key policy statement names one by one.
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
        Principal::User(arn) | Principal::Role(arn) | Principal::AssumedRole(arn) => {
            Caller::parse(arn)
        }
        _ => None,
    }
}

/// What explicit denies leave of an Allow on one key.
#[derive(Default)]
struct Overlap {
    /// The cells that are denied in every request, with who stops them.
    denied: BTreeSet<(Caller, KmsAction)>,
    /// The cells that some request passes.
    free: BTreeSet<(Caller, KmsAction)>,
    gates: BTreeSet<Gate>,
    by: Vec<Citation>,
    witness: Option<Box<Request>>,
    undecided: bool,
    /// The cells that no Deny stops and that a guardrail leaves out in every request.
    left_out: BTreeSet<(Caller, KmsAction)>,
    /// Whether somebody who is not named one by one may pass.
    saves_others: bool,
}

impl Overlap {
    fn of(
        scope: &KeyScope<'_>,
        named: &[Caller],
        actions: ActionSet,
        allowing: Allowing<'_>,
    ) -> Self {
        let mut overlap = Self::default();
        for principal in named {
            for action in performed(scope, actions).iter() {
                let fate = scope.fate(principal, action, allowing);
                match guardrail(scope, principal, action, allowing, &fate) {
                    Some(gate) => {
                        overlap.left_out.insert((principal.clone(), action));
                        overlap.gates.insert(gate);
                    }
                    None => overlap.add(principal, action, fate),
                }
            }
        }
        overlap
    }

    /// Adds everyone there is, unless somebody passes.
    fn add_everyone(
        &mut self,
        scope: &KeyScope<'_>,
        everyone: &[Caller],
        actions: ActionSet,
        allowing: Allowing<'_>,
    ) {
        let owner = scope.key.arn.account();
        let mut all = Self::default();
        for caller in everyone {
            let abroad = caller.account != Some(owner);
            let reaches = |action: &KmsAction| !abroad || action.info().cross_account;
            for action in performed(scope, actions).iter().filter(reaches) {
                all.add(caller, action, scope.fate(caller, action, allowing));
                if !all.free.is_empty() || all.undecided {
                    self.saves_others = true;
                    return;
                }
            }
        }
        self.denied.append(&mut all.denied);
        self.gates.append(&mut all.gates);
        self.by.append(&mut all.by);
        self.witness = self.witness.take().or(all.witness);
    }

    fn add(&mut self, principal: &Caller, action: KmsAction, fate: Fate) {
        let cell = (principal.clone(), action);
        match fate {
            Fate::NeverApplies => {}
            Fate::Free(_) => {
                self.free.insert(cell);
            }
            Fate::Denied { request, gates, by } => {
                self.denied.insert(cell);
                self.gates.extend(gates);
                self.by.extend(by);
                self.witness.get_or_insert(request);
            }
            Fate::Unknown => self.undecided = true,
        }
    }

    /// Where the boundaries are named that leave it out.
    fn boundaries(&self, scope: &KeyScope<'_>) -> BTreeSet<Place> {
        let left_out =
            self.left_out.iter().filter(|_| self.gates.contains(&Gate::PermissionsBoundary));
        let identities = left_out.filter_map(|(caller, _)| scope.world().identity(&caller.text));
        identities.filter_map(|identity| Some(identity.boundary.as_ref()?.place)).collect()
    }

    /// Whether only organization policies and boundaries stop it.
    fn is_by_guardrails(&self) -> bool {
        self.gates.iter().all(|gate| GUARDRAILS.contains(gate))
    }

    fn tell(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>, subject: &Subject<'_>) {
        if (self.denied.is_empty() && self.left_out.is_empty()) || self.undecided {
            return;
        }
        let lost = self.lost(scope, subject);
        let (facet, lost) = match (self.free.is_empty() && !self.saves_others, lost) {
            (true, _) if self.is_by_guardrails() => (Some("guardrail-cancelled"), String::new()),
            (true, _) => (None, String::new()),
            (false, Some(lost)) => (Some("partly"), lost),
            (false, None) => return,
        };
        self.report(scope, sink, subject, facet, &lost);
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
        let named = subject.named_actions(scope);
        let denied: BTreeSet<KmsAction> = self.denied.iter().map(|(_, action)| *action).collect();
        let whole = |action: &&KmsAction| {
            named.contains(**action) && !self.free.iter().any(|(_, other)| other == *action)
        };
        let actions: Vec<String> = denied.iter().filter(whole).map(ToString::to_string).collect();
        (!actions.is_empty()).then(|| list(&actions))
    }

    fn report(
        &self,
        scope: &KeyScope<'_>,
        sink: &mut Sink<'_>,
        subject: &Subject<'_>,
        facet: Option<&'static str>,
        lost: &str,
    ) {
        let name = scope.name();
        let what = subject.name();
        let message = match facet {
            None => format!("explicit denies cancel everything that {what} gives on {name}"),
            Some("partly") => format!("explicit denies cancel {what} on {name} for {lost}"),
            Some(_) => format!("only guardrails stop what {what} gives on {name}"),
        };
        let principals: BTreeSet<String> =
            self.denied.union(&self.left_out).map(|(caller, _)| caller.to_string()).collect();
        let report = sink
            .report(subject.fingerprint(&scope.key.arn), message)
            .key(&scope.key.arn)
            .principals(principals)
            .witness(self.witness.as_deref())
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
        for (place, span) in places(&self.by).into_iter().take(3) {
            report = report.beside(place, Some(span), "by this Deny");
        }
        for place in self.boundaries(scope).into_iter().take(3) {
            report = report.beside(place, None, "by this boundary, which leaves it out");
        }
        report.done();
    }
}

/// Organization policies and boundaries; each may also stop what it merely leaves out.
const GUARDRAILS: [Gate; 3] = [Gate::Scp, Gate::Rcp, Gate::PermissionsBoundary];

/// The guardrail that stops every request of a principal whom a key policy statement names, though no
/// Deny does: it leaves the action out.
fn guardrail(
    scope: &KeyScope<'_>,
    principal: &Caller,
    action: KmsAction,
    allowing: Allowing<'_>,
    fate: &Fate,
) -> Option<Gate> {
    let (Fate::Free(request), Allowing::Statement(document, _)) = (fate, allowing) else {
        return None;
    };
    if document.kind != PolicyKind::Key || scope.could_reach(principal, action) {
        return None;
    }
    let gate = scope.scope.reach.decide(request).outcome.denied_by()?;
    GUARDRAILS.contains(&gate).then_some(gate)
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
    let mut overlaps: Vec<(&Key, Overlap)> = Vec::new();
    for key in keys {
        let key_scope = KeyScope::new(scope, key);
        let on_key: Vec<KmsAction> = performed(&key_scope, actions).iter().collect();
        let trusted = |identity: &&&Identity| trusts(&key_scope, identity, &on_key);
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
