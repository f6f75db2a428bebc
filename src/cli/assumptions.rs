//! `--assume`, `--direct` and `--via`: what the whole analysis takes for granted.

use crate::aws::{condition_key, condition_keys::condition_keys, suggest};
use crate::decision::{Assumptions, ContextValue};

use super::Fault;

/// The options that fix request-time condition keys; every command with an analysis has them.
#[derive(clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Assumptions")]
pub(super) struct Args {
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

impl Args {
    /// The assumptions.
    ///
    /// # Errors
    /// What is not KEY=VALUE, and a name that is nearly that of a condition key.
    pub(super) fn read(&self) -> Result<Assumptions, Fault> {
        let mut assumptions = Assumptions::default();
        for pair in &self.assume {
            let split = pair.split_once('=').filter(|(name, _)| !name.is_empty());
            let (name, value) = split.ok_or_else(|| {
                Fault::argument("--assume", &format_args!("`{pair}` is not KEY=VALUE"))
            })?;
            known(name)?;
            fix(&mut assumptions, name, value);
        }
        if self.direct {
            assumptions.direct();
        }
        if let Some(service) = &self.via {
            assumptions.via(service);
        }
        Ok(assumptions)
    }
}

fn fix(assumptions: &mut Assumptions, name: &str, value: &str) {
    let given = &mut assumptions.given;
    if value == "absent" {
        given.set_absent(name);
        assumptions.words.push(format!("{name} is absent (--assume)"));
        return;
    }
    let value = match given.get(name) {
        Some(known) => {
            let known = known.value.values().iter().cloned();
            ContextValue::Many(known.chain([value.into()]).collect())
        }
        None => ContextValue::One(value.into()),
    };
    let shown = value.values().join(", ");
    let words = &mut assumptions.words;
    words.retain(|known| !known.starts_with(&format!("{name} is ")));
    words.push(format!("{name} is {shown} (--assume)"));
    given.set(name, value);
}

/// A slip of the pen would assume nothing in silence.
fn known(name: &str) -> Result<(), Fault> {
    let is_known = condition_key(name.strip_suffix('*').unwrap_or(name)).is_some();
    let names = condition_keys().iter().map(|info| info.name);
    let near = suggest::nearest(name, names).filter(|_| !is_known && !name.ends_with('*'));
    near.map_or(Ok(()), |near| {
        let error = format!("unknown condition key `{name}`: did you mean {near}?");
        Err(Fault::argument("--assume", &error))
    })
}
