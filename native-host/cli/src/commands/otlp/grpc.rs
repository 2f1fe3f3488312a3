//! A receiver of OTLP over gRPC.
//!
//! The relay's bytes are the messages: they are neither decoded nor made again.

use std::error::Error;
use std::iter::successors;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::{Buf, BufMut, Bytes};
use http::HeaderName;
use http::uri::PathAndQuery;
use tokio::runtime::{Builder, Runtime};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, ConnectError, Extensions, Request, Status};
use tonic_types::StatusExt;
use tower::ServiceExt;
use turnledger::delivery::{SendError, UploadResponse};
use turnledger_core::delivery::Response;
use turnledger_export::otlp::Signal;

/// The most bytes of an answer that are read.
const MOST_ANSWER: usize = 64 << 10;

/// Calls the services of a receiver, over one connection that it keeps.
pub(super) struct GrpcClient {
    /// There until the end. A thread of it answers the receiver's pings while nothing is sent.
    runtime: Option<Runtime>,
    channel: Channel,
    metadata: MetadataMap,
}

impl GrpcClient {
    /// A client that trusts the certificates of the system, or those in PEM form in their stead.
    pub(super) fn new(url: &str, headers: &[(String, String)], certificates: Option<Vec<u8>>) -> anyhow::Result<Self> {
        let metadata = metadata(headers)?;
        let mut endpoint = Endpoint::from_shared(url.trim_end_matches('/').to_owned())?
            .user_agent(concat!("turnledger/", env!("CARGO_PKG_VERSION")))?;
        if endpoint.uri().scheme_str() == Some("https") {
            let tls = ClientTlsConfig::new();
            endpoint = endpoint.tls_config(match certificates {
                Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
                None => tls.with_native_roots(),
            })?;
        }
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_io().enable_time().build()?;
        let channel = {
            let _entered = runtime.enter();
            endpoint.connect_lazy()
        };
        Ok(Self { runtime: Some(runtime), channel, metadata })
    }

    /// Sends one request, and waits for what comes of it.
    pub(super) fn post(&self, signal: Signal, body: Vec<u8>, timeout: Duration) -> Result<UploadResponse, SendError> {
        let Some(runtime) = &self.runtime else { return Err(SendError::unreachable("there is no runtime")) };
        let mut request = Request::from_parts(self.metadata.clone(), Extensions::default(), Bytes::from(body));
        request.set_timeout(timeout);
        let path = PathAndQuery::from_static(signal.grpc_path());
        let channel = self.channel.clone().map_result(of_grpc);
        let answer = runtime.block_on(async {
            let mut calls = Grpc::new(channel).max_decoding_message_size(MOST_ANSWER);
            let call = async {
                calls.ready().await.map_err(Status::from_error)?;
                calls.unary(request, path, AsBytes).await
            };
            tokio::time::timeout(timeout, call).await
        });
        match answer {
            Ok(Ok(answer)) => Ok(UploadResponse::new(200).with_body(answer.into_inner().into())),
            Ok(Err(status)) => meaning(&status),
            Err(_) => Err(SendError::no_answer("timed out")),
        }
    }
}

