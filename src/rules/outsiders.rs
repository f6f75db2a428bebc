//! Who is outside: strangers, and accounts that nobody declared. What a key opens to them is asked with
//! the identity half of their own account granted.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{AccountId, ActionSet, Arn, Category, KmsAction};
use crate::decision::{Allowing, Caller, CallerKind, Fates};
use crate::policy::{AtMost, Polarity, PolicyDocument, Principal, Statement};

use super::KeyScope;
use super::audience::{stranger, tells_users};
use super::trust::performed;

/// The cryptographic actions.
pub(super) fn uses() -> ActionSet {
    KmsAction::all().filter(|action| action.info().category == Category::Use).collect()
}

/// The actions that tell about a key and do nothing with it.
pub(super) fn tells() -> ActionSet {
    let all = [
        KmsAction::DESCRIBE_KEY,
        KmsAction::GET_PUBLIC_KEY,
        KmsAction::GET_KEY_ROTATION_STATUS,
        KmsAction::LIST_GRANTS,
    ];
    all.into_iter().collect()
}

/// Those of `actions` that the key performs for principals of other accounts (rule E11).
pub(super) fn abroad(scope: &KeyScope<'_>, actions: ActionSet) -> ActionSet {
    let leaves_home = |action: &KmsAction| action.info().cross_account;
    performed(scope, actions).iter().filter(leaves_home).collect()
}

/// The actions of an Allow statement that the key performs for principals of other accounts.
pub(super) fn allowed_abroad(scope: &KeyScope<'_>, statement: &Statement) -> ActionSet {
    let element = statement.action.as_ref().filter(|_| statement.allows());
    abroad(scope, element.map_or(ActionSet::EMPTY, |element| scope.scope.reach.actions(element)))
}

/// Whether the statement means everyone, or everyone but some.
pub(super) fn means_everyone(statement: &Statement) -> bool {
    statement.principal.as_ref().is_some_and(|element| {
        let is_anyone = |entry: &Principal| matches!(entry, Principal::Anyone);
        element.polarity == Polarity::IsNot
            || element.entries.iter().any(|entry| is_anyone(&entry.value))
    })
}

/// What becomes of an Allow statement of the key policy, as it is or made up, for a stranger.
pub(super) fn of_stranger(
    scope: &KeyScope<'_>,
    document: &PolicyDocument,
    index: usize,
    wanted: ActionSet,
) -> Fates {
    let allowing = Allowing::Statement(document, index);
    let fates = stranger(scope).map(|stranger| scope.fates(&stranger, allowing, wanted));
    fates.unwrap_or_default()
}

/// The principals of accounts that are surely none of ours whom a statement could mean: see
/// [`perhaps_outsiders`].
pub(super) fn outsiders(scope: &KeyScope<'_>, statement: &Statement) -> BTreeMap<Caller, String> {
    let mut found = perhaps_outsiders(scope, statement);
    found.retain(|caller, _| caller.account.is_some_and(|account| !may_be_own(scope, account)));
    found
}

/// Whether `account` may be the one that owns the key: infrastructure code that is deployed nobody knows
/// where, and a bare key policy, can name their own account by its number.
pub(super) fn may_be_own(scope: &KeyScope<'_>, account: AccountId) -> bool {
    let is_candidate = match scope.owners() {
        Owners::Known => false,
        Owners::Any => true,
        Owners::Among(accounts) => accounts.contains(&account),
    };
    is_candidate && !account.is_symbol()
}

/// Which accounts named by their numbers may be the one that owns a key.
pub(super) enum Owners {
    /// None: it is known by its number, or by what stands for it.
    Known,
    /// Whichever.
    Any,
    /// These.
    Among(BTreeSet<AccountId>),
}

