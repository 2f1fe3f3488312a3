//! `--otlp` of the program: what a receiver on loopback has adds up to the report.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use turnledger_testing::{Answer, Collector};
use turnledger_tests::golden::folder;
use turnledger_tests::program::{command, run_in, stderr, stdout};

use crate::decode::{logs, points, resource, spans};

/// A receiver that takes everything.
fn receiver() -> Collector {
    let receiver = Collector::new();
    receiver.rule(|request| {
        assert_eq!(request.headers["content-type"], "application/x-protobuf");
        Some(Answer::status(200))
    });
    receiver
}

/// A receiver, by what it took: log records, spans and points.
pub(crate) trait Taken {
    fn taken(&self) -> [Vec<Value>; 3];
}

impl Taken for Collector {
    fn taken(&self) -> [Vec<Value>; 3] {
        let received = self.received();
        let taken = received.iter().filter(|received| received.status == Some(200));
        taken_of(taken.map(|received| (received.path.as_str(), received.body.as_slice())))
    }
}

/// Requests by their paths.
pub(crate) fn taken_of<'a>(requests: impl Iterator<Item = (&'a str, &'a [u8])>) -> [Vec<Value>; 3] {
    let mut all = [const { Vec::new() }; 3];
    for (path, body) in requests {
        match path {
            "/v1/logs" => all[0].extend(logs(body)),
            "/v1/traces" => all[1].extend(spans(body)),
            "/v1/metrics" => all[2].extend(points(body)),
            other => panic!("{other}"),
        }
    }
    all
}

fn recordings(version: &str) -> String {
    folder().join(version).display().to_string()
}

pub(crate) fn rollouts() -> String {
    folder().with_file_name("rollouts").join("0.171.0").display().to_string()
}

/// The sum of a metric's points that have these attributes.
fn sum(points: &[Value], metric: &str, attributes: &Value) -> f64 {
    let has = |point: &&Value| {
        let wanted = attributes.as_object().expect("an object");
        point["metric"] == metric && wanted.iter().all(|(name, value)| point["attributes"][name] == *value)
    };
    points.iter().filter(has).map(|point| point["sum"].as_f64().expect("a number")).sum()
}

/// The numbers of a report, as the metrics have them.
fn numbers(points: &[Value]) -> BTreeMap<&'static str, f64> {
    let of = |metric: &str, attributes: Value| sum(points, metric, &attributes);
    let (tokens, duration) = ("gen_ai.client.token.usage", "gen_ai.client.operation.duration");
    let all = || json!({});
    let with = |name: &str, value: &str| json!({ name: value });
    let status = |value: &str| with("turnledger.status", value);
    let user = |value: &str| json!({ "turnledger.reviewer": "user", "turnledger.status": value });
    let kinds = |metric: &str, statuses: &[&str]| statuses.iter().map(|value| of(metric, status(value))).sum::<f64>();
    [
        ("turns", of("turnledger.turns", all())),
        ("turns_completed", of("turnledger.turns", status("completed"))),
        ("turns_failed", of("turnledger.turns", status("failed"))),
        ("turns_interrupted", of("turnledger.turns", status("interrupted"))),
        ("turn_time_ms", of(duration, with("gen_ai.operation.name", "invoke_agent")) * 1000.0),
        ("tokens", of(tokens, all())),
        ("input_tokens", of(tokens, with("gen_ai.token.type", "input"))),
        ("cached_input_tokens", of("turnledger.tokens.cached_input", all())),
        ("output_tokens", of(tokens, with("gen_ai.token.type", "output"))),
        ("reasoning_output_tokens", of("turnledger.tokens.reasoning_output", all())),
        ("calls", of("turnledger.tool.calls", all())),
        ("calls_failed", of("turnledger.tool.calls", status("failed"))),
        ("calls_rejected", of("turnledger.tool.calls", status("rejected"))),
        ("calls_interrupted", of("turnledger.tool.calls", status("interrupted"))),
        ("call_time_ms", of(duration, with("gen_ai.operation.name", "execute_tool")) * 1000.0),
        ("approvals", of("turnledger.approvals", with("turnledger.reviewer", "user"))),
        ("approvals_refused", of("turnledger.approvals", user("denied"))),
        ("approvals_aborted", of("turnledger.approvals", user("aborted"))),
        ("approval_wait_ms", of("turnledger.approval.wait", with("turnledger.reviewer", "user")) * 1000.0),
        ("automatic_reviews", of("turnledger.approvals", with("turnledger.reviewer", "guardian"))),
        ("steers", of("turnledger.steers", status("accepted"))),
        ("steers_rejected", of("turnledger.steers", status("rejected"))),
        ("compactions", of("turnledger.compactions", all())),
        ("compactions_failed", of("turnledger.compactions", status("failed"))),
        ("hooks", of("turnledger.hooks", all())),
        ("hooks_failed", of("turnledger.hooks", status("failed"))),
        ("hooks_blocked", kinds("turnledger.hooks", &["blocked", "stopped"])),
        ("skills", of("turnledger.skills", all())),
        ("added_lines", of("turnledger.lines", with("turnledger.lines.type", "added"))),
        ("deleted_lines", of("turnledger.lines", with("turnledger.lines.type", "deleted"))),
    ]
    .into()
}

