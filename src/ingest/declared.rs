//! What infrastructure code declares before it is deployed: which account and Region it will be deployed
//! to, as far as that is known, and policies that speak of them by symbols.
//!
//! Where the account is not pinned it is [`AccountId::THIS`], the Region [`REGION`]: symbols that equal no
//! literal. A literal beside them may be the same account or Region, and nobody knows: [`policy()`] lets a
//! policy say both, the second as what may stand there. So a verdict that hangs on it is `unknown`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::aws::AccountId;
use crate::aws::pattern::{is_pattern, takes};
use crate::policy::{self, PolicyDocument, PolicyKind};
use crate::source::{Located, Place, Span};
use crate::syntax::{Kind, Member, Node, Unresolved, WHETHER};

use super::symbols::Symbols;

/// The Region that a template is deployed to, where it is not pinned.
pub const REGION: &str = "this-region";

/// The same, and whatever comes behind.
const REGION_AND_ALL: &str = "this-region*";

/// How many literals of one text are told apart, each being the symbol or not.
const LITERALS: usize = 3;

/// Where infrastructure code will be deployed to, and what its user knows of its variables.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deployment {
    /// The account, or its symbol.
    pub account: AccountId,
    /// The Region, or its symbol.
    pub region: Box<str>,
    /// The partition: `aws` where nothing says otherwise.
    pub partition: Box<str>,
    /// Values of parameters and variables, by name, as text.
    pub variables: BTreeMap<Box<str>, Box<str>>,
    /// Parameters of CloudFormation stacks as a file gives them: one whose value AWS looks up is named
    /// there by what it is looked up by.
    pub parameters: BTreeMap<Box<str>, Box<str>>,
    /// Whether a plan of Terraform is read as what stands there before it; source beside it says what
    /// comes, and is left aside.
    pub is_before: bool,
}

impl Default for Deployment {
    fn default() -> Self {
        Self {
            account: AccountId::THIS,
            region: REGION.into(),
            partition: "aws".into(),
            variables: BTreeMap::new(),
            parameters: BTreeMap::new(),
            is_before: false,
        }
    }
}

