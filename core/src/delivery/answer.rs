//! What an answer means. No other place compares a status.

use core::fmt;

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response {
    /// The server answered.
    Status {
        /// The status; 0 for a redirection that a browser does not show.
        code: u16,
        /// The server's `Retry-After` in milliseconds from now, if it sent one.
        retry_after_ms: Option<u64>,
    },
    /// The server took the request, or a part of it, and gave no whole answer.
    NoAnswer,
    /// There was no connection: nothing was sent.
    Unreachable,
    /// There are no credentials for these events now: nothing was sent.
    NoCredentials,
}

impl Response {
    /// The server refuses the credentials, or they could not be renewed.
    pub const UNAUTHORIZED: Self = Self::Status { code: UNAUTHORIZED, retry_after_ms: None };

    /// An answer of gRPC, by the number of its code: the status of HTTP that means the same. `retry_after_ms` is the delay of
    /// its `RetryInfo`, `None` if it has none. There is no code for a message that is too large: whether the answer says so is
    /// the host's to know. Source: the section "Failures" of OTLP's specification says which codes are tried again.
    pub const fn of_grpc(code: u32, retry_after_ms: Option<u64>, is_too_large: bool) -> Self {
        let code = match (code, retry_after_ms) {
            (0, _) => 200,
            // Resource exhausted, out of range.
            (8 | 11, _) if is_too_large => TOO_LARGE,
            (8, Some(_)) => 429,
            // Cancelled, deadline exceeded, aborted, out of range, unavailable, data loss.
            (1 | 4 | 10 | 11 | 14 | 15, _) => 503,
            // Unauthenticated, permission denied, unimplemented.
            (16, _) => UNAUTHORIZED,
            (7, _) => 403,
            (12, _) => 404,
            _ => 400,
        };
        Self::Status { code, retry_after_ms }
    }
}

/// The statuses that a verdict names again.
pub(super) const UNAUTHORIZED: u16 = 401;
pub(super) const TOO_LARGE: u16 = 413;
pub(super) const UNSUPPORTED_ENCODING: u16 = 415;

/// What becomes of a batch. One that a host does not know yet keeps the batch, as [`Hold`](Self::Hold) does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The server took it: it can be forgotten.
    Delivered,
    /// The server will never take these events. The host keeps them for a person to look at, and reports them.
    Refused {
        /// The status.
        status: u16,
    },
    /// The batch is too large. Its events wait again, in batches of half the size, with new keys.
    Halve,
    /// Send it again at once, as [`Delivery::poll`](super::Delivery::poll) now says.
    Again,
    /// It waits, and is sent next.
    Hold(Hold),
    /// It waits behind all others, since the batch itself may be the cause.
    Defer(Hold),
}

/// Why events wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hold {
    /// There is no connection to the server.
    Unreachable,
    /// The server does not answer, or not to the end.
    NoAnswer,
    /// The server has an error of its own, or wants fewer requests.
    Busy {
        /// The status: 408, 425, 429 or 5xx.
        status: u16,
    },
    /// The server does not take requests at this URL, or of this account.
    Address {
        /// The status: 3xx, 403, 404, 405, 407 or 410.
        status: u16,
    },
    /// The server refuses the credentials, or there are none.
    Credentials {
        /// 401; `None` without credentials.
        status: Option<u16>,
    },
}

impl Hold {
    /// Whether another batch might get through where this one failed.
    pub(super) const fn may_be_the_batch(self) -> bool {
        matches!(self, Self::NoAnswer | Self::Busy { status: 500..=599 })
    }

    /// Whether it probably passes by itself. If not, a person has to do something.
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::Unreachable | Self::NoAnswer | Self::Busy { .. })
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => formatter.write_str("the server cannot be reached"),
            Self::NoAnswer => formatter.write_str("the server does not answer"),
            Self::Busy { status } => write!(formatter, "the server answers with status {status}"),
            Self::Address { status: 403 } => {
                formatter.write_str("the server does not take this account's requests (status 403)")
            }
            Self::Address { status: 0 } => {
                formatter.write_str("the server does not take requests at this URL (a redirection)")
            }
            Self::Address { status } => {
                write!(formatter, "the server does not take requests at this URL (status {status})")
            }
            Self::Credentials { status: Some(status) } => {
                write!(formatter, "the server refuses the credentials (status {status})")
            }
            Self::Credentials { status: None } => formatter.write_str("there are no credentials"),
        }
    }
}

/// What an answer means, without regard to what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Delivered,
    Refused { status: u16 },
    TooLarge,
    Encoding,
    Unauthorized,
    Hold(Hold),
}

pub(super) const fn meaning(response: Response) -> Meaning {
    let status = match response {
        Response::Status { code, .. } => code,
        Response::NoAnswer => return Meaning::Hold(Hold::NoAnswer),
        Response::Unreachable => return Meaning::Hold(Hold::Unreachable),
        Response::NoCredentials => return Meaning::Hold(Hold::Credentials { status: None }),
    };
    match status {
        200..=299 => Meaning::Delivered,
        UNAUTHORIZED => Meaning::Unauthorized,
        TOO_LARGE => Meaning::TooLarge,
        UNSUPPORTED_ENCODING => Meaning::Encoding,
        // These are about the URL or the sender, not about the events.
        0 | 300..=399 | 403 | 404 | 405 | 407 | 410 => Meaning::Hold(Hold::Address { status }),
        408 | 425 | 429 | 500..=599 => Meaning::Hold(Hold::Busy { status }),
        400..=499 => Meaning::Refused { status },
        // Not a status of HTTP: the answer cannot be understood.
        _ => Meaning::Hold(Hold::NoAnswer),
    }
}
