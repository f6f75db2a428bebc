//! Conditions in words.

use crate::access::entry::{Stars, pieces};
use crate::access::formula::{Atom, Formula, Node};
use crate::access::frame::{Limit, Who};
use crate::access::solve::Found;
use crate::access::test::{Operand, Test};
use crate::policy::{Operator, Variables};

use super::automaton::Random;
use super::bench::{Bench, random_formula};

const VIA: &str = "kms:ViaService";
const TAG: &str = "aws:PrincipalTag/team";
const IP: &str = "aws:SourceIp";

fn check(bench: &Bench, formula: Formula, expected: &str) {
    let found = bench.solver.condition(formula, &bench.frame);
    let found = found.map_or("none".to_owned(), |condition| condition.to_string());
    assert_eq!(found, expected);
}

#[test]
fn tests_read_well() {
    let bench = Bench::new("Decrypt", Who::Session);
    for (operator, key, values, expected) in [
        (
            "StringEquals",
            VIA,
            &["s3.eu-west-1.amazonaws.com"][..],
            "kms:ViaService is s3.eu-west-1.amazonaws.com",
        ),
        ("StringNotEquals", TAG, &["a", "b"], "aws:PrincipalTag/team is not in [a, b]"),
        ("StringLike", TAG, &["a*"], "aws:PrincipalTag/team matches a*"),
        (
            "StringLikeIfExists",
            TAG,
            &["a*"],
            "aws:PrincipalTag/team is absent or aws:PrincipalTag/team matches a*",
        ),
        // One that another takes says nothing more.
        ("StringLike", TAG, &["a*", "ab", "a?c"], "aws:PrincipalTag/team matches a*"),
        (
            "StringNotLike",
            TAG,
            &["?b", "ab", "b*"],
            "aws:PrincipalTag/team matches none of [b*, ?b]",
        ),
        ("NotIpAddress", IP, &["10.0.0.0/8"], "aws:SourceIp is not in 10.0.0.0/8"),
        ("Null", IP, &["true"], "aws:SourceIp is absent"),
        ("Null", IP, &["false"], "aws:SourceIp is present"),
        ("Bool", "aws:MultiFactorAuthPresent", &["TRUE"], "aws:MultiFactorAuthPresent is true"),
        (
            "ForAllValues:StringEquals",
            "kms:EncryptionContextKeys",
            &["a"],
            "kms:EncryptionContextKeys has no value outside a",
        ),
        (
            "ForAnyValue:StringLike",
            "aws:CalledVia",
            &["a*", "b*"],
            "aws:CalledVia has a value that matches one of [a*, b*]",
        ),
        ("ForAllValues:StringEquals", IP, &["a"], "aws:SourceIp is absent"),
        ("NumericGreaterThan", "aws:MultiFactorAuthAge", &["300"], "aws:MultiFactorAuthAge > 300"),
        // What is compared otherwise than its type says so.
        ("StringEquals", IP, &["10.0.0.1"], "aws:SourceIp satisfies StringEquals 10.0.0.1"),
        ("NumericEquals", TAG, &["5"], "aws:PrincipalTag/team satisfies NumericEquals 5"),
        ("NumericEquals", "aws:MultiFactorAuthAge", &["5"], "aws:MultiFactorAuthAge is 5"),
        // What always or never holds is no condition.
        ("Bool", "aws:SecureTransport", &["true"], "none"),
        ("Null", "kms:GrantOperations", &["false"], "none"),
    ] {
        check(&bench, bench.of(operator, key, values), expected);
    }
    let older = bench.of("NumericGreaterThan", "aws:MultiFactorAuthAge", &["300"]);
    check(
        &bench,
        bench.formulas.not(older),
        "aws:MultiFactorAuthAge <= 300 or aws:MultiFactorAuthAge is absent",
    );
    let outside = bench.of("ForAllValues:StringEquals", "aws:CalledVia", &["a"]);
    check(&bench, bench.formulas.not(outside), "aws:CalledVia has a value outside a");
}

