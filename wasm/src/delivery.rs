//! The core's delivery, by numbers.

use turnledger_core::UnixMillis;
use turnledger_core::delivery::{self, Action, Hold, Response, RetryLimits, Verdict};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::count;

/// Instead of a status: nothing was sent. Any other number below 0: the server gave no whole answer.
pub(crate) const UNREACHABLE: i32 = -2;
/// Instead of a status: there are no credentials.
pub(crate) const NO_CREDENTIALS: i32 = -3;

/// [`Verdict::Delivered`]. A verdict that is none of these is the status with which the batch is refused.
pub(crate) const DELIVERED: u16 = 0;
/// [`Verdict::Halve`].
pub(crate) const HALVE: u16 = 1;
/// [`Verdict::Again`].
pub(crate) const AGAIN: u16 = 2;
/// [`Verdict::Hold`].
pub(crate) const HOLD: u16 = 3;
/// [`Verdict::Defer`].
pub(crate) const DEFER: u16 = 4;

/// When requests go, and what their answers mean: [`delivery::Delivery`]. Times are milliseconds of any clock.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Delivery(delivery::Delivery);

#[wasm_bindgen]
impl Delivery {
    /// A sender that has sent nothing.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::new_without_default, reason = "JavaScript has no defaults")]
    pub fn new() -> Self {
        Self(delivery::Delivery::new(RetryLimits::default()))
    }

    /// The time before which no request goes; 0 if one may go now.
    #[allow(clippy::cast_precision_loss, reason = "no timer is as exact")]
    pub fn poll(&self, now: f64) -> f64 {
        match self.0.poll(UnixMillis(count(now))) {
            Action::Wait { until } => until.0 as f64,
            _ => 0.0,
        }
    }

    /// Whether the credentials are renewed before the request that may go now.
    pub fn renews(&self, now: f64) -> bool {
        matches!(self.0.poll(UnixMillis(count(now))), Action::Send(sending) if sending.renew)
    }

    /// The most events of a batch that is formed now.
    #[wasm_bindgen(js_name = mostEvents)]
    pub fn most_events(&self, now: f64) -> usize {
        match self.0.poll(UnixMillis(count(now))) {
            Action::Send(sending) => sending.most_events,
            _ => usize::MAX,
        }
    }

    /// Somebody waits: the next request goes at once, unless the server asked for time.
    pub fn hurry(&mut self) {
        self.0.hurry();
    }

    /// Takes the answer to a request: its status or what there is instead, and how long the server wants to be left
    /// alone (not a number: it did not say). Returns the verdict on the batch.
    pub fn handle(&mut self, now: f64, status: i32, retry_after_ms: f64, events: usize, jitter: u32) -> u16 {
        let response = match status {
            NO_CREDENTIALS => Response::NoCredentials,
            UNREACHABLE => Response::Unreachable,
            status => u16::try_from(status).map_or(Response::NoAnswer, |code| Response::Status {
                code,
                retry_after_ms: (retry_after_ms >= 0.0).then(|| count(retry_after_ms)),
            }),
        };
        match self.0.handle(UnixMillis(count(now)), response, events, jitter.into()) {
            Verdict::Delivered => DELIVERED,
            Verdict::Halve => HALVE,
            Verdict::Again => AGAIN,
            Verdict::Defer(_) => DEFER,
            Verdict::Refused { status } => status,
            // [`Verdict::Hold`], and what this version does not know.
            _ => HOLD,
        }
    }

    /// Why events wait, for a person; nothing if they do not.
    pub fn hold(&self) -> Option<String> {
        self.0.hold().map(|hold| hold.to_string())
    }

    /// Whether that passes by itself, as far as anyone can tell.
    #[wasm_bindgen(js_name = mayPass)]
    pub fn may_pass(&self) -> bool {
        self.0.hold().is_none_or(Hold::may_pass)
    }
}

/// Whether a URL's host is this machine: [`delivery::is_loopback`].
#[wasm_bindgen(js_name = isLoopback)]
pub fn is_loopback(host: &str) -> bool {
    delivery::is_loopback(host)
}
