//! A [`Collector`] behind TLS.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use turnledger_testing::Collector;

/// Lets a collector answer over TLS, too, until the process ends: the base URL, and the certificate for `name` in PEM form.
///
/// # Panics
///
/// If there is no port or no certificate: a test cannot go on without its server.
pub fn over_tls(collector: &Collector, name: &str) -> (String, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("its key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocols")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate and its key");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let collector = collector.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(config.clone()).expect("a connection");
            let collector = collector.clone();
            thread::spawn(move || collector.serve(StreamOwned::new(connection, stream)));
        }
    });
    (format!("https://localhost:{port}"), made.cert.pem().into_bytes())
}
