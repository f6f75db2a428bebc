//! What infrastructure code declares before it is deployed: which account and Region it will be deployed
//! to, as far as that is known, and policies that speak of them by symbols.
//!
//! Where the account is not pinned it is [`AccountId::THIS`], the Region [`REGION`]: symbols that equal no
//! literal. A literal beside them may be the same account or Region, and nobody knows: [`policy()`] lets a
//! policy say both, the second as what may stand there. So a verdict that hangs on it is `unknown`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::aws::pattern::{is_pattern, meets, takes};
use crate::aws::region::{is_region, partition};
use crate::aws::{AccountId, ActionSet};
use crate::inventory::{Grant, Grantee};
use crate::policy::{self, PolicyDocument, PolicyKind, Principal};
use crate::source::{Located, Place, Span};
use crate::syntax::{Kind, Member, Node, Unresolved, WHETHER};

use super::symbols::Symbols;

/// The Region that a template is deployed to, where it is not pinned.
pub const REGION: &str = "this-region";

/// The same, and whatever comes behind.
const REGION_AND_ALL: &str = "this-region*";

/// Whether a text may hold the symbol of an account or Region: all of them begin alike.
pub(super) fn may_be_symbolic(text: &str) -> bool {
    text.contains("this-")
}

/// How many readings of one text are told apart.
const READINGS: usize = 40;

/// How many accounts or Regions one name is told apart from.
const BESIDE: usize = 12;

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
        self.partition = partition(region).into();
    }
}

/// A policy that infrastructure code declares: `node` is what its template evaluates to, with spans in
/// the file of `place`; `symbols` stand for what all such code leaves without a name.
pub(super) fn policy(
    symbols: &Symbols,
    place: Place,
    kind: PolicyKind,
    node: &Node<'_>,
) -> PolicyDocument {
    symbols.compared.hear(node);
    PolicyDocument::lowered(place, kind, policy::lower(&told(symbols, node), kind))
}

/// The tree of a policy in which each text says what else it may name.
pub(super) fn told<'a>(symbols: &Symbols, node: &Node<'a>) -> Node<'a> {
    symbols.compared.told(widened(&symbols.homes, &symbols.widened(node)))
}

/// What else a grant may be, should it name somebody whose name or account is not known.
pub(super) fn grants(symbols: &Symbols, grant: &Grant) -> Vec<Grant> {
    let others = |grantee: &Grantee| -> Vec<(Box<str>, Grantee)> {
        let Grantee::Principal(principal) = grantee else { return Vec::new() };
        let others = symbols.named(principal.text()).into_iter();
        let grantee = |other: &Unresolved| Grantee::Principal(Principal::unresolved("AWS", other));
        others.map(|other| (other.expression.clone(), grantee(&other))).collect()
    };
    let mut made = Vec::new();
    for (whether, grantee) in others(&grant.grantee) {
        made.push(Grant { grantee, ..grant.reading(&whether) });
    }
    for (whether, retiring) in grant.retiring.iter().flat_map(others) {
        // Whoever retires it may do no more.
        let (operations, retiring) = (ActionSet::EMPTY, Some(retiring));
        made.push(Grant { operations, retiring, ..grant.reading(&whether) });
    }
    made
}

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

/// The policy that a key has where its template gives none: IAM policies of its account decide.
pub(super) fn default_key_policy(
    place: Place,
    partition: &str,
    account: AccountId,
) -> PolicyDocument {
    let span = Span { start: 0, end: place.span.end.saturating_sub(place.span.start) };
    let whole = default_key_tree(span, partition, account);
    PolicyDocument::lowered(place, PolicyKind::Key, policy::lower(&whole, PolicyKind::Key))
}

/// The same as a tree, all of which stands at `span`.
pub(super) fn default_key_tree(span: Span, partition: &str, account: AccountId) -> Node<'static> {
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
    object(vec![("Version", text("2012-10-17".to_owned())), ("Statement", statement)])
}

/// The tree in which each text that names an account or Region also says which others that may be.
fn widened<'a>(homes: &Homes, node: &Node<'a>) -> Node<'a> {
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
        ends && meets(text, "??-*-?")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::AtMost;
    use crate::source::FileId;
    use crate::syntax::json;

    fn homes(deployment: &Deployment) -> Homes {
        let mut homes = Homes::default();
        homes.add(deployment.account, &deployment.region);
        homes
    }

    fn open() -> Homes {
        homes(&Deployment::default())
    }

    fn lowered(deployment: &Deployment, text: &str) -> PolicyDocument {
        let node = json::parse(text).expect("JSON");
        let place = Place::plain(FileId(0), Span::new(0, text.len()));
        let mut symbols = Symbols::default();
        symbols.homes.append(&homes(deployment));
        policy(&symbols, place, PolicyKind::Key, &node)
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
        let all = others_of(&open(), &known);
        let [other] = &all[..] else { panic!("{all:?}") };
        assert_eq!(&*other.shape, "arn:aws:iam::this-account:role/*-app");
        assert_eq!(&*other.expression, "${Env}-app, whether this-account is 444455556666");
        assert_eq!(others_of(&open(), &Unresolved::unknown("x")), []);
    }

    #[test]
    fn a_region_that_is_pinned_tells_the_partition() {
        let mut deployment = Deployment::default();
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            deployment.in_region(region);
            assert_eq!(&*deployment.partition, partition, "{region}");
        }
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
        assert_eq!(shapes("arn:aws:kms:eu-*:*:key/*"), ["arn:aws:kms:this-region:*:key/*"]);
        assert_eq!(shapes("arn:aws:kms:us-*"), ["arn:aws:kms:this-region*"]);
        assert_eq!(shapes("arn:aws:iam::1111*:root"), ["arn:aws:iam::this-account:root"]);
        assert_eq!(shapes("arn:aws:iam::*:role/dev-*"), <[&str; 0]>::default());
        assert_eq!(shapes("s3.*.amazonaws.com"), <[&str; 0]>::default());
        assert_eq!(shapes("prod-*"), <[&str; 0]>::default());
    }
}
