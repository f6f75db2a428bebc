//! What launches code under a role, or changes code that runs under one (rules T28, T29, section 5.3).

use crate::aws::ControlAction;

/// One way to run code under a role.
#[derive(PartialEq, Eq, Debug)]
pub struct Launch {
    /// The service that the role must trust: `lambda.amazonaws.com`.
    pub service: &'static str,
    /// The actions that are needed together, beside iam:PassRole where `passes` says so; the first names
    /// the launch.
    pub actions: &'static [ControlAction],
    /// Whether the role is passed (rule T28); otherwise it is that of something that runs already (T29).
    pub passes: bool,
}

/// All of them.
pub const LAUNCHES: &[Launch] = &[];
