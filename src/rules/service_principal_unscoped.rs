//! A service may use the key for anybody's resources.

use crate::aws::{AccountId, ActionSet, KmsAction};
use crate::decision::{Allowing, Caller, Fate, Reach, Request};
use crate::inventory::Edit;
use crate::policy::{Condition, Polarity, PolicyDocument, Principal, Statement};

use super::audience::{account_taken, any_organization, is_about};
use super::controllers::list;
use super::outsiders::{means_everyone, uses};
use super::presence::needs_key;
use super::report::Sink;
use super::supposing::{Branches, UNLESS, as_known};
use super::trust::performed;
use super::what_if::{More, after, narrowed};
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct ServicePrincipalUnscoped;

impl Rule for ServicePrincipalUnscoped {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let document = scope.key.policy.as_ref().filter(|_| !scope.key.is_aws_managed());
        let Some(document) = document else { return };
        for (index, statement) in document.policy().statements.iter().enumerate() {
            let services = services(statement);
            if !services.is_empty() {
                look(scope, sink, (document, index, statement), services);
            }
        }
    }
}

/// The services that an Allow statement names, or that its conditions pick from everyone.
pub(super) fn services(statement: &Statement) -> Vec<Caller> {
    let element = statement
        .principal
        .as_ref()
        .filter(|element| element.polarity == Polarity::Is && statement.allows());
    let entries = element.into_iter().flat_map(|element| &element.entries);
    let service = |principal: &Principal| match principal {
        Principal::Service(name) => Caller::parse(name),
        _ => None,
    };
    let named = entries.filter_map(|entry| service(&entry.value));
    let everyone = element.filter(|_| means_everyone(statement));
    let picking = everyone.into_iter().flat_map(|_| &statement.conditions);
    named.chain(picking.flat_map(picked)).collect()
}

/// The services that a condition picks: those of some names, or one that stands for all.
fn picked(condition: &Condition) -> Vec<Caller> {
    const NAMES: [&str; 2] = ["aws:PrincipalServiceName", "aws:PrincipalServiceNamesList"];
    let texts = || condition.values.iter().filter_map(|value| value.value.text());
    let is_true = |text: &str| text.eq_ignore_ascii_case("true");
    if condition.operator.value.polarity == Polarity::IsNot {
        return Vec::new();
    }
    match NAMES.iter().any(|name| is_about(condition, name)) {
        true => texts().filter_map(Caller::parse).collect(),
        false if is_about(condition, IS_SERVICE) && texts().any(is_true) => {
            Caller::parse(ANY_SERVICE).into_iter().collect()
        }
        false => Vec::new(),
    }
}

/// The condition key that tells services from all others, and a service that stands for all.
const IS_SERVICE: &str = "aws:PrincipalIsAWSService";
const ANY_SERVICE: &str = "s3.amazonaws.com";

/// Whether a statement means all services there are, by a condition alone.
fn means_all(statement: &Statement, services: &[Caller]) -> bool {
    let mut conditions = statement.conditions.iter();
    let [only] = services else { return false };
    *only.text == *ANY_SERVICE
        && means_everyone(statement)
        && conditions.any(|it| is_about(it, IS_SERVICE))
}

fn look(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    (document, index, statement): (&PolicyDocument, usize, &Statement),
    services: Vec<Caller>,
) {
    let wanted = served_actions(scope, statement);
    if wanted.is_empty() {
        return;
    }
    let opened = any_organization(document, index, &["aws:SourceOrgID", "aws:SourceOrgPaths"]);
    let asked = opened.as_ref().unwrap_or(document);
    for account in accounts(scope, statement) {
        let foreign = for_a_stranger(asked, index, account);
        if tell(scope, sink, (document, index, statement), (&foreign, &services), wanted) {
            break;
        }
    }
}

