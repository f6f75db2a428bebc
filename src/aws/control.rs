//! The actions outside KMS that can lead to a key (section 5 of the semantics).

use super::action::compare_ignoring_case;
use super::rows::action_rows;
use super::{ControlActionInfo, control_info};

action_rows! {
    /// One action of IAM, STS, Organizations or of a service that launches code under a role, as an index
    /// into the table of control actions; the order is the table's, by name.
    ControlAction with "" {
        APPRUNNER_CREATE_SERVICE = "apprunner:CreateService",
        APPRUNNER_UPDATE_SERVICE = "apprunner:UpdateService",
        AUTOSCALING_CREATE_AUTO_SCALING_GROUP = "autoscaling:CreateAutoScalingGroup",
        BATCH_REGISTER_JOB_DEFINITION = "batch:RegisterJobDefinition",
        BATCH_SUBMIT_JOB = "batch:SubmitJob",
        BEDROCK_AGENTCORE_CREATE_CODE_INTERPRETER = "bedrock-agentcore:CreateCodeInterpreter",
        BEDROCK_AGENTCORE_START_CODE_INTERPRETER_SESSION = "bedrock-agentcore:StartCodeInterpreterSession",
        CLOUDFORMATION_CREATE_CHANGE_SET = "cloudformation:CreateChangeSet",
        CLOUDFORMATION_CREATE_STACK = "cloudformation:CreateStack",
        CLOUDFORMATION_CREATE_STACK_INSTANCES = "cloudformation:CreateStackInstances",
        CLOUDFORMATION_CREATE_STACK_SET = "cloudformation:CreateStackSet",
        CLOUDFORMATION_EXECUTE_CHANGE_SET = "cloudformation:ExecuteChangeSet",
        CLOUDFORMATION_UPDATE_STACK = "cloudformation:UpdateStack",
        CLOUDFORMATION_UPDATE_STACK_SET = "cloudformation:UpdateStackSet",
        CODEBUILD_CREATE_PROJECT = "codebuild:CreateProject",
        CODEBUILD_START_BUILD = "codebuild:StartBuild",
        CODEBUILD_START_BUILD_BATCH = "codebuild:StartBuildBatch",
        CODEBUILD_UPDATE_PROJECT = "codebuild:UpdateProject",
        DATAPIPELINE_ACTIVATE_PIPELINE = "datapipeline:ActivatePipeline",
        DATAPIPELINE_CREATE_PIPELINE = "datapipeline:CreatePipeline",
        DATAPIPELINE_PUT_PIPELINE_DEFINITION = "datapipeline:PutPipelineDefinition",
        EC2_INSTANCE_CONNECT_SEND_SSH_PUBLIC_KEY = "ec2-instance-connect:SendSSHPublicKey",
        EC2_ASSOCIATE_IAM_INSTANCE_PROFILE = "ec2:AssociateIamInstanceProfile",
        EC2_CREATE_LAUNCH_TEMPLATE_VERSION = "ec2:CreateLaunchTemplateVersion",
        EC2_MODIFY_INSTANCE_ATTRIBUTE = "ec2:ModifyInstanceAttribute",
        EC2_MODIFY_LAUNCH_TEMPLATE = "ec2:ModifyLaunchTemplate",
        EC2_REPLACE_IAM_INSTANCE_PROFILE_ASSOCIATION = "ec2:ReplaceIamInstanceProfileAssociation",
        EC2_REQUEST_SPOT_INSTANCES = "ec2:RequestSpotInstances",
        EC2_RUN_INSTANCES = "ec2:RunInstances",
        EC2_START_INSTANCES = "ec2:StartInstances",
        EC2_STOP_INSTANCES = "ec2:StopInstances",
        ECS_CREATE_SERVICE = "ecs:CreateService",
        ECS_EXECUTE_COMMAND = "ecs:ExecuteCommand",
        ECS_REGISTER_TASK_DEFINITION = "ecs:RegisterTaskDefinition",
        ECS_RUN_TASK = "ecs:RunTask",
        ECS_START_TASK = "ecs:StartTask",
        ECS_UPDATE_SERVICE = "ecs:UpdateService",
        EKS_CREATE_POD_IDENTITY_ASSOCIATION = "eks:CreatePodIdentityAssociation",
        ELASTICMAPREDUCE_RUN_JOB_FLOW = "elasticmapreduce:RunJobFlow",
        EVENTS_PUT_RULE = "events:PutRule",
        EVENTS_PUT_TARGETS = "events:PutTargets",
        GLUE_CREATE_DEV_ENDPOINT = "glue:CreateDevEndpoint",
        GLUE_CREATE_JOB = "glue:CreateJob",
        GLUE_CREATE_SESSION = "glue:CreateSession",
        GLUE_CREATE_TRIGGER = "glue:CreateTrigger",
        GLUE_RUN_STATEMENT = "glue:RunStatement",
        GLUE_START_JOB_RUN = "glue:StartJobRun",
        GLUE_UPDATE_DEV_ENDPOINT = "glue:UpdateDevEndpoint",
        GLUE_UPDATE_JOB = "glue:UpdateJob",
        IAM_ADD_CLIENT_ID_TO_OPEN_ID_CONNECT_PROVIDER = "iam:AddClientIDToOpenIDConnectProvider",
        IAM_ADD_ROLE_TO_INSTANCE_PROFILE = "iam:AddRoleToInstanceProfile",
        IAM_ADD_USER_TO_GROUP = "iam:AddUserToGroup",
        IAM_ATTACH_GROUP_POLICY = "iam:AttachGroupPolicy",
        IAM_ATTACH_ROLE_POLICY = "iam:AttachRolePolicy",
        IAM_ATTACH_USER_POLICY = "iam:AttachUserPolicy",
        IAM_CREATE_ACCESS_KEY = "iam:CreateAccessKey",
        IAM_CREATE_GROUP = "iam:CreateGroup",
        IAM_CREATE_INSTANCE_PROFILE = "iam:CreateInstanceProfile",
        IAM_CREATE_LOGIN_PROFILE = "iam:CreateLoginProfile",
        IAM_CREATE_OPEN_ID_CONNECT_PROVIDER = "iam:CreateOpenIDConnectProvider",
        IAM_CREATE_POLICY = "iam:CreatePolicy",
        IAM_CREATE_POLICY_VERSION = "iam:CreatePolicyVersion",
        IAM_CREATE_ROLE = "iam:CreateRole",
        IAM_CREATE_SAML_PROVIDER = "iam:CreateSAMLProvider",
        IAM_CREATE_SERVICE_LINKED_ROLE = "iam:CreateServiceLinkedRole",
        IAM_CREATE_USER = "iam:CreateUser",
        IAM_CREATE_VIRTUAL_MFA_DEVICE = "iam:CreateVirtualMFADevice",
        IAM_DELETE_ACCESS_KEY = "iam:DeleteAccessKey",
        IAM_DELETE_GROUP_POLICY = "iam:DeleteGroupPolicy",
        IAM_DELETE_ROLE_PERMISSIONS_BOUNDARY = "iam:DeleteRolePermissionsBoundary",
        IAM_DELETE_ROLE_POLICY = "iam:DeleteRolePolicy",
        IAM_DELETE_USER_PERMISSIONS_BOUNDARY = "iam:DeleteUserPermissionsBoundary",
        IAM_DELETE_USER_POLICY = "iam:DeleteUserPolicy",
        IAM_DETACH_GROUP_POLICY = "iam:DetachGroupPolicy",
        IAM_DETACH_ROLE_POLICY = "iam:DetachRolePolicy",
        IAM_DETACH_USER_POLICY = "iam:DetachUserPolicy",
        IAM_ENABLE_MFA_DEVICE = "iam:EnableMFADevice",
        IAM_PASS_ROLE = "iam:PassRole",
        IAM_PUT_GROUP_POLICY = "iam:PutGroupPolicy",
        IAM_PUT_ROLE_PERMISSIONS_BOUNDARY = "iam:PutRolePermissionsBoundary",
        IAM_PUT_ROLE_POLICY = "iam:PutRolePolicy",
        IAM_PUT_USER_PERMISSIONS_BOUNDARY = "iam:PutUserPermissionsBoundary",
        IAM_PUT_USER_POLICY = "iam:PutUserPolicy",
        IAM_REMOVE_USER_FROM_GROUP = "iam:RemoveUserFromGroup",
        IAM_SET_DEFAULT_POLICY_VERSION = "iam:SetDefaultPolicyVersion",
        IAM_TAG_ROLE = "iam:TagRole",
        IAM_TAG_USER = "iam:TagUser",
        IAM_UNTAG_ROLE = "iam:UntagRole",
        IAM_UNTAG_USER = "iam:UntagUser",
        IAM_UPDATE_ASSUME_ROLE_POLICY = "iam:UpdateAssumeRolePolicy",
        IAM_UPDATE_LOGIN_PROFILE = "iam:UpdateLoginProfile",
        IAM_UPDATE_SAML_PROVIDER = "iam:UpdateSAMLProvider",
        IDENTITYSTORE_CREATE_GROUP_MEMBERSHIP = "identitystore:CreateGroupMembership",
        LAMBDA_ADD_PERMISSION = "lambda:AddPermission",
        LAMBDA_CREATE_EVENT_SOURCE_MAPPING = "lambda:CreateEventSourceMapping",
        LAMBDA_CREATE_FUNCTION = "lambda:CreateFunction",
        LAMBDA_INVOKE_FUNCTION = "lambda:InvokeFunction",
        LAMBDA_UPDATE_FUNCTION_CODE = "lambda:UpdateFunctionCode",
        LAMBDA_UPDATE_FUNCTION_CONFIGURATION = "lambda:UpdateFunctionConfiguration",
        ORGANIZATIONS_DETACH_POLICY = "organizations:DetachPolicy",
        ORGANIZATIONS_DISABLE_POLICY_TYPE = "organizations:DisablePolicyType",
        ORGANIZATIONS_LEAVE_ORGANIZATION = "organizations:LeaveOrganization",
        ORGANIZATIONS_MOVE_ACCOUNT = "organizations:MoveAccount",
        ORGANIZATIONS_UPDATE_POLICY = "organizations:UpdatePolicy",
        PIPES_CREATE_PIPE = "pipes:CreatePipe",
        RAM_ASSOCIATE_RESOURCE_SHARE = "ram:AssociateResourceShare",
        RAM_ASSOCIATE_RESOURCE_SHARE_PERMISSION = "ram:AssociateResourceSharePermission",
        RAM_CREATE_RESOURCE_SHARE = "ram:CreateResourceShare",
        ROLESANYWHERE_CREATE_PROFILE = "rolesanywhere:CreateProfile",
        ROLESANYWHERE_CREATE_TRUST_ANCHOR = "rolesanywhere:CreateTrustAnchor",
        ROLESANYWHERE_UPDATE_PROFILE = "rolesanywhere:UpdateProfile",
        SAGEMAKER_CREATE_NOTEBOOK_INSTANCE = "sagemaker:CreateNotebookInstance",
        SAGEMAKER_CREATE_PRESIGNED_NOTEBOOK_INSTANCE_URL = "sagemaker:CreatePresignedNotebookInstanceUrl",
        SAGEMAKER_CREATE_PROCESSING_JOB = "sagemaker:CreateProcessingJob",
        SAGEMAKER_CREATE_TRAINING_JOB = "sagemaker:CreateTrainingJob",
        SAGEMAKER_UPDATE_NOTEBOOK_INSTANCE_LIFECYCLE_CONFIG = "sagemaker:UpdateNotebookInstanceLifecycleConfig",
        SCHEDULER_CREATE_SCHEDULE = "scheduler:CreateSchedule",
        SSM_SEND_COMMAND = "ssm:SendCommand",
        SSM_START_AUTOMATION_EXECUTION = "ssm:StartAutomationExecution",
        SSM_START_SESSION = "ssm:StartSession",
        SSO_ATTACH_MANAGED_POLICY_TO_PERMISSION_SET = "sso:AttachManagedPolicyToPermissionSet",
        SSO_CREATE_ACCOUNT_ASSIGNMENT = "sso:CreateAccountAssignment",
        SSO_PROVISION_PERMISSION_SET = "sso:ProvisionPermissionSet",
        SSO_PUT_INLINE_POLICY_TO_PERMISSION_SET = "sso:PutInlinePolicyToPermissionSet",
        STATES_CREATE_STATE_MACHINE = "states:CreateStateMachine",
        STATES_START_EXECUTION = "states:StartExecution",
        STATES_UPDATE_STATE_MACHINE = "states:UpdateStateMachine",
        STS_ASSUME_ROLE = "sts:AssumeRole",
        STS_ASSUME_ROLE_WITH_SAML = "sts:AssumeRoleWithSAML",
        STS_ASSUME_ROLE_WITH_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity",
        STS_GET_FEDERATION_TOKEN = "sts:GetFederationToken",
        STS_GET_SESSION_TOKEN = "sts:GetSessionToken",
        STS_SET_SOURCE_IDENTITY = "sts:SetSourceIdentity",
        STS_TAG_SESSION = "sts:TagSession",
    }
}

