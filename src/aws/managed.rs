//! AWS managed policies that are known, by what stands behind `policy/` in their ARNs: those that have
//! nothing to do with keys, `AdministratorAccess`, which allows everything on everything, and others with what
//! they allow of what leads to a principal or a key.
//!
//! The first allow actions of other services only: none of KMS, STS or IAM, and none of the control actions
//! that lead to a principal or a key. Their documents stand in the
//! [AWS Managed Policy Reference](https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html),
//! compared as of 2026-03. One that is not here is not known.

use super::Arn;

/// Sorted.
const WITHOUT_KEYS: [&str; 67] = [
    "AWSAppMeshEnvoyAccess",
    "AWSCloudFormationReadOnlyAccess",
    "AWSElasticBeanstalkWebTier",
    "AWSSecurityHubReadOnlyAccess",
    "AWSStepFunctionsReadOnlyAccess",
    "AWSSupportAccess",
    "AWSXRayDaemonWriteAccess",
    "AWSXrayFullAccess",
    "AWSXrayReadOnlyAccess",
    "AWSXrayWriteOnlyAccess",
    "AmazonAthenaFullAccess",
    "AmazonEC2ContainerRegistryPowerUser",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEC2ReadOnlyAccess",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSFargatePodExecutionRolePolicy",
    "AmazonEKSNetworkingPolicy",
    "AmazonEKSVPCResourceController",
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonElasticFileSystemClientFullAccess",
    "AmazonElasticFileSystemClientReadWriteAccess",
    "AmazonKinesisFullAccess",
    "AmazonKinesisReadOnlyAccess",
    "AmazonPrometheusQueryAccess",
    "AmazonPrometheusRemoteWriteAccess",
    "AmazonRDSDataFullAccess",
    "AmazonRDSReadOnlyAccess",
    "AmazonRedshiftReadOnlyAccess",
    "AmazonRoute53FullAccess",
    "AmazonRoute53ReadOnlyAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSESFullAccess",
    "AmazonSNSFullAccess",
    "AmazonSNSReadOnlyAccess",
    "AmazonSQSFullAccess",
    "AmazonSQSReadOnlyAccess",
    "AmazonSSMManagedEC2InstanceDefaultPolicy",
    "AmazonSSMManagedInstanceCore",
    "AmazonSSMPatchAssociation",
    "AmazonSSMReadOnlyAccess",
    "AmazonVPCFullAccess",
    "AmazonVPCReadOnlyAccess",
    "CloudWatchAgentAdminPolicy",
    "CloudWatchAgentServerPolicy",
    "CloudWatchLambdaInsightsExecutionRolePolicy",
    "CloudWatchLogsFullAccess",
    "CloudWatchLogsReadOnlyAccess",
    "ElasticLoadBalancingReadOnly",
    "service-role/AWSAppSyncPushToCloudWatchLogs",
    "service-role/AWSLambdaBasicExecutionRole",
    "service-role/AWSLambdaDynamoDBExecutionRole",
    "service-role/AWSLambdaENIManagementAccess",
    "service-role/AWSLambdaKinesisExecutionRole",
    "service-role/AWSLambdaMSKExecutionRole",
    "service-role/AWSLambdaSQSQueueExecutionRole",
    "service-role/AWSLambdaVPCAccessExecutionRole",
    "service-role/AmazonAPIGatewayPushToCloudWatchLogs",
    "service-role/AmazonEBSCSIDriverPolicy",
    "service-role/AmazonEC2ContainerServiceforEC2Role",
    "service-role/AmazonEC2RoleforSSM",
    "service-role/AmazonECSTaskExecutionRolePolicy",
    "service-role/AmazonEFSCSIDriverPolicy",
    "service-role/AmazonRDSEnhancedMonitoringRole",
];

/// A statement of a managed policy, which allows something without a condition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowed {
    /// Whether it allows all actions but these.
    pub is_all_but: bool,
    /// The actions, as patterns.
    pub actions: &'static [&'static str],
    /// What it allows them on, as a pattern.
    pub resource: &'static str,
}

const fn on(resource: &'static str, actions: &'static [&'static str]) -> Allowed {
    Allowed { is_all_but: false, actions, resource }
}

const fn on_all(actions: &'static [&'static str]) -> Allowed {
    on("*", actions)
}

const fn all_but(actions: &'static [&'static str]) -> Allowed {
    Allowed { is_all_but: true, actions, resource: "*" }
}

/// All of it.
const EVERYTHING: [Allowed; 1] = [on_all(&["*"])];

