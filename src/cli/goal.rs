//! `--to`: what is to be gained on a key.

use clap::ValueEnum;

use crate::graph::Goal;

/// What is to be gained on a key.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum To {
    /// To decrypt with it; to sign, make MACs or derive secrets where it cannot.
    Use,
    /// To change its key policy.
    Administer,
    /// To schedule its deletion.
    Destroy,
}

impl To {
    /// The goal of the graph.
    pub(super) fn goal(self) -> Goal {
        match self {
            Self::Use => Goal::Use,
            Self::Administer => Goal::Administer,
            Self::Destroy => Goal::Destroy,
        }
    }

    /// The option that asks for it, unless it is what is asked for otherwise.
    pub(super) fn told(self) -> Option<String> {
        match self {
            Self::Use => None,
            Self::Administer => Some("--to administer".to_owned()),
            Self::Destroy => Some("--to destroy".to_owned()),
        }
    }
}
