//! Files to modules: the blocks of a directory by their names.

use std::collections::BTreeMap;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Body};

use crate::source::FileId;

/// A file that was parsed.
pub(super) struct File {
    /// Its path as it is printed.
    pub(super) path: String,
    pub(super) id: FileId,
    pub(super) body: Body,
}

/// What a directory declares.
#[derive(Default)]
pub(super) struct Module<'a> {
    /// The directory; empty for the current one.
    pub(super) directory: &'a str,
    /// Whether one of its files could not be read.
    pub(super) is_broken: bool,
    pub(super) variables: BTreeMap<&'a str, Part<'a>>,
    pub(super) locals: BTreeMap<&'a str, (FileId, &'a Attribute)>,
    pub(super) outputs: BTreeMap<&'a str, Part<'a>>,
    pub(super) calls: BTreeMap<&'a str, Part<'a>>,
    /// Blocks of override files that give calls other arguments, in the order of the files.
    pub(super) call_overrides: BTreeMap<&'a str, Vec<Part<'a>>>,
    pub(super) resources: BTreeMap<(Mode, &'a str, &'a str), Part<'a>>,
    /// Blocks of override files that give resources other arguments, in the order of the files.
    pub(super) overrides: BTreeMap<(Mode, &'a str, &'a str), Vec<Part<'a>>>,
    pub(super) providers: Vec<Part<'a>>,
    /// Blocks of override files that give providers other arguments, in the order of the files.
    pub(super) provider_overrides: Vec<Part<'a>>,
    /// What has other addresses than in the state, and what is taken out of it.
    pub(super) moved: Vec<Part<'a>>,
    pub(super) removed: Vec<Part<'a>>,
    /// Values of variables that lie beside: `terraform.tfvars` and `*.auto.tfvars`.
    pub(super) values: BTreeMap<&'a str, (FileId, &'a Attribute)>,
}

/// A block and its file.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) file: FileId,
    pub(super) block: &'a Block,
}

/// Whether Terraform makes something or reads it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Mode {
    Resource,
    Data,
}

/// The modules of some files, by directory.
pub(super) fn modules(files: &[File]) -> BTreeMap<&str, Module<'_>> {
    let mut modules: BTreeMap<&str, Module<'_>> = BTreeMap::new();
    let is_overriding = |file: &&File| is_override(split(&file.path).1);
    let (last, first): (Vec<&File>, Vec<&File>) = files.iter().partition(is_overriding);
    let mut files: Vec<&File> = first.into_iter().chain(last).collect();
    // Of values the later count: in the order of their files' names, but `terraform.tfvars` and
    // `terraform.tfvars.json` before all others.
    files.sort_by_key(|file| {
        !matches!(split(&file.path).1, "terraform.tfvars" | "terraform.tfvars.json")
    });
    for file in files {
        let (directory, name) = split(&file.path);
        let name = name.strip_suffix(".json").unwrap_or(name);
        let module = modules.entry(directory).or_default();
        module.directory = directory;
        if name.ends_with(".tfvars") {
            let values = file.body.attributes();
            module.values.extend(values.map(|value| (value.key.as_str(), (file.id, value))));
            continue;
        }
        for block in file.body.blocks() {
            module.add(Part { file: file.id, block }, is_override(name));
        }
    }
    modules
}

/// Whether a file overrides what others of its directory declare.
fn is_override(name: &str) -> bool {
    let name = name.strip_suffix(".json").unwrap_or(name);
    let stem = name.strip_suffix(".tf").or_else(|| name.strip_suffix(".tofu"));
    stem.is_some_and(|stem| stem == "override" || stem.ends_with("_override"))
}

/// The directory and the name of a path.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

