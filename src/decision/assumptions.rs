//! What a whole analysis takes for granted of every request (rules U4, U5).

use crate::aws::{KmsAction, carried, condition_key, condition_keys::condition_keys, suggest};

use super::agree::ORGANIZATIONS;
use super::{Context, ContextValue, Request, Target};

/// Request-time condition keys that are fixed for a whole analysis, and the same in words.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Assumptions {
    /// The keys that every request has, or surely lacks.
    pub given: Context,
    /// The service that calls on the principal's behalf, without its Region: `s3` (rule U5).
    pub via: Option<Box<str>>,
    /// The assumptions as they are printed, in the order they were made.
    pub words: Vec<String>,
}

/// What only a service in between, or the service call itself, sets (rule U4).
const OF_SERVICES: [&str; 9] = [
    "kms:ViaService",
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:SourceArn",
    "aws:SourceAccount",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceOwner",
];

/// What the condition keys of an encryption context's pairs begin with.
const PAIR: &str = "kms:EncryptionContext:";

/// What condition keys begin with, in lower case, that have the name of what a request gives.
const BY_NAME: [&str; 2] = ["kms:encryptioncontext:", "aws:requesttag/"];

/// All of them.
const PAIRS: &str = "kms:EncryptionContext:*";

/// The condition key of their names.
const NAMES: &str = "kms:EncryptionContextKeys";

/// What a plain call leaves out (rule U4).
const LEFT_OUT: [&str; 5] = [
    "kms:BypassPolicyLockoutSafetyCheck",
    PAIRS,
    NAMES,
    "kms:RecipientAttestation:*",
    "kms:RequestAlias",
];

/// The keys of the chain of services that call for a principal.
pub(super) const CALLED_VIA: [&str; 3] =
    ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"];

/// The services that put themselves into that chain (rule C66).
const IN_CALLED_VIA: [&str; 9] = [
    "athena",
    "cloud9",
    "cloudformation",
    "databrew",
    "dataexchange",
    "dynamodb",
    "kms",
    "servicecatalog-appregistry",
    "sqlworkbench",
];

impl Assumptions {
    /// Fixes a condition key of every request, or its absence where the value is `absent`; the same key
    /// again adds a value. `option` is where that was said.
    ///
    /// # Errors
    /// A name that is none of a condition key, or nearly that of one: a slip of the pen would assume nothing in
    /// silence. Another value of a key that has one, and any of one that is absent.
    pub fn fix(&mut self, name: &str, value: &str, option: &str) -> Result<(), String> {
        known(name)?;
        self.fits(name, value)?;
        if value == "absent" {
            self.leave_out(name);
            self.words.push(format!("{name} is absent ({option})"));
            return Ok(());
        }
        self.given.add(name, value);
        let shown = self.given.get(name).map(|entry| entry.value.values().join(", "));
        let shown = shown.unwrap_or_default();
        self.words.retain(|known| !known.starts_with(&format!("{name} is ")));
        // Rule C5: requests give the pair or tag under this spelling of its name and no other.
        let lower = name.to_ascii_lowercase();
        let is_by_name = BY_NAME.iter().any(|family| lower.starts_with(family));
        let spelled = if is_by_name { ", its name so spelled" } else { "" };
        self.words.push(format!("{name} is {shown}{spelled} ({option})"));
        Ok(())
    }

    /// Takes a key for absent, or a family but for those of its members that are given.
    fn leave_out(&mut self, name: &str) {
        let mut left_out = Context::default();
        left_out.set_absent(name);
        left_out.lay_over(&self.given);
        self.given = left_out;
    }

    /// Whether a key can have this value beside what was assumed of it.
    fn fits(&self, name: &str, value: &str) -> Result<(), String> {
        let known = self.given.get(name).map(|entry| entry.value.values());
        let is_one = condition_key(name).is_some_and(|info| !info.multivalued);
        match known {
            Some(known) if value == "absent" => {
                Err(format!("{name} cannot be {} and absent", known.join(", ")))
            }
            Some(known) if is_one && known.iter().any(|it| **it != *value) => {
                Err(format!("{name} has one value, and cannot be {} and {value}", known.join(", ")))
            }
            // Members of a family that is absent may be given.
            None if value != "absent"
                && self.given.absent().any(|it| it.eq_ignore_ascii_case(name)) =>
            {
                Err(format!("{name} cannot be absent and {value}"))
            }
            _ => Ok(()),
        }
    }

