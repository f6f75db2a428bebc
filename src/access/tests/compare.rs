//! The truth of tests, rule by rule.

use crate::decision::ContextValue;

use super::test;

fn one(text: &str) -> Option<ContextValue> {
    Some(ContextValue::One(text.into()))
}

fn many(texts: &[&str]) -> Option<ContextValue> {
    Some(ContextValue::Many(texts.iter().map(|text| (*text).into()).collect()))
}

fn check(operator: &str, key: &str, values: &[&str], value: &Option<ContextValue>, holds: bool) {
    let variable = |key: &str| (key == "team").then(|| "a*".into());
    let found = test(operator, key, values).holds(value.as_ref(), &variable);
    assert_eq!(found, holds, "{operator} {key} {values:?} on {value:?}");
}

const TAG: &str = "aws:PrincipalTag/team";
const MANY: &str = "kms:GrantOperations";

#[test]
fn c1_c2_c7_values_are_an_or_and_negation_negates_it() {
    check("StringEquals", TAG, &["a", "b"], &one("b"), true);
    check("StringNotEquals", TAG, &["a", "b"], &one("b"), false);
    check("StringNotEquals", TAG, &["a", "b"], &one("c"), true);
    check("StringEquals", TAG, &[], &one("a"), false);
    check("StringNotEquals", TAG, &[], &one("a"), true);
}

#[test]
fn c10_c12_texts() {
    check("StringEquals", TAG, &["*"], &one("x"), false);
    check("StringEquals", TAG, &["*"], &one("*"), true);
    check("StringEquals", TAG, &["A"], &one("a"), false);
    check("StringEqualsIgnoreCase", TAG, &["Ä"], &one("ä"), true);
    check("StringEqualsIgnoreCase", TAG, &["*"], &one("a"), false);
    check("StringLike", TAG, &["a*c?"], &one("abcd"), true);
    check("StringNotLike", TAG, &["a*c?"], &one("abcd"), false);
    for operator in ["StringEquals", "StringLike", "StringEqualsIgnoreCase"] {
        check(operator, TAG, &["a"], &None, false);
    }
    check("StringNotLike", TAG, &["a"], &None, true);
}

#[test]
fn c13_c14_c24_numbers_and_instants() {
    let key = "kms:RotationPeriodInDays";
    check("NumericEquals", key, &["1.0"], &one("1"), true);
    check("NumericLessThanEquals", key, &["10"], &one("9.9"), true);
    check("NumericNotEquals", key, &["10"], &None, true);
    check("NumericLessThan", key, &["10"], &None, false);
    for operator in ["NumericEquals", "NumericNotEquals"] {
        check(operator, key, &["ten"], &one("10"), false);
        check(operator, key, &["10"], &one("ten"), false);
    }
    let key = "aws:CurrentTime";
    check("DateGreaterThan", key, &["2026-01-01"], &one("2026-01-01T00:00:01Z"), true);
    check("DateEquals", key, &["1767225600"], &one("2026-01-01T00:00:00Z"), true);
    check("DateNotEquals", key, &["soon"], &one("2026-01-01T00:00:00Z"), false);
}

#[test]
fn c15_c16_c19_other_operators() {
    check("Bool", "aws:SecureTransport", &["TRUE"], &one("true"), true);
    check("Bool", "aws:SecureTransport", &["false"], &None, false);
    check("BoolIfExists", "aws:MultiFactorAuthPresent", &["false"], &None, true);
    check("BinaryEquals", TAG, &["QUE="], &one("QUE="), true);
    check("Null", TAG, &["true"], &None, true);
    check("Null", TAG, &["true"], &one(""), false);
    check("Null", TAG, &["true", "false"], &one("x"), true);
    check("Null", TAG, &["yes"], &one("x"), false);
}

