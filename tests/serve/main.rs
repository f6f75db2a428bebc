//! `keyreach serve` from outside: a process, and clients that speak to it over plain sockets with a
//! signer of their own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "a test stops where it fails"
)]

mod accounts;
mod connections;
mod disk;
mod kills;
mod kms;
mod log;
mod server;
mod signatures;
mod signer;
mod state;
mod wire;
