//! Cells that hang on how the values of a request stand to each other: spellings of one name, and policy
//! variables. What the matrix says is held against the reference evaluator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use keyreach::access::Access;
use keyreach::aws::KmsAction;
use keyreach::decision::{
    Assumptions, Bound, Caller, CellAnswer, Context, ContextValue, Request, Standing, Target,
};
use keyreach::eval::reference::Reference;
use keyreach::ingest::scenario::load_tree;
use keyreach::inventory::Inventory;
use keyreach::source::FileId;
use keyreach::syntax::yaml;
use support::matrix::now;

/// A key whose policy has these statements, and what a request for an action on it is.
struct Case {
    world: Inventory,
    request: Request,
}

impl Case {
    fn new(action: &str, statements: &[&str]) -> Self {
        Self::with(action, "", statements)
    }

    /// With more of the key.
    fn with(action: &str, more: &str, statements: &[&str]) -> Self {
        let statements: String =
            statements.iter().map(|it| format!("          - {{ {it} }}\n")).collect();
        let text = format!(
            "keyreach: scenario/1\naccounts:\n  111122223333:\n    users: {{ ann: {{}} }}\n    keys:\n      k:\n{more}        \
             policy:\n{statements}"
        );
        Self::of(&text, action)
    }

    /// Of a whole scenario.
    fn of(text: &str, action: &str) -> Self {
        let (documents, problems) = yaml::parse(text);
        assert_eq!(problems, [], "{text}");
        let scenario = load_tree(&documents[0].root, FileId(0));
        assert_eq!(scenario.problems, [], "{text}");
        let names = &scenario.names;
        let caller = names.caller("user/ann").and_then(|arn| Caller::parse(&arn)).unwrap();
        let target = names.target("k").and_then(|arn| Target::parse(&arn)).unwrap();
        let action = KmsAction::from_name(action).unwrap();
        let request = Request::plain(caller, action, target);
        Self { world: scenario.inventory, request }
    }

    /// Whether the reference evaluator allows the request with this context.
    fn is_allowed(&self, context: &Context) -> bool {
        let request = Request { context: context.clone(), ..self.request.clone() };
        Reference::new(&self.world).evaluate(&request).is_allowed()
    }

    /// What the matrix says, once what it proves holds.
    fn answer(&self) -> CellAnswer {
        self.answer_under(&Assumptions::default())
    }

    fn answer_under(&self, assumptions: &Assumptions) -> CellAnswer {
        let access = Access::new(&self.world, now()).assuming(assumptions);
        let answer = access.answer_of(&self.request);
        for (context, expected) in [(&answer.witness, true), (&answer.counter, false)] {
            let Some(context) = context else { continue };
            let request = Request { context: context.clone(), ..self.request.clone() };
            let context = assumptions.under(&request).context;
            assert_eq!(self.is_allowed(&context), expected, "{context:?}");
        }
        if matches!(answer.verdict, Standing::Always | Standing::Conditional) {
            assert!(answer.witness.is_some(), "{answer:?}");
        }
        answer
    }

    /// The verdict where a condition key has this value in every request.
    fn verdict_under(&self, name: &str, value: &str) -> &'static str {
        let mut assumptions = Assumptions::default();
        assumptions.fix(name, value, "--assume").unwrap();
        self.answer_under(&assumptions).verdict.name()
    }

    #[track_caller]
    fn check(&self, expected: &str) {
        let answer = self.answer();
        assert_eq!(answer.verdict.name(), expected, "{answer:?}");
    }
}

fn context(entries: &[(&str, &str)]) -> Context {
    let mut context = Context::default();
    entries.iter().for_each(|(name, value)| context.set(name, ContextValue::One((*value).into())));
    context
}

const TEAM: &str = "kms:EncryptionContext:Team";
const LOWER: &str = "kms:EncryptionContext:team";

