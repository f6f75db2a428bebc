//! The condition keys of kms:CreateGrant (rule G54), and what a grant says in them.

use crate::inventory::{Grant, Grantee};

use super::asks::{Fixed, many, one};

/// Whom a grant is for: a principal or a service.
const GRANTEE: [&str; 2] = ["kms:GranteePrincipal", "kms:GranteeServicePrincipal"];

/// Who may retire it: a principal or a service.
const RETIRING: [&str; 2] = ["kms:RetiringPrincipal", "kms:RetiringServicePrincipal"];

/// Its constraint on the encryption context, whose pairs stand as the encryption context (rule C52).
const PAIRS: [&str; 3] =
    ["kms:GrantConstraintType", "kms:EncryptionContext:*", "kms:EncryptionContextKeys"];

/// Its constraint on the resource that a service acts for.
const SOURCE_ARN: &str = "kms:GrantConstraintSourceArn";

/// The condition keys of a grant's constraint on the encryption context.
pub(in crate::graph) fn grant_pair_keys() -> impl Iterator<Item = &'static str> {
    PAIRS.into_iter()
}

/// Those of its terms: what whoever makes a grant chooses beside the grantee and the operations.
pub(in crate::graph) fn grant_term_keys() -> impl Iterator<Item = &'static str> {
    RETIRING.into_iter().chain([SOURCE_ARN]).chain(PAIRS)
}

/// What the request for a grant on a key of a partition says.
pub(super) fn grant_keys(grant: &Grant, partition: &str) -> Fixed {
    let mut fixed: Fixed =
        GRANTEE.into_iter().chain(grant_term_keys()).map(|name| (name.into(), None)).collect();
    let operations = grant.operations.iter().map(|operation| operation.name().into()).collect();
    fixed.push(many("kms:GrantOperations", operations));
    fixed.push(one("kms:GrantIsForAWSResource", "false"));
    let mut name_one = |grantee: &Grantee, [principal, service]: [&str; 2]| {
        let name = match grantee {
            Grantee::Principal(_) => principal,
            Grantee::Service(_) => service,
        };
        fixed.push(one(name, &grantee.shown(partition)));
    };
    name_one(&grant.grantee, GRANTEE);
    if let Some(retiring) = &grant.retiring {
        name_one(retiring, RETIRING);
    }
    let constraints = &grant.constraints;
    let kinds = [
        ("EncryptionContextSubset", &constraints.subset),
        ("EncryptionContextEquals", &constraints.equals),
    ];
    for (kind, pairs) in kinds {
        let Some(pairs) = pairs else { continue };
        fixed.retain(|(name, value)| &**name != "kms:GrantConstraintType" || value.is_none());
        fixed.push(one("kms:GrantConstraintType", kind));
        fixed.push(many("kms:EncryptionContextKeys", pairs.keys().cloned().collect()));
        let pairs = pairs.iter();
        fixed.extend(pairs.map(|(key, value)| one(&format!("kms:EncryptionContext:{key}"), value)));
    }
    fixed.extend(constraints.source_arn.as_deref().map(|arn| one(SOURCE_ARN, arn)));
    fixed
}
