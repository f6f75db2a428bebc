//! What infrastructure code declares before it is deployed: which account and Region it will be deployed
//! to, as far as that is known, and policies that speak of them by symbols.
//!
//! Where the account is not pinned it is [`AccountId::THIS`], the Region [`REGION`]: symbols that equal no
//! literal. A literal beside them may be the same account or Region, and nobody knows: [`policy()`] lets a
//! policy say both, the second as what may stand there. So a verdict that hangs on it is `unknown`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::aws::region::partition;
use crate::aws::{AccountId, ActionSet};
use crate::inventory::{Grant, Grantee};
use crate::policy::{self, PolicyDocument, PolicyKind, Principal};
use crate::source::{FileId, Located, Place, Span};
use crate::syntax::{Kind, Member, Node, Unresolved};

use super::homes::widened;
use super::symbols::Symbols;

/// The Region that a template is deployed to, where it is not pinned.
pub const REGION: &str = "this-region";

/// How many seconds sessions of a role may last for which nothing else is asked (page "CreateRole").
pub(super) const MAX_SESSION: u32 = 3600;

/// Whether a text may hold the symbol of an account or Region: all of them begin alike.
pub(super) fn may_be_symbolic(text: &str) -> bool {
    text.contains("this-")
}

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
    let mut policy = policy::lower(&told(symbols, node), kind);
    // Of one that is not read to its end that is told.
    if kind == PolicyKind::Key && policy.readable {
        // Rule A8.
        let is_open = |text: &str| may_be_symbolic(text) || symbols.contains(text);
        policy.faults.extend(policy::too_long(node, &is_open));
    }
    PolicyDocument::lowered(place, kind, policy)
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

/// Keys that code declares and that are not there with the values at hand, by where they stand: their names,
/// and those that are there.
#[derive(Clone, Default, Debug)]
pub(super) struct Unmade {
    names: BTreeMap<(FileId, u32), Box<str>>,
    made: BTreeSet<(FileId, u32)>,
}

/// How many keys are named that are not there.
const NAMED: usize = 3;

impl Unmade {
    /// A key that is not made in one place.
    pub(super) fn add(&mut self, file: FileId, at: Span, name: &str) {
        self.names.insert((file, at.start), name.into());
    }

    /// A key that is made, perhaps in another place.
    pub(super) fn is_made(&mut self, file: FileId, at: Span) {
        self.made.insert((file, at.start));
    }

    /// Adds those of other code.
    pub(super) fn append(&mut self, mut other: Self) {
        self.names.append(&mut other.names);
        self.made.append(&mut other.made);
    }

    /// How many there are, in words; nothing where all are made.
    pub(super) fn words(&self) -> Option<Box<str>> {
        let all = self.names.iter().filter(|(site, _)| !self.made.contains(site));
        let names: Vec<Box<str>> = all.map(|(_, name)| name.clone()).collect();
        let (count, are) = match names.len() {
            0 => return None,
            1 => ("1 key".to_owned(), "is"),
            count => (format!("{count} keys"), "are"),
        };
        let named = named(&names);
        Some(format!("{count} {are} declared but not made with these defaults ({named})").into())
    }
}

/// The first of some names.
pub(super) fn named(names: &[Box<str>]) -> String {
    let mut first = names.iter().take(NAMED).map(|name| &**name).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        first.push_str(", ...");
    }
    first
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
    let text = |text: String| text_at(span, text);
    let object = |members| object_at(span, members);
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

/// A text that stands at `span`.
pub(super) fn text_at(span: Span, text: String) -> Node<'static> {
    Node { span, tag: None, kind: Kind::String(text.into()) }
}

/// An object that stands at `span` with its names.
pub(super) fn object_at(span: Span, members: Vec<(&'static str, Node<'static>)>) -> Node<'static> {
    let members = members.into_iter();
    let member = |(name, value)| Member { name: Located::new(Cow::Borrowed(name), span), value };
    Node { span, tag: None, kind: Kind::Object(members.map(member).collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::AtMost;
    use crate::syntax::json;

    fn lowered(deployment: &Deployment, text: &str) -> PolicyDocument {
        let node = json::parse(text).expect("JSON");
        let place = Place::plain(FileId(0), Span::new(0, text.len()));
        let mut symbols = Symbols::default();
        symbols.homes.add(deployment.account, &deployment.region);
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
}
