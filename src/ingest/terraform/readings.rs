//! What policies of keys are where an argument of the root is true and where it is false, if several of their parts
//! hang on it.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::aws::KeyArn;
use crate::policy::{PolicyDocument, Reading};

use super::super::facts::{Fact, KeyFact, KeyPart};
use super::super::symbols::Symbols;
use super::evaluator::Evaluator;
use super::module::Module;
use super::{Roots, reference, world};

/// How many arguments of one root are taken to be true and to be false, each with each.
const TOGETHER: usize = 2;

impl<'a> Roots<'a> {
    /// Adds to the policies of keys what they are in each case. What a plan resolves hangs on nothing.
    pub(super) fn add_readings(
        &self,
        evaluator: &Evaluator<'a>,
        symbols: &Rc<Symbols>,
        facts: &mut [Fact],
    ) {
        let root = evaluator.instance(0).filter(|_| evaluator.plan.is_none());
        let Some(module) = root.map(|root| root.module) else { return };
        let mut policies: Vec<(&KeyArn, &mut PolicyDocument)> = facts
            .iter_mut()
            .filter_map(policy_of)
            .filter(|(_, policy)| !deciding(module, policy).is_empty())
            .collect();
        let names = policies.iter().flat_map(|(_, policy)| deciding(module, policy));
        let names: BTreeSet<&str> = names.collect();
        if names.is_empty() || names.len() > TOGETHER {
            return;
        }
        let open: Vec<Box<str>> = names.iter().map(|name| format!("var.{name}").into()).collect();
        let mut readings = vec![Vec::new(); policies.len()];
        for case in 0..1 << names.len() {
            let mut deployment = evaluator.deployment.clone();
            for (nth, name) in names.iter().enumerate() {
                let truth = case >> nth & 1 == 0;
                deployment.variables.insert((*name).into(), truth.to_string().into());
            }
            let (mut there, resources) =
                self.resources(module, None, &deployment, evaluator.beside);
            there.symbols = Rc::clone(symbols);
            let mut facts = world::facts(&there, &resources);
            for (arn, policy) in facts.iter_mut().filter_map(policy_of) {
                let of_key = policies.iter().position(|(known, _)| *known == arn);
                if let Some(readings) = of_key.and_then(|nth| readings.get_mut(nth)) {
                    readings.push(Reading { open: open.clone(), document: policy.clone() });
                }
            }
        }
        for ((_, policy), readings) in policies.iter_mut().zip(readings) {
            **policy = policy.clone().read_in(readings);
        }
    }
}

fn policy_of(fact: &mut Fact) -> Option<(&KeyArn, &mut PolicyDocument)> {
    match fact {
        Fact::Key(KeyFact { arn, part: KeyPart::Policy(policy), .. }) => Some((arn, policy)),
        _ => None,
    }
}

/// The arguments of a root that are true or false, nobody knows which, and that several parts of a policy hang on.
fn deciding<'a>(module: &Module<'a>, policy: &PolicyDocument) -> Vec<&'a str> {
    let is_open = |name: &&&str| {
        let body = module.variables.get(**name).map(|part| &part.block.body);
        body.is_some_and(|body| {
            let of_type =
                body.get_attribute("type").and_then(|it| reference::provider_name(&it.value));
            of_type.as_deref() == Some("bool") && !body.has_attribute("default")
        })
    };
    let statements = policy.policy().statements.iter();
    let open: Vec<&str> = statements.flat_map(|it| it.unresolved()).map(|it| it.value).collect();
    let names = module.variables.keys().filter(is_open).copied();
    names.filter(|name| open.iter().filter(|it| mentions(it, name)).count() > 1).collect()
}

/// Whether an expression asks for an argument.
fn mentions(expression: &str, name: &str) -> bool {
    let named = format!("var.{name}");
    let is_end = |rest: &str| {
        !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || "_-.[".contains(next))
    };
    expression.split(&named).skip(1).any(is_end)
}
