//! What names lead to: variables, locals, modules, data and resources.

use std::rc::Rc;

use hcl_edit::expr::{Expression, TraversalOperator};

use super::evaluator::{Child, Evaluator, Instance, Key, Scope};
use super::module::{Mode, Part};
use super::value::{At, Data, Member, Object, Value};
use super::{member, types};

/// What is looked up of a resource that is asked for as a whole.
const WHOLE: [&str; 5] = ["arn", "id", "key_id", "name", "unique_id"];

/// A part of a path that leads to a value.
type Steps<'s, 'o> = &'s [&'o TraversalOperator];

impl<'a> Evaluator<'a> {
    /// What a name that nothing here binds leads to, and the operators that lead on from there.
    pub(super) fn reference<'s, 'o>(
        &self,
        name: &str,
        steps: Steps<'s, 'o>,
        at: At,
        scope: &Scope,
    ) -> (Value, Steps<'s, 'o>) {
        let none: Steps<'s, 'o> = &[];
        let Some(instance) = self.instance(scope.instance) else { return (self.open(at), none) };
        let named = steps.first().and_then(|step| attribute(step));
        let rest = steps.get(1..).unwrap_or(none);
        match (name, named) {
            ("var", Some(variable)) => (self.variable(&instance, scope, variable, at), rest),
            ("local", Some(local)) => (self.local(&instance, scope, local, at), rest),
            ("path", Some("module")) => (Value::text(at, dot(instance.module.directory)), rest),
            ("path", Some("root" | "cwd")) => (Value::text(at, dot(instance.root)), rest),
            ("module", Some(call)) => self.module(scope, call, rest, at),
            ("data", Some(of_type)) => {
                let name = rest.first().and_then(|step| attribute(step));
                let rest = rest.get(1..).unwrap_or(none);
                match name {
                    Some(name) => {
                        self.block(&instance, scope, (Mode::Data, of_type, name), rest, at)
                    }
                    None => (self.open(at), none),
                }
            }
            ("terraform" | "each" | "count" | "self" | "path", _) | (_, None) => {
                (self.open(at), none)
            }
            (of_type, Some(name)) => {
                self.block(&instance, scope, (Mode::Resource, of_type, name), rest, at)
            }
        }
    }

    fn local(&self, instance: &Instance<'a>, scope: &Scope, name: &str, at: At) -> Value {
        let Some((file, attribute)) = instance.module.locals.get(name).copied() else {
            return self.absent(instance, at);
        };
        self.once(instance, &format!("local.{name}"), at, || {
            let scope = Scope { instance: scope.instance, file, names: None };
            self.evaluate(&attribute.value, &scope)
        })
    }

    /// What a name is that nothing declares: it can stand in a file that could not be read.
    fn absent(&self, instance: &Instance<'a>, at: At) -> Value {
        if instance.module.is_broken { self.open(at) } else { Value::failed(at, self.written(at)) }
    }

    pub(super) fn variable(
        &self,
        instance: &Instance<'a>,
        scope: &Scope,
        name: &str,
        at: At,
    ) -> Value {
        self.once(instance, &format!("var.{name}"), at, || {
            let declared = instance.module.variables.get(name).copied();
            let given = self.given(instance, scope, name, at);
            let of_type = declared.and_then(|part| part.block.body.get_attribute("type"));
            let own = |file| Scope { instance: scope.instance, file, names: None };
            let default = || {
                let part = declared?;
                self.attribute(&part.block.body, "default", &own(part.file))
            };
            // What must not be null has its default instead.
            let nullable = declared.and_then(|part| {
                self.attribute(&part.block.body, "nullable", &own(part.file))?.truth()
            });
            let is_given = |value: &Value| !(value.is_null() && nullable == Some(false));
            let value = given.filter(is_given).or_else(default);
            match value {
                Some(value) => match of_type {
                    Some(of_type) => types::converted(self, value, &of_type.value, scope),
                    None => value,
                },
                None if declared.is_none() => self.absent(instance, at),
                None if self.is_account(instance, name) => {
                    Value::text(at, self.deployment.account.as_str())
                }
                None => Value::unknown(at, format!("{}var.{name}", instance.prefix)),
            }
        })
    }

