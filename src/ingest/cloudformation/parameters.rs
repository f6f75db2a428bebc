//! Parameters and pseudo parameters.

use crate::source::Span;
use crate::syntax::{Kind, Node};

use super::super::declared::REGION;
use super::evaluate::{At, string, text_of, unknown, used_at};
use super::text;

impl<'w> At<'w, '_> {
    /// The account that the template is deployed to, as a text.
    pub(super) fn account(self) -> String {
        let account = self.stack.deployment.account;
        if account.is_symbol() { text::symbol(account.as_str()) } else { account.to_string() }
    }

    /// The Region that the template is deployed to, as a text.
    pub(super) fn region(self) -> String {
        let region = &self.stack.deployment.region;
        if **region == *REGION { text::symbol(region) } else { region.to_string() }
    }

    /// The partition.
    pub(super) fn partition(self) -> &'w str {
        &self.stack.deployment.partition
    }

    /// The name of the stack, as a text.
    pub(super) fn stack_name(self) -> String {
        let given = self.stack.deployment.variables.get("AWS::StackName");
        match given.filter(|_| self.stack.parent.is_none()) {
            Some(name) => text::clean(name),
            None => text::hole(&self.own("StackName")),
        }
    }

    /// What a pseudo parameter says; nothing outside where there is none of this name, nothing inside
    /// where it says that there is no value.
    pub(super) fn pseudo(self, name: &str, span: Span) -> Option<Option<Node<'static>>> {
        let text = match name.strip_prefix("AWS::")? {
            "AccountId" => self.account(),
            "Region" => self.region(),
            "Partition" => self.partition().to_owned(),
            "URLSuffix" => match self.partition() {
                "aws-cn" => "amazonaws.com.cn".to_owned(),
                "aws" | "aws-us-gov" => "amazonaws.com".to_owned(),
                _ => text::hole(&self.own("AWS.URLSuffix")),
            },
            "StackName" => self.stack_name(),
            "NoValue" => return Some(None),
            "StackId" => text::hole(&self.own("AWS.StackId")),
            other => return Some(Some(unknown(span, &self.own(&format!("AWS::{other}"))))),
        };
        Some(Some(string(span, text)))
    }

    /// What a parameter says; nothing where there is none of this name.
    pub(super) fn parameter(self, name: &str, span: Span) -> Option<Node<'static>> {
        let declared = self.stack.template.root.get("Parameters")?.get(name)?;
        let of_type = declared.get("Type").and_then(Node::as_str).unwrap_or("String");
        let is_list = of_type.contains("List");
        let listed = |text: &str| match text::items(text).filter(|_| is_list) {
            Some(items) => {
                let items = items.into_iter().map(|item| string(span, item));
                Node { span, tag: None, kind: Kind::Array(items.collect()) }
            }
            None if is_list => unknown(span, &self.own(name)),
            None => string(span, text),
        };
        // What the stack around it passes holds for a nested one, whatever else has the same name.
        if let Some(value) = self.argument(name) {
            return Some(match &value.kind {
                Kind::Array(_) => used_at(span, value),
                _ => match text_of(&value) {
                    Some(text) if is_list || text::is_known(&text) => listed(&text),
                    _ if is_list => unknown(span, &self.own(name)),
                    _ => used_at(span, value),
                },
            });
        }
        if let Some(text) = self.stack.deployment.variables.get(name) {
            return Some(listed(&text::clean(text)));
        }
        // The default of such a parameter is the name under which its value is looked up.
        let is_looked_up = of_type.starts_with("AWS::SSM::Parameter::Value");
        let given = self.stack.deployment.parameters.get(name);
        let given = given.filter(|_| self.stack.parent.is_none() && !is_looked_up);
        if let Some(text) = given {
            return Some(listed(&text::clean(text)));
        }
        let default = declared.get("Default").filter(|_| !is_looked_up).and_then(Node::scalar);
        if let Some(text) = default {
            self.world.assume(format!("{name} of {} has its default, `{text}`", self.stack.path));
            return Some(listed(text));
        }
        let allowed = declared.get("AllowedValues").filter(|_| !is_list && !is_looked_up);
        let allowed: Vec<&str> = allowed
            .map(Node::one_or_many)
            .unwrap_or_default()
            .iter()
            .filter_map(Node::scalar)
            .collect();
        Some(match allowed.is_empty() {
            true if is_list => unknown(span, &self.own(name)),
            true => string(span, text::hole(&self.own(name))),
            false => string(span, text::choice(&self.own(name), allowed)),
        })
    }

    /// What the stack around a nested one, or what holds its template, gives as its parameter.
    fn argument(self, name: &str) -> Option<Node<'static>> {
        let Some((number, member)) = self.stack.parent else {
            return self.stack.template.holder.as_ref()?.given.as_ref()?.get(name).cloned();
        };
        let written = member.value.get("Properties")?.get("Parameters")?.get(name)?;
        self.deeper()?.over(number).eval(written)
    }
}