pub(crate) fn check(home: &Path, receiver: &dyn Taken) {
    let report = run_in(home, &["report", "--all", "--format", "json"], b"");
    let report: Value = serde_json::from_str(&stdout(&report)).expect("JSON");
    let [logs, _, points] = receiver.taken();
    assert_eq!(json!(logs.len()), report["events"]);
    let numbers = numbers(&points);
    for (name, number) in &numbers {
        // What only traffic tells is unknown, where there are only files.
        let Some(expected) = report["total"][name].as_f64() else { continue };
        assert!((number - expected).abs() < 1e-6, "{name}: {number} {expected}");
    }
    assert!(numbers["turns"] > 0.0);
}

pub(crate) fn replay(home: &Path, receiver: &str, more: &[&str], variables: &[(&str, &str)]) -> Output {
    let recordings = recordings("0.171.0");
    let arguments = ["replay", "-q", "--otlp", receiver, &recordings];
    command(home).args(arguments).args(more).envs(variables.iter().copied()).output().expect("it runs")
}

#[test]
fn a_replay_and_an_import_add_up_to_the_report() {
    let home = tempfile::tempdir().expect("a folder");
    let first = receiver();
    let output = replay(home.path(), &first.url(), &["--store"], &[]);
    assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(0), String::new(), String::new()));
    check(home.path(), &first);

    let (other, second) = (tempfile::tempdir().expect("a folder"), receiver());
    let output = run_in(other.path(), &["import", "--otlp", &second.url(), &rollouts()], b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    check(other.path(), &second);
    // Without the path, which may be a key.
    let url = second.url();
    let said = format!("sent to {}\n", url.trim_start_matches("http://"));
    assert!(stderr(&output).contains(&said), "{}", stderr(&output));
    // What was imported is not sent again.
    let before = second.received().len();
    run_in(other.path(), &["import", "-q", "--otlp", &second.url(), &rollouts()], b"");
    assert_eq!(second.received().len(), before);
}

#[test]
fn a_receiver_that_is_away_busy_or_slow_gets_all_later() {
    let home = tempfile::tempdir().expect("a folder");
    let url = {
        let gone = Collector::new();
        gone.url()
    };
    let output = replay(home.path(), &url, &["--store"], &[("TURNLEDGER_TIMEOUT_SECONDS", "1")]);
    assert_eq!(output.status.code(), Some(4));
    let said = stderr(&output);
    let why =
        format!("turnledger: the server cannot be reached ({}: the connection is refused: ", &url["http://".len()..]);
    assert!(said.starts_with(&why) && said.ends_with("kept for the next time\n"), "{said}");

    // Busy, then slow, then without an answer: in the middle of the three signals.
    let receiver = receiver();
    let count = std::sync::atomic::AtomicUsize::new(0);
    receiver.rule(move |_| {
        Some(match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            1 => Answer::status(503).header("Retry-After", "0"),
            3 => Answer::status(429),
            5 => Answer::hang_up(),
            7 => Answer::status(503).after(Duration::from_millis(300)),
            _ => Answer::status(200),
        })
    });
    // The next command sends what waits.
    let arguments = ["replay", "-q", "--otlp", &receiver.url(), "-"];
    let output = run_in(home.path(), &arguments, b"");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    check(home.path(), &receiver);
}

