//! The resource on whose behalf a service asks, and its account: where the ARN tells the account it is that one
//! (section 2.5).

use jiff::Timestamp;

use crate::aws::{AccountId, Arn};
use crate::decision::ContextValue;

use super::automaton::{Acceptor, Token, members};
use super::domain::{Entries, Limits, limit};
use super::elements::{acceptor, are_of_texts, elements};
use super::frame::Limit;
use super::nice;
use super::range::{Form, Range, within};
use super::spellings::Spellings;
use super::test::Test;

/// The ARN of the resource, in lower case.
const ARN: &str = "aws:sourcearn";

/// Its account.
const ACCOUNT: &str = "aws:sourceaccount";

/// Both keys.
pub(super) const KEYS: [&str; 2] = [ARN, ACCOUNT];

/// Whether tests of these keys tell resources apart: nothing else limits either than what a question fixes.
pub(super) fn is_asked(asks: impl Fn(&str) -> bool, limits: &Limits) -> bool {
    let is_fixed = |limit: &Limit| matches!(limit, Limit::Given(_) | Limit::Absent);
    let is_given = matches!(limit(limits, ARN), Some(Limit::Given(_)));
    (asks(ARN) || is_given && asks(ACCOUNT))
        && KEYS.into_iter().filter_map(|key| limit(limits, key)).all(is_fixed)
}

/// Neither, either, and both together, one of each class that the tests tell apart.
pub(super) fn choices(
    tests: &[&Test],
    limits: &Limits,
    now: Timestamp,
    spellings: &Spellings,
) -> (Vec<Entries>, bool) {
    let (of_arn, of_account): (Vec<&Test>, Vec<&Test>) =
        tests.iter().partition(|test| *test.key == *ARN);
    let accounts = elements(&Range::of(ACCOUNT, now), &of_account);
    let told = accounts.found.iter().map(|(account, _)| account.clone());
    let told = given(limits, ACCOUNT).unwrap_or_else(|| absent_or(told));
    let (arns, complete) = arns(&of_arn, &of_account, limits, now);
    let arns = given(limits, ARN).unwrap_or_else(|| absent_or(arns.into_iter()));
    let entry = |key: &str, text: &str| (spellings.spelled(key), ContextValue::One(text.into()));
    let both = |arn: &Option<Box<str>>, account: &Option<Box<str>>| -> Entries {
        let entries = [(ARN, arn), (ACCOUNT, account)].into_iter();
        entries.filter_map(|(key, text)| Some(entry(key, text.as_deref()?))).collect()
    };
    let mut found = Vec::new();
    for arn in &arns {
        let own = arn.as_deref().and_then(|arn| AccountId::parse(Arn::parse(arn)?.account));
        let is_of = |account: &&Option<Box<str>>| match (own, account) {
            (Some(own), Some(account)) => *own.as_str() == **account,
            _ => true,
        };
        found.extend(told.iter().filter(is_of).map(|account| both(arn, account)));
        let own = own.filter(|_| limit(limits, ACCOUNT).is_none());
        found.extend(own.map(|own| both(arn, &Some(own.as_str().into()))));
    }
    (found, complete && accounts.complete && are_of_texts(tests))
}

/// The ARNs that tests of it, and of its account, tell apart, what a reader likes best first; and whether these
/// are all.
fn arns(
    of_arn: &[&Test],
    of_account: &[&Test],
    limits: &Limits,
    now: Timestamp,
) -> (Vec<Box<str>>, bool) {
    let range = Range::of(ARN, now);
    let own: Vec<Acceptor> = of_arn.iter().map(|test| acceptor(test)).collect();
    let mut of_its: Vec<Acceptor> =
        of_account.iter().map(|test| at_account(acceptor(test))).collect();
    of_its.extend(given(limits, ACCOUNT).map(|account| {
        let exact = account.into_iter().flatten().collect();
        at_account(Acceptor { exact, ..Acceptor::default() })
    }));
    let both: Vec<Acceptor> = own.iter().cloned().chain(of_its).collect();
    let word = |text: &str| text.chars().map(|one| Token::OneOf([one].into())).collect();
    let owners = [
        members(&own, &[with_account(Vec::new())]),
        members(&own, &[with_account(word(OF_AWS))]),
        members(&both, &[with_account(Form::Account.tokens())]),
    ];
    let complete = owners.iter().all(|members| members.complete);
    let likely = nice::texts(&range, of_arn).into_iter();
    // What stands for a whole ARN reads better as the name of a bucket than as a partition.
    let buckets =
        nice::mentioned(of_arn).into_iter().map(|text| format!("arn:aws:s3:::{text}").into());
    let texts = owners.into_iter().flat_map(|members| members.found);
    let all = likely.chain(buckets).chain(texts.map(|(_, text)| text.into()));
    let is_possible = |text: &str| Arn::parse(text).is_some_and(|arn| arn.has_owner());
    (all.filter(|text| is_possible(text)).collect(), complete)
}

/// What stands in place of the account of what AWS owns.
const OF_AWS: &str = "aws";

/// What the question fixes of a key.
fn given(limits: &Limits, key: &str) -> Option<Vec<Option<Box<str>>>> {
    match limit(limits, key)? {
        Limit::Given(values) => Some(vec![values.first().cloned()]),
        Limit::Absent => Some(vec![None]),
        _ => None,
    }
}

fn absent_or(texts: impl Iterator<Item = Box<str>>) -> Vec<Option<Box<str>>> {
    std::iter::once(None).chain(texts.map(Some)).collect()
}

/// The ARNs with such an account.
fn with_account(account: Vec<Token>) -> Vec<Token> {
    let colon = || Token::OneOf([':'].into());
    let mut tokens: Vec<Token> = "arn".chars().map(|one| Token::OneOf([one].into())).collect();
    for _ in 0..3 {
        tokens.extend([colon(), Token::RunBut(':')]);
    }
    tokens.push(colon());
    tokens.extend(account);
    tokens.extend([colon(), Token::Run]);
    tokens
}

/// The ARNs with an account that is accepted.
fn at_account(accounts: Acceptor) -> Acceptor {
    let one = |account: &str| account.chars().map(|one| Token::OneOf([one].into())).collect();
    let exact = accounts.exact.iter().map(|account| one(account));
    let globs = accounts.globs.into_iter().map(|glob| within(glob.into_iter(), ':').collect());
    let all = exact.chain(globs).filter(|it: &Vec<Token>| !it.iter().any(is_colon));
    Acceptor { globs: all.map(with_account).collect(), exact: Vec::new() }
}

/// No account has a colon.
fn is_colon(token: &Token) -> bool {
    matches!(token, Token::OneOf(characters) if characters.contains(&':'))
}
