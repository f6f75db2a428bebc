//! The key policy lets a principal of an account in that nobody declared.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{AccountId, ActionSet};
use crate::decision::{Allowing, Fate, Reach, Request};
use crate::inventory::Edit;
use crate::policy::{Condition, Polarity, PolicyDocument, Reading, Statement};

use super::audience::is_about;
use super::controllers::list;
use super::outsiders::{account_of, allowed_abroad, may_be_own, perhaps_outsiders, whose};
use super::report::Sink;
use super::service_principal_unscoped::{served_actions, services};
use super::supposing::{Branches, Supposed, UNLESS, as_known, branches_of_each, where_it_is_so};
use super::what_if::{More, after, narrowed};
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct ExternalAccountAccess;

/// What one account is let do.
#[derive(Default)]
struct Access {
    actions: ActionSet,
    /// The statements that let it, each once.
    statements: Vec<usize>,
    /// Whom it lets, in words.
    principals: Vec<String>,
    witness: Option<Box<Request>>,
    /// Whether something that is not known may stop it.
    is_unsure: bool,
    /// What decides that code takes a branch in which it is let in, where it is in no other.
    branches: BTreeSet<String>,
}

impl Access {
    /// Takes in what another account is let do.
    fn append(&mut self, other: Self) {
        self.actions = self.actions.union(other.actions);
        let more = other.statements.into_iter().filter(|it| !self.statements.contains(it));
        self.statements.extend(more.collect::<Vec<usize>>());
        self.principals.extend(other.principals);
        self.witness = self.witness.take().or(other.witness);
        self.is_unsure |= other.is_unsure;
        self.branches.extend(other.branches);
    }

    /// Adds what a statement lets somebody do.
    fn add(&mut self, statement: usize, actions: ActionSet, who: String) {
        self.actions = self.actions.union(actions);
        if !self.statements.contains(&statement) {
            self.statements.push(statement);
        }
        self.principals.push(who);
    }
}

impl Rule for ExternalAccountAccess {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let document = scope.key.policy.as_ref().filter(|_| !scope.key.is_aws_managed());
        let Some(document) = document else { return };
        let mut all: BTreeMap<AccountId, Access> = BTreeMap::new();
        let reach = scope.scope.reach;
        let mut is_unsure = false;
        for (index, statement) in allows(document) {
            is_unsure |= let_in(scope, reach, (document, index, statement), &mut all);
            served(scope, (document, index, statement), &mut all);
        }
        let readings = document.readings();
        let is_open = is_unsure && readings.is_empty();
        let known = is_open.then(|| as_known(scope, document, &Branches::default())).flatten();
        for (account, access) in known.iter().flat_map(|known| as_far_as_known(scope, known)) {
            all.entry(account).or_insert(Access { is_unsure: true, ..access });
        }
        let mut in_branches = Vec::new();
        if readings.is_empty() {
            in_branches.push((document, in_branches_of(scope, document, &all)));
        }
        for reading in readings {
            let mut found = in_reading(scope, reading, &all);
            found.retain(|account, _| in_branches.iter().all(|it| !it.1.contains_key(account)));
            in_branches.push((&reading.document, found));
        }
        // A key has one owner: of several accounts that may be it all but one are others.
        let may_be: Vec<AccountId> =
            all.keys().copied().filter(|account| may_be_own(scope, *account)).collect();
        if may_be.len() > 1 {
            let mut together = Access::default();
            for account in &may_be {
                together.append(all.remove(account).unwrap_or_default());
            }
            tell(scope, sink, document, Who::AllButOne(&may_be), together);
        }
        // Of several branches code takes one: what is in another is no other owner.
        in_branches.insert(0, (document, all));
        for (document, found) in in_branches {
            for (account, access) in found {
                let who = match may_be_own(scope, account) {
                    true => Who::PerhapsOwn(account),
                    false => Who::Other(account),
                };
                tell(scope, sink, document, who, access);
            }
        }
    }
}

/// How many statements are shown.
const SHOWN: usize = 3;

type At<'a> = (&'a PolicyDocument, usize, &'a Statement);

/// The Allow statements of a policy.
fn allows(document: &PolicyDocument) -> impl Iterator<Item = (usize, &Statement)> {
    let statements = document.policy().statements.iter().enumerate();
    statements.filter(|(_, statement)| statement.allows())
}

/// Whom the statements let in where what is not known stops nobody.
fn as_far_as_known(scope: &KeyScope<'_>, known: &Supposed) -> BTreeMap<AccountId, Access> {
    let mut all = BTreeMap::new();
    after(scope.scope.reach, &known.edits, &mut |reach| {
        for (index, statement) in allows(&known.policy) {
            let_in(scope, reach, (&known.policy, index, statement), &mut all);
        }
    });
    all.values_mut().for_each(|access: &mut Access| access.witness = None);
    all
}