#[test]
fn c5_pairs_that_differ_by_case_have_values_of_their_own() {
    let both = context(&[(TEAM, "a"), (LOWER, "b")]);
    let allow =
        |condition: &str| format!("allow: kms:Decrypt, to: user/ann, when: {{ {condition} }}");
    let team = format!("StringEquals: {{ '{TEAM}': a }}");
    let lower_is_not =
        format!("deny: kms:Decrypt, to: '*', when: {{ StringNotEquals: {{ '{LOWER}': b }} }}");
    let names = "kms:EncryptionContextKeys";
    for statements in [
        vec![allow(&format!("StringEquals: {{ '{TEAM}': a, '{LOWER}': b }}"))],
        vec![allow(&team), lower_is_not.clone()],
        vec![allow(&format!(
            "'ForAnyValue:StringEquals': {{ '{names}': team }}, 'ForAnyValue:StringLike': {{ '{names}': Team }}"
        ))],
        vec![
            allow(&team),
            lower_is_not,
            format!(
                "deny: kms:Decrypt, to: '*', when: {{ 'ForAllValues:StringNotEquals': {{ '{names}': [Team] }} }}"
            ),
        ],
    ] {
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        let case = Case::new("Decrypt", &statements);
        assert!(case.is_allowed(&both), "{statements:?}");
        case.check("conditional");
    }
    // What holds of every single spelling need not hold of two.
    let case = Case::new(
        "Decrypt",
        &[
            &allow(&format!("StringEquals: {{ '{TEAM}': a }}")),
            &allow(&format!("StringNotEquals: {{ '{LOWER}': a }}")),
        ],
    );
    assert!(!case.is_allowed(&context(&[(TEAM, "b"), (LOWER, "a")])));
    case.check("conditional");
    // They are there together.
    let case =
        Case::new("Decrypt", &[&allow(&format!("Null: {{ '{TEAM}': false, '{LOWER}': true }}"))]);
    assert!(!case.is_allowed(&both) && !case.is_allowed(&context(&[(TEAM, "a")])));
    case.check("never");
}

#[test]
fn g21_a_grant_takes_a_pair_in_a_spelling_that_no_deny_looks_up() {
    let case = |constraint: &str, condition: &str| {
        let grant = format!(
            "        grants: [{{ to: user/ann, operations: [Decrypt], {constraint}: {{ Team: a }} }}]\n"
        );
        let deny = format!("deny: kms:Decrypt, to: '*', when: {{ {condition} }}");
        Case::with("Decrypt", &grant, &[&deny])
    };
    let both = context(&[(TEAM, "b"), (LOWER, "a")]);
    // O10 reads the names with their case: then the Deny finds what the grant wants.
    let denied = format!("StringEquals: {{ '{TEAM}': a }}");
    let subset = case("context_subset", &denied);
    assert!(subset.is_allowed(&both));
    subset.check("unknown");
    // Exactly one pair leaves no room for another.
    let equals = case("context_equals", &denied);
    assert!(!equals.is_allowed(&both) && !equals.is_allowed(&context(&[(LOWER, "a")])));
    equals.check("never");
    // What keeps another value away does not hang on O10, and says which pair it speaks of.
    let other = case("context_subset", &format!("StringEquals: {{ '{TEAM}': c }}"));
    assert!(!other.is_allowed(&context(&[(TEAM, "c"), (LOWER, "a")])));
    let condition = other.answer().condition.map(|it| it.to_string()).unwrap_or_default();
    assert_eq!(condition, format!("{TEAM} in some spelling is a and {TEAM} is not c"));
    // Nothing else speaks of the pair: it is told as policies tell it.
    let alone = case("context_subset", "StringEquals: { aws:UserAgent: x }");
    let condition = alone.answer().condition.map(|it| it.to_string()).unwrap_or_default();
    assert_eq!(condition, format!("aws:UserAgent is not x and {TEAM} is a"));
}

#[test]
fn c5_tags_of_a_request_that_differ_by_case_have_values_of_their_own() {
    let case = Case::new(
        "TagResource",
        &[
            "allow: kms:TagResource, to: user/ann, when: { StringEquals: { 'aws:RequestTag/Team': a, 'aws:RequestTag/team': b } }",
        ],
    );
    assert!(
        case.is_allowed(&context(&[("aws:RequestTag/Team", "a"), ("aws:RequestTag/team", "b")]))
    );
    case.check("conditional");
}

