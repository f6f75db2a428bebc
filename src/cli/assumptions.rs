//! `--assume`, `--direct` and `--via`: what the whole analysis takes for granted.

use crate::access::contradiction;
use crate::decision::Assumptions;

use super::Fault;

/// The options that fix request-time condition keys; every command with an analysis has them.
#[derive(clap::Args)]
pub(super) struct Assume {
    /// Take a condition key of every request for fixed, or for absent; the same again adds a value.
    #[arg(long, value_name = "KEY=VALUE|absent")]
    assume: Vec<String>,
    /// Take callers to call KMS themselves: no service in between, no encryption context.
    #[arg(long, conflicts_with = "via")]
    direct: bool,
    /// Take a service, such as `s3`, to call on the principal's behalf.
    #[arg(long, value_name = "SERVICE")]
    via: Option<String>,
}

impl Assume {
    /// The assumptions.
    ///
    /// # Errors
    /// What is not KEY=VALUE, a name that is nearly that of a condition key, and what no request has together.
    pub(super) fn read(&self) -> Result<Assumptions, Fault> {
        self.beside(Assumptions::default())
    }

    /// The assumptions beside those of a configuration; for a condition key of both these alone count.
    ///
    /// # Errors
    /// What is not KEY=VALUE, a name that is nearly that of a condition key, and what no request has together.
    pub(super) fn beside(&self, mut assumptions: Assumptions) -> Result<Assumptions, Fault> {
        let names = self.assume.iter().filter_map(|pair| Some(pair.split_once('=')?.0));
        names.for_each(|name| assumptions.leave(name));
        for pair in &self.assume {
            let split = pair.split_once('=').filter(|(name, _)| !name.is_empty());
            let (name, value) = split.ok_or_else(|| {
                Fault::argument("--assume", &format_args!("`{pair}` is not KEY=VALUE"))
            })?;
            let fixed = assumptions.fix(name, value, "--assume");
            fixed.map_err(|error| Fault::argument("--assume", &error))?;
        }
        if self.direct {
            assumptions.direct();
        }
        if let Some(service) = &self.via {
            assumptions.via(service);
        }
        match contradiction(&assumptions) {
            Some(together) => {
                let error = format!("there is no request in which {}", together.join(" and "));
                Err(Fault::argument("--assume", &error))
            }
            None => Ok(assumptions),
        }
    }
}
