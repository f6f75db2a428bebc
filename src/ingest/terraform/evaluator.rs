//! What evaluation keeps: the modules, their instances with what was evaluated already, and what was
//! noticed on the way.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Body};

use crate::aws::AccountId;
use crate::source::{FileId, FileProblem, Files};

use super::super::declared::{Deployment, Unmade};
use super::super::symbols::Symbols;
use super::lookups::DeclaredAlias;
use super::module::{self, Mode, Module, Part};
use super::plan::Plan;
use super::providers::{self, Provider};
use super::transcript::Places;
use super::value::{At, Value};

/// How deep expressions, references and modules lead into each other.
pub(super) const DEPTH: u32 = 120;

/// How deep modules call each other.
const MODULES: usize = 16;

/// How many expressions are evaluated before evaluation gives up.
const STEPS: u32 = 4_000_000;

/// What an evaluation knows and keeps.
pub(super) struct Evaluator<'a> {
    pub(super) files: &'a dyn Files,
    /// The paths that were given, all files in them, sorted; the first has the id `first`.
    pub(super) paths: &'a [String],
    pub(super) first: u32,
    pub(super) texts: &'a BTreeMap<FileId, Rc<str>>,
    /// Where what was read of files in JSON syntax stands in them.
    pub(super) places: &'a BTreeMap<FileId, Places>,
    pub(super) modules: &'a BTreeMap<&'a str, Module<'a>>,
    pub(super) deployment: Deployment,
    /// The directory of the root, where another declares the same in the same account.
    pub(super) beside: Option<&'a str>,
    /// The aliases that the root declares; nothing before all resources are known.
    pub(super) aliases: Option<Vec<DeclaredAlias>>,
    /// What stands for names and ids that are not known; nothing before all resources are.
    pub(super) symbols: Rc<Symbols>,
    /// The plan or state of the root, where one lies beside.
    pub(super) plan: Option<&'a Plan>,
    /// What the symbols of accounts stand for, in words.
    pub(super) labels: RefCell<BTreeMap<AccountId, String>>,
    /// The accounts that providers of the root name by expressions.
    pub(super) accounts: RefCell<BTreeMap<Box<str>, AccountId>>,
    pub(super) instances: RefCell<Vec<Rc<Instance<'a>>>>,
    /// Texts that `file` and `templatefile` read, and what is wrong with them.
    pub(super) read: RefCell<BTreeMap<FileId, Rc<str>>>,
    pub(super) problems: RefCell<Vec<FileProblem>>,
    /// What could not be resolved as a whole: each once, where it stands.
    pub(super) unresolved: RefCell<BTreeSet<(FileId, u32, u32, String)>>,
    /// Keys that are not there with the values at hand.
    pub(super) unmade: RefCell<Unmade>,
    pub(super) depth: Cell<u32>,
    pub(super) steps: Cell<u32>,
}

/// A module as one call makes it.
pub(super) struct Instance<'a> {
    pub(super) module: &'a Module<'a>,
    /// What its addresses begin with: empty at the root, `module.x[0].` below.
    pub(super) prefix: String,
    /// The directory of the root.
    pub(super) root: &'a str,
    /// The blocks of the call, each before those that it overrides, and where they are evaluated.
    pub(super) call: Option<(Vec<Part<'a>>, Scope)>,
    pub(super) providers: RefCell<BTreeMap<String, Provider>>,
    /// What decides whether it is there.
    pub(super) doubt: Option<Rc<str>>,
    pub(super) depth: usize,
    pub(super) memo: RefCell<BTreeMap<String, Option<Value>>>,
    pub(super) children: RefCell<BTreeMap<&'a str, Rc<[Child]>>>,
}

/// An instance of a called module: by its key, where the call has several.
pub(super) struct Child {
    pub(super) key: Key,
    pub(super) instance: usize,
}

/// Which of several instances of a block it is.
#[derive(Clone, Debug)]
pub(super) enum Key {
    /// The block has one.
    Single,
    /// The block counts them.
    Number(i64),
    /// The block has one for each key.
    Name(Rc<str>),
    /// How many there are is not known; this stands for all of them.
    Any(Rc<str>),
}

impl Key {
    /// What stands behind the address of the block.
    pub(super) fn suffix(&self) -> String {
        match self {
            Self::Single => String::new(),
            Self::Number(number) => format!("[{number}]"),
            Self::Name(name) => format!("[\"{name}\"]"),
            Self::Any(_) => "[each]".to_owned(),
        }
    }

