//! The policies of a role that a plan or a state lists though its source does not give them.
//!
//! The provider writes down what AWS has when it looks: that of resources of their own as well, as it was
//! then. A policy that is changed or detached behind it still stands in the list as it was, and so what
//! such resources give, or gave, is taken from them alone. What is left is made by somebody else.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::source::FileId;
use crate::syntax::{Kind, Node};

use super::json as texts;
use super::plan::{Stated, items};
use super::value::{Data, List, Object, Value};

/// What resources of their own give to roles.
#[derive(Default)]
pub(super) struct Owned {
    given: BTreeSet<Given>,
    /// The names of roles, and of those that two roles have.
    roles: BTreeSet<Rc<str>>,
    shared: BTreeSet<Rc<str>>,
}

/// One policy of a role.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Given {
    /// The provider's configuration; nothing where that of what goes is not said.
    provider: Option<Rc<str>>,
    role: Rc<str>,
    /// The argument that lists it, and what it is called there.
    list: Rc<str>,
    name: Rc<str>,
}

/// The argument of a role that lists what a resource of this type gives, and the resource's arguments for
/// the role and what is given.
fn lists(of_type: &str) -> Option<(&'static str, &'static str, &'static str)> {
    match of_type {
        "aws_iam_role_policy" => Some(("inline_policy", "role", "name")),
        "aws_iam_role_policy_attachment" => Some(("managed_policy_arns", "role", "policy_arn")),
        "aws_iam_policy_attachment" => Some(("managed_policy_arns", "roles", "policy_arn")),
        _ => None,
    }
}

/// What a change finds of a resource that gives something to roles. What Terraform only forgets stays.
pub(super) fn before(change: &Node<'_>, of_type: &str, file: FileId) -> Option<Rc<Object>> {
    lists(of_type)?;
    let of = change.get("change")?;
    let mut actions = items(of.get("actions")).filter_map(Node::as_str);
    let before = of.get("before").filter(|it| matches!(it.kind, Kind::Object(_)))?;
    match texts::of_node(before, file).data {
        Data::Object(values) if actions.all(|action| action != "forget") => Some(values),
        _ => None,
    }
}

impl Owned {
    /// Adds a resource of a type, which belongs to a configuration of the provider.
    pub(super) fn add(&mut self, provider: Option<&str>, of_type: &str, values: &Object) {
        if of_type == "aws_iam_role"
            && let Some(name) = values.get("name").and_then(Value::known)
            && !self.roles.insert(Rc::clone(&name))
        {
            self.shared.insert(name);
        }
        let Some((list, role, name)) = lists(of_type) else { return };
        let Some(name) = values.get(name).and_then(Value::known) else { return };
        let Some(roles) = values.get(role) else { return };
        for role in roles.items().unwrap_or(std::slice::from_ref(roles)) {
            if let Some(role) = role.known() {
                let (provider, name) = (provider.map(Rc::from), Rc::clone(&name));
                self.given.insert(Given { provider, role, list: list.into(), name });
            }
        }
    }

    /// A list of a role without what resources of their own give; nothing where it is no such list, or
    /// another role of the name may be meant.
    pub(super) fn without(
        &self,
        provider: Option<&str>,
        role: &Stated,
        (argument, list): (&str, &Value),
    ) -> Option<Value> {
        let is_list = matches!(argument, "inline_policy" | "managed_policy_arns");
        let Data::List(all) = &list.data else { return None };
        let name = role.values.get("name").and_then(Value::known)?;
        if !is_list || &*role.of_type != "aws_iam_role" || self.shared.contains(&name) {
            return None;
        }
        let is_given = |provider: Option<&str>, given: &Rc<str>| {
            self.given.contains(&Given {
                provider: provider.map(Rc::from),
                role: Rc::clone(&name),
                list: argument.into(),
                name: Rc::clone(given),
            })
        };
        let is_other = |item: &&Value| {
            let given = item.member("name").unwrap_or(item).known();
            given.is_none_or(|given| !is_given(provider, &given) && !is_given(None, &given))
        };
        let items = all.items.iter().filter(is_other).cloned().collect();
        Some(Value::new(list.at, Data::List(List { items, ..all.clone() })))
    }
}
