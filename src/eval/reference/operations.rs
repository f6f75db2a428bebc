//! Operations that need several permissions (section 4.2 of the semantics), and the lockout check (K9).

use crate::aws::{AccountId, AliasArn, KeyArn, KmsAction};
use crate::decision::{Caller, Context, OpenPoint, Request, Target};
use crate::inventory::{Edit, Inventory, Key};
use crate::policy::{PolicyDocument, PolicyKind, Principal};

use super::Reference;

/// An API operation whose permissions are several (rules L1 to L10). Each permission is a request of its
/// own, and every one must be allowed.
#[derive(Clone, Debug)]
pub enum Operation {
    /// CreateAlias (rule L1).
    CreateAlias {
        /// The new alias.
        alias: AliasArn,
        /// The key it will point to.
        key: KeyArn,
    },
    /// DeleteAlias (rule L2).
    DeleteAlias {
        /// The alias.
        alias: AliasArn,
        /// The key it points to.
        key: KeyArn,
    },
    /// UpdateAlias (rule L3).
    UpdateAlias {
        /// The alias.
        alias: AliasArn,
        /// The key it points to.
        from: KeyArn,
        /// The key it will point to.
        to: KeyArn,
    },
    /// ReEncrypt; the two keys may be of different accounts (rule L7).
    ReEncrypt {
        /// The key of the ciphertext that is given.
        source: KeyArn,
        /// The key of the ciphertext that is made.
        destination: KeyArn,
    },
    /// ReplicateKey (rule L8); the lockout check of the new policy comes beside it.
    ReplicateKey {
        /// The primary.
        key: KeyArn,
        /// Where the replica will stand.
        replica: NewKey,
    },
    /// UpdatePrimaryRegion (rule L9).
    UpdatePrimaryRegion {
        /// The present primary.
        primary: KeyArn,
        /// The replica to promote.
        replica: KeyArn,
    },
    /// CreateKey (rule K10); the lockout check of a policy that is given comes beside it.
    CreateKey(NewKey),
}

/// A key that does not exist yet.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The account it will belong to.
    pub account: AccountId,
    /// The Region it will stand in.
    pub region: Box<str>,
    /// Whether the request gives tags (rule K10).
    pub tagged: bool,
}

impl Operation {
    /// The requests that must all be allowed, with the context that belongs to each.
    pub fn requests(&self, caller: &Caller, context: &Context) -> Vec<Request> {
        let request = |action: KmsAction, target: Target| Request {
            caller: caller.clone(),
            action,
            target,
            context: context.clone(),
            session_policies: Vec::new(),
        };
        let key = |action, key: &KeyArn| request(action, Target::Key(key.clone()));
        let alias = |action, alias: &AliasArn| request(action, Target::Alias(alias.clone()));
        match self {
            Self::CreateAlias { alias: name, key: target } => {
                vec![alias(KmsAction::CREATE_ALIAS, name), key(KmsAction::CREATE_ALIAS, target)]
            }
            Self::DeleteAlias { alias: name, key: target } => {
                vec![alias(KmsAction::DELETE_ALIAS, name), key(KmsAction::DELETE_ALIAS, target)]
            }
            Self::UpdateAlias { alias: name, from, to } => vec![
                alias(KmsAction::UPDATE_ALIAS, name),
                key(KmsAction::UPDATE_ALIAS, from),
                key(KmsAction::UPDATE_ALIAS, to),
            ],
            Self::ReEncrypt { source, destination } => vec![
                key(KmsAction::RE_ENCRYPT_FROM, source),
                key(KmsAction::RE_ENCRYPT_TO, destination),
            ],
            Self::UpdatePrimaryRegion { primary, replica } => vec![
                key(KmsAction::UPDATE_PRIMARY_REGION, primary),
                key(KmsAction::UPDATE_PRIMARY_REGION, replica),
            ],
            Self::ReplicateKey { key: primary, replica } => {
                let mut requests = vec![key(KmsAction::REPLICATE_KEY, primary)];
                requests.extend(create(replica, request));
                requests
            }
            Self::CreateKey(new) => create(new, request),
        }
    }
}

/// Rule K10: CreateKey by identity policies, and TagResource where tags are given.
fn create(new: &NewKey, request: impl Fn(KmsAction, Target) -> Request) -> Vec<Request> {
    let in_region = |mut request: Request| {
        if request.context.get("aws:RequestedRegion").is_none() {
            request.context.set_one("aws:RequestedRegion", &new.region);
        }
        request
    };
    let mut requests = vec![in_region(request(KmsAction::CREATE_KEY, Target::Account))];
    if new.tagged {
        let target = Target::NewKey { region: new.region.clone(), account: new.account };
        requests.push(in_region(request(KmsAction::TAG_RESOURCE, target)));
    }
    requests
}

/// The lockout safety check (rule K9): whether the caller of `asked`, the request that gives `policy` to
/// `key`, could put a policy again once it is the `default` one: in the context of that request, with its
/// session policies. The AWS_RAM policy does not count (rule K8). O11 read the other way: an unconditional
/// account statement is enough.
pub fn lockout_check(
    reference: &Reference<'_>,
    asked: &Request,
    key: &Key,
    policy: &PolicyDocument,
) -> bool {
    if reference.readings.is_other(OpenPoint::O11) && has_account_statement(policy, key) {
        return true;
    }
    let world = with_policy(reference.world, key, policy);
    let mut request = Request {
        action: KmsAction::PUT_KEY_POLICY,
        target: Target::Key(key.arn.clone()),
        ..asked.clone()
    };
    request.context.set_one("kms:PolicyName", "default");
    reference.after(&world).evaluate(&request).is_allowed()
}

/// The world in which `key` exists with `policy` as its only key policy.
fn with_policy(world: &Inventory, key: &Key, policy: &PolicyDocument) -> Inventory {
    let mut world = world.clone();
    let key = Key { ram_policy: None, policy: None, ..key.clone() };
    let arn = key.arn.clone();
    world.keys.insert(arn.clone(), std::sync::Arc::new(key));
    world.apply(&Edit::PutKeyPolicy { key: arn, policy: policy.clone() })
}

fn has_account_statement(policy: &PolicyDocument, key: &Key) -> bool {
    policy.kind == PolicyKind::Key
        && policy.policy().statements.iter().any(|statement| {
            let names_account = statement.principal.iter().flat_map(|element| &element.entries).any(
                |entry| matches!(entry.value, Principal::Account { account, .. } if account == key.arn.account()),
            );
            let covers = statement.action.as_ref().is_some_and(|element| {
                super::matching::action(element, KmsAction::PUT_KEY_POLICY) == super::truth::Truth::True
            });
            statement.allows() && names_account && covers && statement.conditions.is_empty()
        })
}
