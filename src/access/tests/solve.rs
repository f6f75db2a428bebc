//! The solver against enumeration.

use crate::access::formula::Formula;
use crate::access::frame::{Limit, Who};
use crate::access::solve::Found;
use crate::decision::{Context, ContextValue};

use super::automaton::Random;
use super::bench::{Bench, holds, random_formula};

fn contexts(keys: &[(&str, Vec<Option<ContextValue>>)]) -> Vec<Context> {
    let mut all = vec![Context::default()];
    for (key, values) in keys {
        all = all
            .iter()
            .flat_map(|context| {
                values.iter().map(|value| {
                    let mut context = context.clone();
                    if let Some(value) = value {
                        context.set(key, value.clone());
                    }
                    context
                })
            })
            .collect();
    }
    all
}

fn ones(values: &[&str]) -> Vec<Option<ContextValue>> {
    let value = |text: &&str| Some(ContextValue::One((*text).into()));
    std::iter::once(None).chain(values.iter().map(value)).collect()
}

fn subsets(values: &[&str]) -> Vec<Option<ContextValue>> {
    let set = |mask: usize| {
        let chosen = values.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1);
        Some(ContextValue::Many(chosen.map(|(_, text)| (*text).into()).collect()))
    };
    std::iter::once(None).chain((0..1 << values.len()).map(set)).collect()
}

#[test]
fn c32_to_c36_random_formulas_agree_with_enumeration() {
    // Of tags that are taken away a request tells the keys alone.
    let bench = Bench::new("UntagResource", Who::Session);
    let mut random = Random(5);
    let texts = super::automaton::all_texts(&['a', 'b', 'z'], 2);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let all = contexts(&[
        ("aws:PrincipalTag/t", ones(&texts)),
        ("aws:TagKeys", subsets(&["a", "b", "ab", "z", "az"])),
        ("aws:SourceIp", ones(&["10.0.0.1", "10.1.0.1", "203.0.113.10", "2001:db8::10"])),
    ]);
    for _ in 0..150 {
        let mut tests = Vec::new();
        for _ in 0..2 {
            let pattern = random.pick(&["a*", "*b", "?", "ab", "*", "a"]);
            let operator =
                random.pick(&["StringLike", "StringNotLike", "StringLikeIfExists", "StringEquals"]);
            let value = if operator == "StringEquals" { "ab" } else { pattern };
            tests.push(bench.of(operator, "aws:PrincipalTag/t", &[value]));
            let operator = random.pick(&[
                "ForAllValues:StringLike",
                "ForAnyValue:StringLike",
                "ForAnyValue:StringNotLike",
                "ForAllValues:StringNotLike",
                "StringEquals",
                "ForAnyValue:StringLikeIfExists",
                "Null",
            ]);
            let values = if operator == "Null" { &["true"] } else { &[pattern] };
            tests.push(bench.of(operator, "aws:TagKeys", values));
            let block = random.pick(&["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::/0"]);
            let operator = random.pick(&["IpAddress", "NotIpAddress", "NotIpAddressIfExists"]);
            tests.push(bench.of(operator, "aws:SourceIp", &[block]));
        }
        for _ in 0..4 {
            let formula = random_formula(&bench, &mut random, &tests, 3);
            bench.found_among(formula, &all);
        }
    }
}