    /// What the call, the user or the files of variables say of a variable.
    fn given(&self, instance: &Instance<'a>, scope: &Scope, name: &str, at: At) -> Option<Value> {
        if let Some((parts, outer)) = &instance.call {
            return parts.iter().find_map(|part| {
                let scope = Scope { file: part.file, ..outer.clone() };
                self.attribute(&part.block.body, name, &scope)
            });
        }
        if let Some(text) = self.deployment.variables.get(name) {
            let is_written = text.starts_with(['[', '{', '"']);
            let written = is_written.then(|| text.parse::<Expression>().ok()).flatten();
            return Some(match written {
                // It stands in no file: its parts are where it is used.
                Some(expression) => super::json::placed(&self.evaluate(&expression, scope), at),
                None => Value::text(at, &**text),
            });
        }
        let (file, attribute) = instance.module.values.get(name).copied()?;
        let scope = Scope { instance: scope.instance, file, names: None };
        Some(self.evaluate(&attribute.value, &scope))
    }

    /// Whether a variable of the root can only be the account that is deployed to: it is called so, and
    /// root ARNs are made of it.
    fn is_account(&self, instance: &Instance<'a>, name: &str) -> bool {
        const NAMES: [&str; 5] =
            ["account_id", "aws_account_id", "account", "aws_account", "current_account_id"];
        if instance.call.is_some() || !NAMES.contains(&name) {
            return false;
        }
        let used = format!(":iam::${{var.{name}}}:root");
        let resources = instance.module.resources.values();
        let mut files: Vec<_> = resources.map(|part| part.file).collect();
        files.dedup();
        files.into_iter().any(|file| self.text(file).contains(&used))
    }

    /// The output of a module, and the operators that lead on from there.
    fn module<'s, 'o>(
        &self,
        scope: &Scope,
        call: &str,
        steps: Steps<'s, 'o>,
        at: At,
    ) -> (Value, Steps<'s, 'o>) {
        let children = self.children(scope.instance, call);
        let one = |child: &Child, output: &str| self.output(child.instance, output, at);
        let none: Steps<'s, 'o> = &[];
        if children.is_empty() {
            // A module that is here and whose count is zero, or one from elsewhere.
            let instance = self.instance(scope.instance);
            let is_counted = instance.as_ref().is_some_and(|instance| {
                let parts = instance.module.call(call);
                let path = super::module::source(&parts)
                    .and_then(|source| super::module::local(instance.module.directory, source));
                let is_here = path.is_some_and(|path| self.modules.contains_key(path.as_str()));
                let has = |name| parts.iter().any(|part| part.block.body.has_attribute(name));
                is_here && (has("count") || has("for_each"))
            });
            return if is_counted {
                (Value::list(at, Vec::new()), steps)
            } else {
                (self.open(at), none)
            };
        }
        if let [child] = &*children
            && matches!(child.key, Key::Single)
        {
            let output = steps.first().and_then(|step| attribute(step));
            return match output {
                Some(output) => (one(child, output), steps.get(1..).unwrap_or(none)),
                None => (self.outputs(child.instance, at), steps),
            };
        }
        let value = |child: &Child| match steps.iter().find_map(|step| attribute(step)) {
            Some(wanted) => Value::object(at, vec![member(wanted, one(child, wanted))]),
            None => self.outputs(child.instance, at),
        };
        (by_key(children.iter().map(|child| (&child.key, value(child))), at, self), steps)
    }

    /// All outputs of a module.
    fn outputs(&self, child: usize, at: At) -> Value {
        let Some(instance) = self.instance(child) else { return self.open(at) };
        let names = instance.module.outputs.keys();
        let members = names.map(|name| member(name, self.output(child, name, at))).collect();
        // What could not be read may declare more.
        let rest = instance.module.is_broken.then(|| Rc::from(self.written(at)));
        Value::new(at, Data::Object(Rc::new(Object { members, rest })))
    }

