//! When a formula holds, in words: equal to it for every request that AWS could send, and without a part
//! that could be dropped.

use crate::aws::condition_keys::is_multivalued;
use crate::aws::{ValueType, condition_key};
use crate::decision::Condition;
use crate::policy::{Comparison, Operator, Polarity, Quantifier};

use super::compare;
use super::domain::is_null;
use super::formula::{Atom, Formula, Formulas, Kinds, Node};
use super::frame::Frame;
use super::range::can_be_empty;
use super::solve::{Held, Solver};
use super::test::{Operand, Test};
use super::values::truth;
use super::words::words;

/// How many tests a condition has before nobody reads it.
const LEAVES: usize = 200;

/// Of so many values of a test it is asked whether one can be left out that some request has.
const VALUES: usize = 16;

/// How often equality is asked before the condition is given up.
const QUESTIONS: usize = 3_000;

/// A formula whose parts are dropped one by one.
#[derive(Clone)]
enum Tree {
    Leaf(Formula),
    All(Vec<Tree>),
    Any(Vec<Tree>),
}

/// Where a part stands: the number of the child, level by level.
type Path = Vec<usize>;

impl Solver {
    /// When `formula` holds of requests of the frame; nothing where a cap was met, where some part is
    /// undecided, and for formulas that always or never hold.
    pub(super) fn condition(&self, formula: Formula, frame: &Frame) -> Option<Condition> {
        let tree = self.irredundant(formula, frame)?;
        Some(tree.worded(&self.formulas).condition(&self.formulas))
    }

    /// The formula that [`Solver::condition`] puts in words.
    #[cfg(test)]
    pub(super) fn reduced_formula(&self, formula: Formula, frame: &Frame) -> Option<Formula> {
        Some(self.irredundant(formula, frame)?.formula(&self.formulas))
    }

    fn irredundant(&self, formula: Formula, frame: &Frame) -> Option<Tree> {
        for constant in [Formula::TRUE, Formula::FALSE] {
            if self.equal(formula, constant, frame)? {
                return None;
            }
        }
        let simpler = self.simplified(formula, frame)?;
        let plain = self.plain(simpler);
        let start = if self.equal(plain, formula, frame)? { plain } else { simpler };
        let mut tree = Tree::of(&self.formulas, start)?;
        let mut questions = 0;
        loop {
            let before = tree.formula(&self.formulas);
            tree = self.reduced(tree, formula, frame, &mut questions)?;
            tree = self.narrowed(tree, formula, frame);
            if tree.formula(&self.formulas) == before {
                return Some(tree);
            }
        }
    }

    /// Without the values of tests that can be left out: what no request of the frame has, and where they are
    /// few what other values and parts say as well.
    fn narrowed(&self, mut tree: Tree, formula: Formula, frame: &Frame) -> Tree {
        let formulas = &self.formulas;
        let written = |test: &Test, holds| {
            let own = formulas.of(Atom::Request(test.clone()));
            if holds { own } else { formulas.not(own) }
        };
        for leaf in tree.all_leaves() {
            let Some((test, holds)) = literal(formulas, leaf).filter(|(it, _)| is_a_list(it))
            else {
                continue;
            };
            let mut kept = test.clone();
            for value in &test.values {
                let values = kept.values.iter().filter(|it| *it != value).cloned();
                let left = Test { values: values.collect(), ..kept.clone() };
                if left.values.is_empty() {
                    break;
                }
                let (before, after) = (written(&kept, holds), written(&left, holds));
                let without = tree.each_leaf(&|own| if own == before { after } else { own });
                let alone = formulas.of(Atom::Request(only(test, value)));
                let is_same = || {
                    let whole = without.formula(formulas);
                    self.equal(whole, formula, frame).unwrap_or(false)
                };
                if self.holds(alone, frame) == Held::No || kept.values.len() <= VALUES && is_same()
                {
                    (kept, tree) = (left, without);
                }
            }
        }
        tree
    }

    /// Whether the two hold of the same requests; nothing where that is undecided.
    fn equal(&self, one: Formula, other: Formula, frame: &Frame) -> Option<bool> {
        Some(self.implies(one, other, frame)? && self.implies(other, one, frame)?)
    }

    fn implies(&self, one: Formula, other: Formula, frame: &Frame) -> Option<bool> {
        if one == other {
            return Some(true);
        }
        match self.holds(self.formulas.and([one, self.formulas.not(other)]), frame) {
            Held::Yes => Some(false),
            Held::No => Some(true),
            Held::Undecided => None,
        }
    }

