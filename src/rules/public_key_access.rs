//! Any AWS account can do something with the key.

use std::collections::BTreeSet;

use crate::aws::{AccountId, ActionSet};
use crate::decision::{Allowing, Caller, Fate, Reach};
use crate::inventory::Edit;
use crate::policy::{Polarity, PolicyDocument, PolicyKind, Principal, Statement};
use crate::source::{Place, Span};

use super::audience::{any_organization, strangers};
use super::controllers::list;
use super::grants::has_id;
use super::outsiders::{allowed_abroad, means_everyone, tells};
use super::report::Sink;
use super::supposing::{
    Branches, UNLESS, as_known, as_members, branches, in_a_branch, is_open, where_it_is_so,
};
use super::what_if::{DIRECT, More, after, narrowed};
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct PublicKeyAccess;

impl Rule for PublicKeyAccess {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let document = scope.key.policy.as_ref().filter(|_| !scope.key.is_aws_managed());
        let Some(document) = document else { return };
        let asked = |document| every_ones(document).into_iter().map(move |it| (document, it));
        let reach = scope.scope.reach;
        let readings = document.readings();
        if readings.is_empty() {
            for at in asked(document) {
                look(scope, sink, reach, at, &Branches::default());
            }
            return;
        }
        // Branches that hang together are taken together, where it is not so whatever they are.
        let mut told = BTreeSet::new();
        for at in asked(document) {
            if as_it_is(scope, sink, reach, at) {
                told.extend(span_of(at));
            }
        }
        for reading in readings {
            let (key, policy) = (scope.key.arn.clone(), reading.document.clone());
            let edit = Edit::PutKeyPolicy { key, policy };
            let branches = Branches::of(&reading.open);
            after(reach, &[edit], &mut |reach| {
                for at in asked(&reading.document) {
                    let is_new = span_of(at).is_some_and(|span| !told.contains(&span));
                    if is_new && look(scope, sink, reach, at, &branches) {
                        told.extend(span_of(at));
                    }
                }
            });
        }
    }
}

/// The Allows of a policy that mean everyone, perhaps in one of several branches.
fn every_ones(document: &PolicyDocument) -> Vec<usize> {
    let statements = document.policy().statements.iter().enumerate();
    let is_asked = |it: &Statement| means_everyone(it) || means_everyone_in_a_branch(it);
    statements.filter(|(_, it)| is_asked(it)).map(|(index, _)| index).collect()
}

/// A statement by its policy and its number there.
type At<'a> = (&'a PolicyDocument, usize);

fn span_of(at: At<'_>) -> Option<Span> {
    Some(at.0.policy().statements.get(at.1)?.span)
}

/// Whether an Allow means everyone in one of several branches of code.
fn means_everyone_in_a_branch(statement: &Statement) -> bool {
    let mut entries = statement.principal.iter().flat_map(|element| &element.entries);
    let is_everyone =
        |entry: &Principal| in_a_branch(entry).is_some() && *entry.at_most() == Principal::Anyone;
    statement.allows() && entries.any(|entry| is_everyone(&entry.value))
}

/// Looks at one Allow in the world as it is alone; whether something is told of it.
fn as_it_is(scope: &KeyScope<'_>, sink: &mut Sink<'_>, reach: &dyn Reach, at: At<'_>) -> bool {
    let opened = any_organization(at.0, at.1, &ORGANIZATIONS);
    let policy = opened.as_ref().unwrap_or(at.0);
    let (of_organization, none) = (opened.is_some(), Branches::default());
    let asked = Asked { at, reach, policy, of_organization, unknown: None, branches: &none };
    asked.look(scope, sink) == Found::Told
}

