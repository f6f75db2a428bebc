//! What the policies of a world ask for: what is worth tagging, naming and bringing along.

use std::collections::{BTreeMap, BTreeSet};

use keyreach::decision::Context;
use keyreach::inventory::{IdentityKind, Inventory, Tags};
use keyreach::policy::{PolicyDocument, Principal, Statement, Value};

/// Keys of conditions that a request may bring or leave; the oracle tries each value and none.
const BROUGHT: [&str; 6] = [
    "accounts.google.com:sub",
    "aws:MultiFactorAuthPresent",
    "aws:SourceIp",
    "kms:EncryptionContext:app",
    "saml:aud",
    "sts:ExternalId",
];

/// Keys that the export or the call fixes.
const FIXED: [&str; 20] = [
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalTag/env",
    "aws:PrincipalTag/team",
    "aws:PrincipalType",
    "aws:RequestTag/env",
    "aws:RequestTag/team",
    "aws:RequestedRegion",
    "aws:ResourceTag/env",
    "aws:ResourceTag/team",
    "aws:TagKeys",
    "aws:username",
    "iam:PassedToService",
    "iam:PermissionsBoundary",
    "iam:PolicyARN",
    "kms:GrantIsForAWSResource",
    "kms:GranteePrincipal",
    "kms:ReplicaRegion",
    "kms:ResourceAliases",
    "organizations:PolicyType",
];

/// The tag of principals that texts with variables speak of.
const OWN_TAG: &str = "${aws:PrincipalTag/team}";

/// What is there that something else can be like.
struct There {
    /// Values of the tag `team` of users, roles and keys, and one that nothing has.
    tags: BTreeSet<Box<str>>,
    /// Ids of keys.
    keys: BTreeSet<Box<str>>,
    /// Names of aliases, without `alias/`.
    aliases: BTreeSet<Box<str>>,
    /// Names of users.
    users: BTreeSet<Box<str>>,
}

impl There {
    fn of(world: &Inventory) -> Self {
        let identities = || world.accounts.values().flat_map(|it| it.identities.values());
        let users = identities().filter(|it| it.kind == IdentityKind::User);
        let of_keys = world.keys.values().filter_map(|key| key.tags.as_ref());
        let tags = identities().map(|it| &it.tags).chain(of_keys);
        let tags = tags.filter_map(|tags| tags.get("team").cloned()).chain(["any".into()]);
        let aliases = world.aliases.keys().filter_map(|it| it.name().strip_prefix("alias/"));
        Self {
            tags: tags.collect(),
            keys: world.keys.keys().map(|arn| arn.id().into()).collect(),
            aliases: aliases.map(Into::into).collect(),
            users: users.map(|user| user.name.clone()).collect(),
        }
    }
}

/// What is asked for.
#[derive(Default)]
pub struct Heard {
    /// Tags of principals.
    pub principal_tags: BTreeSet<(Box<str>, Box<str>)>,
    /// Tags of keys.
    pub key_tags: BTreeSet<(Box<str>, Box<str>)>,
    /// Tags that requests give.
    pub request_tags: BTreeSet<(Box<str>, Box<str>)>,
    /// Aliases of keys.
    pub aliases: BTreeSet<Box<str>>,
    /// ARNs of users and roles that conditions let in, a letter for each wildcard.
    pub names: BTreeSet<Box<str>>,
    /// Whether boundaries are asked for.
    pub boundaries: bool,
    /// Providers that trust policies name.
    pub providers: BTreeSet<Box<str>>,
    brought: BTreeMap<&'static str, BTreeSet<Box<str>>>,
}

impl Heard {
    /// What every policy of `world` asks for.
    pub fn of(world: &Inventory) -> Self {
        let mut heard = Self::default();
        let there = There::of(world);
        for document in documents(world) {
            document.policy().statements.iter().for_each(|it| heard.hear(it, &there));
        }
        for grant in world.keys.values().flat_map(|key| &key.grants) {
            let constraints = &grant.constraints;
            for (key, value) in constraints.equals.iter().chain(&constraints.subset).flatten() {
                let name = BROUGHT.iter().find(|it| **it == format!("kms:EncryptionContext:{key}"));
                let name = name.unwrap_or_else(|| panic!("the oracle does not know {key}"));
                heard.brought.entry(name).or_default().insert(value.clone());
            }
        }
        heard
    }

    fn hear(&mut self, statement: &Statement, there: &There) {
        let resources = statement.resource.iter().flat_map(|element| &element.values);
        for text in resources.filter_map(|value| value.value.text()) {
            if let Some((before, _)) = text.split_once(OWN_TAG) {
                let ids = there.keys.iter().filter(|_| before.ends_with(":key/"));
                self.principal_tags.extend(ids.map(|id| ("team".into(), id.clone())));
            }
        }
        for entry in statement.principal.iter().flat_map(|element| &element.entries) {
            if let Principal::Federated(provider) = &entry.value {
                self.providers.insert(provider.clone());
            }
        }
        for condition in &statement.conditions {
            let key = &*condition.key.value;
            let texts = condition.values.iter().map(|value| match &value.value {
                Value::Text(text) => &**text,
                Value::Unresolved(value) => panic!("{}", value.expression),
            });
            let (likened, plain): (Vec<&str>, Vec<&str>) =
                texts.partition(|text| text.contains("${"));
            likened.iter().for_each(|text| self.hear_likeness(key, text, there));
            let values = plain.into_iter().map(sample);
            let known = FIXED.iter().chain(&BROUGHT).find(|known| known.eq_ignore_ascii_case(key));
            let known = known.unwrap_or_else(|| panic!("the oracle does not know {key}"));
            let of_family = known.split_once("Tag/");
            let name = of_family.map_or("", |(_, name)| name);
            let tag = |values: Box<str>| (name.into(), values);
            match of_family.map_or(*known, |(family, _)| family) {
                "aws:Principal" => self.principal_tags.extend(values.map(tag)),
                "aws:Resource" => self.key_tags.extend(values.map(tag)),
                "aws:Request" => self.request_tags.extend(values.map(tag)),
                "kms:ResourceAliases" => {
                    self.aliases.extend(values.filter(|it| it.starts_with("alias/")));
                }
                "iam:PermissionsBoundary" => self.boundaries = true,
                "aws:PrincipalArn" => self.names.extend(values),
                brought if BROUGHT.contains(&brought) => {
                    self.brought.entry(brought).or_default().extend(values);
                }
                _ => {}
            }
        }
    }

