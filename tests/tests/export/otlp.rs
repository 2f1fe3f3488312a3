//! Events as OpenTelemetry: every signal, decoded by its own messages.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use prost::Message;
use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::delivery::Response;
use turnledger_core::{Policy, UnixMillis};
use turnledger_export::otlp::{Post, Posted, Relay, Signal, Source};
use turnledger_tests::canary::{MARKER, mark};
use turnledger_tests::golden::{Sha1, recording, recordings, replay, values};

use crate::decode::{logs, points, resource, spans};

const NOW: UnixMillis = UnixMillis(1_795_900_000_000);
const OK: Response = Response::Status { code: 200, retry_after_ms: None };

fn status(code: u16) -> Response {
    Response::Status { code, retry_after_ms: None }
}

fn relay() -> Relay {
    Relay::new("http://127.0.0.1:4318/", &Signal::ALL, Source::default())
}

/// The requests of a batch that is taken at once.
fn sent(events: &[Value]) -> Vec<(String, Vec<u8>)> {
    let mut sent = Vec::new();
    let response =
        relay().send("key", &json!({ "events": events }).to_string(), NOW, &mut |Post { url, body, .. }| {
            sent.push((url.strip_prefix("http://127.0.0.1:4318").expect("the base").to_owned(), body));
            Posted::new(OK, [])
        });
    assert_eq!(response, OK);
    sent
}

/// What a receiver has of events: log records, spans and points.
fn received(events: &[Value]) -> [Vec<Value>; 3] {
    let mut all = [const { Vec::new() }; 3];
    for (path, body) in sent(events) {
        match &*path {
            "/v1/logs" => all[0].extend(logs(&body)),
            "/v1/traces" => all[1].extend(spans(&body)),
            "/v1/metrics" => all[2].extend(points(&body)),
            other => panic!("{other}"),
        }
    }
    all
}

fn events(version: &str, name: &str) -> Vec<Value> {
    values(&replay(Sha1, &recording(version, name).messages()).events)
}

/// The whole of a session, as it is written down. `UPDATE_SNAPSHOTS=1` writes it.
#[test]
fn a_session_is_what_it_is_written_down_as() {
    let [logs, spans, points] = received(&events("0.171.0", "patch_files"));
    let found = format!("{:#}\n", json!({ "logs": logs, "spans": spans, "points": points }));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export/patch_files.json");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &found).expect("it is written");
    }
    assert_eq!(fs::read_to_string(&path).expect("it is there"), found);
}

#[test]
fn a_record_has_the_whole_event_and_a_turn_is_a_trace() {
    for recording in recordings("0.171.0") {
        let events = values(&replay(Sha1, &recording.messages()).events);
        let [logs, spans, _] = received(&events);
        let bodies: Vec<_> = logs.iter().map(|log| (&log["event_name"], &log["body"])).collect();
        let expected: Vec<_> = events.iter().map(|event| (&event["event_type"], &event["event_params"])).collect();
        assert_eq!(bodies, expected, "{}", recording.name);
        let uids: BTreeSet<_> = logs.iter().map(|log| log["attributes"]["log.record.uid"].to_string()).collect();
        let different: BTreeSet<_> = events.iter().map(Value::to_string).collect();
        assert_eq!(uids.len(), different.len(), "{}", recording.name);
        for span in &spans {
            let of = |name: &str| span["attributes"][name].as_str().expect("it says so").to_owned();
            let (thread, turn) = (of("gen_ai.conversation.id"), of("turnledger.turn.id"));
            let is_turn = of("gen_ai.operation.name") == "invoke_agent";
            assert_eq!(span["parent"] == "", is_turn);
            let same_trace = spans.iter().filter(|other| other["trace"] == span["trace"]);
            for other in same_trace.clone() {
                assert_eq!(other["attributes"]["turnledger.turn.id"], turn);
                assert_eq!(other["attributes"]["gen_ai.conversation.id"], thread);
            }
            let mut ids = same_trace.map(|other| other["span"].as_str().expect("an id"));
            assert_eq!(ids.clone().count(), ids.clone().collect::<BTreeSet<_>>().len());
            // A turn that still runs has no span yet.
            assert!(
                is_turn
                    || ids.any(|id| span["parent"] == id)
                    || recording.name.contains("subagents")
                    || !has_turn(&events, &turn)
            );
            assert!(span["start"].as_u64() <= span["end"].as_u64() && span["start"].as_u64() > Some(0));
            let parent = spans.iter().find(|other| other["span"] == span["parent"]);
            // A patch of a turn may be applied when the turn has ended.
            if let Some(parent) = parent.filter(|_| span["attributes"]["turnledger.status"] == "completed") {
                assert!(parent["start"].as_u64() <= span["start"].as_u64(), "{span:#} {parent:#}");
            }
        }
    }
}

