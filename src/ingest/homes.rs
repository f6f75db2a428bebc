//! The accounts and Regions of a run, and what else a text may name that names one of them.
//!
//! A literal beside the symbol of an account or Region may be the same one, and nobody knows: each such
//! text says both, the second as what may stand there.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::aws::AccountId;
use crate::aws::pattern::{is_pattern, meets, takes};
use crate::aws::region::is_region;
use crate::syntax::{Kind, Member, Node, Unresolved, WHETHER};

use super::declared::REGION;

/// The symbol of a Region, and whatever comes behind.
const REGION_AND_ALL: &str = "this-region*";

/// How many readings of one text are told apart.
const READINGS: usize = 60;

/// How many accounts or Regions one name is told apart from: policies grow by as many readings of each.
const BESIDE: usize = 24;

/// The accounts and Regions that things of a run are in, by their symbols where these are not known.
#[derive(Clone, Default, Debug)]
pub(super) struct Homes {
    accounts: BTreeSet<AccountId>,
    regions: BTreeSet<Box<str>>,
}

impl Homes {
    /// Something is in this account and Region.
    pub(super) fn add(&mut self, account: AccountId, region: &str) {
        self.accounts.insert(account);
        self.add_region(region);
    }

    /// Something is in this Region.
    pub(super) fn add_region(&mut self, region: &str) {
        if !self.regions.contains(region) {
            self.regions.insert(region.into());
        }
    }

    /// Adds those of other things.
    pub(super) fn append(&mut self, other: &Self) {
        self.accounts.extend(&other.accounts);
        self.regions.extend(other.regions.iter().cloned());
    }

    /// The accounts whose numbers are not known.
    pub(super) fn open_accounts(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.iter().copied().filter(AccountId::is_symbol)
    }

    /// Whether a Region is not known.
    pub(super) fn has_open_region(&self) -> bool {
        self.regions.contains(REGION)
    }

    /// What else a text may be that stands for an account.
    fn accounts_beside(&self, named: &str) -> Vec<Cow<'static, str>> {
        let is_pattern = is_account_pattern(named);
        let Some(is_open) = AccountId::parse(named).map(|account| account.is_symbol()) else {
            let symbols = self.open_accounts().filter(|symbol| !takes(named, symbol.as_str()));
            let symbols = symbols.filter(|_| is_pattern);
            return few(symbols.map(|symbol| symbol.to_string()).collect());
        };
        // Two accounts with numbers are two accounts.
        let others = self.accounts.iter().filter(|other| is_open || other.is_symbol());
        let others = others.map(AccountId::to_string).filter(|other| other != named);
        few(others.collect())
    }

    /// What else a text may be that stands for a Region: as part of an ARN or alone, where it `is_whole`,
    /// or inside the name of a service. `is_last` says that nothing stands behind it.
    fn regions_beside(&self, named: &str, is_whole: bool, is_last: bool) -> Vec<Cow<'static, str>> {
        if !self.has_open_region() {
            return Vec::new();
        }
        if named == REGION {
            let known = self.regions.iter().filter(|region| is_whole && ***region != *REGION);
            return few(known.map(|region| region.to_string()).collect());
        }
        // A star at the end of all takes what comes behind the Region as well.
        let symbol = if is_last && named.ends_with('*') { REGION_AND_ALL } else { REGION };
        let is_meant = is_region(named) || is_region_pattern(named);
        if is_meant { vec![Cow::Borrowed(symbol)] } else { Vec::new() }
    }
}

/// Texts one by one, or all as one pattern where there are many.
fn few(texts: Vec<String>) -> Vec<Cow<'static, str>> {
    match texts.len() {
        0..=BESIDE => texts.into_iter().map(Cow::Owned).collect(),
        _ => vec![Cow::Borrowed("*")],
    }
}

