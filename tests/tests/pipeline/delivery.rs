//! Delivery in simulated time: whatever a server answers, nothing is lost, nobody is hurried against their word, and
//! everything ends.

use std::collections::VecDeque;

use proptest::prelude::*;
use turnledger_core::UnixMillis;
use turnledger_core::delivery::{Action, Delivery, Hold, Response, RetryLimits, Verdict};

/// A batch: the numbers of its events.
type Numbers = Vec<u32>;

fn response() -> impl Strategy<Value = Response> {
    let code = prop_oneof![
        4 => prop::sample::select(vec![
            0, 200, 202, 301, 308, 400, 401, 403, 404, 405, 407, 408, 409, 410, 413, 415, 422, 425, 429, 500, 502, 503,
        ]),
        1 => any::<u16>(),
    ];
    let after = prop::option::weighted(0.3, prop_oneof![3 => 0..10_000_u64, 1 => any::<u64>()]);
    prop_oneof![
        8 => (code, after).prop_map(|(code, retry_after_ms)| Response::Status { code, retry_after_ms }),
        1 => Just(Response::NoAnswer),
        1 => Just(Response::Unreachable),
        1 => Just(Response::NoCredentials),
    ]
}

/// A store and a clock around the machine.
struct Host {
    delivery: Delivery,
    now: u64,
    /// Events in no batch.
    events: VecDeque<u32>,
    /// The batch that is next.
    held: Option<Numbers>,
    /// Those that come last.
    deferred: VecDeque<Numbers>,
    delivered: Vec<u32>,
    refused: Vec<u32>,
    /// No request before, by the server's word.
    asked: u64,
    requests: usize,
}

const LONGEST_MS: u64 = 5_000;

fn limits() -> RetryLimits {
    RetryLimits::default().first_ms(100).longest_ms(LONGEST_MS)
}

impl Host {
    fn new(events: u32) -> Self {
        Self {
            delivery: Delivery::new(limits()),
            now: 1_000_000,
            events: (0..events).collect(),
            held: None,
            deferred: VecDeque::new(),
            delivered: Vec::new(),
            refused: Vec::new(),
            asked: 0,
            requests: 0,
        }
    }

    fn is_done(&self) -> bool {
        self.events.is_empty() && self.held.is_none() && self.deferred.is_empty()
    }

