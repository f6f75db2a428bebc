//! The stacks that the templates of a run make: one for each template that stands alone, and one for each
//! use of a template as a nested stack.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use crate::inventory::Stated;
use crate::source::{FileId, Span};
use crate::syntax::{Member, Node};

use super::super::declared::{Deployment, Unmade};
use super::super::symbols::Symbols;
use super::conditions::Truth;
use super::evaluate::{At, Resource};
use super::identities::Gathered;
use super::manifest::Deployments;
use super::names::Names;
use super::supposed::Supposed;
use super::{Declared, Template, keys, organizations, sam};

/// How deep stacks stand in one another.
const DEPTH: usize = 8;

/// How many stacks are made of one run's templates.
const STACKS: usize = 2000;

/// How many values are evaluated for one resource.
const FUEL: u32 = 100_000;

/// A name of a stack, by the stack's number.
pub(super) type InStack = (usize, Box<str>);

/// The stacks of a run, and what is found out while they are evaluated.
pub(super) struct World<'t> {
    deployments: &'t Deployments,
    pub(super) stacks: Vec<Stack<'t>>,
    /// What is left of the work that one resource may cost.
    pub(super) fuel: Cell<u32>,
    /// The conditions that were evaluated, by stack and name; nothing while one is.
    pub(super) conditions: RefCell<BTreeMap<InStack, Option<Truth>>>,
    /// What is supposed of them for now, and whether to hold.
    pub(super) supposed: RefCell<Vec<(Supposed, bool)>>,
    unresolved: RefCell<Vec<Stated<Box<str>>>>,
    assumed: RefCell<BTreeSet<Box<str>>>,
    unmade: RefCell<Unmade>,
}

/// One use of a template.
pub(super) struct Stack<'t> {
    pub(super) template: &'t Template,
    /// The path of the template's file.
    pub(super) path: String,
    /// For a nested stack: the stack it stands in, and the resource that it is there.
    pub(super) parent: Option<(usize, &'t Member<'static>)>,
    /// Where it is deployed to.
    pub(super) deployment: &'t Deployment,
    /// What the names of keys begin with where templates share names: empty, or a word and a dot.
    pub(super) prefix: String,
}

/// A macro whose work is not done here.
pub(super) struct Macro {
    pub(super) span: Span,
    /// What is not known, in words.
    pub(super) what: String,
}

impl Stack<'_> {
    /// The macros of the template as a whole, and of all its resources together: such a one can add whatever
    /// it likes, and one of the template can change what stands there.
    pub(super) fn macros(&self) -> Vec<Macro> {
        const KNOWN: [&str; 4] = [
            "AWS::LanguageExtensions",
            "AWS::Serverless-2016-10-31",
            "AWS::SecretsManager-",
            "AWS::CodeDeployBlueGreen",
        ];
        let root = &self.template.root;
        // `Fn::Transform` in the same place is one macro.
        let whole = ["Transform", "Fn::Transform"].iter().filter_map(|name| root.get(name));
        let whole = whole.flat_map(Node::one_or_many).map(|node| (node, "the template"));
        let added = root.get("Resources").and_then(|all| all.get("Fn::Transform"));
        let added = added.map(Node::one_or_many).unwrap_or_default();
        let added = added.iter().map(|node| (node, "the resources"));
        let made = whole.chain(added).filter_map(|(node, of)| {
            let name = node.as_str().or_else(|| node.get("Name").and_then(Node::as_str));
            let name = name.unwrap_or("...");
            let is_known = KNOWN.iter().any(|known| name.starts_with(known));
            let what = format!("what the macro `{name}` makes of {of}");
            (!is_known).then_some(Macro { span: node.span, what })
        });
        made.collect()
    }

    /// The resources, in the order of the text.
    pub(super) fn resources(&self) -> &[Member<'static>] {
        self.section("Resources")
    }

    /// The members of a section of the template.
    pub(super) fn section(&self, name: &str) -> &[Member<'static>] {
        self.template.root.get(name).map(Node::members).unwrap_or_default()
    }
}