impl Deployment {
    /// Pins the Region, and the partition that it lies in.
    pub fn in_region(&mut self, region: &str) {
        self.region = region.into();
        let partition = match region.split('-').next() {
            Some("cn") => "aws-cn",
            Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        self.partition = partition.into();
    }
}

/// A policy that infrastructure code declares: `node` is what its template evaluates to, with spans in
/// the file of `place`; `symbols` stand for what all such code leaves without a name.
pub(super) fn policy(
    deployment: &Deployment,
    symbols: &Symbols,
    place: Place,
    kind: PolicyKind,
    node: &Node<'_>,
) -> PolicyDocument {
    let node = widened(deployment, &symbols.widened(node));
    PolicyDocument::lowered(place, kind, policy::lower(&node, kind))
}

/// The policy that a key has where its template gives none: IAM policies of its account decide.
pub(super) fn default_key_policy(
    place: Place,
    partition: &str,
    account: AccountId,
) -> PolicyDocument {
    let span = Span { start: 0, end: place.span.end.saturating_sub(place.span.start) };
    let text = |text: String| Node { span, tag: None, kind: Kind::String(text.into()) };
    let object = |members: Vec<(&'static str, Node<'static>)>| {
        let members = members.into_iter();
        let member =
            |(name, value)| Member { name: Located::new(Cow::Borrowed(name), span), value };
        Node { span, tag: None, kind: Kind::Object(members.map(member).collect()) }
    };
    let root = format!("arn:{partition}:iam::{account}:root");
    let statement = object(vec![
        ("Sid", text("Enable IAM User Permissions".to_owned())),
        ("Effect", text("Allow".to_owned())),
        ("Principal", object(vec![("AWS", text(root))])),
        ("Action", text("kms:*".to_owned())),
        ("Resource", text("*".to_owned())),
    ]);
    let whole = object(vec![("Version", text("2012-10-17".to_owned())), ("Statement", statement)]);
    PolicyDocument::lowered(place, PolicyKind::Key, policy::lower(&whole, PolicyKind::Key))
}

/// The tree in which each text that names an account or Region literally may also name the symbol of the
/// one that is deployed to.
fn widened<'a>(deployment: &Deployment, node: &Node<'a>) -> Node<'a> {
    let kind = match &node.kind {
        Kind::Object(members) => Kind::Object(
            members
                .iter()
                .map(|member| Member {
                    name: member.name.clone(),
                    value: widened(deployment, &member.value),
                })
                .collect(),
        ),
        Kind::Array(items) => {
            let items = items.iter().map(|item| widened(deployment, item));
            // What one text became stands beside its neighbours.
            let flat = items.zip(items_of(node)).flat_map(|(wide, item)| match wide.kind {
                Kind::Array(wide) if !matches!(item.kind, Kind::Array(_)) => wide,
                _ => vec![wide],
            });
            Kind::Array(flat.collect())
        }
        Kind::OneOf { expression, branches } => Kind::OneOf {
            expression: expression.clone(),
            branches: branches.iter().map(|branch| widened(deployment, branch)).collect(),
        },
        Kind::String(_) | Kind::Unresolved(_) => {
            let others = match &node.kind {
                Kind::String(text) => others(deployment, text),
                Kind::Unresolved(known) => others_of(deployment, known),
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

/// What else a text says, should some of its literals be the account or the Region that is deployed to.
fn others(deployment: &Deployment, text: &str) -> Vec<Unresolved> {
    let literals: Vec<(&str, &str)> = literals(deployment, text).into_iter().collect();
    if literals.len() > LITERALS {
        return vec![Unresolved::unknown(format!("which accounts and Regions `{text}` names"))];
    }
    let mut others = Vec::new();
    for chosen in 1..1_usize << literals.len() {
        let taken = literals.iter().enumerate().filter(|(nth, _)| chosen >> nth & 1 == 1);
        let taken: Vec<(&str, &str)> = taken.map(|(_, pair)| *pair).collect();
        let shape = taken.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        let said = taken.iter().map(|(from, to)| format!("{WHETHER}{to} is {from}"));
        let expression = said.collect::<Vec<_>>().join(", ").into();
        others.push(Unresolved { expression, shape: shape.into() });
    }
    others
}

/// The same of a text that is known in part.
fn others_of(deployment: &Deployment, known: &Unresolved) -> Vec<Unresolved> {
    let with = |other: Unresolved| Unresolved {
        expression: format!("{}, {}", known.expression, other.expression).into(),
        ..other
    };
    others(deployment, &known.shape).into_iter().map(with).collect()
}

/// The accounts and Regions that a text names beside those that are deployed to, each with the symbol
/// that it may be.
fn literals<'t>(deployment: &'t Deployment, text: &'t str) -> BTreeSet<(&'t str, &'t str)> {
    let mut found = BTreeSet::new();
    let parts: Vec<&str> = text.split(':').collect();
    let last = parts.len().saturating_sub(1);
    let mut account = |named: &'t str| {
        if is_account_pattern(named) && deployment.account.is_symbol() {
            found.insert((named, deployment.account.as_str()));
        }
        let other = AccountId::parse(named).filter(|account| *account != deployment.account);
        // Two accounts with numbers are two accounts.
        let is_open = |other: AccountId| other.is_symbol() || deployment.account.is_symbol();
        if other.is_some_and(is_open) {
            found.insert((named, deployment.account.as_str()));
        }
    };
    match parts.as_slice() {
        ["arn", _, _, _, of, ..] => account(of),
        [whole] => account(whole),
        _ => {}
    }
    if *deployment.region != *REGION {
        return found;
    }
    let mut region = |named: &'t str, is_last: bool| {
        // A star at the end of all takes what comes behind the Region as well.
        let symbol = if is_last && named.ends_with('*') { REGION_AND_ALL } else { REGION };
        if is_region(named) || is_region_pattern(named) {
            found.insert((named, symbol));
        }
    };
    match parts.as_slice() {
        ["arn", _, _, of, ..] => region(of, last == 3),
        // A Region, or the name of a service in a Region.
        [whole] => whole.split('.').for_each(|part| region(part, false)),
        _ => {}
    }
    found
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
        ends && meets(text, "??-*-?")
    }
}

/// Whether some text matches both patterns.
pub(super) fn meets(one: &str, other: &str) -> bool {
    // Most begin differently, which is told without looking at all of them.
    let is_open = |c: char| matches!(c, '*' | '?');
    let mut begins = one.chars().zip(other.chars());
    let first = begins.find(|(one, other)| one != other || is_open(*one) || is_open(*other));
    if first.is_some_and(|(one, other)| !is_open(one) && !is_open(other)) {
        return false;
    }
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // Whether the rests behind a place in each meet, from the end.
    let mut below = vec![false; other.len() + 1];
    for at in (0..=one.len()).rev() {
        let here = one.get(at);
        let mut row = vec![false; other.len() + 1];
        for to in (0..=other.len()).rev() {
            let there = other.get(to);
            let right = row.get(to + 1).copied().unwrap_or_default();
            let down = below.get(to).copied().unwrap_or_default();
            let both = below.get(to + 1).copied().unwrap_or_default();
            let is_met = match (here, there) {
                (None, None) => true,
                (Some('*'), None) => down,
                (None, Some('*')) => right,
                (Some('*'), Some(_)) | (Some(_), Some('*')) => down || right,
                (Some('?'), Some(_)) | (Some(_), Some('?')) => both,
                (Some(one), Some(other)) => one == other && both,
                _ => false,
            };
            if let Some(place) = row.get_mut(to) {
                *place = is_met;
            }
        }
        below = row;
    }
    below.first().copied().unwrap_or_default()
}

