//! Grants (section 4.3 of the semantics) as formulas.

use std::collections::BTreeMap;

use crate::aws::{ActionSet, KmsAction};
use crate::decision::OpenPoint;
use crate::inventory::{Constraints, Grant, Grantee, Key};
use crate::policy::{Comparison, Operator, Polarity, Principal, Quantifier};

use super::formula::{Atom, Formula, Formulas};
use super::masked::Masked;
use super::pairs::PREFIX;
use super::question::{Classes, Sight};
use super::statement::named;
use super::test::{Operand, Piece, Test};

/// What the grants of a key allow, by what a caller needs beside them.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct Granted {
    /// P8: nothing.
    pub(super) direct: Masked,
    /// P9: what boundary and session policies leave.
    pub(super) limited: Masked,
    /// P10, and retiring by identity policies (rule G41): an identity Allow as well.
    pub(super) account: Masked,
}

impl Granted {
    /// What all grants of `key` allow.
    pub(super) fn of(formulas: &Formulas, key: &Key) -> Self {
        let mut all = Self::default();
        for grant in &key.grants {
            let one = Self::of_grant(formulas, key, grant);
            all.direct = all.direct.or(formulas, &one.direct);
            all.limited = all.limited.or(formulas, &one.limited);
            all.account = all.account.or(formulas, &one.account);
        }
        all
    }

    /// What one grant allows (rules G4, G41).
    pub(super) fn of_grant(formulas: &Formulas, key: &Key, grant: &Grant) -> Self {
        let used = uses(formulas, key, grant);
        let meant = |classes| {
            let means = grantee(formulas, &grant.grantee, classes);
            used.and(formulas, &Masked::of(ActionSet::ALL, means))
        };
        let mut granted = Self {
            direct: meant(Classes::Direct),
            limited: meant(Classes::Limited),
            account: meant(Classes::Account),
        };
        // O2: some read an account as every identity of it.
        let other = Masked::of(ActionSet::ALL, formulas.of(Atom::Open(OpenPoint::O2)));
        granted.direct = granted.direct.or(formulas, &granted.account.and(formulas, &other));
        granted.retire(formulas, key, grant);
        granted
    }

    /// Rules G41, G42: who may retire it.
    fn retire(&mut self, formulas: &Formulas, key: &Key, grant: &Grant) {
        let mut may = [Formula::FALSE; 3];
        let classes = [Classes::Direct, Classes::Limited, Classes::Account];
        // (a) and (d).
        if let Some(retiring) = &grant.retiring {
            may = classes.map(|classes| grantee(formulas, retiring, classes));
        }
        // (b).
        if grant.operations.contains(KmsAction::RETIRE_GRANT) {
            let mut means = classes.map(|classes| grantee(formulas, &grant.grantee, classes));
            let [direct, _, account] = &mut means;
            let other = formulas.of(Atom::Open(OpenPoint::O2));
            *direct = formulas.or([*direct, formulas.and([*account, other])]);
            for (may, means) in may.iter_mut().zip(means) {
                *may = formulas.or([*may, means]);
            }
        }
        // (c).
        let homes = [Some(key.arn.account()), grant.issuing_account];
        for account in homes.into_iter().flatten() {
            let home = Principal::Account { account, partition: None };
            let [direct, _, by_identity] = &mut may;
            *direct = formulas.or([*direct, named(formulas, &home, Classes::Direct, false)]);
            *by_identity =
                formulas.or([*by_identity, named(formulas, &home, Classes::Account, false)]);
        }
        let [direct, limited, account] =
            may.map(|may| Masked::of(KmsAction::RETIRE_GRANT.into(), may));
        self.direct = self.direct.or(formulas, &direct);
        self.limited = self.limited.or(formulas, &limited);
        self.account = self.account.or(formulas, &account);
    }
}

/// Rules G10 to G13: whether a grant means the caller in one of `classes`.
fn grantee(formulas: &Formulas, grantee: &Grantee, classes: Classes) -> Formula {
    match grantee {
        // Rule G13: never everyone.
        Grantee::Principal(Principal::Anyone) => Formula::FALSE,
        Grantee::Principal(principal) => named(formulas, principal, classes, false),
        // Rule G12.
        Grantee::Service(name) => {
            named(formulas, &Principal::Service(name.clone()), classes, false)
        }
    }
}

