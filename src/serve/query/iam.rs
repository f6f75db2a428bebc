//! IAM: what it takes to make a user who can use a key.

use crate::aws::AccountId;
use crate::decision::ControlRequest;
use crate::encryptor::Touched;
use crate::graph::Call;
use crate::inventory::{Edit, IdentityKind, Tags};
use crate::policy::{Gravity, PolicyDocument, PolicyKind};
use crate::serve::endpoint::World;
use crate::serve::who::{policy, unique_id};

use super::{QueryFault, Question, Xml};

/// Access keys of a user that CreateAccessKey makes.
const ACCESS_KEYS: u32 = 2;
/// Quotas of the page "IAM and AWS STS quotas": groups of a user, managed policies of a group, and
/// characters of a managed policy, white space aside.
const GROUPS: usize = 10;
const POLICIES: usize = 10;
const POLICY_SIZE: usize = 6144;

type Done = Result<Option<Xml>, QueryFault>;

/// CreateUser.
pub(super) fn create_user(question: &Question<'_>) -> Done {
    let _alone = question.endpoint.one_at_a_time();
    let scene = Scene::new(question)?;
    let name = scene.name("UserName", 64)?;
    let user = scene.arn("user", &scene.path()?, name);
    let tags = tags(question)?;
    let boundary = question.form.get("PermissionsBoundary").map(Into::into);
    let call = Call::CreateUser { user: user.as_str().into(), boundary, tags };
    scene.authorize(&call)?;
    if scene.user(name).is_some() {
        let message = format!("User with name {name} already exists.");
        return Err(QueryFault::new(409, "EntityAlreadyExists", message));
    }
    scene.change(&call.edits(&question.who.caller))?;
    let user = scene.described("User", "AIDA", name, &user);
    Ok(Some(Xml::new("Result").with(user)))
}

/// CreateAccessKey, for the caller where no user is named.
pub(super) fn create_access_key(question: &Question<'_>) -> Done {
    let _alone = question.endpoint.one_at_a_time();
    let scene = Scene::new(question)?;
    let name = match question.form.get("UserName") {
        Some(_) => scene.name("UserName", 64)?,
        None if question.who.session.is_some() => {
            let message = "Must specify userName when calling with non-User credentials";
            return Err(QueryFault::validation(message));
        }
        None => question.who.caller.text.rsplit('/').next().unwrap_or_default(),
    };
    let arn = scene.user(name).unwrap_or_else(|| scene.arn("user", "/", name));
    scene.authorize(&Call::CreateAccessKey { user: arn.as_str().into() })?;
    scene.known_user(name)?;
    let made = question.endpoint.made(&arn, ACCESS_KEYS).map_err(internal)?;
    let key = made.ok_or_else(|| quota("AccessKeysPerUser", ACCESS_KEYS as usize))?;
    let key = Xml::new("AccessKey")
        .with_text("UserName", name)
        .with_text("AccessKeyId", &key.id)
        .with_text("Status", "Active")
        .with_text("SecretAccessKey", &key.secret)
        .with_text("CreateDate", &scene.date());
    Ok(Some(Xml::new("Result").with(key)))
}

/// CreateGroup.
pub(super) fn create_group(question: &Question<'_>) -> Done {
    let _alone = question.endpoint.one_at_a_time();
    let scene = Scene::new(question)?;
    let name = scene.name("GroupName", 128)?;
    let group = scene.arn("group", &scene.path()?, name);
    scene.allowed(crate::aws::ControlAction::IAM_CREATE_GROUP, &group)?;
    if scene.group(name).is_some() {
        let message = format!("Group with name {name} already exists.");
        return Err(QueryFault::new(409, "EntityAlreadyExists", message));
    }
    scene.change(&[Edit::CreateGroup { group: group.as_str().into() }])?;
    Ok(Some(Xml::new("Result").with(scene.described("Group", "AGPA", name, &group))))
}

/// CreatePolicy.
pub(super) fn create_policy(question: &Question<'_>) -> Done {
    let _alone = question.endpoint.one_at_a_time();
    let scene = Scene::new(question)?;
    let name = scene.name("PolicyName", 128)?;
    let arn = scene.arn("policy", &scene.path()?, name);
    scene.allowed(crate::aws::ControlAction::IAM_CREATE_POLICY, &arn)?;
    let document = sound(question.needed("PolicyDocument")?)?;
    if scene.world.managed_policy(scene.account, &arn).is_some() {
        let message =
            format!("A policy called {name} already exists. Duplicate names are not allowed.");
        return Err(QueryFault::new(409, "EntityAlreadyExists", message));
    }
    scene.change(&[Edit::CreatePolicy { policy: arn.as_str().into(), document }])?;
    let policy = scene
        .described("Policy", "ANPA", name, &arn)
        .with_text("DefaultVersionId", "v1")
        .with_text("AttachmentCount", "0")
        .with_text("PermissionsBoundaryUsageCount", "0")
        .with_text("IsAttachable", "true")
        .with_text("UpdateDate", &scene.date());
    Ok(Some(Xml::new("Result").with(policy)))
}