    /// Sends one batch when it may, and does what the verdict says.
    fn step(&mut self, jitter: u64, answer: impl FnOnce(&[u32]) -> Response) {
        let sending = match self.delivery.poll(UnixMillis(self.now)) {
            Action::Send(sending) => sending,
            Action::Wait { until } => {
                assert!(until.0 > self.now, "to wait until now is no waiting");
                self.now = until.0;
                match self.delivery.poll(until) {
                    Action::Send(sending) => sending,
                    later => panic!("told to wait until {until:?}, and then {later:?}"),
                }
            }
            other => panic!("{other:?}"),
        };
        assert!(self.now >= self.asked, "the server asked for time until {}", self.asked);
        let most = sending.most_events.min(10).min(self.events.len());
        let mut new = || -> Numbers { self.events.drain(..most).collect() };
        let batch = self.held.take().or_else(|| Some(new()).filter(|batch| !batch.is_empty()));
        let batch = batch.or_else(|| self.deferred.pop_front()).expect("something waits");
        assert!(!batch.is_empty());
        self.requests += 1;
        let response = answer(&batch);
        match self.delivery.handle(UnixMillis(self.now), response, batch.len(), jitter) {
            Verdict::Delivered => {
                assert!(matches!(response, Response::Status { code: 200..=299, .. }));
                self.delivered.extend(&batch);
            }
            Verdict::Refused { status } => {
                assert!((400..500).contains(&status) && (status != 413 || batch.len() == 1), "{status}");
                self.refused.extend(&batch);
            }
            Verdict::Halve => {
                assert!(batch.len() > 1);
                batch.into_iter().rev().for_each(|event| self.events.push_front(event));
            }
            Verdict::Again => {
                assert_eq!(response.code(), Some(401), "bodies are plain here");
                self.held = Some(batch);
            }
            verdict @ (Verdict::Hold(hold) | Verdict::Defer(hold)) => {
                assert_eq!(self.delivery.hold(), Some(hold));
                if let Response::Status { retry_after_ms: Some(after), .. } = response {
                    self.asked = self.now.saturating_add(after);
                }
                if let Action::Wait { until } = self.delivery.poll(UnixMillis(self.now)) {
                    let longest = self.asked.max(self.now + 2 * LONGEST_MS);
                    assert!(until.0 <= longest, "it waits for no longer than it must");
                }
                match verdict {
                    Verdict::Hold(_) => self.held = Some(batch),
                    _ => self.deferred.push_back(batch),
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

trait Code {
    fn code(self) -> Option<u16>;
}

impl Code for Response {
    fn code(self) -> Option<u16> {
        if let Self::Status { code, .. } = self { Some(code) } else { None }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_everything_ends(
        events in 1..100_u32,
        script in prop::collection::vec((response(), any::<u64>(), any::<bool>()), 0..200),
    ) {
        let mut host = Host::new(events);
        for (response, jitter, hurries) in script {
            if host.is_done() {
                break;
            }
            // A clock at its end does not go on.
            if host.asked > u64::MAX / 2 {
                host = Host { asked: 0, delivery: Delivery::new(limits()), ..host };
            }
            if hurries {
                host.delivery.hurry();
            }
            host.step(jitter, |_| response);
        }
        if host.asked > u64::MAX / 2 {
            host = Host { asked: 0, delivery: Delivery::new(limits()), ..host };
        }
        // From here on the server takes everything.
        let before = host.requests;
        while !host.is_done() {
            host.step(0, |_| Response::Status { code: 200, retry_after_ms: None });
            prop_assert!(host.requests - before <= events as usize);
        }
        let mut all = [host.delivered, host.refused].concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..events).collect::<Vec<_>>());
        prop_assert_eq!(host.delivery.hold(), None);
    }

    #[test]
    fn one_event_that_a_server_cannot_stand_keeps_nobody_else(
        events in 2..100_u32,
        bad in any::<prop::sample::Index>(),
        code in prop::sample::select(vec![413_u16, 500, 503, 599]),
    ) {
        let bad = u32::try_from(bad.index(events as usize)).expect("small");
        let mut host = Host::new(events);
        for _ in 0..2000 {
            if host.is_done() {
                break;
            }
            host.step(0, |batch| {
                let code = if batch.contains(&bad) { code } else { 200 };
                Response::Status { code, retry_after_ms: None }
            });
        }
        let waiting = host.held.iter().chain(&host.deferred).flatten().count();
        let with_it = waiting + host.refused.len();
        prop_assert!(with_it <= 10, "only what shares its batch may wait");
        prop_assert_eq!(host.delivered.len() + with_it + host.events.len(), events as usize);
        prop_assert!(host.events.is_empty());
        if code == 413 {
            prop_assert_eq!(host.refused, vec![bad]);
        }
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2000)
}

#[test]
fn what_holds_events_up_is_said_in_words() {
    let said = [
        (Hold::Unreachable, "the server cannot be reached"),
        (Hold::NoAnswer, "the server does not answer"),
        (Hold::Busy { status: 503 }, "the server answers with status 503"),
        (Hold::Address { status: 404 }, "the server does not take requests at this URL (status 404)"),
        (Hold::Address { status: 403 }, "the server does not take this account's requests (status 403)"),
        (Hold::Address { status: 0 }, "the server does not take requests at this URL (a redirection)"),
        (Hold::Credentials { status: Some(401) }, "the server refuses the credentials (status 401)"),
        (Hold::Credentials { status: None }, "there are no credentials"),
    ];
    for (hold, text) in said {
        assert_eq!(hold.to_string(), text);
        assert_eq!(hold.may_pass(), matches!(hold, Hold::Unreachable | Hold::NoAnswer | Hold::Busy { .. }));
    }
}