#[test]
fn c17_c24_addresses() {
    let key = "aws:SourceIp";
    check("IpAddress", key, &["10.0.0.0/8"], &one("10.1.2.3"), true);
    check("IpAddress", key, &["10.1.2.3"], &one("10.1.2.3"), true);
    check("NotIpAddress", key, &["10.0.0.0/8"], &one("2001:db8::1"), true);
    check("IpAddress", key, &["::/0"], &one("10.1.2.3"), false);
    check("IpAddress", key, &["10.0.0.0/8"], &one("here"), false);
    check("NotIpAddress", key, &["10.0.0.0/8"], &one("here"), false);
    check("NotIpAddress", key, &["here"], &one("10.1.2.3"), false);
    check("NotIpAddress", key, &["10.0.0.0/8"], &None, true);
}

#[test]
fn c18_c22_c23_arns_part_by_part() {
    let key = "aws:SourceArn";
    let role = one("arn:aws:iam::111122223333:role/x");
    check("ArnLike", key, &["arn:*:iam::*:role/*"], &role, true);
    check("ArnEquals", key, &["arn:aws:iam::1*3:role/?"], &role, true);
    check("ArnLike", key, &["arn:aws:*:role/x:*:*"], &role, false);
    check("ArnLike", key, &["arn:aws:iam::*"], &role, false);
    check("ArnLike", key, &["*"], &role, true);
    check("ArnLike", key, &["*"], &one("x"), false);
    check("ArnNotLike", key, &["*"], &one("x"), true);
    check("StringLike", key, &["arn:aws:*role/x"], &role, true);
    check("ArnLike", key, &["arn:aws:logs:r:1:group:*"], &one("arn:aws:logs:r:1:group:a:b"), true);
}

#[test]
fn c30_c38_if_exists() {
    for operator in [
        "StringEqualsIfExists",
        "StringNotEqualsIfExists",
        "ForAnyValue:StringEqualsIfExists",
        "ForAllValues:StringEqualsIfExists",
    ] {
        check(operator, MANY, &["a"], &None, true);
    }
    check("StringEqualsIfExists", TAG, &["a"], &one("b"), false);
    check("ForAnyValue:StringEqualsIfExists", MANY, &["a"], &many(&[]), false);
}

#[test]
fn c32_to_c36_sets() {
    let both = many(&["a", "b"]);
    check("ForAllValues:StringEquals", MANY, &["a"], &both, false);
    check("ForAnyValue:StringEquals", MANY, &["a"], &both, true);
    check("ForAllValues:StringNotEquals", MANY, &["c"], &both, true);
    check("ForAnyValue:StringNotEquals", MANY, &["a"], &both, true);
    for nothing in [None, many(&[]), many(&[""]), many(&["", ""])] {
        check("ForAllValues:StringEquals", MANY, &["a"], &nothing, true);
        check("ForAnyValue:StringEquals", MANY, &["a"], &nothing, false);
        check("ForAnyValue:StringNotEquals", MANY, &["a"], &nothing, false);
    }
    check("ForAllValues:StringEquals", MANY, &["a"], &many(&["", "a"]), false);
    check("ForAllValues:StringEquals", TAG, &["a"], &one("b"), false);
    check("ForAnyValue:StringEquals", TAG, &["a"], &one("a"), true);
}

#[test]
fn c37_several_values_without_set_operator_are_false() {
    for value in [one("a"), many(&["a"]), many(&[])] {
        check("StringEquals", MANY, &["a"], &value, false);
        check("StringNotEquals", MANY, &["b"], &value, false);
    }
    check("StringEquals", MANY, &["a"], &None, false);
    check("StringNotEquals", MANY, &["a"], &None, true);
}

#[test]
fn c26_c41_c42_variables() {
    check("StringLike", TAG, &["{team}"], &one("a*"), true);
    check("StringLike", TAG, &["{team}"], &one("ab"), false);
    check("StringEquals", TAG, &["{none}"], &one("ab"), false);
    check("StringNotEquals", TAG, &["{none}"], &one("ab"), true);
    check("StringEqualsIgnoreCase", TAG, &["{team}"], &one("A*"), true);
}