impl Drop for GrpcClient {
    fn drop(&mut self) {
        // Looking up a name cannot be stopped, and nobody waits for it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Headers as metadata. Errors repeat neither values nor invalid names: both may be secrets.
fn metadata(headers: &[(String, String)]) -> anyhow::Result<MetadataMap> {
    let mut metadata = MetadataMap::with_capacity(headers.len());
    for (position, (name, value)) in (1..).zip(headers) {
        ensure!(
            HeaderName::from_bytes(name.as_bytes()).is_ok(),
            "OTEL_EXPORTER_OTLP_HEADERS: the name of header {position} is none of a header"
        );
        let key = AsciiMetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes())
            .ok()
            .with_context(|| format!("OTEL_EXPORTER_OTLP_HEADERS: gRPC has no header of the name {name}"))?;
        let value = AsciiMetadataValue::try_from(value)
            .ok()
            .with_context(|| format!("OTEL_EXPORTER_OTLP_HEADERS: {name}: gRPC takes printable ASCII only"))?;
        metadata.append(key, value);
    }
    Ok(metadata)
}

/// An HTTP answer without a gRPC status: from a proxy, or from a server that does not speak gRPC.
#[derive(Debug, thiserror::Error)]
#[error("the server answers with the status {0} of HTTP, and not by gRPC")]
struct NotGrpc(u16);

/// An answer, if it is one of gRPC.
fn of_grpc(
    answer: Result<http::Response<Body>, tonic::transport::Error>,
) -> Result<http::Response<Body>, Box<dyn Error + Send + Sync>> {
    let answer = answer?;
    if answer.status() == http::StatusCode::OK { Ok(answer) } else { Err(NotGrpc(answer.status().as_u16()).into()) }
}

/// What an error is: the receiver's answer, or a failure to get one.
fn meaning(status: &Status) -> Result<UploadResponse, SendError> {
    let causes = || successors(status.source(), |error| (*error).source());
    if let Some(NotGrpc(code)) = causes().find_map(|error| error.downcast_ref()) {
        return Ok(UploadResponse::new(*code));
    }
    if status.source().is_some() {
        // It was made here, and is no receiver's.
        let is_before_sending = causes().any(<dyn Error>::is::<ConnectError>);
        let texts = causes().map(ToString::to_string).filter(|text| text != "transport error");
        let problem = texts.fold(String::new(), |all, text| match (all.is_empty(), all.contains(&text)) {
            (true, _) => text,
            (false, true) => all,
            (false, false) => format!("{all}: {text}"),
        });
        return Err(if is_before_sending { SendError::unreachable(problem) } else { SendError::no_answer(problem) });
    }
    if let Some(made_here) = made_here(status) {
        return made_here;
    }
    let retry_after = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let retry_after_ms = retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    let number = u32::try_from(i32::from(status.code())).unwrap_or_default();
    match Response::of_grpc(number, retry_after_ms, is_too_large(status.message())) {
        Response::Status { code, .. } => Ok(UploadResponse::new(code).with_retry_after_ms(retry_after_ms)),
        _ => Err(SendError::no_answer("the answer has no status")),
    }
}

/// What a status amounts to that the client itself makes of an answer, and no receiver sent. Source: tonic 0.14, where these
/// have no cause.
fn made_here(status: &Status) -> Option<Result<UploadResponse, SendError>> {
    let message = status.message();
    match status.code() {
        // A receiver may say the same of a request, with its own limit.
        Code::OutOfRange
            if message.starts_with("Error, decoded message length too large")
                && message.ends_with(&format!("the limit is: {MOST_ANSWER} bytes")) =>
        {
            // It took the request. As over HTTP, the answer is not read to its end.
            Some(Ok(UploadResponse::new(200)))
        }
        Code::Unknown if message.contains("missing grpc-status") => {
            Some(Err(SendError::no_answer("the answer ended early")))
        }
        Code::Internal if message == "Unexpected EOF decoding stream." => {
            Some(Err(SendError::no_answer("the answer ended early")))
        }
        Code::Internal if message == "Missing response message." => {
            Some(Err(SendError::no_answer("the answer has no message")))
        }
        _ => None,
    }
}

/// Whether a receiver says that a message is too large. There is no code for it: the libraries of Go, C++ and JavaScript say
/// `larger than max`, those of Java and .NET `exceeds` a maximum, that of Rust `too large`.
fn is_too_large(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("message")
        && (message.contains("larger than max")
            || message.contains("too large")
            || (message.contains("exceeds") && message.contains("max")))
}

/// Messages as they are.
struct AsBytes;

impl Codec for AsBytes {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};
    use turnledger::delivery::UploadResponse;

    use super::{is_too_large, meaning, metadata};

    #[test]
    fn what_the_client_says_itself_is_no_receivers_answer() {
        let of = |code, message: &str| {
            meaning(&Status::new(code, message)).map_err(|error| (error.to_string(), error.problem()))
        };
        let length = "Error, decoded message length too large: found 70000 bytes, the limit is:";
        assert_eq!(of(Code::OutOfRange, &format!("{length} 65536 bytes")), Ok(UploadResponse::new(200)));
        // A receiver of the same library, about the request.
        assert_eq!(of(Code::OutOfRange, &format!("{length} 4096 bytes")), Ok(UploadResponse::new(413)));
        for (code, message, why) in [
            (Code::Unknown, "protocol error: missing grpc-status trailer, and more", "the answer ended early"),
            (Code::Internal, "Unexpected EOF decoding stream.", "the answer ended early"),
            (Code::Internal, "Missing response message.", "the answer has no message"),
        ] {
            assert_eq!(of(code, message), Err(("the server does not answer".to_owned(), why.to_owned())));
        }
        assert_eq!(of(Code::Internal, "no room"), Ok(UploadResponse::new(400)));
    }

    #[test]
    fn what_may_be_a_secret_is_not_told_as_a_name() {
        let of = |name: &str, value: &str| {
            let headers = [("x-one".to_owned(), "one".to_owned()), (name.to_owned(), value.to_owned())];
            metadata(&headers).map(|_| ()).map_err(|error| error.to_string())
        };
        let said = |text: &str| Err(format!("OTEL_EXPORTER_OTLP_HEADERS: {text}"));
        assert_eq!(of("x-two", "two"), Ok(()));
        assert_eq!(of("Authorization: Basic c2VjcmV0", "="), said("the name of header 2 is none of a header"));
        assert_eq!(of("x-secret-bin", "two"), said("gRPC has no header of the name x-secret-bin"));
        assert_eq!(of("x-two", "two\n"), said("x-two: gRPC takes printable ASCII only"));
    }

    #[test]
    fn libraries_say_that_a_message_is_too_large() {
        for said in [
            "grpc: received message larger than max (5242880 vs. 4194304)",
            "gRPC message exceeds maximum size 4194304: 5242880",
            "Received message exceeds the maximum configured message size.",
            "Error, decoded message length too large: found 5242880 bytes, the limit is: 4194304 bytes",
        ] {
            assert!(is_too_large(said), "{said}");
        }
        for said in ["", "quota exceeded", "too many requests: at most 5 a second", "the message has no time"] {
            assert!(!is_too_large(said), "{said}");
        }
    }
}
