//! What files state: partial entities, each with its place. [`super::merge`] makes an inventory of them.

use std::collections::BTreeSet;

use crate::aws::{AccountId, KeyArn};
use crate::inventory::{
    Alias, AttachedPolicy, Grant, IdentityKind, Inventory, KeyMetadata, LoosePolicy, NamedPolicy,
    OrgPolicyKind, PolicyVersion, Stated, Tags,
};
use crate::policy::PolicyDocument;
use crate::source::{Place, Span};

use super::cloudformation::Template;
use super::cloudformation::manifest::Manifest;
use super::given::Given;
use super::{stored, terraform};

/// One page of a listing.
#[derive(Clone, Debug)]
pub(super) struct Page<T> {
    /// What it lists.
    pub(super) items: T,
    /// Where it stands.
    pub(super) place: Place,
    /// Whether it says that more pages follow.
    pub(super) more: bool,
}

/// Something that a file states.
#[derive(Debug)]
pub(super) enum Fact {
    /// Of a user or role.
    Identity(Box<IdentityFact>),
    /// Of a group.
    Group(Box<GroupFact>),
    /// Of a managed policy.
    Policy(Box<PolicyFact>),
    /// Of a key.
    Key(KeyFact),
    /// An alias.
    Alias(Alias),
    /// A page of a listing of entities.
    Listing(Listing, Page<()>),
    /// Of the organization.
    Organization(Stated<OrganizationFact>),
    /// A VPC endpoint's policy, by the endpoint's id.
    Endpoint(Box<str>, PolicyDocument),
    /// A CloudFormation template, to be evaluated with the others.
    Template(Box<Template>),
    /// What the CDK says of the templates beside.
    Manifest(Manifest),
    /// A file of Terraform's language, to be evaluated with the others.
    Terraform(terraform::Source),
    /// Part of what a store of iam-collect says of one entity.
    Stored(Box<stored::Piece>),
    /// A policy that stands alone.
    Loose(LoosePolicy),
    /// A whole world: a scenario.
    World(Box<Inventory>),
    /// Something of an entity that the document does not name, or not wholly.
    Pending(Box<Pending>),
    /// What code gives to something that it does not declare itself.
    Given(Box<Given>),
    /// A part of the file that could not be read though the rest could.
    Fault {
        /// Where.
        span: Option<Span>,
        /// Why.
        message: String,
    },
    /// A text that a person writes, whose syntax is broken.
    Broken {
        /// Where.
        span: Span,
        /// Why.
        message: String,
    },
}

/// Of a user or role.
#[derive(Debug)]
pub(super) struct IdentityFact {
    pub(super) kind: IdentityKind,
    pub(super) arn: Box<str>,
    pub(super) account: AccountId,
    pub(super) place: Place,
    pub(super) unique_id: Option<Box<str>>,
    pub(super) tags: Option<Tags>,
    /// What the document says of the boundary; that there is none is said, too.
    pub(super) boundary: Option<Option<AttachedPolicy>>,
    /// How many seconds sessions of the role may last.
    pub(super) max_session: Option<u32>,
    pub(super) trust: Option<PolicyDocument>,
    pub(super) parts: Parts,
    /// The groups, where the document lists them.
    pub(super) groups: Option<Page<BTreeSet<Box<str>>>>,
    /// A group that lists the user.
    pub(super) member_of: Option<Box<str>>,
    /// Whether code leaves open if it will be there.
    pub(super) is_in_doubt: bool,
}

impl IdentityFact {
    /// That the user or role exists.
    pub(super) fn new(
        kind: IdentityKind,
        arn: impl Into<Box<str>>,
        account: AccountId,
        place: Place,
    ) -> Self {
        Self {
            kind,
            arn: arn.into(),
            account,
            place,
            unique_id: None,
            tags: None,
            boundary: None,
            max_session: None,
            trust: None,
            parts: Parts::default(),
            groups: None,
            member_of: None,
            is_in_doubt: false,
        }
    }
}

/// The policies of a user, role or group.
#[derive(Default, Debug)]
pub(super) struct Parts {
    /// Inline policies.
    pub(super) inline: Vec<NamedPolicy>,
    /// What is known of the names of all inline policies.
    pub(super) inline_names: Names,
    /// The attached policies, where the document lists them.
    pub(super) attached: Option<Page<Vec<AttachedPolicy>>>,
    /// An attachment that the policy lists.
    pub(super) also_attached: Option<AttachedPolicy>,
}

/// What a document says of the names of all inline policies.
#[derive(Default, Debug)]
pub(super) enum Names {
    /// Nothing.
    #[default]
    Unknown,
    /// They are those of the documents beside.
    All,
    /// A page of them.
    Page(Page<BTreeSet<Box<str>>>),
}

