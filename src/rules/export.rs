//! How to export what is missing, how to name it, and which rules its absence weakens: asked by two rules.

use crate::aws::KeyArn;
use crate::inventory::{GapKind, policy_name};

use super::{Input, Scope, all};

/// The command that exports it, with the place of its output in the layout that keyreach reads.
pub(super) fn command(kind: &GapKind) -> String {
    match kind {
        GapKind::PolicyDocument { account, policy } => {
            let directory = format!("{account}/iam/policies/{}", policy_name(policy));
            let version = "aws iam get-policy-version --version-id DEFAULT_VERSION_ID";
            format!(
                "aws iam get-policy --policy-arn {policy} --output json > {directory}/get-policy.json && \
                 {version} --policy-arn {policy} --output json > {directory}/get-policy-version.json"
            )
        }
        GapKind::IdentityPart { account, .. }
        | GapKind::Group { account, .. }
        | GapKind::Identities { account, .. } => {
            let call = "get-account-authorization-details";
            let file = "account-authorization-details.json";
            format!("aws iam {call} --output json > {account}/iam/{file}")
        }
        GapKind::KeyPart { key, part, .. } => of_key(key, part),
        GapKind::Listing { what } => of_listing(what).to_owned(),
        GapKind::Organization { what } => of_organization(what),
        GapKind::Subject { command } => format!("aws ... {command} --output json"),
    }
}

fn of_key(key: &KeyArn, part: &str) -> String {
    let call = match part {
        "key policy" => "get-key-policy --policy-name default",
        "grants" => "list-grants",
        "aliases" => "list-aliases",
        "tags" => "list-resource-tags",
        _ => "describe-key",
    };
    let file = call.split(' ').next().unwrap_or(call);
    let (account, region, id) = (key.account(), key.region(), key.id());
    format!(
        "aws kms {call} --region {region} --key-id {id} --output json > \
         {account}/{region}/kms/{id}/{file}.json"
    )
}

/// By the words of a listing.
fn of_listing(what: &str) -> &'static str {
    match what {
        "keys" => "aws kms list-keys --output json > ACCOUNT/REGION/kms/list-keys.json",
        "aliases" => "aws kms list-aliases --output json > ACCOUNT/REGION/kms/list-aliases.json",
        "managed policies" => {
            "aws iam get-account-authorization-details --output json > \
             ACCOUNT/iam/account-authorization-details.json"
        }
        "VPC endpoints" => {
            "aws ec2 describe-vpc-endpoints --output json > describe-vpc-endpoints.json"
        }
        _ => "keyreach collect-script",
    }
}

/// By the words of a part: `parent of ou-1`, `document of SCP p-1`.
fn of_organization(what: &str) -> String {
    let id = what.rsplit(' ').next().unwrap_or(what);
    let (call, file) = match what.split(' ').next() {
        Some("parent") => {
            (format!("list-parents --child-id {id}"), format!("list-parents.{id}.json"))
        }
        Some("document") => (
            format!("describe-policy --policy-id {id}"),
            format!("policies/{id}/describe-policy.json"),
        ),
        Some("SCPs") => (
            format!("list-policies-for-target --filter SERVICE_CONTROL_POLICY --target-id {id}"),
            format!("list-policies-for-target.{id}.json"),
        ),
        Some("targets") => (
            "list-targets-for-policy --policy-id POLICY_ID".to_owned(),
            "policies/POLICY_ID/list-targets-for-policy.json".to_owned(),
        ),
        _ => ("describe-organization".to_owned(), "describe-organization.json".to_owned()),
    };
    format!("aws organizations {call} --output json > organizations/{file}")
}

/// How many weaker rules are named.
const NAMED: usize = 3;

/// `; weaker until then: admin-can-self-grant`: the rules that stay silent, or say less, for it.
pub(super) fn weakened(kind: &GapKind) -> String {
    let rules = rules(kind);
    let named: Vec<&str> = rules.iter().copied().take(NAMED).collect();
    let named = named.join(", ");
    match rules.len() {
        0 => String::new(),
        all if all > NAMED => {
            format!("; weaker until then: {named} and {} more rules", all - NAMED)
        }
        _ => format!("; weaker until then: {named}"),
    }
}

fn rules(kind: &GapKind) -> Vec<&'static str> {
    let Some(input) = input(kind) else { return Vec::new() };
    let weaker = all().iter().map(|rule| &rule.metadata);
    let weaker = weaker.filter(|metadata| metadata.front.weaker_without.contains(&input));
    weaker.map(|metadata| metadata.slug).collect()
}

fn input(kind: &GapKind) -> Option<Input> {
    match kind {
        GapKind::PolicyDocument { .. }
        | GapKind::IdentityPart { .. }
        | GapKind::Group { .. }
        | GapKind::Identities { .. } => Some(Input::Identities),
        GapKind::KeyPart { part: "key policy", .. } => Some(Input::KeyPolicy),
        GapKind::KeyPart { part: "grants", .. } => Some(Input::Grants),
        GapKind::KeyPart { part: "aliases", .. } => Some(Input::Aliases),
        GapKind::KeyPart { part: "tags", .. } => Some(Input::Tags),
        GapKind::KeyPart { .. } => Some(Input::Metadata),
        GapKind::Organization { .. } => Some(Input::Organization),
        GapKind::Listing { .. } | GapKind::Subject { .. } => None,
    }
}

/// The key in a sentence: by its alias, with the id beside it, else by its id.
pub(super) fn key_name(scope: &Scope<'_>, arn: &KeyArn) -> String {
    let known = scope.world.key(arn).and_then(|key| scope.world.aliases_of(key).next());
    match known {
        Some(alias) => format!("{} ({})", alias.arn.name(), arn.id()),
        None => format!("key {}", arn.id()),
    }
}
