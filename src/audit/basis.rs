//! What an answer stands on, whatever was asked.

use jiff::{Timestamp, tz::TimeZone};

use crate::decision::Assumptions;
use crate::inventory::Inventory;

use super::Coverage;

/// What an auditor needs to know before an answer is worth anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Basis {
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
    /// How much of infrastructure code is known, where there is some.
    pub coverage: Option<Coverage>,
}

impl Basis {
    /// What an answer over `world` stands on; what costs more than a look is for the caller to fill in.
    pub fn new(
        world: &Inventory,
        question: Vec<String>,
        assumptions: &Assumptions,
        now: Timestamp,
    ) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            digest: None,
            files: 0,
            problems: 0,
            date: now.to_zoned(TimeZone::UTC).date().to_string(),
            question,
            assumptions: taken(world, assumptions),
            coverage: Coverage::of(world),
        }
    }
}

/// What is told once for a whole kind, as it could only narrow.
fn taken(world: &Inventory, assumptions: &Assumptions) -> Vec<String> {
    let mut all = assumptions.words.clone();
    if world.organization.is_none() {
        let limits = world.declared.iter().any(|declared| !declared.limits.is_empty());
        let words = match limits {
            true => {
                "no organization: no SCP and no RCP limits anybody but those that the code attaches to \
                     accounts, which may; FullAWSAccess and RCPFullAWSAccess are attached everywhere"
            }
            false => "no organization: no SCP and no RCP limits anybody",
        };
        all.push(words.to_owned());
    }
    if world.endpoints.is_empty() {
        all.push("no VPC endpoint has a policy that limits anybody".to_owned());
    }
    all.push("sessions are made without session policies".to_owned());
    all
}