/// The tree in which each text that names an account or Region also says which others that may be.
pub(super) fn widened<'a>(homes: &Homes, node: &Node<'a>) -> Node<'a> {
    let kind = match &node.kind {
        Kind::Object(members) => Kind::Object(
            members
                .iter()
                .map(|member| Member {
                    name: member.name.clone(),
                    value: widened(homes, &member.value),
                })
                .collect(),
        ),
        Kind::Array(items) => {
            let items = items.iter().map(|item| widened(homes, item));
            // What one text became stands beside its neighbours.
            let flat = items.zip(items_of(node)).flat_map(|(wide, item)| match wide.kind {
                Kind::Array(wide) if !matches!(item.kind, Kind::Array(_)) => wide,
                _ => vec![wide],
            });
            Kind::Array(flat.collect())
        }
        Kind::OneOf { expression, branches } => Kind::OneOf {
            expression: expression.clone(),
            branches: branches.iter().map(|branch| widened(homes, branch)).collect(),
        },
        Kind::String(_) | Kind::Unresolved(_) => {
            let others = match &node.kind {
                Kind::String(text) => others(homes, text),
                Kind::Unresolved(known) => others_of(homes, known),
                _ => Vec::new(),
            };
            if others.is_empty() {
                return node.clone();
            }
            let others = others
                .into_iter()
                .map(|unresolved| Node { kind: Kind::Unresolved(unresolved), ..node.clone() });
            Kind::Array([node.clone()].into_iter().chain(others).collect())
        }
        _ => return node.clone(),
    };
    Node { kind, ..node.clone() }
}

fn items_of<'n, 'a>(node: &'n Node<'a>) -> &'n [Node<'a>] {
    match &node.kind {
        Kind::Array(items) => items,
        _ => &[],
    }
}

/// What else a text says, should accounts or Regions that it names be others.
pub(super) fn others(homes: &Homes, text: &str) -> Vec<Unresolved> {
    let named = named(homes, text);
    let readings = named.values().map(|others| others.len().saturating_add(1));
    if readings.fold(1, usize::saturating_mul) > READINGS {
        return vec![Unresolved::unknown(format!("which accounts and Regions `{text}` names"))];
    }
    let mut all: Vec<(String, Vec<String>)> = vec![(text.to_owned(), Vec::new())];
    for (from, others) in &named {
        let with = |to: &Cow<'_, str>| {
            let is_symbol =
                *from == REGION || AccountId::parse(from).is_some_and(|it| it.is_symbol());
            let (one, other) = if is_symbol { (*from, &**to) } else { (&**to, *from) };
            let said = format!("{WHETHER}{one} is {other}");
            let further = |(shape, before): &(String, Vec<String>)| {
                let said = before.iter().cloned().chain([said.clone()]).collect();
                (shape.replace(from, to), said)
            };
            all.iter().map(further).collect::<Vec<_>>()
        };
        let further: Vec<_> = others.iter().flat_map(with).collect();
        all.extend(further);
    }
    let unresolved = |(shape, said): (String, Vec<String>)| Unresolved {
        expression: said.join(", ").into(),
        shape: shape.into(),
    };
    all.into_iter().skip(1).map(unresolved).collect()
}

/// The same of a text that is known in part.
fn others_of(homes: &Homes, known: &Unresolved) -> Vec<Unresolved> {
    let with = |other: Unresolved| Unresolved {
        expression: format!("{}, {}", known.expression, other.expression).into(),
        ..other
    };
    others(homes, &known.shape).into_iter().map(with).collect()
}

/// The accounts and Regions that a text names, each with the others that it may be.
fn named<'t>(homes: &Homes, text: &'t str) -> BTreeMap<&'t str, Vec<Cow<'static, str>>> {
    let parts: Vec<&str> = text.split(':').collect();
    let last = parts.len().saturating_sub(1);
    let mut named = BTreeMap::new();
    match parts.as_slice() {
        ["arn", _, _, region, rest @ ..] => {
            named.insert(*region, homes.regions_beside(region, true, last == 3));
            if let [account, ..] = rest {
                named.insert(*account, homes.accounts_beside(account));
            }
        }
        // A Region, or the name of a service in a Region.
        [whole] => {
            for part in whole.split('.') {
                named.insert(part, homes.regions_beside(part, part == *whole, false));
            }
            let accounts = homes.accounts_beside(whole);
            if !accounts.is_empty() {
                named.insert(*whole, accounts);
            }
        }
        _ => {}
    }
    named.retain(|_, others| !others.is_empty());
    named
}

