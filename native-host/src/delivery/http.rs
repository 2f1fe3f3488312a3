//! The HTTP client of this crate: `ureq`, with rustls.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use secrecy::ExposeSecret;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Timeout};

use super::transport::{SendError, Transport, UploadReply, UploadRequest, UploadResponse};

/// Sends requests, over connections that it keeps, and through the proxy that `ALL_PROXY`, `HTTPS_PROXY` or
/// `HTTP_PROXY` in the environment names.
#[derive(Debug)]
pub struct HttpClient {
    agent: Agent,
}

/// Why there is no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpClientError {
    /// The certificates' text holds none.
    #[error("no PEM certificate found")]
    NoCertificate,
    /// Neither has the process a default provider of cryptography, nor is the feature `ring` on.
    #[error(
        "rustls has no provider of cryptography: install one as the process's default, or turn on the feature `ring`"
    )]
    NoCryptoProvider,
}

impl HttpClient {
    /// A client that trusts the certificates of the system, or `certificates` in PEM form in their stead. Its
    /// cryptography is rustls's default provider of the process if there is one, and otherwise `ring`.
    ///
    /// # Errors
    ///
    /// [`HttpClientError`] if there is no certificate in the text, or no provider.
    pub fn new(certificates: Option<&[u8]>) -> Result<Self, HttpClientError> {
        let provider = CryptoProvider::get_default().cloned().or_else(ring).ok_or(HttpClientError::NoCryptoProvider)?;
        let roots = match certificates {
            None => RootCerts::PlatformVerifier,
            Some(pem) => {
                let found: Vec<Certificate<'static>> = parse_pem(pem)
                    .filter_map(|item| match item {
                        Ok(PemItem::Certificate(certificate)) => Some(certificate),
                        _ => None,
                    })
                    .collect();
                if found.is_empty() {
                    return Err(HttpClientError::NoCertificate);
                }
                RootCerts::Specific(Arc::new(found))
            }
        };
        let tls = TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            // Events and credentials go where the user said, and nowhere else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("turnledger/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: config.new_agent() })
    }

    fn post(&self, request: &UploadRequest) -> Result<UploadResponse, SendError> {
        // Zero would mean no limit.
        let timeout = request.timeout.max(Duration::from_millis(1));
        let mut post = self.agent.post(&request.url).config().timeout_global(Some(timeout)).build();
        for header in &request.headers {
            post = post.header(&header.name, header.value.expose_secret());
        }
        let answer = post.send(&request.body[..]).map_err(|error| {
            let (is_before_sending, failed) = (is_before_sending(&error), Failed { what: what(&error), source: error });
            if is_before_sending { SendError::unreachable(failed) } else { SendError::no_answer(failed) }
        })?;
        let response = UploadResponse::new(answer.status().as_u16()).with_headers(answer.headers());
        // The body is read so that the connection can be used again.
        let body = answer.into_body().with_config().limit(64 << 10).read_to_vec();
        Ok(response.with_body(body.unwrap_or_default()))
    }
}

impl Transport for HttpClient {
    /// Blocks, for at most the request's timeout.
    fn send(&mut self, request: UploadRequest, reply: UploadReply) {
        reply.give(self.post(&request));
    }
}

#[cfg(feature = "ring")]
#[allow(clippy::unnecessary_wraps, reason = "there is none without the feature")]
fn ring() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(rustls::crypto::ring::default_provider()))
}

#[cfg(not(feature = "ring"))]
const fn ring() -> Option<Arc<CryptoProvider>> {
    None
}

/// What went wrong, in words, before what the client says.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct Failed {
    what: &'static str,
    source: ureq::Error,
}

fn what(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::HostNotFound => "there is no host of this name",
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => "no connection in time",
        ureq::Error::Timeout(_) => "no answer in time",
        ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => "the connection is refused",
        error if is_certificate(error) => "the server's certificate is not trusted",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "no TLS",
        _ => "the connection failed",
    }
}

/// Whether the server's certificate is the reason.
fn is_certificate(error: &ureq::Error) -> bool {
    let error = match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref().and_then(|error| error.downcast_ref()),
        _ => None,
    };
    matches!(error, Some(rustls::Error::InvalidCertificate(_)))
}

/// Whether a request failed before anything of it can have reached the server's application.
fn is_before_sending(error: &ureq::Error) -> bool {
    match error {
        error if is_certificate(error) => true,
        ureq::Error::Io(error) => {
            matches!(
                error.kind(),
                ErrorKind::ConnectionRefused | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable
            )
        }
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect)
        | ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{HttpClient, HttpClientError};

    #[test]
    fn a_text_without_certificates_is_refused() {
        assert_eq!(HttpClient::new(Some(b"none")).unwrap_err(), HttpClientError::NoCertificate);
    }
}
