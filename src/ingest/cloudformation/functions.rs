//! The intrinsic functions.

use std::collections::BTreeMap;

use crate::aws::AccountId;
use crate::source::Span;
use crate::syntax::{Kind, Member, Node};

use super::conditions::Truth;
use super::evaluate::{At, string, text_of, unknown, used_at};
use super::supposed::has_branches;
use super::text;

/// How many values of a mapping one look-up may have.
const VALUES: usize = 64;

impl At<'_, '_> {
    /// What a function gives; nothing for no value.
    pub(super) fn call(
        self,
        name: &str,
        argument: &Node<'static>,
        span: Span,
    ) -> Option<Node<'static>> {
        let items = argument.one_or_many();
        let found = match name {
            "Ref" => match argument.scalar() {
                Some(name) => return self.reference_to(name, span),
                // As the transform for language extensions takes it.
                None => match self.eval(argument).as_ref().and_then(text_of) {
                    Some(name) if text::is_known(&name) => return self.reference_to(&name, span),
                    _ => None,
                },
            },
            "GetAtt" => self.get_att(argument, span),
            "Sub" => self.sub(argument, span),
            "If" => return self.branch(items, span),
            // What takes a policy takes the text of one and its tree alike.
            "ToJsonString" => return self.eval(argument),
            "Join" => self.join(items, span),
            "Select" => self.select(items, span),
            "Split" => self.split(items, span),
            "FindInMap" => self.find_in_map(items, span),
            "ImportValue" => return Some(self.import(argument, span)),
            _ => None,
        };
        Some(found.unwrap_or_else(|| {
            let shown = argument.scalar().unwrap_or("...");
            unknown(span, &self.own(&format!("!{name} {shown}")))
        }))
    }

    fn branch(self, items: &[Node<'static>], span: Span) -> Option<Node<'static>> {
        let [name, then, otherwise] = items else {
            return Some(unknown(span, "!If without two branches"));
        };
        match name.as_str().map_or(Truth::Unknown("!If".into()), |name| self.condition(name)) {
            Truth::True => self.eval(then),
            Truth::False => self.eval(otherwise),
            Truth::Unknown(expression) => {
                let branch = |node, holds| match name.as_str().filter(|_| has_branches(node)) {
                    Some(name) => self.supposing(name, holds, || self.eval(node)),
                    None => self.eval(node),
                };
                let branches = [branch(then, true), branch(otherwise, false)];
                let is_whole = branches.iter().all(Option::is_some);
                let branches: Vec<Node<'static>> = branches.into_iter().flatten().collect();
                match branches.as_slice() {
                    [] => None,
                    [one, other] if is_whole && says_the_same(one, other) => Some(one.clone()),
                    _ => {
                        let kind = Kind::OneOf { expression, branches };
                        Some(Node { span, tag: None, kind })
                    }
                }
            }
        }
    }

    /// `Sub`: a text, or a text with values of its own.
    fn sub(self, argument: &Node<'static>, span: Span) -> Option<Node<'static>> {
        let (template, own) = match &argument.kind {
            Kind::Array(items) => match items.as_slice() {
                [template, values] => (template.scalar()?, values.members()),
                _ => return None,
            },
            _ => (argument.scalar()?, [].as_slice()),
        };
        let own: BTreeMap<&str, &Node<'static>> =
            own.iter().map(|member| (&*member.name.value, &member.value)).collect();
        let mut whole = String::new();
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once("${") {
            whole.push_str(before);
            let Some((inside, behind)) = behind.split_once('}') else {
                whole.push_str("${");
                rest = behind;
                continue;
            };
            rest = behind;
            // `${!Literal}` is the text `${Literal}`, such as a variable of a policy.
            if let Some(literal) = inside.strip_prefix('!') {
                whole.push_str(&format!("${{{literal}}}"));
                continue;
            }
            let name = inside.trim();
            let value = match own.get(name) {
                Some(node) => self.eval(node),
                None => match name.split_once('.') {
                    Some((resource, attribute)) => self.attribute(resource, attribute, span),
                    None => self.reference_to(name, span),
                },
            };
            let text = value.as_ref().and_then(text_of);
            whole.push_str(&text.unwrap_or_else(|| text::hole(&self.own(name))));
        }
        whole.push_str(rest);
        Some(string(span, super::evaluate::with_dynamic_references(&whole.into()).into_owned()))
    }

    fn join(self, items: &[Node<'static>], span: Span) -> Option<Node<'static>> {
        let [delimiter, list] = items else { return None };
        let delimiter = delimiter.scalar()?;
        let list = self.eval(list)?;
        let Kind::Array(items) = &list.kind else {
            return matches!(list.kind, Kind::Unresolved(_) | Kind::OneOf { .. })
                .then(|| string(span, text::hole(&self.own("!Join ..."))));
        };
        // An item that may not be there takes its delimiter with it.
        let text = |item: &Node<'static>| text_of(item).filter(|_| !item.may_be_none());
        let texts: Option<Vec<String>> = items.iter().map(text).collect();
        Some(match texts {
            Some(texts) => string(span, texts.join(delimiter)),
            None => string(span, text::hole(&self.own("!Join ..."))),
        })
    }

    fn split(self, items: &[Node<'static>], span: Span) -> Option<Node<'static>> {
        let [delimiter, text] = items else { return None };
        let delimiter = delimiter.scalar().filter(|delimiter| !delimiter.is_empty())?;
        let text = text_of(&self.eval(text)?)?;
        // What is not known may hold the delimiter; an account id holds nothing but digits.
        let is_open = text::parts(&text).iter().any(|part| match part {
            text::Part::Known(_) => false,
            text::Part::Symbol(symbol) => {
                let is_account = AccountId::parse(symbol).is_some();
                !is_account
                    && delimiter.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                    || delimiter.bytes().all(|byte| byte.is_ascii_digit())
            }
            text::Part::Hole(_, choices) => {
                choices.is_empty() || choices.iter().any(|choice| choice.contains(delimiter))
            }
        });
        if is_open {
            return None;
        }
        let items = text.split(delimiter).map(|item| string(span, item)).collect();
        Some(Node { span, tag: None, kind: Kind::Array(items) })
    }

    fn select(self, items: &[Node<'static>], span: Span) -> Option<Node<'static>> {
        let [number, list] = items else { return None };
        let number = text_of(&self.eval(number)?)?.trim().parse::<usize>().ok()?;
        let list = self.eval(list)?;
        let Kind::Array(items) = &list.kind else { return None };
        // Behind an item that may not be there nobody knows the numbers.
        let is_sure = |item: &Node<'static>| !matches!(item.kind, Kind::OneOf { .. });
        let found = items.get(number)?;
        items.iter().take(number + 1).all(is_sure).then(|| used_at(span, found.clone()))
    }

    fn find_in_map(self, items: &[Node<'static>], span: Span) -> Option<Node<'static>> {
        let (names, more) = items.split_at_checked(3)?;
        let [map, first, second] = names else { return None };
        let key = |node| text_of(&self.eval(node)?);
        let map = key(map).filter(|name| text::is_known(name))?;
        let map = self.stack.template.root.get("Mappings")?.get(&map)?;
        let (first, second) = (key(first)?, key(second)?);
        let mut found = Vec::new();
        for outer in map.members() {
            if text::same(&first, &outer.name.value) == Some(false) {
                continue;
            }
            for inner in outer.value.members() {
                if text::same(&second, &inner.name.value) != Some(false) {
                    found.push(used_at(span, self.eval(&inner.value)?));
                }
            }
        }
        // A default stands where nothing is found.
        let default = more.first().and_then(|node| self.eval(node.get("DefaultValue")?));
        let is_known = text::is_known(&first) && text::is_known(&second);
        if found.is_empty() || !is_known {
            found.extend(default.map(|value| used_at(span, value)));
        }
        match found.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            [first, rest @ ..] if rest.iter().all(|one| one.kind == first.kind) => {
                Some(first.clone())
            }
            all if all.len() > VALUES => None,
            _ => {
                let expression = self.own("!FindInMap ...").into();
                Some(Node { span, tag: None, kind: Kind::OneOf { expression, branches: found } })
            }
        }
    }
}

/// Whether two values say the same, wherever they stand.
fn says_the_same(one: &Node<'_>, other: &Node<'_>) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::Array(one), Kind::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| says_the_same(one, other))
        }
        (Kind::Object(one), Kind::Object(other)) => {
            let is_same = |(one, other): (&Member<'_>, &Member<'_>)| {
                one.name.value == other.name.value && says_the_same(&one.value, &other.value)
            };
            one.len() == other.len() && one.iter().zip(other).all(is_same)
        }
        (one, other) => one == other,
    }
}