/// See [`KeyScope::owners`].
///
/// Where the policy speaks of its own account by what stands for it, no number is that account. And KMS takes
/// no policy that does not let its own account put the next one (rule K9): an account that may not, where
/// others may, is another.
pub(super) fn owners(scope: &KeyScope<'_>) -> Owners {
    let own = scope.key.arn.account();
    let Some(document) = scope.key.policy.as_ref().filter(|_| own.is_symbol()) else {
        return Owners::Known;
    };
    let statements = &document.policy().statements;
    if statements.iter().any(|statement| names(statement, own)) {
        return Owners::Known;
    }
    let managing: Vec<_> =
        statements.iter().filter(|statement| lets_manage(scope, statement)).collect();
    if managing.is_empty() || managing.iter().any(|statement| means_everyone(statement)) {
        return Owners::Any;
    }
    let outside = managing.iter().flat_map(|it| perhaps_outsiders(scope, it).into_keys());
    Owners::Among(outside.filter_map(|caller| caller.account).collect())
}

/// Whether the statement surely names a principal of the account, or the account.
fn names(statement: &Statement, account: AccountId) -> bool {
    let entries = statement.principal.iter().flat_map(|element| &element.entries);
    let named = entries.filter_map(|entry| match &entry.value {
        Principal::Account { account, .. } => Some(*account),
        Principal::Unresolved(_) => None,
        other => account_of(other.text()),
    });
    let values = statement.conditions.iter().flat_map(|condition| &condition.values);
    let values = values.filter_map(|value| account_of(value.value.text()?));
    named.chain(values).any(|named| named == account)
}

/// Whether an Allow statement speaks of kms:PutKeyPolicy.
pub(super) fn lets_manage(scope: &KeyScope<'_>, statement: &Statement) -> bool {
    let element = statement.action.as_ref().filter(|_| statement.allows());
    let actions = element.map(|element| scope.scope.reach.actions(element));
    actions.is_some_and(|actions| actions.contains(KmsAction::PUT_KEY_POLICY))
}

/// Whether an Allow statement of kms:PutKeyPolicy may mean a principal of the key's account, whichever that is.
pub(super) fn may_let_manage(scope: &KeyScope<'_>, statement: &Statement, who: &Caller) -> bool {
    let mut entries = statement.principal.iter().flat_map(|element| &element.entries);
    lets_manage(scope, statement)
        && (means_everyone(statement) || entries.any(|entry| may_be(scope, &entry.value, who)))
}

/// Whether an entry may mean a principal of the key's account: by its name, or with its account.
fn may_be(scope: &KeyScope<'_>, entry: &Principal, who: &Caller) -> bool {
    let is_home = |account| account == scope.key.arn.account() || may_be_own(scope, account);
    match entry {
        Principal::Anyone | Principal::UniqueId(_) => true,
        Principal::Account { account, .. } => is_home(*account),
        Principal::Unresolved(of) => match &of.at_most {
            AtMost::Anyone => true,
            AtMost::Of(account) => is_home(*account),
            AtMost::Service => false,
            AtMost::Principal(principal) => may_be(scope, principal, who),
        },
        other => Caller::parse(other.text()).is_some_and(|named| {
            let name = |caller: &Caller| caller.text.splitn(6, ':').nth(5).map(str::to_owned);
            let is_session = match &who.kind {
                CallerKind::AssumedRole { role, .. } => {
                    named.kind == CallerKind::Role && named.text.ends_with(&format!("/{role}"))
                }
                _ => false,
            };
            named.account.is_some_and(is_home) && (is_session || name(&named) == name(who))
        }),
    }
}

