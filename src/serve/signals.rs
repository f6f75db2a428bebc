//! What the system asks of the process.

use std::io;
use std::sync::Arc;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that are listened to, from [`Signals::take`] on.
pub(super) struct Signals {
    /// That the process shall end.
    pub(super) end: End,
    /// That the export shall be read again.
    pub(super) hangups: Hangups,
}

/// SIGTERM and SIGINT.
#[cfg(unix)]
pub(super) struct End {
    term: Signal,
    int: Signal,
}

/// SIGHUP.
#[cfg(unix)]
pub(super) struct Hangups(Signal);

#[cfg(unix)]
impl Signals {
    /// Listens from now on; inside of a runtime.
    pub(super) fn take() -> io::Result<Self> {
        let (term, int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let hangups = Hangups(signal(SignalKind::hangup())?);
        Ok(Self { end: End { term, int }, hangups })
    }
}

#[cfg(unix)]
impl End {
    /// Done when the process is told to end.
    pub(super) async fn wait(mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

#[cfg(unix)]
impl Hangups {
    /// Calls `action` at each.
    pub(super) async fn each(mut self, action: impl Fn() + Send + Sync + 'static) {
        let action = Arc::new(action);
        while self.0.recv().await.is_some() {
            let action = Arc::clone(&action);
            // It reads files; one that panics ends itself alone.
            let _ = tokio::task::spawn_blocking(move || action()).await;
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(super) struct End;

/// There is no such signal.
#[cfg(not(unix))]
pub(super) struct Hangups;

#[cfg(not(unix))]
impl Signals {
    /// Listens from now on.
    pub(super) fn take() -> io::Result<Self> {
        Ok(Self { end: End, hangups: Hangups })
    }
}

#[cfg(not(unix))]
impl End {
    /// Done when the process is told to end.
    pub(super) async fn wait(self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(not(unix))]
impl Hangups {
    /// Never calls `action`.
    pub(super) async fn each(self, action: impl Fn() + Send + Sync + 'static) {
        let _action = Arc::new(action);
        std::future::pending().await
    }
}
