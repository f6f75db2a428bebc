//! Terraform: directories of `.tf` and `.tf.json` files, evaluated as far as that goes without running Terraform.
//!
//! Files are kept as texts while the input is read, and evaluated behind it, all together: modules call
//! each other across directories. Every directory that no other calls is a root; the modules that it
//! calls are evaluated with its arguments. A value that is not known stays a hole with what is known of
//! it, and never becomes `*` or nothing; a resource that may be there or not is in doubt as a whole.
//!
//! A declared key has its address as its id (`aws_kms_key.a`, `module.x.aws_kms_key.b["c"]`). The account
//! that is deployed to is that of the [`Deployment`]; a provider with an alias that assumes a role or has
//! a profile of its own has another. Where two roots declare the same, they are taken for the code of two
//! accounts; where the account is known, the directory of the second stands before its addresses.
//!
//! What needs the outside (modules from elsewhere, remote state, counts that are not known) is told once,
//! as a whole, in [`Found::unresolved`].

mod accounts;
mod attachments;
mod awscc;
mod changes;
mod configured;
mod continued;
mod defaults;
mod documents;
mod evaluator;
mod expression;
mod filled;
mod functions;
mod grants;
pub(super) mod held;
mod heredocs;
mod identities;
mod json;
mod keys;
mod lifecycle;
mod listed;
mod lookups;
mod lowered;
mod marked;
mod module;
mod moves;
mod names;
mod organizations;
pub(super) mod plan;
mod planned;
mod providers;
pub(super) mod raw;
mod readings;
mod reference;
mod referred;
mod repeated;
mod resource;
mod tags;
mod template;
mod transcript;
mod types;
mod value;
mod world;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use hcl_edit::structure::Body;
use rayon::prelude::*;

use crate::aws::AccountId;
use crate::inventory::Stated;
use crate::source::{FileId, FileProblem, Files, Place, ProblemKind, Span};

use super::cloudformation::Template;
use super::declared::{self, Deployment, Unmade};
use super::facts::Fact;
use super::problem_at;
use super::symbols::Symbols;
use super::text::mentions_kms;
use evaluator::Evaluator;
use held::Held;
use module::{File, Module};
use moves::Moves;
use transcript::Places;
use value::{Data, Member, Piece, PieceData, Value};
use world::Declared;

/// A file of Terraform's language, or a plan or state, kept until all are read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: FileId,
    pub(super) text: Box<str>,
    /// Whether it is a plan or a state.
    pub(super) is_plan: bool,
}

/// What Terraform's files come to.
#[derive(Default)]
pub(super) struct Found {
    pub(super) facts: Vec<Fact>,
    pub(super) problems: Vec<FileProblem>,
    /// What could not be resolved as a whole, each once.
    pub(super) unresolved: Vec<Stated<Box<str>>>,
    /// ARNs of who ran Terraform, as plans say.
    pub(super) callers: BTreeSet<Box<str>>,
    /// The files that expressions read: what they hold is known by who reads it.
    pub(super) read: BTreeSet<FileId>,
    /// The files that gave facts.
    pub(super) files: BTreeSet<FileId>,
    /// The same of each root.
    pub(super) of_roots: Vec<BTreeSet<FileId>>,
    /// What stands for names and ids that are not known.
    pub(super) symbols: Symbols,
    /// Keys that are not there with the values at hand.
    pub(super) unmade: Unmade,
    /// What the symbols of accounts stand for, in words.
    pub(super) labels: BTreeMap<AccountId, Box<str>>,
    /// The templates of CloudFormation that resources hold.
    pub(super) held: Held,
    /// What is to be said of it beside, in words.
    pub(super) assumed: BTreeSet<Box<str>>,
}

/// Where the files of a run come from.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) files: &'a dyn Files,
    /// The paths of all files, sorted.
    pub(super) paths: &'a [String],
    /// The number of the first.
    pub(super) first: usize,
    /// Whether exports or the keys of templates lie beside: what Terraform makes of identities matters for
    /// them.
    pub(super) is_beside: bool,
}

impl Input<'_> {
    /// Whether there is anything to find in some files.
    pub(super) fn is_in(self, sources: &[Source]) -> bool {
        sources.iter().any(|source| self.is_in_text(&source.text))
    }

    fn is_in_text(self, text: &str) -> bool {
        mentions_kms(text) || self.is_beside && (mentions_identities(text) || held::is_held(text))
    }
}

/// Whether the file at `path` is one of Terraform's.
pub(super) fn is_source(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.strip_suffix(".json").unwrap_or(name);
    name.ends_with(".tf")
        || name.ends_with(".tofu")
        || name == "terraform.tfvars"
        || name.ends_with(".auto.tfvars")
}

