//! What an answer stands on: the evidence beside the table.

use jiff::Timestamp;

use crate::audit::Basis;
use crate::decision::Assumptions;
use crate::inventory::Inventory;

use super::{Counts, Question};

/// What an auditor needs to know before a table is worth anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// What any answer stands on.
    pub basis: Basis,
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
        let mut basis = Basis::new(world, question.told(), assumptions, now);
        basis.assumptions.push(match question.effective_now {
            true => "what a key's state rules out now is left out (--effective-now)".to_owned(),
            false => "the states of keys are beside the table, not applied".to_owned(),
        });
        let unknown = world.keys.values().filter(|key| !key.has_known_state()).count();
        if question.effective_now && unknown > 0 {
            let all = world.keys.len();
            let text =
                format!("of {unknown} of {all} keys no state is known, and nothing is left out");
            basis.assumptions.push(text);
        }
        Self { basis, counts: Counts::default() }
    }
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
