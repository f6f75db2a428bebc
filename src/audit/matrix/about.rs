//! What an answer stands on: the evidence beside the table.

use jiff::{Timestamp, tz::TimeZone};

use crate::decision::Assumptions;
use crate::inventory::Inventory;

use super::{Counts, Question};

/// What an auditor needs to know before a table is worth anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// The version of this program.
    pub version: &'static str,
    /// SHA-256 over the input, where it was asked for.
    pub digest: Option<String>,
    /// How many files were read.
    pub files: usize,
    /// How many of them could not be used.
    pub problems: usize,
    /// The day from which on requests happen.
    pub date: String,
    /// What is asked for, as options.
    pub question: Vec<String>,
    /// What is taken for granted: options first, then what no export tells.
    pub assumptions: Vec<String>,
    /// How much there is of what is looked at.
    pub counts: Counts,
}

impl About {
    /// What an answer to `question` over `world` stands on; what costs more than a look is for the caller
    /// to fill in.
    pub fn new(
        world: &Inventory,
        question: &Question,
        assumptions: &Assumptions,
        now: Timestamp,
    ) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            digest: None,
            files: 0,
            problems: 0,
            date: now.to_zoned(TimeZone::UTC).date().to_string(),
            question: question.told(),
            assumptions: taken(world, question, assumptions),
            counts: Counts::default(),
        }
    }
}

/// What is told once for a whole kind, as it could only narrow.
fn taken(world: &Inventory, question: &Question, assumptions: &Assumptions) -> Vec<String> {
    let mut all = assumptions.words.clone();
    if world.organization.is_none() {
        all.push("no organization: no SCP and no RCP limits anybody".to_owned());
    }
    if world.endpoints.is_empty() {
        all.push("no VPC endpoint has a policy that limits anybody".to_owned());
    }
    all.push("sessions are made without session policies".to_owned());
    all.push(match question.effective_now {
        true => "what a key's state rules out now is left out (--effective-now)".to_owned(),
        false => "the states of keys are beside the table, not applied".to_owned(),
    });
    all
}

impl Question {
    /// The question as the options that ask it.
    fn told(&self) -> Vec<String> {
        let lists = [
            ("--principal", &self.principals),
            ("--key", &self.keys),
            ("--account", &self.accounts),
            ("--action", &self.actions),
            ("--tag", &self.tags),
        ];
        let named = lists
            .iter()
            .flat_map(|(option, texts)| texts.iter().map(move |text| format!("{option} {text}")));
        let verdicts = self.verdicts.iter().map(|word| format!("--verdict {}", word.name()));
        let flags = [("--all", self.all), ("--effective-now", self.effective_now)];
        let flags = flags.iter().filter(|(_, given)| *given).map(|(flag, _)| (*flag).to_owned());
        named.chain(verdicts).chain(flags).collect()
    }
}
