//! `--account`, `--region`, `--var`: where infrastructure code is deployed to, as far as its user says so.

use crate::aws::AccountId;
use crate::aws::region::is_region;
use crate::config;
use crate::ingest::{Deployment, parameters};
use crate::source::LineIndex;

use super::control::ConfigChoice;
use super::terminal::Terminal;
use super::{Fault, control};

/// The options that pin what infrastructure code leaves open; every command that reads input has them.
#[derive(clap::Args)]
pub(super) struct Deploy {
    /// The account that infrastructure code is deployed to; `this-account` stands for it otherwise.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    #[command(flatten)]
    rest: Rest,
}

/// The same options without the account, for commands that choose accounts by `--account` already.
#[derive(clap::Args)]
pub(super) struct Rest {
    /// The Region that infrastructure code is deployed to; `this-region` stands for it otherwise.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The value of a template's parameter or of a variable of a Terraform root module, whose calls and stacks
    /// give it on; again for another.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// The parameters of CloudFormation stacks, as `aws cloudformation deploy` or CodePipeline has them;
    /// again for another.
    #[arg(long, value_name = "FILE")]
    parameters: Vec<String>,
}

impl Deploy {
    /// What the options say, and what the keyreach.yaml of `paths` says beside them.
    ///
    /// # Errors
    /// An option or that file says what means nothing.
    pub(super) fn read(&self, paths: &[String], terminal: Terminal) -> Result<Deployment, Fault> {
        self.beside(&ConfigChoice::default(), paths, terminal)
    }

    /// What the options say, and what the configuration that `choice` names says beside them.
    ///
    /// # Errors
    /// An option or the configuration says what means nothing.
    pub(super) fn beside(
        &self,
        choice: &ConfigChoice,
        paths: &[String],
        terminal: Terminal,
    ) -> Result<Deployment, Fault> {
        self.rest.with(self.account.as_deref(), choice, paths, terminal)
    }
}

impl Rest {
    /// What the options say, and what the keyreach.yaml of `paths` says beside them. Of the accounts that
    /// are chosen, a single id is also the one that is deployed to.
    ///
    /// # Errors
    /// An option or that file says what means nothing.
    pub(super) fn read(
        &self,
        accounts: &[String],
        paths: &[String],
        terminal: Terminal,
    ) -> Result<Deployment, Fault> {
        let account = match accounts {
            [one] => Some(one.as_str()).filter(|one| is_id(one)),
            _ => None,
        };
        self.with(account, &ConfigChoice::default(), paths, terminal)
    }

    fn with(
        &self,
        account: Option<&str>,
        choice: &ConfigChoice,
        paths: &[String],
        terminal: Terminal,
    ) -> Result<Deployment, Fault> {
        let mut deployment = match choice.nearest(paths)? {
            None => Deployment::default(),
            Some(path) => {
                let text = control::read(&path)?;
                let (deployment, faults) = config::read_deployment(&text);
                control::refuse(&path, &text, &faults, terminal)?;
                deployment
            }
        };
        if let Some(text) = account {
            let account = AccountId::parse(text).filter(|_| is_id(text));
            let refused = format!("`{text}` is no account id: it has twelve digits");
            deployment.account = account.ok_or_else(|| Fault::argument("--account", &refused))?;
        }
        if let Some(region) = &self.region {
            if !is_region(region) {
                let refused = format!("`{region}` is no Region: one is named like eu-central-1");
                return Err(Fault::argument("--region", &refused));
            }
            deployment.in_region(region);
        }
        for path in &self.parameters {
            let text = control::read(path)?;
            let found = parameters(&text).map_err(|fault| {
                let place = LineIndex::new(&text).position(&text, fault.span.start);
                let place = format!("{path}:{}:{}", place.line, place.column);
                Fault::argument("--parameters", &format_args!("{place}: {}", fault.message))
            })?;
            deployment.parameters.extend(found);
        }
        for pair in &self.variables {
            let (name, value) =
                pair.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
                    Fault::argument("--var", &format_args!("`{pair}` is not NAME=VALUE"))
                })?;
            deployment.variables.insert(name.into(), value.into());
        }
        Ok(deployment)
    }
}

/// Whether it is the id of an account, not a name.
fn is_id(text: &str) -> bool {
    AccountId::parse(text).is_some_and(|account| !account.is_symbol())
}
