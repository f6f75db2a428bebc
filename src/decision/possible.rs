//! Whether AWS could send a context: what the action carries, the rows of [`FACTS`], and what values say of each
//! other.

use jiff::Timestamp;

use crate::aws::{Action, KeySpec, KeySpecInfo, carried, condition_key};

use super::agree::agree;
use super::instant::whole_second;
use super::tags;
use super::{Caller, Context, ContextValue, ControlRequest, FACTS, Fact, Is, Request, Test};

/// A request that is sent to AWS, to KMS or to another service.
pub trait Sent {
    /// Who asks.
    fn caller(&self) -> &Caller;
    /// For which action.
    fn action(&self) -> Action;
    /// The condition keys it gives.
    fn context(&self) -> &Context;
    /// The same, to add what it lacks.
    fn context_mut(&mut self) -> &mut Context;
}

/// Reads the members that both kinds of requests have.
macro_rules! sent {
    ($Request:ty) => {
        impl Sent for $Request {
            fn caller(&self) -> &Caller {
                &self.caller
            }

            fn action(&self) -> Action {
                self.action.into()
            }

            fn context(&self) -> &Context {
                &self.context
            }

            fn context_mut(&mut self) -> &mut Context {
                &mut self.context
            }
        }
    };
}

sent!(Request);
sent!(ControlRequest);

/// Whether AWS could send `request` with its context, by all that is known.
pub fn is_possible(request: &impl Sent) -> bool {
    is_possible_by(request, FACTS)
}

/// Whether AWS could send `request` with its context, as far as these facts tell. Fewer facts make more
/// requests possible.
pub fn is_possible_by(request: &impl Sent, facts: &[Fact]) -> bool {
    let keys_accompany =
        || request.context().entries().all(|it| carried(request.action(), &it.name));
    facts.iter().all(|fact| holds(request, fact))
        && agree(request.context())
        && tags::agree(request)
        && keys_accompany()
}

/// Whether by these facts a request of this action and caller carries `key`, whatever else it says.
pub fn is_always_sent(facts: &[Fact], request: &impl Sent, key: &str) -> bool {
    let sends = |fact: &&Fact| {
        fact.when.is_empty()
            && fact.then.is != Is::Absent
            && fact.then.key.eq_ignore_ascii_case(key)
    };
    let means = |fact: &Fact| fact.callers.includes(&request.caller().kind);
    carried(request.action(), key) && facts.iter().filter(sends).any(means)
}

/// What a request of this caller says of other keys where it carries `key`, or carries it as true or false; of
/// what that hangs on besides, what every request carries, as the rest can be left out.
pub fn companions<'a>(
    facts: &'a [Fact],
    request: &'a impl Sent,
    key: &'a str,
) -> impl Iterator<Item = Test> + 'a {
    let is_it = move |test: &&Test| test.key.eq_ignore_ascii_case(key) && test.is != Is::Absent;
    let follows = move |fact: &&Fact| {
        fact.when.iter().any(|when| is_it(&when))
            && fact.then.is != Is::Absent
            && fact.callers.includes(&request.caller().kind)
    };
    facts.iter().filter(follows).flat_map(move |fact| {
        let besides = fact.when.iter().filter(move |when| !is_it(when));
        let sent = besides.filter(move |when| is_always_sent(facts, request, when.key));
        sent.chain([&fact.then]).copied()
    })
}

/// What [`linked`] and [`completed`] need to know beside the request.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'f> {
    /// The facts that count.
    pub facts: &'f [Fact],
    /// When the request is made, where its context does not say.
    pub now: Timestamp,
    /// The spec of the key it is made on, which decides the algorithms.
    pub spec: Option<KeySpec>,
}

/// `request` with what follows from the keys it gives: aws:ViaAWSService beside kms:ViaService, aws:TagKeys
/// beside the tags.
pub fn linked<R: Sent>(request: R, surroundings: &Surroundings<'_>) -> R {
    let mut request = filled(request, surroundings, |fact| !fact.when.is_empty());
    tags::complete(&mut request);
    request
}

/// `request` with all that its context lacks and AWS sends in any case; what it gives is kept, and so
/// is what the question rules out ([`Context::set_absent`]).
pub fn completed<R: Sent>(request: R, surroundings: &Surroundings<'_>) -> R {
    let request = linked(request, surroundings);
    let request = filled(request, surroundings, |fact| fact.when.is_empty());
    linked(request, surroundings)
}

