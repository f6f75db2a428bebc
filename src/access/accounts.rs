//! The accounts outside the export of which keys speak by patterns: which have rows, and which stands for all that
//! nothing names.

use std::collections::BTreeSet;

use crate::aws::AccountId;
use crate::decision::ContextValue;
use crate::inventory::Inventory;
use crate::policy::Principal;

use super::caller_values::USER_ID;
use super::domain::is_null;
use super::kinds::PRINCIPAL_ARN;
use super::parts::{Part, Texts, parts, told_apart};
use super::range::Form;
use super::rows::caller_of;
use super::spoken::{Spoken, beginnings, pattern};
use super::test::{Operand, Test};

/// The condition keys that hold an account, in lower case.
pub(super) const ACCOUNT: [&str; 2] = ["aws:principalaccount", "kms:calleraccount"];

/// Accounts that have a row.
pub(super) struct AccountRow {
    /// One of them.
    pub(super) account: AccountId,
    /// Their numbers.
    pub(super) numbers: Texts,
    /// Whether nothing tells any of them from the others.
    pub(super) told: bool,
}

/// The accounts of which patterns are known, and one that nothing speaks of.
pub(super) fn accounts(
    world: &Inventory,
    spoken: &Spoken<'_>,
) -> (Vec<AccountRow>, Option<AccountId>) {
    let invented = Invented::beside(world, spoken);
    if spoken.like.is_empty() {
        return (Vec::new(), invented.like("*", None));
    }
    let Some(mut all) = invented.parts(&spoken.like) else {
        let fresh = invented.like("*", None);
        let part = Part { like: Vec::new(), but: Vec::new(), text: Box::default() };
        let row = |account| AccountRow { account, numbers: Texts::of(part), told: false };
        return (fresh.map(row).into_iter().collect(), fresh);
    };
    for part in &mut all {
        let names = Texts::of(part.clone()).name(" ");
        let likely = match names.contains(' ') {
            true => None,
            false => invented.like(if names.is_empty() { "*" } else { &names }, Some(part)),
        };
        if let Some(likely) = likely {
            part.text = likely.as_str().into();
        }
    }
    let (mut rows, mut fresh) = (Vec::new(), None);
    for numbers in told_apart(all, &spoken.asked, &is_alike) {
        let Some(account) = AccountId::parse(numbers.text()) else { continue };
        match numbers.name("").is_empty() {
            true => fresh = Some(account),
            false => rows.push(AccountRow { account, numbers, told: true }),
        }
    }
    (rows, fresh.or_else(|| invented.like("*", None)))
}

/// Whether a test says the same of whoever is of either account.
fn is_alike(test: &Test, one: &str, other: &str) -> bool {
    if is_null(test) {
        return true;
    }
    if ACCOUNT.contains(&&*test.key) {
        let holds = |id: &str| test.holds(Some(&ContextValue::One(id.into())), &|_| None);
        return test.is_fixed() && holds(one) == holds(other);
    }
    let mut spoken = test.values.iter().flat_map(|operand| patterns(&test.key, operand));
    ![PRINCIPAL_ARN, USER_ID].contains(&&*test.key)
        || test.is_fixed()
            && spoken.all(|pattern| {
                let form = Form::like(&pattern);
                form.has(one) == form.has(other)
            })
}

/// The accounts of which an operand under a condition key (in lower case) speaks: numbers, and patterns of such.
pub(super) fn patterns(key: &str, operand: &Operand) -> Vec<String> {
    let is_number = |text: &String| {
        let is_one = |it: char| it.is_ascii_digit() || matches!(it, '*' | '?');
        text.chars().all(is_one) && text.contains(|it: char| it.is_ascii_digit())
    };
    let all: Vec<String> = match (key, operand) {
        (PRINCIPAL_ARN, Operand::Arn(_)) => {
            pattern(operand).split(':').nth(4).map(str::to_owned).into_iter().collect()
        }
        (PRINCIPAL_ARN, _) => {
            let text = pattern(operand);
            let mut head = text.split(':').take(5);
            if head.all(|part| !part.contains(['*', '?'])) {
                return text
                    .split(':')
                    .nth(4)
                    .map(str::to_owned)
                    .filter(is_number)
                    .into_iter()
                    .collect();
            }
            let starts = PARTITIONS.iter().flat_map(|it| ["iam", "sts"].map(|of| (it, of)));
            let starts = starts.map(|(partition, service)| format!("arn:{partition}:{service}::"));
            let rest: BTreeSet<String> = starts
                .flat_map(|start| {
                    let rest = behind(&text, &start);
                    rest.into_iter().map(str::to_owned).collect::<Vec<_>>()
                })
                .collect();
            rest.iter().flat_map(|rest| beginnings(rest, ':')).collect()
        }
        // Rule C45: the id of a root user is its account, that of a federated user begins with it.
        (USER_ID, _) => beginnings(&pattern(operand), ':'),
        _ if ACCOUNT.contains(&key) => vec![pattern(operand)],
        _ => Vec::new(),
    };
    all.into_iter().filter(is_number).collect()
}

/// The partitions that ARNs of principals name.
const PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