/// Whom code lets in beside `all` where it takes one of its branches, and what is not known stops nobody.
fn in_branches_of(
    scope: &KeyScope<'_>,
    document: &PolicyDocument,
    all: &BTreeMap<AccountId, Access>,
) -> BTreeMap<AccountId, Access> {
    let mut found: BTreeMap<AccountId, Access> = BTreeMap::new();
    for (index, statement) in allows(document) {
        let each: BTreeSet<Branches> = branches_of_each(statement).collect();
        for branches in each.iter().filter(|branches| !branches.are_none()) {
            let Some(known) = as_known(scope, document, branches) else { continue };
            let Some(statement) = known.policy.policy().statements.get(index) else { continue };
            let mut more = BTreeMap::new();
            after(scope.scope.reach, &known.edits, &mut |reach| {
                let_in(scope, reach, (&known.policy, index, statement), &mut more);
            });
            for (account, access) in more.into_iter().filter(|it| !all.contains_key(&it.0)) {
                let (branches, is_unsure) = (branches.open.clone(), !known.unknown.is_empty());
                let access = Access { witness: None, branches, is_unsure, ..access };
                found.entry(account).or_default().append(access);
            }
        }
    }
    found
}

/// Whom the policy lets in beside `all` where code makes it what it is in one reading, and what is not known stops
/// nobody.
fn in_reading(
    scope: &KeyScope<'_>,
    reading: &Reading,
    all: &BTreeMap<AccountId, Access>,
) -> BTreeMap<AccountId, Access> {
    let (key, document) = (scope.key.arn.clone(), &reading.document);
    let put = Edit::PutKeyPolicy { key, policy: document.clone() };
    let mut found: BTreeMap<AccountId, Access> = BTreeMap::new();
    let mut take = |policy: &PolicyDocument, edits: &[Edit], is_unsure: bool| {
        let mut more = BTreeMap::new();
        after(scope.scope.reach, edits, &mut |reach| {
            for (index, statement) in allows(policy) {
                let_in(scope, reach, (policy, index, statement), &mut more);
            }
        });
        for (account, access) in more.into_iter().filter(|it| !all.contains_key(&it.0)) {
            let branches = reading.open.iter().map(|open| open.to_string()).collect();
            let access = Access { witness: None, branches, is_unsure, ..access };
            found.entry(account).or_insert(access);
        }
    };
    take(document, &[put], false);
    if let Some(known) = as_known(scope, document, &Branches::default()) {
        take(&known.policy, &known.edits, !known.unknown.is_empty());
    }
    for (account, mut access) in in_branches_of(scope, document, all) {
        access.branches.extend(reading.open.iter().map(|open| open.to_string()));
        found.entry(account).or_insert(access);
    }
    found
}

/// Whom the statement lets in of other accounts, by accounts; and whether something that is not known decides of
/// others.
fn let_in(
    scope: &KeyScope<'_>,
    reach: &dyn Reach,
    (document, index, statement): At<'_>,
    all: &mut BTreeMap<AccountId, Access>,
) -> bool {
    let actions = allowed_abroad(scope, statement);
    let allowing = Allowing::Statement(document, index);
    let mut is_unsure = false;
    for (outsider, who) in perhaps_outsiders(scope, statement) {
        let fates = reach.fates(&outsider, &scope.key.arn, allowing, actions);
        is_unsure |= fates.free.is_empty() && !fates.unknown.is_empty();
        let Some((account, first)) = outsider.account.zip(fates.free.iter().next()) else {
            continue;
        };
        let access = all.entry(account).or_default();
        access.add(index, fates.free, who);
        if access.witness.is_none()
            && let Fate::Free(request) = reach.fate(&scope.cell(&outsider, first), allowing)
        {
            access.witness = Some(request);
        }
    }
    is_unsure
}

