//! Expressions: literals, operators, conditionals, `for`, and what leads into values.

use std::rc::Rc;

use hcl_edit::Span as _;
use hcl_edit::expr::{
    BinaryOp, BinaryOperator, Conditional, Expression, ForExpr, FuncCall,
    Object as ObjectExpression, ObjectKey, Traversal, TraversalOperator, UnaryOperator,
};

use super::evaluator::{Evaluator, Scope};
use super::value::{At, Data, List, Member, Object, Value, WEIGHT};
use super::{elements, functions};

/// How many values an expression may have that nobody can tell apart.
pub(super) const BRANCHES: usize = 16;

impl Evaluator<'_> {
    pub(super) fn expression(&self, expression: &Expression, at: At, scope: &Scope) -> Value {
        match expression {
            Expression::Null(_) => Value::null(at),
            Expression::Bool(truth) => Value::bool(at, **truth),
            Expression::Number(number) => Value::number(at, number.value()),
            Expression::String(text) => Value::text(at, text.as_str()),
            Expression::StringTemplate(template) => self.template(template, at, scope),
            Expression::HeredocTemplate(heredoc) => self.template(&heredoc.template, at, scope),
            Expression::Array(items) => {
                let items = items.iter().map(|item| self.evaluate(item, scope));
                Value::list(at, items.collect())
            }
            Expression::Object(object) => self.object(object, at, scope),
            Expression::Parenthesis(inner) => self.evaluate(inner.inner(), scope),
            Expression::Variable(name) => scope
                .get(name.as_str())
                .cloned()
                .unwrap_or_else(|| Value::unknown(at, name.as_str())),
            Expression::Conditional(conditional) => self.conditional(conditional, at, scope),
            Expression::FuncCall(call) => self.function(call, at, scope),
            Expression::Traversal(traversal) => self.traversal(traversal, at, scope),
            Expression::UnaryOp(of) => {
                let value = self.evaluate(&of.expr, scope);
                let made = match *of.operator.value() {
                    UnaryOperator::Not => value.truth().map(|truth| Value::bool(at, !truth)),
                    UnaryOperator::Neg => number(&value).map(|number| Value::number(at, -number)),
                };
                made.unwrap_or_else(|| self.open_of(at, [&value]))
            }
            Expression::BinaryOp(of) => self.binary(of, at, scope),
            Expression::ForExpr(of) => self.for_expression(of, at, scope),
        }
    }

    /// A value of which nothing is known but how it is written.
    pub(super) fn open(&self, at: At) -> Value {
        Value::unknown(at, self.written(at))
    }

    /// The same, made of others: evaluation fails where it fails at one of them.
    pub(super) fn open_of<'v>(&self, at: At, of: impl IntoIterator<Item = &'v Value>) -> Value {
        match of.into_iter().any(Value::fails) {
            true => Value::failed(at, self.written(at)),
            false => self.open(at),
        }
    }

    fn object(&self, object: &ObjectExpression, at: At, scope: &Scope) -> Value {
        let mut made = Object::default();
        for (key, value) in object.iter() {
            let name = match key {
                ObjectKey::Ident(name) => {
                    Value::text(self.at(scope.file, name.span()), name.as_str())
                }
                ObjectKey::Expression(key) => {
                    self.evaluate(key, scope).moved(self.at(scope.file, key.span()))
                }
            };
            let value = self.evaluate(value.expr(), scope);
            match name.known() {
                Some(known) => made.set(Member { name: known, at: name.at, value }),
                // It may stand in place of any other.
                None => return Value::unknown(at, self.written(name.at)).made_of([&name]),
            }
        }
        Value::new(at, Data::Object(Rc::new(made)))
    }

    fn conditional(&self, of: &Conditional, at: At, scope: &Scope) -> Value {
        let condition = self.evaluate(&of.cond_expr, scope);
        match condition.truth() {
            Some(true) => self.evaluate(&of.true_expr, scope),
            Some(false) => self.evaluate(&of.false_expr, scope),
            None if condition.fails() => self.open_of(at, [&condition]),
            None => {
                let said = self.written(self.at(scope.file, of.cond_expr.span()));
                let branches = [&of.true_expr, &of.false_expr];
                let branches = branches.map(|branch| self.evaluate(branch, scope));
                one_of(at, &said, branches.to_vec())
            }
        }
    }

    fn binary(&self, of: &BinaryOp, at: At, scope: &Scope) -> Value {
        let left = self.evaluate(&of.lhs_expr, scope);
        let operator = *of.operator.value();
        match (operator, left.truth()) {
            (BinaryOperator::And, Some(false)) => return Value::bool(at, false),
            (BinaryOperator::Or, Some(true)) => return Value::bool(at, true),
            _ => {}
        }
        let right = self.evaluate(&of.rhs_expr, scope);
        let made = match operator {
            BinaryOperator::And => match (left.truth(), right.truth()) {
                (_, Some(false)) => Some(Value::bool(at, false)),
                (Some(true), Some(true)) => Some(Value::bool(at, true)),
                _ => None,
            },
            BinaryOperator::Or => match (left.truth(), right.truth()) {
                (_, Some(true)) => Some(Value::bool(at, true)),
                (Some(false), Some(false)) => Some(Value::bool(at, false)),
                _ => None,
            },
            BinaryOperator::Eq => equal(&left, &right).map(|truth| Value::bool(at, truth)),
            BinaryOperator::NotEq => equal(&left, &right).map(|truth| Value::bool(at, !truth)),
            _ => number(&left).zip(number(&right)).and_then(|(left, right)| {
                Some(match operator {
                    BinaryOperator::Less => Value::bool(at, left < right),
                    BinaryOperator::LessEq => Value::bool(at, left <= right),
                    BinaryOperator::Greater => Value::bool(at, left > right),
                    BinaryOperator::GreaterEq => Value::bool(at, left >= right),
                    BinaryOperator::Plus => Value::number(at, left + right),
                    BinaryOperator::Minus => Value::number(at, left - right),
                    BinaryOperator::Mul => Value::number(at, left * right),
                    BinaryOperator::Div if right != 0.0 => Value::number(at, left / right),
                    BinaryOperator::Mod if right != 0.0 => Value::number(at, left % right),
                    _ => return None,
                })
            }),
        };
        made.unwrap_or_else(|| self.open_of(at, [&left, &right]))
    }

    fn function(&self, call: &FuncCall, at: At, scope: &Scope) -> Value {
        let before = call.name.namespace.iter();
        let name = before.fold(String::new(), |name, it| name + it.as_str() + "::");
        // Terraform's own stand under `core` as well.
        let name = name.strip_prefix("core::").unwrap_or(&name).to_owned();
        let name = name + call.name.name.as_str();
        let mut arguments: Vec<Value> =
            call.args.iter().map(|argument| self.evaluate(argument, scope)).collect();
        if call.args.expand_final() {
            let Some(last) = arguments.pop() else { return self.open(at) };
            match &last.data {
                Data::List(List { items, is_open: false, .. }) => {
                    arguments.extend(items.iter().cloned());
                }
                _ => return self.open_of(at, arguments.iter().chain([&last])),
            }
        }
        functions::call(self, &name, &arguments, at, scope)
    }

    fn for_expression(&self, of: &ForExpr, at: At, scope: &Scope) -> Value {
        let collection = self.evaluate(&of.intro.collection_expr, scope);
        if let Data::OneOf(expression, branches) = &collection.data {
            let made = branches.iter().map(|branch| self.each(of, branch, at, scope));
            return one_of(at, expression, made.collect());
        }
        self.each(of, &collection, at, scope)
    }

    fn each(&self, of: &ForExpr, collection: &Value, at: At, scope: &Scope) -> Value {
        let Some(elements) = elements(collection, false) else {
            return self.any_number(of, collection, at, scope);
        };
        let (of_open, is_doubted) = match &collection.data {
            Data::List(list) => (list.is_open, list.is_doubted()),
            _ => (false, false),
        };
        let mut is_open = of_open;
        let (mut items, mut object) = (Vec::new(), Object::default());
        let mut weight: usize = 0;
        for (key, value) in elements {
            // Of an open list nobody knows how often an item is there that is not known.
            let may_lack = value.doubt().filter(|_| of_open);
            let mut scope = scope.with(of.intro.value_var.as_str(), value);
            if let Some(name) = &of.intro.key_var {
                scope = scope.with(name.as_str(), key);
            }
            let mut doubt = None;
            if let Some(condition) = &of.cond {
                let value = self.evaluate(&condition.expr, &scope);
                match value.truth() {
                    Some(true) => {}
                    Some(false) => continue,
                    None => doubt = Some(self.written(self.at(scope.file, condition.expr.span()))),
                }
            }
            let value = self.evaluate(&of.value_expr, &scope);
            weight = weight.saturating_add(value.weight());
            if weight > WEIGHT {
                return Value::too_large(at);
            }
            let is_whole = !matches!(value.data, Data::Unknown(_) | Data::OneOf(..));
            let doubt = doubt.map(Rc::from).or(may_lack.filter(|_| is_whole));
            match (&of.key_expr, doubt) {
                (None, None) => items.push(value),
                (None, Some(doubt)) => {
                    // Whether the item is there is not known: positions behind it are not, either.
                    items.push(Value::one_of(value.at, doubt, vec![value]));
                    is_open = true;
                }
                (Some(_), Some(_)) => return self.open(at),
                (Some(key), None) => {
                    let key = self.evaluate(key, &scope);
                    let Some(name) = key.known() else { return self.open(at) };
                    if of.grouping {
                        let mut group = match object.get(&name).and_then(Value::items) {
                            Some(items) => items.to_vec(),
                            None => Vec::new(),
                        };
                        group.push(value);
                        let value = Value::list(key.at, group);
                        object.set(Member { name, at: key.at, value });
                    } else {
                        object.set(Member { name, at: key.at, value });
                    }
                }
            }
        }
        match of.key_expr {
            Some(_) if is_doubted => self.open(at),
            Some(_) => Value::new(at, Data::Object(Rc::new(object))),
            None => Value::open_list(at, items, is_open),
        }
    }

    /// What a `for` makes of a list that is not known: any number of items, each like one that is not known.
    fn any_number(&self, of: &ForExpr, collection: &Value, at: At, scope: &Scope) -> Value {
        let open = || self.open_of(at, [collection]);
        let (Data::Unknown(hole), None) = (&collection.data, &of.key_expr) else { return open() };
        let item = || Value::unknown(collection.at, hole.expression.clone());
        let mut scope = scope.with(of.intro.value_var.as_str(), item());
        if let Some(name) = &of.intro.key_var {
            scope = scope.with(name.as_str(), item());
        }
        let value = self.evaluate(&of.value_expr, &scope);
        match value.data {
            Data::Object(_) | Data::Text(_) if !hole.fails => {
                let expression = Rc::from(&*hole.expression);
                let one = Value::one_of(value.at, Rc::<str>::clone(&expression), vec![value]);
                Value::open_list(at, vec![one], true)
            }
            _ => open(),
        }
    }

    fn traversal(&self, of: &Traversal, at: At, scope: &Scope) -> Value {
        let operators: Vec<&TraversalOperator> =
            of.operators.iter().map(|operator| operator.value()).collect();
        let (value, rest) = match &of.expr {
            Expression::Variable(name) => match scope.get(name.as_str()) {
                Some(value) => (value.clone(), operators.as_slice()),
                None => self.reference(name.as_str(), &operators, at, scope),
            },
            expression => (self.evaluate(expression, scope), operators.as_slice()),
        };
        self.follow(value, rest, at, scope)
    }

    /// What operators lead to from a value.
    pub(super) fn follow(
        &self,
        value: Value,
        operators: &[&TraversalOperator],
        at: At,
        scope: &Scope,
    ) -> Value {
        let Some((operator, rest)) = operators.split_first() else { return value };
        if let Data::OneOf(expression, branches) = &value.data {
            let made =
                branches.iter().map(|branch| self.follow(branch.clone(), operators, at, scope));
            return one_of(at, expression, made.collect());
        }
        let next = match operator {
            TraversalOperator::GetAttr(name) => self.get(&value, name.as_str(), at),
            TraversalOperator::LegacyIndex(index) => self.get(&value, &index.to_string(), at),
            TraversalOperator::Index(index) => {
                let index = self.evaluate(index, scope);
                let may_have =
                    matches!(&value.data, Data::Object(object) if object.may_have(&index));
                match index.known() {
                    Some(index) if !may_have => self.get(&value, &index, at),
                    _ => {
                        let open = self.open_of(at, [&value, &index]);
                        any_of(&value, None, &open).unwrap_or(open)
                    }
                }
            }
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                // Behind `.*` an index is one of the list that all before it gives.
                let is_index = |step: &&TraversalOperator| {
                    matches!(step, TraversalOperator::Index(_) | TraversalOperator::LegacyIndex(_))
                };
                let end = match operator {
                    TraversalOperator::AttrSplat(_) => rest.iter().position(is_index),
                    _ => None,
                };
                let (rest, behind) = rest.split_at(end.unwrap_or(rest.len()));
                let items = match &value.data {
                    Data::Null => Vec::new(),
                    Data::List(list) => {
                        let items = list.items.iter().cloned();
                        let items = items.map(|item| self.follow(item, rest, at, scope));
                        let list = Value::open_list(at, items.collect(), list.is_open);
                        return self.follow(list, behind, at, scope);
                    }
                    Data::Unknown(_) => return self.open_of(at, [&value]),
                    _ => vec![self.follow(value.clone(), rest, at, scope)],
                };
                return self.follow(Value::list(at, items), behind, at, scope);
            }
        };
        self.follow(next, rest, at, scope)
    }

    /// The item or member `name` of a value.
    pub(super) fn get(&self, value: &Value, name: &str, at: At) -> Value {
        match &value.data {
            Data::Object(object) => match (object.get(name), &object.rest) {
                (Some(value), _) => value.clone(),
                (None, Some(_)) => self.open(at),
                (None, None) => Value::failed(at, self.written(at)),
            },
            // The items of a set have no positions.
            Data::List(list) if list.is_set => Value::failed(at, self.written(at)),
            Data::List(list) if !list.is_open => {
                let item = name.parse::<usize>().ok().and_then(|nth| list.items.get(nth));
                item.cloned().unwrap_or_else(|| Value::failed(at, self.written(at)))
            }
            // Which of its items it is, or whether it is there, is not known: there are no others.
            Data::List(list) if !list.items.is_empty() => {
                one_of(at, &self.written(at), list.items.to_vec())
            }
            Data::Unknown(hole) if hole.fails => value.clone(),
            Data::Unknown(_) | Data::List(_) | Data::OneOf(..) => self.open(at),
            _ => Value::failed(at, self.written(at)),
        }
    }
}

