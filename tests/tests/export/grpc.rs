//! A receiver of OTLP over gRPC on loopback: OpenTelemetry's own services, with faults on demand.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataMap;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

/// What a receiver does with a request: takes it without so many records, spans or points, or refuses it; after a time.
pub(crate) type Does = (Result<i64, Status>, Duration);

/// Takes it whole, at once.
pub(crate) const TAKES: Does = (Ok(0), Duration::ZERO);

/// A request that came: its path over HTTP, its bytes and metadata, and whether it was taken.
#[derive(Clone)]
pub(crate) struct Came {
    pub(crate) path: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) metadata: MetadataMap,
    pub(crate) is_taken: bool,
}

/// What the receiver does with a request, by its path and how many came before.
type Rule = Box<dyn Fn(&str, usize) -> Does + Send + Sync>;

struct State {
    rule: Rule,
    came: Mutex<Vec<Came>>,
}

/// A receiver, until it is dropped.
pub(crate) struct Grpc {
    address: SocketAddr,
    state: Arc<State>,
    _runtime: Runtime,
    is_tls: bool,
}

#[derive(Clone)]
struct Services(Arc<State>);

impl Services {
    async fn take<M: Message>(&self, path: &'static str, request: Request<M>) -> Result<i64, Status> {
        let (metadata, _, message) = request.into_parts();
        let before = self.0.came.lock().expect("no panic").len();
        let (does, after) = (self.0.rule)(path, before);
        let (body, is_taken) = (message.encode_to_vec(), does.is_ok());
        self.0.came.lock().expect("no panic").push(Came { path, body, metadata, is_taken });
        tokio::time::sleep(after).await;
        does
    }
}

macro_rules! service {
    ($service:ident, $path:literal, $request:ident, $response:ident, $partial:ident, $rejected:ident) => {
        #[tonic::async_trait]
        impl $service for Services {
            async fn export(&self, request: Request<$request>) -> Result<Response<$response>, Status> {
                let rejected = self.take($path, request).await?;
                let partial = $partial { $rejected: rejected, error_message: "too old".into() };
                let partial_success = (rejected > 0).then_some(partial);
                Ok(Response::new($response { partial_success }))
            }
        }
    };
}

service!(
    LogsService,
    "/v1/logs",
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
    ExportLogsPartialSuccess,
    rejected_log_records
);
service!(
    TraceService,
    "/v1/traces",
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
    ExportTracePartialSuccess,
    rejected_spans
);
service!(
    MetricsService,
    "/v1/metrics",
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
    ExportMetricsPartialSuccess,
    rejected_data_points
);

/// What a receiver is like beside its rule.
#[derive(Default)]
pub(crate) struct Like {
    /// The most bytes of a message.
    pub(crate) most_bytes: Option<usize>,
    /// Certificate and key, in PEM form.
    pub(crate) identity: Option<(String, String)>,
}

impl Grpc {
    pub(crate) fn new(rule: impl Fn(&str, usize) -> Does + Send + Sync + 'static) -> Self {
        Self::like(Like::default(), rule)
    }

    pub(crate) fn like(like: Like, rule: impl Fn(&str, usize) -> Does + Send + Sync + 'static) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("its address");
        let state = Arc::new(State { rule: Box::new(rule), came: Mutex::default() });
        let services = Services(state.clone());
        let most = like.most_bytes.unwrap_or(4 << 20);
        let mut server = Server::builder();
        let is_tls = like.identity.is_some();
        if let Some((certificate, key)) = like.identity {
            let identity = Identity::from_pem(certificate, key);
            server = server.tls_config(ServerTlsConfig::new().identity(identity)).expect("a certificate and its key");
        }
        let server = server
            .add_service(LogsServiceServer::new(services.clone()).max_decoding_message_size(most))
            .add_service(TraceServiceServer::new(services.clone()).max_decoding_message_size(most))
            .add_service(MetricsServiceServer::new(services).max_decoding_message_size(most));
        runtime.spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { address, state, _runtime: runtime, is_tls }
    }

    pub(crate) fn url(&self) -> String {
        if self.is_tls {
            format!("https://localhost:{}", self.address.port())
        } else {
            format!("http://{}", self.address)
        }
    }

    pub(crate) fn came(&self) -> Vec<Came> {
        self.state.came.lock().expect("no panic").clone()
    }
}
