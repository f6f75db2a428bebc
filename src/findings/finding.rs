//! One finding.

use std::collections::BTreeMap;

use crate::aws::KeyArn;
use crate::decision::Request;
use crate::diag::{Confidence, Persona, Severity};
use crate::source::{Place, Span};

use super::Fix;

/// Something a rule has to say. Rules make it with the builder in `rules`; it always has a primary label.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule's slug, the only code there is.
    pub rule: &'static str,
    /// The rule's facet that speaks, where it has several.
    pub facet: Option<&'static str>,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// Who wants to read it.
    pub persona: Persona,
    /// One line, lower case, no full stop: principal, action, key.
    pub message: String,
    /// What to edit.
    pub help: String,
    /// The key it is about.
    pub key: Option<KeyArn>,
    /// What it is about: a key, a policy, a file; part of the fingerprint.
    pub subject: String,
    /// The principals it concerns, sorted; not part of the fingerprint.
    pub principals: Vec<String>,
    /// The places: the primary first.
    pub labels: Vec<Label>,
    /// Whether the places, in their order, are the steps of a way to get there.
    pub steps: bool,
    /// The normal form of the statement it speaks of, without principals; part of the fingerprint.
    pub statement: Option<String>,
    /// How many statements of the same policy have that form and come before it; part of the fingerprint.
    pub alike: usize,
    /// A request that shows it.
    pub witness: Option<Box<Request>>,
    /// What mends it.
    pub fix: Option<Box<Fix>>,
    /// Whether its cause is a statement that speaks of many keys: of those with the same fingerprint one
    /// is told.
    pub shares_cause: bool,
    /// Which instance of a block of infrastructure code it speaks of: its subject is the block, and of
    /// those with the same fingerprint one is told.
    pub instance: Option<String>,
    /// Whether it speaks of one of several uses of something in code: of those with the same fingerprint one is
    /// told, with the places of the others.
    pub is_use: bool,
    /// The block of infrastructure code that makes its key.
    pub block: Option<Place>,
    /// The findings about other keys of that block that it stands for: each has its own place in a baseline.
    pub same: Vec<Finding>,
    /// The statement or the grant that it is about, where that is one.
    pub cause: Option<Cause>,
    /// What it explains.
    pub explains: Explains,
    /// How many findings of which rules it stands for beside itself, being what explains them.
    pub explained: BTreeMap<&'static str, usize>,
}

impl Finding {
    /// Leaves out the principals that are meant, with a request that one of them makes.
    pub fn leave_out(&mut self, is_meant: impl Fn(&str) -> bool) {
        let had = self.principals.len();
        self.principals.retain(|name| !is_meant(name));
        if self.principals.len() < had {
            self.witness.take_if(|witness| is_meant(&witness.caller.text));
        }
    }
}

/// A statement by the text it is written in and its range there; of a grant the text alone.
pub type Cause = (Place, Option<Span>);

/// The rules whose findings another explains, by what those share with it.
#[derive(Clone, Default, Debug)]
pub struct Explains {
    /// On the same key.
    pub on_key: Vec<&'static str>,
    /// About the same statement or grant.
    pub there: Vec<&'static str>,
    /// About the same statement as well; but what they say is not so.
    pub refuted: Vec<&'static str>,
}

impl Explains {
    /// The rules of all kinds.
    pub fn rules(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.on_key.iter().chain(&self.there).chain(&self.refuted).copied()
    }
}

/// A place of a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// The text it points into.
    pub place: Place,
    /// The range of that text; the whole of it where nothing smaller would do.
    pub span: Option<Span>,
    /// What is to be seen there.
    pub text: String,
    /// Whether it is the place itself or one beside it.
    pub role: Role,
}

/// The part of a label in a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    /// The place that the finding is about.
    Primary,
    /// A place that helps to understand it.
    Related,
}