#[test]
fn what_a_receiver_refuses_is_told() {
    let home = tempfile::tempdir().expect("a folder");
    let receiver = Collector::new();
    receiver.rule(|request| Some(Answer::status(if request.path == "/v1/traces" { 400 } else { 200 })));
    let output = replay(home.path(), &receiver.url(), &["--store"], &[]);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).contains("the server refused"), "{}", stderr(&output));
    // The other signals are whole, and once.
    check(home.path(), &receiver);
}

#[test]
fn the_settings_are_those_that_people_know() {
    let home = tempfile::tempdir().expect("a folder");
    let receiver = receiver();
    let url = receiver.url();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20secret, X-Team = one"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        ("OTEL_SERVICE_NAME", "ours"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ];
    let output = replay(home.path(), "env", &[], &variables);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    let received = receiver.received();
    assert!(received.iter().all(|request| request.headers["authorization"] == "Bearer secret"));
    assert!(received.iter().all(|request| request.headers["x-team"] == "one" && request.path != "/v1/traces"));
    let logs = received.iter().find(|request| request.path == "/v1/logs").expect("logs");
    let of = resource(&logs.body);
    assert_eq!([&of["service.name"], &of["deployment.environment.name"]], ["ours", "test"]);
    assert_eq!(of["service.instance.id"].as_str().map(str::len), Some(32));

    let refused = |url: &str, variables: &[(&str, &str)], said: &str| {
        let output = replay(home.path(), url, &[], variables);
        assert_eq!((output.status.code(), stderr(&output)), (Some(2), format!("turnledger: {said}\n")));
    };
    let insecure = "--otlp: cannot send to this receiver: expected https://, or http:// on this machine";
    refused("http://otlp.test:4318", &[], insecure);
    refused("env", &[], "--otlp: OTEL_EXPORTER_OTLP_ENDPOINT is not set");
    let headers = "OTEL_EXPORTER_OTLP_HEADERS: expected name=value, separated by commas";
    refused(&url, &[("OTEL_EXPORTER_OTLP_HEADERS", "secret")], headers);
    let off = "analytics are off (DO_NOT_TRACK): nothing is sent, so leave out --otlp";
    refused(&url, &[("DO_NOT_TRACK", "1")], off);
    assert_eq!(receiver.received().len(), received.len());
}

#[test]
fn a_tap_sends_beside_what_it_uploads() {
    let home = tempfile::tempdir().expect("a folder");
    let (receiver, server) = (receiver(), Collector::new());
    let folder_of = folder().join("0.171.0/patch_files/traffic.jsonl");
    let traffic = fs::read_to_string(folder_of).expect("a recording");
    // An app-server that says what was recorded, after a client that asks what was recorded.
    let (mut asked, mut answered) = (String::new(), String::new());
    for line in traffic.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let side = if line["direction"] == "client_to_server" { &mut asked } else { &mut answered };
        if let Some(message) = line.get("message") {
            side.push_str(&message.to_string());
            side.push('\n');
        }
    }
    let script = home.path().join("answers.jsonl");
    fs::write(&script, &answered).expect("a file");
    let config = home.path().join("turnledger.toml");
    fs::write(&config, format!("otlp = \"{}\"\n[policy]\ndrop_members = [\"runtime\"]\n", receiver.url()))
        .expect("a file");
    let command = format!("cat >/dev/null & sleep 0.3; cat {}; wait", script.display());
    let options = ["--upload", &server.url(), "--batch-seconds", "1"];
    let mut tap = turnledger_tests::program::tap(home.path(), &options, &["sh", "-c", &command]);
    tap.env("TURNLEDGER_CONFIG", &config);
    let mut child = tap.spawn().expect("the tap starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("its input"), asked.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let [logs, spans, _] = receiver.taken();
    let uploaded = server.events();
    assert!(uploaded.len() > 3, "{}", stderr(&output));
    let types =
        |events: &[Value], name: &str| -> Vec<Value> { events.iter().map(|event| event[name].clone()).collect() };
    assert_eq!(types(&logs, "event_name"), types(&uploaded, "event_type"));
    assert!(!spans.is_empty());
    assert!(logs.iter().all(|log| log["body"].get("runtime").is_none()));
    assert!(home.path().join(".local/state/turnledger/spool.otlp").is_dir());
}
