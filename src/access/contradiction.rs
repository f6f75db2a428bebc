//! Assumptions that no request agrees with.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::aws::condition_keys::is_multivalued;
use crate::aws::{KmsAction, carried};
use crate::decision::{Assumptions, Context, Entry, FACTS, agree, are_assumable};
use crate::policy::{Comparison, Operator, Polarity, Quantifier};

use super::axioms::equals;
use super::formula::{Atom, Formula, Formulas};
use super::frame::{Frame, Limit, Who};
use super::pairs::{NAMES, PREFIX};
use super::range::{Range, Written};
use super::solve::{Held, Solver};
use super::spellings::{Spellings, folded};
use super::test::Test;
use super::values::{Decimal, truth};

/// Whose requests are looked at.
const CALLERS: [Who; 5] = [Who::User, Who::Root, Who::Session, Who::Federated, Who::Service];

/// The service that calls on somebody's behalf.
const VIA_SERVICE: &str = "kms:ViaService";

/// Whose request, for which action.
type Asking = (Who, KmsAction);

/// What is assumed of condition keys that no request says together, in words; nothing where some request of
/// everybody agrees with what it can carry of it.
pub fn contradiction(assumptions: &Assumptions) -> Option<Vec<String>> {
    let mut all = assumptions.given.clone();
    if let Some(told) = other_service(assumptions) {
        return Some(told);
    }
    // The service in between is one of some Region.
    let service = assumptions.service("us-east-1").filter(|_| all.get(VIA_SERVICE).is_none());
    if let Some(service) = service.filter(|_| !all.is_absent(VIA_SERVICE)) {
        all.set_one(VIA_SERVICE, &service);
    }
    let looked = Looked::at(&all)?;
    looked.together().map(|keys| keys.iter().map(|key| words(&all, key)).collect())
}

/// The service in between where another is assumed, or none (rule U5).
fn other_service(assumptions: &Assumptions) -> Option<Vec<String>> {
    let service = assumptions.via.as_deref()?;
    let is_it = |value: &str| {
        let name = value.strip_suffix(".amazonaws.com").and_then(|it| it.strip_prefix(service));
        name.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let given = assumptions.given.get(VIA_SERVICE).map(|entry| entry.value.values());
    let is_other = given.is_some_and(|values| !values.iter().all(|value| is_it(value)));
    let is_other = is_other || assumptions.given.is_absent(VIA_SERVICE);
    is_other.then(|| {
        let via = format!("{service} calls on the principal's behalf");
        vec![words(&assumptions.given, VIA_SERVICE), via]
    })
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

    /// Whether a request can carry what is assumed of a key, other keys aside. What the requests of some who carry
    /// it always tell is not absent; where it is so of all of them, its absence is asked for all the same.
    fn carries(&self, asking: Asking, key: &str) -> bool {
        let present = self.present(key);
        let holds = |formula, (who, action): Asking| {
            let frame = Frame { caller: who, action: action.into(), limits: Arc::default() };
            self.solver.holds(formula, &frame) != Held::No
        };
        if self.assumed.get(key).is_some() {
            return holds(present, asking);
        }
        let absent = self.solver.formulas.not(present);
        let can_lack = |it: &Asking| carried(it.1, key) && holds(absent, *it);
        holds(absent, asking) || !self.askings.iter().any(can_lack)
    }

    /// Whether some request says all of this together, as far as is known.
    fn is_possible(&self, (who, action): Asking, keys: &[String]) -> bool {
        let mut context = Context::default();
        let mut limits: Vec<(Box<str>, Limit)> = Vec::new();
        let mut says: Vec<Formula> = Vec::new();
        for key in keys {
            match self.assumed.get(key) {
                Some(entry) if !self.can_hold(entry) => return false,
                Some(entry) => {
                    context.set(key, entry.value.clone());
                    says.push(self.says(entry));
                }
                None if key.ends_with('*') => limits.extend(self.left_out()),
                None => {
                    context.set_absent(key);
                    limits.push((folded(key), Limit::Absent));
                    says.push(self.solver.formulas.not(self.present(key)));
                }
            }
        }
        limits.sort();
        let frame = Frame { caller: who, action: action.into(), limits: limits.into() };
        let formula = self.solver.formulas.and(says);
        agree(&context) && are_assumable(&context) && self.solver.holds(formula, &frame) != Held::No
    }

    /// Whether AWS sends such values under a key, whenever that is.
    fn can_hold(&self, entry: &Entry) -> bool {
        let range = Range::of(&folded(&entry.name), self.solver.now());
        entry.value.values().iter().all(|text| match &range {
            Range::Numbers(whole) if whole.written == Written::Instant => {
                let second = Decimal::instant(text).and_then(|instant| instant.floor());
                second.is_some_and(|second| whole.has(second))
            }
            // Rule C15.
            Range::Finite(_) if truth(text).is_some() => range.has(&text.to_ascii_lowercase()),
            _ => range.has(text),
        })
    }

    /// Rule C52: the pairs that the set of their names tells, and of which none is given.
    fn left_out(&self) -> impl Iterator<Item = (Box<str>, Limit)> + '_ {
        let names = self.assumed.get(NAMES).map(|entry| entry.value.values());
        let pairs = names.unwrap_or_default().iter().map(|name| format!("{PREFIX}{name}"));
        let open = pairs.filter(|pair| self.assumed.get(pair).is_none());
        open.map(|pair| (pair.into(), Limit::Absent))
    }

    /// That a key is there, and what it says where facts speak of that, or of how many values.
    fn says(&self, entry: &Entry) -> Formula {
        let (formulas, key) = (&self.solver.formulas, folded(&entry.name));
        let of = |test| formulas.of(Atom::Request(test));
        if is_multivalued(&key) {
            let values: Vec<&str> = entry.value.values().iter().map(AsRef::as_ref).collect();
            let has = values.iter().map(|value| of(Test::of(&key, SOME, &[value])));
            let all = [of(Test::of(&key, ALL, &values)), self.present(&entry.name)];
            return formulas.and(has.chain(all));
        }
        match &*entry.value.values().first().map(|it| it.to_ascii_lowercase()).unwrap_or_default() {
            text @ ("true" | "false") => of(equals(Comparison::Bool, &key, text)),
            _ => self.present(&entry.name),
        }
    }

    fn present(&self, key: &str) -> Formula {
        self.solver.formulas.of(Atom::Request(Test::present(&folded(key))))
    }
}

