//! `aws_iam_policy_document`: blocks to the policy that the provider makes of them.

use std::rc::Rc;

use hcl_edit::Span as _;
use hcl_edit::structure::{Block, Body};

use super::elements;
use super::evaluator::{Evaluator, Scope};
use super::resource::{Arguments, Resource};
use super::value::{At, Data, Member, Object, Piece, PieceData, Value};

/// A block of a body, or what is not known about some blocks.
enum Found<'b> {
    Block(Arguments<'b>),
    /// How many there are is not known; each is like `content`, where that is written.
    Unknown {
        at: At,
        expression: Box<str>,
        content: Option<Arguments<'b>>,
    },
}

impl Evaluator<'_> {
    /// The policy as a JSON text.
    pub(super) fn document(&self, resource: &Resource<'_>) -> Value {
        let at = resource.arguments.at;
        let argument =
            |name: &str| self.argument(&resource.arguments, name).filter(|value| !value.is_null());
        let mut statements = Vec::new();
        let merged = ["source_policy_documents", "source_json"];
        for document in merged.into_iter().filter_map(argument) {
            self.merge(&mut statements, &document);
        }
        let own = self.found(&resource.arguments, "statement");
        let own = own.into_iter().map(|found| self.statement(found));
        merge_statements(&mut statements, own.collect());
        let overriding = ["override_policy_documents", "override_json"];
        for document in overriding.into_iter().filter_map(argument) {
            self.merge(&mut statements, &document);
        }
        let version = argument("version").unwrap_or_else(|| Value::text(at, "2012-10-17"));
        let mut policy = Object::default();
        policy.set(super::member("Version", version));
        if let Some(id) = argument("policy_id") {
            policy.set(super::member("Id", id));
        }
        policy.set(super::member("Statement", Value::list(at, statements)));
        let policy = Value::new(at, Data::Object(Rc::new(policy)));
        Value::new(at, Data::Json(Rc::new(policy)))
    }

    /// Merges the statements of one document or a list of them.
    fn merge(&self, statements: &mut Vec<Value>, documents: &Value) {
        if let Some(items) = documents.items() {
            items.iter().for_each(|document| self.merge(statements, document));
            return;
        }
        // An empty text is no document, and one without statements adds none.
        if documents.is_null() || documents.known().is_some_and(|text| text.is_empty()) {
            return;
        }
        let read = self.json(documents);
        let is_without = |policy: &Value| match &policy.data {
            Data::Object(object) => object.rest.is_none() && object.get("Statement").is_none(),
            _ => false,
        };
        if read.as_ref().is_some_and(is_without) {
            return;
        }
        let written = read.as_ref().and_then(|policy| policy.member("Statement"));
        match written.map(|written| (&written.data, written)) {
            Some((Data::List(list), _)) => merge_statements(statements, list.items.to_vec()),
            Some((Data::Object(_), statement)) => {
                merge_statements(statements, vec![statement.clone()]);
            }
            _ => {
                let unknown = Value::unknown(documents.at, self.written(documents.at));
                merge_statements(statements, vec![unknown]);
            }
        }
    }

    /// The value of a JSON text; nothing where that is not known.
    pub(super) fn json(&self, text: &Value) -> Option<Value> {
        match &text.data {
            Data::Json(value) => Some((**value).clone()),
            Data::Text(pieces) => super::json::decode(text.at, pieces, &|file| self.text(file)),
            _ => None,
        }
    }

    /// What a YAML text says; nothing where it is none, or not known.
    pub(super) fn yaml(&self, text: &Value) -> Option<Value> {
        match &text.data {
            Data::Text(pieces) => {
                super::json::decode_yaml(text.at, pieces, &|file| self.text(file))
            }
            _ => None,
        }
    }

    fn statement(&self, found: Found<'_>) -> Value {
        let block = match found {
            Found::Block(block) => block,
            Found::Unknown { at, expression, content: Some(content) } => {
                let statement = self.statement(Found::Block(content));
                return Value::one_of(at, &*expression, vec![statement]);
            }
            Found::Unknown { at, expression, .. } => return Value::unknown(at, expression),
        };
        let at = block.at;
        let mut made = Object::default();
        let mut set = |name: &str, name_at: At, value: Value| {
            made.set(Member { name: name.into(), at: name_at, value });
        };
        for (argument, name) in [
            ("sid", "Sid"),
            ("effect", "Effect"),
            ("actions", "Action"),
            ("not_actions", "NotAction"),
            ("resources", "Resource"),
            ("not_resources", "NotResource"),
        ] {
            let Some(value) = self.argument(&block, argument) else { continue };
            let is_empty = value.is_null()
                || matches!(&value.data, Data::List(list) if !list.is_open && list.items.is_empty())
                || (argument == "sid" && value.known().is_some_and(|sid| sid.is_empty()));
            if !is_empty {
                let value = variables(value);
                set(name, self.name_at(&block, argument), value);
            }
        }
        let effect = self.argument(&block, "effect").filter(|effect| !effect.is_null());
        if effect.is_none() {
            set("Effect", at, Value::text(at, "Allow"));
        }
        for (inner, name) in [("principals", "Principal"), ("not_principals", "NotPrincipal")] {
            let found = self.found(&block, inner);
            if let Some(value) = self.principals(found, at) {
                set(name, at, value);
            }
        }
        let conditions = self.found(&block, "condition");
        if let Some(value) = self.conditions(conditions, at) {
            set("Condition", at, value);
        }
        Value::new(at, Data::Object(Rc::new(made)))
    }

    /// The principals of blocks, by type; `"*"` for everyone.
    fn principals(&self, found: Vec<Found<'_>>, around: At) -> Option<Value> {
        if found.is_empty() {
            return None;
        }
        let mut types = Object::default();
        for found in found {
            let block = match found {
                Found::Block(block) => block,
                Found::Unknown { at, expression, .. } => {
                    add(&mut types, "AWS", at, Value::unknown(at, expression));
                    continue;
                }
            };
            let at = block.at;
            let of_type = self.argument(&block, "type").and_then(|it| it.known());
            let named = self.argument(&block, "identifiers");
            let named = variables(named.unwrap_or_else(|| self.open(at)));
            match of_type.as_deref() {
                Some("*") => {
                    let items = named.items().unwrap_or_default();
                    let is_star = |item: &Value| item.known().as_deref() == Some("*");
                    return Some(match items {
                        [one] if is_star(one) => Value::text(one.at, "*"),
                        _ => Value::unknown(at, self.written(at)),
                    });
                }
                Some(of_type) => add(&mut types, of_type, at, named),
                // Of which type it is, is not known: it may be anyone.
                None => return Some(Value::unknown(at, self.written(at))),
            }
        }
        Some(Value::new(around, Data::Object(Rc::new(types))))
    }

    /// The conditions of blocks, by operator and key; as a whole not known where one is not.
    fn conditions(&self, found: Vec<Found<'_>>, around: At) -> Option<Value> {
        if found.is_empty() {
            return None;
        }
        let mut operators = Object::default();
        for found in found {
            let block = match found {
                Found::Block(block) => block,
                Found::Unknown { at, expression, .. } => {
                    return Some(Value::unknown(at, expression));
                }
            };
            let at = block.at;
            let text = |name: &str| {
                let value = self.argument(&block, name)?;
                Some((variables(value.clone()).known()?, value.at))
            };
            let Some(((test, test_at), (variable, variable_at))) =
                text("test").zip(text("variable"))
            else {
                return Some(Value::unknown(at, self.written(at)));
            };
            let values = self.argument(&block, "values");
            let values = variables(values.unwrap_or_else(|| self.open(at)));
            let mut keys = match operators.get(&test).map(|value| &value.data) {
                Some(Data::Object(keys)) => (**keys).clone(),
                _ => Object::default(),
            };
            add(&mut keys, &variable, variable_at, values);
            let value = Value::new(at, Data::Object(Rc::new(keys)));
            operators.set(Member { name: test, at: test_at, value });
        }
        Some(Value::new(around, Data::Object(Rc::new(operators))))
    }

    /// The blocks called `name`, and whether these are all: dynamic ones are left out.
    pub(super) fn plain_blocks<'b>(
        &self,
        arguments: &Arguments<'b>,
        name: &str,
    ) -> (Vec<Arguments<'b>>, bool) {
        if arguments.is_ignored(name) {
            return (Vec::new(), false);
        }
        let (mut blocks, mut are_all) = (Vec::new(), true);
        for found in self.found(arguments, name) {
            match found {
                Found::Block(block) => blocks.push(block),
                Found::Unknown { .. } => are_all = false,
            }
        }
        (blocks, are_all)
    }

    /// The blocks called `name`, dynamic ones among them, in their order.
    fn found<'b>(&self, arguments: &Arguments<'b>, name: &str) -> Vec<Found<'b>> {
        let mut found = Vec::new();
        // Blocks of an overriding body take the place of all of their name.
        let holds = |(body, _): &&(&Body, Scope)| {
            let mut blocks = body.blocks();
            blocks.any(|block| block.has_ident(name) || is_dynamic(block, name))
        };
        let written = arguments.written.iter().find(holds).or(arguments.written.last());
        let Some((body, scope)) = written else {
            let stated = arguments.stated.as_ref().and_then(|object| object.get(name));
            return stated.map_or_else(Vec::new, stated_blocks);
        };
        for block in body.blocks() {
            let at = self.at(scope.file, block.span());
            if block.has_ident(name) {
                let written = vec![(&block.body, scope.clone())];
                found.push(Found::Block(Arguments {
                    at,
                    written,
                    stated: None,
                    is_of_awscc: false,
                }));
            } else if is_dynamic(block, name) {
                self.dynamic(block, name, at, scope, &mut found);
            }
        }
        found
    }

    fn dynamic<'b>(
        &self,
        block: &'b Block,
        name: &str,
        at: At,
        scope: &Scope,
        found: &mut Vec<Found<'b>>,
    ) {
        let content = block.body.get_blocks("content").next();
        let each = block.body.get_attribute("for_each");
        let Some((content, each)) = content.zip(each) else { return };
        let collection = self.evaluate(&each.value, scope);
        let iterator = block.body.get_attribute("iterator");
        let iterator = iterator.and_then(|it| super::reference::provider_name(&it.value));
        let iterator = iterator.as_deref().unwrap_or(name);
        // Of a set it does not matter how often an item stands there.
        let is_open = matches!(&collection.data, Data::List(list) if list.is_open
            && (!list.is_set || list.is_doubted()));
        let block = |key: Value, value: Value| {
            let members = vec![super::member("key", key), super::member("value", value)];
            let scope = scope.with(iterator, Value::object(at, members));
            let at = self.at(scope.file, content.span());
            Arguments {
                at,
                written: vec![(&content.body, scope)],
                stated: None,
                is_of_awscc: false,
            }
        };
        match elements(&collection, false).filter(|_| !is_open) {
            Some(elements) => {
                found.extend(
                    elements.into_iter().map(|(key, value)| Found::Block(block(key, value))),
                );
            }
            None => {
                let said = self.written(self.at(scope.file, each.value.span()));
                let unknown = |part: &str| Value::unknown(at, format!("{iterator}.{part}"));
                let content = Some(block(unknown("key"), unknown("value")));
                found.push(Found::Unknown { at, expression: said.into(), content });
            }
        }
    }
}