#[test]
fn tags_of_a_request_and_the_set_of_their_keys_go_together() {
    let team = "StringEquals: { 'aws:RequestTag/team': red }";
    for (keys, expected) in [
        ("'ForAnyValue:StringEquals': { 'aws:TagKeys': team }", "conditional"),
        ("'ForAnyValue:StringEquals': { 'aws:TagKeys': owner }", "conditional"),
        ("'ForAllValues:StringEquals': { 'aws:TagKeys': [team, owner] }", "conditional"),
        ("'ForAllValues:StringEquals': { 'aws:TagKeys': owner }", "never"),
        ("Null: { 'aws:TagKeys': true }", "never"),
    ] {
        let statement =
            |action: &str| format!("allow: kms:{action}, to: user/ann, when: {{ {team}, {keys} }}");
        Case::new("TagResource", &[&statement("TagResource")]).check(expected);
        // Of tags that are taken away the keys alone are told.
        Case::new("UntagResource", &[&statement("UntagResource")]).check("never");
    }
    let case =
        Case::new("TagResource", &[&format!("allow: kms:*, to: user/ann, when: {{ {team} }}")]);
    assert_eq!(case.verdict_under("aws:RequestTag/Team", "red"), "always");
    assert_eq!(case.verdict_under("aws:RequestTag/Team", "absent"), "never");
    assert_eq!(case.verdict_under("aws:TagKeys", "owner"), "never");
    assert_eq!(case.verdict_under("aws:TagKeys", "team"), "conditional");
}

#[test]
fn who_is_taken_to_be_at_a_place_is_in_that_organization() {
    let verdicts = |condition: &str| {
        let case = Case::of(
            &format!(
                "keyreach: scenario/1\naccounts:\n  111122223333:\n    users: {{ ann: {{}} }}\n    keys:\n      \
                 k: {{ policy: [{{ allow: kms:Decrypt, to: '*', when: {{ {condition} }} }}] }}\n\
                 organization:\n  id: o-own\n  management: '999999999999'\n  units: {{ apps: {{ accounts: ['111122223333'] }} }}\n"
            ),
            "Decrypt",
        );
        let of = |key: &str, values: [&str; 3]| values.map(|it| case.verdict_under(key, it));
        let paths = ["o-own/r-root/ou-x/", "o-two/r-b/ou-c/", "absent"];
        [of("aws:PrincipalOrgPaths", paths), of("aws:PrincipalOrgID", ["o-own", "o-two", "absent"])]
    };
    let own = ["always", "never", "never"];
    let two = ["never", "always", "never"];
    assert_eq!(verdicts("StringEquals: { 'aws:PrincipalOrgID': o-own }"), [own, own]);
    assert_eq!(verdicts("StringEquals: { 'aws:PrincipalOrgID': o-two }"), [two, two]);
    let like =
        |path: &str| format!("'ForAnyValue:StringLike': {{ 'aws:PrincipalOrgPaths': '{path}' }}");
    assert_eq!(verdicts(&like("o-own/*")), [own, own]);
    // Where in another organization it is, nothing tells.
    let somewhere = ["never", "conditional", "never"];
    assert_eq!(verdicts(&like("o-two/r-b/*")), [two, somewhere]);
}

#[test]
fn c5_a_constraint_of_a_grant_takes_another_spelling() {
    let grant =
        "        grants: [{ to: user/ann, operations: [Decrypt], context_subset: { team: b } }]\n";
    let deny =
        format!("deny: kms:Decrypt, to: '*', when: {{ StringNotEquals: {{ '{TEAM}': a }} }}");
    let case = Case::with("Decrypt", grant, &[&deny]);
    assert!(case.is_allowed(&context(&[(TEAM, "a"), (LOWER, "b")])));
    case.check("conditional");
    // One that asks for exactly these pairs has each of them once.
    let case = Case::with("Decrypt", &grant.replace("subset", "equals"), &[&deny]);
    assert!(!case.is_allowed(&context(&[(TEAM, "a"), (LOWER, "b")])));
    assert_eq!(case.answer().verdict.at_least(), Bound::Never);
    assert_eq!(case.answer().witness, None);
}

