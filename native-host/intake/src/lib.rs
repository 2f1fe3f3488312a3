//! Where Turnledger's messages come from without an app-server that embeds it: a [`tap`] beside an unmodified one, and
//! a [`recording`] of an earlier session, which [`replay`] runs through the core; and rollouts, what Codex itself left on
//! disk, which [`import`](mod@import) reads. A host that has sessions of its own reads each as a
//! [`session`].

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod import;
pub mod kind;
pub mod recording;
pub mod replay;
pub mod session;
pub mod tap;
