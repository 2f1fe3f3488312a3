//! What the embedding programs share: a fact, and a server on loopback that takes one request.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use turnledger_core::fact::Tracking;
use turnledger_core::fact::hook::HookRun;
use turnledger_core::protocol::enums::{HookEventName, HookRunStatus, HookSource};

/// A hook that ran.
pub fn hook_run() -> HookRun {
    HookRun {
        tracking: Tracking { model_slug: Some("m".into()), thread_id: "T".into(), turn_id: Some("U".into()) },
        event_name: HookEventName::Stop,
        hook_source: HookSource::User,
        status: HookRunStatus::Completed,
    }
}

/// A server that answers one request with 202.
pub struct Server {
    url: String,
    request: JoinHandle<io::Result<(String, String)>>,
}

impl Server {
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Self { url, request: thread::spawn(move || take(&listener)) })
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

fn take(listener: &TcpListener) -> io::Result<(String, String)> {
    let (stream, _) = listener.accept()?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    reader.get_mut().write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")?;
    Ok((head, String::from_utf8_lossy(&body).into_owned()))
}