/// Evaluates the files of Terraform's language; `symbols` are those of what other code declares.
pub(super) fn facts(
    input: Input<'_>,
    sources: &[Source],
    deployment: &Deployment,
    symbols: Symbols,
) -> Found {
    // Without KMS there is nothing to find, and nothing is parsed.
    if !input.is_in(sources) {
        return Found { symbols, ..Found::default() };
    }
    let path = |file: FileId| {
        let number = (file.0 as usize).checked_sub(input.first);
        number.and_then(|number| input.paths.get(number)).cloned().unwrap_or_default()
    };
    let parsed: Vec<(FileId, Result<Parsed, FileProblem>)> = sources
        .par_iter()
        .filter(|source| !source.is_plan && !deployment.is_before)
        .map(|source| (source.file, parse(&source.text, &path(source.file))))
        .collect();
    let (mut files, mut found) = (Vec::new(), Found::default());
    let (mut broken, mut places) = (BTreeSet::new(), BTreeMap::new());
    for (id, parsed) in parsed {
        let path = path(id);
        match parsed {
            Ok((body, of_json)) => {
                places.extend(of_json.map(|of_json| (id, of_json)));
                files.push(File { path, id, body });
            }
            Err(problem) => {
                broken.insert(module::split(&path).0.to_owned());
                found.problems.push(problem);
            }
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    let mut modules = module::modules(&files);
    for (directory, module) in &mut modules {
        module.is_broken = broken.contains(*directory);
    }
    let texts: BTreeMap<FileId, Rc<str>> =
        sources.iter().map(|source| (source.file, Rc::from(&*source.text))).collect();
    // What a plan makes of identities matters for the keys of all that is read.
    let is_ours = |text: &str| mentions_kms(text) || mentions_identities(text);
    let plans = sources.iter().filter(|source| source.is_plan && is_ours(&source.text));
    let plans = plans.filter_map(|source| {
        let (is_before, is_alone) = (deployment.is_before, modules.is_empty());
        let path = path(source.file);
        let moves = Moves::of(&modules, module::split(&path).0);
        let plan = plan::Plan::parse(&source.text, source.file, is_before, is_alone, &moves)?;
        Some((path, plan))
    });
    let plans: Vec<(String, plan::Plan)> = plans.collect();
    found.assumed = plans.iter().filter_map(|(_, plan)| plan.deletes()).collect();
    if deployment.is_before {
        // That nothing stands there yet is said as well.
        let plans = sources.iter().filter(|source| source.is_plan);
        found.files.extend(plans.map(|plan| plan.file));
    }
    let empty = Module::default();
    let (modules, empty) = (&modules, &empty);
    let arns = BTreeMap::new();
    let (texts, places) = (&texts, &places);
    let made = BTreeMap::new();
    let mut roots = Roots { input, texts, places, modules, empty, found, arns, made };
    roots.evaluate(deployment, &plans, symbols);
    roots.found
}

fn mentions_identities(text: &str) -> bool {
    ["aws_iam_", "awscc_iam_", "aws_organizations_policy"].iter().any(|name| text.contains(name))
}

/// The body of a file; of one in JSON syntax, where its parts stand there.
type Parsed = (Body, Option<Places>);

fn parse(text: &str, path: &str) -> Result<Parsed, FileProblem> {
    let parsed = match path.strip_suffix(".json") {
        Some(name) => transcript::body(text, name.ends_with(".tfvars"))
            .map(|(body, places)| (body, Some(places)))
            .map_err(|problem| (problem.span, format!("broken JSON: {}", problem.message))),
        None => repeated::body(text).map(|body| (body, None)).map_err(|error| {
            let at = error.location().offset();
            (Span::new(at, at), format!("broken HCL: {}", error.message()))
        }),
    };
    parsed.map_err(|(span, message)| {
        let help = "run `terraform validate`: what this file declares is left out";
        problem_at(ProblemKind::Broken, path, text, Some(span), message, help)
    })
}

/// The root modules of a run.
struct Roots<'a> {
    input: Input<'a>,
    texts: &'a BTreeMap<FileId, Rc<str>>,
    places: &'a BTreeMap<FileId, Places>,
    modules: &'a BTreeMap<&'a str, Module<'a>>,
    /// What a plan without its source lies beside.
    empty: &'a Module<'a>,
    found: Found,
    /// What was declared, by the account that its root was deployed to.
    arns: BTreeMap<AccountId, BTreeSet<Box<str>>>,
    /// The same made of addresses, and the directory that they are from.
    made: BTreeMap<Box<str>, &'a str>,
}

/// A root module whose resources are known, and its policies not yet.
struct Root<'a> {
    evaluator: Evaluator<'a>,
    resources: Vec<Declared<'a>>,
    caller: Option<Box<str>>,
}

