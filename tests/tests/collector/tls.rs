//! TLS of its own.

use std::fs;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use turnledger_tests::collecting::{Client, Server, Turns, stored, token};
use turnledger_tests::program::{run_in, stderr};

#[test]
fn events_come_over_tls() {
    let data = tempfile::tempdir().expect("a folder");
    let file = |name: &str| data.path().join(name).display().to_string();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(file("cert.pem"), made.cert.pem()).expect("a file");
    fs::write(file("key.pem"), made.signing_key.serialize_pem()).expect("a file");
    let token = token(data.path(), "ada", None);
    let server = Server::start(data.path(), &["--tls-cert", &file("cert.pem"), "--tls-key", &file("key.pem")]);

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).expect("PEM")).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocols")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
    let stream = TcpStream::connect(server.address).expect("a connection");
    let mut client = Client::over(StreamOwned::new(connection, stream));
    assert_eq!(client.post(&token, &[], &Turns::default().body(["one"])).expect("an answer").status, 204);
    // Who says no TLS, or nothing at all, is in nobody's way.
    let silent = server.client();
    assert!(server.client().ask("GET", "/health", &[], b"").is_err());

    // The program itself.
    fs::write(file("token"), &token).expect("a file");
    fs::write(file("events.jsonl"), Turns::default().of("two").to_string()).expect("a file");
    let url = format!("https://localhost:{}", server.address.port());
    let (events, pem, token_file) = (file("events.jsonl"), file("cert.pem"), file("token"));
    let arguments = ["upload", &events, "--upload", &url, "--certificates", &pem, "--token-file", &token_file];
    let output = run_in(data.path(), &arguments, b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    drop(silent);
    assert!(server.end().0.success());
    assert_eq!(stored(data.path()), ["one", "two"]);
}

#[test]
fn certificates_that_cannot_be_used_are_said() {
    let data = tempfile::tempdir().expect("a folder");
    let file = |name: &str| data.path().join(name).display().to_string();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(file("cert.pem"), made.cert.pem()).expect("a file");
    fs::write(file("other.pem"), other.signing_key.serialize_pem()).expect("a file");
    fs::write(file("text"), "no PEM").expect("a file");
    let said = |cert: &str, key: &str| {
        let arguments = ["collect", "--data", &file("data"), "--tls-cert", &file(cert), "--tls-key", &file(key)];
        let output = run_in(data.path(), &arguments, b"");
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    let expected = |name: &str, what: &str| format!("turnledger: {}: {what}", file(name));
    let begins = |said: String, expected: String| assert!(said.starts_with(&expected), "{said}");
    begins(said("gone", "other.pem"), expected("gone", "no PEM certificate can be read"));
    begins(said("text", "other.pem"), expected("text", "no PEM certificate in it"));
    begins(said("cert.pem", "text"), expected("text", "no PEM private key can be read"));
    begins(said("cert.pem", "other.pem"), expected("cert.pem", "the certificate and its key cannot be used"));
}
