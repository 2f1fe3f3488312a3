//! Events in the forms of other tools.
//!
//! [`parquet`] writes a folder of files that DuckDB, Spark, Polars and others read. Nothing of it is linked without its
//! feature.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "parquet")]
pub mod parquet;
