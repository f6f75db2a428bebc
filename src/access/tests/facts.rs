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
        (
            &user,
            &[via],
            "aws:MultiFactorAuthPresent=false aws:ViaAWSService=true \
             kms:ViaService=s3.eu-west-1.amazonaws.com",
        ),
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
            "aws:MultiFactorAuthPresent=false aws:ViaAWSService=true",
        ),
        (&service, &[("Null", "aws:MultiFactorAuthPresent", &["false"])], "no"),
        (
            &user,
            &[("NumericLessThan", "aws:MultiFactorAuthAge", &["300"])],
            "aws:MultiFactorAuthAge=0 aws:MultiFactorAuthPresent=false aws:ViaAWSService=true",
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
const AGE: &str = "aws:MultiFactorAuthAge";
const ISSUED: &str = "aws:TokenIssueTime";

#[test]
fn what_temporary_credentials_carry_goes_together() {
    let absent = |key| ("Null", key, &["true"][..]);
    let present = |key| ("Null", key, &["false"][..]);
    let not_used = ("Bool", MFA, &["false"][..]);
    let itself = ("Bool", "aws:ViaAWSService", &["false"][..]);
    for who in [Who::User, Who::Root, Who::Session, Who::Federated] {
        let bench = Bench::new("Decrypt", who);
        check(&bench, &[(&[present(ISSUED), absent(MFA)], "no")]);
        check(&bench, &[(&[present(AGE), absent(MFA)], "no")]);
        check(&bench, &[(&[present(AGE), not_used, itself], "no")]);
        check(&bench, &[(&[present(MFA), absent(ISSUED), itself], "no")]);
        // Nothing says that the age is told wherever MFA was used.
        let words = bench.words(&[("Bool", MFA, &["true"]), absent(AGE), present(ISSUED), itself]);
        assert!(words.contains("aws:MultiFactorAuthPresent=true"), "{words}");
    }
    let by_itself = "aws:ViaAWSService=false";
    for (who, expected) in [
        (Who::User, by_itself),
        (Who::Root, by_itself),
        (Who::Session, "no"),
        (Who::Federated, "no"),
    ] {
        check(&Bench::new("Decrypt", who), &[(&[absent(ISSUED), absent(MFA)], expected)]);
    }
}

#[test]
fn c67_through_a_service_users_say_whether_mfa_was_used() {
    let absent = |key| ("Null", key, &["true"][..]);
    let present = |key| ("Null", key, &["false"][..]);
    let not_used = ("Bool", MFA, &["false"][..]);
    let through = ("Bool", "aws:ViaAWSService", &["true"][..]);
    let user = Bench::new("Decrypt", Who::User);
    let with =
        |rest: &str| format!("{rest}aws:MultiFactorAuthPresent=false aws:ViaAWSService=true");
    check(
        &user,
        &[
            (&[absent(MFA), through], "no"),
            (&[absent(MFA), present("kms:ViaService")], "no"),
            (&[not_used, absent(ISSUED), through], &with("")),
            // What the service's own credentials say of their age is unknown.
            (&[not_used, present(AGE), through], &with("aws:MultiFactorAuthAge=0 ")),
            (&[absent(ISSUED), through], &with("")),
        ],
    );
    // Of root users the guide says nothing.
    let root = Bench::new("Decrypt", Who::Root);
    check(&root, &[(&[absent(MFA), through], "aws:ViaAWSService=true")]);
    for who in [Who::Session, Who::Federated] {
        check(&Bench::new("Decrypt", who), &[(&[not_used, absent(ISSUED), through], "no")]);
        check(&Bench::new("Decrypt", who), &[(&[not_used, present(AGE), through], "no")]);
    }
}

#[test]
fn what_the_question_fixes_brings_the_facts_that_it_meets() {
    let absent = |key| ("Null", key, &["true"][..]);
    let user = |key, value: &str| {
        let given = Limit::Given([value.into()].into());
        Bench::new("Decrypt", Who::User).limited(&[(key, given)])
    };
    // Through kms:ViaService and aws:ViaAWSService, of which nobody asks.
    let through = user("kms:viaservice", "s3.us-east-1.amazonaws.com");
    check(&through, &[(&[absent(MFA)], "no")]);
    // Only through a service.
    let used = user("aws:multifactorauthpresent", "true");
    let words = used.words(&[absent(ISSUED)]);
    assert!(words.contains("aws:ViaAWSService=true"), "{words}");
    check(&used, &[(&[absent(ISSUED), ("Bool", "aws:ViaAWSService", &["false"])], "no")]);
}

#[test]
fn what_the_question_fixes_is_asked_for_all_the_same() {
    let given = Limit::Given(["arn:aws:sns:us-east-1:111122223333:t".into()].into());
    let user = Bench::new("Decrypt", Who::User).limited(&[("aws:sourcearn", given)]);
    let words = user.words(&[("Null", "aws:SourceArn", &["false"])]);
    assert!(words.contains("aws:SourceArn="), "{words}");
}

#[test]
fn what_a_session_takes_from_its_role_stands_in_no_other() {
    let present = |key| ("Null", key, &["false"][..]);
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
            // Digits in the account of an ARN are those of an id.
            (&[other, ("ArnLike", arn, &["arn:aws:sns:*:2*:t"])], "no"),
            (
                &[("ArnLike", arn, &["arn:aws:sns:*:2*:t"])],
                "aws:SourceArn=arn:aws:sns::200000000000:t",
            ),
            (&[("ArnLike", arn, &["arn:aws:iam::aws:*"])], "aws:SourceArn=arn:aws:iam::aws:x"),
            (
                &[other, ("StringLike", arn, &["*222222222222*"])],
                "aws:SourceAccount=444455556666 aws:SourceArn=arn:aws:s3:::x222222222222x",
            ),
            (&[of_other, ("StringNotLike", account, &["4*"]), ("Null", account, &["false"])], "no"),
        ],
    );
}

