//! Who could get to a key, and by which steps.

use std::collections::BTreeSet;

use crate::access::Access;
use crate::decision::Caller;
use crate::graph::{Found, Goal, Graph, Summary, Supposed, Wanted};
use crate::inventory::Inventory;

use super::{QuestionError, filter};

/// What is asked for; an empty list asks for everything.
#[derive(Clone, Debug)]
pub struct PathsQuestion {
    /// Who sets out.
    pub principals: Vec<String>,
    /// The keys.
    pub keys: Vec<String>,
    /// Accounts whose keys are meant.
    pub accounts: Vec<String>,
    /// What is to be gained.
    pub goal: Goal,
    /// The most calls of a path.
    pub max_hops: Option<usize>,
    /// The most primitives of a path (rule T52).
    pub max_primitives: usize,
    /// Whether those outside the export alone set out.
    pub external_only: bool,
    /// What is told of ways that hang on what is not known.
    pub supposed: Supposed,
}

impl PathsQuestion {
    /// The paths that are asked for, each executed.
    ///
    /// # Errors
    /// A filter that means nothing.
    pub fn paths(&self, access: &Access<'_>) -> Result<Found, QuestionError> {
        let graph = Graph::new(access);
        let wanted = self.wanted(access.inventory(), || graph.principals())?;
        Ok(graph.paths(&wanted))
    }

    /// How far everybody who is asked for is from each key.
    ///
    /// # Errors
    /// A filter that means nothing.
    pub fn summary(&self, access: &Access<'_>) -> Result<Summary, QuestionError> {
        let graph = Graph::new(access);
        let wanted = self.wanted(access.inventory(), || graph.principals())?;
        Ok(graph.summary(&wanted))
    }

    fn wanted(
        &self,
        world: &Inventory,
        principals: impl Fn() -> BTreeSet<Caller>,
    ) -> Result<Wanted, QuestionError> {
        let mut keys = filter::keys(world, &self.keys)?;
        if let Some(accounts) = filter::accounts_of_keys(world, &self.accounts)? {
            let of_account = world.keys.keys().filter(|key| accounts.contains(&key.account()));
            keys = Some(match keys {
                Some(keys) => of_account.filter(|key| keys.contains(key)).cloned().collect(),
                None => of_account.cloned().collect(),
            });
        }
        let principals = match self.principals.is_empty() {
            true => None,
            false => filter::principals(world, &principals(), &self.principals)?,
        };
        Ok(Wanted {
            keys,
            principals,
            goal: self.goal,
            max_hops: self.max_hops,
            max_primitives: self.max_primitives,
            external_only: self.external_only,
            supposed: self.supposed,
        })
    }
}