/// AttachGroupPolicy.
pub(super) fn attach_group_policy(question: &Question<'_>) -> Done {
    let _alone = question.endpoint.one_at_a_time();
    let scene = Scene::new(question)?;
    let name = scene.name("GroupName", 128)?;
    let policy = question.needed("PolicyArn")?;
    let group = scene.group(name).unwrap_or_else(|| scene.arn("group", "/", name));
    let call = Call::AttachPolicy { holder: group.into(), policy: policy.into() };
    scene.authorize(&call)?;
    scene.known_group(name)?;
    // It brings its document along, whether exported or not.
    let is_known = policy.ends_with(":iam::aws:policy/AdministratorAccess")
        || scene.world.managed_policy(scene.account, policy).is_some();
    if !is_known {
        let message = format!("Policy {policy} does not exist or is not attachable.");
        return Err(QueryFault::new(404, "NoSuchEntity", message));
    }
    let account = scene.world.account(scene.account).into_iter();
    let groups = account.flat_map(|account| account.groups.values());
    let attached = groups.filter(|group| group.name.eq_ignore_ascii_case(name));
    let attached: Vec<&str> =
        attached.flat_map(|group| &group.attached).map(|one| &*one.arn).collect();
    if attached.len() >= POLICIES && !attached.contains(&policy) {
        return Err(quota("PoliciesPerGroup", POLICIES));
    }
    scene.change(&call.edits(&question.who.caller))?;
    Ok(None)
}

/// AddUserToGroup.
pub(super) fn add_user_to_group(question: &Question<'_>) -> Done {
    let _alone = question.endpoint.one_at_a_time();
    let scene = Scene::new(question)?;
    let (group_name, user_name) = (scene.name("GroupName", 128)?, scene.name("UserName", 64)?);
    let group = scene.group(group_name).unwrap_or_else(|| scene.arn("group", "/", group_name));
    let user = scene.user(user_name).unwrap_or_else(|| scene.arn("user", "/", user_name));
    let groups = scene.world.identity(&user).map(|it| it.groups.clone()).unwrap_or_default();
    let call = Call::AddUserToGroup { user: user.into(), group: group.into() };
    scene.authorize(&call)?;
    scene.known_group(group_name)?;
    scene.known_user(user_name)?;
    let is_member = groups.iter().any(|known| known.eq_ignore_ascii_case(group_name));
    if groups.len() >= GROUPS && !is_member {
        return Err(quota("GroupsPerUser", GROUPS));
    }
    scene.change(&call.edits(&question.who.caller))?;
    Ok(None)
}

/// The account that is called, as it is.
struct Scene<'q> {
    question: &'q Question<'q>,
    world: World,
    account: AccountId,
}

impl<'q> Scene<'q> {
    fn new(question: &'q Question<'q>) -> Result<Self, QueryFault> {
        let account = question.who.caller.account;
        let account = account.ok_or_else(|| QueryFault::validation("no account calls"))?;
        Ok(Self { question, world: question.endpoint.world(), account })
    }

    fn authorize(&self, call: &Call) -> Result<(), QueryFault> {
        self.question.authorize(call, &self.world, &self.question.context)
    }

    fn allowed(&self, action: crate::aws::ControlAction, resource: &str) -> Result<(), QueryFault> {
        let mut request = ControlRequest::plain(self.question.who.caller.clone(), action, resource);
        let context = self.question.context.entries();
        for entry in context.filter(|entry| crate::aws::carried(action, &entry.name)) {
            request.context.set(&entry.name, entry.value.clone());
        }
        self.question.allowed(request, &self.world)
    }

    fn change(&self, edits: &[Edit]) -> Result<(), QueryFault> {
        let touched = [Touched::Account(self.account)];
        let changed = self.question.endpoint.encryptor().edit(edits, &touched);
        changed.map_err(|error| internal(error.message.unwrap_or_default()))
    }

