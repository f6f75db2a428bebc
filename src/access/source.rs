//! The resource on whose behalf a service asks, and its account: where the ARN tells the account it is that one
//! (section 2.5).

use jiff::Timestamp;

use crate::aws::AccountId;
use crate::decision::ContextValue;

use super::automaton::{Acceptor, Token, members};
use super::domain::Entries;
use super::elements::{acceptor, are_of_texts, elements};
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

/// Neither, either, and both together, one of each class that the tests tell apart.
pub(super) fn choices(
    tests: &[&Test],
    now: Timestamp,
    spellings: &Spellings,
) -> (Vec<Entries>, bool) {
    let (of_arn, of_account): (Vec<&Test>, Vec<&Test>) =
        tests.iter().partition(|test| *test.key == *ARN);
    let range = Range::of(ARN, now);
    let accounts = elements(&Range::of(ACCOUNT, now), &of_account);
    let own: Vec<Acceptor> = of_arn.iter().map(|test| acceptor(test)).collect();
    let of_its = of_account.iter().map(|test| at_account(acceptor(test)));
    let both: Vec<Acceptor> = own.iter().cloned().chain(of_its).collect();
    let without = members(&own, &[with_account(Vec::new())]);
    let with = members(&both, &[with_account(Form::Account.tokens())]);
    let likely = nice::texts(&range, &of_arn).into_iter().filter(|text| range.has(text));
    let texts = without.found.into_iter().chain(with.found).map(|(_, text)| Box::from(text));
    let arns: Vec<Box<str>> = likely.chain(texts).collect();
    let one = |key: &str, text: &str| (spellings.spelled(key), ContextValue::One(text.into()));
    let mut found: Vec<Entries> = vec![Vec::new()];
    found.extend(accounts.found.iter().map(|(account, _)| vec![one(ACCOUNT, account)]));
    for arn in &arns {
        found.push(vec![one(ARN, arn)]);
        let beside = |account: &str| vec![one(ARN, arn), one(ACCOUNT, account)];
        match arn.split(':').nth(4).and_then(AccountId::parse) {
            Some(account) => found.push(beside(account.as_str())),
            None => found.extend(accounts.found.iter().map(|(account, _)| beside(account))),
        }
    }
    let complete = without.complete && with.complete && accounts.complete;
    (found, complete && are_of_texts(tests))
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