/// Whether a block stands for others called `name`.
fn is_dynamic(block: &Block, name: &str) -> bool {
    block.has_ident("dynamic") && block.has_exact_labels(&[name])
}

/// Blocks as a plan states them: a list of objects.
fn stated_blocks<'b>(value: &Value) -> Vec<Found<'b>> {
    let unknown = |value: &Value| Found::Unknown {
        at: value.at,
        expression: value.doubt().map_or_else(|| "a block".into(), |doubt| Box::from(&*doubt)),
        content: None,
    };
    let block = |value: &Value| match &value.data {
        Data::Object(object) => {
            let stated = Some(Rc::clone(object));
            Found::Block(Arguments {
                at: value.at,
                written: Vec::new(),
                stated,
                is_of_awscc: false,
            })
        }
        _ => unknown(value),
    };
    match value.items() {
        Some(items) => items.iter().map(block).collect(),
        None if value.is_null() => Vec::new(),
        None => vec![block(value)],
    }
}

/// Adds values to a member of an object, behind those that it has.
fn add(object: &mut Object, name: &str, at: At, values: Value) {
    let (mut items, mut is_open) = match object.get(name).map(|value| &value.data) {
        Some(Data::List(list)) => (list.items.to_vec(), list.is_open),
        _ => (Vec::new(), false),
    };
    let values_at = values.at;
    match &values.data {
        Data::List(list) => {
            items.extend(list.items.iter().cloned());
            is_open |= list.is_open;
        }
        _ => {
            items.push(values);
            is_open = true;
        }
    }
    let value = Value::open_list(values_at, items, is_open);
    object.set(Member { name: name.into(), at, value });
}

