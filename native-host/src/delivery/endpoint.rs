//! Where batches go: `POST {base}/codex/analytics-events/events` (`docs/contract/rules.md` 11.8).

use turnledger_core::delivery::is_loopback;

const PATH: &str = "/codex/analytics-events/events";

/// Where batches go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
}

/// Why a URL cannot be used. The message does not repeat the URL, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEndpoint {
    /// It is not a URL with a host.
    #[error("expected https:// and a host")]
    NoUrl,
    /// It would send events unencrypted over the network.
    #[error("expected https://, or http:// on this machine")]
    Insecure,
    /// It has a user or a password; those belong to the credentials.
    #[error("the URL holds a user or a password; credentials belong in the `auth` file")]
    Credentials,
}

impl Endpoint {
    /// The endpoint below a base URL, whose trailing slashes do not count.
    ///
    /// # Errors
    ///
    /// [`InvalidEndpoint`] if the text is not a URL, or not a safe one.
    pub fn new(base_url: &str) -> Result<Self, InvalidEndpoint> {
        let base = base_url.trim().trim_end_matches('/');
        let (scheme, rest) = base.split_once("://").ok_or(InvalidEndpoint::NoUrl)?;
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return Err(InvalidEndpoint::Credentials);
        }
        let host = host(authority).filter(|_| rest.bytes().all(is_of_path)).ok_or(InvalidEndpoint::NoUrl)?;
        if scheme.eq_ignore_ascii_case("http") {
            if !is_loopback(host) {
                return Err(InvalidEndpoint::Insecure);
            }
        } else if !scheme.eq_ignore_ascii_case("https") {
            return Err(InvalidEndpoint::NoUrl);
        }
        Ok(Self { url: format!("{base}{PATH}") })
    }

    /// The whole URL.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// The host of an authority without a user: what stands before the port.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.find(']') {
        Some(end) if authority.starts_with('[') => authority.split_at(end + 1),
        _ => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (is_port && !host.is_empty()).then_some(host)
}

/// Whether a byte may stand in the authority and the path of a URL (RFC 3986). What begins a query or a fragment may
/// not: the endpoint's own path comes behind it.
const fn is_of_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'/' | b'%' | b':' | b'[' | b']' | b'-' | b'.' | b'_' | b'~' | b'!' | b'$')
        || matches!(byte, b'&'..=b',' | b';' | b'=' | b'@')
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, InvalidEndpoint};

    #[test]
    fn endpoints() {
        let url = |base| Endpoint::new(base).map(|endpoint| endpoint.url().to_owned());
        assert_eq!(url("https://host.test/api//").unwrap(), "https://host.test/api/codex/analytics-events/events");
        for local in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1", "HTTP://LOCALHOST:80/a/b"] {
            assert!(url(local).is_ok(), "{local}");
        }
        for (base, error) in [
            ("http://host.test", InvalidEndpoint::Insecure),
            ("http://127.evil.test", InvalidEndpoint::Insecure),
            ("http://127.0.0.1.evil.test:80", InvalidEndpoint::Insecure),
            ("http://127.evil.test@host.test", InvalidEndpoint::Credentials),
            ("https://user:secret@host.test", InvalidEndpoint::Credentials),
            ("ftp://host.test", InvalidEndpoint::NoUrl),
            ("host.test", InvalidEndpoint::NoUrl),
            ("", InvalidEndpoint::NoUrl),
            ("https://", InvalidEndpoint::NoUrl),
            ("https:///path", InvalidEndpoint::NoUrl),
            ("https://:443", InvalidEndpoint::NoUrl),
            ("https://host.test:port", InvalidEndpoint::NoUrl),
            ("https://host.test/api?key=1", InvalidEndpoint::NoUrl),
            ("https://host.test/api#part", InvalidEndpoint::NoUrl),
            ("https://host.test/a b", InvalidEndpoint::NoUrl),
            ("https://host.test/\r\nX: y", InvalidEndpoint::NoUrl),
            // Clients that read `\` as `/` would go to the first host.
            ("http://evil.test\\.localhost", InvalidEndpoint::NoUrl),
            ("http://localhost\\@evil.test", InvalidEndpoint::Credentials),
            ("http://[::1].evil.test", InvalidEndpoint::NoUrl),
        ] {
            assert_eq!(url(base), Err(error), "{base}");
        }
    }
}
