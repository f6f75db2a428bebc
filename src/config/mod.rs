//! `keyreach.yaml`: what a team chose, read with every fault at its place; and the baseline beside it.
//!
//! Gives plain values of lower floors. Does not look for files, and applies nothing.
//!
//! ```yaml
//! persona: pedantic
//! account: "111122223333"             # where infrastructure code is deployed to
//! region: eu-central-1
//! variables: { Environment: prod }
//! trusted_accounts: ["444455556666"]
//! trusted_organizations: [o-exampleorgid]
//! assume: { "aws:MultiFactorAuthPresent": "true", "aws:SourceVpce": absent }
//! deployer: arn:aws:iam::111122223333:role/ci
//! rules:
//!   admin-can-rewrite-policy: off
//!   unknown-action: high
//! paths:
//!   - files: ["legacy/**"]
//!     rules: { allow-fully-denied: low }
//! ignore:
//!   - rule: public-key-access
//!     key: alias/downloads-*
//!     reason: these files are public
//!     until: 2026-12-31
//! assertions:
//!   - only: { principals: [role/orders], actions: [decrypt], keys: [alias/orders] }
//!     message: orders are read by their service alone
//! ```
//!
//! Assertions may stand in files of their own, `*.assert.yaml`, among what is audited.

mod assertions;
mod assume;
mod baseline;
mod deployment;
mod ignore;
mod reader;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::audit::assertions::Assertion;
use crate::aws::AccountId;
use crate::decision::Assumptions;
use crate::diag::{Persona, Severity};
use crate::findings::{Base, Choice, PathRules, Suppression};
use crate::ingest::Deployment;
use crate::rules::{Settings, deployer, named, unknown};
use crate::source::{FileId, Place, Span};
use crate::syntax::{Kind, Node, yaml};

pub use baseline::read as read_baseline;
pub use deployment::read_deployment;
use reader::Reader;

/// The JSON Schema of the configuration.
pub const SCHEMA: &str = include_str!("config.schema.json");

/// The names that the file may have, the usual one first.
pub const NAMES: [&str; 2] = ["keyreach.yaml", "keyreach.yml"];

/// The members of the configuration.
const MEMBERS: [&str; 15] = [
    "persona",
    "account",
    "region",
    "variables",
    "strict",
    "trusted_accounts",
    "trusted_organizations",
    "deployer",
    "assume",
    "known_actions",
    "known_condition_keys",
    "rules",
    "paths",
    "ignore",
    "assertions",
];

/// The members of an entry of `paths`.
const PATH_MEMBERS: [&str; 2] = ["files", "rules"];

/// What is wrong with a file of the user, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The smallest range that shows it.
    pub span: Span,
    /// One line, lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// What a configuration says.
#[derive(Clone, Default, Debug)]
pub struct Config {
    /// The widest persona whose findings are shown.
    pub persona: Option<Persona>,
    /// What rules take as intended.
    pub settings: Settings,
    /// What becomes of rules.
    pub rules: BTreeMap<&'static str, Choice>,
    /// The same for some files.
    pub paths: Vec<PathRules>,
    /// What is not to be told.
    pub ignore: Vec<Suppression>,
    /// What every request is taken to carry.
    pub assumptions: Assumptions,
    /// What is asserted.
    pub assertions: Vec<Assertion>,
    /// The first pattern of paths in it: such count from its directory.
    pub first_glob: Option<Span>,
}

/// What the names of files of assertions end with.
pub const ASSERTED: [&str; 2] = [".assert.yaml", ".assert.yml"];

/// Reads the assertions in `text`, the content of `file`, a file of its own for them. Where there is a
/// fault, they are not to be used.
pub fn read_assertions(text: &str, file: FileId) -> (Vec<Assertion>, Vec<Fault>) {
    let place = Place::plain(file, Span::new(0, text.len()));
    let nowhere = Base { current: "/".into(), folder: "/".into() };
    let mut reader = Reader::new(place, Arc::new(nowhere));
    let (documents, problems) = yaml::parse(text);
    for problem in problems {
        reader.fault(problem.span, problem.message, "mend the YAML");
    }
    let mut found = Vec::new();
    for document in &documents {
        for (_, value) in reader.members(&document.root, "a file of assertions", &["assertions"]) {
            found.extend(assertions::read(&mut reader, value));
        }
    }
    if found.is_empty() && reader.faults.is_empty() {
        let help = "write `assertions:` with a list of them, or delete the file";
        reader.fault(Span::new(0, text.len()), "a file of assertions without one", help);
    }
    (found, reader.faults)
}

/// Reads the configuration in `text`, the content of `file`, whose patterns of paths count from `base`.
/// Where there is a fault, it is not to be used.
pub fn read(text: &str, file: FileId, base: Arc<Base>) -> (Config, Vec<Fault>) {
    let (documents, problems) = yaml::parse(text);
    let place = Place::plain(file, Span::new(0, text.len()));
    let mut reader = Reader::new(place, base);
    for problem in problems {
        reader.fault(problem.span, problem.message, "mend the YAML");
    }
    let mut config = Config::default();
    if let Some(second) = documents.get(1) {
        reader.fault(second.root.span, "a second document", "a configuration is one document");
    }
    if let Some(document) = documents.first() {
        whole(&mut reader, &document.root, &mut config);
    }
    config.first_glob = reader.first_glob;
    (config, reader.faults)
}