    fn output(&self, child: usize, name: &str, at: At) -> Value {
        let Some(instance) = self.instance(child) else { return self.open(at) };
        let Some(part) = instance.module.outputs.get(name).copied() else {
            return self.absent(&instance, at);
        };
        self.once(&instance, &format!("output.{name}"), at, || {
            let scope = Scope { instance: child, file: part.file, names: None };
            let value = self.attribute(&part.block.body, "value", &scope);
            value.unwrap_or_else(|| self.open(at))
        })
    }

    /// What a block of resources or data is as a value, and the operators that lead on from there.
    fn block<'s, 'o>(
        &self,
        instance: &Rc<Instance<'a>>,
        scope: &Scope,
        of: (Mode, &str, &str),
        steps: Steps<'s, 'o>,
        at: At,
    ) -> (Value, Steps<'s, 'o>) {
        let none: Steps<'s, 'o> = &[];
        let (mode, of_type, name) = of;
        let Some(part) = self.declared(instance, of) else {
            return (self.absent(instance, at), none);
        };
        let wanted = steps.iter().find_map(|step| attribute(step));
        let address = format!("{}{of_type}.{name}", if mode == Mode::Data { "data." } else { "" });
        let wanted: &[&str] = match &wanted {
            Some(wanted) => std::slice::from_ref(wanted),
            None => &WHOLE,
        };
        let value = self.once(instance, &format!("{address}#{}", wanted.join("#")), at, || {
            let own = Scope { instance: scope.instance, file: part.file, names: None };
            let parts = instance.module.blocks(&of, part);
            let keys = self.keys(&parts, &own, &address);
            let made = keys.iter().map(|(key, scope)| {
                let property =
                    |wanted: &&str| member(wanted, self.property(of, part, key, scope, wanted, at));
                let members = wanted.iter().map(property).collect();
                // There is more to a resource than what is asked for.
                let object = Object { members, rest: Some(Rc::from(address.as_str())) };
                (key, Value::new(at, Data::Object(Rc::new(object))))
            });
            by_key(made, at, self)
        });
        (value, steps)
    }

    /// The block of an address, with the lifetime of the modules.
    fn declared(&self, instance: &Instance<'a>, of: (Mode, &str, &str)) -> Option<Part<'a>> {
        instance.module.resources.get(&of).copied()
    }
}

/// Instances of a block as a value: one, a list, or a map.
fn by_key<'k>(
    made: impl Iterator<Item = (&'k Key, Value)>,
    at: At,
    evaluator: &Evaluator<'_>,
) -> Value {
    let (mut items, mut object) = (Vec::new(), Object::default());
    for (key, value) in made {
        match key {
            Key::Single => return value,
            Key::Number(_) => items.push(value),
            Key::Name(name) => object.set(Member { name: Rc::clone(name), at, value }),
            // Any index leads to what stands for all of them.
            Key::Any(_) => {
                return match &value.data {
                    Data::Object(of) => any_of(of, at, evaluator),
                    _ => evaluator.open(at),
                };
            }
        }
    }
    match object.members.is_empty() {
        true => Value::list(at, items),
        false => Value::new(at, Data::Object(Rc::new(object))),
    }
}

/// A block of which nobody knows how many instances it has.
fn any_of(of: &Object, at: At, evaluator: &Evaluator<'_>) -> Value {
    let value = Value::new(at, Data::Object(Rc::new(of.clone())));
    let said = evaluator.written(at);
    let one = Value::one_of(at, said, vec![value]);
    Value::open_list(at, vec![one], true)
}

/// The name of an attribute that an operator leads to.
fn attribute(operator: &TraversalOperator) -> Option<&str> {
    match operator {
        TraversalOperator::GetAttr(name) => Some(name.as_str()),
        _ => None,
    }
}

fn dot(directory: &str) -> &str {
    if directory.is_empty() { "." } else { directory }
}

/// The name of a provider that a reference such as `aws.audit` means.
pub(super) fn provider_name(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Variable(name) => Some(name.as_str().to_owned()),
        Expression::String(text) => Some(text.as_str().to_owned()),
        Expression::Traversal(of) => match (&of.expr, of.operators.first().map(|it| it.value())) {
            (Expression::Variable(name), Some(TraversalOperator::GetAttr(alias))) => {
                Some(format!("{}.{}", name.as_str(), alias.as_str()))
            }
            _ => None,
        },
        _ => None,
    }
}
