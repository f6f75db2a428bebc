//! `aws iam get-account-authorization-details` of one account.

use std::collections::BTreeMap;

use super::identity::{ADMINISTER, Author};
use super::json::{Json, object};
use super::managed::{self, MANAGED};
use super::policy::{allow, aws, document, trust};
use super::random::{Random, hash};
use super::world::{
    BASE_ROLES, BOUNDARIES, SERVICE_LINKED, STAGES, TEAMS, World, instant, unique_id,
};

/// Services that roles of applications trust.
const SERVICES: [&str; 8] =
    ["lambda", "ec2", "ecs-tasks", "glue", "codebuild", "states", "batch", "rds"];

/// How often each policy is attached, and how often it is a boundary.
#[derive(Default)]
struct Usage {
    attached: BTreeMap<String, usize>,
    boundary: BTreeMap<String, usize>,
}

/// The authorization details of one account.
pub fn details(world: &World, account: usize) -> Json {
    let it = &world.accounts[account];
    let mut usage = Usage::default();
    let groups: Vec<Json> = (0..it.groups).map(|i| group(world, account, i, &mut usage)).collect();
    let users: Vec<Json> = (0..it.users).map(|i| user(world, account, i, &mut usage)).collect();
    let roles: Vec<Json> = (0..it.roles).map(|i| role(world, account, i, &mut usage)).collect();
    object! {
        "UserDetailList": users,
        "GroupDetailList": groups,
        "RoleDetailList": roles,
        "Policies": policies(world, account, &usage),
    }
}

fn group(world: &World, account: usize, index: usize, usage: &mut Usage) -> Json {
    let mut author = Author::of(world, "group", account, index);
    let name = world.group(account, index);
    let attached = author.random.between(1, 4);
    let attached = attached_policies(&mut author, attached, usage);
    let inline = author.random.percent(30).then(|| ("inline", author.document(1, 3)));
    object! {
        "Path": "/",
        "GroupName": &name,
        "GroupId": unique_id("AGPA", world.seed, &[account, index]),
        "Arn": world.iam_arn(account, &format!("group/{name}")),
        "CreateDate": instant(&mut author.random),
        "GroupPolicyList": inline_policies(inline.into_iter().collect()),
        "AttachedManagedPolicies": attached,
    }
}

fn user(world: &World, account: usize, index: usize, usage: &mut Usage) -> Json {
    let mut author = Author::of(world, "user", account, index);
    let (path, name) = world.user(account, index);
    let mut user = object! {
        "Path": path,
        "UserName": name,
        "UserId": unique_id("AIDA", world.seed, &[account, index]),
        "Arn": world.user_arn(account, index),
        "CreateDate": instant(&mut author.random),
    };
    if author.random.percent(15) {
        user.push("UserPolicyList", inline_policies(vec![("own", author.document(1, 2))]));
    }
    let groups: Vec<usize> = (0..world.accounts[account].groups).collect();
    let memberships = author.random.weighted(&[(0, 8), (1, 45), (2, 32), (3, 15)]);
    let member_of = author.random.sample(&groups, memberships);
    let member_of: Vec<String> = member_of.iter().map(|&i| world.group(account, i)).collect();
    user.push("GroupList", member_of);
    let attached = if author.random.percent(25) { author.random.between(1, 3) } else { 0 };
    user.push("AttachedManagedPolicies", attached_policies(&mut author, attached, usage));
    add_boundary(&mut user, &mut author, 8, usage);
    user.push("Tags", tags(&mut author.random, 50));
    user
}