fn whole(reader: &mut Reader, root: &Node<'_>, config: &mut Config) {
    for (name, value) in reader.members(root, "the configuration", &MEMBERS) {
        match name {
            "persona" => config.persona = persona(reader, value),
            "trusted_accounts" => {
                for (text, span) in reader.texts(value, "an account id") {
                    match AccountId::parse(&text) {
                        Some(account) => {
                            config.settings.trusted_accounts.insert(account);
                        }
                        None => {
                            let message = format!("`{text}` is no account id");
                            reader.fault(span, message, "an account id has twelve digits");
                        }
                    }
                }
            }
            "trusted_organizations" => {
                for (text, span) in reader.texts(value, "an organization id") {
                    if text.starts_with("o-") {
                        config.settings.trusted_organizations.insert(text.into());
                    } else {
                        let message = format!("`{text}` is no organization id");
                        reader.fault(span, message, "an organization id begins with `o-`");
                    }
                }
            }
            "deployer" => {
                let text = reader.text(value, "an ARN").unwrap_or_default();
                config.settings.deployer = deployer(&text);
                if config.settings.deployer.is_none() {
                    let message = format!("`{text}` names nobody who could apply a policy");
                    reader.fault(value.span, message, "write the ARN of a user or a role");
                }
            }
            "strict" => match value.scalar() {
                Some("true") => config.settings.strict = true,
                Some("false") => config.settings.strict = false,
                _ => reader.fault(value.span, "`strict` is true or false", "write one of the two"),
            },
            "known_actions" => {
                for (text, span) in reader.texts(value, "an action") {
                    let name = text.get(4..).filter(|name| !name.is_empty() && !name.contains('*'));
                    match text.get(..4).filter(|it| it.eq_ignore_ascii_case("kms:")).and(name) {
                        Some(_) => {
                            let known = text.to_ascii_lowercase().into();
                            config.settings.known_actions.insert(known);
                        }
                        None => {
                            let message = format!("`{text}` is no action of KMS");
                            reader.fault(span, message, "write it out, as kms:Decrypt");
                        }
                    }
                }
            }
            "known_condition_keys" => {
                for (text, span) in reader.texts(value, "a condition key") {
                    let name = text.split_once(':').map(|(_, name)| name.trim_end_matches('*'));
                    match name.filter(|name| !name.is_empty() && !name.contains('*')) {
                        Some(_) => {
                            let known = text.to_ascii_lowercase().into();
                            config.settings.known_condition_keys.insert(known);
                        }
                        None => {
                            let message = format!("`{text}` is no condition key");
                            let help = "write aws:NAME or kms:NAME; a `*` at the end for a family";
                            reader.fault(span, message, help);
                        }
                    }
                }
            }
            "assume" => config.assumptions = assume::read(reader, value),
            "rules" => config.rules = rules(reader, value),
            "paths" => {
                config.paths =
                    value.one_or_many().iter().filter_map(|it| path(reader, it)).collect();
            }
            // Nothing is left where the last entry was deleted.
            "ignore" if matches!(value.kind, Kind::Null) => {}
            "ignore" => {
                let entries = value.one_or_many().iter();
                config.ignore = entries.filter_map(|entry| ignore::read(reader, entry)).collect();
            }
            "assertions" => config.assertions = assertions::read(reader, value),
            // They count before anything is loaded: who asks for them reads them alone.
            _ => deployment::member_of(reader, name, value, &mut Deployment::default()),
        }
    }
}

fn persona(reader: &mut Reader, value: &Node<'_>) -> Option<Persona> {
    let all = [Persona::Regular, Persona::Pedantic, Persona::Auditor];
    let text = reader.text(value, "a persona")?;
    let found = all.into_iter().find(|persona| persona.name() == text);
    if found.is_none() {
        let names = all.map(Persona::name);
        reader.no_such(value.span, "persona", &text, &names);
    }
    found
}

/// The choices of a map from rule to `off`, `on` or a severity.
fn rules(reader: &mut Reader, node: &Node<'_>) -> BTreeMap<&'static str, Choice> {
    let mut choices = BTreeMap::new();
    for (name, span, value) in reader.map(node, "a map from rules to severities") {
        let Some(rule) = named(name) else {
            reader.fault(span, unknown(name), "");
            continue;
        };
        let Some(choice) = choice(reader, value) else { continue };
        if choices.insert(rule.metadata.slug, choice).is_some() {
            reader.fault(span, format!("`{name}` stands twice"), "keep one of the two");
        }
    }
    choices
}

fn choice(reader: &mut Reader, value: &Node<'_>) -> Option<Choice> {
    let text = reader.text(value, "`off`, `on` or a severity")?;
    match &*text {
        // YAML 1.1 reads `off` and `on` as booleans; who writes those means the same.
        "off" | "false" => return Some(Choice::Off),
        "on" | "true" => return Some(Choice::On),
        _ => {}
    }
    let severity = Severity::ALL.iter().find(|severity| severity.name() == text);
    if severity.is_none() {
        let mut names: Vec<&str> = Severity::ALL.iter().map(|severity| severity.name()).collect();
        names.extend(["off", "on"]);
        reader.no_such(value.span, "severity", &text, &names);
    }
    severity.map(|severity| Choice::Severity(*severity))
}

fn path(reader: &mut Reader, node: &Node<'_>) -> Option<PathRules> {
    let (mut files, mut chosen) = (None, BTreeMap::new());
    for (name, value) in reader.members(node, "an entry of `paths`", &PATH_MEMBERS) {
        match name {
            "files" => files = reader.globs(value),
            "rules" => chosen = rules(reader, value),
            _ => {}
        }
    }
    if node.get("files").is_none() {
        reader.fault(node.span, "an entry of `paths` without `files`", "name the files it is for");
    }
    files.map(|files| PathRules { files, rules: chosen })
}

#[cfg(test)]
mod tests;