    /// Assumes nothing of a condition key any more.
    pub fn leave(&mut self, name: &str) {
        self.given.forget(name);
        self.words.retain(|known| !known.starts_with(&format!("{name} is ")));
    }

    /// Assumes that callers call KMS themselves, the key named by its ARN (rule U4). What was given
    /// before stays.
    pub fn direct(&mut self) {
        // Rule C52: who gives pairs or their names assumes an encryption context, of which the other key tells.
        let pairs = self.given.with_prefix(PAIR).next().is_some();
        let names = self.given.get(NAMES).is_some();
        let is_told = |name: &str| match name {
            NAMES => pairs,
            PAIRS => names,
            _ => false,
        };
        let left_out = OF_SERVICES.into_iter().chain(LEFT_OUT).filter(|name| !is_told(name));
        left_out.for_each(|name| self.leave_out(name));
        // Who calls says aws:PrincipalIsAWSService; it is no assumption.
        self.set_unless_given("aws:ViaAWSService", "false");
        self.set_unless_given("kms:GrantIsForAWSResource", "false");
        self.words.push("calls are direct, without a service in between (--direct)".to_owned());
    }

    /// Assumes that `service` calls with the principal's identity (rule U5); `s3`, or a service
    /// principal's name. What was given before stays.
    pub fn via(&mut self, service: &str) {
        let service = service.strip_suffix(".amazonaws.com").unwrap_or(service);
        self.via = Some(service.into());
        self.set_unless_given("aws:ViaAWSService", "true");
        self.set_unless_given("kms:GrantIsForAWSResource", "true");
        self.called_via(service);
        self.words.push(format!("{service} calls on the principal's behalf (--via {service})"));
    }

    /// Rule C66: a service that puts itself into the chain is the one link of it; of any other nothing is
    /// known, as a link before it may be one that does. What was given of the chain stays as it is.
    fn called_via(&mut self, service: &str) {
        let name = service.split('.').next().unwrap_or(service);
        let is_given = |key: &&str| self.given.get(key).is_some() || self.given.is_absent(key);
        if !IN_CALLED_VIA.contains(&name) || CALLED_VIA.iter().any(is_given) {
            return;
        }
        let principal: Box<str> = format!("{name}.amazonaws.com").into();
        let [chain, first, last] = CALLED_VIA;
        self.given.set(chain, ContextValue::Many(vec![principal.clone()]));
        self.given.set_one(first, &principal);
        self.given.set_one(last, &principal);
    }

    /// Whether nothing is assumed.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// `kms:ViaService` of a service in a Region: `s3.eu-west-1.amazonaws.com`.
    pub fn service_in(service: &str, region: &str) -> String {
        match service.contains('.') {
            true => format!("{service}.amazonaws.com"),
            false => format!("{service}.{region}.amazonaws.com"),
        }
    }

    fn set_unless_given(&mut self, name: &str, value: &str) {
        if self.given.get(name).is_none() && !self.given.is_absent(name) {
            self.given.set_one(name, value);
        }
    }

    /// What is given, and what follows of other keys. Of an organization (section 2.5): an account has both keys or
    /// neither, and a path begins with the id; where in an organization it is, nothing tells. Of an encryption
    /// context without further pairs (rule C52): the names of the pairs.
    pub fn whole(&self) -> Context {
        let mut whole = self.given.clone();
        let is_open = |key: &str| self.given.get(key).is_none() && !self.given.is_absent(key);
        if is_open(NAMES) && self.given.is_absent(PAIRS) {
            let pairs = self.given.with_prefix(PAIR);
            let names: Vec<Box<str>> = pairs.map(|(name, _)| name.into()).collect();
            match names.is_empty() {
                true => whole.set_absent(NAMES),
                false => whole.set(NAMES, ContextValue::Many(names)),
            }
        }
        for (id, paths) in ORGANIZATIONS {
            match self.given.get(paths).map(|entry| entry.value.values()) {
                Some([path]) if is_open(id) => {
                    whole.set_one(id, path.split('/').next().unwrap_or_default());
                }
                None if is_open(id) && self.given.is_absent(paths) => whole.set_absent(id),
                None if is_open(paths) && self.given.is_absent(id) => whole.set_absent(paths),
                _ => {}
            }
        }
        whole
    }

