//! Key policies, one function for each way people write them.

use super::identity::{ADMINISTER, ATTACH, USE};
use super::json::{Json, object};
use super::policy::{Statement, allow, aws, deny, document, named_document, old_document};
use super::random::Random;
use super::world::{STAGES, TEAMS, VIA, WORKLOADS, World};

/// Kinds of key policies, by weight.
const KINDS: [(&str, usize); 17] = [
    ("default", 76),
    ("console", 44),
    ("foreign-account", 10),
    ("foreign-role", 8),
    ("service", 12),
    ("via", 5),
    ("deny-others", 8),
    ("not-principal", 3),
    ("context", 6),
    ("organization", 6),
    ("organization-path", 2),
    ("abac", 6),
    ("locked", 3),
    ("network", 2),
    ("big", 2),
    ("dead", 2),
    ("old", 2),
];

/// A key policy and what makes an interesting request of it.
pub struct KeyPolicy {
    /// The document.
    pub document: Json,
    /// Principals whose requests it is about.
    pub named: Vec<String>,
    /// A context that its conditions look for.
    pub context: Vec<(String, String)>,
}

/// Where a key policy is written, and its choices.
pub struct Place<'w> {
    /// The organisation.
    pub world: &'w World,
    /// The account that owns the key.
    pub account: usize,
    /// The Region of the key.
    pub region: &'static str,
    /// The choices.
    pub random: Random,
}

/// The policy of an AWS managed key.
pub fn aws_managed(place: &mut Place<'_>, service: &str, alias: &str) -> KeyPolicy {
    let id = &place.world.accounts[place.account].id;
    let via = format!("{service}.{}.amazonaws.com", place.region);
    let name = alias.to_uppercase();
    let sid = format!(
        "Allow access through {name} for all principals in the account that are authorized to \
         use {name}"
    );
    let only = object! { "kms:CallerAccount": id, "kms:ViaService": &via };
    let statements = vec![
        allow([
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncrypt*",
            "kms:GenerateDataKey*",
            "kms:CreateGrant",
            "kms:DescribeKey",
        ])
        .sid(sid)
        .to(object! { "AWS": "*" })
        .when(object! { "StringEquals": only }),
        allow(["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"])
            .sid("Allow direct access to key metadata to the account")
            .to(aws(vec![place.world.root_arn(place.account)])),
    ];
    KeyPolicy {
        document: named_document(&format!("auto-{alias}-2"), statements),
        named: vec![place.any_role(), place.any_role()],
        context: vec![pair("kms:ViaService", via), pair("kms:CallerAccount", id)],
    }
}

/// The policy of a customer managed key and whether it suits symmetric keys only.
pub fn customer_managed(place: &mut Place<'_>) -> (KeyPolicy, bool) {
    let kind = place.random.weighted(&KINDS);
    let policy = match kind {
        "default" => place.default(),
        "console" => place.console(1, 6),
        "big" => place.console(20, 45),
        "foreign-account" => place.foreign_account(),
        "foreign-role" => place.foreign_role(),
        "service" => place.service(),
        "via" => {
            let (service, alias) = place.random.pick(&VIA);
            aws_managed(place, service, alias)
        }
        "deny-others" => place.deny_others(),
        "not-principal" => place.not_principal(),
        "context" => place.encryption_context(),
        "organization" => place.organization(),
        "organization-path" => place.organization_path(),
        "abac" => place.abac(),
        "locked" => place.locked(),
        "network" => place.network(),
        "dead" => place.dead(),
        _ => place.old(),
    };
    (policy, matches!(kind, "service" | "via" | "context"))
}