/// Looks at one Allow: in the world as it is, in the one where strangers are members of an organization of their
/// own, in the one where what nobody knows stops nobody, and in that one where code takes the branch it stands in.
/// `own` are the branches that make the policy what it is. Whether something is told.
fn look(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    reach: &dyn Reach,
    at: At<'_>,
    own: &Branches,
) -> bool {
    let opened = any_organization(at.0, at.1, &ORGANIZATIONS);
    let policy = opened.as_ref().unwrap_or(at.0);
    let of_organization = opened.is_some();
    let asked = Asked { at, reach, policy, of_organization, unknown: None, branches: own };
    let as_it_is = asked.look(scope, sink);
    if as_it_is == Found::Told {
        return true;
    }
    let members = as_members(scope, policy, &ORGANIZATIONS);
    let policy = members.as_ref().map_or(policy, |it| &it.policy);
    let branches = at.0.policy().statements.get(at.1).map(branches).unwrap_or_default();
    let taken =
        if branches.are_none() { vec![own.clone()] } else { vec![own.clone(), branches.with(own)] };
    let of_organization = of_organization || members.is_some();
    let edits = members.as_ref().map_or(&[][..], |it| &it.edits);
    let mut is_told = false;
    after(reach, edits, &mut |reach| {
        let asked = Asked { at, reach, policy, of_organization, unknown: None, branches: own };
        if members.is_some() && asked.look(scope, sink) == Found::Told {
            is_told = true;
            return;
        }
        for branches in taken.iter().filter(|_| as_it_is == Found::Unknown) {
            let Some(known) = as_known(scope, policy, branches) else { return };
            let unknown = Some(&*known.unknown);
            after(reach, &known.edits, &mut |reach| {
                let policy = &known.policy;
                let asked = Asked { at, reach, policy, of_organization, unknown, branches };
                is_told = asked.look(scope, sink) == Found::Told;
            });
            if is_told {
                return;
            }
        }
    });
    is_told
}

/// What came of asking strangers.
#[derive(PartialEq, Eq)]
enum Found {
    /// One can do something, and that is told.
    Told,
    /// Nobody surely can, and something that is not known decides.
    Unknown,
    /// Nobody can.
    Nothing,
}

/// A statement as strangers are asked about it.
struct Asked<'a> {
    /// Where it stands.
    at: At<'a>,
    /// The world they are asked in.
    reach: &'a dyn Reach,
    /// The key policy there, the statement at its place.
    policy: &'a PolicyDocument,
    /// Whether they are members of an organization of their own.
    of_organization: bool,
    /// The statements of which nobody knows whether they stop them, where that is taken not to be so.
    unknown: Option<&'a [(Place, Span)]>,
    /// What decides that code takes the branch in which it lets strangers in.
    branches: &'a Branches,
}

