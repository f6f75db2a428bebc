//! Whom a key policy statement means besides the users and roles that it names one by one.

use std::collections::BTreeSet;

use crate::aws::{AccountId, identity};
use crate::decision::{Caller, CallerKind};
use crate::inventory::Inventory;
use crate::policy::{
    Comparison, Condition, Polarity, PolicyDocument, PolicyKind, Principal, Statement,
};

use super::what_if::changed;
use super::{Documented, KeyScope};

/// The account of strangers.
const NOBODYS: AccountId = AccountId::NOBODYS;

/// Who is meant besides those named.
pub(super) enum Others {
    /// Nobody.
    Nobody,
    /// Everyone there is, or everyone of some accounts.
    All(Audience),
    /// Some whom nobody can list.
    Unlisted,
}

/// Many principals, and who speaks for them.
pub(super) struct Audience {
    /// Their accounts; without any, everyone there is.
    accounts: BTreeSet<AccountId>,
    /// Their root users, who are hardly ever left out.
    pub(super) roots: Vec<Caller>,
}

impl Audience {
    fn everyone(scope: &KeyScope<'_>) -> Self {
        Self { accounts: BTreeSet::new(), roots: scope.root().into_iter().collect() }
    }

    /// Everyone of some accounts.
    fn of(scope: &KeyScope<'_>, accounts: BTreeSet<AccountId>) -> Self {
        let partition = scope.key.arn.partition();
        let root = |account| Caller::parse(&format!("arn:{partition}:iam::{account}:root"));
        let roots = accounts.iter().filter_map(root).collect();
        Self { accounts, roots }
    }

    /// Principals that stand for those who are not known; nothing where policies speak of these in a way that no
    /// stand-in has.
    pub(super) fn stand_ins(&self, scope: &KeyScope<'_>) -> Option<Vec<Caller>> {
        if self.is_everyone() {
            return Some(stranger(scope).into_iter().collect());
        }
        let unknown = self.accounts.iter().filter(|account| !scope.world().is_complete(**account));
        let each: Option<Vec<Vec<Caller>>> =
            unknown.map(|account| stand_ins_of(scope, *account)).collect();
        Some(each?.concat())
    }