impl Place<'_> {
    fn default(&mut self) -> KeyPolicy {
        let document = named_document("key-default-1", vec![self.delegation()]);
        KeyPolicy { document, named: Vec::new(), context: Vec::new() }
    }

    fn console(&mut self, low: usize, high: usize) -> KeyPolicy {
        let administrators = self.principals(1, 3);
        let mut users = self.principals(low, high);
        let mut named = [administrators.clone(), users.clone()].concat();
        if self.world.accounts.len() > 1 && self.random.percent(20) {
            let other = self.other();
            users.push(self.world.root_arn(other));
            named.push(self.world.any_role(&mut self.random, other));
        }
        let users = aws(users);
        let statements = vec![
            self.delegation(),
            allow(ADMINISTER).sid("Allow access for Key Administrators").to(aws(administrators)),
            allow(USE).sid("Allow use of the key").to(users.clone()),
            allow(ATTACH)
                .sid("Allow attachment of persistent resources")
                .to(users)
                .when(object! { "Bool": object! { "kms:GrantIsForAWSResource": "true" } }),
        ];
        KeyPolicy {
            document: named_document("key-consolepolicy-3", statements),
            named,
            context: vec![pair("kms:GrantIsForAWSResource", "true")],
        }
    }

    fn foreign_account(&mut self) -> KeyPolicy {
        let count = self.random.between(1, 3);
        let mut others: Vec<usize> = (0..count).map(|_| self.other()).collect();
        others.sort_unstable();
        others.dedup();
        let named =
            others.iter().map(|&other| self.world.any_role(&mut self.random, other)).collect();
        let mut principals: Vec<String> =
            others.iter().map(|&other| self.world.root_arn(other)).collect();
        if self.random.percent(30) {
            // The bare account id, the other form of the same principal.
            principals[0].clone_from(&self.world.accounts[others[0]].id);
        }
        let shared = allow(USE).sid("CrossAccount").to(aws(principals));
        self.with(vec![shared], named, Vec::new())
    }

    fn foreign_role(&mut self) -> KeyPolicy {
        let other = self.other();
        let role = self.world.any_role(&mut self.random, other);
        let mut statements = vec![
            allow(["kms:Decrypt", "kms:DescribeKey"]).sid("CrossRole").to(aws(vec![role.clone()])),
        ];
        if self.random.percent(30) {
            let only = object! { "kms:GrantOperations": ["Decrypt", "DescribeKey"] };
            statements.push(
                allow("kms:CreateGrant")
                    .sid("CrossGrant")
                    .to(aws(vec![role.clone()]))
                    .when(object! { "ForAllValues:StringEquals": only }),
            );
        }
        self.with(statements, vec![role], Vec::new())
    }

    fn service(&mut self) -> KeyPolicy {
        const SERVICES: [&str; 5] = ["logs", "cloudtrail", "sns", "s3", "delivery.logs"];
        let service = self.random.pick(&SERVICES);
        let (id, region) = (&self.world.accounts[self.account].id, self.region);
        let principal = if service == "logs" {
            format!("logs.{region}.amazonaws.com")
        } else {
            format!("{service}.amazonaws.com")
        };
        let (condition, context) = if service == "logs" && self.random.percent(50) {
            let team = self.random.pick(&TEAMS);
            let group = format!("arn:aws:logs:{region}:{id}:log-group:/app/{team}");
            let only = object! { "kms:EncryptionContext:aws:logs:arn": &group };
            (object! { "ArnEquals": only }, vec![pair("kms:EncryptionContext:aws:logs:arn", group)])
        } else {
            let own = object! { "aws:SourceAccount": id };
            let mut condition = object! { "StringEquals": own };
            let mut context = vec![pair("aws:SourceAccount", id)];
            if self.random.percent(50) {
                let prefix = service.rsplit('.').next().unwrap_or(service);
                let source = format!("arn:aws:{prefix}:{region}:{id}:");
                let like = object! { "aws:SourceArn": format!("{source}*") };
                condition.push("ArnLike", like);
                context.push(pair("aws:SourceArn", format!("{source}trail/main")));
            }
            (condition, context)
        };
        let statement = allow(["kms:Decrypt", "kms:GenerateDataKey*"])
            .sid("AllowService")
            .to(object! { "Service": &principal })
            .when(condition);
        self.with(vec![statement], vec![principal], context)
    }

    fn deny_others(&mut self) -> KeyPolicy {
        let stage = self.random.pick(&STAGES);
        let exempt = match self.random.below(3) {
            0 => "service-role/*".to_owned(),
            1 => "app/*".to_owned(),
            _ => format!("*-{stage}-*"),
        };
        let exempt = [
            self.world.iam_arn(self.account, "role/KeyAdministrator"),
            self.world.iam_arn(self.account, &format!("role/{exempt}")),
        ];
        let named = self.principals(1, 3);
        let denial = if self.random.percent(50) {
            deny("kms:*")
        } else {
            deny(["kms:Decrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"])
        };
        let statements = vec![
            allow(USE).sid("Use").to(aws(named.clone())),
            denial
                .sid("DenyOthers")
                .to(object! { "AWS": "*" })
                .when(object! { "ArnNotLike": object! { "aws:PrincipalArn": exempt } }),
        ];
        self.with(statements, named, Vec::new())
    }

    fn not_principal(&mut self) -> KeyPolicy {
        let role = self.any_role();
        let spared = vec![role.clone(), self.world.root_arn(self.account)];
        let statement =
            deny(["kms:Decrypt", "kms:ScheduleKeyDeletion"]).sid("DenyAllBut").except(aws(spared));
        self.with(vec![statement], vec![role], Vec::new())
    }

    fn encryption_context(&mut self) -> KeyPolicy {
        let team = self.random.pick(&TEAMS);
        let tenant = object! { "kms:EncryptionContext:tenant": team };
        let keys = object! { "kms:EncryptionContextKeys": ["tenant", "purpose"] };
        let present = object! { "kms:EncryptionContext:tenant": false };
        let condition = match self.random.below(3) {
            0 => object! { "StringEquals": tenant },
            1 => object! { "StringEquals": tenant, "ForAllValues:StringEquals": keys },
            _ => object! { "Null": present },
        };
        let named = self.principals(1, 2);
        let statement = allow(["kms:Decrypt", "kms:GenerateDataKey"])
            .sid("ForTenant")
            .to(aws(named.clone()))
            .when(condition);
        self.with(vec![statement], named, vec![pair("kms:EncryptionContext:tenant", team)])
    }

    fn organization(&mut self) -> KeyPolicy {
        let only = object! { "aws:PrincipalOrgID": &self.world.organization };
        let everyone = if self.random.percent(50) {
            "*".into()
        } else {
            object! { "AWS": "*" }
        };
        let statement =
            allow(USE).sid("OrgWide").to(everyone).when(object! { "StringEquals": only });
        let named = self.someone_else();
        self.with(vec![statement], named, Vec::new())
    }

    fn organization_path(&mut self) -> KeyPolicy {
        let paths = [format!("{}*", self.world.unit_path(WORKLOADS))];
        let only = object! { "aws:PrincipalOrgPaths": paths };
        let statement = allow(USE)
            .sid("OrgPath")
            .to(object! { "AWS": "*" })
            .when(object! { "ForAnyValue:StringLike": only });
        let named = self.someone_else();
        self.with(vec![statement], named, Vec::new())
    }

    fn abac(&mut self) -> KeyPolicy {
        // Tags of the key are for IAM policies: the variable has no value here.
        let team = if self.random.percent(50) {
            "${aws:ResourceTag/team}"
        } else {
            self.random.pick(&TEAMS)
        };
        let only = object! {
            "aws:PrincipalTag/team": team,
            "aws:PrincipalAccount": &self.world.accounts[self.account].id,
        };
        let statement = allow(USE)
            .sid("Abac")
            .to(object! { "AWS": "*" })
            .when(object! { "StringEquals": only });
        let named = vec![self.any_role()];
        self.with(vec![statement], named, Vec::new())
    }

    fn locked(&mut self) -> KeyPolicy {
        let (administrators, users) = (self.principals(1, 2), self.principals(1, 4));
        let statements = vec![
            allow(ADMINISTER).sid("Admins").to(aws(administrators.clone())),
            allow(USE).sid("Users").to(aws(users.clone())),
        ];
        let named = [administrators, users].concat();
        KeyPolicy { document: document(statements), named, context: Vec::new() }
    }

    fn network(&mut self) -> KeyPolicy {
        const ENDPOINT: &str = "vpce-0a1b2c3d4e5f67890";
        let plain = object! { "aws:SecureTransport": false };
        let elsewhere = object! { "aws:SourceVpce": ENDPOINT };
        let service = object! { "aws:PrincipalIsAWSService": "false" };
        let statements = vec![
            deny("kms:*").sid("Tls").to("*").when(object! { "Bool": plain }),
            deny(["kms:Decrypt"]).sid("Endpoint").to(object! { "AWS": "*" }).when(object! {
                "StringNotEqualsIfExists": elsewhere,
                "BoolIfExists": service,
            }),
        ];
        let named = vec![self.any_role()];
        self.with(statements, named, vec![pair("aws:SourceVpce", ENDPOINT)])
    }

    fn dead(&mut self) -> KeyPolicy {
        let gone = format!("AIDA{}", self.random.hex(16).to_uppercase());
        let named = self.principals(1, 2);
        let users = [vec![gone], named.clone()].concat();
        self.with(vec![allow(USE).sid("Users").to(aws(users))], named, Vec::new())
    }

    fn old(&mut self) -> KeyPolicy {
        let document = old_document(self.delegation());
        KeyPolicy { document, named: vec![self.any_role()], context: Vec::new() }
    }

    /// The delegation to the account, then some statements.
    fn with(
        &self,
        statements: Vec<Statement>,
        named: Vec<String>,
        context: Vec<(String, String)>,
    ) -> KeyPolicy {
        let all = std::iter::once(self.delegation()).chain(statements).collect();
        KeyPolicy { document: document(all), named, context }
    }

    fn delegation(&self) -> Statement {
        let root = aws(vec![self.world.root_arn(self.account)]);
        allow("kms:*").sid("Enable IAM User Permissions").to(root)
    }

    fn principals(&mut self, low: usize, high: usize) -> Vec<String> {
        let count = self.random.between(low, high);
        let mut principals: Vec<String> = (0..count)
            .map(|_| {
                if self.random.percent(80) {
                    self.any_role()
                } else {
                    self.world.any_user(&mut self.random, self.account)
                }
            })
            .collect();
        principals.sort_unstable();
        principals.dedup();
        principals
    }

    fn any_role(&mut self) -> String {
        self.world.any_role(&mut self.random, self.account)
    }

    fn someone_else(&mut self) -> Vec<String> {
        let other = self.other();
        vec![self.world.any_role(&mut self.random, other)]
    }

    fn other(&mut self) -> usize {
        self.world.other(&mut self.random, self.account)
    }
}

fn pair(key: &str, value: impl Into<String>) -> (String, String) {
    (key.to_owned(), value.into())
}