fn has_turn(events: &[Value], turn: &str) -> bool {
    events.iter().any(|event| event["event_type"] == "codex_turn_event" && event["event_params"]["turn_id"] == turn)
}

#[test]
fn what_has_no_time_is_in_no_trace() {
    let mut events = events("0.171.0", "patch_files");
    for event in &mut events {
        for name in ["started_at", "completed_at", "started_at_ms", "completed_at_ms"] {
            if let Some(member) = event["event_params"].get_mut(name) {
                *member = Value::Null;
            }
        }
    }
    let mut relay = relay();
    let mut paths = Vec::new();
    relay.send("key", &json!({ "events": events }).to_string(), NOW, &mut |Post { url, body, .. }| {
        paths.push(url.rsplit('/').next().expect("a path").to_owned());
        if url.ends_with("logs") {
            assert!(logs(&body).iter().all(|log| log["time"] == 0 || log["event_name"] == "codex_thread_initialized"));
        }
        Posted::new(OK, [])
    });
    assert_eq!((paths, relay.told().spans_without_time), (vec!["logs".to_owned(), "metrics".to_owned()], 4));
}

#[test]
fn no_text_of_a_message_is_in_the_bytes() {
    let mut bytes = 0;
    for version in ["0.131.0", "0.171.0"] {
        for recording in recordings(version) {
            let mut messages = recording.messages();
            for message in &mut messages {
                let mut json: Value = serde_json::from_str(&message.text).expect("JSON");
                mark(&mut json, false);
                message.text = json.to_string();
            }
            let events = values(&replay(Sha1, &messages).events);
            for (path, body) in sent(&events) {
                bytes += body.len();
                assert!(!contains(&body, MARKER), "{version} {} {path}", recording.name);
            }
        }
    }
    assert!(bytes > 1_000_000, "{bytes}");
}

fn contains(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_policy_holds_for_every_signal() {
    let rules = r#"{ "drop_events": ["codex_accepted_line_fingerprints"], "drop_members": ["model", "model_slug", "runtime"],
        "hash_members": ["thread_id", "session_id", "turn_id", "root_turn_id", "tool_name"] }"#;
    let policy = Policy::new(rules, Sha2::keyed(b"a key of 16 bytes or more").expect("a key")).expect("a policy");
    let events = events("0.171.0", "patch_files");
    let leaves = events.iter().filter_map(|event| policy.apply(&event.to_string()).ok());
    let leaves: Vec<Value> = leaves.map(|event| serde_json::from_str(&event).expect("JSON")).collect();
    let params = &events[0]["event_params"];
    let private = ["gpt-5.5", params["thread_id"].as_str().expect("an id"), "apply_patch", "x86_64", "fingerprints"];
    for (path, body) in sent(&leaves) {
        for text in private {
            assert!(!contains(&body, text), "{text} in {path}");
        }
    }
    let before: Vec<u8> = sent(&events).into_iter().flat_map(|(_, body)| body).collect();
    assert!(private.iter().all(|text| contains(&before, text)));
    let [_, spans, points] = received(&leaves);
    assert_eq!(spans.len(), 4);
    assert!(points.iter().all(|point| point["metric"] != "turnledger.lines"));
}

/// A receiver that answers each request in turn, and says what it took of the events.
struct Receiver {
    relay: Relay,
    batch: String,
}

impl Receiver {
    fn new() -> Self {
        let events = events("0.171.0", "patch_files");
        Self { relay: relay(), batch: json!({ "events": events }).to_string() }
    }