/// What is known of a statement's Sid.
enum Sid {
    /// It has none.
    None,
    /// It has this one, if it stands there.
    Known { sid: Rc<str>, is_sure: bool },
    /// It may have any.
    Unknown,
}

fn sid(statement: &Value) -> Sid {
    let of = |object: &Object, is_sure| match object.get("Sid").map(Value::known) {
        None => Sid::None,
        Some(Some(sid)) if sid.is_empty() => Sid::None,
        Some(Some(sid)) => Sid::Known { sid, is_sure },
        Some(None) => Sid::Unknown,
    };
    match &statement.data {
        Data::Object(object) => of(object, true),
        Data::OneOf(_, branches) => match &**branches {
            [Value { data: Data::Object(object), .. }] => of(object, false),
            _ => Sid::Unknown,
        },
        _ => Sid::Unknown,
    }
}

/// Merges the statements of a further document as the provider does: one with the Sid of another takes
/// its place, and one that may have it may.
fn merge_statements(statements: &mut Vec<Value>, more: Vec<Value>) {
    let before = statements.len();
    for statement in more {
        let known = statements.get_mut(..before).unwrap_or_default();
        match sid(&statement) {
            Sid::None => {}
            Sid::Known { sid: own, is_sure } => {
                let is_same =
                    |other: &Value| matches!(sid(other), Sid::Known { sid, .. } if sid == own);
                let is_surely = |other: &&mut Value| matches!(sid(other), Sid::Known { sid, is_sure: true } if sid == own);
                if is_sure && let Some(same) = known.iter_mut().find(is_surely) {
                    *same = statement;
                    continue;
                }
                doubt(known, &statement, |other| {
                    is_same(other) || matches!(sid(other), Sid::Unknown)
                });
            }
            Sid::Unknown => doubt(known, &statement, |other| !matches!(sid(other), Sid::None)),
        }
        statements.push(statement);
    }
}

