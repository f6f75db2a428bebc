//! The facts that link condition keys to each other and to the caller: what AWS sends together, what it
//! never sends together, and what it always sends (section 2.5 of the semantics).
//!
//! A fact stands here only with its rule. One that is left out makes more contexts possible, which can
//! turn always or never into conditional and never the other way round.

use super::CallerKind;

/// One fact: where all of `when` holds, `then` does, for these callers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fact {
    /// The rule of the semantics that says so.
    pub rule: &'static str,
    /// Whose requests it speaks of.
    pub callers: Callers,
    /// What it follows from, all of it together; nothing where it always holds.
    pub when: &'static [Test],
    /// What holds then.
    pub then: Test,
}

/// Something that holds of one condition key of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Test {
    /// The key. A fact about a key that the action does not carry says nothing of its presence.
    pub key: &'static str,
    /// What holds of it.
    pub is: Is,
}

/// What can hold of a condition key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Is {
    /// The request carries it.
    Present,
    /// The request does not carry it.
    Absent,
    /// It is carried and reads `true`.
    True,
    /// It is carried and reads `false`.
    False,
}

/// Whose requests a [`Fact`] speaks of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Callers {
    /// Everyone's.
    Everyone,
    /// Those that a service makes by its own principal.
    Services,
    /// All others.
    NotServices,
    /// Those of users.
    Users,
    /// Those of root users.
    Roots,
    /// Those of users and root users.
    LongTerm,
    /// Those of role sessions and federated-user sessions, which have temporary credentials alone.
    Sessions,
    /// Those of users, root users, federated-user sessions and services.
    NotRoleSessions,
}

impl Callers {
    /// Whether a caller of this kind is meant.
    pub fn includes(self, kind: &CallerKind) -> bool {
        let service = *kind == CallerKind::Service;
        let of_role = matches!(kind, CallerKind::Role | CallerKind::AssumedRole { .. });
        match self {
            Self::Everyone => true,
            Self::Services => service,
            Self::NotServices => !service,
            Self::Users => *kind == CallerKind::User,
            Self::Roots => *kind == CallerKind::Root,
            Self::LongTerm => matches!(kind, CallerKind::User | CallerKind::Root),
            Self::Sessions => of_role || matches!(kind, CallerKind::FederatedUser { .. }),
            Self::NotRoleSessions => !of_role && *kind != CallerKind::Provider,
        }
    }
}

/// No temporary credentials are valid for more seconds: those of GetSessionToken and GetFederationToken are for
/// as many, those of roles for fewer (STS API reference), and a service that calls on somebody's behalf has the
/// session's attributes.
pub const LONGEST_SESSION: i64 = 36 * 60 * 60;

const fn present(key: &'static str) -> Test {
    Test { key, is: Is::Present }
}

const fn absent(key: &'static str) -> Test {
    Test { key, is: Is::Absent }
}

const fn says(key: &'static str, value: bool) -> Test {
    Test { key, is: if value { Is::True } else { Is::False } }
}

const fn fact(rule: &'static str, callers: Callers, when: &'static [Test], then: Test) -> Fact {
    Fact { rule, callers, when, then }
}

const fn always(rule: &'static str, callers: Callers, then: Test) -> Fact {
    Fact { rule, callers, when: &[], then }
}

const VIA: Test = present("kms:ViaService");
const DIRECT: Test = absent("kms:ViaService");
const ON_BEHALF: Test = says("aws:ViaAWSService", true);
const NO_IP: Test = absent("aws:SourceIp");

const ITSELF: Test = says("aws:ViaAWSService", false);

const MFA: Test = present("aws:MultiFactorAuthPresent");
const MFA_USED: Test = says("aws:MultiFactorAuthPresent", true);
const MFA_AGE: Test = present("aws:MultiFactorAuthAge");
const ISSUED: Test = present("aws:TokenIssueTime");

use Callers::{Everyone, LongTerm, NotRoleSessions, NotServices, Roots, Services, Sessions, Users};

