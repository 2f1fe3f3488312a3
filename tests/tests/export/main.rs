//! Exports: what other tools read of the events is what the events say.

mod parquet;
