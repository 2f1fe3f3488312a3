//! Serving: connections come in until the process is told to end.

mod connections;
mod timed;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use self::connections::Connections;
use self::tls::Tls;
pub use self::tls::TlsError;
use crate::collector::{Collector, CollectorError, Options};
use crate::forward::Receiver;
use crate::routes::{metrics, router};

/// How long requests that run may go on when the process is to end.
const GRACE: Duration = Duration::from_secs(10);
/// How long what was interrupted may take to let go of its files.
const TO_CLOSE: Duration = Duration::from_secs(1);
/// How often what was used is noted, and new certificates are looked for.
const TIDY: Duration = Duration::from_secs(60);
/// How often old receipts are forgotten, in such steps.
const FORGET: u32 = 60;

/// Where a collector listens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Place {
    /// The address.
    pub listen: SocketAddr,
    /// Files with PEM certificates and their key, for TLS. They are read again when they change.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Whether a proxy on this machine says in `X-Forwarded-For` whose request it is.
    pub is_behind_proxy: bool,
    /// The address of the metrics, if they are to be read.
    pub metrics: Option<SocketAddr>,
}

impl Place {
    /// An address, without TLS, proxy and metrics.
    pub const fn new(listen: SocketAddr) -> Self {
        Self { listen, tls: None, is_behind_proxy: false, metrics: None }
    }
}

/// Where a collector listens in fact: a port 0 has become a real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Addresses {
    /// The address.
    pub listen: SocketAddr,
    /// The metrics' address.
    pub metrics: Option<SocketAddr>,
}

/// Why a collector does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The collector cannot work.
    #[error(transparent)]
    Collector(#[from] CollectorError),
    /// The address is another program's, or not this machine's.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The system gives no threads or no signals.
    #[error("cannot start")]
    System(#[source] io::Error),
}

/// Collects until the process gets SIGTERM or SIGINT. Requests that run then have 10 seconds to end, or until a second
/// signal. `receiver` gets the events on, and has as long for what is left. `is_ready` is told where it listens.
///
/// # Errors
///
/// [`ServeError`] if it cannot begin.
pub fn run(
    options: Options,
    place: &Place,
    receiver: Option<Receiver>,
    is_ready: impl FnOnce(Addresses),
) -> Result<(), ServeError> {
    let tls = place.tls.as_ref().map(|(certificates, key)| Tls::read(certificates, key)).transpose()?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::System)?;
    let served = runtime.block_on(async {
        let listener = bind(place.listen).await?;
        let metrics_listener = match place.metrics {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let mut signals = Signals::new().map_err(ServeError::System)?;
        let collector = Collector::open(options)?;
        if let Some(receiver) = receiver {
            collector.forward(receiver)?;
        }
        let address = |listener: &TcpListener| listener.local_addr().map_err(ServeError::System);
        is_ready(Addresses {
            listen: address(&listener)?,
            metrics: metrics_listener.as_ref().map(address).transpose()?,
        });
        let (end, ended) = watch::channel(());
        let limits = collector.limits();
        let connections = |router| Connections::new(router, limits, collector.metrics().clone());
        if let Some(listener) = metrics_listener {
            let connections = connections(metrics(collector.clone()));
            tokio::spawn(connections.serve(listener, None, ended.clone()));
        }
        let tls = tls.map(Arc::new);
        tokio::spawn(tidy(collector.clone(), tls.clone()));
        let connections = connections(router(collector.clone())).behind_proxy(place.is_behind_proxy);
        let serving = tokio::spawn(connections.serve(listener, tls, ended));
        signals.next().await;
        // New connections are refused from now on.
        drop(end);
        tokio::select! {
            _ = serving => {}
            () = tokio::time::sleep(GRACE) => {}
            () = signals.next() => {}
        }
        collector.end().await;
        tokio::select! {
            () = collector.end_forwarding(GRACE) => {}
            () = signals.next() => {}
        }
        Ok(())
    });
    // What still runs has had its time; the last to close a database brings all into its one file.
    runtime.shutdown_timeout(TO_CLOSE);
    served
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })
}

/// What is done beside the requests.
async fn tidy(collector: Collector, tls: Option<Arc<Tls>>) {
    let mut ticks = interval(TIDY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in (0..FORGET).cycle() {
        ticks.tick().await;
        collector.tidy().await;
        if tick == 0 {
            collector.forget_receipts().await;
        }
        if let Some(tls) = tls.clone() {
            let renewed = tokio::task::spawn_blocking(move || tls.renew()).await;
            if let Ok(Err(error)) = renewed {
                collector.tell(&error);
            }
        }
    }
}

/// What tells the process to end.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[allow(clippy::unnecessary_wraps, reason = "the same as on Unix")]
    const fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // Without a console there is nothing to wait for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
