//! Connections: so many at once, none of them silent for long.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::timed::Timed;
use super::tls::Tls;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::peer::{Peer, Peers};

/// How long TLS may take to begin.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long the system is left alone that gives no connection, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(200);
/// The most bytes of a request's header.
const HEADER_BYTES: usize = 32 << 10;

/// What serves connections.
#[derive(Clone)]
pub(super) struct Connections {
    router: Router,
    limits: Limits,
    metrics: Arc<Metrics>,
    is_behind_proxy: bool,
}

impl Connections {
    pub(super) const fn new(router: Router, limits: Limits, metrics: Arc<Metrics>) -> Self {
        Self { router, limits, metrics, is_behind_proxy: false }
    }

    pub(super) fn behind_proxy(self, is_behind_proxy: bool) -> Self {
        Self { is_behind_proxy, ..self }
    }

    /// Serves until the sender of `ended` goes, and then until those requests are answered that run.
    pub(super) async fn serve(self, listener: TcpListener, tls: Option<Arc<Tls>>, ended: watch::Receiver<()>) {
        let mut ended = ended;
        let mut ended = pin!(async move { while ended.changed().await.is_ok() {} });
        let slots = Arc::new(Semaphore::new(self.limits.connections.clamp(1, Semaphore::MAX_PERMITS)));
        let running = GracefulShutdown::new();
        let peers = Peers::new(self.limits.connections_of_peer);
        loop {
            let next = async {
                // Nobody closes it.
                let slot = slots.clone().acquire_owned().await.ok();
                (slot, listener.accept().await)
            };
            let (slot, accepted) = tokio::select! {
                () = &mut ended => break,
                next = next => next,
            };
            let Ok((stream, address)) = accepted else {
                sleep(PAUSE).await;
                continue;
            };
            // Where IPv6 listens, an address of IPv4 comes as one of IPv6.
            let address = address.ip().to_canonical();
            let is_of_proxy = self.is_behind_proxy && address.is_loopback();
            let place = if is_of_proxy { Some(None) } else { peers.place(Peer::new(address)).map(Some) };
            // Whose places are all taken comes again later.
            let Some(place) = place else { continue };
            let (connections, tls, watcher) = (self.clone(), tls.clone(), running.watcher());
            tokio::spawn(async move {
                let (_slot, _place) = (slot, place);
                connections.connection(stream, address, tls, watcher).await;
            });
        }
        drop(listener);
        running.shutdown().await;
    }

    async fn connection(self, stream: TcpStream, address: IpAddr, tls: Option<Arc<Tls>>, watcher: Watcher) {
        let _open = self.metrics.connection();
        // Answers are short, and are not to wait for more; without it they only come later.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        // Who does not read the answer has no need of it.
        stream.set_write_timeout(Some(self.limits.idle_time));
        let stream = Box::pin(stream);
        match tls {
            None => self.requests(stream, address, watcher).await,
            Some(tls) => {
                let handshake = timeout(HANDSHAKE, TlsAcceptor::from(tls.config()).accept(stream)).await;
                if let Ok(Ok(stream)) = handshake {
                    self.requests(stream, address, watcher).await;
                }
            }
        }
    }

    async fn requests(
        self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        address: IpAddr,
        watcher: Watcher,
    ) {
        let idle_time = self.limits.idle_time;
        let service = service_fn(move |request| self.answer(address, request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // From the end of the request before it: it bounds silence as well.
            .header_read_timeout(idle_time)
            .max_buf_size(HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        // A client that hangs up or says no HTTP is its own affair.
        let _ = watcher.watch(connection).await;
    }

    fn answer(
        &self,
        address: IpAddr,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response, Infallible>> + Send + use<> {
        // Events have half of it, and what is left for their answer.
        let until = Instant::now() + 2 * self.limits.body_time;
        let mut request = request.map(|body| Body::new(Timed::new(body, until)));
        let forwarded = (self.is_behind_proxy && address.is_loopback()).then(|| forwarded(request.headers())).flatten();
        request.extensions_mut().insert(Peer::new(forwarded.unwrap_or(address)));
        let mut router = self.router.clone();
        async move { router.call(request).await }
    }
}

/// Whose request a proxy says it is: the last address, which the proxy itself wrote.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");
    let last = headers.get_all(FORWARDED).iter().next_back()?.to_str().ok()?.rsplit(',').next()?.trim();
    let address = last.parse().ok();
    address.or_else(|| Some(last.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::forwarded;

    #[test]
    fn the_last_address_is_the_proxys_own_word() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("X-Forwarded-For", value.parse().unwrap());
            }
            forwarded(&headers).map(|address| address.to_string())
        };
        assert_eq!(of(&["192.0.2.9, 192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(of(&["192.0.2.9", "2001:db8::1"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(of(&["192.0.2.1:99"]).as_deref(), Some("192.0.2.1"));
        assert_eq!((of(&[]), of(&["unknown"])), (None, None));
    }
}
