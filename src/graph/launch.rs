//! What launches code under a role, or changes code that runs under one (rules T28, T29, section 5.3).

use crate::aws::ControlAction;

/// One way to run code under a role.
#[derive(PartialEq, Eq, Debug)]
pub struct Launch {
    /// The service that the role must trust: `lambda.amazonaws.com`.
    pub service: &'static str,
    /// The actions that are needed together, beside iam:PassRole where `passes` says so; the first names
    /// the launch.
    pub actions: &'static [ControlAction],
    /// Whether the role is passed (rule T28); otherwise it is that of something that runs already (T29).
    pub passes: bool,
    /// Whether it changes something that must be there already, of which no export tells.
    pub existing: bool,
}

/// A launch that makes what it runs.
const fn new(service: &'static str, actions: &'static [ControlAction]) -> Launch {
    Launch { service, actions, passes: true, existing: false }
}

/// A launch that gives the role to something that is there already.
const fn given(service: &'static str, actions: &'static [ControlAction]) -> Launch {
    Launch { service, actions, passes: true, existing: true }
}

/// A change of what runs under the role already (rule T29).
const fn running(service: &'static str, actions: &'static [ControlAction]) -> Launch {
    Launch { service, actions, passes: false, existing: true }
}

const APPRUNNER: &str = "tasks.apprunner.amazonaws.com";
const CLOUDFORMATION: &str = "cloudformation.amazonaws.com";
const CODEBUILD: &str = "codebuild.amazonaws.com";
const DATAPIPELINE: &str = "datapipeline.amazonaws.com";
const EC2: &str = "ec2.amazonaws.com";
const ECS: &str = "ecs-tasks.amazonaws.com";
const GLUE: &str = "glue.amazonaws.com";
const LAMBDA: &str = "lambda.amazonaws.com";
const PODS: &str = "pods.eks.amazonaws.com";
const ROLESANYWHERE: &str = "rolesanywhere.amazonaws.com";
const SAGEMAKER: &str = "sagemaker.amazonaws.com";
const STATES: &str = "states.amazonaws.com";

use ControlAction as A;