/// At most one of some values; as a whole not known where there are too many.
pub(super) fn one_of(at: At, expression: &str, branches: Vec<Value>) -> Value {
    let mut flat = Vec::new();
    for branch in branches {
        match &branch.data {
            Data::OneOf(_, inner) => flat.extend(inner.iter().cloned()),
            // Nothing is known of it, so the others say nothing, either.
            Data::Unknown(_) => return Value::unknown(at, expression),
            _ => flat.push(branch),
        }
    }
    match flat.len() {
        1..=BRANCHES => Value::one_of(at, expression, flat),
        _ => Value::unknown(at, expression),
    }
}

/// Any of the members of a value, or `default`: what an index gives that is not known, where `open` says so and it
/// does not fail.
pub(super) fn any_of(value: &Value, default: Option<&Value>, open: &Value) -> Option<Value> {
    let mut found: Vec<Value> = match &value.data {
        Data::Object(object) if object.rest.is_none() => {
            object.members.iter().map(|member| member.value.clone()).collect()
        }
        Data::List(list) if !list.is_open && !list.is_set => list.items.to_vec(),
        _ => return None,
    };
    found.extend(default.cloned());
    // One alone would say that there may be none: an index that is not there fails.
    if let [only] = found.as_slice() {
        found.push(only.clone());
    }
    let expression = open.doubt().filter(|_| !open.fails() && !found.is_empty())?;
    Some(one_of(open.at, &expression, found))
}

