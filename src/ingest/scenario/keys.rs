//! Keys with their aliases and grants.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::aws::{
    AccountId, ActionSet, KeyArn, KeyOrigin, KeySpec, KeyState, KeyUsage, KmsAction, key_spec,
};
use crate::inventory::{
    Alias, Constraints, Grant, Grantee, Key, KeyManager, KeyMetadata, MultiRegion, MultiRegionRole,
    Tags,
};
use crate::policy::PolicyKind;
use crate::source::Span;
use crate::syntax::{Member, Node};

use super::names::Named;
use super::{Loader, meant};

/// Members of a key.
pub(super) const KEY: &[&str] = &[
    "id",
    "region",
    "description",
    "policy",
    "ram_policy",
    "aliases",
    "tags",
    "spec",
    "usage",
    "origin",
    "state",
    "manager",
    "multi_region",
    "primary",
    "rotation",
    "grants",
];

/// Members of a grant.
pub(super) const GRANT: &[&str] = &[
    "to",
    "operations",
    "retiring",
    "context_equals",
    "context_subset",
    "source_arn",
    "issued_by",
    "name",
    "id",
];

/// What DescribeKey says of a key of which nothing is written.
const METADATA: KeyMetadata = KeyMetadata {
    manager: KeyManager::Customer,
    spec: None,
    usage: None,
    origin: None,
    state: None,
    multi_region: None,
    description: None,
};

impl Loader {
    pub(super) fn key(&mut self, account: AccountId, member: &Member<'_>) {
        let name = &*member.name.value;
        let place = self.place(member.name.span);
        let Some(arn) = self.names.key(account, name).cloned() else {
            self.problem(
                member.name.span,
                format!("no ARN can be made of the id and the Region of `{name}`"),
            );
            return;
        };
        if self.world.keys.contains_key(&arn) {
            self.problem(member.name.span, format!("a second key with the ARN {arn}"));
            return;
        }
        let mut key = Key::new(arn.clone(), place);
        (key.grants_listed, key.aliases_listed) = (true, true);
        key.tags = Some(Tags::new());
        let mut metadata = METADATA;
        for field in self.fields(&member.value, "a key", KEY) {
            let value = &field.value;
            match &*field.name.value {
                "policy" if value.as_str() != Some("default") => {
                    key.policy = Some(self.policy(value, PolicyKind::Key, Some(account)));
                }
                "ram_policy" => {
                    key.ram_policy = Some(self.policy(value, PolicyKind::Key, Some(account)));
                }
                "aliases" => self.aliases(&mut key, value),
                "tags" => key.tags = Some(self.pairs(value, "`tags`")),
                "rotation" => key.rotation = self.truth(value, "`rotation`"),
                "primary" => self.primary(account, &arn, &mut metadata, value),
                "grants" => {
                    for (index, grant) in value.one_or_many().iter().enumerate() {
                        let id = format!("{name}-grant-{}", index + 1);
                        key.grants.extend(self.grant(&arn, &id, grant));
                    }
                }
                _ => self.describe(&arn, &mut metadata, field),
            }
        }
        if key.policy.is_none() {
            let written = member.value.get("policy").map_or(member.name.span, |node| node.span);
            if metadata.manager == KeyManager::Aws {
                let message =
                    "the policy of an AWS managed key must be written: it differs by service";
                self.problem(written, message);
            }
            key.policy = Some(self.default_key_policy(account, written));
        }
        fill(&mut metadata);
        key.metadata = Some(metadata);
        self.world.keys.insert(arn, Arc::new(key));
    }

