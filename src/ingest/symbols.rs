//! Names and ids that are not known before something is deployed, and what stands for them: the address
//! of a role without a name, the logical id of a key.
//!
//! A symbol equals no literal. Any literal that fits what is known of it could name the same thing all the
//! same: then a policy says so, as something that nobody knows ([`Symbols::widened`]). Two symbols are two
//! things.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::aws::pattern::{is_pattern, meets, takes};
use crate::aws::{AccountId, KeyArn};
use crate::source::Span;
use crate::syntax::{Kind, Member, Node, Unresolved, WHETHER};

use super::compared::Compared;
use super::declared::{REGION, may_be_symbolic};
use super::homes::Homes;

/// How many symbols of one shape are told apart in one place.
const TOLD_APART: usize = 16;

/// The condition key whose values are names; all others that speak of such things hold ARNs.
const NAMED: &str = "aws:username";

/// What the id of a key begins with of which only an alias is known.
const LOOKED_UP: &str = "data.";

/// The form of a key's id.
pub(super) const KEY_ID: &str = "????????-????-????-????-????????????";

/// The form of a multi-Region key's id.
pub(super) const MULTI_REGION_KEY_ID: &str = "mrk-????????????????????????????????";

/// What stands for names and ids that are not known.
#[derive(Clone, Default, Debug)]
pub(super) struct Symbols {
    all: BTreeSet<Box<str>>,
    by_shape: BTreeMap<Shape, BTreeSet<Box<str>>>,
    /// The names of aliases, as patterns, and the keys that they point to.
    aliases: BTreeSet<(Box<str>, Box<str>)>,
    /// ARNs and names of what was exported: a symbol may stand for any of them that fits.
    exported: BTreeSet<Box<str>>,
    /// The accounts and Regions of what symbols stand for, and of what lies beside.
    pub(super) homes: Homes,
    /// What conditions compare: the same for all that know of each other's symbols.
    pub(super) compared: Compared,
}

/// A pattern that something matches whatever it turns out to be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Shape {
    /// With the symbols of the account and the Region that are deployed to.
    exact: Box<str>,
    /// The same, as a literal would be that names them.
    wide: Box<str>,
}

impl Symbols {
    /// A symbol of which `shape` is known.
    pub(super) fn add(&mut self, symbol: &str, shape: &str) {
        self.all.insert(symbol.into());
        let shape = Shape { exact: shape.into(), wide: wide(shape).into() };
        self.by_shape.entry(shape).or_default().insert(symbol.into());
    }

    /// An alias whose name is of a pattern, and the key that it points to, where that is known.
    pub(super) fn add_alias(&mut self, name: &str, target: Option<&KeyArn>) {
        let target = target.map_or("arn:*:kms:*:*:key/*", KeyArn::as_str);
        self.aliases.insert((name.into(), target.into()));
    }

    /// Whether this stands for something.
    pub(super) fn contains(&self, text: &str) -> bool {
        self.all.contains(text)
    }

    /// What is known of what a symbol stands for.
    pub(super) fn shape_of(&self, symbol: &str) -> Option<&str> {
        if !self.contains(symbol) {
            return None;
        }
        let shapes = self.by_shape.iter().filter(|(_, symbols)| symbols.contains(symbol));
        let mut shapes = shapes.map(|(shape, _)| &*shape.exact);
        let first = shapes.next()?;
        // Of two things nothing is known that would hold for both.
        Some(if shapes.next().is_some() { "*" } else { first })
    }

    /// A name as a pattern: accounts and Regions that are not known may be any.
    pub(super) fn opened(&self, name: &str) -> String {
        if !may_be_symbolic(name) {
            return name.to_owned();
        }
        let accounts = self.homes.open_accounts();
        let open = accounts.fold(name.to_owned(), |name, it| name.replace(it.as_str(), "*"));
        open.replace(REGION, "*")
    }

    /// Something that was exported, by its ARN or its name.
    pub(super) fn add_exported(&mut self, name: &str) {
        self.exported.insert(name.into());
    }