/// When a grant can be used for each of its operations, whoever calls, RetireGrant aside.
fn uses(formulas: &Formulas, key: &Key, grant: &Grant) -> Masked {
    let mut operations = grant.operations.intersection(key.grant_operations());
    operations.remove(KmsAction::RETIRE_GRANT);
    let constraints = &grant.constraints;
    let source = constraints.source_arn.as_deref();
    let from = source.map_or(Formula::TRUE, |arn| equals(formulas, "aws:sourcearn", arn));
    // Rule G24: DescribeKey is bound only when the request carries the key.
    let describing = match source {
        Some(_) => formulas.or([from, formulas.not(present(formulas, "aws:sourcearn"))]),
        None => Formula::TRUE,
    };
    let pairs = pairs(formulas, constraints);
    let mut used = Masked::default();
    let mut add = |actions: ActionSet, formula| {
        used = used.or(formulas, &Masked::of(actions.intersection(operations), formula));
    };
    // Rule G22: which operations the pairs bind; CreateGrant has rules of its own.
    let with_pairs = |action: &KmsAction| action.info().encryption_context;
    let others = |action: &KmsAction| {
        !with_pairs(action)
            && *action != KmsAction::CREATE_GRANT
            && *action != KmsAction::DESCRIBE_KEY
    };
    let binding = |action: &KmsAction| with_pairs(action) && *action != KmsAction::CREATE_GRANT;
    add(KmsAction::all().filter(binding).collect(), formulas.and([from, pairs]));
    add(KmsAction::all().filter(others).collect(), from);
    add(KmsAction::DESCRIBE_KEY.into(), describing);
    if operations.contains(KmsAction::CREATE_GRANT) {
        add(KmsAction::CREATE_GRANT.into(), child(formulas, grant));
    }
    used
}

const CONTEXT_KEYS: &str = "kms:encryptioncontextkeys";

/// Rules G20, G23: when the encryption context of the request satisfies the constraints.
fn pairs(formulas: &Formulas, constraints: &Constraints) -> Formula {
    let equals = constraints.equals.as_ref();
    let subset = constraints.subset.as_ref();
    formulas.and([
        equals.map_or(Formula::TRUE, |wanted| exactly(formulas, wanted)),
        subset.map_or(Formula::TRUE, |wanted| contains_all(formulas, wanted)),
    ])
}

type Pairs = BTreeMap<Box<str>, Box<str>>;

/// The pairs of the request are these and no other.
fn exactly(formulas: &Formulas, wanted: &Pairs) -> Formula {
    if wanted.is_empty() {
        return formulas.not(present(formulas, CONTEXT_KEYS));
    }
    let names: Vec<&str> = wanted.keys().map(AsRef::as_ref).collect();
    let operator = Operator {
        quantifier: Some(Quantifier::ForAllValues),
        comparison: Comparison::StringEqualsIgnoreCase,
        polarity: Polarity::Is,
        if_exists: false,
    };
    let no_other = Test { of_grant: true, ..Test::of(CONTEXT_KEYS, operator, &names) };
    let no_other = ask(formulas, no_other);
    let values = by_name(wanted);
    let folded =
        values.iter().map(|(name, it)| given(formulas, name, it, Quantifier::ForAllValues));
    formulas.and([read(formulas, wanted, formulas.and(folded)), no_other])
}

/// The pairs of the request have these among them.
fn contains_all(formulas: &Formulas, wanted: &Pairs) -> Formula {
    let mut values = by_name(wanted);
    // One pair of the request serves for two that differ by the case of their names alone.
    values.values_mut().for_each(|wanted| wanted.dedup_by(|one, other| one.1 == other.1));
    let folded = values.iter().map(|(name, it)| given(formulas, name, it, Quantifier::ForAnyValue));
    read(formulas, wanted, formulas.and(folded))
}

/// The pairs by their names without case, those of each in order of their values (rule G21).
fn by_name(wanted: &Pairs) -> BTreeMap<String, Vec<(&str, &str)>> {
    let mut found: BTreeMap<String, Vec<(&str, &str)>> = BTreeMap::new();
    for (name, value) in wanted {
        found.entry(name.to_ascii_lowercase()).or_default().push((name, value));
    }
    found.values_mut().for_each(|pairs| pairs.sort_by_key(|(_, value)| *value));
    found
}