#[test]
fn what_is_not_false_is_true_or_absent() {
    let bench = Bench::new("Decrypt", Who::User);
    let mfa = "aws:MultiFactorAuthPresent";
    let of = |operator: &str, values: &[&str]| bench.of(operator, mfa, values);
    let not = |formula| bench.formulas.not(formula);
    let present = of("Null", &["false"]);
    let is_true = "aws:MultiFactorAuthPresent is true";
    check(&bench, bench.formulas.and([not(of("Bool", &["false"])), present]), is_true);
    check(&bench, not(of("BoolIfExists", &["False"])), is_true);
    check(
        &bench,
        bench.formulas.and([not(of("Bool", &["true"])), present]),
        "aws:MultiFactorAuthPresent is false",
    );
    check(
        &bench,
        not(of("Bool", &["false"])),
        "aws:MultiFactorAuthPresent is true or aws:MultiFactorAuthPresent is absent",
    );
    // A key that is always there.
    check(
        &bench,
        not(bench.of("Bool", "aws:ViaAWSService", &["false"])),
        "aws:ViaAWSService is true",
    );
}

#[test]
fn c4_keys_are_spelled_as_policies_do() {
    let bench = Bench::new("Decrypt", Who::Session);
    for key in ["AWS:PrincipalTag/Team", "aws:principaltag/team", "kms:EncryptionContext:AppName"] {
        bench.formulas.spellings.hear(key);
    }
    let tag = |key| bench.of("StringEquals", key, &["red"]);
    let both = bench.formulas.and([tag("AWS:PrincipalTag/Team"), tag("aws:principaltag/team")]);
    check(&bench, both, "aws:PrincipalTag/Team is red");
    let pair = bench.of("StringEquals", "kms:EncryptionContext:AppName", &["x"]);
    check(&bench, pair, "kms:EncryptionContext:AppName is x");
    let witness = |formula| match bench.find(formula) {
        Found::Yes(context) => context.entries().map(|entry| entry.name.to_string()).collect(),
        _ => Vec::new(),
    };
    assert!(witness(both).contains(&"aws:PrincipalTag/Team".to_owned()), "{:?}", witness(both));
    assert_eq!(witness(pair), ["kms:EncryptionContext:AppName"]);
    // Where the set of names is asked their case counts (rule C52).
    let names = "kms:EncryptionContextKeys";
    let named = |name| bench.of("ForAnyValue:StringEquals", names, &[name]);
    let found = witness(bench.formulas.and([pair, named("appname")]));
    assert!(found.contains(&"kms:EncryptionContext:appname".to_owned()), "{found:?}");
    let found = witness(bench.formulas.and([pair, bench.formulas.not(named("appname"))]));
    assert!(found.contains(&"kms:EncryptionContext:AppName".to_owned()), "{found:?}");
}

#[test]
fn c26_what_is_no_wildcard_and_no_variable_keeps_its_escape() {
    let bench = Bench::new("Decrypt", Who::Session);
    let pair = "kms:EncryptionContext:path";
    bench.formulas.spellings.hear(pair);
    for (written, expected) in [
        ("${*}a*", "matches ${*}a*"),
        ("a${?}?", "matches a${?}?"),
        ("${$}{x}*", "matches ${$}{x}*"),
        // A value, not a pattern: nothing in it would read as a wildcard.
        ("${*}${?}", "is *?"),
    ] {
        let operator = Operator::parse("StringLike").expect("an operator");
        let pieces = pieces(written, Variables::Replaced, Stars::Wild).expect("a pattern");
        let key = pair.to_ascii_lowercase().into();
        let values = [Operand::Text(pieces)].into();
        let test = Test { key, operator, values, of_grant: false };
        check(&bench, bench.formulas.of(Atom::Request(test)), &format!("{pair} {expected}"));
    }
}