#[test]
fn tags_and_their_keys_agree_with_enumeration() {
    let bench = Bench::new("TagResource", Who::User);
    let mut random = Random(8);
    let mut all = vec![Vec::<(&str, &str)>::new()];
    let asked = ["a", "A", "b", "B"].map(|name| (name, 3));
    for (name, values) in asked.into_iter().chain(["z", "z*", "Z*", "q"].map(|name| (name, 1))) {
        let values = &["", "x", "y"][..values];
        let given = all.iter().flat_map(|tags| {
            values.iter().map(|value| tags.iter().copied().chain([(name, *value)]).collect())
        });
        let given: Vec<Vec<(&str, &str)>> = given.collect();
        all.extend(given);
    }
    let context = |tags: &Vec<(&str, &str)>| {
        let mut context = Context::default();
        for (name, value) in tags {
            context.set_one(&format!("aws:RequestTag/{name}"), value);
        }
        if !tags.is_empty() {
            let names = tags.iter().map(|(name, _)| (*name).into()).collect();
            context.set("aws:TagKeys", ContextValue::Many(names));
        }
        context
    };
    let mut contexts: Vec<Context> = all.iter().map(context).collect();
    // No tags, and the set of their keys all the same.
    let mut empty = Context::default();
    empty.set("aws:TagKeys", ContextValue::Many(Vec::new()));
    contexts.push(empty);
    let mut found = [0, 0];
    for _ in 0..60 {
        let mut tests = Vec::new();
        for _ in 0..2 {
            let key = random.pick(&["aws:RequestTag/a", "aws:RequestTag/b"]);
            let operator = random.pick(&["StringEquals", "StringNotEquals", "Null"]);
            let value = if operator == "Null" { "true" } else { random.pick(&["x", ""]) };
            tests.push(bench.of(operator, key, &[value]));
            let operator = random.pick(&[
                "ForAllValues:StringEquals",
                "ForAnyValue:StringEquals",
                "ForAnyValue:StringNotEquals",
                "ForAllValues:StringNotEquals",
                "ForAnyValue:StringEqualsIgnoreCase",
                "ForAllValues:StringLike",
            ]);
            let name = random.pick(&["a", "A", "b", "z*"]);
            tests.push(bench.of(operator, "aws:TagKeys", &[name]));
        }
        for _ in 0..4 {
            let formula = random_formula(&bench, &mut random, &tests, 3);
            found[usize::from(bench.found_among(formula, &contexts))] += 1;
        }
    }
    assert!(found[0] > 5 && found[1] > 50, "{found:?}");
}

#[test]
fn c52_pairs_and_their_names_agree_with_enumeration() {
    let bench = Bench::new("Decrypt", Who::User);
    let mut random = Random(6);
    let mut all = vec![Vec::<(&str, &str)>::new()];
    for spellings in [["a", "A"], ["b", "B"], ["ab", "Ab"], ["z", "Z"], ["az", "Az"]] {
        let mut next = all.clone();
        let is_asked = ["a", "b"].contains(&spellings[0]);
        let values = &["", "x", "y"][..if is_asked { 3 } else { 1 }];
        let each = |name| values.iter().map(move |value| vec![(name, *value)]);
        let [one, other] = spellings;
        let both = values.iter().flat_map(|value| {
            values.iter().map(move |second| vec![(one, *value), (other, *second)])
        });
        for given in each(one).chain(each(other)).chain(both.filter(|_| is_asked)) {
            next.extend(all.iter().map(|pairs| [pairs.as_slice(), &given].concat()));
        }
        all = next;
    }
    let context = |pairs: &Vec<(&str, &str)>| {
        let mut context = Context::default();
        for (name, value) in pairs {
            context.set_one(&format!("kms:EncryptionContext:{name}"), value);
        }
        if !pairs.is_empty() {
            let names = pairs.iter().map(|(name, _)| (*name).into()).collect();
            context.set("kms:EncryptionContextKeys", ContextValue::Many(names));
        }
        context
    };
    let all: Vec<Context> = all.iter().map(context).collect();
    for _ in 0..60 {
        let mut tests = Vec::new();
        for key in ["kms:EncryptionContext:a", "kms:EncryptionContext:b"] {
            let operator =
                random.pick(&["StringEquals", "StringNotEquals", "StringEqualsIfExists"]);
            tests.push(bench.of(operator, key, &[random.pick(&["x", "y", ""])]));
        }
        for _ in 0..2 {
            let operator = random.pick(&[
                "ForAllValues:StringEquals",
                "ForAnyValue:StringEquals",
                "ForAnyValue:StringNotLike",
                "ForAllValues:StringLike",
                "ForAllValues:StringEqualsIgnoreCase",
                "Null",
            ]);
            let name = match operator.contains("Like") {
                true => random.pick(&["a*", "A*", "*b"]),
                false => random.pick(&["a", "A", "b"]),
            };
            let values = if operator == "Null" { &["false"][..] } else { &[name][..] };
            tests.push(bench.of(operator, "kms:EncryptionContextKeys", values));
        }
        for _ in 0..2 {
            let formula = random_formula(&bench, &mut random, &tests, 2);
            bench.found_among(formula, &all);
        }
    }
}

