//! The reference engine: one concrete request in, one decision with its trace out ([`mod@reference`]), and
//! [`probe`], which answers [`Reach`](crate::decision::Reach) by asking it for many requests.

pub mod probe;
pub mod reference;
