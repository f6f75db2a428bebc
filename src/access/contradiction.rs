//! Assumptions that no request agrees with.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::aws::{KmsAction, carried};
use crate::decision::{Assumptions, Context, ContextValue, Entry, FACTS, agree};
use crate::policy::Comparison;

use super::axioms::equals;
use super::caller_values::{ORG_ID, ORG_PATHS};
use super::formula::{Atom, Formula, Formulas};
use super::frame::{Frame, Limit, Who};
use super::solve::{Held, Solver};
use super::spellings::folded;
use super::test::Test;

/// Whose requests are looked at.
const CALLERS: [Who; 5] = [Who::User, Who::Root, Who::Session, Who::Federated, Who::Service];

/// Whose request, for which action.
type Asking = (Who, KmsAction);

/// What is assumed of condition keys that no request says together, in words; nothing where some request of
/// everybody agrees with what it can carry of it.
pub fn contradiction(assumptions: &Assumptions) -> Option<Vec<String>> {
    // The service in between is one of some Region.
    let assumed = assumptions.context(KmsAction::CREATE_GRANT, Some("us-east-1"));
    let mut all = assumptions.given.clone();
    all.lay_over(&assumed);
    let looked = Looked::at(&all)?;
    looked.together().map(|keys| keys.iter().map(|key| words(&all, key)).collect())
}

/// What is assumed, and the requests that may agree with it.
struct Looked<'c> {
    solver: Solver,
    assumed: &'c Context,
    askings: Vec<Asking>,
}

impl<'c> Looked<'c> {
    /// Nothing where nothing is assumed.
    fn at(assumed: &'c Context) -> Option<Self> {
        let keys: Vec<String> = keys(assumed).collect();
        if keys.is_empty() {
            return None;
        }
        // Actions that carry the same of it have the same requests.
        let mut seen = BTreeSet::new();
        let is_other = |action: &KmsAction| {
            let carries = keys.iter().map(|key| carried(*action, key));
            seen.insert(carries.collect::<Vec<bool>>())
        };
        let actions: Vec<KmsAction> = KmsAction::all().filter(is_other).collect();
        let of_caller = |who| actions.iter().map(move |action| (who, *action));
        let askings = CALLERS.into_iter().flat_map(of_caller).collect();
        // Nothing here hangs on the clock.
        let solver = Solver::new(Arc::new(Formulas::new()), FACTS, Timestamp::UNIX_EPOCH);
        Some(Self { solver, assumed, askings })
    }

    /// The fewest keys of which nobody's request says what is assumed.
    fn together(&self) -> Option<Vec<String>> {
        self.askings.iter().find_map(|asking| {
            let mut keys: Vec<String> =
                keys(self.assumed).filter(|key| self.carries(*asking, key)).collect();
            if self.is_possible(*asking, &keys) {
                return None;
            }
            for key in keys.clone() {
                let others: Vec<String> = keys.iter().filter(|it| **it != key).cloned().collect();
                if !self.is_possible(*asking, &others) {
                    keys = others;
                }
            }
            let concerns = |it: &&Asking| keys.iter().all(|key| self.carries(**it, key));
            let mut askings = self.askings.iter().filter(concerns);
            askings.all(|it| !self.is_possible(*it, &keys)).then_some(keys)
        })
    }

    /// Whether a request can carry what is assumed of a key, other keys aside: that it is absent, every one can.
    fn carries(&self, (who, action): Asking, key: &str) -> bool {
        let frame = Frame { caller: who, action: action.into(), limits: Arc::default() };
        self.assumed.get(key).is_none() || self.solver.holds(self.present(key), &frame) != Held::No
    }

    /// Whether some request says all of this together, as far as is known.
    fn is_possible(&self, (who, action): Asking, keys: &[String]) -> bool {
        let mut context = Context::default();
        let mut limits: Vec<(Box<str>, Limit)> = Vec::new();
        let mut says: Vec<Formula> = Vec::new();
        for key in keys {
            match self.assumed.get(key) {
                Some(entry) => {
                    context.set(key, entry.value.clone());
                    says.push(self.says(entry));
                }
                None => {
                    limits.push((folded(key), Limit::Absent));
                    says.push(self.solver.formulas.not(self.present(key)));
                }
            }
        }
        limits.sort();
        let frame = Frame { caller: who, action: action.into(), limits: limits.into() };
        let formula = self.solver.formulas.and(says);
        let in_none = |one: &str, other: &str| {
            context.get(one).is_some()
                && keys.iter().any(|key| key.eq_ignore_ascii_case(other))
                && context.get(other).is_none()
        };
        // Section 2.5: both keys of the organization or neither.
        let is_torn = in_none(ORG_ID, ORG_PATHS) || in_none(ORG_PATHS, ORG_ID);
        !is_torn && agree(&context) && self.solver.holds(formula, &frame) != Held::No
    }