/// `request` with what some facts ask for.
fn filled<R: Sent>(mut request: R, surroundings: &Surroundings<'_>, which: fn(&Fact) -> bool) -> R {
    for fact in surroundings.facts.iter().filter(|fact| which(fact)) {
        let Some(then) = forced(&request, fact) else {
            continue;
        };
        let value = stated(then.is).map(|value| ContextValue::One(value.into()));
        let value = value.or_else(|| usual(request.context(), then.key, surroundings));
        if let Some(value) = value {
            request.context_mut().set(then.key, value);
        }
    }
    request
}

/// Whether a fact holds; cheapest first: most are of other callers, or follow from a key that is not there.
fn holds(request: &impl Sent, fact: &Fact) -> bool {
    let context = request.context();
    let then = fact.then;
    if !fact.callers.includes(&request.caller().kind) {
        return true;
    }
    // What the question rules out is asked for all the same.
    let is_ruled_out = fact.when.is_empty() && then.is != Is::Absent && context.is_absent(then.key);
    let follows = fact.when.iter().all(|when| says(context, *when));
    let carries = |test: &Test| carried(request.action(), test.key);
    is_ruled_out || !follows || says(context, then) || !fact.when.iter().chain([&then]).all(carries)
}

/// What a fact that does not hold asks for, where the key it speaks of could still be set.
fn forced(request: &impl Sent, fact: &Fact) -> Option<Test> {
    let then = fact.then;
    let is_open =
        |context: &Context| context.get(then.key).is_none() && !context.is_absent(then.key);
    (then.is != Is::Absent && !holds(request, fact) && is_open(request.context())).then_some(then)
}

fn says(context: &Context, test: Test) -> bool {
    let Some(entry) = context.get(test.key) else {
        return test.is == Is::Absent;
    };
    match (stated(test.is), &entry.value) {
        (None, _) => test.is == Is::Present,
        (Some(wanted), ContextValue::One(value)) => value.eq_ignore_ascii_case(wanted),
        (Some(_), ContextValue::Many(_)) => false,
    }
}

/// The value that a test names.
fn stated(is: Is) -> Option<&'static str> {
    match is {
        Is::True => Some("true"),
        Is::False => Some("false"),
        Is::Present | Is::Absent => None,
    }
}

/// What stands under a key that every request carries, where nothing says otherwise: the plainest value.
fn usual(context: &Context, key: &str, surroundings: &Surroundings<'_>) -> Option<ContextValue> {
    let has = |name: &str| context.get(name).is_some();
    // A key of which nobody knows the spec may be of any that has such algorithms.
    let specs: &[KeySpec] = surroundings.spec.as_ref().map_or(KeySpec::ALL, std::slice::from_ref);
    let of_spec = |list: fn(&KeySpecInfo) -> &Vec<&'static str>| {
        let name = specs.iter().find_map(|spec| list(spec.info()).first());
        name.map(|name| (*name).to_owned())
    };
    let value = match key {
        "aws:ViaAWSService" => "false".to_owned(),
        "aws:MultiFactorAuthPresent" => has("aws:MultiFactorAuthAge").to_string(),
        // One instant in two forms, and none before the session.
        "aws:CurrentTime" => {
            let issued = instant(context, "aws:TokenIssueTime", surroundings.now);
            instant(context, "aws:EpochTime", issued.max(surroundings.now)).to_string()
        }
        // A session that was made just now.
        "aws:TokenIssueTime" => {
            let made = instant(context, "aws:EpochTime", surroundings.now);
            instant(context, "aws:CurrentTime", made).to_string()
        }
        "aws:EpochTime" => {
            instant(context, "aws:CurrentTime", surroundings.now).as_second().to_string()
        }
        // Any key can be described.
        "kms:GrantOperations" => return Some(ContextValue::Many(vec!["DescribeKey".into()])),
        "kms:KeyAgreementAlgorithm" => "ECDH".to_owned(),
        "kms:SigningAlgorithm" => of_spec(|info| &info.signing_algorithms)?,
        "kms:MacAlgorithm" => of_spec(|info| &info.mac_algorithms)?,
        "kms:EncryptionAlgorithm" => of_spec(|info| &info.encryption_algorithms)?,
        _ => condition_key(key)?.default?.to_owned(),
    };
    Some(ContextValue::One(value.into()))
}