impl<'t> World<'t> {
    pub(super) fn new(
        templates: &'t [Template],
        deployments: &'t Deployments,
        path: &dyn Fn(FileId) -> String,
    ) -> Self {
        let mut world = Self {
            deployments,
            stacks: Vec::new(),
            fuel: Cell::new(FUEL),
            conditions: RefCell::default(),
            supposed: RefCell::default(),
            unresolved: RefCell::default(),
            assumed: RefCell::default(),
            unmade: RefCell::default(),
        };
        // What a set of stacks holds is no file.
        let is_file = |template: &&Template| !template.is_of_set();
        let paths: BTreeMap<String, &Template> = templates
            .iter()
            .filter(is_file)
            .map(|template| (path(template.file), template))
            .collect();
        let nested: BTreeSet<FileId> = templates
            .iter()
            .flat_map(|template| children(template, &path(template.file), &paths))
            .map(|(_, _, child)| child.file)
            .collect();
        let is_alone = |it: &&Template| it.is_of_set() || !nested.contains(&it.file);
        for template in templates.iter().filter(is_alone) {
            world.add(template, &paths, path, None, 0);
        }
        // Templates that only stand in one another in a circle.
        for template in templates.iter().filter(is_file) {
            let is_it = |it: &Template| it.file == template.file && !it.is_of_set();
            if !world.stacks.iter().any(|stack| is_it(stack.template)) {
                world.add(template, &paths, path, None, DEPTH);
            }
        }
        world.tell_apart();
        world
    }

    fn add(
        &mut self,
        template: &'t Template,
        paths: &BTreeMap<String, &'t Template>,
        path: &dyn Fn(FileId) -> String,
        parent: Option<(usize, &'t Member<'static>)>,
        depth: usize,
    ) {
        let own = path(template.file);
        let number = self.stacks.len();
        let outer = parent.and_then(|(number, _)| self.stacks.get(number));
        let own_deployment = || match &template.holder {
            Some(holder) => &holder.deployment,
            None => self.deployments.of(template.file),
        };
        let deployment = outer.map_or_else(own_deployment, |outer| outer.deployment);
        let prefix = String::new();
        self.stacks.push(Stack { template, path: own.clone(), parent, deployment, prefix });
        for (member, source, child) in children(template, &own, paths) {
            if depth + 1 < DEPTH && self.stacks.len() < STACKS {
                self.add(child, paths, path, Some((number, member)), depth + 1);
            } else {
                let what =
                    format!("the nested stack {source}: stacks stand too deep in one another");
                self.unresolved(template, member.name.span, what);
            }
        }
    }

    /// Gives stacks whose resources share names something to tell them apart by.
    fn tell_apart(&mut self) {
        let mut seen: BTreeMap<Box<str>, usize> = BTreeMap::new();
        for stack in &self.stacks {
            for member in stack.resources() {
                *seen.entry(member.name.value.as_ref().into()).or_default() += 1;
            }
        }
        let mut taken = BTreeSet::new();
        for stack in &mut self.stacks {
            let shares = stack.resources().iter();
            let shares = shares.map(|member| seen.get(&*member.name.value)).any(|n| n > Some(&1));
            if !shares {
                continue;
            }
            let word = match stack.parent {
                Some((_, member)) => member.name.value.to_string(),
                None => stem(&stack.path),
            };
            let mut prefix = format!("{word}.");
            let mut next = 2;
            while !taken.insert(prefix.clone()) {
                prefix = format!("{word}-{next}.");
                next += 1;
            }
            stack.prefix = prefix;
        }
    }

    /// Notes that something as a whole could not be resolved.
    pub(super) fn unresolved(&self, template: &Template, span: Span, what: impl Into<Box<str>>) {
        self.unresolved.borrow_mut().push(Stated::new(what.into(), template.place(span)));
    }

    /// Notes what is taken for granted.
    pub(super) fn assume(&self, what: impl Into<Box<str>>) {
        self.assumed.borrow_mut().insert(what.into());
    }

    /// Gives the next resource its share of work.
    pub(super) fn refuel(&self) {
        self.fuel.set(FUEL);
    }

    /// Notes the macros of templates whose work is not done here.
    fn note_macros(&self) {
        for stack in &self.stacks {
            for Macro { span, what } in stack.macros() {
                self.unresolved(stack.template, span, what);
            }
        }
    }