/// Rule G21: the request has the values of these pairs, all of the name, in whatever spellings.
fn given(
    formulas: &Formulas,
    name: &str,
    pairs: &[(&str, &str)],
    quantifier: Quantifier,
) -> Formula {
    let test = match pairs {
        [(spelled, value)] => equal(&format!("{PREFIX}{spelled}"), value),
        _ => {
            let one = equal(&format!("{PREFIX}{name}"), "");
            let operand =
                |(_, value): &(&str, &str)| Operand::Text([Piece::Text((*value).into())].into());
            let operator = Operator { quantifier: Some(quantifier), ..one.operator };
            Test { operator, values: pairs.iter().map(operand).collect(), ..one }
        }
    };
    ask(formulas, Test { of_grant: true, ..test })
}

/// Rule G21: the names compare without case, the values with, which is what `folded` says; O10 reads both
/// exactly.
fn read(formulas: &Formulas, wanted: &Pairs, folded: Formula) -> Formula {
    let value_is = |name: &str, value: &str| equals(formulas, &format!("{PREFIX}{name}"), value);
    let values_are = formulas.and(wanted.iter().map(|(name, value)| value_is(name, value)));
    let operator = Operator {
        quantifier: Some(Quantifier::ForAnyValue),
        comparison: Comparison::StringEquals,
        polarity: Polarity::Is,
        if_exists: false,
    };
    let spelled = |name: &str| ask(formulas, Test::of(CONTEXT_KEYS, operator, &[name]));
    let exact = formulas.and(wanted.keys().map(|name| spelled(name)).chain([values_are]));
    let other = formulas.of(Atom::Open(OpenPoint::O10));
    let folded = formulas.and([formulas.not(other), folded]);
    formulas.or([folded, formulas.and([other, exact])])
}

/// Rules G31, G32: when a grant with CreateGrant lets its holder make the child that is asked for.
fn child(formulas: &Formulas, parent: &Grant) -> Formula {
    const OPERATIONS: &str = "kms:grantoperations";
    const KIND: &str = "kms:grantconstrainttype";
    const SOURCE: &str = "kms:grantconstraintsourcearn";
    // O32: a request that says nothing asks for a child like its parent.
    let keys = [OPERATIONS, KIND, SOURCE, CONTEXT_KEYS];
    let silent = formulas.and(keys.map(|key| formulas.not(present(formulas, key))));
    let names: Vec<&str> = parent.operations.iter().map(KmsAction::name).collect();
    let operator = Operator {
        quantifier: Some(Quantifier::ForAllValues),
        comparison: Comparison::StringEquals,
        polarity: Polarity::Is,
        if_exists: false,
    };
    // Rule C32: absent operations are within any.
    let within = ask(formulas, Test::of(OPERATIONS, operator, &names));
    let constraints = &parent.constraints;
    let as_equal = constraints.equals.as_ref().map_or(Formula::TRUE, |wanted| {
        formulas.and([equals(formulas, KIND, "EncryptionContextEquals"), exactly(formulas, wanted)])
    });
    let as_subset = constraints.subset.as_ref();
    let as_subset = as_subset.map_or(Formula::TRUE, |wanted| contains_all(formulas, wanted));
    let source = constraints.source_arn.as_deref();
    let from = source.map_or(Formula::TRUE, |arn| equals(formulas, SOURCE, arn));
    formulas.or([silent, formulas.and([within, as_equal, as_subset, from])])
}

fn equals(formulas: &Formulas, key: &str, value: &str) -> Formula {
    ask(formulas, equal(key, value))
}

fn equal(key: &str, value: &str) -> Test {
    let operator = Operator {
        quantifier: None,
        comparison: Comparison::StringEquals,
        polarity: Polarity::Is,
        if_exists: false,
    };
    Test::of(key, operator, &[value])
}

fn present(formulas: &Formulas, key: &str) -> Formula {
    ask(formulas, Test::present(key))
}

fn ask(formulas: &Formulas, test: Test) -> Formula {
    formulas.of(test.asked(Sight::Plain))
}