/// Statements for one action, each with its condition.
fn statements(action: &str, conditions: &[(&str, &str)]) -> Vec<String> {
    let statement = |(effect, condition): &(&str, &str)| match *condition {
        "" => format!("{effect}: kms:{action}, to: user/ann"),
        condition => format!("{effect}: kms:{action}, to: user/ann, when: {{ {condition} }}"),
    };
    conditions.iter().map(statement).collect()
}

/// Checks the cell of an action of ann by such statements.
#[track_caller]
fn check(action: &str, conditions: &[(&str, &str)], expected: &str) -> CellAnswer {
    let statements = statements(action, conditions);
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    let answer = Case::new(action, &statements).answer();
    assert_eq!(answer.verdict.name(), expected, "{statements:?} {answer:?}");
    answer
}

#[test]
fn c23_an_arn_that_a_variable_brings_whole_may_match() {
    for (operator, key, variable) in [
        ("ArnEquals", "aws:referer", "${aws:PrincipalArn}"),
        ("ArnLike", "aws:PrincipalArn", "${aws:referer}"),
        ("ArnLike", "aws:PrincipalArn", "${aws:referer}*"),
    ] {
        let positive = format!("{operator}: {{ '{key}': '{variable}' }}");
        let negated = positive.replacen("Arn", "ArnNot", 1);
        let bounds = |answer: CellAnswer| {
            assert_eq!(answer.missing.len(), 1, "{answer:?}");
            (answer.verdict.at_least(), answer.verdict.at_most())
        };
        let allowed = check("Decrypt", &[("allow", &positive)], "unknown");
        assert_eq!(bounds(allowed), (Bound::Never, Bound::Conditional));
        let spared = check("Decrypt", &[("allow", ""), ("deny", &negated)], "unknown");
        assert_eq!(bounds(spared), (Bound::Never, Bound::Conditional));
        let denied = check("Decrypt", &[("allow", ""), ("deny", &positive)], "unknown");
        assert_eq!(bounds(denied), (Bound::Conditional, Bound::Always));
    }
    // What is compared as text is known.
    let text = "StringEquals: { 'aws:referer': '${aws:PrincipalArn}' }";
    check("Decrypt", &[("allow", text)], "conditional");
    let parts = "ArnLike: { 'aws:referer': 'arn:aws:iam::${aws:PrincipalAccount}:user/*' }";
    check("Decrypt", &[("allow", parts)], "conditional");
    // Too few parts without a variable never match.
    check("Decrypt", &[("allow", "ArnLike: { 'aws:referer': 'arn:aws:*' }")], "never");
}

#[test]
fn o30_how_the_service_ends_in_china_is_open_under_negated_operators_too() {
    let china = "'kms:ViaService': s3.cn-north-1.amazonaws.com.cn";
    let is_not = format!("StringNotEquals: {{ {china} }}");
    for unless in [is_not.clone(), format!("StringNotLikeIfExists: {{ {china} }}")] {
        let answer = check("Decrypt", &[("allow", ""), ("deny", &unless)], "unknown");
        assert_eq!(answer.verdict.at_least(), Bound::Never);
    }
    let answer = check("Decrypt", &[("allow", &is_not)], "unknown");
    assert_eq!(
        (answer.verdict.at_least(), answer.verdict.at_most()),
        (Bound::Conditional, Bound::Always)
    );
}

/// A condition of one operator on pairs of the encryption context.
fn pairs(operator: &str, tests: &[(&str, &str)]) -> String {
    let test = |(name, value): &(&str, &str)| format!("'kms:EncryptionContext:{name}': '{value}'");
    format!("{operator}: {{ {} }}", tests.iter().map(test).collect::<Vec<_>>().join(", "))
}

