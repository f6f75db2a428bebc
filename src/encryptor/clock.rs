//! The time that operations go by.

use jiff::Timestamp;

/// The time that operations go by: deletion windows and dates of grants hang on it.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The system's.
    System,
    /// It stands still.
    At(Timestamp),
    /// The system's, this many seconds ahead.
    Ahead(i64),
}

impl Clock {
    /// The present.
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::At(instant) => instant,
            Self::Ahead(seconds) => {
                let now = Timestamp::now();
                Timestamp::from_second(now.as_second().saturating_add(seconds)).unwrap_or(now)
            }
        }
    }
}