/// The other accounts for whose resources a service may use the key by the statement, which names them.
fn served(
    scope: &KeyScope<'_>,
    (document, index, statement): At<'_>,
    all: &mut BTreeMap<AccountId, Access>,
) {
    let named = sources(scope, statement);
    let services = if named.is_empty() { Vec::new() } else { services(statement) };
    for account in named {
        let arn = format!("arn:*:*:*:{account}:*");
        let more: [More<'_>; 2] = [
            ("StringEqualsIfExists", "aws:SourceAccount", &[account.as_str()]),
            ("ArnLikeIfExists", "aws:SourceArn", &[arn.as_str()]),
        ];
        let policy = narrowed(document, index, &more);
        // Asked in a world that has the made-up policy: values of its own stand in it.
        let edit = Edit::PutKeyPolicy { key: scope.key.arn.clone(), policy: policy.clone() };
        let after = scope.scope.reach.after(&edit);
        let allowing = Allowing::Statement(&policy, index);
        for service in &services {
            let wanted = served_actions(scope, statement);
            let free = after.fates(service, &scope.key.arn, allowing, wanted).free;
            let Some(first) = free.iter().next() else { continue };
            let access = all.entry(account).or_default();
            access.add(index, free, format!("{service} for account {account}"));
            if access.witness.is_none()
                && let Fate::Free(request) = after.fate(&scope.cell(service, first), allowing)
            {
                access.witness = Some(request);
            }
        }
    }
}

/// The accounts that are not trusted among those that a statement names as sources of a service's calls.
fn sources(scope: &KeyScope<'_>, statement: &Statement) -> BTreeSet<AccountId> {
    let is_of_source = |condition: &&Condition| {
        let keys = ["aws:SourceAccount", "aws:SourceArn"];
        keys.iter().any(|key| is_about(condition, key))
            && condition.operator.value.polarity == Polarity::Is
    };
    let values = statement.conditions.iter().filter(is_of_source).flat_map(|it| &it.values);
    let accounts = values.filter_map(|value| account_of(value.value.text()?));
    accounts.filter(|account| !scope.scope.is_trusted(*account)).collect()
}

/// Whose access it is.
enum Who<'a> {
    /// Another account's.
    Other(AccountId),
    /// An account's that may be the key's own.
    PerhapsOwn(AccountId),
    /// That of accounts of which one may be the key's own.
    AllButOne(&'a [AccountId]),
}

fn tell(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    document: &PolicyDocument,
    who: Who<'_>,
    access: Access,
) {
    const SAY: &str =
        "say by --account, or `account` in keyreach.yaml, to which account it belongs";
    let (subject, subjects, help) = match &who {
        Who::AllButOne(accounts) => {
            let names: Vec<String> = accounts.iter().map(AccountId::to_string).collect();
            let subject =
                format!("accounts {}, all but one of which are others than its own,", list(&names));
            let help =
                format!("{SAY}; take the others out, or declare them as trusted with a reason");
            (subject, names.join(" "), help)
        }
        Who::PerhapsOwn(account) => {
            let help = format!(
                "{SAY}: if to another, take this one out, or declare it as trusted with a reason"
            );
            (
                format!("account {account}, which may be another than its own,"),
                account.to_string(),
                help,
            )
        }
        Who::Other(account) => {
            let help = "declare the account as trusted with a reason, or take it out".to_owned();
            (format!("account {account}, {},", whose(scope)), account.to_string(), help)
        }
    };
    let names: Vec<String> = access.actions.iter().map(|it| it.to_string()).collect();
    let is_of_branch = !access.branches.is_empty();
    let unless = match (is_of_branch, access.is_unsure) {
        (true, is_unsure) => where_it_is_so(&access.branches, is_unsure),
        (false, true) => UNLESS.to_owned(),
        (false, false) => String::new(),
    };
    let message = format!("{subject} can use {} for {}{unless}", scope.name(), list(&names));
    let is_one = access.statements.len() == 1;
    // In an order that does not hang on where they stand.
    let mut statements = access.statements;
    let policy = document.policy();
    statements.sort_by_cached_key(|index| {
        policy.statements.get(*index).map(|statement| policy.form_without_principals(statement))
    });
    let mut statements = statements.into_iter();
    let Some(first) = statements.next() else { return };
    let mut report = sink
        .report(format!("{} {subjects}", scope.key.arn), message)
        .key(&scope.key.arn)
        .statement(document, first, "lets the other account in")
        .with_others(!is_one)
        .principals(access.principals)
        .witness(access.witness.as_deref())
        .help(help);
    if is_of_branch {
        report = report.facet("in-a-branch");
    }
    report = match who {
        Who::Other(_) if is_of_branch => report,
        Who::Other(_) if access.is_unsure => report.less_sure(),
        Who::Other(_) => report,
        Who::PerhapsOwn(_) => report.unsure(),
        Who::AllButOne(_) => report.less_sure(),
    };
    // Several can be written by one text.
    let span = |index: usize| policy.statements.get(index).map(|it| it.span);
    let mut shown = vec![span(first)];
    for span in statements.map(span) {
        if shown.len() < SHOWN && !shown.contains(&span) {
            report = report.beside(document.place, span, "and this one");
            shown.push(span);
        }
    }
    report.done();
}
