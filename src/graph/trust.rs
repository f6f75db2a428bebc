//! What trust policies of roles ask for.

use crate::decision::Context;
use crate::policy::Principal;

use super::asked::Asked;
use super::cast::{Cast, Ix};

impl Cast<'_> {
    /// What a request says that makes the session `at`; nothing of any other name.
    pub(super) fn naming(&self, at: Ix) -> Context {
        let mut context = Context::default();
        if let Some(name) = self.session_name(at) {
            context.set_one("sts:RoleSessionName", name);
        }
        context
    }

    /// Whether a role's trust policy asks for the tags that a request gives.
    pub(super) fn wants_tags(&self, role: Ix) -> bool {
        self.trust_asks(role, |key| key.starts_with("aws:requesttag/") || key == "aws:tagkeys")
    }

    /// Whether a role's trust policy asks for the role's own tags.
    pub(super) fn trust_asks_for_tags(&self, role: Ix) -> bool {
        let families = ["aws:resourcetag/", "iam:resourcetag/"];
        self.trust_asks(role, |key| families.iter().any(|family| key.starts_with(family)))
    }

    /// What a role's trust policy asks for.
    pub(super) fn hear_trust_of_role(&self, role: Ix, asked: &mut Asked) {
        let trust = self.identity(role).and_then(|role| role.trust.as_ref());
        trust.into_iter().for_each(|it| it.peek(|policy| asked.hear_conditions(policy)));
    }

    /// Whether a role's trust policy asks for such a condition key, in lower case.
    pub(super) fn trust_asks(&self, role: Ix, is_it: impl Fn(&str) -> bool) -> bool {
        let trust = self.identity(role).and_then(|role| role.trust.as_ref());
        trust.is_some_and(|trust| {
            trust.peek(|policy| {
                let mut conditions = policy.statements.iter().flat_map(|it| &it.conditions);
                conditions.any(|condition| is_it(&condition.key.value.to_ascii_lowercase()))
            })
        })
    }

    /// Whether a role's trust policy names a service (rule T9).
    pub(super) fn trusts(&self, role: Ix, service: &str) -> bool {
        let trust = self.identity(role).and_then(|role| role.trust.as_ref());
        trust.is_some_and(|trust| {
            let statements = trust.policy().statements.iter().filter(|it| it.allows());
            let elements = statements.filter_map(|statement| statement.principal.as_ref());
            let mut entries = elements.flat_map(|element| &element.entries);
            entries
                .any(|entry| matches!(&entry.value, Principal::Service(name) if **name == *service))
        })
    }
}