/// What of a statement's actions a service can do harm with.
pub(super) fn served_actions(scope: &KeyScope<'_>, statement: &Statement) -> ActionSet {
    let Some(element) = &statement.action else { return ActionSet::EMPTY };
    let mut wanted = uses();
    wanted.insert(KmsAction::CREATE_GRANT);
    performed(scope, scope.scope.reach.actions(element)).intersection(wanted)
}

/// Accounts that stand for all customers of AWS, and such as the conditions take by patterns.
fn accounts(scope: &KeyScope<'_>, statement: &Statement) -> Vec<AccountId> {
    let is_of_source = |condition: &&Condition| {
        let key = &condition.key.value;
        ["aws:SourceAccount", "aws:SourceArn"].iter().any(|own| own.eq_ignore_ascii_case(key))
    };
    let values = statement.conditions.iter().filter(is_of_source).flat_map(|it| &it.values);
    let taken = values.filter_map(|value| account_taken(scope, value.value.text()?));
    [AccountId::NOBODYS].into_iter().chain(taken).collect()
}

/// Tells which of the services use the key as the statement is made up to be, where some do.
fn tell(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    (document, index, statement): (&PolicyDocument, usize, &Statement),
    (foreign, services): (&PolicyDocument, &[Caller]),
    wanted: ActionSet,
) -> bool {
    // Asked in a world that has the made-up policy: values of its own stand in it.
    let edit = Edit::PutKeyPolicy { key: scope.key.arn.clone(), policy: foreign.clone() };
    let world = scope.scope.reach.after(&edit);
    let mut found = served(scope, &*world, (foreign, index), services, wanted);
    let is_unsure = found.open.is_empty() && found.is_unknown;
    if is_unsure && let Some(known) = as_known(scope, foreign, &Branches::default()) {
        after(scope.scope.reach, &known.edits, &mut |reach| {
            found = served(scope, reach, (&known.policy, index), services, wanted);
        });
        found.witness = None;
    }
    let Served { actions: all, open, witness, .. } = found;
    if open.is_empty() {
        return false;
    }
    let mut names: Vec<String> = open.iter().map(|service| service.to_string()).collect();
    if means_all(statement, services) {
        names = vec!["any AWS service".to_owned()];
    }
    let actions: Vec<String> = all.iter().map(|action| action.to_string()).collect();
    let unless = if is_unsure { UNLESS } else { "" };
    let message = format!(
        "{} can use {} on behalf of any customer of AWS, for {}{unless}",
        list(&names),
        scope.name(),
        list(&actions)
    );
    let mut report = sink
        .report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .statement(document, index, "nothing here says for whose resources the service calls")
        .principals(names)
        .witness(witness.as_deref())
        .help(
            "add `ArnLike` aws:SourceArn with the resource, or `StringEquals` aws:SourceAccount with \
             the account, where the service sends them; else pin the encryption context",
        );
    if statement.conditions.iter().any(asks_for_caller) {
        report = report.facet("caller-account");
    }
    let grants: ActionSet = [KmsAction::CREATE_GRANT].into_iter().collect();
    if is_unsure {
        report = report.less_sure();
    }
    if all == grants && statement.conditions.iter().any(asks_for_resource) {
        report = report.unsure();
    }
    report.done();
    true
}

/// What services can do by a statement.
#[derive(Default)]
struct Served {
    actions: ActionSet,
    /// Those that can do something.
    open: Vec<Caller>,
    witness: Option<Box<Request>>,
    /// Whether something that is not known decides.
    is_unknown: bool,
}

fn served(
    scope: &KeyScope<'_>,
    reach: &dyn Reach,
    (policy, index): (&PolicyDocument, usize),
    services: &[Caller],
    wanted: ActionSet,
) -> Served {
    let allowing = Allowing::Statement(policy, index);
    let mut found = Served::default();
    for service in services {
        let fates = reach.fates(service, &scope.key.arn, allowing, wanted);
        found.is_unknown |= !fates.unknown.is_empty();
        let Some(first) = fates.free.iter().next() else { continue };
        found.actions = found.actions.union(fates.free);
        if found.witness.is_none()
            && let Fate::Free(request) = reach.fate(&scope.cell(service, first), allowing)
        {
            found.witness = Some(request);
        }
        found.open.push(service.clone());
    }
    found
}

