//! Keys that a request can give in several spellings at once (rules C4, C5).

use crate::access::formula::{Atom, Formula};
use crate::access::frame::{Limit, Who};
use crate::access::solve::Found;
use crate::access::test::{Operand, Piece, Test};
use crate::decision::{Context, ContextValue};

use super::automaton::Random;
use super::bench::{Bench, random_formula};
use super::test;

const TEAM: &str = "kms:EncryptionContext:Team";
const LOWER: &str = "kms:EncryptionContext:team";
const NAMES: &str = "kms:EncryptionContextKeys";

#[test]
fn c5_each_spelling_has_a_value_of_its_own() {
    let bench = Bench::new("Decrypt", Who::User);
    let team = |value| ("StringEquals", TEAM, value);
    let lower = |value| ("StringEquals", LOWER, value);
    assert_eq!(
        bench.words(&[team(&["a"][..]), lower(&["b"][..])]),
        "kms:EncryptionContext:Team=a kms:EncryptionContext:team=b"
    );
    // One serves for both.
    assert_eq!(bench.words(&[team(&["a"]), lower(&["a"])]), "kms:EncryptionContext:Team=a");
    assert_ne!(bench.words(&[team(&["a"]), ("StringNotEquals", LOWER, &["a"])]), "no");
    assert_eq!(bench.words(&[team(&["a"]), ("Null", LOWER, &["true"])]), "no");
    let bench = Bench::new("TagResource", Who::User);
    let tags = [
        ("StringEquals", "aws:RequestTag/Team", &["a"][..]),
        ("StringEquals", "aws:RequestTag/team", &["b"]),
    ];
    assert_eq!(
        bench.words(&tags),
        "aws:RequestTag/Team=a aws:RequestTag/team=b aws:TagKeys=[Team team]"
    );
    // Of a principal there is one.
    let tags = tags.map(|(operator, key, value)| {
        let key =
            if key.ends_with("Team") { "aws:PrincipalTag/Team" } else { "aws:PrincipalTag/team" };
        (operator, key, value)
    });
    assert_eq!(bench.words(&tags), "no");
}

#[test]
fn c4_what_is_fixed_in_one_spelling_is_so_in_each() {
    let given = |value: &str| Limit::Given([value.into()].into());
    for (action, key, other) in [
        ("TagResource", "aws:requesttag/Team", "aws:RequestTag/team"),
        ("Decrypt", "kms:encryptioncontext:Team", "kms:EncryptionContext:team"),
    ] {
        let fixed = Bench::new(action, Who::User).limited(&[(key, given("a"))]);
        let is = |value| ("StringEquals", other, value);
        assert_eq!(fixed.words(&[is(&["b"][..])]), "no", "{other}");
        assert_ne!(fixed.words(&[is(&["a"])]), "no", "{other}");
        assert_eq!(fixed.words(&[("Null", other, &["true"])]), "no", "{other}");
        let lower = key.to_ascii_lowercase();
        let absent = Bench::new(action, Who::User).limited(&[(&lower, Limit::Absent)]);
        for spelled in [other.to_owned(), other.replace("team", "TEAM")] {
            assert_eq!(absent.words(&[("StringLike", &spelled, &["*"])]), "no", "{spelled}");
        }
    }
    // The set of the names has the one that is given, and no other spelling of it.
    let pair = ("kms:encryptioncontext:team", given("a"));
    let fixed = Bench::new("Decrypt", Who::User).limited(&[pair]);
    let alone = ("ForAllValues:StringEquals", NAMES, &["team"][..]);
    assert_ne!(fixed.words(&[("StringEquals", TEAM, &["a"]), alone]), "no");
}

#[test]
fn c5_a_set_of_names_can_have_several_spellings_of_one() {
    let bench = Bench::new("Decrypt", Who::User);
    let named = |name| ("ForAnyValue:StringEquals", NAMES, name);
    let both = [named(&["Team"][..]), named(&["team"])];
    assert_ne!(bench.words(&both), "no");
    let values = [("StringEquals", TEAM, &["a"][..]), ("StringEquals", LOWER, &["b"])];
    let found = bench.words(&[both[0], both[1], values[0], values[1]]);
    assert!(
        found.starts_with("kms:EncryptionContext:Team=a kms:EncryptionContext:team=b "),
        "{found}"
    );
    let alone = ("ForAllValues:StringEquals", NAMES, &["team"][..]);
    assert_ne!(bench.words(&[alone, values[1]]), "no");
    assert_eq!(bench.words(&[alone, named(&["Team"])]), "no");
}

#[test]
fn c5_values_agree_with_enumeration() {
    let bench = Bench::new("Decrypt", Who::User);
    let texts = [None, Some(""), Some("x"), Some("y"), Some("z")];
    let names = [TEAM, LOWER, "kms:EncryptionContext:TEAM"];
    let all: Vec<Context> = (0..texts.len().pow(3))
        .map(|number| {
            let mut context = Context::default();
            for (nth, name) in (0_u32..).zip(names) {
                if let Some(text) = texts[number / texts.len().pow(nth) % texts.len()] {
                    context.set(name, ContextValue::One(text.into()));
                }
            }
            context
        })
        .collect();
    let mut random = Random(5);
    let (mut some, mut none) = (0, 0);
    for _ in 0..200 {
        let mut tests = Vec::new();
        for key in names {
            let operator = random.pick(&[
                "StringEquals",
                "StringLikeIfExists",
                "StringNotEqualsIfExists",
                "ForAnyValue:StringEquals",
            ]);
            tests.push(bench.of(operator, key, &[random.pick(&["x", "y", ""])]));
            tests.push(bench.of("Null", key, &["true"]));
        }
        let formula = random_formula(&bench, &mut random, &tests, 3);
        match bench.found_among(formula, &all) {
            true => some += 1,
            false => none += 1,
        }
    }
    assert!(some > 50 && none > 2, "{some} {none}");
}

