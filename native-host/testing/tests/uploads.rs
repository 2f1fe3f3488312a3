//! A ledger's uploads, and what the collector makes of them.

use std::io::{self, Cursor, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use turnledger::Ledger;
use turnledger::delivery::Endpoint;
use turnledger::delivery::auth::{Account, AuthProvider, BearerToken, NoAuth};
use turnledger::ledger::Flushed;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Limits, Output, Pipeline};
use turnledger_testing::{Answer, AppServer, Collector, Step};

const LONG: Duration = Duration::from_secs(20);

/// A ledger, also where the environment turns ledgers off: there its tests cannot run.
fn ledger(collector: &Collector, auth: impl AuthProvider + 'static) -> Ledger {
    let endpoint = Endpoint::new(&collector.url()).expect("a URL");
    let ledger = Ledger::builder().upload(endpoint, Arc::new(auth)).start().expect("a ledger");
    assert!(ledger.is_enabled(), "neither DO_NOT_TRACK nor TURNLEDGER_DISABLED is set");
    ledger
}

/// One turn with a command.
fn session() -> Vec<Step> {
    let server = AppServer::new("0.131.0");
    let turn = server.start_thread().start_turn("Make the tests pass");
    turn.command_execution("cargo test").complete();
    turn.complete();
    server.take_steps()
}

/// Its events, none of which has a time of the ledger's clock.
fn expected() -> Vec<Value> {
    let mut pipeline = Pipeline::new(turnledger::Sha2::default(), RpcTransport::Stdio, Limits::default());
    let mut output = Output::default();
    for step in session() {
        for fact in step.facts {
            pipeline.ingest(step.at, fact, &mut output);
        }
    }
    output.events.iter().map(|event| serde_json::to_value(event).expect("JSON")).collect()
}

#[test]
fn what_a_ledger_observes_or_tracks_arrives() {
    let expected = expected();
    assert_eq!(expected.len(), 3);
    for observes in [true, false] {
        let collector = Collector::new();
        let ledger = ledger(&collector, BearerToken::new("a token".into(), Account::default()));
        for step in session() {
            if observes {
                for message in step.messages {
                    ledger.observe(message.connection, message.direction, message.text.as_bytes());
                }
            } else {
                step.facts.into_iter().for_each(|fact| ledger.track(fact));
            }
        }
        assert_eq!(ledger.shutdown(LONG), Flushed::Stored { delivered: 3, waiting: 0 });
        assert_eq!(collector.events(), expected);
        let received = collector.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].events(), Some(expected.clone()));
        assert_eq!((received[0].method.as_str(), received[0].status), ("POST", Some(202)));
        assert_eq!(received[0].path, "/codex/analytics-events/events");
        assert_eq!(received[0].headers["authorization"], "Bearer a token");
    }
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    let collector = Collector::new();
    collector.script([
        Answer::status(503).header("Retry-After", "1"),
        Answer::status(200).header("Accept-Encoding", "gzip"),
    ]);
    let ledger = ledger(&collector, NoAuth);
    let start = Instant::now();
    for fact in session().into_iter().flat_map(|step| step.facts) {
        ledger.track(fact);
    }
    assert_eq!(collector.wait_for_events(3, LONG), expected());
    assert!(start.elapsed() >= Duration::from_secs(1));
    // The next body is packed.
    for fact in session().into_iter().flat_map(|step| step.facts) {
        ledger.track(fact);
    }
    assert!(matches!(ledger.shutdown(LONG), Flushed::Stored { waiting: 0, .. }));
    assert_eq!(ledger.stats().delivered, 6);
    let received = collector.received();
    let seen: Vec<_> =
        received.iter().map(|one| (one.status, one.headers.get("content-encoding").map(String::as_str))).collect();
    assert_eq!(seen, [(Some(503), None), (Some(200), None), (Some(202), Some("gzip"))]);
    assert_eq!(received[0].request.body, received[1].request.body);
    assert_eq!(received[0].headers["idempotency-key"], received[1].headers["idempotency-key"]);
    assert_eq!(received[2].events(), Some(expected()));
}