#[test]
fn c50_u5_parts_that_follow_are_left_out() {
    let bench = Bench::new("Decrypt", Who::User);
    let via = bench.of("StringLike", VIA, &["s3.*"]);
    let service = bench.of("Bool", "aws:ViaAWSService", &["true"]);
    check(&bench, bench.formulas.and([via, service]), "kms:ViaService matches s3.*");
    let ip = bench.of("IpAddress", IP, &["10.0.0.0/8"]);
    let no_endpoint = bench.of("Null", "aws:SourceVpce", &["true"]);
    let endpoint = bench.formulas.not(no_endpoint);
    let both = bench.formulas.and([
        via,
        bench.formulas.or([ip, endpoint]),
        bench.formulas.or([no_endpoint, ip]),
    ]);
    check(&bench, both, "aws:SourceIp is in 10.0.0.0/8 and kms:ViaService matches s3.*");
    let red = bench.of("StringEquals", TAG, &["red"]);
    let blue = bench.of("StringEquals", TAG, &["blue"]);
    let some = bench.formulas.and([bench.formulas.or([red, blue]), via]);
    check(&bench, some, "aws:PrincipalTag/team is in [blue, red] and kms:ViaService matches s3.*");
    check(&bench, bench.formulas.and([red, blue]), "none");
    let given = Limit::OneOf(["red".into()].into());
    let bench = Bench::new("Decrypt", Who::User).limited(&[("aws:principaltag/team", given)]);
    let any = bench.of("StringLike", TAG, &["r*"]);
    let via = bench.of("StringLike", VIA, &["s3.*"]);
    check(
        &bench,
        bench.formulas.and([any, via]),
        "aws:PrincipalTag/team matches r* and kms:ViaService matches s3.*",
    );
    let absent = bench.of("Null", TAG, &["true"]);
    check(
        &bench,
        bench.formulas.and([bench.formulas.or([any, absent]), via]),
        "kms:ViaService matches s3.*",
    );
}

#[test]
fn conditions_are_equal_and_no_part_can_be_dropped() {
    let bench = Bench::new("Decrypt", Who::User);
    let mut random = Random(8);
    let tests = [
        bench.of("StringLike", TAG, &["a*"]),
        bench.of("StringEqualsIfExists", TAG, &["ab", "b"]),
        bench.of("Null", VIA, &["true"]),
        bench.of("StringLike", VIA, &["s3.*"]),
        bench.of("Bool", "aws:ViaAWSService", &["true"]),
        bench.of("IpAddress", IP, &["10.0.0.0/8"]),
        bench.of("NotIpAddressIfExists", IP, &["10.1.0.0/16"]),
        bench.of("Null", "aws:SourceVpce", &["true"]),
        bench.of("ForAllValues:StringLike", "kms:EncryptionContextKeys", &["a*"]),
        bench.of("StringEquals", "kms:EncryptionContext:ab", &["x"]),
    ];
    let equal = |one: Formula, other: Formula| {
        let differ = |one, other| bench.find(bench.formulas.and([one, bench.formulas.not(other)]));
        differ(one, other) == Found::No && differ(other, one) == Found::No
    };
    let mut some = 0;
    for _ in 0..150 {
        let formula = random_formula(&bench, &mut random, &tests, 3);
        let constant = bench.find(formula) == Found::No
            || bench.find(bench.formulas.not(formula)) == Found::No;
        let reduced = bench.solver.reduced_formula(formula, &bench.frame);
        assert_eq!(reduced.is_none(), constant);
        let Some(reduced) = reduced else {
            continue;
        };
        some += 1;
        assert!(equal(reduced, formula));
        for smaller in smaller(&bench, reduced) {
            assert!(
                !equal(smaller, formula),
                "{:?}",
                bench.solver.condition(formula, &bench.frame)
            );
        }
    }
    assert!(some > 50, "{some}");
}

/// The formula without one of its parts, at any depth.
fn smaller(bench: &Bench, formula: Formula) -> Vec<Formula> {
    let (parts, all) = match bench.formulas.node(formula) {
        Node::And(parts) => (parts, true),
        Node::Or(parts) => (parts, false),
        _ => return Vec::new(),
    };
    let join = |parts: Vec<Formula>| match all {
        true => bench.formulas.and(parts),
        false => bench.formulas.or(parts),
    };
    let mut found = Vec::new();
    for at in 0..parts.len() {
        let others =
            || parts.iter().enumerate().filter(|(own, _)| *own != at).map(|(_, part)| *part);
        found.push(join(others().collect()));
        for smaller in smaller(bench, parts[at]) {
            found.push(join(others().chain([smaller]).collect()));
        }
    }
    found
}