/// Each value of a set is one of those assumed.
const ALL: Operator = of_set(Quantifier::ForAllValues);

/// One value of a set is that which is assumed.
const SOME: Operator = of_set(Quantifier::ForAnyValue);

const fn of_set(quantifier: Quantifier) -> Operator {
    Operator {
        quantifier: Some(quantifier),
        comparison: Comparison::StringEquals,
        polarity: Polarity::Is,
        if_exists: false,
    }
}

/// The keys of which something is assumed. Members of a family that is absent may be given; of the pairs of the
/// encryption context another key tells which there are.
fn keys(assumed: &Context) -> impl Iterator<Item = String> {
    let given = assumed.entries().map(|entry| entry.name.to_string());
    let is_single = |name: &&str| !name.ends_with('*') || name.starts_with(PREFIX);
    given.chain(assumed.absent().filter(is_single).map(str::to_owned))
}

fn words(assumed: &Context, key: &str) -> String {
    match assumed.get(key) {
        Some(entry) => format!("{} is {}", entry.name, entry.value.values().join(", ")),
        None => format!("{} is absent", Spellings::default().spelled(key)),
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
                ("direct", _) => assumptions.direct(),
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
    fn who_always_tells_a_key_does_not_leave_it_out() {
        let issued = ("aws:TokenIssueTime", "absent");
        let (mfa, direct) = (("aws:MultiFactorAuthPresent", "true"), ("direct", ""));
        check(
            &[issued, mfa, direct],
            Some(&[
                "aws:MultiFactorAuthPresent is true",
                "aws:ViaAWSService is false",
                "aws:TokenIssueTime is absent",
            ]),
        );
        check(&[issued, direct], None);
        check(&[mfa, direct], None);
        check(&[("aws:SecureTransport", "absent"), direct], None);
    }

    #[test]
    fn values_that_aws_never_sends_are_named() {
        let days = "kms:ScheduleKeyDeletionPendingWindowInDays";
        for (name, value, expected) in [
            (days, "7", true),
            (days, "30", true),
            (days, "6", false),
            (days, "31", false),
            (days, "07", false),
            (days, "soon", false),
            ("kms:RotationPeriodInDays", "90", true),
            ("kms:RotationPeriodInDays", "2561", false),
            ("aws:MultiFactorAuthAge", "-1", false),
            ("aws:MultiFactorAuthPresent", "True", true),
            ("aws:MultiFactorAuthPresent", "yes", false),
            ("aws:SourceIp", "2001:db8::1", true),
            ("aws:SourceIp", "10.0.0.0/8", false),
            ("aws:CurrentTime", "2020-02", true),
            ("aws:CurrentTime", "soon", false),
            ("kms:ViaService", "s3", false),
            ("kms:GrantOperations", "Decrypt", true),
            ("kms:GrantOperations", "kms:Decrypt", false),
        ] {
            let words = format!("{name} is {value}");
            let named: &[&str] = &[words.as_str()];
            check(&[(name, value)], (!expected).then_some(named));
        }
    }

    #[test]
    fn c52_pairs_and_their_names_go_together() {
        let (names, pair) = ("kms:EncryptionContextKeys", "kms:EncryptionContext:a");
        let is = |value: &str| format!("{names} is {value}");
        let absent = "kms:EncryptionContext:a is absent";
        check(&[(names, "a"), (pair, "absent")], Some(&[&is("a"), absent]));
        check(&[(names, "a"), (names, "b"), (pair, "absent")], Some(&[&is("a, b"), absent]));
        let given = "kms:EncryptionContext:a is 1";
        check(&[(names, "b"), (pair, "1")], Some(&[given, &is("b")]));
        check(&[(names, "absent"), (pair, "1")], Some(&[given, &is("absent")]));
        let family = "kms:EncryptionContext:*";
        check(
            &[(names, "a"), (family, "absent")],
            Some(&[&is("a"), "kms:EncryptionContext:* is absent"]),
        );
        check(&[(names, "a"), (pair, "1"), (family, "absent")], None);
        check(&[(names, "a"), (names, "b"), (pair, "1")], None);
        check(&[(names, "b"), (pair, "absent")], None);
        check(&[(pair, "1"), ("direct", "")], None);
        check(&[(names, "a"), ("direct", "")], None);
    }

    #[test]
    fn c66_services_call_in_one_chain() {
        let [chain, first, last] = ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"];
        let (athena, kms) = ("athena.amazonaws.com", "kms.amazonaws.com");
        let refused = |all: &[(&str, &str)]| {
            let words: Vec<String> =
                all.iter().map(|(name, value)| format!("{name} is {value}")).collect();
            check(all, Some(&words.iter().map(String::as_str).collect::<Vec<_>>()));
        };
        refused(&[(chain, athena), (first, kms)]);
        refused(&[(chain, athena), (last, kms)]);
        refused(&[(first, kms), (chain, "absent")]);
        refused(&[(last, kms), (first, "absent")]);
        check(&[(chain, athena), (chain, kms), (first, athena), (last, kms)], None);
        check(&[(first, athena), (last, kms)], None);
        // Who calls for itself, and a service that does, has no chain.
        let itself = ("aws:ViaAWSService", "false");
        refused(&[(chain, athena), itself]);
        refused(&[(first, athena), itself]);
        refused(&[(last, athena), itself]);
        check(
            &[(chain, athena), ("direct", "")],
            Some(&["aws:CalledVia is athena.amazonaws.com", "aws:CalledViaLast is absent"]),
        );
    }

    #[test]
    fn u5_the_service_in_between_is_the_one_that_is_assumed() {
        let via = "kms:ViaService";
        let (s3, words) = (("via", "s3"), "s3 calls on the principal's behalf");
        check(&[(via, "absent"), s3], Some(&["kms:ViaService is absent", words]));
        let other = "ec2.us-east-1.amazonaws.com";
        check(&[(via, other), s3], Some(&[&format!("kms:ViaService is {other}"), words]));
        let other = "s3express.us-east-1.amazonaws.com";
        check(&[(via, other), s3], Some(&[&format!("kms:ViaService is {other}"), words]));
        check(&[(via, "s3.us-east-1.amazonaws.com"), s3], None);
    }

    #[test]
    fn an_account_is_in_one_organization_or_in_none() {
        for of in ["Principal", "Resource", "Source"] {
            let (id, paths) = (format!("aws:{of}OrgID"), format!("aws:{of}OrgPaths"));
            let (own, path) = ("o-a1b2c3d4e5", "o-b1b2c3d4e5/r-ab12/");
            let is = |key: &str, value: &str| format!("{key} is {value}");
            for (one, other) in [(own, path), ("absent", path), (own, "absent")] {
                let mut words = [is(&id, one), is(&paths, other)];
                if one == "absent" {
                    words.reverse();
                }
                let words = words.each_ref().map(String::as_str);
                check(&[(&id, one), (&paths, other)], Some(&words));
            }
            check(&[(&id, own), (&paths, "o-a1b2c3d4e5/r-ab12/")], None);
            check(&[(&id, "absent"), (&paths, "absent")], None);
        }
    }

    #[test]
    fn who_asks_is_a_service_or_none_and_of_one_account() {
        let (is_service, name) = ("aws:PrincipalIsAWSService", "aws:PrincipalServiceName");
        let s3 = "s3.amazonaws.com";
        check(
            &[(is_service, "false"), (name, s3)],
            Some(&[
                "aws:PrincipalIsAWSService is false",
                "aws:PrincipalServiceName is s3.amazonaws.com",
            ]),
        );
        check(
            &[(is_service, "true"), (name, "absent")],
            Some(&["aws:PrincipalIsAWSService is true", "aws:PrincipalServiceName is absent"]),
        );
        check(&[(is_service, "true"), (name, s3)], None);
        check(&[(is_service, "false"), (name, "absent")], None);
        // Rule C54.
        let (caller, account) = ("kms:CallerAccount", "aws:PrincipalAccount");
        check(
            &[(caller, "111122223333"), (account, "444455556666")],
            Some(&["aws:PrincipalAccount is 444455556666", "kms:CallerAccount is 111122223333"]),
        );
        check(&[(caller, "111122223333"), (account, "111122223333")], None);
        check(&[(caller, "111122223333"), (account, "absent")], None);
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