fn role(world: &World, account: usize, index: usize, usage: &mut Usage) -> Json {
    let mut author = Author::of(world, "role", account, index);
    let (path, name) = world.role(account, index);
    let trusts = if index < BASE_ROLES.len() {
        base_trust(world, account, index)
    } else {
        trust_policy(&mut author)
    };
    let mut role = object! {
        "Path": path.clone(),
        "RoleName": name.clone(),
        "RoleId": unique_id("AROA", world.seed, &[account, index]),
        "Arn": world.role_arn(account, index),
        "CreateDate": instant(&mut author.random),
        "AssumeRolePolicyDocument": trusts.clone(),
    };
    let mut profiles = Vec::new();
    if index >= BASE_ROLES.len() && trusts.compact().contains("\"ec2.amazonaws.com\"") {
        profiles.push(object! {
            "Path": path.clone(),
            "InstanceProfileName": &name,
            "InstanceProfileId": unique_id("AIPA", world.seed, &[account, index]),
            "Arn": world.iam_arn(account, &format!("instance-profile{path}{name}")),
            "CreateDate": instant(&mut author.random),
            "Roles": [role.clone()],
        });
    }
    role.push("InstanceProfileList", profiles);
    if index < BASE_ROLES.len() {
        let (inline, attached) = base_policies(index);
        usage.attached.entry(attached.clone()).and_modify(|count| *count += 1).or_insert(1);
        role.push("RolePolicyList", inline_policies(inline));
        role.push("AttachedManagedPolicies", [attachment(&attached)]);
    } else {
        let count = author.random.weighted(&[(0, 10), (1, 35), (2, 30), (3, 18), (4, 7)]);
        let attached = attached_policies(&mut author, count, usage);
        let inline = if author.random.percent(50) { author.random.between(1, 2) } else { 0 };
        let names = ["access", "extra"].into_iter().take(inline);
        let inline = names.map(|name| (name, author.document(1, 3))).collect();
        role.push("RolePolicyList", inline_policies(inline));
        role.push("AttachedManagedPolicies", attached);
        add_boundary(&mut role, &mut author, 10, usage);
    }
    role.push("Tags", tags(&mut author.random, 60));
    role.push(
        "RoleLastUsed",
        if author.random.percent(70) {
            object! { "LastUsedDate": instant(&mut author.random), "Region": "us-east-1" }
        } else {
            object! {}
        },
    );
    role
}