    /// Whether nothing is open: no name, and no Region.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty() && !self.homes.has_open_region()
    }

    /// Adds those of other code.
    pub(super) fn append(&mut self, other: &Self) {
        self.homes.append(&other.homes);
        self.aliases.extend(other.aliases.iter().cloned());
        self.exported.extend(other.exported.iter().cloned());
        self.compared = other.compared.clone();
        self.all.extend(other.all.iter().cloned());
        for (shape, symbols) in &other.by_shape {
            self.by_shape.entry(shape.clone()).or_default().extend(symbols.iter().cloned());
        }
    }

    /// The tree of a policy in which each text that could name something whose name is not known says so.
    pub(super) fn widened<'a>(&self, node: &Node<'a>) -> Node<'a> {
        let has_none = self.all.is_empty() && self.aliases.is_empty() && self.exported.is_empty();
        if has_none { node.clone() } else { self.wide(node, false) }
    }

    fn wide<'a>(&self, node: &Node<'a>, is_name: bool) -> Node<'a> {
        let kind = match &node.kind {
            Kind::Object(members) => {
                let wide = members.iter().map(|member| {
                    let name = &*member.name.value;
                    let value = match name {
                        "Action" | "NotAction" | "Effect" | "Sid" | "Version" => {
                            member.value.clone()
                        }
                        _ => self.wide(&member.value, is_name || name.eq_ignore_ascii_case(NAMED)),
                    };
                    Member { name: member.name.clone(), value }
                });
                Kind::Object(wide.collect())
            }
            Kind::Array(items) => {
                let wide = items.iter().flat_map(|item| match item.kind {
                    Kind::String(_) | Kind::Unresolved(_) => self.readings(item, is_name),
                    _ => vec![self.wide(item, is_name)],
                });
                Kind::Array(wide.collect())
            }
            Kind::OneOf { expression, branches } => Kind::OneOf {
                expression: expression.clone(),
                branches: branches.iter().map(|it| self.wide(it, is_name)).collect(),
            },
            Kind::String(_) | Kind::Unresolved(_) => {
                let mut readings = self.readings(node, is_name);
                match readings.pop() {
                    Some(only) if readings.is_empty() => return only,
                    last => {
                        readings.extend(last);
                        Kind::Array(readings)
                    }
                }
            }
            kind => kind.clone(),
        };
        Node { kind, ..node.clone() }
    }

    /// What a text may say of things whose names are not known, each a reading of its own.
    fn readings<'a>(&self, node: &Node<'a>, is_name: bool) -> Vec<Node<'a>> {
        let pattern = match &node.kind {
            Kind::String(text) => with_open_variables(text),
            Kind::Unresolved(value) => with_open_variables(&value.shape),
            _ => return vec![node.clone()],
        };
        let with = |kind| Node { kind, ..node.clone() };
        let meant = self.looked_up_as(&pattern);
        if pattern == "*" || meant.is_some() || self.contains(&pattern) {
            let others = meant.unwrap_or_else(|| self.exported_as(&pattern, is_name));
            let others = others.into_iter();
            return [node.clone()]
                .into_iter()
                .chain(others.map(|it| with(Kind::Unresolved(it))))
                .collect();
        }
        let reading = |symbol: &str, shape: &str| {
            let expression = format!("{WHETHER}{pattern} is {symbol}").into();
            Kind::Unresolved(Unresolved { expression, shape: shape.into() })
        };
        let mut own = node.clone();
        let mut readings = Vec::new();
        for (shape, symbols) in &self.by_shape {
            let is_meant = is_name || shape.exact.starts_with("arn:");
            if !is_meant || !may_be_one(&pattern, &shape.wide) {
                continue;
            }
            // A name that is no pattern is none of the symbols.
            if !is_pattern(&pattern) {
                readings.extend(told(symbols).into_iter().map(|it| with(reading(&it, &it))));
                continue;
            }
            // It names all of them, whatever they will be called.
            let is_all = !pattern.contains('?') && takes(&pattern, &shape.exact);
            let mut others: BTreeSet<Box<str>> = BTreeSet::new();
            for symbol in symbols {
                match takes(&pattern, symbol) {
                    true if is_all => {}
                    true if matches!(node.kind, Kind::String(_)) => {
                        own = with(reading(symbol, &pattern));
                    }
                    true => {}
                    false => drop(others.insert(symbol.clone())),
                }
            }
            readings.extend(told(&others).into_iter().map(|it| with(reading(&it, &it))));
        }
        readings.insert(0, own);
        readings
    }

    /// What was exported that a symbol may stand for: as one pattern where that is much.
    fn exported_as(&self, symbol: &str, is_name: bool) -> Vec<Unresolved> {
        let fit = |shape: &Shape| is_name || shape.exact.starts_with("arn:");
        let mut shapes = self.by_shape.iter();
        let Some((shape, _)) = shapes.find(|(shape, all)| fit(shape) && all.contains(symbol))
        else {
            return Vec::new();
        };
        let met = self.exported.iter().filter(|name| takes(&shape.wide, name));
        readings(symbol, met.map(AsRef::as_ref).collect(), &shape.wide)
    }

    /// What a key that is looked up may be, where this is its ARN: any key that was exported, and those that
    /// other code points such an alias to.
    fn looked_up_as(&self, symbol: &str) -> Option<Vec<Unresolved>> {
        let (before, id) = symbol.split_once(":key/")?;
        let alias = looked_up(id)?;
        let shape = wide(&format!("{before}:key/*"));
        let of_alias = self.aliases.iter().filter(|(name, _)| meets(alias, name));
        let others = of_alias.map(|(_, key)| &**key).filter(|key| meets(&shape, &wide(key)));
        let exported = self.exported.iter().map(AsRef::as_ref).filter(|name| takes(&shape, name));
        let met: BTreeSet<&str> = others.chain(exported).filter(|key| *key != symbol).collect();
        Some(readings(symbol, met.into_iter().collect(), &shape))
    }

    /// Whom else somebody may be who is named by `text`.
    pub(super) fn named(&self, text: &str) -> Vec<Unresolved> {
        let kind = Kind::String(text.to_owned().into());
        let node = Node { span: Span::default(), tag: None, kind };
        let told = super::declared::told(self, &node);
        let others = told.one_or_many().iter().filter_map(|node| match &node.kind {
            Kind::Unresolved(other) => Some(other.clone()),
            _ => None,
        });
        others.collect()
    }
}

