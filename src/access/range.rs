//! What texts AWS can send under a condition key. Only what AWS says limits a key: a limit left out makes
//! more requests possible, which is sound.

use jiff::Timestamp;

use crate::aws::{AccountId, Arn, KmsAction, ValueType, condition_key};
use crate::decision::LONGEST_SESSION;

use super::automaton::Token;
use super::caller_values::USER_ID;
use super::glob::{takes, takes_all_of};
use super::test::Piece;

/// The texts of one key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Range {
    /// These and no others.
    Finite(Vec<Box<str>>),
    /// All texts that have all of these forms.
    Texts {
        /// The forms.
        forms: Vec<Form>,
        /// Whether the empty text is one.
        empty: bool,
    },
    /// Whole numbers.
    Numbers(Whole),
    /// Addresses of both families.
    Addresses,
}

/// Whole numbers of a stretch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Whole {
    /// The least.
    pub(super) from: i64,
    /// The greatest.
    pub(super) to: i64,
    /// What stands there most often.
    pub(super) usual: i64,
    /// How they are written.
    pub(super) written: Written,
}

impl Whole {
    /// From here on.
    pub(super) fn from(from: i64, written: Written) -> Self {
        Self { from, to: i64::MAX, usual: from, written }
    }

    /// Whether a number is one of them.
    pub(super) fn has(self, number: i64) -> bool {
        (self.from..=self.to).contains(&number)
    }
}

/// A form that texts have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// A pattern.
    Like(Box<[Piece]>),
    /// A pattern of parts that stand between these characters: no wildcard takes one.
    Parts(Box<[Piece]>, char),
    /// What begins with an organization and its root.
    Place,
    /// An ARN.
    Arn,
    /// The twelve digits of an account.
    Account,
}

/// How whole numbers are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Written {
    /// In digits.
    Digits,
    /// As an instant, so many seconds after 1970.
    Instant,
}

impl Range {
    /// What the key, in lower case, can hold.
    pub(super) fn of(key: &str, now: Timestamp) -> Self {
        if let Some(texts) = listed(key) {
            return Self::Finite(texts);
        }
        let numbers = |from, written| Self::Numbers(Whole::from(from, written));
        match key {
            // Section 2.5: requests happen from now on.
            "aws:currenttime" => return numbers(from(now), Written::Instant),
            "aws:epochtime" => return numbers(from(now), Written::Digits),
            // Section 2.5: requests are made while their credentials are valid.
            "aws:tokenissuetime" => {
                let usual = now.as_second();
                let from = from(now) - LONGEST_SESSION;
                return Self::Numbers(Whole { usual, ..Whole::from(from, Written::Instant) });
            }
            // Rule C59.
            "kms:validto" => return numbers(0, Written::Digits),
            _ => {}
        }
        let info = condition_key(key);
        if let Some([from, to]) = info.and_then(|info| info.bounds) {
            // Rule C51: what most requests leave out.
            let default = info.and_then(|info| info.default?.parse().ok());
            let whole = Whole::from(from, Written::Digits);
            return Self::Numbers(Whole { to, usual: default.unwrap_or(from), ..whole });
        }
        match info.map(|info| info.value) {
            Some(ValueType::Bool) => Self::Finite(vec!["false".into(), "true".into()]),
            Some(ValueType::Numeric) => numbers(0, Written::Digits),
            Some(ValueType::Date) => numbers(0, Written::Instant),
            Some(ValueType::IpAddress) => Self::Addresses,
            Some(ValueType::Arn) => Self::Texts { forms: vec![Form::Arn], empty: false },
            Some(ValueType::String) | None => {
                Self::Texts { forms: forms(key), empty: can_be_empty(key) }
            }
        }
    }