/// Whether a text has the form of a Region's name.
fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().is_some_and(|part| part.len() == 2);
    let last = parts.next_back().is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let middle: Vec<&str> = parts.collect();
    let is_word = |part: &&str| part.bytes().all(|byte| byte.is_ascii_lowercase());
    first && last && !middle.is_empty() && middle.iter().all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{AtMost, Principal};
    use crate::source::FileId;
    use crate::syntax::json;

    fn lowered(deployment: &Deployment, text: &str) -> PolicyDocument {
        let node = json::parse(text).expect("JSON");
        let place = Place::plain(FileId(0), Span::new(0, text.len()));
        policy(deployment, &Symbols::default(), place, PolicyKind::Key, &node)
    }

    fn entries(deployment: &Deployment, principal: &str) -> Vec<Principal> {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":{principal}}},
            "Action":"kms:*","Resource":"*"}}]}}"#
        );
        let policy = lowered(deployment, &text);
        let statement = &policy.policy().statements[0];
        let element = statement.principal.as_ref().expect("a principal");
        element.entries.iter().map(|entry| entry.value.clone()).collect()
    }

    #[test]
    fn a_literal_account_may_be_the_one_that_is_deployed_to() {
        let found = entries(&Deployment::default(), r#"["arn:aws:iam::444455556666:root"]"#);
        let [Principal::Account { account, .. }, Principal::Unresolved(other)] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!(account.as_str(), "444455556666");
        assert_eq!(&*other.expression, "whether this-account is 444455556666");
        let AtMost::Principal(Principal::Account { account, .. }) = &other.at_most else {
            panic!("{other:?}")
        };
        assert_eq!(*account, AccountId::THIS);
    }

    #[test]
    fn the_symbol_itself_is_known_and_so_is_every_account_beside_a_pinned_one() {
        let found = entries(&Deployment::default(), r#""arn:aws:iam::this-account:root""#);
        assert!(matches!(&found[..], [Principal::Account { .. }]), "{found:?}");
        let account = AccountId::parse("111122223333").expect("an account");
        let pinned = Deployment { account, ..Deployment::default() };
        let found = entries(&pinned, r#""444455556666""#);
        assert!(matches!(&found[..], [Principal::Account { .. }]), "{found:?}");
    }

    #[test]
    fn a_text_that_is_known_in_part_may_name_the_account_as_well() {
        let shape = "arn:aws:iam::444455556666:role/*-app";
        let known = Unresolved { expression: "${Env}-app".into(), shape: shape.into() };
        let all = others_of(&Deployment::default(), &known);
        let [other] = &all[..] else { panic!("{all:?}") };
        assert_eq!(&*other.shape, "arn:aws:iam::this-account:role/*-app");
        assert_eq!(&*other.expression, "${Env}-app, whether this-account is 444455556666");
        assert_eq!(others_of(&Deployment::default(), &Unresolved::unknown("x")), []);
    }

    #[test]
    fn account_and_region_are_told_apart_each() {
        let all = others(&Deployment::default(), "arn:aws:kms:eu-west-1:444455556666:key/k");
        let shapes: Vec<&str> = all.iter().map(|other| &*other.shape).collect();
        assert_eq!(
            shapes,
            [
                "arn:aws:kms:eu-west-1:this-account:key/k",
                "arn:aws:kms:this-region:444455556666:key/k",
                "arn:aws:kms:this-region:this-account:key/k",
            ]
        );
        let of_service = others(&Deployment::default(), "ec2.eu-west-1.amazonaws.com");
        assert_eq!(of_service.len(), 1);
        assert_eq!(&*of_service[0].shape, "ec2.this-region.amazonaws.com");
    }

    #[test]
    fn texts_that_name_neither_say_what_they_say() {
        for text in ["*", "kms:Decrypt", "alias/x", "s3.amazonaws.com", "o-1234567890", "12-34"] {
            assert_eq!(others(&Deployment::default(), text), [], "{text}");
        }
    }

    #[test]
    fn patterns_meet_where_a_text_matches_both() {
        for (one, other, expected) in [
            ("a*", "*b", true),
            ("a*", "b*", false),
            ("*-app", "prod-*", true),
            ("role/?", "role/*", true),
            ("role/app", "role/app", true),
            ("role/app", "role/ap", false),
            ("*", "", true),
            ("?", "", false),
            ("a*c", "ab", false),
            ("*x*", "a*b", true),
        ] {
            assert_eq!(meets(one, other), expected, "{one} {other}");
            assert_eq!(meets(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn patterns_of_regions_and_accounts_may_match_those_that_are_deployed_to() {
        let shapes = |text: &str| -> Vec<String> {
            others(&Deployment::default(), text).into_iter().map(|it| it.shape.into()).collect()
        };
        assert_eq!(shapes("eu-*"), ["this-region"]);
        assert_eq!(shapes("arn:aws:kms:eu-*:*:key/*"), ["arn:aws:kms:this-region:*:key/*"]);
        assert_eq!(shapes("arn:aws:kms:us-*"), ["arn:aws:kms:this-region*"]);
        assert_eq!(shapes("arn:aws:iam::1111*:root"), ["arn:aws:iam::this-account:root"]);
        assert_eq!(shapes("arn:aws:iam::*:role/dev-*"), <[&str; 0]>::default());
        assert_eq!(shapes("s3.*.amazonaws.com"), <[&str; 0]>::default());
        assert_eq!(shapes("prod-*"), <[&str; 0]>::default());
    }
}