impl<'a> Module<'a> {
    fn add(&mut self, part: Part<'a>, is_override: bool) {
        let labels: Vec<&str> = part.block.labels.iter().map(|label| label.as_str()).collect();
        match (part.block.ident.as_str(), labels.as_slice()) {
            ("module", [name]) if is_override => {
                self.call_overrides.entry(name).or_default().push(part);
            }
            ("provider", ["aws" | "awscc"]) if is_override => self.provider_overrides.push(part),
            ("resource", [of_type, name]) if is_override => {
                self.overrides.entry((Mode::Resource, of_type, name)).or_default().push(part);
            }
            ("data", [of_type, name]) if is_override => {
                self.overrides.entry((Mode::Data, of_type, name)).or_default().push(part);
            }
            ("variable", [name]) => drop(self.variables.insert(name, part)),
            ("output", [name]) => drop(self.outputs.insert(name, part)),
            ("module", [name]) => drop(self.calls.insert(name, part)),
            ("provider", ["aws" | "awscc"]) => self.providers.push(part),
            ("moved", []) => self.moved.push(part),
            ("removed", []) => self.removed.push(part),
            ("locals", []) => {
                for local in part.block.body.attributes() {
                    self.locals.insert(local.key.as_str(), (part.file, local));
                }
            }
            ("resource", [of_type, name]) => {
                self.resources.insert((Mode::Resource, of_type, name), part);
            }
            ("data", [of_type, name]) => {
                self.resources.insert((Mode::Data, of_type, name), part);
            }
            _ => {}
        }
    }

    /// The directories of local modules that are called, as written.
    pub(super) fn sources(&self) -> impl Iterator<Item = &'a str> {
        self.calls.keys().filter_map(|name| source(&self.call(name)))
    }

    /// The blocks that give a call of a module its arguments, each before those that it overrides.
    pub(super) fn call(&self, name: &str) -> Vec<Part<'a>> {
        let overriding = self.call_overrides.get(name).into_iter().flatten().rev().copied();
        overriding.chain(self.calls.get(name).copied()).collect()
    }

    /// The same of a resource or of data whose own block is `part`.
    pub(super) fn blocks(&self, of: &(Mode, &str, &str), part: Part<'a>) -> Vec<Part<'a>> {
        let overriding = self.overrides.get(of).into_iter().flatten().rev().copied();
        overriding.chain([part]).collect()
    }
}

/// The first of some blocks that has one of these arguments; the last where none has.
pub(super) fn giving<'a>(parts: &[Part<'a>], names: &[&str]) -> Option<Part<'a>> {
    let has = |part: &&Part<'a>| names.iter().any(|name| part.block.body.has_attribute(name));
    parts.iter().find(has).or(parts.last()).copied()
}

/// The `source` of a module's call.
pub(super) fn source<'a>(call: &[Part<'a>]) -> Option<&'a str> {
    match &giving(call, &["source"])?.block.body.get_attribute("source")?.value {
        Expression::String(text) => Some(text.as_str()),
        _ => None,
    }
}

/// The directory that the local source `source`, written in `directory`, leads to; nothing for one that
/// is not local.
pub(super) fn local(directory: &str, source: &str) -> Option<String> {
    let is_local = source.starts_with("./") || source.starts_with("../");
    is_local.then(|| joined(directory, source))
}

/// `path` from `directory` on, without `.` and, where that is possible, `..`.
pub(super) fn joined(directory: &str, path: &str) -> String {
    let whole = match path.starts_with('/') || directory.is_empty() {
        true => path.to_owned(),
        false => format!("{directory}/{path}"),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match (part, parts.last()) {
            ("." | "", _) => {}
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if whole.starts_with('/') { format!("/{joined}") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_without_dots() {
        assert_eq!(joined("envs/dev", "../../modules/kms"), "modules/kms");
        assert_eq!(joined("", "./modules/kms/"), "modules/kms");
        assert_eq!(joined("a", "../../b"), "../b");
        assert_eq!(joined("/repo/a", "../b"), "/repo/b");
        assert_eq!(joined("a", "/etc/passwd"), "/etc/passwd");
    }

    #[test]
    fn only_paths_with_dots_are_local_modules() {
        assert_eq!(local("a", "./b").as_deref(), Some("a/b"));
        assert_eq!(local("a", "terraform-aws-modules/kms/aws"), None);
        assert_eq!(local("a", "git::https://example.com/kms.git"), None);
    }
}