#[test]
fn g3_c60_g54_listed_values() {
    let bench = Bench::new("CreateGrant", Who::Session);
    for (tests, expected) in [
        (&[("Null", "kms:GrantOperations", &["true"][..])][..], "no"),
        (
            &[("ForAllValues:StringEquals", "kms:GrantOperations", &["Decrypt"])],
            "kms:GrantOperations=[Decrypt]",
        ),
        (&[("ForAllValues:StringEquals", "kms:GrantOperations", &["ScheduleKeyDeletion"])], "no"),
        (
            &[
                ("ForAllValues:StringEquals", "kms:GrantOperations", &["Decrypt"]),
                ("ForAnyValue:StringNotEquals", "kms:GrantOperations", &["Decrypt"]),
            ],
            "no",
        ),
        (
            &[
                ("StringLike", "kms:GrantConstraintType", &["*"]),
                ("StringNotLike", "kms:GrantConstraintType", &["*Equals"]),
            ],
            "kms:GrantConstraintType=EncryptionContextSubset",
        ),
        (&[("StringEquals", "kms:CallerAccount", &["12"])], "no"),
    ] {
        assert_eq!(bench.words(tests), expected, "{tests:?}");
    }
}

#[test]
fn c14_the_two_forms_of_the_instant_are_one() {
    let bench = Bench::new("Decrypt", Who::User);
    let after = ("DateGreaterThan", "aws:CurrentTime", &["2026-12-01T00:00:00Z"][..]);
    let epoch = "aws:EpochTime";
    for (tests, expected) in [
        (
            &[after, ("DateLessThan", epoch, &["1796083202"])][..],
            "aws:CurrentTime=2026-12-01T00:00:01Z aws:EpochTime=1796083201",
        ),
        (&[after, ("NumericLessThan", epoch, &["1796083201"])], "no"),
        (&[("DateLessThan", "aws:CurrentTime", &["2026-01-01"])], "no"),
        (&[("Null", epoch, &["true"])], "no"),
    ] {
        assert_eq!(bench.words(tests), expected, "{tests:?}");
    }
}

#[test]
fn n1_limits_and_keys_that_are_not_carried() {
    let decrypt = || Bench::new("Decrypt", Who::Session);
    let tag = "aws:PrincipalTag/team";
    let one_of = Limit::OneOf(["red".into(), "blue".into()].into());
    let bench = decrypt().limited(&[("aws:principaltag/team", one_of)]);
    assert_eq!(bench.words(&[("StringLike", tag, &["*"])]), "aws:PrincipalTag/team=red");
    assert_eq!(bench.words(&[("StringLike", tag, &["*"]), ("StringNotLike", tag, &["*e*"])]), "no");
    let bench =
        decrypt().limited(&[("aws:principaltag/team", Limit::Given(["red".into()].into()))]);
    assert_eq!(bench.words(&[("Null", tag, &["true"])]), "no");
    let bench = decrypt().limited(&[("kms:encryptioncontext", Limit::Absent)]);
    assert_eq!(bench.words(&[("Null", "kms:EncryptionContext:a", &["false"])]), "no");
    assert_eq!(bench.words(&[("Null", "kms:EncryptionContextKeys", &["false"])]), "no");
    let bench = decrypt().limited(&[("aws:userid", Limit::PresentLike("AROA1:*".into()))]);
    assert_eq!(
        bench.words(&[
            ("StringNotLike", "aws:userid", &["*:x*"]),
            ("StringLike", "aws:userid", &["*x"])
        ]),
        "aws:userid=AROA1:yx"
    );
    // A fact binds through a key that is given.
    let bench = decrypt().limited(&[("aws:viaawsservice", Limit::Given(["false".into()].into()))]);
    assert_eq!(bench.words(&[("Null", "kms:ViaService", &["false"])]), "no");
    assert_eq!(
        Bench::new("ListKeys", Who::User).words(&[("Null", "kms:ViaService", &["false"])]),
        "no"
    );
}