/// Whether something may match both: of two whole ARNs part by part, since no name and no id has a colon (rule
/// A61).
fn may_be_one(pattern: &str, shape: &str) -> bool {
    let (one, other): (Vec<&str>, Vec<&str>) =
        (pattern.splitn(6, ':').collect(), shape.splitn(6, ':').collect());
    match (one.len(), other.len()) {
        (6, 6) => one.iter().zip(&other).all(|(one, other)| meets(one, other)),
        _ => meets(pattern, shape),
    }
}

/// The readings of a symbol that may be each of these: as one pattern where they are many.
fn readings<'s>(symbol: &str, mut met: Vec<&'s str>, shape: &'s str) -> Vec<Unresolved> {
    if met.len() > TOLD_APART {
        met = vec![shape];
    }
    let reading = |name: &str| Unresolved {
        expression: format!("{WHETHER}{symbol} is {name}").into(),
        shape: name.into(),
    };
    met.into_iter().map(reading).collect()
}

/// The id of a key of which only an alias is known.
pub(super) fn by_alias(name: &str) -> String {
    format!("{LOOKED_UP}{name}")
}

/// The alias that the key of an id is looked up by, as a pattern; nothing where the id is no such.
pub(super) fn looked_up(id: &str) -> Option<&str> {
    let name = id.strip_prefix(LOOKED_UP).filter(|name| name.starts_with("alias/"));
    name.or_else(|| id.contains("data.aws_kms_").then_some("*"))
}

