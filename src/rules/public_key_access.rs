//! Any AWS account can do something with the key.

use std::collections::BTreeSet;

use crate::aws::AccountId;
use crate::decision::{Allowing, Caller, Fate};
use crate::policy::{Polarity, PolicyDocument, PolicyKind, Principal, Statement};

use super::audience::{any_organization, strangers};
use super::controllers::list;
use super::grants::has_id;
use super::outsiders::{allowed_abroad, means_everyone, tells};
use super::report::Sink;
use super::what_if::{DIRECT, More, narrowed};
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct PublicKeyAccess;

impl Rule for PublicKeyAccess {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let document = scope.key.policy.as_ref().filter(|_| !scope.key.is_aws_managed());
        let Some(document) = document else { return };
        for (index, statement) in document.policy().statements.iter().enumerate() {
            if means_everyone(statement) {
                // One may be a member of an organization of its own.
                let opened = of_whatever_organization(document, index);
                let asked = opened.as_ref().unwrap_or(document);
                let actions = allowed_abroad(scope, statement);
                let allowing = Allowing::Statement(asked, index);
                let open = |it: &Caller| !scope.fates(it, allowing, actions).free.is_empty();
                for stranger in strangers(scope, statement).into_iter().filter(open) {
                    if tell(scope, sink, (document, index), opened.as_ref(), &stranger) {
                        break;
                    }
                }
            }
        }
    }
}

/// Tells what a stranger does by calls of its own, where it does something; what strangers do through a
/// service alone is told by `via-service-without-caller-account`.
fn tell(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    (document, index): (&PolicyDocument, usize),
    opened: Option<&PolicyDocument>,
    stranger: &Caller,
) -> bool {
    let Some(statement) = document.policy().statements.get(index) else { return false };
    let direct = narrowed(opened.unwrap_or(document), index, &DIRECT);
    let (own, limits): (Vec<Limit<'_>>, Vec<Limit<'_>>) =
        limits(scope, statement).into_iter().partition(|limit| limit.is_of_one_known);
    // Nobody else has the id of somebody known.
    let direct = without(&direct, index, &own);
    let actions = allowed_abroad(scope, statement);
    let free = |policy: &PolicyDocument| {
        scope.fates(stranger, Allowing::Statement(policy, index), actions).free
    };
    let anywhere = without(&direct, index, &limits);
    let (policy, free, is_limited) = match free(&anywhere) {
        none if none.is_empty() => (&direct, free(&direct), true),
        some => (&anywhere, some, false),
    };
    // What matters most is told first.
    let (other, told) = (free.minus(tells()), free.intersection(tells()));
    let Some(action) = other.iter().chain(told.iter()).next() else { return false };
    let Fate::Free(mut witness) = scope.fate(stranger, action, Allowing::Statement(policy, index))
    else {
        return false;
    };
    if opened.is_some() {
        witness.context.set_one(ORGANIZATION, OF_STRANGERS);
        witness.context.add(ORGANIZATION_PATHS, &format!("{OF_STRANGERS}/r-0000/"));
    }
    let names: Vec<String> =
        other.iter().chain(told.iter()).map(|action| action.to_string()).collect();
    let (key, names) = (scope.name(), list(&names));
    let who = match opened {
        Some(_) => "any AWS account of whatever organization",
        None => "any AWS account",
    };
    let message = match is_limited {
        true => {
            let keys: BTreeSet<&str> = limits.iter().map(|limit| limit.key).collect();
            let keys: Vec<String> = keys.into_iter().map(str::to_owned).collect();
            format!("{who} that {} lets in can use {key} for {names}", list(&keys))
        }
        false => format!("{who} can use {key} for {names}"),
    };
    let mut report = sink
        .report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .statement(document, index, "a principal of any account meets this Allow")
        .witness(Some(&witness))
        .help(
            "name the principals, or add a condition that pins kms:CallerAccount or \
             aws:PrincipalOrgID",
        );
    if is_limited {
        report = report.facet("limited");
    } else if other.is_empty() {
        report = report.facet("metadata");
    }
    report.done();
    true
}

/// The condition keys of organizations (rule C46), and an organization that nobody knows.
const ORGANIZATION: &str = "aws:PrincipalOrgID";
const ORGANIZATION_PATHS: &str = "aws:PrincipalOrgPaths";
const OF_STRANGERS: &str = "o-stranger00";

/// The policy with the statement for members of every organization, where it asks for no more than that one is
/// a member of some: strangers can be.
fn of_whatever_organization(document: &PolicyDocument, index: usize) -> Option<PolicyDocument> {
    any_organization(document, index, &[ORGANIZATION, ORGANIZATION_PATHS])
}

/// What a condition asks for that no stranger can choose: where the call comes from, or whose id it has.
struct Limit<'p> {
    key: &'p str,
    values: Vec<&'p str>,
    /// Whether these are ids of users and roles of the export, which nobody else has (rule C45).
    is_of_one_known: bool,
}

/// The limits that the statement asks for, and those that a Deny of the key policy or of an RCP does not stop.
fn limits<'p>(scope: &'p KeyScope<'_>, statement: &'p Statement) -> Vec<Limit<'p>> {
    let documents = scope.scope.documents.iter();
    let rcps = documents.map(|it| it.document).filter(|it| it.kind == PolicyKind::Rcp);
    let policies = scope.key.policy.iter().chain(rcps);
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
