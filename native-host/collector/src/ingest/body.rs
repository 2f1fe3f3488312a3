//! Reading a body, and unpacking it.

use std::io::{self, Read};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{CONTENT_ENCODING, EXPECT};
use axum::http::{HeaderMap, StatusCode};
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::memory::{Held, Memory};
use super::no_room;
use crate::limits::Limits;
use crate::refusal::Refusal;

/// How long what is refused may go on to come.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
}

impl Encoding {
    /// What the headers say.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut all = headers.get_all(CONTENT_ENCODING).iter();
        let encoding = match (all.next(), all.next()) {
            (None, _) => Some(Self::Plain),
            (Some(one), None) => match one.to_str().unwrap_or_default().trim() {
                name if name.eq_ignore_ascii_case("identity") => Some(Self::Plain),
                name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => Some(Self::Gzip),
                _ => None,
            },
            _ => None,
        };
        let unknown = || Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bodies are plain, or packed with gzip");
        encoding.ok_or_else(unknown)
    }

    /// The body unpacked. What would be larger than the limit is not unpacked any further.
    pub(super) fn unpack(self, sent: &[u8], limit: usize) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Plain if sent.len() > limit => Err(too_large()),
            Self::Plain => Ok(sent.to_owned()),
            Self::Gzip => {
                let mut unpacked = Vec::with_capacity(limit.min(sent.len().saturating_mul(4)));
                let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
                let read = MultiGzDecoder::new(sent).take(most).read_to_end(&mut unpacked);
                if unpacked.len() > limit {
                    return Err(too_large());
                }
                read.map_err(|_: io::Error| Refusal::new(StatusCode::BAD_REQUEST, "the body is no gzip"))?;
                Ok(unpacked)
            }
        }
    }
}

fn too_large() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
}

/// Reads a body, and holds room for it.
pub(super) async fn read(limits: &Limits, memory: &Memory, body: &mut Body) -> Result<(Vec<u8>, Held), Refusal> {
    let mut held = Held::default();
    let hint = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if hint > limits.body_bytes {
        return Err(too_large());
    }
    // What is announced and does not come takes no room.
    let mut sent = Vec::new();
    let reading = async {
        while let Some(frame) = body.frame().await {
            // What is not sent to its end is nobody's any more: no answer arrives.
            let frame = frame.map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "the body is not whole"))?;
            let Ok(data) = frame.into_data() else { continue };
            let bytes = sent.len() + data.len();
            if bytes > limits.body_bytes {
                return Err(too_large());
            }
            if bytes > sent.capacity() {
                // As a vector grows.
                let most = if bytes <= hint { hint } else { limits.body_bytes };
                let room = most.min(bytes.saturating_mul(2));
                held.set(memory, room).map_err(|_| no_room())?;
                sent.reserve_exact(room - sent.len());
            }
            sent.extend_from_slice(&data);
        }
        Ok(())
    };
    let slow = Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time");
    timeout(limits.body_time, reading).await.unwrap_or(Err(slow))?;
    Ok((sent, held))
}

/// Reads on where nothing is taken, so that the client comes to read the answer. It is not for ever, and who asks before
/// sending need not send.
pub(super) async fn discard(limits: &Limits, headers: &HeaderMap, mut body: Body) {
    if headers.contains_key(EXPECT) {
        return;
    }
    let most = limits.body_bytes.saturating_mul(2);
    let reading = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > most {
                break;
            }
        }
    };
    // However it ends, the answer goes out.
    let _ = timeout(PATIENCE, reading).await;
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::http::{HeaderMap, StatusCode};
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::Encoding;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn encodings() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("content-encoding", value.parse().unwrap());
            }
            Encoding::of(&headers).map_err(|refusal| refusal.status)
        };
        assert_eq!((of(&[]), of(&["identity"])), (Ok(Encoding::Plain), Ok(Encoding::Plain)));
        assert_eq!((of(&["gzip"]), of(&["X-GZIP"])), (Ok(Encoding::Gzip), Ok(Encoding::Gzip)));
        for other in [&["br"][..], &["gzip, gzip"], &["gzip", "gzip"], &[""]] {
            assert_eq!(of(other), Err(StatusCode::UNSUPPORTED_MEDIA_TYPE), "{other:?}");
        }
    }

    #[test]
    fn bodies_are_unpacked_to_a_limit() {
        let unpack = |sent: &[u8], limit| Encoding::Gzip.unpack(sent, limit).map_err(|refusal| refusal.status);
        let text = b"{\"events\":[]}";
        assert_eq!(unpack(&packed(text), 13), Ok(text.to_vec()));
        assert_eq!(unpack(&packed(text), 12), Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(
            Encoding::Plain.unpack(text, 12).map_err(|refusal| refusal.status),
            Err(StatusCode::PAYLOAD_TOO_LARGE)
        );
        // Several parts are one body (RFC 1952, 2.2).
        assert_eq!(unpack(&[packed(b"{\"a\""), packed(b":1}")].concat(), 99), Ok(b"{\"a\":1}".to_vec()));
        let whole = packed(text);
        for bad in [&b"no gzip"[..], &[], &whole[..whole.len() - 1]] {
            assert_eq!(unpack(bad, 99), Err(StatusCode::BAD_REQUEST));
        }
        let bomb = packed(&vec![b' '; 8 << 20]);
        assert!(bomb.len() < 16 << 10);
        assert_eq!(unpack(&bomb, 1 << 20), Err(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