#[test]
fn c40_variables_of_one_text_are_filled_together() {
    let joined = "${kms:EncryptionContext:b}-${kms:EncryptionContext:c}";
    let tied = pairs("StringEquals", &[("a", joined)]);
    let with =
        |other: String| check("Decrypt", &[("allow", &format!("{tied}, {other}"))], "conditional");
    let answer = with(pairs("StringLike", &[("a", "prod-???-eu")]));
    assert!(answer.condition.is_some(), "{answer:?}");
    with(pairs("StringNotLike", &[("b", "x*"), ("c", "x*")]));
    let none = format!("{tied}, {}", pairs("StringNotLike", &[("a", "*-*")]));
    check("Decrypt", &[("allow", &none)], "never");
    let tags = "StringEquals: { 'aws:RequestTag/c': '${aws:RequestTag/a}/${aws:RequestTag/b}', 'aws:RequestTag/a': x }, StringLike: { 'aws:RequestTag/c': '*/y' }";
    check("TagResource", &[("allow", tags)], "conditional");
}

#[test]
fn c40_pairs_that_are_equal_to_each_other_are_decided() {
    let of = |name: &str| format!("${{kms:EncryptionContext:{name}}}");
    let chain = pairs("StringEquals", &[("a", &of("b")), ("b", &of("c")), ("c", "x")]);
    check("Decrypt", &[("allow", &chain)], "conditional");
    let none = format!("{chain}, {}", pairs("StringNotEquals", &[("a", "x")]));
    check("Decrypt", &[("allow", &none)], "never");
    let twice = format!(
        "{}, {}",
        pairs("StringEquals", &[("a", &of("b"))]),
        pairs("StringNotEquals", &[("b", &of("a"))])
    );
    check("Decrypt", &[("allow", &twice)], "never");
}

#[test]
fn c5_of_tags_of_a_key_that_differ_by_case_the_one_of_equal_case_counts() {
    let text = |tag: &str, value: &str| {
        format!(
            "keyreach: scenario/1\naccounts:\n  111122223333:\n    users: {{ ann: {{ policies: [{{ allow: kms:Decrypt, when: \
             {{ StringEquals: {{ 'aws:ResourceTag/{tag}': {value} }} }} }}] }} }}\n    keys:\n      k: {{ tags: {{ Team: a, team: b }}, \
             policy: default }}\n"
        )
    };
    for (tag, value, expected) in [
        ("team", "b", "always"),
        ("team", "a", "never"),
        ("Team", "a", "always"),
        // None is of equal case: the first in byte order.
        ("TEAM", "a", "always"),
        ("TEAM", "b", "never"),
    ] {
        let case = Case::of(&text(tag, value), "Decrypt");
        assert_eq!(case.is_allowed(&Context::default()), expected == "always", "{tag} {value}");
        case.check(expected);
    }
}

const APP: &str = "kms:EncryptionContext:APP";
const MIXED: &str = "kms:EncryptionContext:App";
const SMALL: &str = "kms:EncryptionContext:app";

/// A user with one grant, of which this is the constraint, and a statement of the key policy.
fn constrained(constraint: &str, statement: &str) -> Case {
    let grant =
        format!("        grants: [{{ to: user/ann, operations: [Decrypt], {constraint} }}]\n");
    Case::with("Decrypt", &grant, &[statement])
}

