//! The request log: a line for each request, on stderr.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::endpoint::Answer;

/// How much is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogLevel {
    /// Nothing of single requests.
    Quiet,
    /// A line for each request.
    Requests,
    /// Also why a request is denied.
    Explain,
}

/// Where the log goes, and how much of it.
pub(super) struct Log {
    level: LogLevel,
    out: Mutex<Box<dyn Write + Send>>,
}

impl Log {
    /// A log on stderr.
    pub(super) fn new(level: LogLevel) -> Self {
        Self { level, out: Mutex::new(Box::new(io::stderr())) }
    }

    /// Says what a request was and how it ended.
    pub(super) fn request(&self, answer: &Answer, request_id: &str, took: Duration) {
        // What could not be kept is told in any case.
        if self.level == LogLevel::Quiet && answer.status < 500 {
            return;
        }
        let noted = &answer.noted;
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        let mut text = format!(
            "{now} {} {} {} {} {}us {request_id}\n",
            answer.status,
            or_dash(&noted.action),
            or_dash(&noted.caller),
            noted.error.unwrap_or("ok"),
            took.as_micros(),
        );
        if let Some(explanation) = &noted.explanation {
            explanation.lines().for_each(|line| text.push_str(&format!("    {line}\n")));
        }
        self.say(&text);
    }

    /// Says something beside the requests.
    pub(super) fn say(&self, text: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody reads the log any more: requests are answered all the same.
        let _ = out.write_all(text.as_bytes());
    }
}
