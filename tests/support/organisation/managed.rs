//! AWS managed policies, the longer ones shortened.

use super::json::Json;
use super::policy::{allow, allow_all_but, document};

/// Names and paths of AWS managed policies, by how often they are attached.
pub const MANAGED: [((&str, &str), usize); 11] = [
    (("/", "ReadOnlyAccess"), 12),
    (("/", "SecurityAudit"), 6),
    (("/", "PowerUserAccess"), 4),
    (("/", "AdministratorAccess"), 2),
    (("/", "AWSKeyManagementServicePowerUser"), 5),
    (("/", "AmazonS3ReadOnlyAccess"), 18),
    (("/", "AmazonEC2FullAccess"), 7),
    (("/", "AmazonSSMManagedInstanceCore"), 14),
    (("/service-role/", "AWSLambdaBasicExecutionRole"), 18),
    (("/", "CloudWatchAgentServerPolicy"), 10),
    (("/", "IAMReadOnlyAccess"), 4),
];
/// The policy of the service-linked role, which nothing else can be attached to.
pub const SERVICE_LINKED: (&str, &str) = ("/aws-service-role/", "AutoScalingServiceRolePolicy");

const SERVICES: [&str; 37] = [
    "acm",
    "autoscaling",
    "cloudformation",
    "cloudfront",
    "cloudtrail",
    "cloudwatch",
    "config",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "eks",
    "elasticache",
    "elasticfilesystem",
    "elasticloadbalancing",
    "events",
    "glacier",
    "glue",
    "guardduty",
    "iam",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "rds",
    "redshift",
    "route53",
    "s3",
    "sagemaker",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "states",
    "tag",
    "waf",
    "xray",
];

/// The ARN of an AWS managed policy.
pub fn arn((path, name): (&str, &str)) -> String {
    format!("arn:aws:iam::aws:policy{path}{name}")
}

/// What an AWS managed policy says.
pub fn content(name: &str) -> Json {
    let actions: Vec<String> = match name {
        "AdministratorAccess" => return document(vec![allow("*")]),
        "PowerUserAccess" => {
            return document(vec![
                allow_all_but(["iam:*", "organizations:*", "account:*"]),
                allow([
                    "iam:CreateServiceLinkedRole",
                    "iam:ListRoles",
                    "account:GetAccountInformation",
                ]),
            ]);
        }
        "ReadOnlyAccess" => on_all_services(&["Describe*", "Get*", "List*"]),
        "SecurityAudit" => {
            let mut actions = on_all_services(&["Describe*", "List*"]);
            actions.extend(owned(&["iam:Get*", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus"]));
            actions
        }
        "AWSKeyManagementServicePowerUser" => owned(&[
            "kms:CreateAlias",
            "kms:CreateKey",
            "kms:DeleteAlias",
            "kms:Describe*",
            "kms:GenerateRandom",
            "kms:Get*",
            "kms:List*",
            "kms:TagResource",
            "kms:UntagResource",
            "iam:ListGroups",
            "iam:ListRoles",
            "iam:ListUsers",
        ]),
        "AmazonS3ReadOnlyAccess" => owned(&["s3:Get*", "s3:List*", "s3:Describe*"]),
        "AmazonEC2FullAccess" => {
            owned(&["ec2:*", "elasticloadbalancing:*", "cloudwatch:*", "autoscaling:*"])
        }
        "AmazonSSMManagedInstanceCore" => owned(&[
            "ssm:DescribeAssociation",
            "ssm:GetDocument",
            "ssm:GetParameter",
            "ssm:PutInventory",
            "ssm:UpdateInstanceInformation",
            "ssmmessages:CreateControlChannel",
            "ssmmessages:OpenDataChannel",
            "ec2messages:GetMessages",
        ]),
        "AWSLambdaBasicExecutionRole" => {
            owned(&["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
        }
        "CloudWatchAgentServerPolicy" => owned(&[
            "cloudwatch:PutMetricData",
            "ec2:DescribeVolumes",
            "ec2:DescribeTags",
            "logs:PutLogEvents",
            "logs:DescribeLogStreams",
        ]),
        "IAMReadOnlyAccess" => owned(&["iam:GenerateCredentialReport", "iam:Get*", "iam:List*"]),
        _ => owned(&["ec2:*Fleet*", "ec2:RunInstances", "ec2:TerminateInstances", "ec2:Describe*"]),
    };
    document(vec![allow(actions)])
}

fn owned(actions: &[&str]) -> Vec<String> {
    actions.iter().map(|&action| action.to_owned()).collect()
}

fn on_all_services(names: &[&str]) -> Vec<String> {
    SERVICES
        .iter()
        .flat_map(|service| names.iter().map(move |name| format!("{service}:{name}")))
        .collect()
}