/// Principals of accounts that are not trusted whom an Allow statement could mean, each with whom it stands for:
/// those that it names, and for accounts, in its principals or in its conditions, some of each; of one that
/// means everyone also whom a Deny beside it speaks of.
pub(super) fn perhaps_outsiders(
    scope: &KeyScope<'_>,
    statement: &Statement,
) -> BTreeMap<Caller, String> {
    let Some(element) = statement.principal.as_ref().filter(|it| it.polarity == Polarity::Is)
    else {
        return BTreeMap::new();
    };
    // A user beside, where something could tell users from roles.
    let users = statement.conditions.iter().any(|condition| tells_users(&condition.key.value));
    let some_of = |account| {
        let all = some_of(scope.key.arn.partition(), account, users);
        all.map(move |it| (it, format!("any principal of account {account}")))
    };
    let by_name = |arn: &str| Some((Caller::parse(arn)?, arn.to_owned()));
    let mut found = BTreeMap::new();
    let mut everyone = false;
    for entry in &element.entries {
        match &entry.value {
            Principal::Account { account, .. } => found.extend(some_of(*account)),
            Principal::User(arn)
            | Principal::Role(arn)
            | Principal::AssumedRole(arn)
            | Principal::FederatedUser(arn) => found.extend(by_name(arn)),
            Principal::Anyone => everyone = true,
            _ => {}
        }
    }
    let accounts: BTreeSet<AccountId> = found.keys().filter_map(|caller| caller.account).collect();
    let values = statement.conditions.iter().flat_map(|condition| &condition.values);
    let values = values.filter_map(|value| value.value.text());
    // Of everyone a Deny can spare some.
    let of_policy = scope.key.policy.iter().flat_map(|document| &document.policy().statements);
    let denies = of_policy.filter(|it| everyone && it.denies());
    for text in values.chain(denies.flat_map(mentioned)) {
        let Some(account) = account_of(text).filter(|it| everyone || accounts.contains(it)) else {
            continue;
        };
        if everyone {
            found.extend(some_of(account));
        }
        let named = AccountId::parse(text).is_none().then(|| text.replace(['*', '?'], "x"));
        let one = named.and_then(|text| Caller::parse(&text));
        found.extend(one.map(|one| (one, text.to_owned())));
    }
    found
        .retain(|caller, _| caller.account.is_some_and(|account| !scope.scope.is_trusted(account)));
    found
}

/// What a statement says of principals: in its principals and as values of its conditions.
fn mentioned(statement: &Statement) -> impl Iterator<Item = &str> {
    let entries = statement.principal.iter().flat_map(|element| &element.entries);
    let values = statement.conditions.iter().flat_map(|condition| &condition.values);
    let values = values.filter_map(|value| value.value.text());
    entries.map(|entry| entry.value.text()).chain(values)
}

/// The account that a text is, or names as an ARN.
pub(super) fn account_of(text: &str) -> Option<AccountId> {
    AccountId::parse(text).or_else(|| AccountId::parse(Arn::parse(text)?.account))
}

/// Whether the caller's account is one of the world's, or the key policy speaks of it: others stand for many,
/// for whom a stranger speaks.
pub(super) fn is_told_of(scope: &KeyScope<'_>, caller: &Caller) -> bool {
    let Some(account) = caller.account.filter(|it| scope.world().account(*it).is_none()) else {
        return true;
    };
    let mut statements = scope.key.policy.iter().flat_map(|it| &it.policy().statements);
    statements.any(|statement| {
        let named = statement.principal.iter().flat_map(|element| &element.entries);
        let values = statement.conditions.iter().flat_map(|condition| &condition.values);
        let texts = named.map(|entry| entry.value.text());
        let mut texts = texts.chain(values.filter_map(|value| value.value.text()));
        texts.any(|text| text.contains(account.as_str()))
    })
}

/// What makes an account an outsider, in words: where no organization is exported nobody knows of which one it
/// is.
pub(super) fn whose(scope: &KeyScope<'_>) -> &'static str {
    match scope.world().organization {
        Some(_) => "which is not of this organization",
        None => "which nobody declared as trusted",
    }
}

/// The root user of an account, a role of it, and where `users` says so a user.
fn some_of(partition: &str, account: AccountId, users: bool) -> impl Iterator<Item = Caller> {
    let name = move |name: &str| format!("arn:{partition}:iam::{account}:{name}");
    let user = users.then(|| name("user/outsider"));
    let names = [name("root"), name("role/outsider")].into_iter().chain(user);
    names.filter_map(|name| Caller::parse(&name))
}