#[test]
fn c40_c42_ties_between_keys() {
    let bench = Bench::new("Decrypt", Who::Session);
    let (pair, tag) = ("kms:EncryptionContext:team", "aws:PrincipalTag/team");
    let variable = "{aws:principaltag/team}";
    assert_eq!(
        bench.words(&[("StringEquals", pair, &[variable])]),
        "aws:PrincipalTag/team=x kms:EncryptionContext:team=x"
    );
    assert_eq!(
        bench.words(&[("StringEquals", pair, &[variable]), ("StringEquals", tag, &["red"])]),
        "aws:PrincipalTag/team=red kms:EncryptionContext:team=red"
    );
    // What the variable stands for does not matter.
    let tied = ("StringEquals", pair, &[variable][..]);
    assert_eq!(bench.words(&[tied, ("Null", pair, &["true"])]), "no");
    let red = [("StringEquals", tag, &["red"][..]), ("StringNotEquals", pair, &["red"])];
    assert_eq!(bench.words(&[tied, red[0], red[1]]), "no");
    // A part of a text is no equality.
    let part = ("StringEquals", pair, &["x-{aws:principaltag/team}"][..]);
    let other = ("StringNotEquals", pair, &["x-red"][..]);
    assert_eq!(bench.words(&[part, red[0], other]), "undecided");
    let session = ("StringEquals", "aws:RoleSessionName", &[variable][..]);
    let session_red = ("StringNotEquals", "aws:RoleSessionName", &["red"][..]);
    assert_eq!(bench.words(&[session, red[0], session_red]), "no");
    let limits = [("aws:principaltag/team", Limit::OneOf(["red".into()].into()))];
    let limited = Bench::new("Decrypt", Who::Session).limited(&limits);
    assert_eq!(limited.words(&[tied, red[1]]), "no");
    let matches = limited.all(&[tied, ("Null", "kms:ViaService", &["false"])]);
    let condition =
        limited.solver.condition(matches, &limited.frame).map(|words| words.to_string());
    let expected =
        "kms:EncryptionContext:team is ${aws:PrincipalTag/team} and kms:ViaService is present";
    assert_eq!(condition.as_deref(), Some(expected));
    assert_eq!(
        bench.words(&[
            ("StringEquals", pair, &[variable]),
            ("Null", tag, &["true"]),
            ("Null", tag, &["false"])
        ]),
        "no"
    );
}

#[test]
fn c40_equal_keys_are_decided_as_all_texts_say() {
    let bench = Bench::new("Decrypt", Who::Session);
    let (pair, tag) = ("kms:EncryptionContext:team", "aws:PrincipalTag/team");
    let variable = "{aws:principaltag/team}";
    let tests = [
        bench.of("StringEquals", pair, &[variable]),
        bench.of("StringLike", pair, &[variable, "b*"]),
        bench.of("StringEqualsIfExists", pair, &[variable]),
        bench.of("StringLike", tag, &["a*"]),
        bench.of("StringEquals", tag, &["ab", "c"]),
        bench.of("StringLike", pair, &["*b"]),
        bench.of("StringEquals", pair, &["a"]),
        bench.of("Null", pair, &["true"]),
        bench.of("Null", tag, &["true"]),
    ];
    let texts = ["", "a", "b", "c", "ab", "ba", "aa", "bb", "cb", "aab", "abc", "d"];
    let values = || texts.iter().map(|text| Some(*text)).chain([None]);
    let contexts = values().flat_map(|one| values().map(move |other| (one, other)));
    let contexts = contexts.map(|(of_tag, of_pair)| {
        let mut context = Context::default();
        for (key, value) in [(tag, of_tag), (pair, of_pair)] {
            if let Some(text) = value {
                context.set(key, ContextValue::One(text.into()));
            }
        }
        context
    });
    let contexts: Vec<Context> = contexts.collect();
    let mut random = Random(40);
    let mut none = 0;
    for _ in 0..400 {
        let formula = random_formula(&bench, &mut random, &tests, 3);
        let expected = contexts.iter().any(|context| holds(&bench.formulas, formula, context));
        match bench.find(formula) {
            Found::Yes(context) => {
                assert!(expected && holds(&bench.formulas, formula, &context), "{context:?}");
            }
            Found::No => {
                assert!(!expected);
                none += 1;
            }
            Found::Undecided => panic!("undecided"),
        }
    }
    assert!(none > 20, "{none}");
}

