//! One request: `POST {base}/codex/analytics-events/events` (contract `rules.md` 11.8).

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use secrecy::ExposeSecret;
use turnledger_core::Batch;
use ureq::Agent;
use ureq::http::{HeaderMap, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::auth::Header;
use super::retry::{Outcome, retry_after};

const PATH: &str = "/codex/analytics-events/events";

/// Where batches go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
}

/// Why a URL is no endpoint. It does not repeat the URL, which may have a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEndpoint {
    /// It is no URL with a host.
    #[error("not a URL with a host")]
    NoUrl,
    /// It would send events over the network in the clear.
    #[error("expected https://, or http:// on this machine")]
    Insecure,
    /// It has a user or a password; those belong to the credentials.
    #[error("the URL has a user or a password")]
    Credentials,
    /// A file of certificates has none.
    #[error("no certificate in PEM form")]
    NoCertificate,
}

impl Endpoint {
    /// The endpoint below a base URL, whose trailing slashes do not count.
    ///
    /// # Errors
    ///
    /// [`InvalidEndpoint`] if the URL is none, or not one that is safe.
    pub fn new(base_url: &str) -> Result<Self, InvalidEndpoint> {
        let base = base_url.trim().trim_end_matches('/');
        let uri: Uri = base.parse().map_err(|_| InvalidEndpoint::NoUrl)?;
        let authority = uri.authority().ok_or(InvalidEndpoint::NoUrl)?;
        if authority.as_str().contains('@') {
            return Err(InvalidEndpoint::Credentials);
        }
        let is_local = matches!(authority.host(), "localhost" | "[::1]") || authority.host().starts_with("127.");
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if is_local => {}
            Some("http") => return Err(InvalidEndpoint::Insecure),
            _ => return Err(InvalidEndpoint::NoUrl),
        }
        Ok(Self { url: format!("{base}{PATH}") })
    }

    /// The whole URL.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Sends batches, over connections that it keeps.
#[derive(Debug)]
pub struct HttpClient {
    agent: Agent,
    endpoint: Endpoint,
    /// Whether the server has said that it takes gzip.
    takes_gzip: bool,
}

impl HttpClient {
    /// A client of an endpoint, each of whose requests takes `timeout` at most. `certificates`, in PEM
    /// form, replace those of the public authorities.
    ///
    /// # Errors
    ///
    /// [`InvalidEndpoint::NoCertificate`] if there is no certificate in the text.
    pub fn new(endpoint: Endpoint, timeout: Duration, certificates: Option<&[u8]>) -> Result<Self, InvalidEndpoint> {
        let mut tls = TlsConfig::builder();
        if let Some(pem) = certificates {
            let found: Vec<Certificate<'static>> = parse_pem(pem)
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                })
                .collect();
            if found.is_empty() {
                return Err(InvalidEndpoint::NoCertificate);
            }
            tls = tls.root_certs(RootCerts::Specific(Arc::new(found)));
        }
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            // Events and credentials go where the user said, and nowhere else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("turnledger/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: config.new_agent(), endpoint, takes_gzip: false })
    }

    /// Sends a batch once. Blocks, for at most the timeout.
    pub fn send(&mut self, batch: &Batch, headers: &[Header]) -> Outcome {
        let outcome = self.post(batch, headers, self.takes_gzip);
        if outcome == Outcome::UnsupportedEncoding && self.takes_gzip {
            self.takes_gzip = false;
            return self.post(batch, headers, false);
        }
        outcome
    }

    fn post(&mut self, batch: &Batch, headers: &[Header], packed: bool) -> Outcome {
        let mut request = self
            .agent
            .post(&self.endpoint.url)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", batch.id.to_string());
        for header in headers {
            request = request.header(header.name, header.value.expose_secret());
        }
        let response = if packed {
            request.header("Content-Encoding", "gzip").send(pack(batch.body.as_bytes()))
        } else {
            request.send(batch.body.as_bytes())
        };
        let Ok(response) = response else { return Outcome::TryAgain { status: None, after: None } };
        let headers = response.headers();
        // A server says what bodies it takes in its answers (RFC 7694).
        self.takes_gzip |= text(headers, "Accept-Encoding").is_some_and(|encodings| encodings.contains("gzip"));
        let after = text(headers, "Retry-After").and_then(|value| retry_after(value, SystemTime::now()));
        let status = response.status().as_u16();
        // What follows is read, so that the connection can be used again; nothing depends on it.
        let _ = response.into_body().with_config().limit(64 << 10).read_to_vec();
        Outcome::of(status, after)
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn pack(body: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing to memory does not fail.
    let _ = packer.write_all(body);
    packer.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Endpoint, HttpClient, InvalidEndpoint};

    #[test]
    fn endpoints() {
        let url = |base| Endpoint::new(base).map(|endpoint| endpoint.url().to_owned());
        assert_eq!(url("https://host.test/api//").unwrap(), "https://host.test/api/codex/analytics-events/events");
        for local in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"] {
            assert!(url(local).is_ok(), "{local}");
        }
        for (base, error) in [
            ("http://host.test", InvalidEndpoint::Insecure),
            ("http://127.evil.test@host.test", InvalidEndpoint::Credentials),
            ("https://user:secret@host.test", InvalidEndpoint::Credentials),
            ("ftp://host.test", InvalidEndpoint::NoUrl),
            ("host.test", InvalidEndpoint::NoUrl),
            ("", InvalidEndpoint::NoUrl),
        ] {
            assert_eq!(url(base), Err(error), "{base}");
        }
        let endpoint = Endpoint::new("https://host.test").unwrap();
        let error = HttpClient::new(endpoint, Duration::from_secs(1), Some(b"none")).unwrap_err();
        assert_eq!(error, InvalidEndpoint::NoCertificate);
    }
}
