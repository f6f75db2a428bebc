//! Cells that do not hold, in sentences.

use crate::audit::assertions::{Breach, Claim, How, Judged};
use crate::inventory::Inventory;
use crate::report::basis::plural;
use crate::report::matrix::words::when;

/// `3 principals, 1 key`.
pub(super) fn looked_at(judged: &Judged) -> String {
    let (principals, keys) = judged.looked_at;
    format!("{}, {}", plural(principals, "principal"), plural(keys, "key"))
}

/// `role/app can decrypt with alias/orders: if ...`.
pub(super) fn sentence(world: &Inventory, claim: Claim, breach: &Breach) -> String {
    let key = match &breach.key {
        Some(arn) => format!(" on {}", world.shown_arn(arn)),
        None => " without a key".to_owned(),
    };
    let (who, can) = (&breach.principal, breach.can(claim));
    let whom = breach.stands_for.as_ref().map(|whom| format!(" ({whom})")).unwrap_or_default();
    let doubt = breach.could_be_meant.map(|what| {
        format!("; the {what} of the key were not exported: it may be one that is meant")
    });
    format!(
        "{who}{whom} {can} {}{key}: {}{}",
        breach.told_actions(),
        how(&breach.how),
        doubt.unwrap_or_default()
    )
}

fn how(how: &How) -> String {
    match how {
        How::Cell { answer, .. } => when(answer),
        How::Way { path, executed } => {
            let calls: Vec<&str> = path.hops.iter().map(|hop| hop.call.name()).collect();
            let told = format!("by {}, then {}", calls.join(", "), path.goal.as_str());
            match executed {
                true => told,
                false => format!("{told}; what is not known says whether, so it was not executed"),
            }
        }
        How::Broken => "a way should lead there and did not when executed: a fault of keyreach, \
                        please report it"
            .to_owned(),
    }
}