    /// Sends the batch, and says which requests were made; the answers are for these, in order, and a success then.
    fn send(&mut self, key: &str, answers: &[Response]) -> (Response, Vec<String>) {
        let mut answers = answers.iter().copied();
        let mut made = Vec::new();
        let response = self.relay.send(key, &self.batch, NOW, &mut |Post { url, body, .. }| {
            let name = url.rsplit('/').next().expect("a path");
            let count = match name {
                "logs" => logs(&body).len(),
                "traces" => spans(&body).len(),
                _ => 0,
            };
            made.push(if count > 0 { format!("{name} {count}") } else { name.to_owned() });
            Posted::new(answers.next().unwrap_or(OK), [])
        });
        (response, made)
    }
}

#[test]
fn what_is_through_is_not_sent_again() {
    let mut receiver = Receiver::new();
    let all = ["logs 6", "traces 4", "metrics"].map(str::to_owned);
    for held in [status(503), status(429), Response::Unreachable, Response::NoAnswer, status(404), status(401)] {
        assert_eq!(receiver.send("a", &[OK, held]), (held, all[..2].to_vec()), "{held:?}");
        // Another batch has nothing to do with it.
        assert_eq!(receiver.send("b", &[]), (OK, all.to_vec()));
        assert_eq!(receiver.send("a", &[OK, held]), (held, all[1..].to_vec()), "{held:?}");
        assert_eq!(receiver.send("a", &[]), (OK, all[2..].to_vec()));
        assert_eq!(receiver.send("a", &[]), (OK, all.to_vec()), "it is forgotten then");
    }
    // What is refused does not hold up the others, and the batch says so when all are through.
    assert_eq!(receiver.send("c", &[status(400), status(503)]), (status(503), all[..2].to_vec()));
    assert_eq!(receiver.send("c", &[]), (status(400), all[1..].to_vec()));
    assert_eq!(receiver.relay.told().refused, 6);
    // What is too large is halved, and one alone is refused.
    let halves = ["logs 6", "logs 3", "logs 3", "traces 4", "metrics"];
    assert_eq!(receiver.send("d", &[status(413)]), (OK, halves.map(str::to_owned).to_vec()));
    let (response, made) = receiver.send("e", &[status(413); 11]);
    assert_eq!(response, status(413));
    assert_eq!(made[..4], ["logs 6", "logs 3", "logs 1", "logs 2"]);
}

#[test]
fn what_a_receiver_leaves_out_is_counted_and_not_sent_again() {
    let mut relay = relay();
    let answer = ExportLogsServiceResponse {
        partial_success: Some(ExportLogsPartialSuccess { rejected_log_records: 2, error_message: "too old".into() }),
    };
    let batch = json!({ "events": events("0.171.0", "patch_files") }).to_string();
    let response = relay.send("key", &batch, NOW, &mut |post| {
        Posted::new(OK, if post.url.ends_with("logs") { answer.encode_to_vec() } else { b"no message".to_vec() })
    });
    assert_eq!((response, relay.told().rejected), (OK, 2));
}

#[test]
fn signals_and_sources_are_chosen() {
    let source = Source::default().with("service.name", "ours").with("deployment.environment.name", "test");
    let mut relay = Relay::new("https://otlp.test/base", &[Signal::Metrics, Signal::Logs], source);
    let mut urls = Vec::new();
    let batch = json!({ "events": events("0.131.0", "plain_turn") }).to_string();
    relay.send("key", &batch, NOW, &mut |Post { url, body, .. }| {
        urls.push(url.to_owned());
        if url.ends_with("logs") {
            let expected = json!({ "service.name": "ours", "service.version": env!("CARGO_PKG_VERSION"),
                "deployment.environment.name": "test" });
            assert_eq!(resource(&body), expected);
        }
        Posted::new(OK, [])
    });
    assert_eq!(urls, ["https://otlp.test/base/v1/logs", "https://otlp.test/base/v1/metrics"]);
    // What is no batch has nothing to send.
    assert_eq!(relay.send("key", "no JSON", NOW, &mut |post| panic!("{post:?}")), OK);
}
