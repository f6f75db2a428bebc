//! What a template says of its resources, and of what other templates export.

use crate::source::Span;
use crate::syntax::{Kind, Member, Node};

use super::super::declared::REGION;
use super::evaluate::{At, Resource, function, string, text_of, unknown, used_at};
use super::{sam, text};

/// How much of a logical id is surely a part of a generated name: long ones are cut.
const SURE: usize = 20;

impl<'w> At<'w, '_> {
    /// `Ref`: a parameter, a pseudo parameter, or a resource; nothing for no value.
    pub(super) fn reference_to(self, name: &str, span: Span) -> Option<Node<'static>> {
        if let Some(pseudo) = self.pseudo(name, span) {
            return pseudo;
        }
        Some(self.parameter(name, span).unwrap_or_else(|| match self.resource_named(name) {
            Some(resource) => self.physical_id(&resource, span),
            None => match sam::role_named(&self, name) {
                Some(role) => string(span, role.name),
                None => unknown(span, &self.own(name)),
            },
        }))
    }

    /// `GetAtt`, with the attribute behind a dot or beside.
    pub(super) fn get_att(self, argument: &Node<'static>, span: Span) -> Option<Node<'static>> {
        let (name, attribute) = match &argument.kind {
            Kind::Array(items) => match items.as_slice() {
                [name, attribute] => {
                    let attribute = text_of(&self.eval(attribute)?)?;
                    (name.scalar()?.to_owned(), attribute)
                }
                _ => return None,
            },
            _ => {
                let (name, attribute) = argument.scalar()?.split_once('.')?;
                (name.to_owned(), attribute.to_owned())
            }
        };
        self.attribute(&name, &attribute, span)
    }

    /// An attribute of a resource.
    pub(super) fn attribute(
        self,
        name: &str,
        attribute: &str,
        span: Span,
    ) -> Option<Node<'static>> {
        let not_known = || string(span, text::hole(&self.own(&format!("{name}.{attribute}"))));
        if let Some(output) = attribute.strip_prefix("Outputs.") {
            return Some(self.output(name, output, span).unwrap_or_else(not_known));
        }
        let Some(resource) = self.resource_named(name) else {
            let role = sam::role_named(&self, name).filter(|_| attribute == "Arn");
            return Some(role.map_or_else(not_known, |role| string(span, role.arn)));
        };
        let text = match (resource.of_type(), attribute) {
            ("AWS::KMS::Key" | "AWS::KMS::ReplicaKey", "Arn") => Some(self.key_arn(&resource)),
            ("AWS::KMS::Key" | "AWS::KMS::ReplicaKey", "KeyId") => Some(self.key_id(&resource)),
            ("AWS::IAM::Role", "Arn") => Some(self.iam_arn(&resource, "role", "RoleName")),
            ("AWS::IAM::User", "Arn") => Some(self.iam_arn(&resource, "user", "UserName")),
            ("AWS::IAM::Group", "Arn") => Some(self.iam_arn(&resource, "group", "GroupName")),
            ("AWS::IAM::ManagedPolicy", "PolicyArn") => {
                Some(self.iam_arn(&resource, "policy", "ManagedPolicyName"))
            }
            _ => None,
        };
        Some(text.map_or_else(not_known, |text| string(span, text)))
    }

    /// The resource with this logical id, where it is there or may be. What `sam` makes has no entry of
    /// its own: `FunctionRole` is the role of the function `Function`.
    pub(super) fn resource_named(self, name: &str) -> Option<Resource<'w>> {
        let at = self.deeper()?;
        let resources: &'w [Member<'static>] = at.stack.resources();
        at.resource(resources.iter().find(|member| member.name.value == name)?)
    }

    /// What `Ref` gives for a resource.
    fn physical_id(self, resource: &Resource<'_>, span: Span) -> Node<'static> {
        let text = match resource.of_type() {
            "AWS::KMS::Key" | "AWS::KMS::ReplicaKey" => self.key_id(resource),
            "AWS::IAM::Role" => self.iam_name(resource, "RoleName"),
            "AWS::IAM::User" => self.iam_name(resource, "UserName"),
            "AWS::IAM::Group" => self.iam_name(resource, "GroupName"),
            "AWS::IAM::ManagedPolicy" => self.iam_arn(resource, "policy", "ManagedPolicyName"),
            "AWS::KMS::Alias" => match self.text(resource, "AliasName") {
                Some(name) => name,
                None => text::hole(&self.own(resource.name)),
            },
            _ => text::hole(&self.own(resource.name)),
        };
        string(span, text)
    }

    /// The name of an IAM resource: its own, or what CloudFormation generates.
    pub(super) fn iam_name(self, resource: &Resource<'_>, property: &str) -> String {
        self.text(resource, property).unwrap_or_else(|| self.generated_name(resource.name))
    }

    /// `STACK-ID-RANDOM`, cut where it would be too long.
    pub(super) fn generated_name(self, name: &str) -> String {
        let is_short = |text: &str| text.len() <= SURE;
        let stack = self.stack_name();
        let stack = if text::is_known(&stack) && !is_short(&stack) {
            text::hole(&self.own("StackName"))
        } else {
            stack
        };
        let end = text::hole(&self.own(name));
        match name.get(..SURE) {
            Some(sure) if !is_short(name) => format!("{stack}-{sure}{end}"),
            _ => format!("{stack}-{name}-{end}"),
        }
    }

    /// The ARN of an IAM resource.
    pub(super) fn iam_arn(self, resource: &Resource<'_>, kind: &str, property: &str) -> String {
        let path = self.text(resource, "Path").unwrap_or_else(|| "/".to_owned());
        let name = self.iam_name(resource, property);
        format!("arn:{}:iam::{}:{kind}{path}{name}", self.partition(), self.account())
    }

    /// The id of a key: its logical id stands for it.
    pub(super) fn key_id(self, resource: &Resource<'_>) -> String {
        let own = || format!("{}{}", self.stack.prefix, resource.name);
        if resource.of_type() == "AWS::KMS::ReplicaKey" {
            // A replica has the id of its primary.
            let primary = self.text(resource, "PrimaryKeyArn");
            let id = primary.as_deref().and_then(|arn| arn.rsplit_once(":key/")).map(|(_, id)| id);
            return match id.filter(|id| id.contains("mrk-")) {
                Some(id) => id.to_owned(),
                None => text::symbol(&format!("mrk-{}", own())),
            };
        }
        let is_multi_region = self.truth(resource, "MultiRegion") == Some(Some(true));
        text::symbol(&if is_multi_region { format!("mrk-{}", own()) } else { own() })
    }

    /// The ARN of a key. A replica stands in another Region than its primary.
    pub(super) fn key_arn(self, resource: &Resource<'_>) -> String {
        let own = self.region();
        let is_beside = resource.of_type() == "AWS::KMS::ReplicaKey"
            && self
                .text(resource, "PrimaryKeyArn")
                .is_some_and(|arn| arn.split(':').nth(3).is_some_and(|region| region == own));
        let region = if is_beside { text::symbol("replica-region") } else { own };
        let (partition, account) = (self.partition(), self.account());
        format!("arn:{partition}:kms:{region}:{account}:key/{}", self.key_id(resource))
    }

    /// An output of a nested stack that is at hand.
    fn output(self, name: &str, output: &str, span: Span) -> Option<Node<'static>> {
        let number = self.world.stacks.iter().position(|stack| {
            stack.parent.is_some_and(|(parent, it)| parent == self.number && it.name.value == name)
        })?;
        let at = self.deeper()?.over(number);
        let outputs = at.stack.template.root.get("Outputs")?;
        Some(used_at(span, at.eval(outputs.get(output)?.get("Value")?)?))
    }

    /// `ImportValue`: what a template of this run exports under the name, or else not known. Where several
    /// do, in stacks of different Regions or accounts, it is one of theirs.
    pub(super) fn import(self, argument: &Node<'static>, span: Span) -> Node<'static> {
        let name = self.eval(argument).as_ref().and_then(text_of);
        let shown = name.as_deref().map_or("...".to_owned(), text::shown);
        let expression = self.own(&format!("!ImportValue {shown}"));
        let known = name.as_deref().filter(|name| text::is_known(name));
        let mut found: Vec<Node<'static>> = Vec::new();
        if let Some((name, at)) = known.zip(self.deeper()) {
            let own = self.stack.deployment;
            for (number, stack) in self.world.stacks.iter().enumerate() {
                let (account, region) = (stack.deployment.account, &stack.deployment.region);
                // Exports are of one account and Region.
                let is_other =
                    account != own.account && !account.is_symbol() && !own.account.is_symbol();
                let is_open = [region, &own.region].iter().any(|region| ***region == *REGION);
                if is_other || *region != own.region && !is_open {
                    continue;
                }
                let value = at.over(number).exported(name, span);
                let is_new = |value: &Node<'_>| found.iter().all(|it| it.kind != value.kind);
                let value = value.filter(is_new);
                found.extend(value);
            }
        }
        match found.len() {
            0 => string(span, text::hole(&expression)),
            1 => found.remove(0),
            _ => {
                let kind = Kind::OneOf { expression: expression.into(), branches: found };
                Node { span, tag: None, kind }
            }
        }
    }

    fn exported(self, name: &str, span: Span) -> Option<Node<'static>> {
        let outputs = self.stack.section("Outputs").iter();
        let mut named = outputs.filter(|output| {
            let written = output.value.get("Export").and_then(|export| export.get("Name"));
            // Only what is written, or made by a function, can be the name.
            let is_candidate =
                written.is_some_and(|node| function(node).is_some() || node.scalar() == Some(name));
            let text = || text_of(&self.eval(written?)?);
            is_candidate && text().as_deref() == Some(name)
        });
        let value = self.eval(named.next()?.value.get("Value")?)?;
        Some(used_at(span, value))
    }
}

impl Resource<'_> {
    /// Its type, such as `AWS::KMS::Key`.
    pub(super) fn of_type(&self) -> &str {
        self.node.get("Type").and_then(Node::as_str).unwrap_or_default()
    }
}
