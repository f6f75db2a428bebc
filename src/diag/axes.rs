//! The three axes of a finding: how bad, how sure, and who wants to read it.

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Should be tidied.
    Low,
    /// Should be mended.
    Medium,
    /// Must be mended.
    High,
    /// Must be mended today.
    Critical,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: &[Self] = &[Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// Its name in output and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Something that is missing could change the answer.
    Low,
    /// It rests on a reading that AWS does not document.
    Medium,
    /// Proven.
    High,
}

impl Confidence {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// Who wants to read a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Persona {
    /// Everyone.
    Regular,
    /// Who wants true findings that many intend.
    Pedantic,
    /// Who wants the inventory.
    Auditor,
}

impl Persona {
    /// Its name in output and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Pedantic => "pedantic",
            Self::Auditor => "auditor",
        }
    }
}