/// Of a group.
#[derive(Debug)]
pub(super) struct GroupFact {
    pub(super) arn: Box<str>,
    pub(super) account: AccountId,
    pub(super) place: Place,
    pub(super) parts: Parts,
    /// Whether the document lists its members; the members themselves say so.
    pub(super) members: Option<Page<()>>,
    /// Whether code leaves open if it will be there.
    pub(super) is_in_doubt: bool,
}

impl GroupFact {
    /// That the group exists, and what it has.
    pub(super) fn new(arn: Box<str>, account: AccountId, place: Place, parts: Parts) -> Self {
        Self { arn, account, place, parts, members: None, is_in_doubt: false }
    }
}

/// Of a managed policy.
#[derive(Debug)]
pub(super) struct PolicyFact {
    pub(super) arn: Box<str>,
    /// The account whose export carries it; absent where an AWS managed policy does not tell.
    pub(super) account: Option<AccountId>,
    pub(super) place: Place,
    pub(super) default_version: Option<Box<str>>,
    pub(super) versions: Vec<PolicyVersion>,
}

/// Of a key.
#[derive(Debug)]
pub(super) struct KeyFact {
    pub(super) arn: KeyArn,
    pub(super) place: Place,
    pub(super) part: KeyPart,
}

/// What is stated of a key.
#[derive(Debug)]
pub(super) enum KeyPart {
    /// That it exists.
    Known,
    Metadata(Box<KeyMetadata>),
    Policy(PolicyDocument),
    /// The policy that RAM writes.
    RamPolicy(PolicyDocument),
    Grants(Page<Vec<Grant>>),
    /// That code leaves open what further grants it has.
    GrantsOpen,
    Tags(Page<Tags>),
    /// A page of its aliases, which are facts of their own.
    Aliases(Page<()>),
    Rotation(bool),
    /// Code that declares it switches off, here, the check that its author can change its policy.
    LockoutCheckBypassed,
}

/// A listing of entities, which can be complete.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Listing {
    /// get-account-authorization-details of an account.
    Authorization(AccountId),
    Users(AccountId),
    Roles(AccountId),
    Groups(AccountId),
    /// list-keys of an account and Region.
    Keys(AccountId, Box<str>),
    /// list-aliases of an account and Region.
    Aliases(AccountId, Box<str>),
    /// A listing of something else, by what it lists and whose.
    Other(&'static str, Box<str>),
}

/// Of the organization.
#[derive(Debug)]
pub(super) enum OrganizationFact {
    /// describe-organization.
    Described { id: Option<Box<str>>, management: Option<AccountId> },
    /// A root or an organizational unit.
    Unit { id: Box<str>, name: Option<Box<str>> },
    /// The kinds of policies that a root has enabled.
    Enabled(BTreeSet<OrgPolicyKind>),
    /// A member account.
    Account { id: AccountId, name: Option<Box<str>> },
    /// The parent of a unit or account.
    Parent { child: Box<str>, parent: Box<str> },
    /// An SCP or RCP; its document, where the document at hand holds it.
    Policy {
        id: Box<str>,
        name: Option<Box<str>>,
        kind: OrgPolicyKind,
        document: Option<PolicyDocument>,
    },
    /// A policy is attached to a root, unit or account.
    Attachment { policy: Box<str>, target: Box<str> },
    /// All targets of a policy were listed.
    Targets { policy: Box<str> },
    /// All policies at a root, unit or account were listed.
    Policies { target: Box<str> },
}

/// Something of an entity that the document does not name, or not wholly.
#[derive(Debug)]
pub(super) struct Pending {
    /// The call it is the output of.
    pub(super) command: &'static str,
    pub(super) place: Place,
    pub(super) what: PendingPart,
}

/// What waits for its entity.
#[derive(Debug)]
pub(super) enum PendingPart {
    /// A key's part, and the key's id where the document says that much.
    Key { id: Option<Box<str>>, part: KeyPart },
    /// Policies of a user, role or group, with its name where the document says that much.
    Parts { kinds: &'static [PrincipalKind], name: Option<Box<str>>, parts: Parts },
    /// The groups of a user.
    Groups(Page<BTreeSet<Box<str>>>),
    /// A version of a managed policy.
    Version { version: PolicyVersion, is_default: bool },
    /// Which version of a managed policy is in force.
    DefaultVersion(Box<str>),
    /// The users, roles and groups that a managed policy is attached to.
    Entities(Vec<(PrincipalKind, Box<str>)>),
    /// A page of get-account-authorization-details without anything of the account itself.
    Authorization(Page<()>),
    /// Children of a root or unit, and what they are.
    Children(&'static str, Page<Vec<Box<str>>>),
    /// The parent of a unit or account.
    Parent(Box<str>),
    /// The targets of an organization policy.
    Targets(Page<Vec<Box<str>>>),
    /// The policies at a root, unit or account.
    Policies(Page<Vec<Box<str>>>),
}

/// What can hold IAM policies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum PrincipalKind {
    /// A user.
    User,
    /// A role.
    Role,
    /// A group.
    Group,
}