/// Whether a condition pins the account of the caller: of a service that is its own, as far as is documented
/// (rule C54).
fn asks_for_caller(condition: &Condition) -> bool {
    condition.key.value.eq_ignore_ascii_case("kms:CallerAccount") && needs_key(condition)
}

/// Whether a condition asks that the grant be for a resource that the service manages: AWS documents such
/// statements without a source, and does not say for whom the service then makes grants.
fn asks_for_resource(condition: &Condition) -> bool {
    condition.key.value.eq_ignore_ascii_case("kms:GrantIsForAWSResource") && needs_key(condition)
}

/// The statement for requests that concern a resource of an account that nobody knows: the service says so
/// where it says anything, and no encryption context names an account that the statement pins.
fn for_a_stranger(document: &PolicyDocument, index: usize, account: AccountId) -> PolicyDocument {
    let arn = format!("arn:*:*:*:{account}:*");
    let statement = document.policy().statements.get(index);
    let of_nobody = statement
        .into_iter()
        .flat_map(|it| &it.conditions)
        .filter(|condition| condition.key.value.eq_ignore_ascii_case("aws:SourceArn"));
    let of_nobody = of_nobody.flat_map(|it| &it.values).filter_map(|it| it.value.text());
    let of_nobody = of_nobody.filter(|text| names_nobody(text));
    let arn: Vec<&str> = of_nobody.chain([arn.as_str()]).collect();
    let account = [account.as_str()];
    let mut more: Vec<More<'_>> = vec![
        ("StringEqualsIfExists", "aws:SourceAccount", &account),
        ("ArnLikeIfExists", "aws:SourceArn", &arn),
        ("Null", "aws:SourceOrgID", &["true"]),
        ("Null", "aws:SourceOrgPaths", &["true"]),
    ];
    // A value that names an account, or a name that only one account has, is not a stranger's.
    let conditions = statement.into_iter().flat_map(|statement| &statement.conditions);
    let pinned: Vec<(&str, Vec<&str>)> = conditions
        .filter(|it| it.key.value.to_ascii_lowercase().starts_with("kms:encryptioncontext:"))
        .map(|it| (&*it.key.value, it.values.iter().filter_map(|it| it.value.text()).collect()))
        .map(|(key, values): (_, Vec<&str>)| {
            (key, values.into_iter().filter(|text| names_owner(text)).collect())
        })
        .filter(|(_, values): &(_, Vec<&str>)| !values.is_empty())
        .collect();
    for (key, values) in &pinned {
        more.push(("StringNotLikeIfExists", key, values));
    }
    narrowed(document, index, &more)
}

/// Whether a pattern takes ARNs without an account of whatever name: all buckets, all hosted zones.
fn names_nobody(pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    match *parts {
        [_, _, _, _, "", "*"] => true,
        [_, _, service, _, "", name] => {
            service != "s3" && name.split_once('/').is_some_and(|(_, rest)| rest == "*")
        }
        _ => false,
    }
}

/// Whether a pattern for a value of the encryption context says whose resource it is: by an account id in
/// an ARN, or as an ARN of S3, whose buckets have one owner each.
fn names_owner(pattern: &str) -> bool {
    let mut parts = pattern.split(':');
    let (service, account) = (parts.nth(2), parts.nth(1));
    let is_bucket = service == Some("s3") && !pattern.ends_with(":::*");
    // The account that code is deployed to is one as well.
    let is_id = |text: &str| AccountId::parse(text).is_some();
    is_bucket || account.is_some_and(is_id) || is_id(pattern)
}