/// All of them, by service; within a service those that pass the role first, then those that ask for the
/// fewest actions.
pub const LAUNCHES: &[Launch] = &[
    new("autoscaling.amazonaws.com", &[A::AUTOSCALING_CREATE_AUTO_SCALING_GROUP]),
    new("batch.amazonaws.com", &[A::BATCH_REGISTER_JOB_DEFINITION, A::BATCH_SUBMIT_JOB]),
    new(
        "bedrock-agentcore.amazonaws.com",
        &[
            A::BEDROCK_AGENTCORE_CREATE_CODE_INTERPRETER,
            A::BEDROCK_AGENTCORE_START_CODE_INTERPRETER_SESSION,
        ],
    ),
    new(CLOUDFORMATION, &[A::CLOUDFORMATION_CREATE_STACK]),
    given(CLOUDFORMATION, &[A::CLOUDFORMATION_UPDATE_STACK]),
    given(CLOUDFORMATION, &[A::CLOUDFORMATION_UPDATE_STACK_SET]),
    new(
        CLOUDFORMATION,
        &[A::CLOUDFORMATION_CREATE_CHANGE_SET, A::CLOUDFORMATION_EXECUTE_CHANGE_SET],
    ),
    new(
        CLOUDFORMATION,
        &[A::CLOUDFORMATION_CREATE_STACK_SET, A::CLOUDFORMATION_CREATE_STACK_INSTANCES],
    ),
    running(CLOUDFORMATION, &[A::CLOUDFORMATION_UPDATE_STACK]),
    running(
        CLOUDFORMATION,
        &[A::CLOUDFORMATION_CREATE_CHANGE_SET, A::CLOUDFORMATION_EXECUTE_CHANGE_SET],
    ),
    new(CODEBUILD, &[A::CODEBUILD_CREATE_PROJECT, A::CODEBUILD_START_BUILD]),
    new(CODEBUILD, &[A::CODEBUILD_CREATE_PROJECT, A::CODEBUILD_START_BUILD_BATCH]),
    given(CODEBUILD, &[A::CODEBUILD_UPDATE_PROJECT, A::CODEBUILD_START_BUILD]),
    given(CODEBUILD, &[A::CODEBUILD_UPDATE_PROJECT, A::CODEBUILD_START_BUILD_BATCH]),
    running(CODEBUILD, &[A::CODEBUILD_START_BUILD]),
    running(CODEBUILD, &[A::CODEBUILD_START_BUILD_BATCH]),
    new(
        DATAPIPELINE,
        &[
            A::DATAPIPELINE_CREATE_PIPELINE,
            A::DATAPIPELINE_PUT_PIPELINE_DEFINITION,
            A::DATAPIPELINE_ACTIVATE_PIPELINE,
        ],
    ),
    new(EC2, &[A::EC2_RUN_INSTANCES]),
    new(EC2, &[A::EC2_REQUEST_SPOT_INSTANCES]),
    given(EC2, &[A::EC2_ASSOCIATE_IAM_INSTANCE_PROFILE]),
    given(EC2, &[A::EC2_REPLACE_IAM_INSTANCE_PROFILE_ASSOCIATION]),
    // Where no instance profile holds the role yet.
    new(
        EC2,
        &[
            A::EC2_RUN_INSTANCES,
            A::IAM_CREATE_INSTANCE_PROFILE,
            A::IAM_ADD_ROLE_TO_INSTANCE_PROFILE,
        ],
    ),
    running(EC2, &[A::SSM_SEND_COMMAND]),
    running(EC2, &[A::SSM_START_SESSION]),
    running(EC2, &[A::EC2_INSTANCE_CONNECT_SEND_SSH_PUBLIC_KEY]),
    running(EC2, &[A::EC2_CREATE_LAUNCH_TEMPLATE_VERSION, A::EC2_MODIFY_LAUNCH_TEMPLATE]),
    running(
        EC2,
        &[A::EC2_MODIFY_INSTANCE_ATTRIBUTE, A::EC2_STOP_INSTANCES, A::EC2_START_INSTANCES],
    ),
    given(ECS, &[A::ECS_RUN_TASK]),
    given(ECS, &[A::ECS_START_TASK]),
    new(ECS, &[A::ECS_REGISTER_TASK_DEFINITION, A::ECS_RUN_TASK]),
    new(ECS, &[A::ECS_REGISTER_TASK_DEFINITION, A::ECS_START_TASK]),
    new(ECS, &[A::ECS_REGISTER_TASK_DEFINITION, A::ECS_CREATE_SERVICE]),
    given(ECS, &[A::ECS_REGISTER_TASK_DEFINITION, A::ECS_UPDATE_SERVICE]),
    // A job of Batch runs as a task.
    new(ECS, &[A::BATCH_REGISTER_JOB_DEFINITION, A::BATCH_SUBMIT_JOB]),
    running(ECS, &[A::ECS_EXECUTE_COMMAND]),
    new("elasticmapreduce.amazonaws.com", &[A::ELASTICMAPREDUCE_RUN_JOB_FLOW]),
    new("events.amazonaws.com", &[A::EVENTS_PUT_RULE, A::EVENTS_PUT_TARGETS]),
    new(GLUE, &[A::GLUE_CREATE_DEV_ENDPOINT]),
    new(GLUE, &[A::GLUE_CREATE_JOB, A::GLUE_START_JOB_RUN]),
    new(GLUE, &[A::GLUE_CREATE_JOB, A::GLUE_CREATE_TRIGGER]),
    new(GLUE, &[A::GLUE_CREATE_SESSION, A::GLUE_RUN_STATEMENT]),
    given(GLUE, &[A::GLUE_UPDATE_JOB, A::GLUE_START_JOB_RUN]),
    given(GLUE, &[A::GLUE_UPDATE_JOB, A::GLUE_CREATE_TRIGGER]),
    running(GLUE, &[A::GLUE_UPDATE_DEV_ENDPOINT]),
    running(GLUE, &[A::GLUE_UPDATE_JOB]),
    given(LAMBDA, &[A::LAMBDA_UPDATE_FUNCTION_CONFIGURATION]),
    new(LAMBDA, &[A::LAMBDA_CREATE_FUNCTION, A::LAMBDA_INVOKE_FUNCTION]),
    new(LAMBDA, &[A::LAMBDA_CREATE_FUNCTION, A::LAMBDA_CREATE_EVENT_SOURCE_MAPPING]),
    new(LAMBDA, &[A::LAMBDA_CREATE_FUNCTION, A::LAMBDA_ADD_PERMISSION]),
    running(LAMBDA, &[A::LAMBDA_UPDATE_FUNCTION_CODE]),
    running(LAMBDA, &[A::LAMBDA_UPDATE_FUNCTION_CONFIGURATION]),
    new("pipes.amazonaws.com", &[A::PIPES_CREATE_PIPE]),
    // The means to run a pod are those of a cluster that is there.
    given(PODS, &[A::EKS_CREATE_POD_IDENTITY_ASSOCIATION]),
    given(ROLESANYWHERE, &[A::ROLESANYWHERE_UPDATE_PROFILE]),
    new(ROLESANYWHERE, &[A::ROLESANYWHERE_CREATE_TRUST_ANCHOR, A::ROLESANYWHERE_CREATE_PROFILE]),
    given(ROLESANYWHERE, &[A::ROLESANYWHERE_CREATE_TRUST_ANCHOR, A::ROLESANYWHERE_UPDATE_PROFILE]),
    new(SAGEMAKER, &[A::SAGEMAKER_CREATE_NOTEBOOK_INSTANCE]),
    new(SAGEMAKER, &[A::SAGEMAKER_CREATE_TRAINING_JOB]),
    new(SAGEMAKER, &[A::SAGEMAKER_CREATE_PROCESSING_JOB]),
    running(SAGEMAKER, &[A::SAGEMAKER_CREATE_PRESIGNED_NOTEBOOK_INSTANCE_URL]),
    running(SAGEMAKER, &[A::SAGEMAKER_UPDATE_NOTEBOOK_INSTANCE_LIFECYCLE_CONFIG]),
    new("scheduler.amazonaws.com", &[A::SCHEDULER_CREATE_SCHEDULE]),
    new("ssm.amazonaws.com", &[A::SSM_START_AUTOMATION_EXECUTION]),
    new(STATES, &[A::STATES_CREATE_STATE_MACHINE, A::STATES_START_EXECUTION]),
    running(STATES, &[A::STATES_UPDATE_STATE_MACHINE]),
    new(APPRUNNER, &[A::APPRUNNER_CREATE_SERVICE]),
    running(APPRUNNER, &[A::APPRUNNER_UPDATE_SERVICE]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The actions of rows that pass the role, or do not.
    fn actions(passes: bool) -> BTreeSet<ControlAction> {
        let rows = LAUNCHES.iter().filter(|row| row.passes == passes);
        rows.flat_map(|row| row.actions).copied().collect()
    }

    #[test]
    fn t28_t29_every_action_of_the_table_launches_something() {
        for (rule, passes) in [("T28", true), ("T29", false)] {
            let listed = ControlAction::all().filter(|it| it.info().rules.contains(&rule));
            let listed: BTreeSet<ControlAction> =
                listed.filter(|it| *it != ControlAction::IAM_PASS_ROLE).collect();
            assert_eq!(actions(passes), listed, "{rule}");
        }
    }

    #[test]
    fn no_row_stands_twice() {
        for (nth, row) in LAUNCHES.iter().enumerate() {
            assert!(!row.actions.is_empty() && (row.passes || row.existing));
            assert!(!LAUNCHES.iter().skip(nth + 1).any(|other| other == row), "{row:?}");
        }
    }
}