#[test]
fn g20_a_constraint_can_name_a_pair_in_two_spellings() {
    let other = "allow: kms:*, to: account";
    for (constraint, allowed, denied) in [
        (
            "context_equals: { app: y, APP: y }",
            vec![[(APP, "y"), (SMALL, "y")], [(MIXED, "y"), (SMALL, "y")]],
            vec![vec![(SMALL, "y")], vec![(APP, "z"), (SMALL, "y")]],
        ),
        (
            "context_equals: { App: x, app: y }",
            vec![[(MIXED, "x"), (SMALL, "y")], [(APP, "y"), (SMALL, "x")]],
            vec![vec![(MIXED, "x")], vec![(MIXED, "x"), (SMALL, "x")]],
        ),
        (
            "context_subset: { App: x, app: y }",
            vec![[(MIXED, "x"), (SMALL, "y")], [(APP, "y"), (SMALL, "x")]],
            vec![vec![(SMALL, "y")], vec![(APP, "z"), (SMALL, "y")]],
        ),
        (
            "context_subset: { App: y, app: y }",
            vec![[(APP, "y"), (SMALL, "y")], [(APP, "y"), (TEAM, "z")]],
            vec![vec![(SMALL, "x")], vec![]],
        ),
    ] {
        let case = constrained(constraint, other);
        for pairs in allowed {
            assert!(case.is_allowed(&context(&pairs)), "{constraint} {pairs:?}");
        }
        for pairs in denied {
            assert!(!case.is_allowed(&context(&pairs)), "{constraint} {pairs:?}");
        }
        let answer = case.answer();
        assert_eq!(answer.verdict.name(), "conditional", "{constraint} {answer:?}");
        assert!(!answer.undecided && answer.condition.is_some(), "{constraint} {answer:?}");
    }
    let condition = |constraint: &str| {
        constrained(constraint, other).answer().condition.map(|it| it.to_string())
    };
    assert_eq!(
        condition("context_equals: { app: y, APP: y }").as_deref(),
        Some(
            "kms:EncryptionContext:app in its spellings has just [y, y] and \
             kms:EncryptionContextKeys has no value that is not, in any case, in [APP, app]"
        )
    );
    assert_eq!(
        condition("context_subset: { App: x, app: y }").as_deref(),
        Some("kms:EncryptionContext:app in its spellings has all of [x, y]")
    );
}

#[test]
fn g21_a_deny_that_spells_a_pair_otherwise_than_the_grant_leaves_a_condition() {
    let denied = |value: &str| {
        format!("deny: kms:Decrypt, to: '*', when: {{ StringNotEquals: {{ '{SMALL}': {value} }} }}")
    };
    for (case, expected) in [
        (constrained("context_subset: { App: x }", &denied("x")), format!("{SMALL} is x")),
        (
            constrained("context_subset: { App: x }", &denied("z")),
            format!("{MIXED} in some spelling is x and {SMALL} is z"),
        ),
    ] {
        let answer = case.answer();
        assert_eq!(answer.verdict.at_least(), Bound::Conditional, "{answer:?}");
        assert!(!answer.undecided, "{answer:?}");
        assert_eq!(answer.condition.map(|it| it.to_string()), Some(expected));
    }
    // Two grants that spell the name apart take the same requests.
    let grant = |name: &str| {
        format!("{{ to: user/ann, operations: [Decrypt], context_subset: {{ {name}: x }} }}")
    };
    let grants = format!("        grants: [{}, {}]\n", grant("App"), grant("app"));
    let answer = Case::with("Decrypt", &grants, &["allow: kms:*, to: account"]).answer();
    assert!(!answer.undecided, "{answer:?}");
    assert_eq!(answer.condition.map(|it| it.to_string()), Some(format!("{SMALL} is x")));
}

#[test]
fn g21_a_name_in_three_spellings_is_decided() {
    for (constraint, statements) in [
        (
            "context_equals: { App: x, app: y }, context_subset: { APP: x }",
            &["allow: kms:Put*, to: account"][..],
        ),
        (
            "context_subset: { App: x, app: y }",
            &[
                "deny: kms:Decrypt, to: '*', when: { StringNotEquals: { 'kms:EncryptionContext:app': x } }",
                "deny: kms:Decrypt, to: '*', when: { StringNotEquals: { 'kms:EncryptionContext:App': x } }",
                "deny: kms:Decrypt, to: '*', when: { StringNotEquals: { 'kms:EncryptionContext:APP': x } }",
            ],
        ),
    ] {
        let grants =
            format!("        grants: [{{ to: user/ann, operations: [Decrypt], {constraint} }}]\n");
        let case = Case::with("Decrypt", &grants, statements);
        let answer = case.answer();
        assert!(!answer.undecided, "{constraint} {answer:?}");
        assert_eq!(answer.verdict.at_most(), Bound::Conditional, "{constraint} {answer:?}");
        let witness = answer.witness.as_ref().expect("a request");
        assert!(case.is_allowed(witness), "{constraint} {witness:?}");
    }
}