    /// The same, and of this form. What cannot be cut so stays whole; nothing then.
    pub(super) fn of_form(self, form: Form) -> Option<Self> {
        match self {
            Self::Finite(mut texts) => {
                texts.retain(|text| form.has(text));
                Some(Self::Finite(texts))
            }
            Self::Texts { mut forms, empty } => {
                let empty = empty && form.has("");
                forms.push(form);
                Some(Self::Texts { forms, empty })
            }
            Self::Numbers(_) | Self::Addresses => None,
        }
    }

    /// The same, of listed texts these first.
    pub(super) fn rather(mut self, first: &[Box<str>]) -> Self {
        if let Self::Finite(texts) = &mut self {
            texts.sort_by_key(|text| !first.contains(text));
        }
        self
    }

    /// Whether a text is in the range.
    pub(super) fn has(&self, text: &str) -> bool {
        match self {
            Self::Finite(texts) => texts.iter().any(|one| **one == *text),
            Self::Texts { forms, empty } => {
                (*empty || !text.is_empty()) && forms.iter().all(|form| form.has(text))
            }
            Self::Numbers(whole) => {
                read(text, whole.written).is_some_and(|number| whole.has(number))
            }
            Self::Addresses => super::values::address(text).is_some(),
        }
    }
}

/// Now, in seconds; a fraction of a second has begun already.
fn from(now: Timestamp) -> i64 {
    now.as_second() + i64::from(now.subsec_nanosecond() > 0)
}

/// How a whole number is written.
pub(super) fn write(number: i64, written: Written) -> Option<Box<str>> {
    match written {
        Written::Digits => Some(number.to_string().into()),
        Written::Instant => Some(Timestamp::from_second(number).ok()?.to_string().into()),
    }
}

/// The whole number that a text is exactly the writing of.
pub(super) fn read(text: &str, written: Written) -> Option<i64> {
    let number = match written {
        Written::Digits => super::values::Decimal::parse(text)?.integer()?,
        Written::Instant => super::values::Decimal::instant(text)?.integer()?,
    };
    (write(number, written)? == text.into()).then_some(number)
}

fn listed(key: &str) -> Option<Vec<Box<str>>> {
    let texts = match key {
        // Rule C60.
        "kms:grantconstrainttype" => &["EncryptionContextEquals", "EncryptionContextSubset"][..],
        // Sign and Verify, page by page of the API.
        "kms:messagetype" => &["RAW", "DIGEST", "EXTERNAL_MU"],
        // Rule C51: KMS knows no other name.
        "kms:policyname" => &["default"],
        "kms:grantoperations" => return Some(grantable()),
        _ => return None,
    };
    Some(texts.iter().map(|text| (*text).into()).collect())
}

/// Rule G3.
fn grantable() -> Vec<Box<str>> {
    let actions = KmsAction::all().filter(|action| action.info().grantable);
    actions.map(|action| action.name().into()).collect()
}

fn forms(key: &str) -> Vec<Form> {
    match key {
        "aws:principalaccount"
        | "aws:resourceaccount"
        | "aws:sourceaccount"
        | "kms:calleraccount"
        | "aws:vpceaccount" => vec![Form::Account],
        // Rule C53.
        "kms:viaservice" => vec![Form::like("?*.amazonaws.com")],
        "aws:principalorgid" | "aws:sourceorgid" | "aws:vpceorgid" => {
            vec![Form::organization()]
        }
        "aws:principalorgpaths" | "aws:sourceorgpaths" | "aws:vpceorgpaths" => {
            vec![Form::Place, Form::like("*/")]
        }
        _ => Vec::new(),
    }
}

/// Tags and pairs of the encryption context have empty values; AWS says so of no other key.
pub(super) fn can_be_empty(key: &str) -> bool {
    const FAMILIES: [&str; 4] =
        ["aws:principaltag/", "aws:requesttag/", "aws:resourcetag/", "kms:encryptioncontext:"];
    FAMILIES.iter().any(|family| key.starts_with(family))
}

impl Form {
    /// The form of a pattern that limits a key: the parts of a unique id hold no colon (rule C45).
    pub(super) fn limiting(key: &str, pattern: &str) -> Self {
        if key == USER_ID { Self::parts(pattern, ':') } else { Self::like(pattern) }
    }

