//! Events in the forms of other tools.
//!
//! `parquet` writes a folder of files that analysts' tools read, and `otlp` makes requests of OpenTelemetry. Each is a
//! feature, without which nothing of it is linked.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "otlp")]
pub mod otlp;
#[cfg(feature = "parquet")]
pub mod parquet;
