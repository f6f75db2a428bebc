//! The reference encryptor: a KMS in one process that really encrypts, and where its state is kept.

pub mod directory;
