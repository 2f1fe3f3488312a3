//! What the embedding programs share: a fact, and a server on loopback that takes one request.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use turnledger_core::fact::Tracking;
use turnledger_core::fact::hook::HookRun;
use turnledger_core::protocol::enums::{HookEventName, HookRunStatus, HookSource};

/// A hook that ran.
pub fn hook_run() -> HookRun {
    HookRun {
        tracking: Tracking { model_slug: Some("m".into()), ..Tracking::new("T", "U") },
        event_name: HookEventName::Stop,
        hook_source: HookSource::User,
        status: HookRunStatus::Completed,
        ..HookRun::default()
    }
}

/// A server that answers one request with 202, and with 401 those before it that have a token that it refuses.
pub struct Server {
    url: String,
    request: JoinHandle<io::Result<(String, String)>>,
}

impl Server {
    pub fn start() -> io::Result<Self> {
        Self::serve(None)
    }

    pub fn refusing(token: &str) -> io::Result<Self> {
        Self::serve(Some(format!("authorization: bearer {token}\r\n")))
    }

    fn serve(refused: Option<String>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let is_refused =
            move |head: &str| refused.as_ref().is_some_and(|refused| head.to_lowercase().contains(refused));
        let serve = move || loop {
            let (mut stream, head, body) = take(&listener)?;
            if is_refused(&head) {
                stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
            } else {
                stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")?;
                return Ok((head, body));
            }
        };
        Ok(Self { url, request: thread::spawn(serve) })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Checks that the hook's event came, in a request with these words in its head.
    pub fn expect(self, words: &[&str]) {
        let (head, body) = self.request.join().expect("the server's thread").expect("a request");
        for word in
            words.iter().chain(&["POST /codex/analytics-events/events HTTP/1.1", "content-type: application/json"])
        {
            assert!(head.to_lowercase().contains(&word.to_lowercase()), "{word} in {head}");
        }
        let event = r#""event_type":"codex_hook_run""#;
        assert!(body.starts_with(r#"{"events":[{"#) && body.contains(event), "{body}");
        println!("1 event arrived");
    }
}

/// The next request: its connection, its head and its body.
fn take(listener: &TcpListener) -> io::Result<(TcpStream, String, String)> {
    let (stream, _) = listener.accept()?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok((reader.into_inner(), head, String::from_utf8_lossy(&body).into_owned()))
}
