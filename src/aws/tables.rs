//! Reads the embedded tables.

use serde::{Deserialize, Deserializer, de::Error};

use super::{ActionSet, KmsAction, action_info};

/// The day the tables were compiled, as `YYYY-MM-DD`. What AWS added since is unknown to them.
pub fn tables_date() -> &'static str {
    action_info::compiled()
}

/// Reads one embedded table; the tests read all of them.
#[expect(clippy::panic, reason = "the texts are part of the program, and a test reads each")]
pub(super) fn embedded<T: Deserialize<'static>>(text: &'static str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("damaged table: {error}"))
}

/// Reads a list of action names, spelled as the action table spells them.
pub(super) fn action_names<'de, D: Deserializer<'de>>(from: D) -> Result<ActionSet, D::Error> {
    let names: Vec<&str> = Deserialize::deserialize(from)?;
    let known = |name: &&str| {
        let action = KmsAction::from_name(name).filter(|action| action.name() == *name);
        action.ok_or_else(|| D::Error::custom(format_args!("unknown action {name}")))
    };
    names.iter().map(known).collect()
}