/// Inline and attached policies of a landing zone's role.
fn base_policies(index: usize) -> (Vec<(&'static str, Json)>, String) {
    let inline = match index {
        1 => vec![("key-administration", document(vec![allow(ADMINISTER)]))],
        _ => Vec::new(),
    };
    let attached = match index {
        1 => ("/", "AWSKeyManagementServicePowerUser"),
        4 => ("/", "ReadOnlyAccess"),
        SERVICE_LINKED => managed::SERVICE_LINKED,
        6 => ("/", "PowerUserAccess"),
        7 => ("/", "SecurityAudit"),
        _ => ("/", "AdministratorAccess"),
    };
    (inline, managed::arn(attached))
}

fn base_trust(world: &World, account: usize, index: usize) -> Json {
    let (path, _) = BASE_ROLES[index];
    let statement = if path.contains("sso.amazonaws.com") {
        let provider = "saml-provider/AWSSSO_1a2b3c4d5e6f7890_DO_NOT_DELETE";
        let audience = object! { "SAML:aud": "https://signin.aws.amazon.com/saml" };
        trust(
            object! { "Federated": world.iam_arn(account, provider) },
            ["sts:AssumeRoleWithSAML", "sts:TagSession"],
        )
        .when(object! { "StringEquals": audience })
    } else if index == SERVICE_LINKED {
        trust(object! { "Service": "autoscaling.amazonaws.com" }, "sts:AssumeRole")
    } else {
        trust(aws(vec![world.root_arn(0)]), "sts:AssumeRole")
    };
    document(vec![statement])
}

fn trust_policy(author: &mut Author<'_>) -> Json {
    const KINDS: [(&str, usize); 5] =
        [("service", 62), ("own", 10), ("foreign", 10), ("role", 10), ("oidc", 8)];
    let (world, account) = (author.world, author.account);
    let random = &mut author.random;
    let statement = match random.weighted(&KINDS) {
        "service" => {
            let service = format!("{}.amazonaws.com", random.pick(&SERVICES));
            trust(object! { "Service": service }, "sts:AssumeRole")
        }
        "own" => trust(aws(vec![world.root_arn(account)]), "sts:AssumeRole"),
        "foreign" => {
            let secret = object! { "sts:ExternalId": format!("ext-{}", random.below(1_000_000)) };
            let other = world.other(random, account);
            trust(aws(vec![world.root_arn(other)]), "sts:AssumeRole")
                .when(object! { "StringEquals": secret })
        }
        "role" => {
            let other = world.other(random, account);
            let mut roles = vec![world.any_role(random, account), world.any_role(random, other)];
            roles.dedup();
            trust(aws(roles), ["sts:AssumeRole", "sts:TagSession"])
        }
        _ => {
            let host = "token.actions.githubusercontent.com";
            let provider = world.iam_arn(account, &format!("oidc-provider/{host}"));
            let repository = format!("repo:example/{}:*", random.pick(&TEAMS));
            trust(object! { "Federated": provider }, "sts:AssumeRoleWithWebIdentity").when(
                object! {
                    "StringEquals": Json::members([(format!("{host}:aud"), "sts.amazonaws.com".into())]),
                    "StringLike": Json::members([(format!("{host}:sub"), repository.into())]),
                },
            )
        }
    };
    document(vec![statement])
}

fn attached_policies(author: &mut Author<'_>, count: usize, usage: &mut Usage) -> Json {
    let mut arns: Vec<String> = Vec::with_capacity(count);
    for _ in 0..count {
        let customer = if author.random.percent(70) { author.customer_policy() } else { None };
        let arn = customer.unwrap_or_else(|| managed::arn(author.random.weighted(&MANAGED)));
        if !arns.contains(&arn) {
            *usage.attached.entry(arn.clone()).or_default() += 1;
            arns.push(arn);
        }
    }
    arns.iter().map(|arn| attachment(arn)).collect::<Vec<_>>().into()
}

fn attachment(arn: &str) -> Json {
    let name = arn.rsplit('/').next().unwrap_or_default();
    object! { "PolicyName": name, "PolicyArn": arn }
}

fn inline_policies(policies: Vec<(&str, Json)>) -> Json {
    let list = policies.into_iter().map(|(name, document)| {
        object! { "PolicyName": name, "PolicyDocument": document }
    });
    list.collect::<Vec<_>>().into()
}

fn add_boundary(identity: &mut Json, author: &mut Author<'_>, percent: usize, usage: &mut Usage) {
    let policies = author.world.accounts[author.account].policies;
    if policies >= BOUNDARIES && author.random.percent(percent) {
        let index = author.random.below(BOUNDARIES);
        let arn = author.world.policy_arn(author.account, index);
        *usage.boundary.entry(arn.clone()).or_default() += 1;
        let boundary = object! {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": arn,
        };
        identity.push("PermissionsBoundary", boundary);
    }
}

fn tags(random: &mut Random, percent: usize) -> Vec<Json> {
    let mut tags = Vec::new();
    if random.percent(percent) {
        tags.push(object! { "Key": "team", "Value": random.pick(&TEAMS) });
        if random.percent(60) {
            tags.push(object! { "Key": "env", "Value": random.pick(&STAGES) });
        }
        if random.percent(20) {
            let center = (1000 + random.below(90)).to_string();
            tags.push(object! { "Key": "cost-center", "Value": center });
        }
    }
    tags
}

fn policies(world: &World, account: usize, usage: &Usage) -> Vec<Json> {
    let own = (0..world.accounts[account].policies)
        .map(|index| customer_policy(world, account, index, usage));
    let names = MANAGED.iter().map(|&(name, _)| name).chain([managed::SERVICE_LINKED]);
    let managed = names.filter_map(|(path, name)| {
        let arn = managed::arn((path, name));
        let attached = *usage.attached.get(&arn)?;
        let version = version(managed::content(name), 1, true, "2015-02-06T18:40:08+00:00");
        Some(object! {
            "PolicyName": name,
            "PolicyId": unique_id("ANPA", hash(0, name, &[]), &[]),
            "Arn": arn,
            "Path": path,
            "DefaultVersionId": "v1",
            "AttachmentCount": attached,
            "PermissionsBoundaryUsageCount": 0usize,
            "IsAttachable": true,
            "CreateDate": "2015-02-06T18:40:08+00:00",
            "UpdateDate": "2024-02-06T18:40:08+00:00",
            "PolicyVersionList": [version],
        })
    });
    own.chain(managed).collect()
}

fn customer_policy(world: &World, account: usize, index: usize, usage: &Usage) -> Json {
    let mut author = Author::of(world, "policy", account, index);
    let (path, name) = world.policy(account, index);
    let arn = world.policy_arn(account, index);
    let created = instant(&mut author.random);
    let current = if index < BOUNDARIES { Author::boundary(index) } else { author.document(1, 4) };
    // Older versions differ: only the default one counts.
    let older = if author.random.percent(15) { author.random.between(1, 2) } else { 0 };
    let mut versions = vec![version(current, older + 1, true, &created)];
    for number in (1..=older).rev() {
        versions.push(version(author.document(1, 4), number, false, &created));
    }
    object! {
        "PolicyName": name,
        "PolicyId": unique_id("ANPA", world.seed, &[account, index]),
        "Arn": &arn,
        "Path": path,
        "DefaultVersionId": format!("v{}", older + 1),
        "AttachmentCount": usage.attached.get(&arn).copied().unwrap_or(0),
        "PermissionsBoundaryUsageCount": usage.boundary.get(&arn).copied().unwrap_or(0),
        "IsAttachable": true,
        "CreateDate": &created,
        "UpdateDate": &created,
        "PolicyVersionList": versions,
    }
}

fn version(document: Json, number: usize, default: bool, created: &str) -> Json {
    object! {
        "Document": document,
        "VersionId": format!("v{number}"),
        "IsDefaultVersion": default,
        "CreateDate": created,
    }
}
