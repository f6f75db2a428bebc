//! Input: files to an inventory.

pub mod scenario;