    /// The ids of organizations.
    pub(super) fn organization() -> Self {
        Self::parts("o-?*", '/')
    }

    /// A pattern with `*` and `?`, which take no such character.
    fn parts(pattern: &str, between: char) -> Self {
        Self::Parts(pieces(pattern), between)
    }

    /// A pattern with `*` and `?`.
    pub(super) fn like(pattern: &str) -> Self {
        Self::Like(pieces(pattern))
    }

    /// Whether it is a pattern that takes whatever another takes, as far as their places tell.
    pub(super) fn takes_all_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Like(own), Self::Like(other)) => takes_all_of(own, other),
            _ => false,
        }
    }

    /// Whether a text is of this form.
    pub(super) fn has(&self, text: &str) -> bool {
        match self {
            Self::Like(pieces) => takes(pieces, text, &|_| None),
            Self::Parts(pieces, between) => {
                let own = |piece: &Piece| match piece {
                    Piece::Text(text) => text.matches(*between).count(),
                    _ => 0,
                };
                takes(pieces, text, &|_| None)
                    && text.matches(*between).count() == pieces.iter().map(own).sum::<usize>()
            }
            Self::Place => {
                let mut parts = text.split('/');
                let mut is_next = |form: Self| parts.next().is_some_and(|part| form.has(part));
                is_next(Self::organization())
                    && is_next(Self::like("r-?*"))
                    && parts.next().is_some()
            }
            Self::Arn => Arn::parse(text).is_some(),
            Self::Account => AccountId::parse(text).is_some(),
        }
    }

    /// The pattern of the form.
    pub(super) fn tokens(&self) -> Vec<Token> {
        match self {
            Self::Like(pieces) => tokens(pieces).collect(),
            Self::Parts(pieces, between) => within(tokens(pieces), *between).collect(),
            Self::Place => {
                let root = pieces("o-?*/r-?*/");
                within(tokens(&root), '/').chain([Token::Run]).collect()
            }
            Self::Arn => arn_tokens(),
            Self::Account => vec![Token::OneOf(('0'..='9').collect()); 12],
        }
    }
}

/// A pattern with `*` and `?`, in pieces.
fn pieces(pattern: &str) -> Box<[Piece]> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['*', '?']) {
        let (text, behind) = rest.split_at(at);
        if !text.is_empty() {
            pieces.push(Piece::Text(text.into()));
        }
        pieces.push(if behind.starts_with('*') { Piece::AnyRun } else { Piece::AnyOne });
        rest = behind.get(1..).unwrap_or_default();
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.into()));
    }
    pieces.into()
}

/// The steps of a pattern, whose wildcards take no such character.
pub(super) fn within(
    tokens: impl Iterator<Item = Token>,
    between: char,
) -> impl Iterator<Item = Token> {
    tokens.map(move |token| match token {
        Token::Run => Token::RunBut(between),
        Token::One => Token::OneBut(between),
        other => other,
    })
}

/// Any ARN (rule C23).
pub(super) fn arn_tokens() -> Vec<Token> {
    let colon = || Token::OneOf([':'].into());
    let mut tokens: Vec<Token> = "arn".chars().map(|one| Token::OneOf([one].into())).collect();
    for _ in 0..4 {
        tokens.extend([colon(), Token::RunBut(':')]);
    }
    tokens.extend([colon(), Token::Run]);
    tokens
}

/// The steps of a pattern; a variable matches nothing here, so its maker resolves it before.
pub(super) fn tokens(pieces: &[Piece]) -> impl Iterator<Item = Token> {
    pieces.iter().flat_map(|piece| match piece {
        Piece::Text(text) => text.chars().map(|one| Token::OneOf([one].into())).collect(),
        Piece::AnyRun => vec![Token::Run],
        Piece::AnyOne => vec![Token::One],
        Piece::Variable { .. } => vec![Token::OneOf([].into())],
    })
}
