//! Exports that infrastructure code lies beside: what they name may be what the code declares and has no
//! name for yet, and the other way round.
//!
//! So their policies and grants are read like those of the code: each text says what else it may name.

use crate::aws::KeyArn;
use crate::inventory::Grant;
use crate::policy::PolicyDocument;
use crate::syntax::Node;

use super::declared;
use super::facts::{KeyPart, OrganizationFact, Parts, PendingPart};
use super::merge::Facts;
use super::symbols::Symbols;

/// Tells what was exported: its names and Regions, and what its conditions compare.
pub(super) fn heard(facts: &mut Facts) -> Symbols {
    let mut symbols = Symbols::default();
    for identity in &facts.identities {
        add(&mut symbols, &identity.arn);
    }
    for group in &facts.groups {
        add(&mut symbols, &group.arn);
    }
    for policy in &facts.policies {
        add(&mut symbols, &policy.arn);
    }
    for key in &facts.keys {
        add(&mut symbols, key.arn.as_str());
    }
    for world in &facts.worlds {
        let accounts = world.accounts.values();
        let identities = accounts.flat_map(|account| account.identities.values());
        identities.for_each(|identity| add(&mut symbols, &identity.arn));
        world.keys.keys().for_each(|arn| add(&mut symbols, arn.as_str()));
    }
    for document in documents(facts) {
        if let Some(tree) = document.tree() {
            symbols.compared.hear(&tree);
        }
    }
    symbols
}

fn add(symbols: &mut Symbols, arn: &str) {
    symbols.add_exported(arn);
    match KeyArn::parse(arn) {
        Some(key) => symbols.homes.add_region(key.region()),
        // Conditions ask for the names of users.
        None => symbols.add_exported(crate::inventory::policy_name(arn)),
    }
}

/// Reads policies and grants again, with what `symbols` may stand for.
pub(super) fn read_again(facts: &mut Facts, symbols: &Symbols) {
    for document in documents(facts) {
        let told = document.tree().and_then(|tree| {
            let told: Node<'_> = declared::told(symbols, &tree);
            (told != tree).then(|| document.read_as(&told))
        });
        if let Some(told) = told {
            *document = told;
        }
    }
    for part in key_parts(facts) {
        if let KeyPart::Grants(page) = part {
            let others: Vec<Grant> =
                page.items.iter().flat_map(|grant| declared::grants(symbols, grant)).collect();
            page.items.extend(others);
        }
    }
}

/// All policies in some facts; those of a scenario are read already.
fn documents(facts: &mut Facts) -> Vec<&mut PolicyDocument> {
    let mut found = Vec::new();
    for identity in &mut facts.identities {
        found.extend(&mut identity.trust);
        found.extend(inline(&mut identity.parts));
    }
    for group in &mut facts.groups {
        found.extend(inline(&mut group.parts));
    }
    let policies = facts.policies.iter_mut().flat_map(|policy| &mut policy.versions);
    found.extend(policies.map(|version| &mut version.document));
    for fact in &mut facts.organization {
        if let OrganizationFact::Policy { document, .. } = &mut fact.value {
            found.extend(document);
        }
    }
    found.extend(facts.endpoints.iter_mut().map(|(_, document)| document));
    let keys = facts.keys.iter_mut().map(|fact| &mut fact.part);
    let mut parts: Vec<&mut KeyPart> = keys.collect();
    for pending in &mut facts.pending {
        match &mut pending.what {
            PendingPart::Key { part, .. } => parts.push(part),
            PendingPart::Parts { parts, .. } => found.extend(inline(parts)),
            PendingPart::Version { version, .. } => found.push(&mut version.document),
            _ => {}
        }
    }
    found.extend(parts.into_iter().filter_map(|part| match part {
        KeyPart::Policy(document) | KeyPart::RamPolicy(document) => Some(document),
        _ => None,
    }));
    found
}

fn inline(parts: &mut Parts) -> impl Iterator<Item = &mut PolicyDocument> {
    parts.inline.iter_mut().map(|policy| &mut policy.document)
}

/// What is stated of keys.
fn key_parts(facts: &mut Facts) -> impl Iterator<Item = &mut KeyPart> {
    let pending = facts.pending.iter_mut().filter_map(|pending| match &mut pending.what {
        PendingPart::Key { part, .. } => Some(part),
        _ => None,
    });
    facts.keys.iter_mut().map(|fact| &mut fact.part).chain(pending)
}