/// Makes the statements that another may replace ones that may not stand there.
fn doubt(statements: &mut [Value], by: &Value, may_be: impl Fn(&Value) -> bool) {
    let said = by.doubt().unwrap_or_else(|| "a Sid that is not known".into());
    for known in statements.iter_mut().filter(|known| may_be(known)) {
        if matches!(known.data, Data::Object(_)) {
            *known = Value::one_of(known.at, Rc::clone(&said), vec![known.clone()]);
        }
    }
}

/// Policy variables, which are written `&{...}` in these blocks.
fn variables(value: Value) -> Value {
    let data = match &value.data {
        Data::Text(pieces) => {
            let replaced = |piece: &Piece| match &piece.data {
                PieceData::Known(text) if text.contains("&{") => {
                    let data = PieceData::Known(text.replace("&{", "${").into());
                    Piece { at: piece.at, data }
                }
                _ => piece.clone(),
            };
            Data::Text(pieces.iter().map(replaced).collect())
        }
        Data::List(list) => {
            let items = list.items.iter().cloned().map(variables).collect();
            return Value::open_list(value.at, items, list.is_open);
        }
        Data::OneOf(expression, branches) => {
            let branches = branches.iter().cloned().map(variables).collect();
            return Value::one_of(value.at, Rc::clone(expression), branches);
        }
        _ => return value,
    };
    Value::new(value.at, data)
}
