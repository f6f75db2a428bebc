//! Strangers whom nothing names: principals of an account that can be of any kind. A formula holds of some
//! request of theirs where it does of one of some kind.

use std::sync::Arc;

use crate::aws::ActionSet;
use crate::decision::{Caller, Context};
use crate::policy::{Comparison, Operator, Polarity};

use super::axioms::equals;
use super::caller_values::USER_ID;
use super::domain::limit;
use super::formula::{Atom, Formula, Formulas};
use super::frame::{Frame, Limit, Who};
use super::solve::{Found, Solver};
use super::test::{Operand, Piece, Test};

/// The condition key of the ARN of who asks, in lower case.
pub(super) const PRINCIPAL_ARN: &str = "aws:principalarn";
const USER_NAME: &str = "aws:username";

/// How many names are tried that turn out to be nobody's.
const ROUNDS: usize = 8;

/// One of these texts, and no other.
const PLAIN: Operator = Operator {
    quantifier: None,
    comparison: Comparison::StringEquals,
    polarity: Polarity::Is,
    if_exists: false,
};

/// The kinds of principals that accounts have, those that most often ask first.
pub(super) const KINDS: [Who; 4] = [Who::Session, Who::User, Who::Root, Who::Federated];

/// The limit that tells the account of a stranger whom nothing names, and those of it whom something names.
pub(super) fn of_account(partition: &str, account: &str, named: &[Box<str>]) -> (Box<str>, Limit) {
    let arns = format!("arn:{partition}:?*::{account}:?*");
    (PRINCIPAL_ARN.into(), Limit::PresentLikeBut(arns.into(), named.into()))
}

/// That who asks is a service-linked role (rule E44).
pub(super) fn of_service_linked_role() -> Test {
    let literal = |text: &str| Box::from([Piece::Text(text.into())]);
    let path = Box::from([Piece::Text("role/aws-service-role/".into()), Piece::AnyRun]);
    let parts: [Box<[Piece]>; 6] = [
        literal("arn"),
        Box::from([Piece::AnyRun]),
        literal("iam"),
        Box::default(),
        Box::from([Piece::AnyRun]),
        path,
    ];
    let operator = Operator { comparison: Comparison::ArnLike, ..PLAIN };
    let values = Box::from([Operand::Arn(Box::from(parts))]);
    Test { key: PRINCIPAL_ARN.into(), operator, values, of_grant: false }
}

/// Whether requests of one kind can hold something else under a key (in lower case) than those of another.
pub(super) fn tells_kinds(key: &str) -> bool {
    const KEYS: [&str; 7] = [
        PRINCIPAL_ARN,
        "aws:principaltype",
        USER_ID,
        USER_NAME,
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:tokenissuetime",
    ];
    KEYS.contains(&key) || key.starts_with("aws:principaltag/")
}

/// Principals of one kind of one account.
struct Kind<'f> {
    who: Who,
    partition: &'f str,
    account: &'f str,
}

impl Solver {
    /// What is found for principals of every kind together.
    pub(super) fn solve_unnamed(&self, formula: Formula, frame: &Frame) -> Found {
        let keys = self.keys(formula);
        let home = match limit(&frame.limits, PRINCIPAL_ARN) {
            Some(Limit::PresentLikeBut(arns, named)) => {
                let mut parts = arns.split(':').skip(1);
                parts.next().zip(parts.nth(2)).map(|home| (home, &**named))
            }
            _ => None,
        };
        let Some(((partition, account), named)) = home.filter(|_| self.tells_kinds(formula)) else {
            return self.find(formula, &Frame { caller: Who::Session, ..frame.clone() });
        };
        let mut all = Found::No;
        for who in KINDS {
            let kind = Kind { who, partition, account };
            let unnamed = kind.is_none_of(&self.formulas, named, &keys);
            let formula = self.formulas.and([formula, unnamed]);
            match self.find_of(&kind, formula, &kind.frame(frame, &keys)) {
                Found::No => {}
                Found::Undecided => all = Found::Undecided,
                yes @ Found::Yes(_) => return yes,
            }
        }
        all
    }