    /// Whether they are everyone there is.
    pub(super) fn is_everyone(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Whether a caller is one of them: a user or role of the world, or a root user.
    pub(super) fn has(&self, scope: &KeyScope<'_>, caller: &Caller) -> bool {
        if self.is_everyone() {
            return is_of_everyone(scope, caller);
        }
        let is_there = caller.kind == CallerKind::Root || scope.identity(caller).is_some();
        is_there && caller.account.is_some_and(|account| self.accounts.contains(&account))
    }
}

/// A role and a user of an account of which not everyone is known, and such as a Deny names or spares; nothing
/// where a pattern says nothing of accounts and kinds.
fn stand_ins_of(scope: &KeyScope<'_>, account: AccountId) -> Option<Vec<Caller>> {
    let partition = scope.key.arn.partition();
    let named = |service: &str, name: &str| {
        let name = name.replace(['*', '?'], "x");
        Caller::parse(&format!("arn:{partition}:{service}::{account}:{name}"))
    };
    let mut found: Vec<Caller> =
        ["role/outsider", "user/outsider"].iter().filter_map(|name| named("iam", name)).collect();
    let of_organization = scope.scope.documents.iter().map(|one| one.document);
    let of_organization =
        of_organization.filter(|it| matches!(it.kind, PolicyKind::Scp | PolicyKind::Rcp));
    let all = scope.key.policy.iter().chain(of_organization);
    for statement in all.flat_map(|it| &it.policy().statements).filter(|it| it.denies()) {
        let entries = statement.principal.iter().flat_map(|element| &element.entries);
        let arns = statement.conditions.iter().filter(|it| is_of_arns(it));
        let values = arns.flat_map(|it| &it.values).map(|value| value.value.text());
        let texts = entries.map(|entry| Some(entry.value.text())).chain(values);
        for text in texts {
            let parts: Vec<&str> = text?.splitn(6, ':').collect();
            match *parts {
                [_, _, service @ ("iam" | "sts"), _, owner, name]
                    if owner == account.as_str() || owner.contains(['*', '?']) =>
                {
                    found.extend(named(service, name));
                }
                // Of another account.
                [_, _, "iam" | "sts", _, _, _] | ["*"] => {}
                _ if parts.iter().any(|part| part.contains(['*', '?'])) => return None,
                _ => {}
            }
        }
        let users = statement.conditions.iter().filter(|it| is_about(it, "aws:username"));
        for text in users.flat_map(|it| &it.values).map(|value| value.value.text()) {
            found.extend(named("iam", &format!("user/{}", text?)));
        }
    }
    Some(found)
}

fn is_of_arns(condition: &Condition) -> bool {
    is_about(condition, "aws:PrincipalArn")
}

/// Whether the condition asks for this key.
pub(super) fn is_about(condition: &Condition, key: &str) -> bool {
    condition.key.value.eq_ignore_ascii_case(key)
}

/// Whom the statement means besides the users, roles, sessions and services that it names.
pub(super) fn others(scope: &KeyScope<'_>, statement: &Statement) -> Others {
    let Some(element) = &statement.principal else {
        return Others::Nobody;
    };
    let (mut everyone, mut accounts) = (false, BTreeSet::new());
    for entry in &element.entries {
        match &entry.value {
            Principal::User(_)
            | Principal::Role(_)
            | Principal::AssumedRole(_)
            | Principal::FederatedUser(_)
            | Principal::Service(_)
            | Principal::CanonicalUser(_)
            | Principal::Invalid(_) => {}
            Principal::Account { account, .. } => {
                accounts.insert(*account);
            }
            Principal::Anyone if is_whole(scope.world()) => everyone = true,
            _ => return Others::Unlisted,
        }
    }
    match (element.polarity, everyone, accounts.is_empty()) {
        (Polarity::IsNot, ..) => Others::Unlisted,
        (_, true, _) => Others::All(Audience::everyone(scope)),
        (_, false, true) => Others::Nobody,
        (_, false, false) => Others::All(Audience::of(scope, accounts)),
    }
}

/// Whether every user and role of every account that could matter is known.
pub(super) fn is_whole(world: &Inventory) -> bool {
    let members = world.organization.iter().flat_map(|organization| &organization.accounts);
    world.accounts.keys().chain(members).all(|account| world.is_complete(*account))
}

/// Whether every user and role is known that could meet a policy: those of every account that could
/// matter, and of those that its own Allow statements let in, or for an RCP the Allows of any key. Where no
/// account is known nothing is.
pub(super) fn knows_all(world: &Inventory, document: &Documented<'_>) -> bool {
    let is_known = |principal: &Principal| match principal {
        Principal::Account { account, .. } => world.is_complete(*account),
        Principal::User(arn)
        | Principal::Role(arn)
        | Principal::AssumedRole(arn)
        | Principal::FederatedUser(arn) => {
            identity(arn).is_none_or(|it| world.is_complete(it.account()))
        }
        Principal::Anyone | Principal::Unresolved(_) => false,
        // Services, providers and nobody have no ARN and no id.
        _ => true,
    };
    let lets_in_known = |policy: &PolicyDocument| {
        let statements = policy.policy().statements.iter().filter(|it| it.allows());
        let mut entries = statements.flat_map(|it| &it.principal).flat_map(|it| &it.entries);
        entries.all(|entry| is_known(entry.value.at_most()))
    };
    let of_keys = world.keys.values().filter(|_| document.document.kind == PolicyKind::Rcp);
    !world.accounts.is_empty()
        && is_whole(world)
        && lets_in_known(document.document)
        && of_keys.flat_map(|key| &key.policy).all(lets_in_known)
}

/// Whether a caller is one of everyone there is: a user or role of the world, or the key's own root user.
fn is_of_everyone(scope: &KeyScope<'_>, caller: &Caller) -> bool {
    let own = scope.key.arn.account();
    let is_root = caller.kind == CallerKind::Root && caller.account == Some(own);
    is_root || scope.identity(caller).is_some()
}

/// Principals of accounts that nobody knows, who can do what any stranger can by a statement: of each kind, and
/// such as its conditions, and those of Deny statements beside it, take by patterns of accounts and ARNs.
pub(super) fn strangers(scope: &KeyScope<'_>, statement: &Statement) -> Vec<Caller> {
    let partition = scope.key.arn.partition();
    // Where nothing tells kinds apart, one speaks for all.
    let of_policy = || scope.key.policy.iter().flat_map(|document| &document.policy().statements);
    let mut keys = of_policy().flat_map(|it| &it.conditions).map(|condition| &condition.key.value);
    let kinds = keys.any(|key| tells_users(key) || key.eq_ignore_ascii_case("aws:PrincipalArn"));
    let others = ["user/stranger", "root"].into_iter().filter(|_| kinds);
    let others =
        others.filter_map(|it| Caller::parse(&format!("arn:{partition}:iam::{NOBODYS}:{it}")));
    let denies = of_policy().filter(|it| it.denies()).flat_map(|it| &it.conditions);
    let mut found: Vec<Caller> = stranger(scope).into_iter().chain(others).collect();
    for condition in statement.conditions.iter().chain(denies) {
        for text in condition.values.iter().filter_map(|value| value.value.text()) {
            let alone = || is_of_arns(condition).then(|| named_alone(scope, text));
            let named = named_anywhere(scope, text).or_else(|| alone().flatten());
            found.extend(named.filter(|named| !found.contains(named)));
        }
    }
    found
}

/// A principal that a pattern of ARNs or accounts takes, of an account that nobody knows.
fn named_anywhere(scope: &KeyScope<'_>, pattern: &str) -> Option<Caller> {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let (service, name) = match *parts {
        [_, _, service @ ("iam" | "sts"), _, _, resource] => (service, resource),
        // The pattern goes on behind the account.
        [_, _, service @ ("iam" | "sts"), _, _] => (service, "role/stranger"),
        [account] if account_of_pattern(account, '0').is_some() => ("iam", "role/stranger"),
        _ => return None,
    };
    let account = account_taken(scope, pattern)?;
    let (partition, name) = (scope.key.arn.partition(), name.replace(['*', '?'], "x"));
    Caller::parse(&format!("arn:{partition}:{service}::{account}:{name}"))
}

