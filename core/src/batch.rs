//! Events to request bodies: accepted lines alone, other events together.
//!
//! The store makes a batch's idempotency key, because two people may have equal bodies.

use alloc::string::String;
use alloc::vec::Vec;

use crate::event::Event;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::limits::limits;

limits! {
    /// What a request may hold.
    #[derive(Write, Read)]
    pub struct BatchLimits {
        /// The most events in a request.
        pub events: usize,
        /// The most bytes in a request's body. An event that is larger by itself still goes, alone.
        pub bytes: usize,
    }
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { events: 100, bytes: 1 << 20 }
    }
}

/// A request body that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[non_exhaustive]
pub struct Batch {
    /// How many events the body has.
    pub events: usize,
    /// `{"events":[…]}`
    pub body: String,
}

const OPEN: &str = "{\"events\":[";
const CLOSE: &str = "]}";

/// Collects events into batches (`docs/contract/rules.md` 11.7). The order of the events stays.
///
/// ```
/// use turnledger_core::digest::Scheme;
/// use turnledger_core::event::accepted_lines::AcceptedLineFingerprints;
/// use turnledger_core::{BatchLimits, Batcher, Event};
///
/// let mut batcher = Batcher::new(BatchLimits::default().events(50));
/// let hook = r#"{"event_type":"codex_hook_run","event_params":{}}"#;
/// assert_eq!(batcher.push_json(hook, false), []);
/// assert_eq!(batcher.push_json(hook, false), []);
///
/// // Accepted lines go alone, after what waited.
/// let lines = AcceptedLineFingerprints::new("thread", "turn", 1_700_000_000, Scheme::new(Scheme::SHA256));
/// let batches = batcher.push(&Event::AcceptedLineFingerprints(Box::new(lines)));
/// assert_eq!(batches.iter().map(|batch| batch.events).collect::<Vec<_>>(), [2, 1]);
/// assert_eq!(batches[0].body, format!(r#"{{"events":[{hook},{hook}]}}"#));
/// assert_eq!(batcher.flush(), None);
/// ```
#[derive(Clone, Debug, Write, Read)]
pub struct Batcher {
    limits: BatchLimits,
    /// The events so far, separated by commas.
    body: String,
    events: usize,
}

impl Batcher {
    /// A batcher without events.
    pub const fn new(limits: BatchLimits) -> Self {
        Self { limits, body: String::new(), events: 0 }
    }

    /// How many events wait for their batch.
    pub const fn pending(&self) -> usize {
        self.events
    }

    /// Takes an event. Returns the batches that are complete with it, at most two.
    pub fn push(&mut self, event: &Event) -> Vec<Batch> {
        self.push_json(&event.to_json(), event.is_isolated())
    }

    /// Takes an event that was written before. Returns the batches that are complete with it, at most
    /// two.
    pub fn push_json(&mut self, event: &str, is_isolated: bool) -> Vec<Batch> {
        let mut batches = Vec::new();
        let size = OPEN.len() + self.body.len() + 1 + event.len() + CLOSE.len();
        if is_isolated || size > self.limits.bytes {
            batches.extend(self.flush());
        }
        if self.events > 0 {
            self.body.push(',');
        }
        self.body.push_str(event);
        self.events += 1;
        if is_isolated || self.events >= self.limits.events {
            batches.extend(self.flush());
        }
        batches
    }

    /// Makes a batch of the events that wait, if any do.
    pub fn flush(&mut self) -> Option<Batch> {
        if self.events == 0 {
            return None;
        }
        let body = alloc::format!("{OPEN}{}{CLOSE}", core::mem::take(&mut self.body));
        Some(Batch { events: core::mem::take(&mut self.events), body })
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::{Batch, BatchLimits, Batcher};
    use crate::event::accepted_lines::{AcceptedLineFingerprints, InnerEventType, ProductSurface};
    use crate::event::hook::{HookName, HookRunEvent, HookSource};
    use crate::event::{Event, Versioned};

    fn ordinary() -> Event {
        Event::HookRun(Box::new(HookRunEvent {
            thread_id: "t".into(),
            turn_id: None,
            product: Versioned::ABSENT,
            model_slug: None,
            hook_name: HookName::Stop,
            hook_source: HookSource::User,
            manner: Versioned::ABSENT,
            status: None,
        }))
    }

    fn isolated() -> Event {
        Event::AcceptedLineFingerprints(Box::new(AcceptedLineFingerprints {
            event_type: InnerEventType::default(),
            turn_id: "u".into(),
            thread_id: "t".into(),
            product_surface: ProductSurface::default(),
            model_slug: None,
            completed_at: 1,
            repo_hash: None,
            accepted_added_lines: 1,
            accepted_deleted_lines: 0,
            line_fingerprints: Vec::new(),
            fingerprint_scheme: None,
            source: None,
        }))
    }

    fn batches(limits: BatchLimits, events: &[Event]) -> Vec<Batch> {
        let mut batcher = Batcher::new(limits);
        let mut batches: Vec<_> = events.iter().flat_map(|event| batcher.push(event)).collect();
        assert_eq!(batcher.pending(), events.len() - sizes(&batches).iter().sum::<usize>());
        batches.extend(batcher.flush());
        assert_eq!(batcher.pending(), 0);
        batches
    }

    fn sizes(batches: &[Batch]) -> Vec<usize> {
        batches.iter().map(|batch| batch.events).collect()
    }

    /// The example of `docs/contract/rules.md` 11.7.
    #[test]
    fn accepted_lines_go_alone() {
        let (o, f) = (ordinary(), isolated());
        let batches = batches(BatchLimits::default(), &[o.clone(), o.clone(), f.clone(), f, o.clone(), o]);
        assert_eq!(sizes(&batches), [2, 1, 1, 2]);
        let hook = r#"{"event_type":"codex_hook_run","event_params":{"thread_id":"t","turn_id":null,"model_slug":null,"hook_name":"Stop","hook_source":"user","status":null}}"#;
        assert_eq!(batches[0].body, alloc::format!(r#"{{"events":[{hook},{hook}]}}"#));
    }

    #[test]
    fn a_request_has_its_caps() {
        let events = alloc::vec![ordinary(); 5];
        assert_eq!(sizes(&batches(BatchLimits { events: 2, bytes: 1 << 20 }, &events)), [2, 2, 1]);
        let one = ordinary().to_string().len();
        let two = 13 + 2 * one + 1;
        let by_bytes = batches(BatchLimits { events: 100, bytes: two }, &events);
        assert_eq!(sizes(&by_bytes), [2, 2, 1]);
        assert!(by_bytes.iter().all(|batch| batch.body.len() <= two));
        assert_eq!(sizes(&batches(BatchLimits { events: 100, bytes: two - 1 }, &events)), [1, 1, 1, 1, 1]);
        assert_eq!(sizes(&batches(BatchLimits { events: 100, bytes: 1 }, &events)), [1, 1, 1, 1, 1]);
    }
}
