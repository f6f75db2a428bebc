//! Several policy variables at once (rules C40 to C42).

use crate::access::formula::Formula;
use crate::access::frame::Who;
use crate::decision::{Context, ContextValue};

use super::automaton::Random;
use super::bench::{Bench, random_formula};

const A: &str = "kms:EncryptionContext:a";
const B: &str = "kms:EncryptionContext:b";
const C: &str = "kms:EncryptionContext:c";
const OF_B: &str = "{kms:encryptioncontext:b}";
const OF_C: &str = "{kms:encryptioncontext:c}";

#[test]
fn c40_variables_are_filled_so_that_a_named_text_matches() {
    let bench = Bench::new("Decrypt", Who::Session);
    let joined = "{kms:encryptioncontext:b}-{kms:encryptioncontext:c}";
    let tied = ("StringEquals", A, &[joined][..]);
    let found = bench.words(&[tied, ("StringLike", A, &["prod-???-eu"])]);
    assert!(found.starts_with("kms:EncryptionContext:a=prod-"), "{found}");
    assert_eq!(bench.words(&[tied, ("StringNotLike", A, &["*-*"])]), "no");
    let parts = (
        "ArnLike",
        "aws:referer",
        &["arn:aws:s3:::{kms:encryptioncontext:b}-{kms:encryptioncontext:c}"][..],
    );
    assert_eq!(bench.words(&[parts, ("ArnLike", "aws:referer", &["arn:aws:sqs:*:*:*"])]), "no");
    let bench = Bench::new("TagResource", Who::Session);
    let tags =
        ("StringEquals", "aws:RequestTag/c", &["{aws:principaltag/a}/{aws:requesttag/b}"][..]);
    let found = bench.words(&[tags, ("StringEquals", "aws:RequestTag/c", &["x/y"])]);
    assert_eq!(
        found,
        "aws:PrincipalTag/a=x aws:RequestTag/b=y aws:RequestTag/c=x/y aws:TagKeys=[b c]"
    );
}

#[test]
fn c40_chains_of_equal_keys_are_decided() {
    let bench = Bench::new("Decrypt", Who::Session);
    let chain = [("StringEquals", A, &[OF_B][..]), ("StringEquals", B, &[OF_C])];
    let ends = |key| [("StringEquals", C, &["x"][..]), ("StringNotEquals", key, &["x"])];
    let [is, is_not] = ends(A);
    assert_eq!(bench.words(&[chain[0], chain[1], is, is_not]), "no");
    assert_ne!(bench.words(&[chain[0], chain[1], is]), "no");
    let other_way = ("StringNotEquals", B, &["{kms:encryptioncontext:a}"][..]);
    assert_eq!(bench.words(&[chain[0], other_way]), "no");
}

#[test]
fn c40_several_equal_keys_are_decided_as_all_texts_say() {
    let bench = Bench::new("Decrypt", Who::Session);
    let tests = [
        bench.of("StringEquals", A, &[OF_B]),
        bench.of("StringEquals", A, &[OF_C]),
        bench.of("StringLike", B, &[OF_C, "a*"]),
        bench.of("StringLike", A, &["a*"]),
        bench.of("StringEquals", B, &["ab"]),
        bench.of("StringLike", C, &["*b"]),
        bench.of("Null", B, &["true"]),
    ];
    // Three texts of each class.
    let texts = ["", "ab", "aab", "abb", "acb", "a", "aa", "ac", "b", "bb", "cb", "c", "d", "e"];
    let values: Vec<Option<&str>> = texts.iter().map(|text| Some(*text)).chain([None]).collect();
    let count = values.len();
    let contexts: Vec<Context> = (0..count.pow(3))
        .map(|number| {
            let mut context = Context::default();
            for (nth, key) in (0_u32..).zip([A, B, C]) {
                if let Some(text) = values[number / count.pow(nth) % count] {
                    context.set(key, ContextValue::One(text.into()));
                }
            }
            context
        })
        .collect();
    let mut random = Random(41);
    let (mut some, mut none) = (0, 0);
    for _ in 0..150 {
        let formula: Formula = random_formula(&bench, &mut random, &tests, 3);
        match bench.found_among(formula, &contexts) {
            true => some += 1,
            false => none += 1,
        }
    }
    assert!(some > 50 && none > 2, "{some} {none}");
}