    /// Without the tests that always or never hold; nothing where no test is left.
    fn simplified(&self, formula: Formula, frame: &Frame) -> Option<Formula> {
        let formulas = &self.formulas;
        let simpler = formulas.replaced(formula, Kinds::REQUEST, &mut |_, atom, holds| {
            let own = formulas.of(atom.clone());
            let own = if holds { own } else { formulas.not(own) };
            match (self.holds(own, frame), self.holds(formulas.not(own), frame)) {
                (Held::No, _) => Some(Formula::FALSE),
                (_, Held::No) => Some(Formula::TRUE),
                _ => None,
            }
        });
        (!simpler.is_constant()).then_some(simpler)
    }

    /// With plainer tests that say the same, where there are such.
    fn plain(&self, formula: Formula) -> Formula {
        let formulas = &self.formulas;
        formulas.replaced(formula, Kinds::REQUEST, &mut |_, atom, holds| match atom {
            Atom::Request(test) => plain(formulas, test, holds),
            _ => None,
        })
    }

    /// One pass over all parts, the largest first: each that can be dropped is.
    fn reduced(
        &self,
        mut tree: Tree,
        formula: Formula,
        frame: &Frame,
        questions: &mut usize,
    ) -> Option<Tree> {
        let mut paths = tree.paths();
        let mut at = 0;
        while let Some(path) = paths.get(at) {
            *questions += 1;
            if *questions > QUESTIONS {
                return None;
            }
            let (smaller, all) = tree.without(path)?;
            let left = smaller.formula(&self.formulas);
            // Fewer conjuncts say less, fewer disjuncts more: one way is enough.
            let same = match all {
                true => self.implies(left, formula, frame)?,
                false => self.implies(formula, left, frame)?,
            };
            if same {
                tree = smaller;
                paths = tree.paths();
            } else {
                at += 1;
            }
        }
        Some(tree)
    }
}

/// The same in plainer tests. Whether it is the same is asked afterwards.
fn plain(formulas: &Formulas, test: &Test, holds: bool) -> Option<Formula> {
    let with = |operator| formulas.of(Atom::Request(Test { operator, ..test.clone() }));
    let present = formulas.of(Atom::Request(Test::present(&test.key)));
    let says = |formula| Some(if holds { formula } else { formulas.not(formula) });
    let operator = test.operator;
    if operator.if_exists {
        // Rule C30.
        let own = Test { operator: Operator { if_exists: false, ..operator }, ..test.clone() };
        let own = match plain(formulas, &own, holds) {
            Some(plainer) if holds => plainer,
            Some(plainer) => formulas.not(plainer),
            None => formulas.of(Atom::Request(own)),
        };
        return says(formulas.or([own, formulas.not(present)]));
    }
    let positive = || with(Operator { quantifier: None, polarity: Polarity::Is, ..operator });
    let single = !is_multivalued(&test.key);
    match (operator.quantifier, operator.polarity) {
        (Some(quantifier), polarity) if single && !can_be_empty(&test.key) => {
            // Rule C36.
            says(match (quantifier, polarity) {
                (Quantifier::ForAnyValue, Polarity::Is) => positive(),
                (Quantifier::ForAnyValue, Polarity::IsNot) => {
                    formulas.and([present, formulas.not(positive())])
                }
                (Quantifier::ForAllValues, Polarity::Is) => {
                    formulas.or([positive(), formulas.not(present)])
                }
                (Quantifier::ForAllValues, Polarity::IsNot) => formulas.not(positive()),
            })
        }
        (None, Polarity::IsNot) if single => says(formulas.not(positive())),
        (None, Polarity::Is) if single && !holds => {
            // What is not below a limit is from there on, or absent; what is not false is true, or absent.
            let opposite = match truth_of(test) {
                Some(truth) => formulas.of(Atom::Request(Test::of(
                    &test.key,
                    Operator { comparison: Comparison::Bool, ..operator },
                    &[if truth { "false" } else { "true" }],
                ))),
                None => with(Operator { comparison: opposite(test)?, ..operator }),
            };
            Some(formulas.or([opposite, formulas.not(present)]))
        }
        _ => None,
    }
}

/// What a test asks for of a key that is either true or false.
fn truth_of(test: &Test) -> Option<bool> {
    let kind = condition_key(&test.key).map(|info| info.value);
    match (kind, &*test.values) {
        (Some(ValueType::Bool), [only]) if test.operator.comparison == Comparison::Bool => {
            truth(compare::literal(only)?)
        }
        _ => None,
    }
}