    /// What decides whether it is there.
    pub(super) fn doubt(&self) -> Option<Rc<str>> {
        match self {
            Self::Any(expression) => Some(Rc::clone(expression)),
            _ => None,
        }
    }
}

/// Where an expression is evaluated.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) instance: usize,
    pub(super) file: FileId,
    pub(super) names: Option<Rc<Binding>>,
}

/// A name that a block or an expression binds.
pub(super) struct Binding {
    name: Box<str>,
    value: Value,
    rest: Option<Rc<Binding>>,
}

impl Scope {
    /// This scope with a further name.
    pub(super) fn with(&self, name: &str, value: Value) -> Self {
        let rest = self.names.clone();
        let binding = Binding { name: name.into(), value, rest };
        Self { names: Some(Rc::new(binding)), ..self.clone() }
    }

    /// What a name is bound to.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let mut next = self.names.as_deref();
        while let Some(binding) = next {
            if *binding.name == *name {
                return Some(&binding.value);
            }
            next = binding.rest.as_deref();
        }
        None
    }
}

impl<'a> Evaluator<'a> {
    /// The instance of a number.
    pub(super) fn instance(&self, number: usize) -> Option<Rc<Instance<'a>>> {
        self.instances.borrow().get(number).cloned()
    }

    /// Adds an instance.
    pub(super) fn add(&self, instance: Instance<'a>) -> usize {
        let mut instances = self.instances.borrow_mut();
        instances.push(Rc::new(instance));
        instances.len() - 1
    }

    /// The instance of a module that nothing calls.
    pub(super) fn root(&self, module: &'a Module<'a>) -> usize {
        let root = self.add(Instance {
            module,
            prefix: String::new(),
            root: module.directory,
            call: None,
            providers: RefCell::default(),
            doubt: None,
            depth: 0,
            memo: RefCell::default(),
            children: RefCell::default(),
        });
        // The providers are evaluated in the module that they stand in.
        let providers = providers::of_root(self, module, root);
        if let Some(instance) = self.instance(root) {
            *instance.providers.borrow_mut() = providers;
            // What they are made of was evaluated before they were known.
            instance.memo.borrow_mut().clear();
            instance.children.borrow_mut().clear();
            self.instances.borrow_mut().truncate(root + 1);
        }
        root
    }

    /// Takes the aliases of the root. What was evaluated before may hang on them.
    pub(super) fn knows_aliases(&mut self, aliases: Vec<DeclaredAlias>) {
        self.aliases = Some(aliases);
        let speaks_of_keys = |module: &Module<'_>| {
            let mut all = module.resources.keys();
            all.any(|(mode, of_type, _)| *mode == Mode::Data && of_type.starts_with("aws_kms_"))
        };
        if self.instances.borrow().iter().any(|it| speaks_of_keys(it.module)) {
            self.instances.borrow().iter().for_each(|it| it.memo.borrow_mut().clear());
        }
    }

    /// Where what the parser found at a range of a file is written.
    pub(super) fn at(&self, file: FileId, range: Option<Range<usize>>) -> At {
        let places = self.places.get(&file);
        At::new(file, range.map(|range| places.map_or_else(|| range.clone(), |it| it.of(&range))))
    }

    /// The path of a file that was given.
    pub(super) fn path(&self, file: FileId) -> Option<&'a str> {
        let number = file.0.checked_sub(self.first)?;
        self.paths.get(number as usize).map(String::as_str)
    }

    /// The source's text, from the given files or those that expressions read.
    pub(super) fn text(&self, file: FileId) -> Rc<str> {
        let known = self.texts.get(&file).cloned();
        let known = known.or_else(|| self.read.borrow().get(&file).cloned());
        known.unwrap_or_else(|| Rc::from(""))
    }

    /// What stands at a place.
    pub(super) fn written(&self, at: At) -> String {
        let text = self.text(at.file);
        let written = at.span.slice(&text).unwrap_or_default();
        let words: Vec<&str> = written.split_whitespace().collect();
        let mut line = words.join(" ");
        // A text of one expression is that expression.
        let inner = line.strip_prefix("\"${").and_then(|line| line.strip_suffix("}\""));
        if let Some(inner) = inner.filter(|inner| !inner.contains("${")) {
            line = inner.trim().to_owned();
        }
        if self.places.contains_key(&at.file) {
            line = line.replace("\\\"", "\"");
        }
        if line.len() > 80 {
            let mut end = 77;
            while !line.is_char_boundary(end) {
                end -= 1;
            }
            line.truncate(end);
            line.push_str("...");
        }
        line
    }

    /// Notes what could not be resolved as a whole.
    pub(super) fn unresolved(&self, at: At, what: String) {
        self.unresolved.borrow_mut().insert((at.file, at.span.start, at.span.end, what));
    }

    /// Evaluates once what `name` stands for in an instance.
    pub(super) fn once(
        &self,
        instance: &Instance<'a>,
        name: &str,
        at: At,
        evaluate: impl FnOnce() -> Value,
    ) -> Value {
        match instance.memo.borrow().get(name) {
            Some(Some(value)) => return value.clone(),
            Some(None) => {
                self.unresolved(at, format!("`{name}` leads to itself"));
                return Value::unknown(at, name);
            }
            None => {}
        }
        instance.memo.borrow_mut().insert(name.to_owned(), None);
        let value = evaluate();
        instance.memo.borrow_mut().insert(name.to_owned(), Some(value.clone()));
        value
    }

    /// Evaluates an expression, unless it lies too deep or too much was evaluated.
    pub(super) fn evaluate(&self, expression: &Expression, scope: &Scope) -> Value {
        let at = self.at(scope.file, expression.span());
        let (depth, steps) = (self.depth.get(), self.steps.get());
        if depth >= DEPTH || steps >= STEPS {
            self.unresolved(at, "an expression that leads too far".to_owned());
            return Value::unknown(at, self.written(at));
        }
        self.depth.set(depth + 1);
        self.steps.set(steps + 1);
        let value = self.expression(expression, at, scope);
        self.depth.set(depth);
        self.with_account(value, at, scope)
    }

    /// The value of an attribute of a body.
    pub(super) fn attribute(&self, body: &Body, name: &str, scope: &Scope) -> Option<Value> {
        let attribute: &Attribute = body.get_attribute(name)?;
        Some(self.evaluate(&attribute.value, scope))
    }

    /// The instances that a block has, each with the scope of its body; `parts` are those that give it its
    /// arguments, each before those that it overrides.
    pub(super) fn keys(&self, parts: &[Part<'_>], scope: &Scope, of: &str) -> Vec<(Key, Scope)> {
        let Some(part) = module::giving(parts, &["count", "for_each"]) else { return Vec::new() };
        let own = Scope { file: part.file, ..scope.clone() };
        let keys = self.counted(&part.block.body, &own, of).into_iter();
        keys.map(|(key, inner)| (key, Scope { file: scope.file, ..inner })).collect()
    }

    fn counted(&self, body: &Body, scope: &Scope, of: &str) -> Vec<(Key, Scope)> {
        if let Some(count) = body.get_attribute("count") {
            let value = self.evaluate(&count.value, scope);
            let numbered = |number: i64| {
                let index = Value::number(value.at, number);
                let object = Value::object(value.at, vec![super::member("index", index)]);
                (Key::Number(number), scope.with("count", object))
            };
            return match (value.index(), value.truth()) {
                (Some(number), _) if number <= COUNT => (0..number).map(numbered).collect(),
                (None, Some(truth)) => (0..i64::from(truth)).map(numbered).collect(),
                _ => {
                    if let Some(planned) = self.planned(scope, of) {
                        let number = |index: &str| Some(numbered(index.parse().ok()?));
                        return planned.iter().filter_map(|index| number(index)).collect();
                    }
                    let said = self.written(value.at);
                    self.unresolved(value.at, format!("how many `{of}` there are: `{said}`"));
                    let index = Value::unknown(value.at, "count.index");
                    let object = Value::object(value.at, vec![super::member("index", index)]);
                    vec![(Key::Any(said.into()), scope.with("count", object))]
                }
            };
        }
        let Some(each) = body.get_attribute("for_each") else {
            return vec![(Key::Single, scope.clone())];
        };
        let value = self.evaluate(&each.value, scope);
        let bound = |key: Value, value: Value| {
            let at = key.at;
            let members = vec![super::member("key", key), super::member("value", value)];
            scope.with("each", Value::object(at, members))
        };
        match super::elements(&value, true) {
            Some(elements) => elements
                .into_iter()
                .filter_map(|(key, value)| Some((Key::Name(key.known()?), bound(key, value))))
                .collect(),
            None => {
                if let Some(planned) = self.planned(scope, of) {
                    let named = |index: &String| {
                        let name: Rc<str> = index.trim_matches('"').into();
                        let key = Value::text(value.at, Rc::clone(&name));
                        let unknown = Value::unknown(value.at, "each.value");
                        (Key::Name(name), bound(key, unknown))
                    };
                    return planned.iter().map(named).collect();
                }
                let said = self.written(self.at(scope.file, each.value.span()));
                self.unresolved(value.at, format!("which `{of}` there are: `{said}`"));
                let unknown = |name: &str| Value::unknown(value.at, name);
                let scope = bound(unknown("each.key"), unknown("each.value"));
                vec![(Key::Any(said.into()), scope)]
            }
        }
    }

    /// The keys of the instances of a block, where a plan says them.
    fn planned(&self, scope: &Scope, of: &str) -> Option<Vec<String>> {
        let instance = self.instance(scope.instance)?;
        let address = format!("{}{of}", instance.prefix);
        Some(self.plan?.indices(&address).into_iter().map(str::to_owned).collect())
    }

    /// The instances of the module that a call makes.
    pub(super) fn children(&self, number: usize, name: &str) -> Rc<[Child]> {
        let Some(instance) = self.instance(number) else { return Rc::from([]) };
        let Some((&name, _)) = instance.module.calls.get_key_value(name) else {
            return Rc::from([]);
        };
        if let Some(children) = instance.children.borrow().get(name) {
            return Rc::clone(children);
        }
        let made = self.call(number, &instance, name);
        let made: Rc<[Child]> = made.into();
        instance.children.borrow_mut().insert(name, Rc::clone(&made));
        made
    }

    /// Whether an instance is of a module, or lies in one that is.
    fn is_inside(&self, instance: &Instance<'a>, module: &Module<'a>) -> bool {
        let is_same = instance.module.directory == module.directory;
        let outer = || {
            let (_, scope) = instance.call.as_ref()?;
            self.instance(scope.instance)
        };
        is_same || outer().is_some_and(|outer| self.is_inside(&outer, module))
    }

    fn call(&self, number: usize, instance: &Instance<'a>, name: &'a str) -> Vec<Child> {
        let Some(part) = instance.module.calls.get(name).copied() else { return Vec::new() };
        let at = self.at(part.file, part.block.span());
        let parts = instance.module.call(name);
        let source = module::source(&parts);
        let directory = source.and_then(|source| module::local(instance.module.directory, source));
        let found = directory.as_deref().and_then(|path| self.modules.get_key_value(path));
        let Some((_, module)) = found else {
            // Told once, however many roots lead here.
            let address = format!("module.{name}");
            let what = match (source, directory) {
                (_, Some(path)) => format!("{address}: `{path}` is not among the given paths"),
                (Some(source), None) => format!("{address}: `{source}` is not here"),
                (None, None) => format!("{address}: it has no source that can be read"),
            };
            let source = part.block.body.get_attribute("source");
            let at = source.map_or(at, |source| self.at(part.file, source.value.span()));
            self.unresolved(at, what);
            return Vec::new();
        };
        if instance.depth >= MODULES || self.is_inside(instance, module) {
            self.unresolved(at, format!("`module.{name}` calls itself, or lies too deep"));
            return Vec::new();
        }
        let scope = Scope { instance: number, file: part.file, names: None };
        let keys = self.keys(&parts, &scope, &format!("module.{name}"));
        let made = keys.into_iter().map(|(key, scope)| {
            let prefix = format!("{}module.{name}{}.", instance.prefix, key.suffix());
            let child = Instance {
                module,
                prefix,
                root: instance.root,
                providers: RefCell::new(providers::of_call(&instance.providers.borrow(), &parts)),
                doubt: key.doubt().or_else(|| instance.doubt.clone()),
                call: Some((parts.clone(), scope)),
                depth: instance.depth + 1,
                memo: RefCell::default(),
                children: RefCell::default(),
            };
            let instance = self.add(child);
            if !module.providers.is_empty() {
                providers::of_child(self, module, instance);
            }
            Child { key, instance }
        });
        made.collect()
    }
}

/// How many instances a block may count.
const COUNT: i64 = 1000;
