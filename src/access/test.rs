//! One condition entry over a request-time condition key, its policy variables resolved where the export
//! fixes them.

use crate::policy::{Comparison, Operator, Polarity};

/// A test of one condition key. Equal tests are one, whatever policy they stand in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Test {
    /// The condition key in lower case (rule C4); what a request can give in several spellings at once (rule
    /// C5) in its own behind that.
    pub(super) key: Box<str>,
    /// The operator, quantifier and `IfExists` included. Plain negated operators (no quantifier, no
    /// `IfExists`) on texts, ARNs and addresses are written as the negation of the positive test.
    pub(super) operator: Operator,
    /// What it is compared with, sorted; one that matches is enough (rules C1, C2).
    pub(super) values: Box<[Operand]>,
    /// Whether a grant asks, and no policy: a pair of the encryption context counts in whatever spelling it is
    /// given (rule G21), and the set of names only where it has none in more spellings than the grant lists
    /// (rule G20). With a quantifier it is the values of a pair in all its spellings: `ForAnyValue` asks that
    /// all of these are among them, `ForAllValues` that they are just these, a value twice where it stands
    /// twice.
    pub(super) of_grant: bool,
}

/// One value of a policy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Operand {
    /// A text or pattern: for operators without wildcards only `Text` and `Variable` pieces.
    Text(Box<[Piece]>),
    /// Six patterns, compared part by part (rule C18).
    Arn(Box<[Box<[Piece]>]>),
    /// The lone `*` of Arn operators: any ARN (rule C23).
    AnyArn,
}

/// A piece of an [`Operand`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Piece {
    /// These characters; neighbours are joined.
    Text(Box<str>),
    /// Any run of characters.
    AnyRun,
    /// Any one character.
    AnyOne,
    /// The value of another request-time key (rule C40), or the default where it is absent; where there
    /// is neither, the operand matches nothing (rule C42).
    Variable {
        /// The key, as that of a test.
        key: Box<str>,
        /// What stands for it when it is absent.
        default: Option<Box<str>>,
    },
}

impl Test {
    /// Whether the request carries `key` (in lower case).
    pub(super) fn present(key: &str) -> Self {
        let operator = Operator {
            quantifier: None,
            comparison: Comparison::Null,
            polarity: Polarity::Is,
            if_exists: false,
        };
        Self::of(key, operator, &["false"])
    }

    /// A test of `key` (in lower case) against texts.
    pub(super) fn of(key: &str, operator: Operator, texts: &[&str]) -> Self {
        let operand = |text: &&str| Operand::Text(Box::from([Piece::Text((*text).into())]));
        let mut values: Vec<Operand> = texts.iter().map(operand).collect();
        values.sort_unstable();
        values.dedup();
        Self { key: key.into(), operator, values: values.into(), of_grant: false }
    }
}
