//! What the blocks `moved` and `removed` say of the resources of a state that lies beside the source.
//!
//! A plan has them under their new addresses already.

use std::collections::BTreeMap;

use hcl_edit::structure::Body;

use super::module::{Module, local, source};
use super::plan::Stated;

/// How deep modules call each other.
const DEPTH: usize = 16;

/// What becomes of addresses.
#[derive(Default)]
pub(super) struct Moves {
    all: Vec<Move>,
}

/// One block.
struct Move {
    /// The module that it stands in, by its address without indices: empty, or with a dot behind it.
    module: String,
    from: String,
    /// Nothing where it is destroyed.
    to: Option<String>,
}

/// What becomes of one resource.
enum Fate {
    Moved(String),
    Destroyed,
}

impl Moves {
    /// What the root module in `directory` says, and all that it calls.
    pub(super) fn of(modules: &BTreeMap<&str, Module<'_>>, directory: &str) -> Self {
        let mut moves = Self::default();
        moves.add(modules, directory, "", 0);
        moves
    }

    fn add(
        &mut self,
        modules: &BTreeMap<&str, Module<'_>>,
        directory: &str,
        prefix: &str,
        depth: usize,
    ) {
        let Some(module) = modules.get(directory).filter(|_| depth < DEPTH) else { return };
        for block in &module.moved {
            let body = &block.block.body;
            if let (Some(from), to @ Some(_)) = (address(body, "from"), address(body, "to")) {
                self.all.push(Move { module: prefix.to_owned(), from, to });
            }
        }
        // What is only forgotten is there as before.
        let destroyed = module.removed.iter().filter(|block| is_destroyed(&block.block.body));
        for block in destroyed {
            if let Some(from) = address(&block.block.body, "from") {
                self.all.push(Move { module: prefix.to_owned(), from, to: None });
            }
        }
        for name in module.calls.keys() {
            let called = source(&module.call(name)).and_then(|source| local(directory, source));
            if let Some(called) = called {
                self.add(modules, &called, &format!("{prefix}module.{name}."), depth + 1);
            }
        }
    }

    /// Gives the resources of a state the addresses that they have now, and takes out what is destroyed.
    pub(super) fn apply(&self, resources: &mut BTreeMap<String, Stated>) {
        if self.all.is_empty() {
            return;
        }
        let before = std::mem::take(resources);
        for (address, stated) in before {
            if let Some(address) = self.now(address) {
                resources.insert(address, stated);
            }
        }
    }

    /// The address that a resource has now; nothing where it is destroyed.
    fn now(&self, mut address: String) -> Option<String> {
        // One move can follow on another.
        for _ in 0..self.all.len() {
            match self.all.iter().find_map(|one| one.of(&address)) {
                None => return Some(address),
                Some(Fate::Destroyed) => return None,
                Some(Fate::Moved(next)) => address = next,
            }
        }
        Some(address)
    }
}

impl Move {
    /// What an address becomes, where this is about it.
    fn of(&self, address: &str) -> Option<Fate> {
        let (module, own) = inside(address, &self.module)?;
        let behind = own.strip_prefix(self.from.as_str())?;
        let is_all = match behind.chars().next() {
            None | Some('.') => true,
            // A move to one instance is of the only one that there was.
            Some('[') => self.to.as_ref().is_none_or(|to| !to.ends_with(']')),
            Some(_) => false,
        };
        is_all.then(|| match &self.to {
            Some(to) => Fate::Moved(format!("{module}{to}{behind}")),
            None => Fate::Destroyed,
        })
    }
}

/// Whether what a block takes out of the state is destroyed, and not only forgotten.
fn is_destroyed(removed: &Body) -> bool {
    let lifecycles = removed.blocks().filter(|block| block.ident.as_str() == "lifecycle");
    let mut destroy = lifecycles.filter_map(|block| block.body.get_attribute("destroy"));
    !destroy.any(|destroy| destroy.value.to_string().trim() == "false")
}

/// The address that an argument is.
fn address(body: &Body, name: &str) -> Option<String> {
    let written = body.get_attribute(name)?.value.to_string();
    Some(written.trim().trim_matches('"').to_owned())
}

/// The part of an address that names an instance of this module, and the rest; nothing where it lies
/// elsewhere. `module` has no indices, and a dot at its end.
fn inside<'a>(address: &'a str, module: &str) -> Option<(&'a str, &'a str)> {
    let (mut plain, mut is_index, mut is_quoted) = (String::new(), false, false);
    if module.is_empty() {
        return Some(("", address));
    }
    for (at, c) in address.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '[' if !is_quoted => is_index = true,
            ']' if !is_quoted => is_index = false,
            _ if is_index => {}
            _ => plain.push(c),
        }
        if plain == module && c == '.' {
            return address.split_at_checked(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(moves: &[(&str, &str, Option<&str>)], address: &str) -> Option<String> {
        let one = |&(module, from, to): &(&str, &str, Option<&str>)| Move {
            module: module.to_owned(),
            from: from.to_owned(),
            to: to.map(str::to_owned),
        };
        Moves { all: moves.iter().map(one).collect() }.now(address.to_owned())
    }

    #[test]
    fn addresses_are_those_that_resources_have_now() {
        for (module, from, to, address, expected) in [
            ("", "a.x", Some("a.y"), "a.x", Some("a.y")),
            ("", "a.x", Some("a.y"), "a.xx", Some("a.xx")),
            ("", "a.x", Some("a.y"), "a.x[\"k\"]", Some("a.y[\"k\"]")),
            ("", "a.x", Some("a.x[0]"), "a.x", Some("a.x[0]")),
            ("", "a.x[0]", Some("a.x[\"k\"]"), "a.x[0]", Some("a.x[\"k\"]")),
            ("", "module.m", Some("module.n"), "module.m[0].a.x", Some("module.n[0].a.x")),
            ("", "a.x", Some("module.m.a.x"), "a.x", Some("module.m.a.x")),
            (
                "module.m.",
                "a.x",
                Some("a.y"),
                "module.m[\"p.q\"].a.x",
                Some("module.m[\"p.q\"].a.y"),
            ),
            ("module.m.", "a.x", Some("a.y"), "a.x", Some("a.x")),
            ("", "a.x", None, "a.x[1]", None),
            ("", "module.m", None, "module.m.a.x", None),
            ("", "module.m", None, "module.mm.a.x", Some("module.mm.a.x")),
        ] {
            let found = now(&[(module, from, to)], address);
            assert_eq!(found.as_deref(), expected, "{module} {from} {to:?} {address}");
        }
    }

    #[test]
    fn moves_follow_on_one_another_and_never_for_ever() {
        let chain = [("", "a.x", Some("a.y")), ("", "a.y", Some("a.z"))];
        assert_eq!(now(&chain, "a.x").as_deref(), Some("a.z"));
        let circle = [("", "a.x", Some("a.y")), ("", "a.y", Some("a.x"))];
        assert_eq!(now(&circle, "a.x").as_deref(), Some("a.x"));
        // It is one of its own instances, once.
        assert_eq!(now(&[("", "a.x", Some("a.x[0]"))], "a.x").as_deref(), Some("a.x[0]"));
    }
}
