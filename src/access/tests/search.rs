//! The search against enumeration.

use super::super::bits::Bits;
use super::super::search::{Node, Outcome, search};

/// How many variables, and how many classes each has.
const VARIABLES: usize = 5;
const CLASSES: usize = 3;

/// A small generator of numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// A formula of some depth: its nodes and its root.
fn formula(numbers: &mut Numbers, depth: usize, nodes: &mut Vec<Node>) -> usize {
    let node = match if depth == 0 { 0 } else { numbers.below(3) } {
        0 => {
            let chosen = 1 + numbers.below((1 << CLASSES) - 2);
            Node::Literal(
                numbers.below(VARIABLES),
                Bits::of(CLASSES, |class| chosen >> class & 1 == 1),
            )
        }
        kind => {
            let count = 2 + numbers.below(3);
            let parts: Box<[usize]> =
                (0..count).map(|_| formula(numbers, depth - 1, nodes)).collect();
            if kind == 1 { Node::All(parts) } else { Node::Any(parts) }
        }
    };
    nodes.push(node);
    nodes.len() - 1
}

fn holds(nodes: &[Node], node: usize, choice: &[usize]) -> bool {
    match &nodes[node] {
        Node::Constant(value) => *value,
        Node::Literal(variable, classes) => classes.has(choice[*variable]),
        Node::All(parts) => parts.iter().all(|part| holds(nodes, *part, choice)),
        Node::Any(parts) => parts.iter().any(|part| holds(nodes, *part, choice)),
    }
}

/// Formulas of parts that share no variable were once answered as if they did: the first part to be
/// solved took its classes from the others.
#[test]
fn a_choice_is_found_wherever_there_is_one() {
    let numbers = &mut Numbers(7);
    let (mut some, mut none) = (0, 0);
    for _ in 0..20_000 {
        let mut nodes = Vec::new();
        let roots: Vec<usize> =
            (0..1 + numbers.below(5)).map(|_| formula(numbers, 2, &mut nodes)).collect();
        let all = (0..CLASSES.pow(VARIABLES as u32)).map(|number| -> Vec<usize> {
            (0..VARIABLES).map(|it| number / CLASSES.pow(it as u32) % CLASSES).collect()
        });
        let exists =
            all.into_iter().any(|choice| roots.iter().all(|root| holds(&nodes, *root, &choice)));
        let full = || Bits::of(CLASSES, |_| true);
        match search(&nodes, roots.clone(), (0..VARIABLES).map(|_| full()).collect()) {
            Outcome::Chosen(choice) => {
                assert!(roots.iter().all(|root| holds(&nodes, *root, &choice)), "{nodes:?}");
                some += 1;
            }
            Outcome::None => {
                assert!(!exists, "{nodes:?} {roots:?}");
                none += 1;
            }
            Outcome::Capped => panic!("nothing here is too much"),
        }
    }
    assert!(some > 2000 && none > 2000, "{some} {none}");
}