    /// That a key is there, and what it says where facts speak of that.
    fn says(&self, entry: &Entry) -> Formula {
        let text = match &entry.value {
            ContextValue::One(value) => value.to_ascii_lowercase(),
            ContextValue::Many(_) => String::new(),
        };
        match &*text {
            "true" | "false" => {
                let test = equals(Comparison::Bool, &folded(&entry.name), &text);
                self.solver.formulas.of(Atom::Request(test))
            }
            _ => self.present(&entry.name),
        }
    }

    fn present(&self, key: &str) -> Formula {
        self.solver.formulas.of(Atom::Request(Test::present(&folded(key))))
    }
}

/// The keys of which something is assumed, families aside: members of one may be given.
fn keys(assumed: &Context) -> impl Iterator<Item = String> {
    let given = assumed.entries().map(|entry| entry.name.to_string());
    let absent = assumed.absent().filter(|name| !name.ends_with('*')).map(str::to_owned);
    given.chain(absent)
}

fn words(assumed: &Context, key: &str) -> String {
    match assumed.get(key) {
        Some(entry) => format!("{} is {}", entry.name, entry.value.values().join(", ")),
        None => {
            let name = crate::aws::condition_key(key).map_or(key, |info| info.name);
            format!("{name} is absent")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(assumed: &[(&str, &str)], expected: Option<&[&str]>) {
        let mut assumptions = Assumptions::default();
        for (name, value) in assumed {
            match (*name, *value) {
                ("via", service) => assumptions.via(service),
                (name, value) => assumptions.fix(name, value, "--assume").expect("a known key"),
            }
        }
        let found = contradiction(&assumptions);
        let expected = expected.map(|words| words.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(found, expected, "{assumed:?}");
    }

    #[test]
    fn what_no_request_says_together_is_named() {
        let mfa = "aws:MultiFactorAuthPresent";
        let age = "aws:MultiFactorAuthAge";
        let through = ("kms:ViaService", "s3.us-east-1.amazonaws.com");
        let itself = ("aws:ViaAWSService", "false");
        check(
            &[("aws:SourceIp", "192.0.2.1"), (mfa, "absent"), (age, "5")],
            Some(&["aws:MultiFactorAuthAge is 5", "aws:MultiFactorAuthPresent is absent"]),
        );
        check(
            &[through, itself],
            Some(&["aws:ViaAWSService is false", "kms:ViaService is s3.us-east-1.amazonaws.com"]),
        );
        check(
            &[itself, ("via", "s3")],
            Some(&["aws:ViaAWSService is false", "kms:ViaService is s3.us-east-1.amazonaws.com"]),
        );
        check(&[("aws:SecureTransport", "false")], Some(&["aws:SecureTransport is false"]));
        check(
            &[("aws:SourceIp", "192.0.2.1"), ("aws:SourceVpce", "vpce-1")],
            Some(&["aws:SourceIp is 192.0.2.1", "aws:SourceVpce is vpce-1"]),
        );
        check(
            &[("aws:PrincipalOrgID", "absent"), ("aws:PrincipalOrgPaths", "o-a0/r-x/")],
            Some(&["aws:PrincipalOrgPaths is o-a0/r-x/", "aws:PrincipalOrgID is absent"]),
        );
        check(
            &[
                ("aws:SourceArn", "arn:aws:sns:us-east-1:111122223333:t"),
                ("aws:SourceAccount", "444455556666"),
            ],
            Some(&[
                "aws:SourceAccount is 444455556666",
                "aws:SourceArn is arn:aws:sns:us-east-1:111122223333:t",
            ]),
        );
    }

    #[test]
    fn what_some_requests_say_is_assumed_of_all() {
        let mfa = "aws:MultiFactorAuthPresent";
        let issued = "aws:TokenIssueTime";
        check(&[], None);
        // Users can leave out what sessions never do, and say through a service what they never say themselves.
        check(&[(issued, "absent"), (mfa, "absent")], None);
        check(&[("aws:MultiFactorAuthAge", "5"), (mfa, "false")], None);
        check(&[(issued, "absent"), (mfa, "true")], None);
        // Nobody's requests carry both, but each is said of somebody's.
        check(&[("aws:SourceAccount", "444455556666"), (mfa, "true")], None);
        check(&[("via", "s3")], None);
        // What a question rules out is asked for all the same.
        check(&[("aws:ViaAWSService", "absent")], None);
    }
}