/// The comparison that holds of present values where this one does not.
fn opposite(test: &Test) -> Option<Comparison> {
    let kind = condition_key(&test.key).map(|info| info.value);
    if test.values.len() != 1 || !matches!(kind, Some(ValueType::Numeric | ValueType::Date)) {
        return None;
    }
    Some(match test.operator.comparison {
        Comparison::NumericLessThan => Comparison::NumericGreaterThanEquals,
        Comparison::NumericLessThanEquals => Comparison::NumericGreaterThan,
        Comparison::NumericGreaterThan => Comparison::NumericLessThanEquals,
        Comparison::NumericGreaterThanEquals => Comparison::NumericLessThan,
        Comparison::DateLessThan => Comparison::DateGreaterThanEquals,
        Comparison::DateLessThanEquals => Comparison::DateGreaterThan,
        Comparison::DateGreaterThan => Comparison::DateLessThanEquals,
        Comparison::DateGreaterThanEquals => Comparison::DateLessThan,
        _ => return None,
    })
}

impl Tree {
    /// The tree of a formula; nothing where it has too many leaves.
    fn of(formulas: &Formulas, formula: Formula) -> Option<Self> {
        let mut leaves = 0;
        Self::grown(formulas, formula, &mut leaves)
    }

    fn grown(formulas: &Formulas, formula: Formula, leaves: &mut usize) -> Option<Self> {
        let mut children = |parts: &[Formula]| -> Option<Vec<Self>> {
            let mut children: Vec<Self> = parts
                .iter()
                .map(|part| Self::grown(formulas, *part, leaves))
                .collect::<Option<_>>()?;
            children.sort_by_cached_key(|child| {
                (std::cmp::Reverse(child.leaves()), child.condition(formulas))
            });
            Some(children)
        };
        match formulas.node(formula) {
            Node::And(parts) => Some(Self::All(children(parts)?)),
            Node::Or(parts) => Some(Self::Any(children(parts)?)),
            Node::Literal { .. } | Node::True | Node::False => {
                *leaves += 1;
                (*leaves <= LEAVES).then_some(Self::Leaf(formula))
            }
        }
    }

    /// With what grants ask in the words of policies, where no policy looks the same pair up in one spelling.
    fn worded(&self, formulas: &Formulas) -> Self {
        let mut asked = Vec::new();
        formulas.each_atom(self.formula(formulas), &mut |atom| match atom {
            Atom::Request(test) if !test.of_grant => asked.push(test.key.to_ascii_lowercase()),
            _ => {}
        });
        self.each_leaf(&|leaf| match literal(formulas, leaf) {
            Some((test, holds)) if test.of_grant && !test.is_of_spellings() => {
                let of_grant = asked.contains(&test.key.to_ascii_lowercase());
                let own = formulas.of(Atom::Request(Test { of_grant, ..test.clone() }));
                if holds { own } else { formulas.not(own) }
            }
            _ => leaf,
        })
    }

    /// With this in place of each leaf.
    fn each_leaf(&self, make: &dyn Fn(Formula) -> Formula) -> Self {
        let each = |children: &[Self]| children.iter().map(|child| child.each_leaf(make)).collect();
        match self {
            Self::Leaf(formula) => Self::Leaf(make(*formula)),
            Self::All(children) => Self::All(each(children)),
            Self::Any(children) => Self::Any(each(children)),
        }
    }

    fn all_leaves(&self) -> Vec<Formula> {
        match self {
            Self::Leaf(formula) => vec![*formula],
            Self::All(children) | Self::Any(children) => {
                children.iter().flat_map(Self::all_leaves).collect()
            }
        }
    }

    fn leaves(&self) -> usize {
        match self {
            Self::Leaf(_) => 1,
            Self::All(children) | Self::Any(children) => children.iter().map(Self::leaves).sum(),
        }
    }

    fn formula(&self, formulas: &Formulas) -> Formula {
        match self {
            Self::Leaf(formula) => *formula,
            Self::All(children) => formulas.and(children.iter().map(|one| one.formula(formulas))),
            Self::Any(children) => formulas.or(children.iter().map(|one| one.formula(formulas))),
        }
    }

    /// Every part but the whole, outer parts first.
    fn paths(&self) -> Vec<Path> {
        let mut found = Vec::new();
        let mut level: Vec<(Path, &Self)> = vec![(Vec::new(), self)];
        while !level.is_empty() {
            let mut next = Vec::new();
            for (path, tree) in level {
                let (Self::All(children) | Self::Any(children)) = tree else {
                    continue;
                };
                for (at, child) in children.iter().enumerate() {
                    let path: Path = path.iter().copied().chain([at]).collect();
                    found.push(path.clone());
                    next.push((path, child));
                }
            }
            level = next;
        }
        found
    }

