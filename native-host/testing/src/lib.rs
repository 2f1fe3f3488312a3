//! For the tests of what embeds Turnledger: a [`Collector`] that records uploads, and an [`AppServer`] that plays a
//! session of Codex. Add it to your `[dev-dependencies]`.
//!
//! The collector is a real HTTP server on loopback. It keeps what it receives and answers as a test tells it. The
//! app-server is a script: each call yields the JSON-RPC messages that would pass, and the facts that a server knows of
//! the same, so that a test of either way needs no JSON.
//!
//! ```
//! use std::error::Error;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use turnledger::Ledger;
//! use turnledger::delivery::Endpoint;
//! use turnledger::delivery::auth::NoAuth;
//! use turnledger::ledger::Flushed;
//! use turnledger_testing::{Answer, AppServer, Collector};
//!
//! # fn main() -> Result<(), Box<dyn Error>> {
//! # if turnledger::ledger::disabled_by_environment().is_some() { return Ok(()) }
//! // The server is busy once, and takes what comes again.
//! let collector = Collector::new();
//! collector.script([Answer::status(503).header("Retry-After", "1")]);
//! let ledger = Ledger::builder().upload(Endpoint::new(&collector.url())?, Arc::new(NoAuth)).start()?;
//!
//! // A session: the user approves a command and declines a patch.
//! let server = AppServer::new("0.131.0");
//! let thread = server.start_thread();
//! let turn = thread.start_turn("Make the tests pass");
//! turn.command_execution("cargo test").request_approval().accept().fail(101);
//! turn.file_change("src/lib.rs", "old\n", "new\n").request_approval().decline();
//! turn.complete();
//!
//! // Its messages go where yours go: here, straight into a ledger. Or `track` each fact of a step instead.
//! for message in server.take_steps().iter().flat_map(|step| &step.messages) {
//!     ledger.observe(message.connection, message.direction, message.text.as_bytes());
//! }
//!
//! assert_eq!(ledger.shutdown(Duration::from_secs(20)), Flushed::Stored { delivered: 6, waiting: 0 });
//! let statuses: Vec<_> = collector.received().iter().map(|request| request.status).collect();
//! assert_eq!(statuses, [Some(503), Some(202)]);
//! let events = collector.events();
//! let types: Vec<_> = events.iter().map(|event| event["event_type"].as_str().unwrap_or_default()).collect();
//! assert_eq!(
//!     types,
//!     [
//!         "codex_thread_initialized",
//!         "codex_review_event",
//!         "codex_command_execution_event",
//!         "codex_review_event",
//!         "codex_file_change_event",
//!         "codex_turn_event",
//!     ]
//! );
//! assert_eq!(events[2]["event_params"]["exit_code"], 101);
//! assert_eq!(events[4]["event_params"]["terminal_status"], "rejected");
//! # Ok(())
//! # }
//! ```
//!
//! `DO_NOT_TRACK` and `TURNLEDGER_DISABLED` turn every ledger off, also in tests: remove them from a test's environment.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod app_server;
mod collector;
mod diff;
mod http;
mod item;
mod session;
mod thread;
mod turn;

pub use app_server::AppServer;
pub use collector::{Answer, Collector, Received};
pub use http::Request;
pub use item::{Approval, CommandExecution, FileChange, McpToolCall};
pub use session::{Message, Step};
pub use thread::Thread;
pub use turn::Turn;