impl ControlAction {
    /// The action that `text`, such as `iam:PassRole`, names; prefix and name compare without regard to
    /// case, and a pattern names none (Rule A50).
    pub fn parse(text: &str) -> Option<Self> {
        let row = TEXTS.binary_search_by(|row| compare_ignoring_case(row, text)).ok()?;
        Self::from_index(row)
    }

    /// The service's prefix: `iam`.
    pub fn service(self) -> &'static str {
        self.as_str().split_once(':').map_or("", |(prefix, _)| prefix)
    }

    /// The name without prefix: `PassRole`.
    pub fn name(self) -> &'static str {
        self.as_str().split_once(':').map_or("", |(_, name)| name)
    }

    /// What the table says of the action.
    pub fn info(self) -> &'static ControlActionInfo {
        control_info::of(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_named_as_the_table() {
        assert_eq!(CONSTANTS.len(), ControlAction::COUNT);
        for &(constant, action) in CONSTANTS {
            let name = action.as_str().replace([':', '-'], "").to_uppercase();
            assert_eq!(constant.replace('_', ""), name);
            assert_eq!(action.info().name, action.as_str());
            assert_eq!(format!("{}:{}", action.service(), action.name()), action.as_str());
        }
        assert_eq!(ControlAction::IAM_PASS_ROLE.name(), "PassRole");
    }

    #[test]
    fn names_ascend_without_regard_to_case() {
        assert!(TEXTS.is_sorted_by(|left, right| compare_ignoring_case(left, right).is_lt()));
    }

    #[test]
    fn a50_action_names_ignore_case() {
        for action in ControlAction::all() {
            assert_eq!(ControlAction::parse(&action.as_str().to_uppercase()), Some(action));
            assert_eq!(ControlAction::from_index(action.index()), Some(action));
        }
        for text in ["iam:*", "iam:", "PassRole", "kms:Decrypt", "iam:PassRole ", "*"] {
            assert_eq!(ControlAction::parse(text), None, "{text}");
        }
    }
}