impl<'a> Roots<'a> {
    fn evaluate(
        &mut self,
        deployment: &Deployment,
        plans: &'a [(String, plan::Plan)],
        symbols: Symbols,
    ) {
        let called: BTreeSet<String> = self
            .modules
            .values()
            .flat_map(|module| {
                module.sources().filter_map(|source| module::local(module.directory, source))
            })
            .collect();
        let is_root = |module: &&Module<'_>| !called.contains(module.directory);
        let mut roots: Vec<&Module<'a>> = self.modules.values().filter(is_root).collect();
        if roots.is_empty() {
            // They call each other in a circle.
            roots.extend(self.modules.values());
        }
        let beside = |directory: &str| {
            let mut plans = plans.iter();
            plans.find(|(path, _)| module::split(path).0 == directory).map(|(_, plan)| plan)
        };
        let mut settled = Vec::new();
        for root in &roots {
            settled.push(self.root(root, root.directory, beside(root.directory), deployment));
        }
        for (path, plan) in plans {
            let directory = module::split(path).0;
            let is_used = beside(directory).is_some_and(|first| std::ptr::eq(first, plan))
                && roots.iter().any(|root| root.directory == directory);
            if !is_used {
                settled.push(self.root(self.empty, directory, Some(plan), deployment));
            }
        }
        // A policy of one root can speak of what another declares.
        self.found.symbols = symbols;
        for root in &settled {
            world::symbols(&root.evaluator, &root.resources, &mut self.found.symbols);
        }
        let symbols = Rc::new(self.found.symbols.clone());
        for root in settled {
            self.take(root, &symbols);
        }
    }

    /// The resources of a root that lies in `directory`. One that declares what another declares is taken
    /// for another account's, or told apart by its directory.
    fn root(
        &mut self,
        root: &'a Module<'a>,
        directory: &'a str,
        plan: Option<&'a plan::Plan>,
        deployment: &Deployment,
    ) -> Root<'a> {
        let mut deployment =
            plan.map_or_else(|| deployment.clone(), |plan| plan.deployment(deployment));
        let caller = plan.and_then(|plan| plan.caller.clone());
        let (mut evaluator, mut resources) = self.resources(root, plan, &deployment, None);
        let mut label = None;
        let mut arns = world::arns(&evaluator, &resources);
        let account = deployment.account;
        let is_taken = self.arns.get(&account).is_some_and(|known| !known.is_disjoint(&arns));
        if account.is_symbol() && is_taken {
            let name = module::split(root.directory).1;
            let numbered = (2..1000).map(|number| AccountId::symbol(&format!("{number}-{name}")));
            let mut symbols = [AccountId::symbol(name)].into_iter().chain(numbered);
            let free = symbols.find(|id| !self.arns.contains_key(id));
            deployment.account = free.unwrap_or(account);
            let shown = if directory.is_empty() { "." } else { directory };
            label = Some(format!("the account that {shown} is deployed to"));
            (evaluator, resources) = self.resources(root, plan, &deployment, None);
            arns = world::arns(&evaluator, &resources);
        }
        let mut made = world::made(&evaluator, &resources);
        let of_another = |arn| self.made.get(arn).is_some_and(|other| *other != directory);
        if made.iter().any(of_another) {
            (evaluator, resources) = self.resources(root, plan, &deployment, Some(directory));
            arns = world::arns(&evaluator, &resources);
            made = world::made(&evaluator, &resources);
        }
        evaluator.labels.borrow_mut().extend(label.map(|label| (deployment.account, label)));
        self.made.extend(made.into_iter().map(|arn| (arn, directory)));
        self.arns.entry(deployment.account).or_default().append(&mut arns);
        Root { evaluator, resources, caller }
    }

    /// Takes what a root states, and what was noticed on the way.
    fn take(&mut self, root: Root<'a>, symbols: &Rc<Symbols>) {
        let Root { mut evaluator, resources, caller } = root;
        evaluator.symbols = Rc::clone(symbols);
        self.found.callers.extend(caller);
        let held = held::templates(&evaluator, &resources);
        self.found.files.extend(held.templates.iter().map(|template| template.file));
        let labels = evaluator.labels.take();
        let accounts = resources.iter().map(|it| it.resource.provider.account());
        for account in accounts.chain(held.templates.iter().filter_map(Template::account)) {
            let label = labels.get(&account).map(|label| (account, label.as_str().into()));
            self.found.labels.extend(label);
        }
        self.found.held.templates.extend(held.templates);
        self.found.held.files.extend(held.files);
        let mut facts = world::facts(&evaluator, &resources);
        self.add_readings(&evaluator, symbols, &mut facts);
        let files: BTreeSet<FileId> = facts.iter().filter_map(file_of).collect();
        self.found.files.extend(&files);
        self.found.of_roots.push(files);
        self.found.facts.append(&mut facts);
        self.found.unmade.append(evaluator.unmade.into_inner());
        self.found.read.extend(evaluator.read.into_inner().into_keys());
        for problem in evaluator.problems.into_inner() {
            if !self.found.problems.contains(&problem) {
                self.found.problems.push(problem);
            }
        }
        for (file, start, end, what) in evaluator.unresolved.into_inner() {
            let stated = Stated::new(what.into(), Place::plain(file, Span { start, end }));
            let same = |known: &Stated<Box<str>>| {
                (known.place, &known.value) == (stated.place, &stated.value)
            };
            if !self.found.unresolved.iter().any(same) {
                self.found.unresolved.push(stated);
            }
        }
    }

    /// Evaluates which resources a root has.
    fn resources(
        &self,
        root: &'a Module<'a>,
        plan: Option<&'a plan::Plan>,
        deployment: &Deployment,
        beside: Option<&'a str>,
    ) -> (Evaluator<'a>, Vec<Declared<'a>>) {
        let mut evaluator = Evaluator {
            files: self.input.files,
            paths: self.input.paths,
            first: u32::try_from(self.input.first).unwrap_or(u32::MAX),
            texts: self.texts,
            places: self.places,
            modules: self.modules,
            deployment: deployment.clone(),
            beside,
            aliases: None,
            symbols: Rc::default(),
            plan,
            labels: RefCell::default(),
            accounts: RefCell::default(),
            instances: RefCell::default(),
            read: RefCell::default(),
            problems: RefCell::default(),
            unresolved: RefCell::default(),
            unmade: RefCell::default(),
            depth: Cell::new(0),
            steps: Cell::new(0),
        };
        let resources = world::resources(&evaluator, root);
        evaluator.knows_aliases(lookups::aliases(&evaluator, &resources));
        (evaluator, resources)
    }
}