    /// What must be like something else may be like whatever is there.
    fn hear_likeness(&mut self, key: &str, text: &str, there: &There) {
        let mut tag = |values: &BTreeSet<Box<str>>| {
            self.principal_tags.extend(values.iter().map(|value| ("team".into(), value.clone())));
        };
        match (key, text) {
            ("aws:ResourceTag/team", "${aws:PrincipalTag/team}")
            | ("aws:PrincipalTag/team", "${aws:ResourceTag/team}") => {
                tag(&there.tags);
                self.key_tags.extend(there.tags.iter().map(|it| ("team".into(), it.clone())));
            }
            // Of what the key has, the beginning; to what somebody has, an end.
            ("aws:ResourceTag/team", "${aws:PrincipalTag/team}*d") => {
                let beginnings = there.tags.iter().filter_map(|it| it.strip_suffix('d'));
                let beginnings = beginnings.map(Into::into);
                tag(&beginnings.chain(there.tags.iter().cloned()).collect());
                let longer = there.tags.iter().map(|it| ("team".into(), format!("{it}d").into()));
                self.key_tags.extend(longer);
            }
            ("kms:ResourceAliases", "alias/${aws:PrincipalTag/team}") => {
                tag(&there.tags.union(&there.aliases).cloned().collect());
                let named = there.tags.iter().map(|it| format!("alias/{it}").into());
                self.aliases.extend(named);
            }
            ("aws:PrincipalTag/team", "${aws:username}") => tag(&there.users),
            ("aws:RequestedRegion", "${aws:PrincipalTag/team}") => {
                tag(&BTreeSet::from(["us-east-1".into()]));
            }
            _ => panic!("the oracle does not know {key} like {text}"),
        }
    }

    /// Every choice of the tags that calls on principals can give in one call.
    pub fn of_principals(&self) -> Vec<Tags> {
        selections(self.principal_tags.union(&self.request_tags))
    }

    /// Every choice of the tags that calls on keys can give in one call.
    pub fn of_keys(&self) -> Vec<Tags> {
        selections(self.key_tags.union(&self.request_tags))
    }

    /// Every context that requests can bring, the empty one first.
    pub fn contexts(&self) -> Vec<Context> {
        let mut all = vec![Context::default()];
        for (key, values) in &self.brought {
            let with = |value: &str| {
                all.iter()
                    .cloned()
                    .map(|mut context| {
                        context.set_one(key, value);
                        context
                    })
                    .collect::<Vec<Context>>()
            };
            let more: Vec<Context> = values.iter().flat_map(|value| with(value)).collect();
            all.extend(more);
        }
        all
    }
}

/// Every choice of tags, none of them two values of one key; never an empty one.
pub fn selections<'t>(pairs: impl Iterator<Item = &'t (Box<str>, Box<str>)>) -> Vec<Tags> {
    let mut all = vec![Tags::default()];
    for (key, value) in pairs {
        let open = all.iter().filter(|tags| tags.get(key).is_none());
        let with = |tags: &Tags| {
            let mut tags = tags.clone();
            tags.insert(key.clone(), value.clone());
            tags
        };
        let more: Vec<Tags> = open.map(with).collect();
        all.extend(more);
    }
    all.split_off(1)
}

/// Every policy of a world.
fn documents(world: &Inventory) -> Vec<&PolicyDocument> {
    let mut all: Vec<&PolicyDocument> = Vec::new();
    all.extend(world.keys.values().filter_map(|key| key.policy.as_ref()));
    for account in world.accounts.values() {
        for identity in account.identities.values() {
            all.extend(identity.inline.iter().map(|policy| &policy.document));
            all.extend(&identity.trust);
        }
        let inline = account.groups.values().flat_map(|group| &group.inline);
        all.extend(inline.map(|policy| &policy.document));
        let versions = account.policies.values().flat_map(|policy| &policy.versions);
        all.extend(versions.map(|version| &version.document));
    }
    let organization = world.organization.iter().flat_map(|it| it.policies.values());
    all.extend(organization.filter_map(|policy| policy.document.as_ref()));
    all
}

/// A text that a pattern takes; of a range of addresses the first.
fn sample(pattern: &str) -> Box<str> {
    let is_range = pattern.starts_with(|first: char| first.is_ascii_digit());
    let text = if is_range { pattern.split('/').next().unwrap_or(pattern) } else { pattern };
    text.replace(['*', '?'], "x").into()
}
