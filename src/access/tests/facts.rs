//! The linking facts.

use std::sync::Arc;

use crate::access::axioms::Axiom;
use crate::access::frame::Who;
use crate::access::solve::{Found, Solver};
use crate::aws::KmsAction;
use crate::decision::{Callers, FACTS};

use super::bench::Bench;

#[test]
fn c50_c53_u5_facts_bind() {
    let user = Bench::new("Decrypt", Who::User);
    let service = Bench::new("Decrypt", Who::Service);
    let via = ("Null", "kms:ViaService", &["false"][..]);
    for (bench, tests, expected) in [
        (
            &user,
            &[
                ("Null", "aws:SourceVpce", &["false"][..]),
                ("IpAddress", "aws:SourceIp", &["10.0.0.0/8"]),
            ][..],
            "no",
        ),
        (&user, &[("NotIpAddress", "aws:SourceIp", &["10.0.0.0/8"][..])], ""),
        (&user, &[via], "aws:ViaAWSService=true kms:ViaService=s3.eu-west-1.amazonaws.com"),
        (&user, &[via, ("Bool", "aws:ViaAWSService", &["false"])], "no"),
        (&service, &[via], "no"),
        (
            &user,
            &[("Bool", "aws:ViaAWSService", &["false"]), ("Null", "aws:SourceArn", &["false"])],
            "no",
        ),
        (&service, &[("Null", "aws:SourceArn", &["false"])], "aws:SourceArn=arn:aws:s3:::other"),
        (&user, &[("StringEquals", "kms:ViaService", &["s3.amazonaws.com.cn"])], "no"),
        (&user, &[("Bool", "aws:SecureTransport", &["false"])], "no"),
        (
            &user,
            &[("Bool", "aws:MultiFactorAuthPresent", &["false"])],
            "aws:MultiFactorAuthPresent=false",
        ),
        (&service, &[("Null", "aws:MultiFactorAuthPresent", &["false"])], "no"),
        (
            &user,
            &[("NumericLessThan", "aws:MultiFactorAuthAge", &["300"])],
            "aws:MultiFactorAuthAge=0 aws:MultiFactorAuthPresent=true",
        ),
        (&user, &[("Null", "kms:EncryptionAlgorithm", &["true"])], "no"),
        (&user, &[("Null", "kms:MessageType", &["false"])], "no"),
        (&user, &[("Null", "kms:MessageType", &["true"])], ""),
    ] {
        assert_eq!(bench.words(tests), expected, "{tests:?}");
    }
}

#[test]
fn every_fact_binds() {
    for fact in FACTS {
        let caller = match fact.callers {
            Callers::Services => Who::Service,
            Callers::Everyone | Callers::NotServices | Callers::LongTerm => Who::User,
            Callers::RoleSessions => Who::Session,
        };
        let keys = || fact.when.iter().map(|when| when.key).chain([fact.then.key]);
        let carries = |action: &KmsAction| keys().all(|key| crate::aws::carried(*action, key));
        let action = KmsAction::all().find(carries).expect("an action carries both");
        let mut bench = Bench::new("Decrypt", caller);
        bench.frame.action = action.into();
        let against = bench.formulas.not(Axiom::new(&bench.formulas, fact).says);
        assert_eq!(bench.find(against), Found::No, "{fact:?}");
        let others: Vec<_> = FACTS.iter().filter(|other| *other != fact).copied().collect();
        let now = "2026-11-30T12:00:00Z".parse().expect("an instant");
        let without = Solver::new(Arc::clone(&bench.formulas), &others, now);
        assert_ne!(without.find(against, &bench.frame), Found::No, "{fact:?}");
    }
}