    /// A request of one kind, which says who asks. Names stand in two keys, which must agree.
    fn find_of(&self, kind: &Kind<'_>, formula: Formula, frame: &Frame) -> Found {
        let holds = |test: Test| self.formulas.of(Atom::Request(test));
        let mut formula = formula;
        for _ in 0..ROUNDS {
            let context = match self.find(formula, frame) {
                Found::Yes(context) => context,
                other => return other,
            };
            if let Some(whole) = kind.whole(&context) {
                return Found::Yes(whole.into());
            }
            if text(&context, PRINCIPAL_ARN).is_some_and(|arn| Caller::parse(arn).is_none()) {
                // Nobody is called so: somebody else it is, or nobody.
                let is_nobody = holds(kind.of_nobody());
                formula = self.formulas.and([formula, self.formulas.not(is_nobody)]);
                continue;
            }
            let Some(name) = kind.name(&context) else {
                return Found::Undecided;
            };
            let in_arn = text(&context, PRINCIPAL_ARN).and_then(|arn| arn.rsplit('/').next());
            let mut all = Found::No;
            for name in [&*name].into_iter().chain(in_arn) {
                let is_called = self.formulas.and([formula, self.is_called(kind, name)]);
                match self.find(is_called, frame) {
                    Found::Yes(context) => match kind.whole(&context) {
                        Some(whole) => return Found::Yes(whole.into()),
                        None => all = Found::Undecided,
                    },
                    Found::No => {}
                    Found::Undecided => all = Found::Undecided,
                }
            }
            if all != Found::No {
                return all;
            }
            // Nobody of these names: somebody of another one, or nobody.
            for name in [&*name].into_iter().chain(in_arn) {
                let told = kind.told_by(name).map(|(key, value)| named(key, &value));
                let tests = told.into_iter().chain([kind.called(name)]);
                let is_called = self.formulas.or(tests.map(holds));
                formula = self.formulas.and([formula, self.formulas.not(is_called)]);
            }
        }
        Found::Undecided
    }

    /// That who asks has this name, in both keys.
    fn is_called(&self, kind: &Kind<'_>, name: &str) -> Formula {
        let told = kind.told_by(name).map(|(key, value)| named(key, &value));
        let tests = told.into_iter().chain([kind.called(name)]);
        self.formulas.and(tests.map(|test| self.formulas.of(Atom::Request(test))))
    }
}

