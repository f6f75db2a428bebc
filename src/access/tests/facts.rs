//! The linking facts.

use std::sync::Arc;

use crate::access::axioms::Axiom;
use crate::access::frame::{Limit, Who};
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

/// Tests of one request, and the context that is found for them.
type Case<'a> = (&'a [(&'a str, &'a str, &'a [&'a str])], &'a str);

fn check(bench: &Bench, cases: &[Case<'_>]) {
    for (tests, expected) in cases {
        assert_eq!(bench.words(tests), *expected, "{tests:?}");
    }
}

const MFA: &str = "aws:MultiFactorAuthPresent";
const ISSUED: &str = "aws:TokenIssueTime";

#[test]
fn what_temporary_credentials_carry_goes_together() {
    let absent = |key| ("Null", key, &["true"][..]);
    let present = |key| ("Null", key, &["false"][..]);
    let not_used = ("Bool", MFA, &["false"][..]);
    for who in [Who::User, Who::Root, Who::Session, Who::Federated] {
        let bench = Bench::new("Decrypt", who);
        check(&bench, &[(&[present(ISSUED), absent(MFA)], "no")]);
        check(&bench, &[(&[present("aws:MultiFactorAuthAge"), not_used], "no")]);
    }
    for (who, expected) in
        [(Who::User, ""), (Who::Root, ""), (Who::Session, "no"), (Who::Federated, "no")]
    {
        check(&Bench::new("Decrypt", who), &[(&[absent(ISSUED), absent(MFA)], expected)]);
    }
    // Rule C67: through a service long-term credentials say that no MFA was used.
    let through = ("Null", "kms:ViaService", &["false"][..]);
    for who in [Who::User, Who::Root] {
        let words = Bench::new("Decrypt", who).words(&[not_used, absent(ISSUED), through]);
        assert!(words.contains("aws:MultiFactorAuthPresent=false"), "{words}");
    }
    for who in [Who::Session, Who::Federated] {
        check(&Bench::new("Decrypt", who), &[(&[not_used, absent(ISSUED), through], "no")]);
    }
    // What a session takes from how its role was assumed.
    for key in ["aws:FederatedProvider", "aws:Ec2InstanceSourceVpc"] {
        let expected = format!("{key}=other");
        check(&Bench::new("Decrypt", Who::Session), &[(&[present(key)], &expected)]);
        for who in [Who::User, Who::Root, Who::Federated, Who::Service] {
            check(&Bench::new("Decrypt", who), &[(&[present(key)], "no")]);
        }
    }
}

#[test]
fn a_request_is_made_while_its_credentials_are_valid() {
    let now = "aws:CurrentTime";
    let bench = Bench::new("Decrypt", Who::Session);
    let later = ("DateGreaterThan", ISSUED, &["2026-12-01T00:00:00Z"][..]);
    let old = ("DateLessThanEquals", ISSUED, &["2026-11-30T13:00:00Z"][..]);
    check(
        &bench,
        &[
            (&[("DateLessThan", ISSUED, &["2026-11-29T00:00:00Z"])], "no"),
            (&[later], "aws:TokenIssueTime=2026-12-01T00:00:01Z"),
            (&[later, ("DateLessThanEquals", now, &["2026-12-01T00:00:00Z"])], "no"),
            (&[later, ("DateLessThanEquals", "aws:EpochTime", &["1796083200"])], "no"),
            (
                &[later, ("DateLessThanEquals", now, &["2026-12-01T00:00:01Z"])],
                "aws:CurrentTime=2026-12-01T00:00:01Z aws:EpochTime=1796083201 \
                 aws:TokenIssueTime=2026-12-01T00:00:01Z",
            ),
            (
                &[old, ("DateGreaterThanEquals", now, &["2026-12-02T01:00:00Z"])],
                "aws:CurrentTime=2026-12-02T01:00:00Z aws:EpochTime=1796173200 \
                 aws:TokenIssueTime=2026-11-30T13:00:00Z",
            ),
            (&[old, ("DateGreaterThan", now, &["2026-12-02T01:00:00Z"])], "no"),
        ],
    );
    // What the question fixes counts too.
    let given = Limit::Given(["2026-12-05T00:00:00Z".into()].into());
    let bench = bench.limited(&[("aws:currenttime", given)]);
    let found = "aws:CurrentTime=2026-12-05T00:00:00Z aws:EpochTime=1796428800 \
                 aws:TokenIssueTime=2026-12-05T00:00:00Z";
    let before = ("DateLessThan", ISSUED, &["2026-12-03T12:00:00Z"][..]);
    check(&bench, &[(&[later], found), (&[later, before], "no")]);
}

#[test]
fn an_account_is_at_one_place_of_its_organization() {
    for [id, paths] in
        [["aws:PrincipalOrgID", "aws:PrincipalOrgPaths"], ["aws:VpceOrgID", "aws:VpceOrgPaths"]]
    {
        let bench = Bench::new("Decrypt", Who::User);
        let within = ("ForAnyValue:StringLike", paths, &["o-a/*"][..]);
        let elsewhere = ("ForAnyValue:StringNotLike", paths, &["o-a/*"][..]);
        let found = format!("{id}=o-ab {paths}=[o-ab/r-x/]");
        check(
            &bench,
            &[
                (&[("Null", id, &["true"]), ("Null", paths, &["false"])], "no"),
                (&[("Null", id, &["false"]), ("Null", paths, &["true"])], "no"),
                (&[within, ("StringNotEquals", id, &["o-a"])], "no"),
                (&[within, elsewhere], "no"),
                (&[elsewhere, ("StringEquals", id, &["o-a"])], "no"),
                (
                    &[("ForAnyValue:StringLike", paths, &["o-a*"]), ("StringLike", id, &["o-*b"])],
                    &found,
                ),
                (&[("ForAnyValue:StringLike", paths, &["o-a/ou-*"])], "no"),
                (&[("ForAnyValue:StringEquals", paths, &["o-a/r-b/ou-c"])], "no"),
            ],
        );
    }
}

#[test]
fn a_resource_is_of_the_account_in_its_arn() {
    let (arn, account) = ("aws:SourceArn", "aws:SourceAccount");
    let own = ("StringEquals", account, &["111122223333"][..]);
    let other = ("StringEquals", account, &["444455556666"][..]);
    let of_other = ("ArnLike", arn, &["arn:aws:sns:*:444455556666:*"][..]);
    let not_of_other = ("ArnNotLike", arn, &["arn:aws:*:*:444455556666:*"][..]);
    let of_bucket = ("ArnLike", arn, &["arn:aws:s3:::*"][..]);
    check(
        &Bench::new("Decrypt", Who::Service),
        &[
            (&[own, of_other], "no"),
            (
                &[other, of_other],
                "aws:SourceAccount=444455556666 aws:SourceArn=arn:aws:sns:x:444455556666:x",
            ),
            (
                &[other, not_of_other, of_bucket],
                "aws:SourceAccount=444455556666 aws:SourceArn=arn:aws:s3:::x",
            ),
            (
                &[of_other, ("StringNotLike", account, &["4*"])],
                "aws:SourceArn=arn:aws:sns:x:444455556666:x",
            ),
            (&[of_other, ("StringNotLike", account, &["4*"]), ("Null", account, &["false"])], "no"),
        ],
    );
}

#[test]
fn every_fact_binds() {
    for fact in FACTS {
        let caller = match fact.callers {
            Callers::Services => Who::Service,
            Callers::Everyone
            | Callers::NotServices
            | Callers::LongTerm
            | Callers::NotRoleSessions => Who::User,
            Callers::Sessions => Who::Session,
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
