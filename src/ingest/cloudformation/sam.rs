//! Serverless applications: the roles that SAM makes for functions and state machines.

use crate::aws::managed::path_of;
use crate::inventory::AttachedPolicy;
use crate::policy::PolicyKind;
use crate::source::{Located, Span};
use crate::syntax::{Kind, Member, Node};

use super::super::facts::PrincipalKind;
use super::evaluate::{At, Resource, string, text_of, unknown};
use super::holder::Holder;
use super::identities::Gathered;
use super::names::Names;
use super::text;

/// A role that SAM makes.
pub(super) struct Role {
    /// Its name, as a text.
    pub(super) name: String,
    /// Its ARN, as a text.
    pub(super) arn: String,
}

/// The service that a resource's role is for.
fn service(of_type: &str) -> Option<&'static str> {
    match of_type {
        "AWS::Serverless::Function" => Some("lambda.amazonaws.com"),
        "AWS::Serverless::StateMachine" => Some("states.amazonaws.com"),
        _ => None,
    }
}

/// A property of a resource, or what the globals of the template say where it has none.
fn property(at: &At<'_, '_>, resource: &Resource<'_>, name: &str) -> Option<Node<'static>> {
    let kind = resource.of_type().strip_prefix("AWS::Serverless::")?;
    let global = || at.stack.template.root.get("Globals")?.get(kind)?.get(name);
    at.property(resource, name).or_else(|| at.eval(global()?))
}

/// A value as a text, known or not.
fn text(node: &Node<'static>) -> String {
    text_of(node).unwrap_or_else(|| text::hole("..."))
}

/// The logical id of the role that SAM makes for the resource `name`.
pub(super) fn logical_id(name: &str) -> String {
    format!("{name}Role")
}

/// The role that SAM makes for a resource; nothing where it has one already.
pub(super) fn role_of(at: &At<'_, '_>, resource: &Resource<'_>) -> Option<Role> {
    service(resource.of_type())?;
    // One that may be none leaves a role to be made.
    if at.property(resource, "Role").is_some_and(|role| !role.may_be_none()) {
        return None;
    }
    let path =
        property(at, resource, "RolePath").map_or_else(|| "/".to_owned(), |path| text(&path));
    let name = at.generated_name(&logical_id(resource.name));
    let arn = format!("arn:{}:iam::{}:role{path}{name}", at.partition(), at.account());
    Some(Role { name, arn })
}

/// The role with the logical id `name` that SAM makes.
pub(super) fn role_named(at: &At<'_, '_>, name: &str) -> Option<Role> {
    role_of(at, &at.resource_named(name.strip_suffix("Role")?)?)
}

/// Takes the role that SAM makes for a resource.
pub(super) fn declare(
    gathered: &mut Gathered<'_>,
    names: &Names,
    at: &At<'_, '_>,
    resource: &Resource<'_>,
) {
    let Some(service) = service(resource.of_type()) else { return };
    let Some(role) = role_of(at, resource) else { return };
    let mut holder = gathered.holder(at, resource, PrincipalKind::Role);
    if let Some(boundary) = property(at, resource, "PermissionsBoundary") {
        let place = at.stack.template.place(resource.span);
        let arn = names.known(&text(&boundary));
        holder.bind(arn.map(|arn| AttachedPolicy { arn, place }));
    }
    let trust = at.property(resource, "AssumeRolePolicyDocument");
    let trust = trust.unwrap_or_else(|| trusting(resource.span, service));
    holder.trust(names.policy(at, PolicyKind::Trust, &trust, None));
    let policies = at.property(resource, "Policies");
    for (nth, node) in policies.iter().flat_map(Node::one_or_many).enumerate() {
        give(&mut holder, names, at, resource, (nth, node));
    }
    for (nth, policy) in of_events(at, resource).into_iter().enumerate() {
        let name = format!("{}RoleEvents{nth}", resource.name);
        holder.give(&name, names.policy(at, PolicyKind::Identity, &policy, None));
    }
    gathered.add(at, resource, text::named(&role.arn).into(), holder);
}

/// What SAM lets a function decrypt whose events need a secret: the source names the secret's key.
fn of_events(at: &At<'_, '_>, resource: &Resource<'_>) -> Vec<Node<'static>> {
    let events = at.property(resource, "Events");
    let each = events.iter().flat_map(Node::members);
    let keys =
        each.filter_map(|event| event.value.get("Properties")?.get("SecretsManagerKmsKeyId"));
    let actions =
        |span| Node { span, tag: None, kind: Kind::Array(vec![string(span, "kms:Decrypt")]) };
    keys.map(|key| on_key(at, key.span, actions(key.span), &text(key))).collect()
}

/// One entry of `Policies`: a managed policy, a policy, or a policy template.
fn give(
    holder: &mut Holder,
    names: &Names,
    at: &At<'_, '_>,
    resource: &Resource<'_>,
    (nth, node): (usize, &Node<'static>),
) {
    let name = format!("{}RolePolicy{nth}", resource.name);
    if node.get("Statement").is_some() {
        let document = names.policy(at, PolicyKind::Identity, &versioned(node), None);
        return holder.give(&name, document);
    }
    match (&node.kind, node.members()) {
        (Kind::String(_), _) => {
            let managed =
                text_of(node).map(|text| match text.contains(':') || !text::is_known(&text) {
                    true => text,
                    false => format!("arn:{}:iam::aws:policy/{}", at.partition(), path_of(&text)),
                });
            let place = at.stack.template.place(node.span);
            let arn = managed.and_then(|text| names.known(&text));
            holder.take(arn.map(|arn| AttachedPolicy { arn, place }));
        }
        (_, [template]) => match from_template(at, template) {
            Template::Policy(policy) => {
                holder.give(&name, names.policy(at, PolicyKind::Identity, &policy, None));
            }
            Template::WithoutKms => {}
            Template::Other => {
                let what = format!("the policy template {}", template.name.value);
                let policy = unknown(node.span, &what);
                at.unresolved(node.span, what);
                holder.give(&name, names.policy(at, PolicyKind::Identity, &policy, None));
            }
        },
        _ => {
            let policy = unknown(node.span, &format!("{}.Policies", resource.name));
            holder.give(&name, names.policy(at, PolicyKind::Identity, &policy, None));
        }
    }
}

/// What a policy template of SAM comes to.
enum Template {
    Policy(Node<'static>),
    /// It allows nothing of KMS and nothing that leads there.
    WithoutKms,
    Other,
}

/// The policy templates that have nothing to do with KMS, without `Policy` and a version behind.
const OTHERS: [&str; 76] = [
    "AMIDescribe",
    "AWSSecretsManagerGetSecretValue",
    "AWSSecretsManagerRotation",
    "AcmGetCertificate",
    "AthenaQuery",
    "CloudFormationDescribeStacks",
    "CloudWatchDashboard",
    "CloudWatchDescribeAlarmHistory",
    "CloudWatchPutMetric",
    "CodeCommitCrud",
    "CodeCommitRead",
    "CodePipelineLambdaExecution",
    "CodePipelineReadOnly",
    "ComprehendBasicAccess",
    "CostExplorerReadOnly",
    "DynamoDBBackupFullAccess",
    "DynamoDBCrud",
    "DynamoDBRead",
    "DynamoDBReconfigure",
    "DynamoDBRestoreFromBackup",
    "DynamoDBStreamRead",
    "DynamoDBWrite",
    "EC2CopyImage",
    "EC2Describe",
    "EFSWriteAccess",
    "EKSDescribe",
    "EcsRunTask",
    "ElasticMapReduceAddJobFlowSteps",
    "ElasticMapReduceCancelSteps",
    "ElasticMapReduceModifyInstanceFleet",
    "ElasticMapReduceModifyInstanceGroups",
    "ElasticMapReduceSetTerminationProtection",
    "ElasticMapReduceTerminateJobFlows",
    "ElasticsearchHttpPost",
    "EventBridgePutEvents",
    "FilterLogEvents",
    "FirehoseCrud",
    "FirehoseWrite",
    "KinesisCrud",
    "KinesisStreamRead",
    "LambdaInvoke",
    "MobileAnalyticsWriteOnlyAccess",
    "OrganizationsListAccounts",
    "PinpointEndpointAccess",
    "PollyFullAccess",
    "RekognitionDetectOnly",
    "RekognitionFacesManagement",
    "RekognitionFaces",
    "RekognitionLabels",
    "RekognitionNoDataAccess",
    "RekognitionRead",
    "RekognitionWriteOnlyAccess",
    "Route53ChangeResourceRecordSets",
    "S3Crud",
    "S3FullAccess",
    "S3Read",
    "S3Write",
    "SESBulkTemplatedCrud",
    "SESCrud",
    "SESEmailTemplateCrud",
    "SESSendBounce",
    "SNSCrud",
    "SNSPublishMessage",
    "SQSPoller",
    "SQSSendMessage",
    "SSMParameterRead",
    "SSMParameterWithSlashPrefixRead",
    "SageMakerCreateEndpointConfig",
    "SageMakerCreateEndpoint",
    "ServerlessRepoReadWriteAccess",
    "StepFunctionsCallback",
    "StepFunctionsExecution",
    "TextractDetectAnalyze",
    "TextractGetResult",
    "Textract",
    "VPCAccess",
];

/// What the second version of `KMSEncryptPolicy` allows.
const ENCRYPT: [&str; 5] = [
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
];

/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-templates.html>
fn from_template(at: &At<'_, '_>, template: &Member<'static>) -> Template {
    let span = template.value.span;
    let actions = match &*template.name.value {
        "KMSDecryptPolicy" => ["kms:Decrypt"].as_slice(),
        "KMSEncryptPolicy" => &["kms:Encrypt"],
        "KMSEncryptPolicy_v2" => &ENCRYPT,
        name => {
            let name = name.strip_suffix("_v2").unwrap_or(name).strip_suffix("Policy");
            let is_other = name.is_some_and(|name| OTHERS.contains(&name));
            return if is_other { Template::WithoutKms } else { Template::Other };
        }
    };
    let actions = actions.iter().map(|action| string(span, *action)).collect();
    let actions = Node { span, tag: None, kind: Kind::Array(actions) };
    let id = template.value.get("KeyId").and_then(text_of);
    let id = id.unwrap_or_else(|| text::hole("KeyId"));
    Template::Policy(on_key(at, span, actions, &id))
}

/// A policy that allows actions on the key of this id.
fn on_key(at: &At<'_, '_>, span: Span, actions: Node<'static>, id: &str) -> Node<'static> {
    let (partition, region, account) = (at.partition(), at.region(), at.account());
    let arn = format!("arn:{partition}:kms:{region}:{account}:key/{id}");
    let statement = object(
        span,
        [("Effect", string(span, "Allow")), ("Action", actions), ("Resource", string(span, arn))],
    );
    document(span, statement)
}

/// SAM gives a policy without a version the newer one.
fn versioned(node: &Node<'static>) -> Node<'static> {
    let mut node = node.clone();
    if node.get("Version").is_none()
        && let Kind::Object(members) = &mut node.kind
    {
        let name = Located::new("Version".into(), node.span);
        members.push(Member { name, value: string(node.span, "2012-10-17") });
    }
    node
}

fn trusting(span: Span, service: &str) -> Node<'static> {
    let principal = object(span, [("Service", string(span, service))]);
    let statement = object(
        span,
        [
            ("Effect", string(span, "Allow")),
            ("Principal", principal),
            ("Action", string(span, "sts:AssumeRole")),
        ],
    );
    document(span, statement)
}

fn document(span: Span, statement: Node<'static>) -> Node<'static> {
    object(span, [("Version", string(span, "2012-10-17")), ("Statement", statement)])
}

fn object<const N: usize>(
    span: Span,
    members: [(&'static str, Node<'static>); N],
) -> Node<'static> {
    let members = members.into_iter();
    let members =
        members.map(|(name, value)| Member { name: Located::new(name.into(), span), value });
    Node { span, tag: None, kind: Kind::Object(members.collect()) }
}