/// What others allow, of what leads to a principal or a key: nothing but this. Sorted.
const OTHERS: [(&str, &[Allowed]); 11] = [
    ("AWSCloudFormationFullAccess", &[on_all(&["cloudformation:*"])]),
    (
        "AWSKeyManagementServicePowerUser",
        &[on_all(&[
            "kms:CreateAlias",
            "kms:CreateKey",
            "kms:DeleteAlias",
            "kms:Describe*",
            "kms:GenerateRandom",
            "kms:Get*",
            "kms:List*",
            "kms:TagResource",
            "kms:UntagResource",
        ])],
    ),
    ("IAMFullAccess", &[on_all(&["iam:*"])]),
    ("IAMReadOnlyAccess", &[]),
    (
        "PowerUserAccess",
        &[
            all_but(&["iam:*", "organizations:*", "account:*"]),
            on_all(&["iam:CreateServiceLinkedRole"]),
        ],
    ),
    (
        "ReadOnlyAccess",
        &[on_all(&["kms:Describe*", "kms:Get*", "kms:List*", "sts:GetSessionToken"])],
    ),
    (
        "SecretsManagerReadWrite",
        &[
            on_all(&[
                "cloudformation:CreateChangeSet",
                "cloudformation:ExecuteChangeSet",
                "kms:DescribeKey",
                "kms:ListAliases",
                "kms:ListKeys",
            ]),
            on(
                "arn:aws:lambda:*:*:function:SecretsManager*",
                &[
                    "lambda:AddPermission",
                    "lambda:CreateFunction",
                    "lambda:InvokeFunction",
                    "lambda:UpdateFunctionConfiguration",
                ],
            ),
        ],
    ),
    ("SecurityAudit", &[on_all(&["kms:Describe*", "kms:Get*", "kms:List*"])]),
    ("job-function/SupportUser", &[on_all(&["kms:Describe*", "kms:Get*", "kms:List*"])]),
    ("job-function/ViewOnlyAccess", &[on_all(&["kms:ListKeys", "kms:ListResourceTags"])]),
    (
        "service-role/AWS_ConfigRole",
        &[on_all(&[
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListAliases",
            "kms:ListKeys",
            "kms:ListResourceTags",
        ])],
    ),
];

/// The month in which the documents were compared.
pub const AS_OF: &str = "2026-03";

/// What the AWS managed policy of this ARN allows, of what leads to a principal or a key; nothing where it is
/// not known.
pub fn allowed(arn: &str) -> Option<&'static [Allowed]> {
    match arn {
        _ if allows_everything(arn) => Some(&EVERYTHING),
        _ if is_without_keys(arn) => Some(&[]),
        _ => other(arn),
    }
}

/// The same of one that AWS may have changed since: that is to be said.
pub fn other(arn: &str) -> Option<&'static [Allowed]> {
    let path = path(arn)?;
    OTHERS.iter().find(|(known, _)| *known == path).map(|(_, allowed)| *allowed)
}

/// Whether this is the ARN of an AWS managed policy that surely has nothing to do with keys.
pub fn is_without_keys(arn: &str) -> bool {
    path(arn).is_some_and(|path| WITHOUT_KEYS.binary_search(&path).is_ok())
}

/// Whether this is the ARN of the AWS managed policy that allows every action on every resource.
pub fn allows_everything(arn: &str) -> bool {
    path(arn) == Some("AdministratorAccess")
}

/// What stands behind `policy/` in the ARN of an AWS managed policy.
fn path(arn: &str) -> Option<&str> {
    let named = Arn::parse(arn).filter(|arn| (arn.service, arn.account) == ("iam", "aws"));
    named?.resource.strip_prefix("policy/")
}

/// What stands behind `policy/` in the ARN of the AWS managed policy called `name`: the name alone where
/// the policy is none of the table.
pub fn path_of(name: &str) -> &str {
    let is_named = |path: &&&str| path.rsplit('/').next() == Some(name);
    let others = OTHERS.iter().map(|(path, _)| path);
    WITHOUT_KEYS.iter().chain(others).find(is_named).copied().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_table_names_is_known() {
        assert!(WITHOUT_KEYS.is_sorted());
        assert!(OTHERS.iter().map(|(path, _)| path).is_sorted());
        for (arn, expected) in [
            ("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole", true),
            ("arn:aws-cn:iam::aws:policy/AmazonEKS_CNI_Policy", true),
            ("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole", false),
            ("arn:aws:iam::111122223333:policy/AmazonEKS_CNI_Policy", false),
            ("arn:aws:iam::aws:policy/AmazonEKSClusterPolicy", false),
            ("arn:aws:iam::aws:policy/AdministratorAccess", false),
        ] {
            assert_eq!(is_without_keys(arn), expected, "{arn}");
            assert_eq!(allows_everything(arn), arn.ends_with("/AdministratorAccess"), "{arn}");
        }
        assert!(!allows_everything("arn:aws:iam::111122223333:policy/AdministratorAccess"));
        assert!(!allows_everything("arn:aws:iam::aws:policy/job-function/AdministratorAccess"));
        for (name, first) in [
            ("AdministratorAccess", Some(Some("*"))),
            ("AmazonEKS_CNI_Policy", Some(None)),
            ("SecurityAudit", Some(Some("kms:Describe*"))),
            ("job-function/ViewOnlyAccess", Some(Some("kms:ListKeys"))),
            ("ViewOnlyAccess", None),
            ("PowerUserAccess", Some(Some("iam:*"))),
            ("IAMReadOnlyAccess", Some(None)),
            ("AWSKeyManagementServicePowerUser", Some(Some("kms:CreateAlias"))),
            ("AmazonEC2FullAccess", None),
        ] {
            let known = allowed(&format!("arn:aws:iam::aws:policy/{name}"));
            let actions = known.map(|all| all.first().and_then(|one| one.actions.first().copied()));
            assert_eq!(actions, first, "{name}");
        }
        let of_power = allowed("arn:aws:iam::aws:policy/PowerUserAccess").expect("known");
        assert!(of_power[0].is_all_but && !of_power[1].is_all_but, "{of_power:?}");
        assert_eq!(path_of("AmazonEKS_CNI_Policy"), "AmazonEKS_CNI_Policy");
        assert_eq!(
            path_of("AWSLambdaBasicExecutionRole"),
            "service-role/AWSLambdaBasicExecutionRole"
        );
    }
}