/// The instant that the other form tells, else `now`.
fn instant(context: &Context, other: &str, now: Timestamp) -> Timestamp {
    let given = context.get(other).and_then(|entry| entry.value.values().first());
    let read = |text: &str| Timestamp::from_second(whole_second(text)?).ok();
    given.and_then(|text| read(text)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::KmsAction;
    use crate::decision::{Caller, Target};

    const USER: &str = "arn:aws:iam::111122223333:user/ann";
    const ROLE: &str = "arn:aws:iam::111122223333:role/app";

    fn request(caller: &str, action: &str, context: &[(&str, &str)]) -> Request {
        let caller = Caller::parse(caller).expect("a principal");
        let target = Target::parse("arn:aws:kms:us-east-1:111122223333:key/K").expect("a key");
        let action = KmsAction::from_name(action).expect("an action");
        let mut request = Request::plain(caller, action, target);
        for (name, value) in context {
            request.context.set_one(name, value);
        }
        request
    }

    fn whole(request: Request) -> Request {
        let now = "2026-01-01T00:00:00Z".parse().expect("an instant");
        completed(request, &Surroundings { facts: FACTS, now, spec: KeySpec::parse("RSA_2048") })
    }

    fn value(request: &Request, name: &str) -> Option<String> {
        request.context.get(name).map(|entry| entry.value.values().join(","))
    }

    #[test]
    fn what_every_request_carries_is_filled_in() {
        for caller in [USER, ROLE, "s3.amazonaws.com", "111122223333"] {
            for action in ["Decrypt", "Sign", "CreateGrant", "ScheduleKeyDeletion"] {
                let plain = request(caller, action, &[]);
                assert!(!is_possible(&plain), "{caller} {action}");
                assert!(is_possible(&whole(plain)), "{caller} {action}");
            }
        }
        let sign = whole(request(ROLE, "Sign", &[("aws:EpochTime", "1906545600")]));
        let expected = [
            ("aws:CurrentTime", "2030-06-01T12:00:00Z"),
            ("aws:MultiFactorAuthPresent", "false"),
            ("aws:SecureTransport", "true"),
            ("aws:ViaAWSService", "false"),
            ("kms:MessageType", "RAW"),
            ("kms:SigningAlgorithm", "RSASSA_PSS_SHA_256"),
        ];
        for (name, text) in expected {
            assert_eq!(value(&sign, name).as_deref(), Some(text), "{name}");
        }
    }

    #[test]
    fn what_follows_from_a_key_is_filled_in() {
        let via = whole(request(USER, "Decrypt", &[("kms:ViaService", "s3.x.amazonaws.com")]));
        assert_eq!(value(&via, "aws:ViaAWSService").as_deref(), Some("true"));
        let aged = whole(request(USER, "Decrypt", &[("aws:MultiFactorAuthAge", "7")]));
        assert_eq!(value(&aged, "aws:MultiFactorAuthPresent").as_deref(), Some("true"));
    }

    #[test]
    fn contexts_that_aws_never_sends() {
        let vpc = ("aws:SourceVpce", "vpce-1");
        for (caller, action, context) in [
            (USER, "Decrypt", [vpc, ("aws:SourceIp", "192.0.2.1")]),
            (USER, "Decrypt", [vpc, ("aws:SecureTransport", "false")]),
            (USER, "Decrypt", [vpc, ("kms:GrantOperations", "Decrypt")]),
            (USER, "Decrypt", [("aws:CalledVia", "x"), ("aws:ViaAWSService", "false")]),
            ("s3.amazonaws.com", "Decrypt", [vpc, ("kms:ViaService", "s3.x.amazonaws.com")]),
            ("s3.amazonaws.com", "Decrypt", [vpc, ("aws:MultiFactorAuthPresent", "true")]),
        ] {
            assert!(!is_possible(&whole(request(caller, action, &context))), "{context:?}");
        }
    }

    #[test]
    fn what_the_question_rules_out_is_not_asked_for() {
        let mut request = request(USER, "Decrypt", &[]);
        request.context.set_absent("aws:ViaAWSService");
        let request = whole(request);
        assert_eq!(value(&request, "aws:ViaAWSService"), None);
        assert!(is_possible(&request));
    }

    #[test]
    fn a_fact_less_makes_more_possible() {
        let without = |rule: &str, key: &str| -> Vec<Fact> {
            let kept = |fact: &&Fact| fact.rule != rule || fact.then.key != key;
            FACTS.iter().filter(kept).copied().collect()
        };
        let plain = request(USER, "Decrypt", &[("aws:SecureTransport", "false")]);
        let plain = whole(plain);
        assert!(!is_possible_by(&plain, FACTS));
        assert!(is_possible_by(&plain, &without("2.5", "aws:SecureTransport")));
    }
}
