//! What the tests share: golden recordings, replay in memory, and the comparison with the events
//! that the real binary uploaded.

#![expect(clippy::exhaustive_enums, clippy::exhaustive_structs, reason = "these tests are its only users")]

pub mod agreement;
pub mod attribution;
pub mod canary;
pub mod codex;
pub mod collecting;
pub mod compare;
pub mod contract;
pub mod golden;
pub mod growth;
pub mod history;
pub mod ledger;
pub mod memory;
pub mod mix;
pub mod model;
pub mod parse;
pub mod privacy_page;
pub mod program;

pub mod protocol;
pub mod python;
pub mod record;
pub mod repo;
pub mod rollouts;
pub mod server;
pub mod stream;
pub mod tls;
pub mod trees;