/// A test as a grant asks it.
fn of_grant(bench: &Bench, operator: &str, key: &str, value: &str) -> Formula {
    let test = Test { of_grant: true, ..test(operator, key, &[value]) };
    bench.formulas.of(Atom::Request(test))
}

#[test]
fn g21_a_grant_takes_a_pair_in_whatever_spelling() {
    let bench = Bench::new("Decrypt", Who::User);
    let grant = of_grant(&bench, "StringEquals", TEAM, "a");
    let policy = |operator, value| bench.of(operator, TEAM, &[value]);
    let both = |one, other| bench.find(bench.formulas.and([one, other]));
    let Found::Yes(context) = both(grant, policy("StringNotEquals", "a")) else {
        panic!("another spelling brings the pair");
    };
    assert_eq!(context.with_prefix("kms:EncryptionContext:").count(), 2);
    // A policy finds the only one, however it is spelled.
    let alone =
        bench.formulas.and([grant, bench.of("ForAllValues:StringEquals", NAMES, &["team"])]);
    assert_eq!(both(alone, policy("StringNotEquals", "a")), Found::No);
    // Exactly these pairs: the name is there once.
    let exactly = of_grant(&bench, "ForAllValues:StringEqualsIgnoreCase", NAMES, "Team");
    let exactly = bench.formulas.and([grant, exactly]);
    assert!(matches!(both(exactly, policy("StringEquals", "a")), Found::Yes(_)));
    assert_eq!(both(exactly, policy("StringNotEquals", "a")), Found::No);
}

/// Contexts of pairs of these names, each absent or with one of the values, and the set of the names.
fn contexts(names: &[&str]) -> Vec<Context> {
    let texts = [None, Some(""), Some("x"), Some("y"), Some("z")];
    (0..texts.len().pow(u32::try_from(names.len()).unwrap()))
        .map(|number| {
            let mut context = Context::default();
            let mut given = Vec::new();
            for (nth, name) in (0_u32..).zip(names) {
                if let Some(text) = texts[number / texts.len().pow(nth) % texts.len()] {
                    given.push(Box::from(*name));
                    let key = format!("kms:EncryptionContext:{name}");
                    context.set(&key, ContextValue::One(text.into()));
                }
            }
            if !given.is_empty() {
                context.set(NAMES, ContextValue::Many(given));
            }
            context
        })
        .collect()
}

/// Holds what is found for random formulas over these tests against `all` contexts.
fn check(bench: &Bench, seed: u64, all: &[Context], tests: &dyn Fn(&mut Random) -> Vec<Formula>) {
    let mut random = Random(seed);
    let (mut some, mut none) = (0, 0);
    for _ in 0..200 {
        let tests = tests(&mut random);
        let formula = random_formula(bench, &mut random, &tests, 3);
        match bench.found_among(formula, all) {
            true => some += 1,
            false => none += 1,
        }
    }
    assert!(some > 50 && none > 2, "{some} {none}");
}

#[test]
fn g21_values_agree_with_enumeration() {
    let bench = Bench::new("Decrypt", Who::User);
    check(&bench, 7, &contexts(&["Team", "team", "TEAM", "other"]), &|random| {
        let value = random.pick(&["x", "y", ""]);
        vec![
            of_grant(&bench, "StringEquals", TEAM, "x"),
            of_grant(&bench, "ForAllValues:StringEqualsIgnoreCase", NAMES, "Team"),
            bench.of("StringEquals", TEAM, &[value]),
            bench.of("StringNotEqualsIfExists", TEAM, &["x"]),
            bench.of("Null", TEAM, &["true"]),
        ]
    });
}

#[test]
fn c5_two_spellings_that_policies_look_up_agree_with_enumeration() {
    let bench = Bench::new("Decrypt", Who::User);
    // Before, between and behind the two that are looked up.
    let all = contexts(&["TEAM", "Team", "tEAM", "team", "other"]);
    check(&bench, 11, &all, &|random| {
        let value = random.pick(&["x", "y", ""]);
        vec![
            of_grant(&bench, "StringEquals", TEAM, "x"),
            bench.of("StringEquals", TEAM, &[value]),
            bench.of("StringNotEqualsIfExists", LOWER, &["x"]),
            bench.of("ForAnyValue:StringEquals", NAMES, &["Team"]),
            bench.of("Null", TEAM, &["true"]),
        ]
    });
}

#[test]
fn g20_values_of_all_spellings_agree_with_enumeration() {
    let bench = Bench::new("Decrypt", Who::User);
    let listed = |quantifier: &str, values: [&str; 2]| {
        let one = test(&format!("{quantifier}:StringEquals"), LOWER, &["x"]);
        let operand = |text: &str| Operand::Text([Piece::Text(text.into())].into());
        let test = Test { of_grant: true, values: values.map(operand).into(), ..one };
        bench.formulas.of(Atom::Request(test))
    };
    let no_other = test("ForAllValues:StringEqualsIgnoreCase", NAMES, &["Team", "team"]);
    let no_other = bench.formulas.of(Atom::Request(Test { of_grant: true, ..no_other }));
    check(&bench, 13, &contexts(&["TEAM", "Team", "team", "other"]), &|random| {
        let value = random.pick(&["x", "y", ""]);
        vec![
            listed("ForAllValues", ["x", "y"]),
            listed("ForAllValues", ["y", "y"]),
            listed("ForAnyValue", ["x", "y"]),
            no_other,
            bench.of("StringEquals", TEAM, &[value]),
            bench.of("Null", TEAM, &["true"]),
        ]
    });
}
