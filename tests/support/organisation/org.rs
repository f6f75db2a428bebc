//! The organization: its tree, its accounts and its policies.

use super::json::{Json, object};
use super::policy::{Statement, allow, deny, deny_all_but, document};
use super::world::{REGIONS, TEAMS, UNITS, World, instant};

const SCP: &str = "SERVICE_CONTROL_POLICY";
const RCP: &str = "RESOURCE_CONTROL_POLICY";

/// Something a policy is attached to.
#[derive(Clone, Copy)]
enum Target {
    Unit(usize),
    Account(usize),
}

struct Policy {
    id: &'static str,
    name: &'static str,
    kind: &'static str,
    /// Units it is attached to; those of AWS are attached to everything.
    units: &'static [usize],
    content: String,
}

impl Policy {
    fn by_aws(&self) -> bool {
        self.id.ends_with("FullAWSAccess")
    }

    fn is_on(&self, target: Target) -> bool {
        match target {
            // Suspended accounts have an allow list instead of the policy that allows all.
            Target::Unit(7) if self.id == "p-FullAWSAccess" => false,
            _ if self.by_aws() => true,
            Target::Unit(unit) => self.units.contains(&unit),
            Target::Account(_) => false,
        }
    }
}

/// The files of `organizations/`, by path.
pub fn files(world: &World) -> Vec<(String, Json)> {
    let organization = object! {
        "Organization": object! {
            "Id": &world.organization,
            "Arn": arn(world, "organization", None),
            "FeatureSet": "ALL",
            "MasterAccountArn": arn(world, "account", Some(&world.accounts[0].id)),
            "MasterAccountId": &world.accounts[0].id,
            "MasterAccountEmail": "aws+0@example.com",
            "AvailablePolicyTypes": [object! { "Type": SCP, "Status": "ENABLED" }],
        },
    };
    let root = object! {
        "Id": world.unit_id(0),
        "Arn": arn(world, "root", Some(&world.unit_id(0))),
        "Name": "Root",
        "PolicyTypes": [
            object! { "Type": SCP, "Status": "ENABLED" },
            object! { "Type": RCP, "Status": "ENABLED" },
        ],
    };
    let all: Vec<usize> = (0..world.accounts.len()).collect();
    let mut files = vec![
        ("describe-organization.json".to_owned(), organization),
        ("list-accounts.json".to_owned(), object! { "Accounts": accounts(world, &all) }),
        ("list-roots.json".to_owned(), object! { "Roots": [root] }),
    ];
    for unit in 0..UNITS.len() {
        let id = world.unit_id(unit);
        let here: Vec<usize> =
            all.iter().copied().filter(|&account| world.accounts[account].unit == unit).collect();
        files.push((
            format!("list-organizational-units-for-parent.{id}.json"),
            object! { "OrganizationalUnits": units_below(world, unit) },
        ));
        files.push((
            format!("list-accounts-for-parent.{id}.json"),
            object! { "Accounts": accounts(world, &here) },
        ));
    }
    for policy in policies(world) {
        let folder = format!("policies/{}", policy.id);
        files.push((
            format!("{folder}/list-targets-for-policy.json"),
            object! { "Targets": targets(world, &policy) },
        ));
        files.push((format!("{folder}/describe-policy.json"), describe(world, policy)));
    }
    files
}

fn arn(world: &World, kind: &str, id: Option<&str>) -> String {
    let prefix = format!("arn:aws:organizations::{}:{kind}", world.accounts[0].id);
    let id = id.map(|id| format!("/{id}")).unwrap_or_default();
    format!("{prefix}/{}{id}", world.organization)
}

fn account_name(index: usize) -> String {
    format!("{}-{index}", TEAMS[index % TEAMS.len()])
}

fn accounts(world: &World, indexes: &[usize]) -> Vec<Json> {
    let describe = |&index: &usize| {
        let id = &world.accounts[index].id;
        object! {
            "Id": id,
            "Arn": arn(world, "account", Some(id)),
            "Email": format!("aws+{index}@example.com"),
            "Name": account_name(index),
            "Status": "ACTIVE",
            "JoinedMethod": if index == 0 { "INVITED" } else { "CREATED" },
            "JoinedTimestamp": instant(&mut world.random("joined", &[index])),
        }
    };
    indexes.iter().map(describe).collect()
}

fn units_below(world: &World, unit: usize) -> Vec<Json> {
    let below = (0..UNITS.len()).filter(|&child| UNITS[child].1 == Some(unit));
    let describe = |child| {
        let id = world.unit_id(child);
        object! { "Id": &id, "Arn": arn(world, "ou", Some(&id)), "Name": UNITS[child].0 }
    };
    below.map(describe).collect()
}

fn targets(world: &World, policy: &Policy) -> Vec<Json> {
    let units = (0..UNITS.len()).map(Target::Unit);
    let accounts = (0..world.accounts.len()).map(Target::Account);
    let attached = units.chain(accounts).filter(|&target| policy.is_on(target));
    let describe = |target| {
        let (id, path, name, kind) = match target {
            Target::Unit(0) => (world.unit_id(0), "root", "Root".to_owned(), "ROOT"),
            Target::Unit(unit) => {
                (world.unit_id(unit), "ou", UNITS[unit].0.to_owned(), "ORGANIZATIONAL_UNIT")
            }
            Target::Account(index) => {
                (world.accounts[index].id.clone(), "account", account_name(index), "ACCOUNT")
            }
        };
        object! { "TargetId": &id, "Arn": arn(world, path, Some(&id)), "Name": name, "Type": kind }
    };
    attached.map(describe).collect()
}

