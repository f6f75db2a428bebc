//! What a rule's page says of it: the only home of its title, severity, confidence and persona.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::diag::{Confidence, Persona, Severity};

/// The front matter of a rule's page, and its text.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The rule's name everywhere.
    pub slug: &'static str,
    /// What the page's front matter says.
    pub front: Front,
    /// The page below its front matter, in markdown.
    pub text: &'static str,
}

/// The front matter of a rule's page.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Front {
    /// One sentence: the fault.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// Who wants to read it.
    pub persona: Persona,
    /// Forms of the fault that are told apart, by name.
    #[serde(default)]
    pub facets: BTreeMap<String, Facet>,
    /// The version it came with.
    pub since: String,
    /// Controls of compliance frameworks.
    #[serde(default)]
    pub controls: Vec<String>,
    /// Weaknesses of the CWE that it is a case of, by number.
    #[serde(default)]
    pub cwe: Vec<u16>,
    /// Pages to read.
    #[serde(default)]
    pub references: Vec<Reference>,
    /// The rules of the semantics that it rests on.
    #[serde(default)]
    pub spec: Vec<String>,
    /// What has to be given for it to be run at all.
    #[serde(default)]
    pub needs: Option<Need>,
    /// Without which parts of an export it stays silent, or says less.
    pub weaker_without: Vec<Input>,
}

/// What a rule asks for beside the world.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// The world before a change: `--base`.
    Base,
    /// Who applies policies: `--deployer`.
    Deployer,
}

impl Need {
    /// The option that gives it.
    pub fn option(self) -> &'static str {
        match self {
            Self::Base => "--base",
            Self::Deployer => "--deployer",
        }
    }
}

/// A part of an export that rules look at.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// Users, roles, groups and their policies.
    Identities,
    /// The policy of a key.
    KeyPolicy,
    /// The grants of a key.
    Grants,
    /// The aliases of a key.
    Aliases,
    /// The tags of a key.
    Tags,
    /// What DescribeKey says of a key.
    Metadata,
    /// The organization and its policies.
    Organization,
}

/// A form of a rule's fault with a weight of its own.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Facet {
    /// One sentence: this form of the fault.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// Who wants to read it.
    pub persona: Persona,
}

/// A page to read.
#[derive(Clone, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Its title.
    pub title: String,
    /// Its address.
    pub url: String,
}

impl Metadata {
    /// Reads a rule's page.
    ///
    /// # Panics
    /// Where the page has no valid front matter; the pages are part of the program, and a test reads all.
    #[expect(clippy::expect_used, reason = "the pages are embedded, a test reads them all")]
    pub(super) fn parse(slug: &'static str, page: &'static str) -> Self {
        let (front, text) = page
            .strip_prefix("---\n")
            .and_then(|rest| rest.split_once("\n---\n"))
            .expect("a rule's page begins with its front matter");
        let front =
            serde_yaml::from_str(front).expect("the front matter has the members of `Front`");
        Self { slug, front, text: text.trim_start() }
    }
}
