//! Events in the forms of other tools.
//!
//! `parquet` writes a folder of files that analysts' tools read, `arrow` makes record batches of the same columns, and
//! `otlp` makes requests of OpenTelemetry. Each is a feature, without which nothing of it is linked.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "arrow")]
pub mod arrow;
#[cfg(any(feature = "arrow", feature = "parquet"))]
mod columns;
#[cfg(feature = "otlp")]
pub mod otlp;
#[cfg(feature = "parquet")]
pub mod parquet;
