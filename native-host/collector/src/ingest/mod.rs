//! Taking events: `POST /codex/analytics-events/events`, as `docs/server.md` says.

mod body;
mod envelope;
mod memory;
mod writer;

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT_ENCODING, AUTHORIZATION};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::task::spawn_blocking;
use turnledger_archive::{Reading, Received};

use self::body::Encoding;
pub(crate) use self::memory::Memory;
pub(crate) use self::writer::{Job, Stored, Tell, Writer};
use crate::accounts::Holder;
use crate::peer::{Peer, Wait};
use crate::refusal::Refusal;
use crate::secret::hash;
use crate::{Collector, secret};

/// Where events come in.
pub(crate) const PATH: &str = "/codex/analytics-events/events";
/// The longest idempotency key. Bytes. Ours have 64.
const LONGEST_KEY: usize = 255;
/// How much room an event takes that is read, for each byte of its text. At least.
const ROOM: usize = 6;
/// After what time a busy collector is asked again.
const SOON: Wait = Wait::new(Duration::from_secs(1));

/// Stores a body's events, and answers when they are on disk.
pub(crate) async fn take(
    State(collector): State<Collector>,
    Extension(peer): Extension<Peer>,
    request: Request<Body>,
) -> Response {
    let (head, mut body) = request.into_parts();
    let taken = take_body(&collector, peer, &head.headers, &mut body).await;
    let mut response = match taken {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => {
            // A client that is still sending reads no answer.
            body::discard(&collector.limits(), &head.headers, body).await;
            refusal.into_response()
        }
    };
    response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    collector.metrics().answered(response.status());
    response
}

async fn take_body(collector: &Collector, peer: Peer, headers: &HeaderMap, body: &mut Body) -> Result<(), Refusal> {
    let sender = holder(collector, peer, headers).await?;
    let token = sender.token;
    collector.may_send(token).map_err(|wait| Refusal::too_many("too many requests with this token", wait))?;
    let encoding = Encoding::of(headers)?;
    let key = key(headers)?;
    let limits = collector.limits();
    let origin = collector.writer().origin(sender).await?;
    let (sent, mut held) = body::read(&limits, collector.memory(), body).await?;
    let turn = collector.turn_to_unpack().await?;
    let (metrics, memory, at) = (collector.metrics().clone(), collector.memory().clone(), collector.now());
    let read = spawn_blocking(move || {
        let _turn = turn;
        let unpacked = encoding.unpack(&sent, limits.unpacked_bytes)?;
        metrics.received(sent.len(), unpacked.len());
        drop(sent);
        held.set(&memory, unpacked.len().saturating_mul(ROOM)).map_err(|_| no_room())?;
        let entries = envelope::entries(&unpacked, limits.events, Reading::of(origin), at)?;
        let request = Received { origin, key, digest: hash(&unpacked), at, entries };
        Ok::<_, Refusal>(Job { request, held })
    });
    let job = read.await.map_err(|_| lost())??;
    // It may have been revoked meanwhile.
    holder(collector, peer, headers).await?;
    match collector.writer().store(job).await? {
        Stored::Done => Ok(()),
        Stored::OtherBody => Err(Refusal::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "a request with this Idempotency-Key was stored, and had another body",
        )),
        Stored::NoOrigin => {
            collector.writer().forget_origin(token);
            // Before a person is forgotten, their tokens are revoked. One that was made since then is good.
            holder(collector, peer, headers).await?;
            Err(Refusal::busy("the person was forgotten just now", SOON))
        }
    }
}

/// Whose token it is. It is looked up on a thread where one may wait.
async fn holder(collector: &Collector, peer: Peer, headers: &HeaderMap) -> Result<Holder, Refusal> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Err(Refusal::unauthorized("a token is missing: Authorization: Bearer TOKEN"));
    };
    let holder = match value.to_str().ok().and_then(bearer).map(ToOwned::to_owned) {
        None => None,
        Some(token) => {
            let accounts = collector.clone();
            let asked = spawn_blocking(move || accounts.accounts().holder(&token)).await.map_err(|_| lost())?;
            asked.map_err(|error| {
                collector.tell(&error);
                Refusal::busy("the tokens cannot be read", SOON)
            })?
        }
    };
    match holder {
        Some(holder) => Ok(holder),
        None => Err(match collector.wrong_secret(peer) {
            Ok(()) => Refusal::unauthorized("the token is unknown or revoked"),
            Err(wait) => Refusal::too_many("too many wrong tokens", wait),
        }),
    }
}

/// The token of `Bearer TOKEN`; the scheme is in any case.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The digest of the request's key; null if it has none.
fn key(headers: &HeaderMap) -> Result<Option<secret::Hash>, Refusal> {
    match headers.get("idempotency-key").map(HeaderValue::as_bytes) {
        None | Some(b"") => Ok(None),
        Some(key) if key.len() <= LONGEST_KEY => Ok(Some(hash(key))),
        Some(_) => Err(Refusal::new(StatusCode::BAD_REQUEST, "the Idempotency-Key is longer than 255 bytes")),
    }
}

/// There is no room for a body.
fn no_room() -> Refusal {
    Refusal::busy("there is no room for the request now", SOON)
}

/// Something went wrong in the collector itself.
fn lost() -> Refusal {
    Refusal::busy("the request could not be handled", SOON)
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn tokens_in_headers() {
        assert_eq!(bearer("Bearer tl_a"), Some("tl_a"));
        assert_eq!(bearer("bearer  tl_a "), Some("tl_a"));
        for other in ["", "tl_a", "Basic tl_a", "Bearer"] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }
}
