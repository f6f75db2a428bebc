//! How far a long run is, on a terminal alone.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// One line on stderr that is written over; nothing in a pipe.
pub(super) struct Progress {
    told: Option<Mutex<Instant>>,
}

const EVERY: Duration = Duration::from_millis(100);

impl Progress {
    pub(super) fn new() -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self { told: is_terminal.then(|| Mutex::new(Instant::now())) }
    }

    /// Tells how much of `what` is done, ten times a second at most.
    pub(super) fn tell(&self, what: &str, done: usize, all: usize) {
        let Some(Ok(mut told)) = self.told.as_ref().map(Mutex::try_lock) else {
            return;
        };
        if all == 0 || told.elapsed() > EVERY {
            *told = Instant::now();
            let count = if all == 0 { String::new() } else { format!(": {done} of {all}") };
            // A terminal that is gone is nothing to complain of.
            let _ = write!(io::stderr(), "\r\x1b[K{what}{count}");
        }
    }

    /// Takes the line away.
    pub(super) fn finish(&self) {
        if self.told.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