    /// The facts of all stacks; `symbols` are those of what other code declares.
    pub(super) fn declared(self, symbols: &Symbols) -> Declared {
        self.note_macros();
        let mut names = Names::new(&self);
        names.symbols.append(symbols);
        let all = self.resources();
        let mut facts = Vec::new();
        for (at, resource) in &all {
            self.refuel();
            facts.extend(keys::facts(at, &names, resource));
            if resource.of_type() == "AWS::Organizations::Policy" {
                facts.extend(organizations::facts(at, &names, resource));
            }
            at.note_unread(resource);
        }
        self.refuel();
        facts.extend(keys::aliases(&all));
        let mut gathered = Gathered::new(&names);
        for (at, resource) in &all {
            self.refuel();
            gathered.declare(at, resource);
            sam::declare(&mut gathered, &names, at, resource);
        }
        for (at, resource) in &all {
            self.refuel();
            gathered.give(at, resource);
        }
        facts.extend(gathered.facts());
        drop(all);
        let mut unresolved = self.unresolved.into_inner();
        let order = |one: &Stated<Box<str>>| (one.place, one.value.clone());
        unresolved.sort_by_key(order);
        unresolved.dedup_by_key(|one| order(one));
        let (assumed, homes) = (self.assumed.into_inner(), names.symbols.homes);
        Declared { facts, unresolved, assumed, homes, unmade: self.unmade.into_inner() }
    }

    /// Counts a key among those that are there, or those that are not.
    fn count(&self, stack: &Stack<'_>, member: &Member<'_>, is_made: bool) {
        let of_type = member.value.get("Type").and_then(Node::as_str);
        if !matches!(of_type, Some("AWS::KMS::Key" | "AWS::KMS::ReplicaKey")) {
            return;
        }
        let (file, at) = (stack.template.file, member.name.span);
        let mut unmade = self.unmade.borrow_mut();
        match is_made {
            true => unmade.is_made(file, at),
            false => unmade.add(file, at, &member.name.value),
        }
    }

    /// The resources of all stacks that are there, or may be.
    fn resources(&self) -> Vec<(At<'_, 't>, Resource<'_>)> {
        let mut all = Vec::new();
        for (number, stack) in self.stacks.iter().enumerate() {
            self.refuel();
            let at = At::new(self, number);
            for member in stack.resources() {
                if member.name.value.starts_with("Fn::") {
                    let what = format!("the resources that `{}` makes", member.name.value);
                    self.unresolved(stack.template, member.name.span, what);
                }
                let resource = at.resource(member);
                self.count(stack, member, resource.is_some());
                all.extend(resource.map(|resource| (at, resource)));
            }
        }
        all
    }
}

/// The nested stacks of a template whose templates are files of this run.
fn children<'t>(
    template: &'t Template,
    path: &str,
    paths: &BTreeMap<String, &'t Template>,
) -> Vec<(&'t Member<'static>, &'t str, &'t Template)> {
    let resources = template.root.get("Resources").map(Node::members).unwrap_or_default();
    let found = resources.iter().filter_map(|member| {
        let source = source_of(&member.value)?;
        let child = paths.get(&beside(path, source)?)?;
        Some((member, source, *child))
    });
    found.collect()
}

/// Where the template of a nested stack is, where that is a path.
pub(super) fn source_of<'n>(resource: &'n Node<'static>) -> Option<&'n str> {
    let name = match resource.get("Type")?.as_str()? {
        "AWS::CloudFormation::Stack" => "TemplateURL",
        "AWS::Serverless::Application" => "Location",
        _ => return None,
    };
    let source = resource.get("Properties")?.get(name)?.as_str()?;
    (!source.contains("://")).then_some(source)
}

/// The path `to`, as one that stands in the file `from`; nothing where it leads out of what is read.
fn beside(from: &str, to: &str) -> Option<String> {
    if to.starts_with('/') {
        return None;
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    let root = if from.starts_with('/') { "/" } else { "" };
    Some(format!("{root}{}", parts.join("/")))
}

/// The file name without extensions.
fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    let fit = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    stem.chars().map(fit).collect()
}
