//! OpenTelemetry: events as log records, metrics and traces.
//!
//! It begins with the events' JSON as a [`Policy`](turnledger_core::Policy) left it, so that what is sent is what may leave. A
//! [`Relay`] makes the requests, and the host sends them with the client that it has. `docs/opentelemetry.md` has all names,
//! and an app-server that sends its events so.

mod logs;
mod metrics;
mod names;
mod relay;
mod resource;
mod seen;
mod traces;
mod value;

use prost::Message;
use turnledger_core::UnixMillis;

pub use metrics::{METRICS, Metric};
pub use names::{ATTRIBUTES, Attribute};
pub use relay::{Post, Posted, Relay, Told};
pub use resource::{SCHEMA_URL, Source};

use self::seen::{Seen, nanos};

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "these are the signals that events have something for")]
pub enum Signal {
    /// A log record for each event.
    Logs,
    /// A trace for each turn, with a span for each call of a tool.
    Traces,
    /// Counts, sums and histograms.
    Metrics,
}

impl Signal {
    /// All of them, in the order in which they are sent.
    pub const ALL: [Self; 3] = [Self::Logs, Self::Traces, Self::Metrics];

    /// The path of its requests below the receiver's URL, over HTTP.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Logs => "/v1/logs",
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
        }
    }

    /// The path of its requests over gRPC: service and method.
    pub const fn grpc_path(self) -> &'static str {
        match self {
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        }
    }
}

/// A signal of events as a request's body, if they have anything for it, and how many spans are left out.
fn encode(signal: Signal, seen: &[Seen<'_>], source: &Source, now: UnixMillis) -> (Option<Vec<u8>>, u64) {
    match signal {
        Signal::Logs if seen.is_empty() => (None, 0),
        Signal::Logs => (Some(logs::request(seen, source, nanos(now.0)).encode_to_vec()), 0),
        Signal::Traces => {
            let (request, without_time) = traces::request(seen, source);
            (request.map(|request| request.encode_to_vec()), without_time)
        }
        Signal::Metrics => (metrics::request(seen, source, now.0).map(|request| request.encode_to_vec()), 0),
    }
}