/// The facts, by what they speak of.
///
/// That a service acts on someone's behalf does not imply kms:ViaService: the guide lists the services
/// that set it, and others that act so are not among them (rule C53 says `only`).
pub const FACTS: &[Fact] = &[
    // Service calls, FAS calls and direct calls.
    always("C53", Services, DIRECT),
    always("U4", Everyone, present("aws:ViaAWSService")),
    fact("U5", NotServices, &[VIA], ON_BEHALF),
    fact("G53", NotServices, &[says("kms:GrantIsForAWSResource", true)], ON_BEHALF),
    fact("C66", NotServices, &[present("aws:CalledVia")], ON_BEHALF),
    fact("C66", NotServices, &[present("aws:CalledViaFirst")], ON_BEHALF),
    fact("C66", NotServices, &[present("aws:CalledViaLast")], ON_BEHALF),
    // The chain is of calls with the credentials of an IAM principal (IAM user guide, aws:CalledVia).
    always("C66", Services, absent("aws:CalledVia")),
    always("C66", Services, absent("aws:CalledViaFirst")),
    always("C66", Services, absent("aws:CalledViaLast")),
    // Only calls that a service principal makes itself carry where they come from (IAM user guide, global
    // condition keys).
    always("U4", NotServices, absent("aws:SourceArn")),
    always("U4", NotServices, absent("aws:SourceAccount")),
    always("U4", NotServices, absent("aws:SourceOrgID")),
    always("U4", NotServices, absent("aws:SourceOrgPaths")),
    always("U4", NotServices, absent("aws:SourceOwner")),
    // Through a VPC endpoint or from an address, never both.
    fact("C50", Everyone, &[present("aws:SourceVpc")], NO_IP),
    fact("C50", Everyone, &[present("aws:SourceVpcArn")], NO_IP),
    fact("C50", Everyone, &[present("aws:SourceVpce")], NO_IP),
    fact("C50", Everyone, &[present("aws:VpcSourceIp")], NO_IP),
    fact("C50", Everyone, &[present("aws:VpceAccount")], NO_IP),
    fact("C50", Everyone, &[present("aws:VpceOrgID")], NO_IP),
    fact("C50", Everyone, &[present("aws:VpceOrgPaths")], NO_IP),
    // KMS speaks TLS only, and every request has its instant.
    always("2.5", Everyone, says("aws:SecureTransport", true)),
    always("2.5", Everyone, present("aws:CurrentTime")),
    always("2.5", Everyone, present("aws:EpochTime")),
    // Temporary credentials carry when they were issued and whether MFA was used (IAM user guide, global condition
    // keys); users and root users have them as well, and where they call for themselves nothing else does. Where
    // MFA was not used nothing tells how long ago; nothing says that it is told wherever MFA was used.
    always("2.5", Services, absent("aws:MultiFactorAuthPresent")),
    always("2.5", Services, absent("aws:MultiFactorAuthAge")),
    always("2.5", Sessions, MFA),
    always("2.5", Sessions, ISSUED),
    fact("2.5", Sessions, &[MFA_AGE], MFA_USED),
    fact("2.5", LongTerm, &[ITSELF, MFA_AGE], MFA_USED),
    fact("2.5", LongTerm, &[ITSELF, MFA], ISSUED),
    fact("2.5", LongTerm, &[ISSUED], MFA),
    fact("2.5", Roots, &[MFA_AGE], MFA),
    // A service calls with temporary credentials made for the user, also where the user has none: those say that
    // no MFA was used, and what they say of its age and of when they were issued is unknown. Of root users the
    // guide says nothing.
    fact("C67", Users, &[ON_BEHALF], MFA),
    // What a session takes from how its role was assumed.
    always("2.5", NotRoleSessions, absent("aws:FederatedProvider")),
    always("2.5", NotRoleSessions, absent("aws:Ec2InstanceSourceVpc")),
    always("2.5", NotRoleSessions, absent("aws:Ec2InstanceSourcePrivateIPv4")),
    // A grant names either a principal or a service principal.
    fact(
        "C61",
        Everyone,
        &[present("kms:GranteeServicePrincipal")],
        absent("kms:GranteePrincipal"),
    ),
    fact(
        "C61",
        Everyone,
        &[present("kms:RetiringServicePrincipal")],
        absent("kms:RetiringPrincipal"),
    ),
    // Parameters that conditions see also where a request leaves them out.
    always("C51", Everyone, present("kms:EncryptionAlgorithm")),
    always("C51", Everyone, present("kms:MessageType")),
    always("C51", Everyone, present("kms:ScheduleKeyDeletionPendingWindowInDays")),
    always("C51", Everyone, present("kms:RotationPeriodInDays")),
    always("C51", Everyone, present("kms:PolicyName")),
    // Parameters that no request can leave out.
    always("N2", Everyone, present("kms:SigningAlgorithm")),
    always("N2", Everyone, present("kms:MacAlgorithm")),
    always("N2", Everyone, present("kms:KeyAgreementAlgorithm")),
    always("G54", Everyone, present("kms:GrantOperations")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::condition_key;

    #[test]
    fn a_fact_names_its_rule_and_speaks_of_known_keys() {
        let rules = include_str!("../../testdata/rules-of-the-semantics.txt");
        let is_rule = |rule: &str| {
            // The tables of the sections have no rule numbers.
            rule == "2.5" || rules.lines().any(|line| line.split(' ').next() == Some(rule))
        };
        for fact in FACTS {
            assert!(is_rule(fact.rule), "{}", fact.rule);
            let keys = fact.when.iter().chain([&fact.then]).map(|test| test.key);
            for key in keys {
                let known = condition_key(key).map(|info| info.name);
                assert_eq!(known, Some(key), "{}", fact.rule);
            }
        }
    }
}