/// A number that is known.
pub(super) fn number(value: &Value) -> Option<f64> {
    value.known()?.parse().ok()
}

/// Whether two values are the same, where that is known.
pub(super) fn equal(left: &Value, right: &Value) -> Option<bool> {
    let is_symbol = |value: &Value| match &value.data {
        Data::Text(pieces) => super::is_symbolic(pieces),
        _ => false,
    };
    match (&left.data, &right.data) {
        (Data::Unknown(_) | Data::OneOf(..), _) | (_, Data::Unknown(_) | Data::OneOf(..)) => None,
        (Data::Null, Data::Null) => Some(true),
        (Data::Null, _) | (_, Data::Null) => Some(false),
        (Data::List(left), Data::List(right)) => {
            if left.is_open || right.is_open || left.is_set != right.is_set {
                return None;
            }
            if left.items.len() != right.items.len() {
                return Some(false);
            }
            let pairs = left.items.iter().zip(right.items.iter());
            all(pairs.map(|(left, right)| equal(left, right)))
        }
        (Data::Object(left), Data::Object(right)) => {
            if left.rest.is_some() || right.rest.is_some() {
                return None;
            }
            if left.members.len() != right.members.len() {
                return Some(false);
            }
            all(left.members.iter().map(|member| match right.get(&member.name) {
                Some(other) => equal(&member.value, other),
                None => Some(false),
            }))
        }
        // What is of two types is never the same.
        (Data::List(_) | Data::Object(_), _) | (_, Data::List(_) | Data::Object(_)) => Some(false),
        _ => {
            let (left_text, right_text) = (left.known()?, right.known()?);
            // A symbol may turn out to be any text of its kind.
            if left_text != right_text && (is_symbol(left) || is_symbol(right)) {
                return None;
            }
            Some(match (&left.data, &right.data) {
                (Data::Number(_), Data::Number(_)) => number(left)? == number(right)?,
                (Data::Bool(_), Data::Bool(_))
                | (Data::Text(_) | Data::Json(_), Data::Text(_) | Data::Json(_)) => {
                    left_text == right_text
                }
                _ => false,
            })
        }
    }
}

fn all(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    for truth in truths {
        match truth {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = None,
        }
    }
    known
}