    /// The keys of a request for `action` on a key of `region`: those of the assumptions that the
    /// action carries. Without a Region, on no key, no service in between is named.
    pub fn context(&self, action: KmsAction, region: Option<&str>) -> Context {
        let mut context = Context::default();
        let whole = self.whole();
        // Of a family that is absent some members may be given.
        whole.absent().for_each(|name| context.set_absent(name));
        for entry in whole.entries().filter(|entry| carried(action, &entry.name)) {
            context.set(&entry.name, entry.value.clone());
        }
        if let Some(service) = region.and_then(|region| self.service(region))
            && carried(action, "kms:ViaService")
            && context.get("kms:ViaService").is_none()
            && !context.is_absent("kms:ViaService")
        {
            context.set("kms:ViaService", ContextValue::One(service.into()));
        }
        context
    }

    /// `kms:ViaService` of the service that calls on the principal's behalf, in a Region.
    pub fn service(&self, region: &str) -> Option<String> {
        self.via.as_ref().map(|service| Self::service_in(service, region))
    }
}

fn known(name: &str) -> Result<(), String> {
    if !name.contains(':') {
        let example = "as aws:SourceIp";
        return Err(format!("`{name}` is no condition key: these have a prefix, {example}"));
    }
    let is_known = condition_key(name.strip_suffix('*').unwrap_or(name)).is_some();
    let names = condition_keys().iter().map(|info| info.name);
    let near = suggest::nearest(name, names).filter(|_| !is_known && !name.ends_with('*'));
    near.map_or(Ok(()), |near| Err(format!("unknown condition key `{name}`: did you mean {near}?")))
}

