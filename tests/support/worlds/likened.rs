//! Random small worlds in which policies want tags of principals to be like something of the key, or the other
//! way round: whoever may give the one or the other gets there.

use serde_json::{Value, json};

use super::World;
use crate::support::seeds::Random;

/// Who may give what has to be like something else.
const GIVING: [&[&str]; 4] = [
    &["iam:TagUser", "iam:TagRole"],
    &["kms:TagResource"],
    &["kms:CreateAlias", "kms:UpdateAlias"],
    &["iam:TagUser", "kms:TagResource", "kms:CreateAlias"],
];

impl World {
    /// An [escalating](World::escalating) world where the one way to some keys leads over likeness.
    pub fn likened(random: &mut Random) -> Self {
        let mut world = Self::escalating(random);
        let (resource, condition) = likeness(random);
        for account in &mut world.accounts {
            for identity in account.identities.iter_mut().filter(|it| !it.inline.is_empty()) {
                let statements = &mut identity.inline[0].statements;
                if random.chance(60) {
                    statements.push(json!({ "Effect": "Allow", "Action": "kms:Decrypt",
                        "Resource": resource, "Condition": condition }));
                }
                if random.chance(60) {
                    let actions = *random.pick(&GIVING);
                    let giving = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
                    statements.push(giving);
                }
            }
            let root = format!("arn:aws:iam::{}:root", account.id);
            for key in &mut account.keys {
                let mut delegating = json!({ "Effect": "Allow", "Principal": { "AWS": root },
                    "Action": ["kms:Decrypt", "kms:TagResource", "kms:*Alias"], "Resource": "*" });
                if random.chance(30) {
                    delegating["Condition"] = condition.clone();
                }
                key.policy.statements.push(delegating);
            }
        }
        world
    }
}

/// A resource and a condition that want likeness.
fn likeness(random: &mut Random) -> (&'static str, Value) {
    let equals = |key: &str, value: &str| json!({ "StringEquals": { key: value } });
    let condition = match random.below(7) {
        0 => equals("aws:ResourceTag/team", "${aws:PrincipalTag/team}"),
        1 => equals("aws:PrincipalTag/team", "${aws:ResourceTag/team}"),
        2 => json!({ "StringLike": { "aws:ResourceTag/team": "${aws:PrincipalTag/team}*d" } }),
        3 => json!({ "ForAnyValue:StringEquals": {
            "kms:ResourceAliases": "alias/${aws:PrincipalTag/team}" } }),
        4 => equals("aws:PrincipalTag/team", "${aws:username}"),
        5 => equals("aws:RequestedRegion", "${aws:PrincipalTag/team}"),
        _ => return ("arn:aws:kms:*:*:key/${aws:PrincipalTag/team}", json!({})),
    };
    ("*", condition)
}