/// A shape in which a literal may stand for the account and the Region that are deployed to.
pub(super) fn wide(shape: &str) -> String {
    let parts: Vec<&str> = shape.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, rest] = parts.as_slice() else {
        return shape.to_owned();
    };
    let is_symbol = AccountId::parse(account).is_some_and(|account| account.is_symbol());
    let account = if is_symbol { "*" } else { account };
    let region = if *region == REGION { "*" } else { region };
    format!("arn:{partition}:{service}:{region}:{account}:{rest}")
}

/// Symbols one by one, or all as one pattern where there are many.
fn told(symbols: &BTreeSet<Box<str>>) -> Vec<Cow<'_, str>> {
    if symbols.len() <= TOLD_APART {
        return symbols.iter().map(|symbol| Cow::Borrowed(&**symbol)).collect();
    }
    // What the first and the last begin with all between them do.
    let common = symbols.first().zip(symbols.last()).map_or("", |(first, last)| {
        let mut pairs = first.char_indices().zip(last.chars());
        let end = pairs.find(|((_, one), other)| one != other).map(|((at, _), _)| at);
        first.get(..end.unwrap_or(first.len().min(last.len()))).unwrap_or_default()
    });
    vec![Cow::Owned(format!("{common}*"))]
}

/// A text as a pattern: a variable of a policy may have any value.
fn with_open_variables(text: &str) -> String {
    let mut pattern = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((_, behind)) = behind.split_once('}') else { break };
        pattern.push_str(before);
        pattern.push('*');
        rest = behind;
    }
    pattern + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::this-account:role/aws_iam_role.app";

    fn told(symbols: &Symbols, text: &str) -> Vec<String> {
        let kind = Kind::String(text.to_owned().into());
        let node = symbols.widened(&Node { span: Span::new(0, 1), tag: None, kind });
        let told = |node: &Node<'_>| match &node.kind {
            Kind::Unresolved(value) => format!("? {}", value.shape),
            _ => node.as_str().unwrap_or_default().to_owned(),
        };
        node.one_or_many().iter().map(told).collect()
    }

    #[test]
    fn a_literal_may_name_what_has_no_name_yet() {
        let mut symbols = Symbols::default();
        symbols.add(ROLE, "arn:aws:iam::this-account:role/*-app");
        let literal = "arn:aws:iam::111122223333:role/prod-app";
        assert_eq!(told(&symbols, literal), [literal.to_owned(), format!("? {ROLE}")]);
        for text in ["arn:aws:iam::111122223333:role/other", "*", ROLE, "arn:aws:iam::*:role/*"] {
            assert_eq!(told(&symbols, text), [text]);
        }
        let part = "arn:aws:iam::this-account:role/aws*";
        assert_eq!(told(&symbols, part), [format!("? {part}")]);
    }

    #[test]
    fn names_are_looked_for_where_names_stand() {
        let mut symbols = Symbols::default();
        symbols.add("aws_iam_user.app", "*");
        let text = r#"{"Condition": {"StringEquals": {"kms:EncryptionContext:a": "x", "aws:UserName": "x"}}}"#;
        let node = crate::syntax::json::parse(text).expect("JSON");
        let wide = symbols.widened(&node);
        let equals = wide.get("Condition").and_then(|it| it.get("StringEquals")).expect("values");
        let count = |name: &str| equals.get(name).map(|value| value.one_or_many().len());
        assert_eq!(count("kms:EncryptionContext:a"), Some(1));
        assert_eq!(count("aws:UserName"), Some(2));
    }

    #[test]
    fn many_of_one_shape_are_told_as_one() {
        let mut symbols = Symbols::default();
        for number in 10..40 {
            let symbol = format!("arn:aws:kms:this-region:this-account:key/aws_kms_key.{number}");
            symbols.add(&symbol, &format!("arn:aws:kms:this-region:this-account:key/{KEY_ID}"));
        }
        let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
        let literal = format!("arn:aws:kms:eu-west-1:111122223333:key/{id}");
        let all = "? arn:aws:kms:this-region:this-account:key/aws_kms_key.*";
        assert_eq!(told(&symbols, &literal), [&literal, all]);
        let own = "arn:aws:kms:this-region:this-account:key/*";
        assert_eq!(told(&symbols, own), [own]);
    }
}