impl Asked<'_> {
    /// Tells what some stranger can do, where one can do anything.
    fn look(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) -> Found {
        let Some(statement) = self.at.0.policy().statements.get(self.at.1) else {
            return Found::Nothing;
        };
        let actions = allowed_abroad(scope, statement);
        let allowing = Allowing::Statement(self.policy, self.at.1);
        let mut is_unknown = is_open(statement);
        for stranger in strangers(scope, statement) {
            let fates = self.reach.fates(&stranger, &scope.key.arn, allowing, actions);
            is_unknown |= !fates.unknown.is_empty();
            if !fates.free.is_empty() && self.tell(scope, sink, statement, &stranger) {
                return Found::Told;
            }
        }
        if is_unknown { Found::Unknown } else { Found::Nothing }
    }

    /// What a stranger can do by the statement as `policy` has it.
    fn free(
        &self,
        scope: &KeyScope<'_>,
        stranger: &Caller,
        policy: &PolicyDocument,
        wanted: ActionSet,
    ) -> ActionSet {
        let allowing = Allowing::Statement(policy, self.at.1);
        self.reach.fates(stranger, &scope.key.arn, allowing, wanted).free
    }

    /// Tells what a stranger does by calls of its own, where it does something; what strangers do through a
    /// service alone is told by `via-service-without-caller-account`.
    fn tell(
        &self,
        scope: &KeyScope<'_>,
        sink: &mut Sink<'_>,
        statement: &Statement,
        stranger: &Caller,
    ) -> bool {
        let (document, index) = self.at;
        let direct = narrowed(self.policy, index, &DIRECT);
        let (own, limits): (Vec<Limit<'_>>, Vec<Limit<'_>>) =
            limits(scope, self.policy, index).into_iter().partition(|it| it.is_of_one_known);
        // Nobody else has the id of somebody known.
        let direct = without(&direct, index, &own);
        let actions = allowed_abroad(scope, statement);
        let anywhere = without(&direct, index, &limits);
        let (policy, free, is_limited) = match self.free(scope, stranger, &anywhere, actions) {
            none if none.is_empty() => {
                (&direct, self.free(scope, stranger, &direct, actions), true)
            }
            some => (&anywhere, some, false),
        };
        // What matters most is told first.
        let (other, told) = (free.minus(tells()), free.intersection(tells()));
        let Some(action) = other.iter().chain(told.iter()).next() else { return false };
        let allowing = Allowing::Statement(policy, index);
        let fate = self.reach.fate(&scope.cell(stranger, action), allowing);
        let Fate::Free(mut witness) = fate else { return false };
        if self.of_organization {
            witness.context.set_one(ORGANIZATION, OF_STRANGERS);
            witness.context.add(ORGANIZATION_PATHS, &format!("{OF_STRANGERS}/r-0000/"));
        }
        let names: Vec<String> =
            other.iter().chain(told.iter()).map(|action| action.to_string()).collect();
        let limits = if is_limited { &*limits } else { &[] };
        let mut report = sink
            .report(scope.key.arn.as_str(), self.message(scope, &names, limits))
            .key(&scope.key.arn)
            .statement(document, index, "a principal of any account meets this Allow")
            .help(
                "name the principals, or add a condition that pins kms:CallerAccount or \
                 aws:PrincipalOrgID",
            );
        let mut is_of_branch = false;
        if is_limited {
            report = report.facet("limited");
        } else if other.is_empty() {
            report = report.facet("metadata");
        } else if !self.branches.are_none() {
            is_of_branch = true;
            report = report.facet("in-a-branch");
        }
        match self.unknown {
            // Where a branch is taken is no world that anybody has at hand.
            None if !self.branches.are_none() => {}
            None => report = report.witness(Some(&witness)),
            Some(unknown) => {
                report = if is_of_branch { report } else { report.less_sure() };
                for (place, span) in unknown.iter().take(2) {
                    report = report.beside(*place, Some(*span), "nobody knows whom this stops");
                }
            }
        }
        report.done();
        true
    }

    /// The finding in words: what can be done, and where limits are named, who is let in by them.
    fn message(&self, scope: &KeyScope<'_>, names: &[String], limits: &[Limit<'_>]) -> String {
        let who = match self.of_organization {
            true => "any AWS account of whatever organization",
            false => "any AWS account",
        };
        let keys: BTreeSet<&str> = limits.iter().map(|limit| limit.key).collect();
        let keys: Vec<String> = keys.into_iter().map(str::to_owned).collect();
        let who = match keys.is_empty() {
            true => who.to_owned(),
            false => format!("{who} that {} lets in", list(&keys)),
        };
        let unless = match (self.unknown, self.branches.are_none()) {
            (None, true) => String::new(),
            (Some(_), true) => UNLESS.to_owned(),
            (unknown, false) => {
                let is_unsure = unknown.is_some_and(|unknown| !unknown.is_empty());
                where_it_is_so(&self.branches.open, is_unsure)
            }
        };
        format!("{who} can use {} for {}{unless}", scope.name(), list(names))
    }
}

/// The condition keys of organizations (rule C46), and an organization that nobody knows.
const ORGANIZATION: &str = "aws:PrincipalOrgID";
const ORGANIZATION_PATHS: &str = "aws:PrincipalOrgPaths";
const ORGANIZATIONS: [&str; 2] = [ORGANIZATION, ORGANIZATION_PATHS];
const OF_STRANGERS: &str = "o-stranger00";

/// What a condition asks for that no stranger can choose: where the call comes from, or whose id it has.
struct Limit<'p> {
    key: &'p str,
    values: Vec<&'p str>,
    /// Whether these are ids of users and roles of the export, which nobody else has (rule C45).
    is_of_one_known: bool,
}