/// A connection in memory: what a client sends, and what it gets.
struct Connection<'m> {
    sent: Cursor<String>,
    answered: &'m mut Vec<u8>,
}

impl Read for Connection<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.sent.read(buffer)
    }
}

impl Write for Connection<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.answered.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a server answers to requests.
fn send(collector: &Collector, requests: &[(&str, &str)]) -> String {
    let request = |(key, body): &(&str, &str)| {
        let length = body.len();
        format!("POST / HTTP/1.1\r\nIdempotency-Key: {key}\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let sent = requests.iter().map(request).collect::<Vec<_>>().concat();
    let mut answered = Vec::new();
    collector.serve(Connection { sent: Cursor::new(sent), answered: &mut answered });
    String::from_utf8(answered).expect("text")
}

fn answer(status: u16, headers: &str) -> String {
    format!("HTTP/1.1 {status} Status\r\nContent-Length: 0\r\n{headers}\r\n")
}

#[test]
fn the_rule_is_asked_before_the_script() {
    let collector = Collector::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let asks = asked.clone();
    let of_rule = collector.clone();
    collector.rule(move |request| {
        asks.fetch_add(1, Ordering::Relaxed);
        // It may ask the server.
        assert!(of_rule.count() <= 3);
        request.text().contains("poison").then(|| Answer::status(422).header("A", "b"))
    });
    collector.script([Answer::status(429), Answer::status(500)]);
    let answers = send(
        &collector,
        &[
            ("1", r#"{"events":["poison"]}"#),
            ("2", r#"{"events":[1,2]}"#),
            ("2", r#"{"events":[1,2]}"#),
            ("2", r#"{"events":[1,2]}"#),
            ("2", r#"{"events":[1,2]}"#),
            ("3", r#"{"events":[3]}"#),
            ("4", "no upload"),
        ],
    );
    let expected = [
        answer(422, "A: b\r\n"),
        answer(429, ""),
        answer(500, ""),
        answer(202, ""),
        answer(202, ""),
        answer(202, ""),
        answer(400, ""),
    ];
    assert_eq!(answers, expected.concat());
    assert_eq!(collector.events(), [json!(1), json!(2), json!(3)], "one key, once");
    assert_eq!((collector.count(), collector.received().len(), asked.load(Ordering::Relaxed)), (3, 7, 7));
}

#[test]
fn no_answer_takes_nothing() {
    let collector = Collector::new();
    collector.script([Answer::hang_up(), Answer::status(204).after(Duration::from_millis(20))]);
    assert_eq!(send(&collector, &[("1", r#"{"events":[1]}"#), ("1", r#"{"events":[1]}"#)]), "");
    let received = collector.received();
    assert_eq!((received.len(), received[0].status), (1, None));
    let start = Instant::now();
    assert_eq!(collector.wait_for_events(1, Duration::from_millis(10)), [] as [Value; 0]);
    assert_eq!(send(&collector, &[("1", r#"{"events":[1]}"#)]), answer(204, ""));
    assert!(start.elapsed() >= Duration::from_millis(30));
    assert_eq!(collector.wait_for_events(1, Duration::ZERO), [json!(1)]);
}

#[test]
fn the_server_ends_with_its_last_handle() {
    let collector = Collector::new();
    let address = collector.url().strip_prefix("http://").expect("a URL").to_owned();
    let mut open = TcpStream::connect(&address).expect("a connection");
    let other = collector.clone();
    drop(collector);
    open.write_all(b"POST / HTTP/1.1\r\n\r\n").expect("it is open");
    let mut answered = vec![0; answer(400, "").len()];
    open.read_exact(&mut answered).expect("an answer");
    assert_eq!(String::from_utf8(answered).expect("text"), answer(400, ""));
    drop(other);
    assert_eq!(open.read(&mut [0]).expect("the end"), 0);
    assert_eq!(TcpStream::connect(&address).expect_err("closed").kind(), io::ErrorKind::ConnectionRefused);
}