    /// The tree without one part, and whether that was one of several that must all hold.
    fn without(&self, path: &[usize]) -> Option<(Self, bool)> {
        let (at, deeper) = path.split_first()?;
        let (Self::All(children) | Self::Any(children)) = self else {
            return None;
        };
        let mut all = matches!(self, Self::All(_));
        let mut left: Vec<Self> = Vec::with_capacity(children.len());
        let own = all;
        for (number, child) in children.iter().enumerate() {
            if number != *at {
                left.push(child.clone());
            } else if !deeper.is_empty() {
                let (child, inner) = child.without(deeper)?;
                all = inner;
                match child {
                    // What is left of a part can be of the same kind as what it stands in.
                    Self::All(inner) if own => left.extend(inner),
                    Self::Any(inner) if !own => left.extend(inner),
                    child => left.push(child),
                }
            }
        }
        let tree = match (left.len(), own) {
            (1, _) => left.pop()?,
            (_, true) => Self::All(left),
            (_, false) => Self::Any(left),
        };
        Some((tree, all))
    }

    /// In words, tests before groups.
    fn condition(&self, formulas: &Formulas) -> Condition {
        let (children, all) = match self {
            Self::Leaf(formula) => return Condition::Test(leaf(formulas, *formula)),
            Self::All(children) => (children, true),
            Self::Any(children) => (children, false),
        };
        let mut found: Vec<Condition> =
            merged(formulas, children, all).iter().map(|child| child.condition(formulas)).collect();
        found.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.cmp(other)));
        found.dedup();
        match (found.len(), all) {
            (1, _) => found.swap_remove(0),
            (_, true) => Condition::All(found),
            (_, false) => Condition::Any(found),
        }
    }
}

/// Whether a test lists values of which each by itself is enough.
fn is_a_list(test: &Test) -> bool {
    test.values.len() > 1 && !is_null(test) && !test.is_of_spellings()
}

/// That a key has this value of a test.
fn only(test: &Test, value: &Operand) -> Test {
    let quantifier = is_multivalued(&test.key).then_some(Quantifier::ForAnyValue);
    let operator =
        Operator { quantifier, polarity: Polarity::Is, if_exists: false, ..test.operator };
    Test { operator, values: Box::from([value.clone()]), ..test.clone() }
}

fn rank(condition: &Condition) -> u8 {
    match condition {
        Condition::Test(_) => 0,
        Condition::Any(_) => 1,
        Condition::All(_) => 2,
    }
}

fn leaf(formulas: &Formulas, formula: Formula) -> crate::decision::Words {
    match literal(formulas, formula) {
        Some((test, holds)) => words(&formulas.spellings, test, holds),
        None => crate::decision::Words { key: "".into(), relation: "".into(), values: Vec::new() },
    }
}

fn literal(formulas: &Formulas, formula: Formula) -> Option<(&Test, bool)> {
    let Node::Literal { atom, holds } = formulas.node(formula) else {
        return None;
    };
    match formulas.atom(*atom) {
        Atom::Request(test) => Some((test, *holds)),
        _ => None,
    }
}

/// Children with tests joined that say one thing of several values: one of these, none of these.
fn merged(formulas: &Formulas, children: &[Tree], all: bool) -> Vec<Tree> {
    let mut found: Vec<Tree> = Vec::new();
    let mut joined: Vec<(Test, bool)> = Vec::new();
    for child in children {
        let own = match child {
            Tree::Leaf(formula) => literal(formulas, *formula),
            _ => None,
        };
        match own.filter(|(test, holds)| joins(test, *holds, all)) {
            Some((test, holds)) => {
                let same = |(known, _): &&mut (Test, bool)| {
                    (&known.key, known.operator, known.of_grant)
                        == (&test.key, test.operator, test.of_grant)
                };
                match joined.iter_mut().filter(|(_, known)| *known == holds).find(same) {
                    Some((known, _)) => {
                        let values = known.values.iter().chain(&test.values).cloned();
                        let mut values: Vec<_> = values.collect();
                        values.sort();
                        values.dedup();
                        known.values = values.into();
                    }
                    None => joined.push((test.clone(), holds)),
                }
            }
            None => found.push(child.clone()),
        }
    }
    let one = |(test, holds): (Test, bool)| {
        let own = formulas.of(Atom::Request(test));
        Tree::Leaf(if holds { own } else { formulas.not(own) })
    };
    found.into_iter().chain(joined.into_iter().map(one)).collect()
}

/// Whether two such tests of one key are one with the values of both: rules C1, C2 and C33.
fn joins(test: &Test, holds: bool, all: bool) -> bool {
    let operator = test.operator;
    let joined = operator.polarity == Polarity::Is
        && !operator.if_exists
        && matches!(operator.quantifier, None | Some(Quantifier::ForAnyValue))
        && !test.is_of_spellings()
        && operator.comparison != Comparison::Null;
    joined && holds != all
}