/// The limits that a statement of the key policy asks for, and those that a Deny of it or of an RCP does not stop.
fn limits<'p>(scope: &'p KeyScope<'_>, policy: &'p PolicyDocument, index: usize) -> Vec<Limit<'p>> {
    let Some(statement) = policy.policy().statements.get(index) else { return Vec::new() };
    let documents = scope.scope.documents.iter();
    let rcps = documents.map(|it| it.document).filter(|it| it.kind == PolicyKind::Rcp);
    let policies = std::iter::once(policy).chain(rcps);
    let denies = policies.flat_map(|it| &it.policy().statements).filter(|it| it.denies());
    let spared = denies.flat_map(|it| &it.conditions).map(|it| (it, Polarity::IsNot));
    let asked = statement.conditions.iter().map(|it| (it, Polarity::Is));
    let mut found = Vec::new();
    for (condition, polarity) in asked.chain(spared) {
        let key = &*condition.key.value;
        if condition.operator.value.polarity != polarity {
            continue;
        }
        let values = condition.values.iter().filter_map(|value| value.value.text());
        let is_own =
            |text: &&str| key.eq_ignore_ascii_case(USER_ID) && is_known(scope, id_of(text));
        let fixed = values.filter(|text| is_own(text) || is_fixed(key, text));
        let (own, others): (Vec<&str>, Vec<&str>) = fixed.partition(is_own);
        for (values, is_of_one_known) in [(own, true), (others, false)] {
            if !values.is_empty() {
                found.push(Limit { key, values, is_of_one_known });
            }
        }
    }
    found
}

/// The condition key of unique ids.
const USER_ID: &str = "aws:userid";

/// The unique id in a value of aws:userid.
fn id_of(text: &str) -> &str {
    text.split(':').next().unwrap_or(text)
}

/// Whether it is the id of a user, a role or an account that is known.
fn is_known(scope: &KeyScope<'_>, id: &str) -> bool {
    match AccountId::parse(id) {
        Some(account) => scope.scope.is_trusted(account),
        None => has_id(scope.scope, id),
    }
}

/// Whether a value names a network of somebody's, somebody's unique id, or a part of all accounts, and no more
/// than that.
fn is_fixed(key: &str, text: &str) -> bool {
    const NETWORKS: [&str; 5] =
        ["aws:SourceVpc", "aws:SourceVpcArn", "aws:SourceVpce", "aws:VpceAccount", "aws:VpceOrgID"];
    let is = |name: &str| key.eq_ignore_ascii_case(name);
    let has_pattern = |text: &str| text.contains(['*', '?', '$']);
    if is(USER_ID) {
        let named = Principal::aws(id_of(text));
        return matches!(named, Principal::UniqueId(_) | Principal::Account { .. });
    }
    if is("kms:CallerAccount") || is("aws:PrincipalAccount") {
        return is_part(text);
    }
    if is("aws:PrincipalArn") {
        return text.split(':').nth(4).is_some_and(is_part);
    }
    (is("aws:SourceIp") && is_narrow(text))
        || NETWORKS.iter().any(|name| is(name)) && !has_pattern(text)
}

/// Whether a pattern of accounts takes some of them, and by far not all.
fn is_part(accounts: &str) -> bool {
    accounts.contains(['*', '?']) && accounts.contains(|one: char| one.is_ascii_digit())
}

/// Whether a range of addresses is small enough to be somebody's.
fn is_narrow(range: &str) -> bool {
    let (address, length) = range.split_once('/').unwrap_or((range, "128"));
    let least = if address.contains(':') { 20 } else { 8 };
    length.parse::<u8>().is_ok_and(|length| length >= least)
}

/// The policy with the statement for calls that no limit lets in.
fn without(document: &PolicyDocument, index: usize, limits: &[Limit<'_>]) -> PolicyDocument {
    let more: Vec<More<'_>> = limits
        .iter()
        .map(|limit| {
            let operator = match limit.key.eq_ignore_ascii_case("aws:SourceIp") {
                true => "NotIpAddressIfExists",
                false => "StringNotLikeIfExists",
            };
            (operator, limit.key, limit.values.as_slice())
        })
        .collect();
    narrowed(document, index, &more)
}
