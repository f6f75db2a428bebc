//! Grants.

use crate::aws::{ActionSet, KmsAction};
use crate::inventory::{Constraints, Grant, Grantee};
use crate::policy::Principal;
use crate::syntax::Unresolved;

use super::evaluator::Evaluator;
use super::tags::pairs;
use super::value::{Data, Value, shape};
use super::world::Declared;

/// A grant; nothing where what it allows, or when, is not known.
pub(super) fn made(evaluator: &Evaluator<'_>, declared: &Declared<'_>) -> Option<Grant> {
    let resource = &declared.resource;
    let argument = |name: &str| evaluator.argument(&resource.arguments, name);
    let mut operations = ActionSet::EMPTY;
    let mut unknown_operations = Vec::new();
    match &argument("operations")?.data {
        Data::List(list) if !list.is_open => {
            for operation in list.items.iter() {
                let name = operation.known()?;
                match KmsAction::from_name(&name) {
                    Some(action) => operations.insert(action),
                    None => unknown_operations.push(Box::from(&*name)),
                }
            }
        }
        _ => return None,
    }
    let mut constraints = Constraints::default();
    let (blocks, are_all) = evaluator.plain_blocks(&resource.arguments, "constraints");
    are_all.then_some(())?;
    for block in blocks {
        let context = |name: &str| {
            let value = evaluator.argument(&block, name).filter(|value| !value.is_null())?;
            Some(pairs(&value).map(|pairs| pairs.into_iter().collect()))
        };
        if let Some(equals) = context("encryption_context_equals") {
            constraints.equals = Some(equals?);
        }
        if let Some(subset) = context("encryption_context_subset") {
            constraints.subset = Some(subset?);
        }
    }
    let name = argument("name").and_then(|name| name.known());
    let to = argument("grantee_principal")?;
    note(evaluator, declared, &to, "who gets it");
    let retiring = argument("retiring_principal").filter(|it| !it.is_null());
    if let Some(retiring) = &retiring {
        note(evaluator, declared, retiring, "who may retire it");
    }
    Some(Grant {
        id: resource.address.as_str().into(),
        name: name.map(|name| Box::from(&*name)),
        grantee: grantee(&to),
        retiring: retiring.as_ref().map(grantee),
        issuing_account: None,
        operations,
        unknown_operations,
        constraints,
        place: declared.place(),
    })
}

/// Notes that a principal is not known, or only in part: the grant is there all the same.
fn note(evaluator: &Evaluator<'_>, declared: &Declared<'_>, principal: &Value, what: &str) {
    if principal.known().is_some() {
        return;
    }
    let address = &declared.resource.address;
    let written = principal.as_pieces().map(|pieces| shape(&pieces).1).unwrap_or_default();
    evaluator.unresolved(principal.at, format!("{address}: {what}: `{written}`"));
}

fn grantee(value: &Value) -> Grantee {
    if let Some(known) = value.known() {
        return Grantee::principal(&known);
    }
    let (shape, expression) = value.as_pieces().map(|pieces| shape(&pieces)).unwrap_or_default();
    let shape = if shape.is_empty() { "*".to_owned() } else { shape };
    let known = Unresolved { expression: expression.into(), shape: shape.into() };
    Grantee::Principal(Principal::unresolved("AWS", &known))
}
