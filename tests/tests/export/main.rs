//! Exports: what other tools read of the events is what the events say.

mod decode;
mod grpc;
mod onward;
mod otlp;
mod otlp_grpc;
mod otlp_names;
mod otlp_program;
mod parquet;