/// What is left of a pattern once it has taken a text.
fn behind<'p>(pattern: &'p str, text: &str) -> BTreeSet<&'p str> {
    let with_runs_left_out = |mut rest: &'p str| {
        let mut all = vec![rest];
        while let Some(left) = rest.strip_prefix('*') {
            rest = left;
            all.push(rest);
        }
        all
    };
    let mut left: BTreeSet<&str> = with_runs_left_out(pattern).into_iter().collect();
    for character in text.chars() {
        let step = |rest: &&'p str| match rest.chars().next() {
            Some('*') => Some(*rest),
            Some('?') => rest.strip_prefix('?'),
            _ => rest.strip_prefix(character),
        };
        left = left.iter().filter_map(step).flat_map(with_runs_left_out).collect();
    }
    // What a run begins takes all that is taken without it.
    let is_whole = |rest: &&&str| !left.contains(&*format!("*{rest}"));
    left.iter().filter(is_whole).copied().collect()
}

/// How many digits an account has.
const LENGTH: usize = 12;

/// How many accounts are looked at before one is taken.
const TRIES: u64 = 1000;

/// How far these lie apart, so that they differ in their first digits as well.
const STRIDE: u64 = 123_456_789_011;

/// Accounts that are none of the world's, and that nothing speaks of.
struct Invented<'w> {
    world: &'w Inventory,
    taken: BTreeSet<AccountId>,
    patterns: Vec<Form>,
}

impl<'w> Invented<'w> {
    fn beside(world: &'w Inventory, spoken: &Spoken<'_>) -> Self {
        let named = spoken.principals.iter().filter_map(|principal| match principal {
            Principal::Account { account, .. } => Some(*account),
            principal => caller_of(principal)?.account,
        });
        let organization = world.organization.as_deref();
        let members = organization.into_iter().flat_map(|it| it.accounts.iter().copied());
        let management = organization.and_then(|it| it.management_account);
        let taken = named.chain(members).chain(management).chain(spoken.accounts.iter().copied());
        let patterns = spoken.like.iter().map(|pattern| Form::like(pattern)).collect();
        Self { world, taken: taken.collect(), patterns }
    }

    /// The parts that patterns cut the accounts into.
    fn parts(&self, patterns: &BTreeSet<Box<str>>) -> Option<Vec<Part>> {
        let known = self.world.accounts.keys().chain(&self.taken);
        let known = known.map(|account| account.as_str().into()).collect();
        parts(patterns, &Form::Account.tokens(), &known)
    }

    /// An account that a pattern takes, and of one part or, where none is given, that as few patterns as can be
    /// take: those may be denied.
    fn like(&self, pattern: &str, part: Option<&Part>) -> Option<AccountId> {
        let fixed = pattern.chars().filter(|it| *it != '*').count();
        let run = "?".repeat(LENGTH.checked_sub(fixed)?);
        let shape = pattern.replacen('*', &run, 1).replace('*', "");
        let wild = shape.matches('?').count();
        let all = 10_u64.pow(u32::try_from(wild).ok().filter(|_| wild <= LENGTH)?);
        let account = |n: u64| {
            let number = (all - 1).wrapping_sub(n.wrapping_mul(STRIDE) % all);
            let digits = format!("{number:0wild$}");
            let mut digits = digits.chars();
            let digit = |it: char| if it == '?' { digits.next().unwrap_or('0') } else { it };
            AccountId::parse(&shape.chars().map(digit).collect::<String>())
        };
        let is_free = |account: &AccountId| {
            self.world.account(*account).is_none()
                && !self.taken.contains(account)
                && part.is_none_or(|part| part.has(account.as_str()))
        };
        let taking = |account: &AccountId| {
            self.patterns.iter().filter(|pattern| pattern.has(account.as_str())).count()
        };
        (0..TRIES.min(all)).filter_map(account).filter(is_free).min_by_key(taking)
    }
}

#[cfg(test)]
mod tests {
    use super::super::glob::tests::pieces;
    use super::*;

    #[test]
    fn an_arn_speaks_of_the_accounts_that_can_stand_in_it() {
        for (text, expected) in [
            ("arn:aws:iam::444455556666:role/x", &["444455556666"][..]),
            ("arn:aws:iam::44*:role/x", &["44*"]),
            ("arn:aws:iam::*:role/x4*", &[]),
            // A run can reach beyond the account, and begin before it.
            ("arn:aws:iam::44*role/x", &["44*"]),
            ("arn:aws:iam::4*6*:role/x", &["4*", "4*6*"]),
            ("arn:*44*:role/x", &["*44*"]),
            ("arn:aws:s3::44*", &[]),
            ("*:user/4", &[]),
        ] {
            let found = patterns(PRINCIPAL_ARN, &Operand::Text(pieces(text)));
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(patterns(USER_ID, &Operand::Text(pieces("44*bob"))), ["44*"]);
        assert!(patterns(USER_ID, &Operand::Text(pieces("AIDA4*"))).is_empty());
        assert_eq!(patterns(ACCOUNT[0], &Operand::Text(pieces("4?*"))), ["4?*"]);
        assert!(patterns("aws:username", &Operand::Text(pieces("4*"))).is_empty());
    }
}
