//! A `turnledger collect` that runs, and clients of it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_archive::{Archive, Filter};

use crate::golden::{recording, replay, values};
use crate::program::{PROGRAM, command_of, ends_within, run_in, send, stderr, stdout};

/// Where events come in.
pub const PATH: &str = "/codex/analytics-events/events";
/// Longer than anything takes that does not hang.
pub const LONG: Duration = Duration::from_secs(30);

/// A collector that runs as a process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where its metrics are.
    pub metrics: SocketAddr,
    said: Option<JoinHandle<String>>,
}

/// What a test that failed leaves behind ends, too.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts one in a data folder, on ports of its own.
    ///
    /// # Panics
    ///
    /// If it does not say where it listens.
    pub fn start(data: &Path, flags: &[&str]) -> Self {
        Self::at(data, "127.0.0.1:0", flags)
    }

    /// Starts one at an address.
    ///
    /// # Panics
    ///
    /// If it does not say where it listens.
    pub fn at(data: &Path, listen: &str, flags: &[&str]) -> Self {
        Self::of(&PROGRAM, data, listen, flags)
    }

    /// Starts one of another build.
    ///
    /// # Panics
    ///
    /// If it does not say where it listens.
    pub fn of(program: &Path, data: &Path, listen: &str, flags: &[&str]) -> Self {
        let mut child = command_of(program, data)
            .args(["collect", "--listen", listen, "--metrics", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(flags)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the collector starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its standard error"));
        let (found, addresses) = mpsc::channel();
        let said = thread::spawn(move || {
            let (mut all, mut line) = (String::new(), String::new());
            while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                let address = line.split("://").nth(1).and_then(|rest| rest.split([' ', '/', '\n']).next());
                if let Some(address) = address.and_then(|address| address.parse::<SocketAddr>().ok()) {
                    // Both are taken, and nobody waits for a third.
                    let _ = found.send(address);
                }
                all.push_str(&line);
                line.clear();
            }
            all
        });
        let address = addresses.recv_timeout(LONG).expect("its address");
        let metrics = addresses.recv_timeout(LONG).expect("its metrics' address");
        Self { child, address, metrics, said: Some(said) }
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A connection.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn client(&self) -> Client<TcpStream> {
        Client::to(self.address).expect("a connection")
    }

    /// A count of its metrics.
    ///
    /// # Panics
    ///
    /// If the metrics cannot be read.
    pub fn figure(&self, name: &str) -> u64 {
        let mut client = Client::to(self.metrics).expect("a connection");
        let answer = client.ask("GET", "/metrics", &[], b"").expect("metrics");
        let line = answer.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).map(str::to_owned);
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} in {}", answer.text()))
    }

    /// Kills it, as a power failure does.
    ///
    /// # Panics
    ///
    /// If it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it has ended");
        self.all_said();
    }

    /// Tells it to end, and waits for that: how it ended, and what it said.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub fn end(self) -> (ExitStatus, String) {
        send("TERM", &self.child);
        self.ended()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) {
        send(signal, &self.child);
    }

    /// Waits until it ends: how it ended, and what it said.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let status = ends_within(&mut self.child, LONG);
        (status, self.all_said())
    }

    fn all_said(&mut self) -> String {
        self.said.take().map(|said| said.join().expect("what it said")).unwrap_or_default()
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header; null if it has none.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap_or_default()
    }
}

/// A connection to a collector, which stays open from request to request.
#[derive(Debug)]
pub struct Client<S> {
    stream: BufReader<S>,
}

impl Client<TcpStream> {
    /// A connection to an address.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn to(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(LONG))?;
        stream.set_write_timeout(Some(LONG))?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }

    /// Ends what this side sends.
    ///
    /// # Panics
    ///
    /// If the connection is gone.
    pub fn hang_up(&self) {
        self.stream.get_ref().shutdown(std::net::Shutdown::Write).expect("a connection");
    }
}

impl<S: Read + Write> Client<S> {
    /// A client over a stream.
    pub fn over(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)?;
        self.stream.get_mut().flush()
    }

    /// Reads an answer.
    ///
    /// # Errors
    ///
    /// Those of the connection, also if it ends before the answer.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let mut line = String::new();
        let mut next = |line: &mut String| {
            line.clear();
            match self.stream.read_line(line)? {
                0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
                _ => Ok(()),
            }
        };
        next(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut headers = Vec::new();
        loop {
            next(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let mut answer = Answer { status, headers, body: Vec::new() };
        let length = answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        answer.body.resize(length, 0);
        self.stream.read_exact(&mut answer.body)?;
        Ok(answer)
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    pub fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
        let headers: String = headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{headers}\r\n");
        self.send(&[head.as_bytes(), body].concat())?;
        self.answer()
    }

    /// Sends events with a token.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    pub fn post(&mut self, token: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
        let bearer = format!("Bearer {token}");
        let headers = [&[("Authorization", &*bearer)], headers].concat();
        self.ask("POST", PATH, &headers, body)
    }
}

/// Runs `turnledger collect …` for a data folder: what it printed.
///
/// # Panics
///
/// If it fails.
pub fn collect(data: &Path, arguments: &[&str]) -> String {
    let folder = data.display().to_string();
    let output = run_in(data, &[&["collect"], arguments, &["--data", &folder]].concat(), b"");
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

/// Makes a token.
///
/// # Panics
///
/// If it cannot be made.
pub fn token(data: &Path, person: &str, team: Option<&str>) -> String {
    let team: Vec<_> = team.into_iter().flat_map(|team| ["--team", team]).collect();
    collect(data, &[&["token", "add", "--person", person], &team[..]].concat()).trim_end().to_owned()
}

/// Makes a token, and a file of it.
///
/// # Panics
///
/// If it cannot be made.
pub fn token_file(data: &Path, person: &str) -> PathBuf {
    let path = data.join(format!("{person}.token"));
    turnledger::private_file::make_private(&path).expect("a file");
    std::fs::write(&path, token(data, person, None) + "\n").expect("a file");
    path
}

/// An event as a client sends it: a turn of this thread.
#[derive(Debug)]
pub struct Turns(Value);

impl Default for Turns {
    fn default() -> Self {
        let events = values(&replay(Sha2::default(), &recording("0.131.0", "plain_turn").messages()).events);
        let turn = events.into_iter().find(|event| event["event_type"] == "codex_turn_event");
        Self(turn.expect("a turn"))
    }
}

impl Turns {
    /// The turn of a thread.
    pub fn of(&self, thread: &str) -> Value {
        let mut turn = self.0.clone();
        let params = &mut turn["event_params"];
        params["thread_id"] = thread.into();
        params["session_id"] = thread.into();
        params["turn_id"] = format!("{thread} turn").into();
        turn
    }

    /// A body with a turn of each thread.
    pub fn body<T: AsRef<str>>(&self, threads: impl IntoIterator<Item = T>) -> Vec<u8> {
        let turns: Vec<_> = threads.into_iter().map(|thread| self.of(thread.as_ref())).collect();
        json!({ "events": turns }).to_string().into_bytes()
    }
}

/// The threads of the events in a collector's store, in order.
///
/// # Panics
///
/// If the store cannot be read.
pub fn stored(data: &Path) -> Vec<String> {
    let archive = Archive::open_read_only(&data.join("store.sqlite")).expect("a store");
    let mut threads = Vec::new();
    let read = archive.events(&Filter::default(), |stored| {
        threads.extend(stored.event.ids().thread_id.map(|thread| thread.as_str().to_owned()));
        true
    });
    assert_eq!(read.expect("events"), 0, "all of this version");
    threads.sort();
    threads
}