/// The policy with a statement that asks nothing of organizations by these condition keys, where it only asks that
/// there is one: `StringLike` `o-*`, `Null` `false`.
pub(super) fn any_organization(
    document: &PolicyDocument,
    index: usize,
    keys: &[&str],
) -> Option<PolicyDocument> {
    let is_open = |condition: &Condition| {
        let operator = &condition.operator.value;
        let mut texts = condition.values.iter().filter_map(|value| value.value.text());
        keys.iter().any(|key| is_about(condition, key))
            && operator.polarity == Polarity::Is
            && match operator.comparison {
                Comparison::StringLike => texts.any(takes_all),
                Comparison::Null => texts.any(|text| text.eq_ignore_ascii_case("false")),
                _ => false,
            }
    };
    document.policy().statements.get(index)?.conditions.iter().any(is_open).then(|| {
        changed(document, index, |statement| statement.conditions.retain(|it| !is_open(it)))
    })
}

/// Whether a pattern takes every organization, or every path in every one.
pub(super) fn takes_all(pattern: &str) -> bool {
    let pattern = pattern.strip_prefix("o-").unwrap_or(pattern);
    pattern.contains('*') && pattern.chars().all(|one| matches!(one, '*' | '/'))
}

/// An account that nobody knows and that a pattern takes: of accounts, or of ARNs.
pub(super) fn account_taken(scope: &KeyScope<'_>, pattern: &str) -> Option<AccountId> {
    let account = pattern.split(':').nth(4).unwrap_or(pattern);
    let mut taken = (b'0'..=b'9').filter_map(|fill| account_of_pattern(account, fill.into()));
    taken.find(|account| !scope.scope.is_trusted(*account))
}

/// A principal of strangers that a pattern takes, which says nothing but its name: `*:role/app`, `*/app`, `*app*`.
fn named_alone(scope: &KeyScope<'_>, pattern: &str) -> Option<Caller> {
    let name = pattern.rsplit(':').next()?.trim_start_matches('*').replace(['*', '?'], "x");
    let name = match name.split_once('/') {
        _ if !pattern.contains('*') || name.is_empty() => return None,
        Some(("role" | "user", _)) => name,
        Some(("", rest)) => format!("role/{rest}"),
        _ => format!("role/{name}"),
    };
    Caller::parse(&format!("arn:{}:iam::{NOBODYS}:{name}", scope.key.arn.partition()))
}

/// The digits of an account.
const DIGITS: usize = 12;

/// An account that a pattern takes, with one digit wherever the pattern leaves it open.
fn account_of_pattern(pattern: &str, fill: char) -> Option<AccountId> {
    let open = DIGITS.checked_sub(pattern.replace('*', "").len())?;
    let filled = pattern.replacen('*', &fill.to_string().repeat(open), 1);
    let filled = filled.replace('*', "").replace('?', &fill.to_string());
    AccountId::parse(&filled).filter(|_| pattern.contains(['*', '?']))
}

/// Whether a condition key of a user holds something else than one of a role, the ARN aside.
pub(super) fn tells_users(key: &str) -> bool {
    const KEYS: [&str; 6] = [
        "aws:PrincipalType",
        "aws:username",
        "aws:userid",
        "aws:MultiFactorAuthPresent",
        "aws:MultiFactorAuthAge",
        "aws:TokenIssueTime",
    ];
    KEYS.iter().any(|own| own.eq_ignore_ascii_case(key))
}

/// A principal of an account that nobody knows, who stands for all strangers.
pub(super) fn stranger(scope: &KeyScope<'_>) -> Option<Caller> {
    let partition = scope.key.arn.partition();
    Caller::parse(&format!("arn:{partition}:iam::{NOBODYS}:role/stranger"))
}