/// The file that a fact stands in.
fn file_of(fact: &Fact) -> Option<FileId> {
    match fact {
        Fact::Identity(fact) => Some(fact.place.file),
        Fact::Group(fact) => Some(fact.place.file),
        Fact::Policy(fact) => Some(fact.place.file),
        Fact::Key(fact) => Some(fact.place.file),
        Fact::Alias(alias) => Some(alias.place.file),
        Fact::Given(given) => Some(given.place.file),
        _ => None,
    }
}

/// A member whose name stands where its value does.
fn member(name: &str, value: Value) -> Member {
    Member { name: name.into(), at: value.at, value }
}

/// The elements of a collection with their keys; nothing where they are not known. The items of a set are
/// their own keys, and so are all that `for_each` takes.
fn elements(collection: &Value, is_for_each: bool) -> Option<Vec<(Value, Value)>> {
    match &collection.data {
        Data::Null if !is_for_each => Some(Vec::new()),
        Data::List(list) if is_for_each => {
            if list.is_open {
                return None;
            }
            let items = list.items.iter().map(|item| {
                item.known()?;
                Some((item.clone(), item.clone()))
            });
            items.collect()
        }
        Data::List(list) => {
            let numbered = list.items.iter().enumerate();
            let key = |(number, item): (usize, &Value)| match list.is_set {
                true => item.clone(),
                false => Value::number(item.at, number),
            };
            let element = |(number, item): (usize, &Value)| (key((number, item)), item.clone());
            Some(numbered.map(element).collect())
        }
        Data::Object(object) if object.rest.is_none() => {
            let element = |member: &Member| {
                (Value::text(member.at, Rc::clone(&member.name)), member.value.clone())
            };
            // Maps are gone through in the order of their keys.
            let mut members: Vec<&Member> = object.members.iter().collect();
            members.sort_by(|left, right| left.name.cmp(&right.name));
            Some(members.into_iter().map(element).collect())
        }
        _ => None,
    }
}

/// Whether a text is, in part, a stand-in for one that will be known.
fn is_symbolic(pieces: &[Piece]) -> bool {
    pieces.iter().any(|piece| match &piece.data {
        PieceData::Symbol(_) => true,
        PieceData::Known(text) => declared::may_be_symbolic(text),
        PieceData::Hole(_) => false,
    })
}
