//! The credentials file: an AWS INI file with a section for each principal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::inventory::{IdentityKind, Inventory};

use super::{AccessKey, Credentials, Session, root_arn};

const TOP: &str = "# Written by `keyreach serve`, and good for its endpoint alone: AWS knows none of these keys.\n\
                   # A role's section is a session of it called `keyreach`.\n";

/// Writes the file, readable for its owner alone, in one step.
///
/// # Errors
/// What the system says.
pub(in crate::serve) fn write(
    path: &Path,
    credentials: &Credentials,
    world: &Inventory,
) -> io::Result<()> {
    crate::encryptor::directory::write_private(path, text(credentials, world).as_bytes())
}

/// Sections by ARN, sorted, and behind them by bare name, where that means one principal.
fn text(credentials: &Credentials, world: &Inventory) -> String {
    let mut sections = BTreeMap::new();
    let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for account in world.accounts.values() {
        let root = root_arn(world, account);
        names.entry("root").or_default().push(root.clone());
        sections.insert(root.clone(), credentials.of_principal(&root, 0));
        for identity in account.identities.values() {
            let key = match identity.kind {
                IdentityKind::User => credentials.of_principal(&identity.arn, 0),
                IdentityKind::Role => credentials.of_session(&Session::of_file(&identity.arn)),
            };
            names.entry(&identity.name).or_default().push(identity.arn.to_string());
            sections.insert(identity.arn.to_string(), key);
        }
    }
    let mut out = TOP.to_owned();
    sections.iter().for_each(|(arn, key)| section(&mut out, arn, key));
    for (name, arns) in &names {
        if let [arn] = arns.as_slice()
            && let Some(key) = sections.get(arn)
        {
            section(&mut out, name, key);
        }
    }
    out
}

fn section(out: &mut String, name: &str, key: &AccessKey) {
    // A string takes whatever is written.
    let _ = write!(
        out,
        "\n[{name}]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id, key.secret
    );
    if let Some(token) = &key.token {
        let _ = writeln!(out, "aws_session_token = {token}");
    }
}