fn describe(world: &World, policy: Policy) -> Json {
    let kind = policy.kind.to_lowercase();
    let arn = if policy.by_aws() {
        format!("arn:aws:organizations::aws:policy/{kind}/{}", policy.id)
    } else {
        let prefix = arn(world, "policy", Some(&kind));
        format!("{prefix}/{}", policy.id)
    };
    let summary = object! {
        "Id": policy.id,
        "Arn": arn,
        "Name": policy.name,
        "Description": "",
        "Type": policy.kind,
        "AwsManaged": policy.by_aws(),
    };
    object! { "Policy": object! { "PolicySummary": summary, "Content": policy.content } }
}

fn policies(world: &World) -> Vec<Policy> {
    let scp = |id, name, units, statements: Vec<Statement>| Policy {
        id,
        name,
        kind: SCP,
        units,
        content: document(statements).console(),
    };
    let rcp = |id, name, units, statement: Statement| Policy {
        id,
        name,
        kind: RCP,
        units,
        content: document(vec![statement.to("*")]).compact(),
    };
    vec![
        scp("p-FullAWSAccess", "FullAWSAccess", &[], vec![allow("*")]),
        scp("p-leave0001", "DenyLeaving", &[0], vec![deny("organizations:LeaveOrganization")]),
        scp("p-region002", "Regions", &[3], vec![outside_regions()]),
        scp("p-protect03", "ProtectKeys", &[4], vec![protect_keys()]),
        scp("p-noroot004", "NoRootUser", &[0], vec![no_root_user()]),
        scp("p-sandbox05", "Sandbox", &[6], sandbox()),
        scp("p-suspend06", "SuspendedAllowList", &[7], vec![allow(SUSPENDED)]),
        rcp("p-RCPFullAWSAccess", "RCPFullAWSAccess", &[], allow("*")),
        rcp("p-tls000007", "SecureTransport", &[0], plain_text()),
        rcp("p-orgonly08", "OrganizationOnly", &[3], organization_only(world)),
        rcp("p-deputy009", "ConfusedDeputy", &[3], confused_deputy(world)),
    ]
}

/// What suspended accounts may still do.
const SUSPENDED: [&str; 6] =
    ["kms:Describe*", "kms:List*", "kms:Get*", "s3:Get*", "s3:List*", "cloudtrail:*"];

fn outside_regions() -> Statement {
    let regions: Vec<&str> = REGIONS.iter().map(|&(region, _)| region).collect();
    let exempt = object! { "aws:PrincipalArn": "arn:aws:iam::*:role/BreakGlassAdmin" };
    deny_all_but(["iam:*", "organizations:*", "sts:*", "support:*", "route53:*", "cloudfront:*"])
        .sid("OutsideRegions")
        .when(object! {
            "StringNotEquals": object! { "aws:RequestedRegion": regions },
            "ArnNotLike": exempt,
        })
}

fn protect_keys() -> Statement {
    const DESTROY: [&str; 4] = [
        "kms:ScheduleKeyDeletion",
        "kms:DisableKey",
        "kms:PutKeyPolicy",
        "kms:DeleteImportedKeyMaterial",
    ];
    let exempt = [
        "arn:aws:iam::*:role/KeyAdministrator",
        "arn:aws:iam::*:role/BreakGlassAdmin",
        "arn:aws:iam::*:role/OrganizationAccountAccessRole",
    ];
    deny(DESTROY)
        .sid("ProtectKeys")
        .when(object! { "ArnNotLike": object! { "aws:PrincipalArn": exempt } })
}

fn no_root_user() -> Statement {
    let root = object! { "aws:PrincipalArn": "arn:aws:iam::*:root" };
    deny("*").sid("NoRootUser").when(object! { "StringLike": root })
}

fn sandbox() -> Vec<Statement> {
    let by_hand = object! { "kms:GrantIsForAWSResource": "false" };
    vec![
        deny(["kms:CreateGrant", "kms:ReplicateKey"])
            .sid("NoGrants")
            .when(object! { "Bool": by_hand }),
        deny(["organizations:*", "account:*"]),
    ]
}

fn plain_text() -> Statement {
    deny("kms:*")
        .sid("SecureTransport")
        .when(object! { "BoolIfExists": object! { "aws:SecureTransport": "false" } })
}

fn organization_only(world: &World) -> Statement {
    let strangers = object! {
        "aws:PrincipalOrgID": &world.organization,
        "aws:PrincipalAccount": [world.accounts[0].id.clone()],
    };
    deny(["kms:*", "s3:*", "sqs:*", "secretsmanager:*", "sts:AssumeRole"])
        .sid("OrganizationOnly")
        .when(object! {
            "StringNotEqualsIfExists": strangers,
            "BoolIfExists": object! { "aws:PrincipalIsAWSService": "false" },
        })
}

fn confused_deputy(world: &World) -> Statement {
    deny(["kms:*", "s3:*", "sqs:*"]).sid("ConfusedDeputy").when(object! {
        "StringNotEqualsIfExists": object! { "aws:SourceOrgID": &world.organization },
        "Null": object! { "aws:SourceAccount": "false" },
        "Bool": object! { "aws:PrincipalIsAWSService": "true" },
    })
}