#[test]
fn a_resource_that_the_question_fixes_has_its_account() {
    let (arn, account) = ("aws:SourceArn", "aws:SourceAccount");
    let service = |key, value: &str| {
        let given = Limit::Given([value.into()].into());
        Bench::new("Decrypt", Who::Service).limited(&[(key, given)])
    };
    let of_other = ("ArnLike", arn, &["arn:aws:sns:*:444455556666:*"][..]);
    let own = service("aws:sourceaccount", "111122223333");
    check(&own, &[(&[of_other], "no")]);
    let of_own = service("aws:sourcearn", "arn:aws:sns:us-east-1:111122223333:t");
    check(&of_own, &[(&[("StringEquals", account, &["444455556666"])], "no")]);
    let words = of_own.words(&[("StringEquals", account, &["111122223333"])]);
    assert!(words.contains("aws:SourceAccount=111122223333"), "{words}");
}

#[test]
fn days_are_within_their_bounds() {
    let days = "kms:ScheduleKeyDeletionPendingWindowInDays";
    let bench = Bench::new("ScheduleKeyDeletion", Who::User);
    check(
        &bench,
        &[
            (&[("NumericLessThan", days, &["7"])], "no"),
            (&[("NumericGreaterThan", days, &["30"])], "no"),
            (&[("NumericEquals", days, &["5"])], "no"),
            (&[("NumericLessThanEquals", days, &["7"])], &format!("{days}=7")),
            (&[("NumericGreaterThan", days, &["29"])], &format!("{days}=30")),
            (&[("Null", days, &["false"])], &format!("{days}=30")),
        ],
    );
    let bench = Bench::new("EnableKeyRotation", Who::User);
    let period = "kms:RotationPeriodInDays";
    check(&bench, &[(&[("NumericLessThan", period, &["90"])], "no")]);
}

#[test]
fn each_tag_of_a_request_is_told_in_both_ways() {
    let (team, keys) = ("aws:RequestTag/team", "aws:TagKeys");
    let red = ("StringEquals", team, &["red"][..]);
    let tagged = Bench::new("TagResource", Who::User);
    check(
        &tagged,
        &[
            (&[red], "aws:RequestTag/team=red aws:TagKeys=[team]"),
            (
                &[("ForAnyValue:StringEquals", keys, &["owner"])],
                "aws:RequestTag/owner=other aws:TagKeys=[owner]",
            ),
            (&[red, ("Null", keys, &["true"])], "no"),
            (&[red, ("ForAllValues:StringEquals", keys, &["owner"])], "no"),
            (&[("Null", team, &["true"]), ("ForAnyValue:StringEquals", keys, &["team"])], "no"),
            (
                &[red, ("ForAllValues:StringEquals", keys, &["Team", "owner"])],
                "aws:RequestTag/Team=red aws:TagKeys=[Team]",
            ),
        ],
    );
    // It names keys alone.
    let untagged = Bench::new("UntagResource", Who::User);
    let owner = ("ForAnyValue:StringEquals", keys, &["owner"][..]);
    check(&untagged, &[(&[owner], "aws:TagKeys=[owner]"), (&[red], "no")]);
    // What a question fixes of either tells of the other.
    let given = Limit::Given(["red".into()].into());
    let fixed = Bench::new("TagResource", Who::User).limited(&[("aws:requesttag/team", given)]);
    let spelled = ("StringEquals", "aws:RequestTag/TEAM", &["red"][..]);
    check(&fixed, &[(&[spelled], "aws:RequestTag/TEAM=red aws:TagKeys=[team]")]);
    check(&fixed, &[(&[("ForAllValues:StringEquals", keys, &["owner"])], "no")]);
    let given = Limit::Given(["owner".into()].into());
    let fixed = Bench::new("TagResource", Who::User).limited(&[("aws:tagkeys", given)]);
    check(&fixed, &[(&[red], "no")]);
    let fixed = [("aws:requesttag/*", Limit::Absent)];
    let fixed = Bench::new("TagResource", Who::User).limited(&fixed);
    check(&fixed, &[(&[("ForAnyValue:StringEquals", keys, &["owner"])], "no")]);
}

#[test]
fn days_are_told_apart_as_they_are_written() {
    let window = "kms:ScheduleKeyDeletionPendingWindowInDays";
    let period = "kms:RotationPeriodInDays";
    let deletion = Bench::new("ScheduleKeyDeletion", Who::User);
    let rotation = Bench::new("EnableKeyRotation", Who::User);
    let like = |key, pattern| ("StringLike", key, pattern);
    check(&deletion, &[(&[like(window, &["4*"][..])], "no")]);
    let found = format!("{window}=10");
    check(
        &deletion,
        &[(&[like(window, &["1*"])], &found), (&[like(window, &["3?"])], &format!("{window}=30"))],
    );
    check(&rotation, &[(&[like(period, &["09*"])], "no")]);
    let above = ("NumericGreaterThan", period, &["2500"][..]);
    check(&rotation, &[(&[like(period, &["*9"]), above], &format!("{period}=2509"))]);
    let outside = ("StringNotLike", window, &["?", "1?", "2?", "30"][..]);
    check(&deletion, &[(&[outside], "no")]);
}

#[test]
fn every_fact_binds() {
    for fact in FACTS {
        let caller = match fact.callers {
            Callers::Services => Who::Service,
            Callers::Everyone
            | Callers::NotServices
            | Callers::Users
            | Callers::LongTerm
            | Callers::NotRoleSessions => Who::User,
            Callers::Roots => Who::Root,
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
