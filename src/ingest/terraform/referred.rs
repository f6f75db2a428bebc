//! What arguments of a plan refer to, as its configuration says.

use std::collections::BTreeMap;

use crate::inventory::without_indices;
use crate::syntax::Node;

use super::plan::{Stated, items};

/// How many calls and outputs a reference is followed through.
const STEPS: usize = 16;

/// What is referred to, by the module that it stands in, without indices, and its name there.
type Named<T> = BTreeMap<(String, String), T>;

/// What the arguments of a plan refer to.
#[derive(Default)]
pub(super) struct References {
    /// By the addresses of blocks and the arguments.
    arguments: Named<Reference>,
    /// What outputs of modules stand for: at most one of these is there.
    outputs: Named<Vec<Reference>>,
    /// What calls give to the variables of modules.
    given: Named<Reference>,
}

/// One argument of one block, an output of a module, or a variable, that is referred to.
struct Reference {
    /// The block, in the module of who refers to it; `module.NAME` for an output, `var` for a variable.
    target: String,
    /// The instance of it, where that is written.
    index: Option<String>,
    /// Its argument.
    argument: String,
}

impl References {
    /// Adds an argument of a block.
    pub(super) fn add(&mut self, address: &str, argument: &str, expression: &Node<'_>) {
        let from = (address.to_owned(), argument.to_owned());
        self.arguments.extend(Reference::of(expression).map(|reference| (from, reference)));
    }

    /// Adds what a call gives to the module at `prefix`, and what that gives back.
    pub(super) fn add_call(&mut self, prefix: &str, call: &Node<'_>, module: &Node<'_>) {
        for given in call.get("expressions").map(Node::members).unwrap_or_default() {
            let from = (prefix.to_owned(), given.name.value.to_string());
            self.given.extend(Reference::of(&given.value).map(|reference| (from, reference)));
        }
        for output in module.get("outputs").map(Node::members).unwrap_or_default() {
            let expression = output.value.get("expression");
            let all = expression.map(Reference::one_of).unwrap_or_default();
            self.outputs.insert((prefix.to_owned(), output.name.value.to_string()), all);
        }
    }

    /// The one resource that an argument of the resource at `address` refers to, and what of it: through
    /// outputs of modules, and what is given to them.
    pub(super) fn meant<'p>(
        &'p self,
        address: &str,
        argument: &str,
        known: &'p BTreeMap<String, Stated>,
    ) -> Option<(&'p str, &'p Stated, &'p str)> {
        let from = (without_indices(address), argument.to_owned());
        let first = self.arguments.get(&from)?;
        self.followed(first, module_of(address), known, STEPS)
    }

    /// What an argument of a resource of the root refers to, as it is written: in other modules the same words
    /// mean something else.
    pub(super) fn written(&self, address: &str, argument: &str) -> Option<String> {
        let from = (without_indices(address), argument.to_owned());
        let first = self.arguments.get(&from).filter(|_| module_of(address).is_empty())?;
        let index = first.index.as_deref().unwrap_or_default();
        Some(format!("{}{index}.{}", first.target, first.argument))
    }

    fn followed<'p>(
        &'p self,
        reference: &'p Reference,
        module: &str,
        known: &'p BTreeMap<String, Stated>,
        steps: usize,
    ) -> Option<(&'p str, &'p Stated, &'p str)> {
        let steps = steps.checked_sub(1)?;
        let named = |module: &str| (without_indices(module), reference.argument.clone());
        if reference.target == "var" {
            return self.followed(self.given.get(&named(module))?, outer(module), known, steps);
        }
        let Some(call) = reference.call() else {
            let (address, stated) = reference.meant(module, known)?;
            return Some((address, stated, &reference.argument));
        };
        let inner = format!("{module}{call}.");
        let mut found: Vec<_> = self
            .outputs
            .get(&named(&inner))?
            .iter()
            .filter_map(|one| self.followed(one, &inner, known, steps))
            .collect();
        found.dedup_by(|one, other| (one.0, one.2) == (other.0, other.2));
        match found.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }
}

impl Reference {
    /// What an expression refers to, where that is one thing.
    fn of(expression: &Node<'_>) -> Option<Self> {
        let mut all = items(expression.get("references")).map(Node::as_str);
        let first = Self::new(all.next()??)?;
        // Behind an argument the resource stands as a whole.
        let is_alone =
            all.all(|other| other.is_some_and(|other| without_indices(other) == first.target));
        is_alone.then_some(first)
    }

    /// The arguments that an expression refers to; none where it is made of something else as well.
    fn one_of(expression: &Node<'_>) -> Vec<Self> {
        let all: Vec<&str> = items(expression.get("references")).filter_map(Node::as_str).collect();
        let other = ["var.", "local.", "each.", "count.", "path.", "self."];
        if all.iter().any(|one| other.iter().any(|other| one.starts_with(other))) {
            return Self::of(expression).into_iter().collect();
        }
        all.into_iter().filter_map(Self::new).filter(Self::is_whole).collect()
    }

    fn new(written: &str) -> Option<Self> {
        let (written, argument) = written.rsplit_once('.')?;
        let target = without_indices(written);
        let index = written.strip_prefix(&target).filter(|index| !index.is_empty());
        Some(Self { index: index.map(str::to_owned), argument: argument.to_owned(), target })
    }

    /// Whether an argument is named, and not only the block that stands behind it.
    fn is_whole(&self) -> bool {
        self.target.trim_start_matches("data.").split('.').count() == 2
    }

    /// The call of a module whose output this is, with its index.
    fn call(&self) -> Option<String> {
        let name = self.target.strip_prefix("module.").filter(|name| !name.contains('.'))?;
        Some(format!("module.{name}{}", self.index.as_deref().unwrap_or_default()))
    }

    /// The one instance that it means in the instance of a module that has this prefix.
    fn meant<'p>(
        &self,
        module: &str,
        known: &'p BTreeMap<String, Stated>,
    ) -> Option<(&'p str, &'p Stated)> {
        let target = format!("{module}{}", self.target);
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

/// The instance of a module that calls the one with this prefix.
fn outer(module: &str) -> &str {
    module_of(module.strip_suffix('.').unwrap_or(module))
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
        assert_eq!(outer(r#"module.m["a.b"].module.n[1]."#), r#"module.m["a.b"]."#);
        assert_eq!(outer("module.m."), "");
    }
}