/// Whether a pattern matches the numbers of some accounts, and the symbol does not say of which.
fn is_account_pattern(text: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'*' | b'?');
    is_pattern(text)
        && text.bytes().all(is_fit)
        && !takes(text, AccountId::THIS.as_str())
        && meets(text, "????????????")
}

/// Whether a pattern matches the names of some Regions, and not their symbol.
fn is_region_pattern(text: &str) -> bool {
    is_pattern(text) && !takes(text, REGION) && {
        let ends = text.ends_with(|c: char| c.is_ascii_digit() || matches!(c, '*' | '?'));
        ends && (meets(text, "??-*-?") || meets(text, "eusc-*-?"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Homes {
        let mut homes = Homes::default();
        homes.add(AccountId::THIS, REGION);
        homes
    }

    #[test]
    fn a_text_that_is_known_in_part_may_name_the_account_as_well() {
        let shape = "arn:aws:iam::444455556666:role/*-app";
        let known = Unresolved { expression: "${Env}-app".into(), shape: shape.into() };
        let all = others_of(&open(), &known);
        let [other] = &all[..] else { panic!("{all:?}") };
        assert_eq!(&*other.shape, "arn:aws:iam::this-account:role/*-app");
        assert_eq!(&*other.expression, "${Env}-app, whether this-account is 444455556666");
        assert_eq!(others_of(&open(), &Unresolved::unknown("x")), []);
    }

    #[test]
    fn account_and_region_are_told_apart_each() {
        let all = others(&open(), "arn:aws:kms:eu-west-1:444455556666:key/k");
        let shapes: Vec<&str> = all.iter().map(|other| &*other.shape).collect();
        assert_eq!(
            shapes,
            [
                "arn:aws:kms:eu-west-1:this-account:key/k",
                "arn:aws:kms:this-region:444455556666:key/k",
                "arn:aws:kms:this-region:this-account:key/k",
            ]
        );
        let of_service = others(&open(), "ec2.eu-west-1.amazonaws.com");
        assert_eq!(of_service.len(), 1);
        assert_eq!(&*of_service[0].shape, "ec2.this-region.amazonaws.com");
    }

    #[test]
    fn many_accounts_are_told_apart() {
        let mut homes = Homes::default();
        for number in 10..34 {
            homes.add(AccountId::symbol(&format!("{number}-root")), REGION);
        }
        let literal = "arn:aws:iam::444455556666:root";
        let shapes = |homes: &Homes| -> Vec<String> {
            others(homes, literal).into_iter().map(|it| it.shape.into()).collect()
        };
        assert_eq!(shapes(&homes).len(), 24);
        homes.add(AccountId::THIS, REGION);
        assert_eq!(shapes(&homes), ["arn:aws:iam::*:root"]);
    }

    #[test]
    fn texts_that_name_neither_say_what_they_say() {
        for text in ["*", "kms:Decrypt", "alias/x", "s3.amazonaws.com", "o-1234567890", "12-34"] {
            assert_eq!(others(&open(), text), [], "{text}");
        }
    }

    #[test]
    fn patterns_of_regions_and_accounts_may_match_those_that_are_deployed_to() {
        let shapes = |text: &str| -> Vec<String> {
            others(&open(), text).into_iter().map(|it| it.shape.into()).collect()
        };
        assert_eq!(shapes("eu-*"), ["this-region"]);
        assert_eq!(shapes("eusc-de-east-1"), ["this-region"]);
        assert_eq!(shapes("eusc-*"), ["this-region"]);
        assert_eq!(shapes("arn:aws:kms:eu-*:*:key/*"), ["arn:aws:kms:this-region:*:key/*"]);
        assert_eq!(shapes("arn:aws:kms:us-*"), ["arn:aws:kms:this-region*"]);
        assert_eq!(shapes("arn:aws:iam::1111*:root"), ["arn:aws:iam::this-account:root"]);
        assert_eq!(shapes("arn:aws:iam::*:role/dev-*"), <[&str; 0]>::default());
        assert_eq!(shapes("s3.*.amazonaws.com"), <[&str; 0]>::default());
        assert_eq!(shapes("prod-*"), <[&str; 0]>::default());
    }
}