impl Kind<'_> {
    /// What requests of the kind hold (rules C44 to C46); `keys` are those that are asked for.
    fn frame(&self, frame: &Frame, keys: &[(Arc<str>, ActionSet)]) -> Frame {
        let account = self.account;
        let only = |text: &str| Limit::Given([text.into()].into());
        let like = |pattern: String| Limit::PresentLike(pattern.into());
        let (word, name, id) = match self.who {
            Who::User => ("User", Limit::Present, like("AIDA?*".to_owned())),
            Who::Root => ("Account", Limit::Absent, only(account)),
            Who::Federated => ("FederatedUser", Limit::Absent, like(format!("{account}:?*"))),
            _ => ("AssumedRole", Limit::Absent, like("AROA?*:?*".to_owned())),
        };
        let arn = match self.who {
            Who::Root => only(&self.arn("")),
            _ => like(self.arn("?*")),
        };
        let mut own = vec![("aws:principaltype", only(word)), (USER_NAME, name), (USER_ID, id)];
        if self.who == Who::Root {
            let tags = keys.iter().filter(|(key, _)| key.starts_with("aws:principaltag/"));
            own.extend(tags.map(|(key, _)| (&**key, Limit::Absent)));
        }
        // What a question fixes stays.
        own.retain(|(key, _)| limit(&frame.limits, key).is_none());
        let kept = frame.limits.iter().filter(|(key, _)| **key != *PRINCIPAL_ARN).cloned();
        let own = own.into_iter().chain([(PRINCIPAL_ARN, arn)]);
        let mut limits: Vec<(Box<str>, Limit)> =
            kept.chain(own.map(|(key, limit)| (key.into(), limit))).collect();
        limits.sort();
        Frame { caller: self.who, action: frame.action, limits: limits.into() }
    }

    /// Holds of the ARNs of principals of this name, with whatever path.
    fn called(&self, name: &str) -> Test {
        let plain = vec![Piece::Text(self.arn(name).into())];
        let mut patterns = vec![plain];
        if self.who == Who::User {
            let (path, name) = (self.arn(""), format!("/{name}"));
            let run = [Piece::AnyOne, Piece::AnyRun];
            let ends = (Piece::Text(path.into()), Piece::Text(name.into()));
            patterns.push([ends.0].into_iter().chain(run).chain([ends.1]).collect());
        }
        like(patterns)
    }

    /// Holds of the ARNs that nobody has: those without a name, or with what stands in none (page "IAM and AWS
    /// STS quotas").
    fn of_nobody(&self) -> Test {
        let has = |text: &str| vec![Piece::AnyRun, Piece::Text(text.into()), Piece::AnyRun];
        let mut patterns = vec![vec![Piece::AnyRun, Piece::Text("/".into())]];
        patterns.extend(["*", "?", " "].map(has));
        if self.who == Who::Federated {
            let beginning = Piece::Text(self.arn("").into());
            let slash = Piece::Text("/".into());
            patterns.push(vec![beginning, Piece::AnyRun, slash, Piece::AnyRun]);
        }
        like(patterns)
    }

    /// That who asks is none of those named, who have rows of their own, nor a federated user that one of them
    /// made, who has its name; `keys` are those that are asked for.
    fn is_none_of(
        &self,
        formulas: &Formulas,
        named: &[Box<str>],
        keys: &[(Arc<str>, ActionSet)],
    ) -> Formula {
        let of_kind = |arn: &str| -> Option<String> {
            match (Who::from(&Caller::parse(arn)?.kind), self.who) {
                (who, own) if who == own => Some(arn.to_owned()),
                (Who::User, Who::Federated) => Some(self.arn(arn.rsplit('/').next()?)),
                _ => None,
            }
        };
        let own: Vec<String> = named.iter().filter_map(|arn| of_kind(arn)).collect();
        if own.is_empty() {
            return Formula::TRUE;
        }
        let is_asked = |key: &str| keys.iter().any(|(asked, _)| **asked == *key);
        let told: Vec<(&str, String)> = own
            .iter()
            .flat_map(|arn| {
                let by_arn = self.told_by(arn).filter(|(key, _)| is_asked(key));
                by_arn.into_iter().chain([(PRINCIPAL_ARN, arn.clone())])
            })
            .collect();
        let is_one = |key: &str| {
            let texts: Vec<&str> =
                told.iter().filter(|(of, _)| *of == key).map(|(_, text)| &**text).collect();
            let test = Test::of(key, PLAIN, &texts);
            if texts.is_empty() { Formula::FALSE } else { formulas.of(Atom::Request(test)) }
        };
        formulas.not(formulas.or([PRINCIPAL_ARN, USER_NAME, USER_ID].map(is_one)))
    }

    /// `aws:PrincipalArn` of the principal of this name (rule C46).
    fn arn(&self, name: &str) -> String {
        let Self { partition, account, .. } = self;
        match self.who {
            Who::User => format!("arn:{partition}:iam::{account}:user/{name}"),
            Who::Root => format!("arn:{partition}:iam::{account}:root"),
            Who::Federated => format!("arn:{partition}:sts::{account}:federated-user/{name}"),
            _ => format!("arn:{partition}:iam::{account}:role/{name}"),
        }
    }

    /// The name that a key beside the ARN tells (rules C44, C45).
    fn name(&self, context: &Context) -> Option<String> {
        match self.who {
            Who::User => text(context, USER_NAME).map(str::to_owned),
            Who::Federated => {
                let name = text(context, USER_ID)?.strip_prefix(self.account)?;
                name.strip_prefix(':').map(str::to_owned)
            }
            _ => None,
        }
    }

    /// That key, and what it holds where the ARN is this.
    fn told_by(&self, arn: &str) -> Option<(&'static str, String)> {
        let name = arn.rsplit('/').next()?;
        match self.who {
            Who::User => Some((USER_NAME, name.to_owned())),
            Who::Federated => Some((USER_ID, format!("{}:{name}", self.account))),
            _ => None,
        }
    }

    /// The context with the ARN of who asks; nothing where its names do not agree, or nobody has them.
    fn whole(&self, context: &Context) -> Option<Context> {
        let name = self.name(context);
        let arn = match (text(context, PRINCIPAL_ARN), &name) {
            (Some(arn), _) => arn.to_owned(),
            // A role is what such a row has in its place.
            (None, None) if self.who == Who::Session => return Some(context.clone()),
            (None, name) => self.arn(name.as_deref().unwrap_or("any")),
        };
        let agrees = name.is_none_or(|name| arn.rsplit('/').next() == Some(&*name));
        let caller = Caller::parse(&arn);
        let is_kind = caller.is_some_and(|caller| Who::from(&caller.kind) == self.who);
        if !agrees || !is_kind {
            return None;
        }
        let mut whole = context.clone();
        whole.set_one("aws:PrincipalArn", &arn);
        Some(whole)
    }
}

/// The test of a key of names.
fn named(key: &str, value: &str) -> Test {
    equals(Comparison::StringEquals, key, value)
}

/// Whether one of these patterns takes the ARN of who asks.
fn like(patterns: Vec<Vec<Piece>>) -> Test {
    let mut values: Vec<Operand> =
        patterns.into_iter().map(|pieces| Operand::Text(pieces.into())).collect();
    values.sort_unstable();
    let operator = Operator { comparison: Comparison::StringLike, ..PLAIN };
    Test { key: PRINCIPAL_ARN.into(), operator, values: values.into(), of_grant: false }
}

/// The one text that a key holds.
fn text<'c>(context: &'c Context, key: &str) -> Option<&'c str> {
    match context.get(key)?.value.values() {
        [only] => Some(only),
        _ => None,
    }
}
