//! Strangers whom nothing names: principals of an account that can be of any kind. A formula holds of some
//! request of theirs where it does of one of some kind.

use std::sync::Arc;

use crate::aws::ActionSet;
use crate::decision::{Caller, Context};
use crate::policy::Comparison;

use super::axioms::equals;
use super::caller_values::USER_ID;
use super::domain::limit;
use super::formula::{Atom, Formula};
use super::frame::{Frame, Limit, Who};
use super::solve::{Found, Solver};

/// The condition key of the ARN of who asks, in lower case.
pub(super) const PRINCIPAL_ARN: &str = "aws:principalarn";
const USER_NAME: &str = "aws:username";

/// The kinds of principals that accounts have, those that most often ask first.
pub(super) const KINDS: [Who; 4] = [Who::Session, Who::User, Who::Root, Who::Federated];

/// The limit that tells the account of a stranger whom nothing names.
pub(super) fn of_account(partition: &str, account: &str) -> (Box<str>, Limit) {
    let arns = format!("arn:{partition}:?*::{account}:?*");
    (PRINCIPAL_ARN.into(), Limit::PresentLike(arns.into()))
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
            Some(Limit::PresentLike(arns)) => {
                let mut parts = arns.split(':').skip(1);
                parts.next().zip(parts.nth(2))
            }
            _ => None,
        };
        let Some((partition, account)) =
            home.filter(|_| keys.iter().any(|(key, _)| tells_kinds(key)))
        else {
            return self.find(formula, &Frame { caller: Who::Session, ..frame.clone() });
        };
        let mut all = Found::No;
        for who in KINDS {
            let kind = Kind { who, partition, account };
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
        let context = match self.find(formula, frame) {
            Found::Yes(context) => context,
            other => return other,
        };
        if let Some(whole) = kind.whole(&context) {
            return Found::Yes(whole.into());
        }
        let named = kind.name(&context).map(|name| (PRINCIPAL_ARN, kind.arn(&name)));
        let arn = text(&context, PRINCIPAL_ARN);
        let by_arn = arn.and_then(|arn| kind.told_by(arn));
        let in_path = arn.and_then(|arn| {
            let (path, _) = arn.rsplit_once('/')?;
            Some((PRINCIPAL_ARN, format!("{path}/{}", kind.name(&context)?)))
        });
        for (key, value) in in_path.into_iter().chain(named).chain(by_arn) {
            let pin = Atom::Request(equals(Comparison::StringEquals, key, &value));
            let pinned = self.formulas.and([formula, self.formulas.of(pin)]);
            if let Found::Yes(context) = self.find(pinned, frame)
                && let Some(whole) = kind.whole(&context)
            {
                return Found::Yes(whole.into());
            }
        }
        Found::Undecided
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

/// The one text that a key holds.
fn text<'c>(context: &'c Context, key: &str) -> Option<&'c str> {
    match context.get(key)?.value.values() {
        [only] => Some(only),
        _ => None,
    }
}
