//! What AWS documents about each control action.

use std::sync::LazyLock;

use serde::Deserialize;

use super::condition_keys::is_same_key;
use super::{AccountId, ControlAction, tables::embedded};

/// One row of the table of control actions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlActionInfo {
    /// The name with its service's prefix.
    pub name: &'static str,
    /// The rules of section 5 that need it.
    #[serde(borrow)]
    pub rules: Vec<&'static str>,
    /// Whether a role's trust policy decides together with identity policies (Rules T3, T4, T7, T8).
    #[serde(default)]
    pub by_trust: bool,
    /// The form of the resource it is authorized on, the one that is made, changed or used where AWS
    /// asks for several; nothing where it has none and only `*` covers it.
    #[serde(borrow, default)]
    pub resource: Option<&'static str>,
    /// The condition keys that AWS lists for it, those of identity providers and the global ones aside;
    /// families end in `${TagKey}`.
    #[serde(borrow, default)]
    pub condition_keys: Vec<&'static str>,
}

impl ControlActionInfo {
    /// What kind of resource it is authorized on, as its ARN has it: `role`, `function`, `policy`; nothing
    /// where it has none.
    pub fn resource_kind(&self) -> Option<&'static str> {
        let tail = self.resource?.splitn(6, ':').nth(5)?;
        tail.split(['/', ':']).next()
    }

    /// The ARN of such a resource, whatever varies beside account and Region called `name`.
    pub fn resource_named(
        &self,
        partition: &str,
        region: &str,
        account: AccountId,
        name: &str,
    ) -> Option<String> {
        let mut rest = self.resource?;
        let mut arn = String::new();
        while let Some((text, tail)) = rest.split_once("${") {
            let (variable, after) = tail.split_once('}')?;
            arn.push_str(text);
            arn.push_str(match variable {
                "Partition" => partition,
                "Region" => region,
                "Account" => account.as_str(),
                _ => name,
            });
            rest = after;
        }
        arn.push_str(rest);
        Some(arn)
    }

    /// Whether requests carry a condition key that AWS lists for this action, without regard to case
    /// (Rules C4, C6).
    pub fn lists(&self, key: &str) -> bool {
        self.condition_keys.iter().any(|listed| is_same_key(listed, key))
    }
}

/// The row of `action`.
#[expect(clippy::indexing_slicing, reason = "a test counts the rows")]
pub(super) fn of(action: ControlAction) -> &'static ControlActionInfo {
    &TABLE.actions[action.index()]
}

/// The file; its rows are in the order of the action constants.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct Table {
    actions: Vec<ControlActionInfo>,
}

static TABLE: LazyLock<Table> =
    LazyLock::new(|| embedded(include_str!("data/control-actions.json")));

#[cfg(test)]
mod tests {
    use super::super::{Arn, ControlSet, condition_key};
    use super::*;

    fn with(rule: &str) -> ControlSet {
        ControlAction::all().filter(|action| action.info().rules.contains(&rule)).collect()
    }

    #[test]
    fn every_row_has_its_constant_and_known_rules() {
        assert_eq!(TABLE.actions.len(), ControlAction::COUNT);
        let rules = include_str!("../../testdata/rules-of-the-semantics.txt");
        for (row, action) in TABLE.actions.iter().zip(ControlAction::all()) {
            assert_eq!(row.name, action.as_str());
            assert!(!row.rules.is_empty(), "{}", row.name);
            for rule in &row.rules {
                let known = rules.lines().any(|line| line.split(' ').next() == Some(rule));
                assert!(known, "{} {rule}", row.name);
            }
        }
    }

    #[test]
    fn section_5_names_these_actions() {
        let texts =
            |set: ControlSet| -> Vec<&str> { set.iter().map(ControlAction::name).collect() };
        assert_eq!(texts(with("T20")), ["PutGroupPolicy", "PutRolePolicy", "PutUserPolicy"]);
        assert_eq!(texts(with("T22")), ["CreatePolicyVersion"]);
        assert_eq!(texts(with("T24")), ["AddUserToGroup"]);
        assert_eq!(texts(with("T26")), ["CreateAccessKey", "DeleteAccessKey"]);
        assert_eq!(texts(with("T27")), ["CreateLoginProfile", "UpdateLoginProfile"]);
        assert_eq!(with("T31").len(), 7);
        assert_eq!(with("T37").len(), 5);
        let by_trust: ControlSet =
            ControlAction::all().filter(|action| action.info().by_trust).collect();
        assert!(by_trust.iter().all(|action| action.service() == "sts"));
        assert_eq!(by_trust.len(), 5);
    }

    #[test]
    fn every_listed_key_of_iam_and_sts_is_in_the_table_of_keys() {
        for info in ControlAction::all().map(ControlAction::info) {
            assert!(info.condition_keys.is_sorted_by(|left, right| left < right), "{}", info.name);
            let known = info.condition_keys.iter().filter(|key| {
                ["iam:", "sts:", "aws:"].iter().any(|prefix| key.starts_with(prefix))
            });
            for key in known {
                assert!(condition_key(key).is_some(), "{} {key}", info.name);
            }
        }
        let info = ControlAction::IAM_ATTACH_ROLE_POLICY.info();
        assert!(info.lists("IAM:policyarn") && info.lists("aws:ResourceTag/team"));
        assert!(!info.lists("iam:PassedToService") && !info.lists("aws:ResourceTag"));
    }

    #[test]
    fn resources_are_named() {
        let account = AccountId::parse("111122223333").expect("an account");
        let named =
            |action: ControlAction| action.info().resource_named("aws", "eu-west-1", account, "x");
        for arn in ControlAction::all().filter_map(named) {
            assert!(Arn::parse(&arn).is_some() && !arn.contains('$'), "{arn}");
        }
        let role = ControlAction::IAM_PASS_ROLE;
        assert_eq!(named(role).as_deref(), Some("arn:aws:iam::111122223333:role/x"));
        assert_eq!(role.info().resource_kind(), Some("role"));
        let function = ControlAction::LAMBDA_CREATE_FUNCTION;
        let arn = "arn:aws:lambda:eu-west-1:111122223333:function:x";
        assert_eq!(named(function).as_deref(), Some(arn));
        assert_eq!(function.info().resource_kind(), Some("function"));
        assert_eq!(named(ControlAction::STS_GET_SESSION_TOKEN), None);
    }
}