#[test]
fn mixed_kinds_are_found_and_else_undecided() {
    let bench = Bench::new("Decrypt", Who::User);
    let key = "aws:SourceIp";
    assert_eq!(
        bench.words(&[("StringLike", key, &["10.*"]), ("IpAddress", key, &["10.0.0.0/8"])]),
        "aws:SourceIp=10.0.0.1"
    );
    assert_eq!(
        bench.words(&[("StringLike", key, &["1.*7"]), ("StringNotLike", key, &["1.*"])]),
        "undecided"
    );
    // The rest decides, the presence of the key included.
    assert_eq!(
        bench.words(&[("StringLike", key, &["1.*7"]), ("Null", "aws:SourceVpce", &["false"])]),
        "no"
    );
    assert_eq!(
        bench.words(&[("StringLike", key, &["1.*7"]), ("Bool", "aws:SecureTransport", &["false"])]),
        "no"
    );
}

#[test]
fn much_is_decided_in_time_or_undecided() {
    let bench = Bench::new("Decrypt", Who::User);
    let tag = "aws:PrincipalTag/x";
    // Twenty words that may stand anywhere, each a test of its own: too many combinations.
    let words: Vec<String> = (0..20).map(|at| format!("*{at:02}z*")).collect();
    let each = words.iter().map(|word| bench.of("StringLike", tag, &[word]));
    assert_ne!(bench.find(bench.formulas.and(each)), Found::No);
    // A hundred patterns in one test are two classes.
    let patterns: Vec<String> = (0..100).map(|at| format!("arn:aws:iam::*:role/{at}-*")).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let one = bench.of("ArnLike", "aws:SourceArn", &patterns);
    assert_eq!(
        bench.find(
            bench.formulas.and([one, bench.of("StringNotLike", "aws:SourceArn", &["*role*"])])
        ),
        Found::No
    );
    // A product of many keys falls apart.
    let keys: Vec<String> = (0..30).map(|at| format!("aws:PrincipalTag/t{at}")).collect();
    let parts = keys.iter().map(|key| {
        let values = ["a", "b", "c"].map(|value| bench.of("StringEquals", key, &[value]));
        bench.formulas.and([bench.formulas.or(values), bench.of("StringNotEquals", key, &["a"])])
    });
    let parts: Vec<Formula> = parts.collect();
    let none = bench.of("StringLike", "kms:ViaService", &["*.cn"]);
    assert_eq!(bench.find(bench.formulas.and(parts.iter().copied().chain([none]))), Found::No);
    assert!(matches!(bench.find(bench.formulas.and(parts)), Found::Yes(_)));
}

#[test]
fn an_instant_and_a_session_agree_with_enumeration() {
    let bench = Bench::new("Decrypt", Who::Service);
    let mut random = Random(11);
    let at = |hours: i64| {
        let now: jiff::Timestamp = "2026-11-30T12:00:00Z".parse().expect("an instant");
        (now + jiff::SignedDuration::from_hours(hours)).to_string()
    };
    let mut all = Vec::new();
    for made in 0..=90 {
        for age in -1..=36 {
            let mut context = Context::default();
            context.set_one("aws:CurrentTime", &at(made));
            if age >= 0 {
                context.set_one("aws:TokenIssueTime", &at(made - age));
            }
            all.push(context);
        }
    }
    let mut some = 0;
    for _ in 0..80 {
        let mut tests = Vec::new();
        for (key, first) in [("aws:CurrentTime", 0), ("aws:TokenIssueTime", -18)] {
            for _ in 0..2 {
                let operator = random.pick(&[
                    "DateLessThan",
                    "DateLessThanEquals",
                    "DateGreaterThan",
                    "DateGreaterThanEqualsIfExists",
                    "DateEquals",
                    "DateNotEquals",
                ]);
                // Every other hour is a limit, so that each hour between stands for all that lies there.
                let hours = random.pick(&["0", "1", "10", "17", "18", "19", "27", "36", "40"]);
                let hours: i64 = first + hours.parse::<i64>().expect("a number");
                tests.push(bench.of(operator, key, &[&at(2 * hours)]));
            }
        }
        let formula = random_formula(&bench, &mut random, &tests, 3);
        some += usize::from(bench.found_among(formula, &all));
    }
    assert!(some > 20, "{some}");
}
