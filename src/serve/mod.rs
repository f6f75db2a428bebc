//! The KMS endpoint: a local KMS of the exported organization for the AWS CLI and SDKs.
//!
//! A request comes in over HTTP on the loopback interface (`http`); its signature is verified before
//! anything else of it is looked at (`sigv4`, `credentials`); then it goes to KMS in JSON, or to STS
//! and IAM as a form (`query`). Every decision is the reference evaluator's, over the world as clients
//! have made it; the account and the Region are those that the request was signed for.
//!
//! Nothing here encrypts, and nothing that was encrypted, or is secret, is written into a log.

mod ambient;
mod credentials;
mod endpoint;
mod explain;
mod http;
mod log;
mod query;
mod signals;
mod sigv4;
mod who;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::encryptor::directory::{Directory, StateError};
use crate::encryptor::{Clock, Encryptor};
use crate::inventory::Inventory;

use endpoint::Endpoint;
use http::Listener;
use log::Log;
use signals::Signals;

pub use log::LogLevel;

/// How an endpoint is served.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port of 127.0.0.1; 0 takes any that is free.
    pub port: u16,
    /// Where the access keys are written.
    pub credentials: PathBuf,
    /// What is logged.
    pub log: LogLevel,
    /// How far the clock of the conditions is from the one of the machine.
    pub shift: SignedDuration,
    /// How many seconds a new grant counts with its token alone.
    pub grant_delay: u32,
}

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The state directory.
    #[error(transparent)]
    State(#[from] StateError),
    /// The credentials file.
    #[error("cannot write {path}: {cause}")]
    Credentials {
        /// The file.
        path: String,
        /// The system's word.
        cause: io::Error,
    },
    /// The port, most often one that is taken.
    #[error("cannot listen on 127.0.0.1:{port}: {cause}")]
    Port {
        /// The port.
        port: u16,
        /// The system's word.
        cause: io::Error,
    },
    /// Sockets, threads or signals.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Serves an export until the process is told to end. The first line on `out` is the address, written once the
/// state and the credentials file are synced and the socket takes connections. At SIGHUP `reload` reads
/// the export again; nothing where that failed, which it has told.
///
/// # Errors
/// Nothing can be served.
pub fn run(
    exported: Inventory,
    directory: Arc<Directory>,
    options: &Options,
    out: &mut dyn Write,
    reload: impl Fn() -> Option<Inventory> + Send + Sync + 'static,
) -> Result<(), ServeError> {
    let explains = options.log == LogLevel::Explain;
    let clock = Clock::Ahead(options.shift.as_secs());
    let encryptor = Encryptor::open(&exported, &directory, clock)?
        .with_grant_delay(i64::from(options.grant_delay));
    drop(exported);
    let endpoint = Endpoint::new(encryptor, Arc::clone(&directory), options.shift, explains)?;
    let endpoint = Arc::new(endpoint);
    write_credentials(&endpoint, options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Whoever has read the address may send a signal.
    let signals = {
        let _inside = runtime.enter();
        Signals::take()?
    };
    let refused = |cause| ServeError::Port { port: options.port, cause };
    let listener = Listener::bind(options.port).map_err(refused)?;
    writeln!(out, "http://{}", listener.address())?;
    out.flush()?;
    let log = Arc::new(Log::new(options.log));
    let reloading = {
        let (endpoint, log, options) = (Arc::clone(&endpoint), Arc::clone(&log), options.clone());
        move || reloaded(&endpoint, &log, &options, &reload)
    };
    runtime.block_on(async {
        let reloads = tokio::spawn(signals.hangups.each(reloading));
        let served = http::serve(listener, endpoint, log, signals.end.wait()).await;
        reloads.abort();
        served
    })?;
    directory.checkpoint()?;
    Ok(())
}

fn write_credentials(endpoint: &Endpoint, options: &Options) -> Result<(), ServeError> {
    let world = endpoint.world();
    credentials::write(&options.credentials, endpoint.credentials(), &world).map_err(|cause| {
        let path = options.credentials.display().to_string();
        ServeError::Credentials { path, cause }
    })
}

/// Reads the export again and says how that went; what clients changed stays on top.
fn reloaded(
    endpoint: &Endpoint,
    log: &Log,
    options: &Options,
    reload: &dyn Fn() -> Option<Inventory>,
) {
    let Some(exported) = reload() else {
        return log.say("reload: the export cannot be used; the one before is served on\n");
    };
    let before = endpoint.world();
    if let Err(error) = endpoint.encryptor().reload(&exported, endpoint.directory()) {
        return log.say(&format!("reload: {error}; the export before is served on\n"));
    }
    let after = endpoint.world();
    for gone in before.keys.keys().filter(|arn| !after.keys.contains_key(arn)) {
        log.say(&format!("reload: {gone} is not exported any more; its material is kept\n"));
    }
    endpoint.know();
    match write_credentials(endpoint, options) {
        Ok(()) => log.say("reload: done\n"),
        Err(error) => log.say(&format!("reload: done, but {error}\n")),
    }
}
