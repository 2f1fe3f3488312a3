//! Sends a batch of events as three requests, of which some may be through and others not.
//!
//! What an answer means is the core's to say. A signal that the receiver has is not sent again while the others are.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::Value;
use turnledger_core::UnixMillis;
use turnledger_core::delivery::{Delivery, Response, RetryLimits, Verdict};

use super::resource::Source;
use super::seen::Seen;
use super::{Signal, encode};

/// The most batches whose signals are partly through. A batch beyond them is sent as a whole.
const MOST_BEGUN: usize = 64;

/// A request that is due: over HTTP `POST`, with `Content-Type: application/x-protobuf`; over gRPC a call of
/// [`Signal::grpc_path`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Post<'a> {
    /// What it has.
    pub signal: Signal,
    /// Where it goes over HTTP.
    pub url: &'a str,
    /// An `Export…ServiceRequest` of OTLP, as Protocol Buffers: the same bytes over HTTP and gRPC.
    pub body: Vec<u8>,
}

/// What came of a request.
#[derive(Debug)]
pub struct Posted {
    response: Response,
    body: Vec<u8>,
}

impl Posted {
    /// The answer, or why there is none, and the answer's body, which is empty if the host does not have it.
    pub fn new(response: Response, body: impl Into<Vec<u8>>) -> Self {
        Self { response, body: body.into() }
    }
}

/// What became of what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Told {
    /// Log records, spans and data points that the receiver took a request without. A count.
    pub rejected: u64,
    /// Turns and calls that have no span, since they do not say when they were. A count.
    pub spans_without_time: u64,
    /// Events of requests that the receiver refused, once for each signal. A count.
    pub refused: u64,
}

/// Sends batches to a receiver of OTLP.
#[derive(Debug)]
pub struct Relay {
    signals: Vec<(Signal, String)>,
    source: Source,
    begun: BTreeMap<String, Begun>,
    told: Told,
}

/// A batch of which a part is through.
#[derive(Debug)]
struct Begun {
    /// What is not through yet: a signal, of some of the events.
    left: VecDeque<(usize, Range<usize>)>,
    /// What the receiver said of a part that it will never take.
    refused: Option<Response>,
}

impl Relay {
    /// Sends signals to a receiver: each to the path of its name below `base_url`, as the specification of OTLP has it. The
    /// host has looked at the URL, and knows that it may be sent to.
    pub fn new(base_url: &str, signals: &[Signal], source: Source) -> Self {
        let base = base_url.trim_end_matches('/');
        // What a receiver may get twice, if a process ends between two of them, can be known by its id. Metrics cannot:
        // they come last.
        let mut signals = signals.to_vec();
        signals.sort_unstable();
        signals.dedup();
        let signals = signals.into_iter().map(|signal| (signal, format!("{base}{}", signal.path())));
        Self { signals: signals.collect(), source, begun: BTreeMap::new(), told: Told::default() }
    }

    /// What became of what was sent so far.
    pub const fn told(&self) -> &Told {
        &self.told
    }

    /// Sends the rest of a batch: `{"events":[…]}`, as a policy left them. `key` is the batch's own. `post` sends one
    /// request. What is returned is for the batch: the first answer that holds it up, else that of a part that was refused,
    /// else a success.
    pub fn send(
        &mut self,
        key: &str,
        batch: &str,
        now: UnixMillis,
        post: &mut dyn FnMut(Post<'_>) -> Posted,
    ) -> Response {
        let json: Value = serde_json::from_str(batch).unwrap_or_default();
        let events = json.get("events").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let seen: Vec<Seen<'_>> = events.iter().map(Seen::of).collect();
        let mut begun = self.begun.remove(key).unwrap_or_else(|| Begun {
            left: (0..self.signals.len()).map(|signal| (signal, 0..seen.len())).collect(),
            refused: None,
        });
        while let Some((at, range)) = begun.left.front().cloned() {
            let Some((signal, url)) = self.signals.get(at) else { break };
            let part = seen.get(range.clone()).unwrap_or_default();
            let (body, without_time) = encode(*signal, part, &self.source, now);
            let Some(body) = body else {
                self.told.spans_without_time += without_time;
                begun.left.pop_front();
                continue;
            };
            let Posted { response, body } = post(Post { signal: *signal, url, body });
            // A machine of its own for each answer: when to try again is for the batch's.
            match Delivery::new(RetryLimits::default()).handle(now, response, part.len(), 0) {
                Verdict::Delivered => {
                    self.told.rejected += rejected(*signal, &body);
                    self.told.spans_without_time += without_time;
                    begun.left.pop_front();
                }
                Verdict::Refused { .. } => {
                    self.told.refused += part.len() as u64;
                    begun.refused.get_or_insert(response);
                    begun.left.pop_front();
                }
                Verdict::Halve => {
                    let middle = range.start + range.len() / 2;
                    begun.left.pop_front();
                    begun.left.push_front((at, middle..range.end));
                    begun.left.push_front((at, range.start..middle));
                }
                // It waits, and so do the signals behind it.
                _ => {
                    if self.begun.len() >= MOST_BEGUN {
                        self.begun.pop_first();
                    }
                    self.begun.insert(key.to_owned(), begun);
                    return response;
                }
            }
        }
        begun.refused.unwrap_or(Response::Status { code: SUCCESS, retry_after_ms: None })
    }
}

/// What a batch is answered with that is through.
const SUCCESS: u16 = 200;

/// How much of a request the receiver did not take, though it answered with a success.
fn rejected(signal: Signal, body: &[u8]) -> u64 {
    let rejected = match signal {
        Signal::Logs => ExportLogsServiceResponse::decode(body)
            .ok()
            .and_then(|answer| Some(answer.partial_success?.rejected_log_records)),
        Signal::Traces => ExportTraceServiceResponse::decode(body)
            .ok()
            .and_then(|answer| Some(answer.partial_success?.rejected_spans)),
        Signal::Metrics => ExportMetricsServiceResponse::decode(body)
            .ok()
            .and_then(|answer| Some(answer.partial_success?.rejected_data_points)),
    };
    rejected.and_then(|rejected| u64::try_from(rejected).ok()).unwrap_or(0)
}