    /// A name of up to `length` characters.
    fn name(&self, member: &str, length: usize) -> Result<&'q str, QueryFault> {
        let name = self.question.needed(member)?;
        let known = |one: char| one.is_ascii_alphanumeric() || "_+=,.@-".contains(one);
        if (1..=length).contains(&name.len()) && name.chars().all(known) {
            return Ok(name);
        }
        Err(QueryFault::validation(format!(
            "The specified value for {} is invalid. It must contain only alphanumeric characters \
             and/or the following: +=,.@_-",
            super::lower_first(member)
        )))
    }

    /// `/`, or `/team/` and deeper.
    fn path(&self) -> Result<String, QueryFault> {
        let path = self.question.form.get("Path").unwrap_or("/");
        let known = |one: char| ('!'..='~').contains(&one) && one != '*' && one != '?';
        let is_path = path.starts_with('/') && path.ends_with('/') && path.len() <= 512;
        match is_path && path.chars().all(known) {
            true => Ok(path.to_owned()),
            false => Err(QueryFault::validation(
                "The specified value for path is invalid. It must begin and end with / and contain \
                 only alphanumeric characters and/or / characters.",
            )),
        }
    }

    fn arn(&self, kind: &str, path: &str, name: &str) -> String {
        let partition = self.question.who.caller.partition();
        format!("arn:{partition}:iam::{}:{kind}{path}{name}", self.account)
    }

    /// ARN of the user with this name, whatever the case (page "IAM identifiers").
    fn user(&self, name: &str) -> Option<String> {
        let mut all = self.world.account(self.account)?.identities.values();
        let user =
            all.find(|it| it.kind == IdentityKind::User && it.name.eq_ignore_ascii_case(name));
        user.map(|user| user.arn.to_string())
    }

    fn group(&self, name: &str) -> Option<String> {
        let mut all = self.world.account(self.account)?.groups.values();
        let group = all.find(|group| group.name.eq_ignore_ascii_case(name));
        group.map(|group| group.arn.to_string())
    }

    fn known_user(&self, name: &str) -> Result<(), QueryFault> {
        self.user(name).map(drop).ok_or_else(|| {
            let message = format!("The user with name {name} cannot be found.");
            QueryFault::new(404, "NoSuchEntity", message)
        })
    }

    fn known_group(&self, name: &str) -> Result<(), QueryFault> {
        self.group(name).map(drop).ok_or_else(|| {
            let message = format!("The group with name {name} cannot be found.");
            QueryFault::new(404, "NoSuchEntity", message)
        })
    }

    fn date(&self) -> String {
        self.question.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// What IAM answers of what it made.
    fn described(&self, kind: &str, prefix: &str, name: &str, arn: &str) -> Xml {
        let tail = arn.split_once(&format!(":{}", kind.to_ascii_lowercase()));
        let path = tail.and_then(|(_, located)| located.strip_suffix(name)).unwrap_or("/");
        Xml::new(kind)
            .with_text("Path", path)
            .with_text(&format!("{kind}Name"), name)
            .with_text(&format!("{kind}Id"), &unique_id(prefix, arn))
            .with_text("Arn", arn)
            .with_text("CreateDate", &self.date())
    }
}

fn tags(question: &Question<'_>) -> Result<Tags, QueryFault> {
    let keys = question.form.members("Tags", "Key");
    let values = question.form.members("Tags", "Value");
    match keys.len() == values.len() {
        true => Ok(keys
            .into_iter()
            .zip(values)
            .map(|(key, value)| (key.into(), value.into()))
            .collect()),
        false => Err(QueryFault::missing("tags.member.value")),
    }
}

/// A policy that IAM would take.
fn sound(text: &str) -> Result<PolicyDocument, QueryFault> {
    let document = policy(PolicyKind::Identity, text);
    let read = document.policy();
    let is_sound =
        read.readable && !read.faults.iter().any(|fault| fault.gravity == Gravity::Malformed);
    match is_sound {
        true if text.chars().filter(|one| !one.is_whitespace()).count() > POLICY_SIZE => {
            Err(quota("PolicySize", POLICY_SIZE))
        }
        true => Ok(document),
        false => {
            let message = "Syntax errors in policy.";
            Err(QueryFault::new(400, "MalformedPolicyDocument", message))
        }
    }
}

/// That there are as many of something as IAM lets there be.
fn quota(of: &str, most: usize) -> QueryFault {
    let message = format!("Cannot exceed quota for {of}: {most}");
    QueryFault::new(409, "LimitExceeded", message)
}

/// The state cannot be kept.
fn internal(error: String) -> QueryFault {
    QueryFault::new(500, "ServiceFailure", error)
}
