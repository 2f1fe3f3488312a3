//! `turnledger collect --otlp`: a receiver gets what the collector stores, over HTTP and gRPC.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tonic::Status;
use turnledger_testing::{Answer, Collector};
use turnledger_tests::collecting::{LONG, Server, Turns, collect, stored, token, token_file};
use turnledger_tests::program::{run_in, stderr};

use crate::grpc::{Grpc, TAKES};
use crate::otlp_program::Taken;

/// A receiver over HTTP that is away as long as it is told to be.
fn http(is_away: &Arc<AtomicBool>) -> Collector {
    let (receiver, is_away) = (Collector::new(), is_away.clone());
    receiver.rule(move |_| Some(Answer::status(if is_away.load(Ordering::SeqCst) { 503 } else { 200 })));
    receiver
}

/// The same over gRPC.
fn grpc(is_away: &Arc<AtomicBool>) -> Grpc {
    let is_away = is_away.clone();
    Grpc::new(
        move |_, _| {
            if is_away.load(Ordering::SeqCst) { (Err(Status::unavailable("away")), Duration::ZERO) } else { TAKES }
        },
    )
}

/// The threads of the log records that a receiver took, in order.
fn threads(receiver: &dyn Taken) -> Vec<String> {
    let [logs, ..] = receiver.taken();
    let thread = |log: &Value| log["attributes"]["gen_ai.conversation.id"].as_str().expect("a thread").to_owned();
    let mut threads: Vec<_> = logs.iter().map(thread).collect();
    threads.sort();
    threads
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn health(server: &Server) -> Value {
    let answer = server.client().ask("GET", "/health", &[], b"").expect("an answer");
    assert_eq!(answer.status, 200);
    serde_json::from_str(answer.text()).expect("JSON")
}

/// Sends the turns of threads as a client does.
fn upload(data: &Path, server: &Server, token: &Path, names: impl IntoIterator<Item = String>) {
    let turns = Turns::default();
    let lines: String = names.into_iter().map(|name| turns.of(&name).to_string() + "\n").collect();
    let file = data.join("events.jsonl");
    fs::write(&file, lines).expect("a file");
    let token = token.display().to_string();
    let arguments = ["upload", "-q", "--upload", &server.url(), "--token-file", &token, &file.display().to_string()];
    let output = run_in(data, &arguments, b"");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

/// What came before the receiver was named is not sent, and nothing that comes from then on is lost.
fn nothing_is_lost(receiver: &dyn Taken, url: &str, more: &[&str], is_away: &AtomicBool) {
    let data = tempfile::tempdir().expect("a folder");
    let ada = token_file(data.path(), "ada");
    let names = |kind: &'static str, count: usize| (0..count).map(move |number| format!("{kind} {number:04}"));
    let server = Server::start(data.path(), &[]);
    upload(data.path(), &server, &ada, names("before", 3));
    assert_eq!(server.end().0.code(), Some(0));

    let flags = [&["--otlp", url], more].concat();
    is_away.store(true, Ordering::SeqCst);
    let server = Server::start(data.path(), &flags);
    assert_eq!(health(&server), json!({ "health": "ok" }));
    upload(data.path(), &server, &ada, names("away", 300));
    until("the receiver is away", || health(&server).get("receiver").is_some());
    until("they wait", || server.figure("turnledger_forward_waiting_events") == 300);
    server.kill();
    assert_eq!(threads(receiver), Vec::<String>::new());

    is_away.store(false, Ordering::SeqCst);
    for (round, kind) in ["one", "two", "three", "four"].into_iter().enumerate() {
        let server = Server::start(data.path(), &flags);
        upload(data.path(), &server, &ada, names(kind, 200));
        thread::sleep(Duration::from_millis(30 * round as u64));
        server.kill();
    }
    let server = Server::start(data.path(), &flags);
    let came = || threads(receiver).into_iter().collect::<BTreeSet<_>>();
    until("all is there", || came().len() == 1100);
    until("the mark is at the end", || server.figure("turnledger_forward_waiting_events") == 0);
    assert_eq!(health(&server), json!({ "health": "ok" }));
    let (status, said) = server.end();
    assert_eq!(status.code(), Some(0), "{said}");
    let expected: BTreeSet<_> =
        stored(data.path()).into_iter().filter(|thread| !thread.starts_with("before")).collect();
    assert_eq!(came(), expected);
}

#[test]
fn nothing_is_lost_over_http() {
    let is_away = Arc::default();
    let receiver = http(&is_away);
    nothing_is_lost(&receiver, &receiver.url(), &[], &is_away);
}

#[test]
fn nothing_is_lost_over_grpc() {
    let is_away = Arc::default();
    let receiver = grpc(&is_away);
    nothing_is_lost(&receiver, &receiver.url(), &["--otlp-protocol", "grpc"], &is_away);
}

#[test]
fn each_event_goes_on_once_and_without_a_person() {
    let data = tempfile::tempdir().expect("a folder");
    let receiver = http(&Arc::default());
    let ada = token(data.path(), "Ada-the-person", Some("Core-the-team"));
    let server = Server::start(data.path(), &["--otlp", &receiver.url()]);
    let turns = Turns::default();
    let mut client = server.client();
    let mut post = |key: &str, threads: &[&str]| {
        let answer = client.post(&ada, &[("Idempotency-Key", key)], &turns.body(threads)).expect("an answer");
        assert_eq!(answer.status, 204, "{}", answer.text());
    };
    post("1", &["a", "b"]);
    until("both are there", || threads(&receiver).len() == 2);
    // Again, then known already, then one that is new.
    post("1", &["a", "b"]);
    post("2", &["b", "a"]);
    post("3", &["a", "c"]);
    until("the new one is there", || threads(&receiver).len() == 3);
    until("the mark is at the end", || server.figure("turnledger_forward_waiting_events") == 0);
    assert_eq!(server.figure("turnledger_forwarded_events_total"), 3);
    assert_eq!(server.figure("turnledger_forward_refused_events_total"), 0);
    assert_eq!(server.figure("turnledger_forward_withheld_events_total"), 0);
    let (status, said) = server.end();
    assert_eq!(status.code(), Some(0));
    // Without the path, which may be a key.
    let url = receiver.url();
    let host = url.trim_start_matches("http://");
    assert!(said.contains(&format!("turnledger: events go on to {host}\n")), "{said}");
    assert_eq!(threads(&receiver), ["a", "b", "c"]);
    let [_, spans, points] = receiver.taken();
    let turns: u64 = points
        .iter()
        .filter(|point| point["metric"] == "turnledger.turns")
        .filter_map(|point| point["sum"].as_u64())
        .sum();
    assert_eq!((spans.len(), turns), (3, 3));
    for received in receiver.received() {
        let text = String::from_utf8_lossy(&received.body);
        assert!(!text.contains("the-person") && !text.contains("the-team"));
    }
}

#[test]
fn the_end_waits_for_a_slow_receiver_and_a_refusal_is_told() {
    let data = tempfile::tempdir().expect("a folder");
    let ada = token_file(data.path(), "ada");
    let receiver = Collector::new();
    receiver.rule(|request| {
        let status = if request.path == "/v1/traces" { 400 } else { 200 };
        Some(Answer::status(status).after(Duration::from_millis(300)))
    });
    let server = Server::start(data.path(), &["--otlp", &receiver.url()]);
    upload(data.path(), &server, &ada, ["a".to_owned(), "b".to_owned()]);
    let (status, said) = server.end();
    assert_eq!((status.code(), threads(&receiver)), (Some(0), vec!["a".to_owned(), "b".to_owned()]));
    assert!(said.contains("turnledger: the receiver refused a part of 2 events"), "{said}");

    // What is wrong with the receiver is said before the collector begins.
    let folder = data.path().display().to_string();
    let output = run_in(data.path(), &["collect", "--data", &folder, "--otlp", "http://otlp.test"], b"");
    let insecure = "turnledger: --otlp: cannot send to this receiver: expected https://, or http:// on this machine\n";
    assert_eq!((output.status.code(), stderr(&output)), (Some(2), insecure.to_owned()));
    assert!(collect(data.path(), &["token", "list"]).contains("ada"));
}
