//! What an answer of the server means, and when to try again: classifying apart from doing.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server took it.
    Delivered,
    /// The server refused the credentials.
    Unauthorized,
    /// It may succeed later; the server may have said when.
    TryAgain {
        /// The status, if there was an answer.
        status: Option<u16>,
        /// How long the server wants to be left alone.
        after: Option<Duration>,
    },
    /// The server does not take the encoding of the body.
    UnsupportedEncoding,
    /// It will never succeed.
    Refused {
        /// The status.
        status: u16,
    },
    /// There are no credentials yet; nothing was sent.
    NoCredentials,
    /// The user's mode does not use the backend; nothing was sent, and nothing is to be.
    NotBackend,
}

impl Outcome {
    /// What an answer means: 408, 429 and 5xx may pass, other failures will not.
    pub(super) fn of(status: u16, retry_after: Option<Duration>) -> Self {
        match status {
            200..=299 => Self::Delivered,
            401 => Self::Unauthorized,
            415 => Self::UnsupportedEncoding,
            408 | 429 | 500..=599 => Self::TryAgain { status: Some(status), after: retry_after },
            _ => Self::Refused { status },
        }
    }
}

/// How attempts are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryLimits {
    /// The first delay.
    pub first: Duration,
    /// The longest delay of our own; a server may ask for a longer one.
    pub longest: Duration,
    /// The longest delay that a server can ask for.
    pub longest_asked: Duration,
}

impl Default for RetryLimits {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(60),
            longest_asked: Duration::from_secs(3600),
        }
    }
}

/// The delays between attempts, until one succeeds: exponential, with jitter.
#[derive(Debug)]
pub struct Backoff {
    limits: RetryLimits,
    delays: Option<ExponentialBackoff>,
}

impl Backoff {
    /// No attempt has failed yet.
    pub fn new(limits: RetryLimits) -> Self {
        Self { limits, delays: None }
    }

    /// An attempt succeeded.
    pub fn reset(&mut self) {
        self.delays = None;
    }

    /// How long to wait after an attempt that failed.
    pub fn next(&mut self, asked: Option<Duration>) -> Duration {
        let limits = self.limits;
        let delays = self.delays.get_or_insert_with(|| {
            ExponentialBuilder::default()
                .with_min_delay(limits.first)
                .with_max_delay(limits.longest)
                .with_jitter()
                .without_max_times()
                .build()
        });
        let own = delays.next().unwrap_or(limits.longest);
        own.max(asked.unwrap_or_default().min(limits.longest_asked))
    }
}

/// The `Retry-After` of an answer: seconds, or a date.
pub(super) fn retry_after(value: &str, now: std::time::SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Backoff, Outcome, RetryLimits, retry_after};

    #[test]
    fn statuses() {
        let again = |status| Outcome::TryAgain { status: Some(status), after: None };
        for (status, outcome) in [
            (200, Outcome::Delivered),
            (204, Outcome::Delivered),
            (401, Outcome::Unauthorized),
            (408, again(408)),
            (415, Outcome::UnsupportedEncoding),
            (429, again(429)),
            (500, again(500)),
            (503, again(503)),
            (301, Outcome::Refused { status: 301 }),
            (400, Outcome::Refused { status: 400 }),
            (404, Outcome::Refused { status: 404 }),
            (413, Outcome::Refused { status: 413 }),
        ] {
            assert_eq!(Outcome::of(status, None), outcome);
        }
    }

    #[test]
    fn delays_grow_and_start_again() {
        let limits = RetryLimits {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(1),
            longest_asked: Duration::from_secs(20),
        };
        let mut backoff = Backoff::new(limits);
        let delays: Vec<_> = (0..10).map(|_| backoff.next(None)).collect();
        assert!(delays[0] >= limits.first && delays[0] < limits.first * 3, "{delays:?}");
        assert!(delays[9] >= limits.longest, "{delays:?}");
        assert!(delays.iter().all(|delay| *delay <= limits.longest * 2), "{delays:?}");
        backoff.reset();
        assert!(backoff.next(None) < limits.first * 3);
        assert_eq!(backoff.next(Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(backoff.next(Some(Duration::from_secs(7000))), Duration::from_secs(20));
    }

    #[test]
    fn what_a_server_asks_for() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after(" 3 ", now), Some(Duration::from_secs(3)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:40 GMT", now), Some(Duration::from_secs(3)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:30 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
