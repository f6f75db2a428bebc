//! What arguments of a plan refer to, as its configuration says.

use std::collections::BTreeMap;

use crate::inventory::without_indices;
use crate::syntax::Node;

use super::plan::{Stated, items};

/// One argument of one block that an argument refers to, and to nothing else.
pub(super) struct Reference {
    /// The block, in the module of who refers to it.
    target: String,
    /// The instance of it, where that is written.
    index: Option<String>,
    /// Its argument.
    pub(super) argument: String,
}

impl Reference {
    /// What an expression refers to.
    pub(super) fn of(expression: &Node<'_>) -> Option<Self> {
        let mut all = items(expression.get("references")).map(Node::as_str);
        let (written, argument) = all.next()??.rsplit_once('.')?;
        let target = without_indices(written);
        let index = written.strip_prefix(&target).filter(|index| !index.is_empty());
        // Behind an argument the resource stands as a whole.
        let is_alone = all.all(|other| other.is_some_and(|other| without_indices(other) == target));
        let (index, argument) = (index.map(str::to_owned), argument.to_owned());
        is_alone.then_some(Self { target, index, argument })
    }

    /// The one instance that it means for the resource at `address`: both are of one instance of a module.
    pub(super) fn meant<'p>(
        &self,
        address: &str,
        known: &'p BTreeMap<String, Stated>,
    ) -> Option<(&'p str, &'p Stated)> {
        let target = format!("{}{}", module_of(address), self.target);
        if let Some(index) = &self.index {
            let (address, stated) = known.get_key_value(&format!("{target}{index}"))?;
            return Some((address, stated));
        }
        let all = known.range(target.clone()..).take_while(|(it, _)| it.starts_with(&target));
        let mut instances = all.filter(|(it, _)| {
            let index = it.strip_prefix(&target).unwrap_or_default();
            index.is_empty() || index.starts_with('[')
        });
        let (address, stated) = instances.next().filter(|_| instances.next().is_none())?;
        Some((address, stated))
    }
}

/// The instance of a module that an address lies in, with the dot behind it; nothing for the root.
fn module_of(address: &str) -> &str {
    let (mut end, mut rest) = (0, address);
    while rest.starts_with("module.") {
        let name = rest.get("module.".len()..).unwrap_or_default();
        let Some(length) = step(name) else { break };
        end += "module.".len() + length;
        rest = address.get(end..).unwrap_or_default();
    }
    address.get(..end).unwrap_or_default()
}

/// How long a name with its index and the dot behind it is.
fn step(name: &str) -> Option<usize> {
    let (mut is_inside, mut is_quoted) = (false, false);
    for (at, character) in name.char_indices() {
        match (is_inside, character) {
            (false, '.') => return Some(at + 1),
            (false, '[') => is_inside = true,
            (true, '"') => is_quoted = !is_quoted,
            (true, ']') if !is_quoted => is_inside = false,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_of_an_address_has_its_index() {
        for (address, module) in [
            ("aws_kms_key.k", ""),
            ("module.m.aws_kms_key.k[0]", "module.m."),
            (r#"module.m["a.b"].module.n[1].data.x.y"#, r#"module.m["a.b"].module.n[1]."#),
            ("module.m", ""),
        ] {
            assert_eq!(module_of(address), module, "{address}");
        }
    }
}
