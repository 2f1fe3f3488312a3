//! What the collector counts, in the text format of `OpenMetrics`. No label names a person, a team or a token.

use std::time::Duration;

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use turnledger_archive::Added;

/// A kind of what is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// All counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Status, Counter>,
    events: Family<Outcome, Counter>,
    repeated: Counter,
    sent_bytes: Counter,
    unpacked_bytes: Counter,
    queue: Gauge,
    connections: Gauge,
    commits: Histogram,
    failed_commits: Counter,
    forwarded: Counter,
    forward_refused: Counter,
    forward_withheld: Counter,
    forward_waiting: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        // From half a millisecond to eight seconds.
        let commits = Histogram::new(exponential_buckets(0.0005, 2.0, 15));
        let mut metrics = Self {
            registry: Registry::with_prefix("turnledger"),
            requests: Family::default(),
            events: Family::default(),
            repeated: Counter::default(),
            sent_bytes: Counter::default(),
            unpacked_bytes: Counter::default(),
            queue: Gauge::default(),
            connections: Gauge::default(),
            commits,
            failed_commits: Counter::default(),
            forwarded: Counter::default(),
            forward_refused: Counter::default(),
            forward_withheld: Counter::default(),
            forward_waiting: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("requests", "Requests with events, by the status of the answer", metrics.requests.clone());
        registry.register("events", "Events, by what they were to the store", metrics.events.clone());
        registry.register("repeated_requests", "Requests that were stored before", metrics.repeated.clone());
        registry.register_with_unit("sent", "Bodies as they were sent", Unit::Bytes, metrics.sent_bytes.clone());
        registry.register_with_unit("unpacked", "Bodies unpacked", Unit::Bytes, metrics.unpacked_bytes.clone());
        registry.register("queue", "Requests that wait for the store", metrics.queue.clone());
        registry.register("connections", "Open connections", metrics.connections.clone());
        registry.register_with_unit("commit", "How long commits take", Unit::Seconds, metrics.commits.clone());
        registry.register("failed_commits", "Commits that failed", metrics.failed_commits.clone());
        registry.register("forwarded_events", "Events that the receiver took", metrics.forwarded.clone());
        let refused = "Events of requests of which the receiver refused a part";
        registry.register("forward_refused_events", refused, metrics.forward_refused.clone());
        let withheld = "Events that the policy kept back from the receiver";
        registry.register("forward_withheld_events", withheld, metrics.forward_withheld.clone());
        let waiting = "Events that wait for the receiver, at most";
        registry.register("forward_waiting_events", waiting, metrics.forward_waiting.clone());
        // They are there from the beginning, so that a rate over them is known.
        for outcome in OUTCOMES {
            drop(metrics.events.get_or_create(&Outcome { outcome }));
        }
        metrics
    }

    pub(crate) fn answered(&self, status: StatusCode) {
        self.requests.get_or_create(&Status { status: status.as_u16() }).inc();
    }

    pub(crate) fn stored(&self, added: Added) {
        for (outcome, count) in OUTCOMES.into_iter().zip([added.new, added.improved, added.known]) {
            self.events.get_or_create(&Outcome { outcome }).inc_by(count);
        }
    }

    pub(crate) fn repeated(&self) {
        self.repeated.inc();
    }

    pub(crate) fn received(&self, sent: usize, unpacked: usize) {
        self.sent_bytes.inc_by(count(sent));
        self.unpacked_bytes.inc_by(count(unpacked));
    }

    pub(crate) fn queued(&self) {
        self.queue.inc();
    }

    pub(crate) fn unqueued(&self) {
        self.queue.dec();
    }

    pub(crate) fn committed(&self, time: Duration) {
        self.commits.observe(time.as_secs_f64());
    }

    pub(crate) fn failed(&self) {
        self.failed_commits.inc();
    }

    pub(crate) fn forwarded(&self, events: usize) {
        self.forwarded.inc_by(count(events));
    }

    pub(crate) fn forward_refused(&self, events: usize) {
        self.forward_refused.inc_by(count(events));
    }

    pub(crate) fn forward_withheld(&self, events: usize) {
        self.forward_withheld.inc_by(count(events));
    }

    pub(crate) fn forward_waiting(&self, events: u64) {
        self.forward_waiting.set(i64::try_from(events).unwrap_or(i64::MAX));
    }

    /// Counts a connection until the guard goes.
    pub(crate) fn connection(&self) -> impl Drop + Send + use<> {
        struct Open(Gauge);
        impl Drop for Open {
            fn drop(&mut self) {
                self.0.dec();
            }
        }
        self.connections.inc();
        Open(self.connections.clone())
    }

    /// All of it as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to memory does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// What an event is to the store, in the order of [`Added`].
const OUTCOMES: [&str; 3] = ["new", "improved", "known"];

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
