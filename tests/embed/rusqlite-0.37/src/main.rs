use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use embed_common::{Server, hook_run};
use turnledger::Ledger;
use turnledger::delivery::auth::{Account, BearerToken};
use turnledger::delivery::{Endpoint, SendError, Transport, UploadReply, UploadRequest, UploadResponse};
use turnledger::ledger::Flushed;
use turnledger::secrecy::ExposeSecret;

/// An HTTP client that blocks.
struct Client;

impl Transport for Client {
    fn send(&mut self, request: UploadRequest, reply: UploadReply) {
        reply.give(post(&request));
    }
}

fn post(request: &UploadRequest) -> Result<UploadResponse, SendError> {
    let (host, path) = request.url.trim_start_matches("http://").split_once('/').unwrap_or_default();
    let stream = TcpStream::connect(host).map_err(SendError::unreachable)?;
    exchange(stream, host, path, request).map_err(SendError::no_answer)
}

fn exchange(mut stream: TcpStream, host: &str, path: &str, request: &UploadRequest) -> io::Result<UploadResponse> {
    stream.set_read_timeout(Some(request.timeout))?;
    let mut head = format!("POST /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: my-app-server/1\r\n");
    for header in &request.headers {
        head += &format!("{}: {}\r\n", header.name, header.value.expose_secret());
    }
    head += &format!("Content-Length: {}\r\n\r\n", request.body.len());
    stream.write_all(&[head.as_bytes(), &request.body].concat())?;
    let mut status = String::new();
    BufReader::new(stream).read_line(&mut status)?;
    let code = status.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(UploadResponse::new(code))
}

fn main() -> Result<(), Box<dyn Error>> {
    let database = rusqlite::Connection::open_in_memory()?;
    let one: i64 = database.query_row("SELECT 1", [], |row| row.get(0))?;
    assert_eq!(one, 1);

    let server = Server::start()?;
    let auth = Arc::new(BearerToken::new("a token".into(), Account::default()));
    let ledger = Ledger::builder().upload(Endpoint::new(server.url())?, auth).transport(Client).start()?;
    ledger.track_hook_run(hook_run());
    assert_eq!(ledger.shutdown(Duration::from_secs(10)), Flushed::Stored { delivered: 1, waiting: 0 });
    server.expect(&["User-Agent: my-app-server/1", "Authorization: Bearer a token"]);
    Ok(())
}
