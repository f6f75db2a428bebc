//! AWS managed policies that are known: those that have nothing to do with keys, by what stands behind
//! `policy/` in their ARNs, and `AdministratorAccess`, which allows everything on everything.
//!
//! Each of the others allows actions of other services only: none of KMS, STS or IAM, and none of the control actions
//! that lead to a principal or a key. Their documents stand in the
//! [AWS Managed Policy Reference](https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html),
//! compared as of 2026-03. One that is not here is not known.

use super::Arn;

/// Sorted.
const WITHOUT_KEYS: [&str; 36] = [
    "AWSXRayDaemonWriteAccess",
    "AWSXrayWriteOnlyAccess",
    "AmazonEC2ContainerRegistryPowerUser",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEC2ReadOnlyAccess",
    "AmazonEKSFargatePodExecutionRolePolicy",
    "AmazonEKSVPCResourceController",
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonPrometheusRemoteWriteAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSNSFullAccess",
    "AmazonSQSFullAccess",
    "AmazonSSMManagedInstanceCore",
    "AmazonSSMReadOnlyAccess",
    "CloudWatchAgentServerPolicy",
    "CloudWatchLambdaInsightsExecutionRolePolicy",
    "CloudWatchLogsFullAccess",
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
    WITHOUT_KEYS.iter().find(is_named).copied().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_table_names_is_known() {
        assert!(WITHOUT_KEYS.is_sorted());
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
        assert_eq!(path_of("AmazonEKS_CNI_Policy"), "AmazonEKS_CNI_Policy");
        assert_eq!(
            path_of("AWSLambdaBasicExecutionRole"),
            "service-role/AWSLambdaBasicExecutionRole"
        );
    }
}