impl Assumptions {
    /// The request with what is assumed of it; what it gives itself wins.
    pub fn under(&self, request: &Request) -> Request {
        let region = match &request.target {
            Target::Key(arn) => Some(arn.region()),
            Target::Alias(arn) => Some(arn.region()),
            _ => None,
        };
        let mut context = self.context(request.action, region);
        context.lay_over(&request.context);
        Request { context, ..request.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_is_told_in_both_keys() {
        let whole = |name: &str, value: &str| {
            let mut assumptions = Assumptions::default();
            assumptions.fix(name, value, "--assume").expect("a condition key");
            let whole = assumptions.whole();
            ["aws:PrincipalOrgID", "aws:PrincipalOrgPaths"].map(|key| {
                let value = whole.get(key).map(|entry| entry.value.values().join(","));
                value.or_else(|| whole.is_absent(key).then(|| "absent".to_owned()))
            })
        };
        let (id, path) = (Some("o-a".to_owned()), Some("o-a/r-b/ou-c/".to_owned()));
        let absent = || Some("absent".to_owned());
        assert_eq!(whole("aws:PrincipalOrgPaths", "o-a/r-b/ou-c/"), [id.clone(), path]);
        assert_eq!(whole("aws:PrincipalOrgID", "o-a"), [id, None]);
        assert_eq!(whole("aws:PrincipalOrgID", "absent"), [absent(), absent()]);
        assert_eq!(whole("aws:PrincipalOrgPaths", "absent"), [absent(), absent()]);
    }

    #[test]
    fn c5_what_is_given_by_name_is_told_as_it_is_spelled() {
        let words = |name: &str, value: &str| {
            let mut assumptions = Assumptions::default();
            assumptions.fix(name, value, "--assume").expect("a condition key");
            assumptions.words.join("; ")
        };
        let tag = words("aws:RequestTag/team", "x");
        assert_eq!(tag, "aws:RequestTag/team is x, its name so spelled (--assume)");
        let pair = words("KMS:EncryptionContext:App", "x");
        assert_eq!(pair, "KMS:EncryptionContext:App is x, its name so spelled (--assume)");
        let absent = words("aws:RequestTag/team", "absent");
        assert_eq!(absent, "aws:RequestTag/team is absent (--assume)");
        assert_eq!(words("aws:SourceVpc", "vpc-1"), "aws:SourceVpc is vpc-1 (--assume)");
    }

    #[test]
    fn u4_direct_calls_have_no_service_in_between() {
        let mut direct = Assumptions::default();
        direct.direct();
        let context = direct.context(KmsAction::DECRYPT, Some("eu-west-1"));
        assert!(context.is_absent("kms:ViaService") && context.is_absent("aws:SourceArn"));
        assert!(context.is_absent("kms:EncryptionContext:a"));
        let via = context.get("aws:ViaAWSService").map(|entry| entry.value.values());
        assert_eq!(via, Some(["false".into()].as_slice()));
    }

    #[test]
    fn u4_what_is_given_of_an_encryption_context_stays() {
        let direct = |given: &[(&str, &str)]| {
            let mut direct = Assumptions::default();
            for (name, value) in given {
                direct.fix(name, value, "--assume").expect("a condition key");
            }
            direct.direct();
            direct.context(KmsAction::DECRYPT, Some("eu-west-1"))
        };
        let value = |context: &Context, name: &str| {
            context.get(name).map(|entry| entry.value.values().join(","))
        };
        let pair = direct(&[("kms:EncryptionContext:a", "1")]);
        assert_eq!(value(&pair, "kms:EncryptionContext:a").as_deref(), Some("1"));
        assert!(pair.is_absent("kms:EncryptionContext:b"));
        assert_eq!(value(&pair, NAMES).as_deref(), Some("a"));
        let names = direct(&[(NAMES, "a")]);
        assert_eq!(value(&names, NAMES).as_deref(), Some("a"));
        assert!(!names.is_absent("kms:EncryptionContext:a"));
        let neither = direct(&[(PAIRS, "absent")]);
        assert!(neither.is_absent(NAMES));
    }

    #[test]
    fn of_an_absent_family_some_members_may_be_given() {
        for turned in [false, true] {
            let mut all = [("aws:RequestTag/*", "absent"), ("aws:RequestTag/team", "red")];
            if turned {
                all.reverse();
            }
            let mut assumptions = Assumptions::default();
            for (name, value) in all {
                assumptions.fix(name, value, "--assume").expect("a condition key");
            }
            let context = assumptions.context(KmsAction::TAG_RESOURCE, None);
            assert!(context.get("aws:RequestTag/team").is_some(), "{turned}");
            assert!(context.is_absent("aws:RequestTag/owner"), "{turned}");
        }
    }

    #[test]
    fn u5_the_service_is_one_of_the_keys_region() {
        let mut via = Assumptions::default();
        via.via("s3.amazonaws.com");
        let value = |action| {
            let context = via.context(action, Some("eu-west-1"));
            context.get("kms:ViaService").map(|entry| entry.value.clone())
        };
        let expected = ContextValue::One("s3.eu-west-1.amazonaws.com".into());
        assert_eq!(value(KmsAction::DECRYPT), Some(expected));
        let grants = |action| {
            via.context(action, Some("eu-west-1")).get("kms:GrantIsForAWSResource").is_some()
        };
        assert!(grants(KmsAction::CREATE_GRANT) && !grants(KmsAction::DECRYPT));
    }

    #[test]
    fn c66_some_services_put_themselves_into_the_chain() {
        let chain = |service: &str, given: Option<&str>| {
            let mut via = Assumptions::default();
            if let Some(given) = given {
                via.fix("aws:CalledViaFirst", given, "--assume").expect("a condition key");
            }
            via.via(service);
            let context = via.context(KmsAction::DECRYPT, Some("eu-west-1"));
            CALLED_VIA.map(|key| context.get(key).map(|entry| entry.value.values().join(",")))
        };
        let athena = || Some("athena.amazonaws.com".to_owned());
        for service in ["athena", "athena.amazonaws.com", "athena.eu-west-1.amazonaws.com"] {
            assert_eq!(chain(service, None), [athena(), athena(), athena()], "{service}");
        }
        assert_eq!(chain("s3", None), [None, None, None]);
        let first = Some("cloudformation.amazonaws.com");
        assert_eq!(chain("athena", first), [None, first.map(str::to_owned), None]);
        assert_eq!(chain("athena", Some("absent")), [None, None, None]);
    }

    #[test]
    fn a_key_with_one_value_has_no_other() {
        let refused = |all: &[(&str, &str)]| {
            let mut assumptions = Assumptions::default();
            all.iter().find_map(|(name, it)| assumptions.fix(name, it, "--assume").err())
        };
        let mfa = "aws:MultiFactorAuthPresent";
        assert!(refused(&[(mfa, "true"), (mfa, "false")]).is_some());
        assert!(refused(&[(mfa, "true"), (mfa, "absent")]).is_some());
        assert!(refused(&[(mfa, "absent"), (mfa, "true")]).is_some());
        assert_eq!(refused(&[(mfa, "true"), (mfa, "true")]), None);
        assert_eq!(refused(&[("aws:TagKeys", "a"), ("aws:TagKeys", "b")]), None);
        assert!(refused(&[("nokey", "1")]).is_some());
        assert_eq!(refused(&[("saml:aud", "1")]), None);
    }

    #[test]
    fn what_is_given_wins() {
        let mut assumptions = Assumptions::default();
        assumptions.given.set_one("kms:ViaService", "ec2.eu-west-1.amazonaws.com");
        assumptions.direct();
        assert!(assumptions.given.get("kms:ViaService").is_some());
    }
}