    /// What DescribeKey would say, member by member.
    fn describe(&mut self, arn: &KeyArn, metadata: &mut KeyMetadata, field: &Member<'_>) {
        let value = &field.value;
        match &*field.name.value {
            "description" => metadata.description = value.scalar().map(Into::into),
            "spec" => metadata.spec = self.word(value, &words(KeySpec::ALL, KeySpec::as_str)),
            "usage" => metadata.usage = self.word(value, &words(KeyUsage::ALL, KeyUsage::as_str)),
            "origin" => {
                metadata.origin = self.word(value, &words(KeyOrigin::ALL, KeyOrigin::as_str));
            }
            "state" => metadata.state = self.word(value, &words(KeyState::ALL, KeyState::as_str)),
            "manager" => {
                let manager = self.word(value, &["customer", "aws"]);
                let is_aws = manager.as_deref() == Some("aws");
                metadata.manager = if is_aws { KeyManager::Aws } else { KeyManager::Customer };
            }
            "multi_region" => match self.word(value, &["primary", "replica"]).as_deref() {
                Some("primary") => {
                    let primary = Some(arn.as_str().into());
                    metadata.multi_region = Some(part(MultiRegionRole::Primary, primary));
                }
                // The member `primary` may stand before this one and has said it all then.
                _ if metadata.multi_region.is_none() => {
                    metadata.multi_region = Some(part(MultiRegionRole::Replica, None));
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// One of the words that AWS knows; another is kept as it is.
    fn word(&mut self, node: &Node<'_>, known: &[&str]) -> Option<Box<str>> {
        let text = self.text(node, "this member")?;
        if !known.contains(&text) {
            let near = meant(text, known.iter().copied());
            self.problem(node.span, format!("unknown word `{text}`{near}"));
        }
        Some(text.into())
    }

    /// The primary of a replica, by its name.
    fn primary(
        &mut self,
        account: AccountId,
        arn: &KeyArn,
        metadata: &mut KeyMetadata,
        node: &Node<'_>,
    ) {
        let Some(name) = self.text(node, "a key's name") else { return };
        match self.names.known_key(account, name) {
            Ok(primary) if primary.id() == arn.id() && primary.region() != arn.region() => {
                let primary = Some(primary.as_str().into());
                metadata.multi_region = Some(part(MultiRegionRole::Replica, primary));
            }
            Ok(_) => {
                let message = "a replica has the id of its primary, in another Region";
                self.problem(node.span, message);
            }
            Err(message) => self.problem(node.span, message),
        }
    }

    /// Tells all related keys of all replicas.
    pub(super) fn finish_keys(&mut self) {
        let mut replicas: BTreeMap<Box<str>, Vec<Box<str>>> = BTreeMap::new();
        for key in self.world.keys.values() {
            let part = key.metadata.as_ref().and_then(|metadata| metadata.multi_region.as_ref());
            if let Some(MultiRegion { role: MultiRegionRole::Replica, primary, .. }) = part
                && let Some(primary) = primary
            {
                replicas.entry(primary.clone()).or_default().push(key.arn.as_str().into());
            }
        }
        for key in self.world.keys.values_mut() {
            let part = key.metadata.as_ref().and_then(|metadata| metadata.multi_region.as_ref());
            let primary = part.and_then(|part| part.primary.as_ref());
            let Some(all) = primary.and_then(|primary| replicas.get(primary)) else { continue };
            let metadata = Arc::make_mut(key).metadata.as_mut();
            if let Some(part) = metadata.and_then(|metadata| metadata.multi_region.as_mut()) {
                part.replicas = all.iter().cloned().collect();
            }
        }
    }

    fn aliases(&mut self, key: &mut Key, node: &Node<'_>) {
        for (name, item) in self.texts(node, "an alias") {
            let arn = self.names.alias_arn(key.arn.account(), key.arn.region(), name);
            let Some(arn) = arn else {
                self.problem(item.span, format!("`{name}` does not begin with `alias/`"));
                continue;
            };
            if self.world.aliases.contains_key(&arn) {
                self.problem(item.span, format!("`{name}` points to another key already"));
                continue;
            }
            let alias = Alias {
                arn: arn.clone(),
                target: Some(key.arn.id().into()),
                place: self.place(item.span),
            };
            key.aliases.insert(arn.clone());
            self.world.aliases.insert(arn, alias);
        }
    }

    fn grant(&mut self, key: &KeyArn, id: &str, node: &Node<'_>) -> Option<Grant> {
        let (mut grantee, mut operations) = (None, ActionSet::EMPTY);
        let mut grant = Grant {
            id: id.into(),
            name: None,
            // Stands until the member `to` is read.
            grantee: Grantee::principal(""),
            retiring: None,
            issuing_account: Some(key.account()),
            operations,
            unknown_operations: Vec::new(),
            constraints: Constraints::default(),
            place: self.place(node.span),
        };
        let before = self.problems.len();
        for field in self.fields(node, "a grant", GRANT) {
            let value = &field.value;
            match &*field.name.value {
                "to" => grantee = self.grantee(key.account(), value),
                "retiring" => grant.retiring = self.grantee(key.account(), value),
                "operations" => operations = self.operations(value),
                "context_equals" => {
                    grant.constraints.equals = Some(self.pairs(value, "`context_equals`"));
                }
                "context_subset" => {
                    grant.constraints.subset = Some(self.pairs(value, "`context_subset`"));
                }
                "source_arn" => {
                    grant.constraints.source_arn = self.text(value, "an ARN").map(Into::into);
                }
                "issued_by" => match value.scalar().and_then(AccountId::parse) {
                    Some(account) => grant.issuing_account = Some(account),
                    None => self.problem(value.span, "an account id has twelve digits"),
                },
                "name" => grant.name = self.text(value, "a grant's name").map(Into::into),
                _ => {
                    if let Some(id) = self.text(value, "a grant's id") {
                        grant.id = id.into();
                    }
                }
            }
        }
        let Some(grantee) = grantee else {
            if self.problems.len() == before {
                self.problem(node.span, "a grant says whom it is given `to`");
            }
            return None;
        };
        Some(Grant { grantee, operations, ..grant })
    }

    /// Who a grant names.
    fn grantee(&mut self, account: AccountId, node: &Node<'_>) -> Option<Grantee> {
        let name = self.text(node, "a principal")?;
        // The older style of services stands there without a prefix (rule G12).
        if name.ends_with(".amazonaws.com") && !name.contains(':') {
            return Some(Grantee::principal(name));
        }
        match self.names.principal(Some(account), name) {
            Ok(Named::Aws(arn)) => Some(Grantee::principal(&arn)),
            Ok(Named::Service(name)) => Some(Grantee::Service(name.into())),
            Ok(Named::Provider(_)) => {
                self.problem(node.span, "a grant names no identity provider");
                None
            }
            Err(message) => {
                self.problem(node.span, message);
                None
            }
        }
    }

    fn operations(&mut self, node: &Node<'_>) -> ActionSet {
        let mut operations = ActionSet::EMPTY;
        for (name, item) in self.texts(node, "an operation") {
            match KmsAction::from_name(name.strip_prefix("kms:").unwrap_or(name)) {
                Some(action) => operations.insert(action),
                None => self.unknown_operation(name, item.span),
            }
        }
        operations
    }

    fn unknown_operation(&mut self, name: &str, span: Span) {
        let near = meant(name, KmsAction::all().map(KmsAction::name));
        self.problem(span, format!("unknown operation `{name}`{near}"));
    }
}

/// A multi-Region key's part; its relatives are told at the end.
fn part(role: MultiRegionRole, primary: Option<Box<str>>) -> MultiRegion {
    MultiRegion { role, primary, replicas: BTreeSet::new() }
}

/// What is not written is as KMS makes a key.
fn fill(metadata: &mut KeyMetadata) {
    let spec = metadata.spec.get_or_insert_with(|| "SYMMETRIC_DEFAULT".into());
    let usages = key_spec(spec).map(|row| row.usages.as_slice()).unwrap_or_default();
    if metadata.usage.is_none() {
        metadata.usage = usages.first().map(|usage| usage.as_str().into());
    }
    metadata.origin.get_or_insert_with(|| "AWS_KMS".into());
    metadata.state.get_or_insert_with(|| "Enabled".into());
}

fn words<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|word| name(*word)).collect()
}
