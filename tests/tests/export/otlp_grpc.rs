//! `--otlp-protocol grpc` of the program: a receiver on loopback has what it would have over HTTP.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use turnledger_testing::{Answer, Collector};
use turnledger_tests::program::{run_in, stderr, stdout};

use crate::decode::resource;
use crate::grpc::{Does, Grpc, Like, TAKES};
use crate::otlp_program::{Taken, check, replay, rollouts, taken_of};

impl Taken for Grpc {
    fn taken(&self) -> [Vec<serde_json::Value>; 3] {
        taken_of(self.came().iter().filter(|came| came.is_taken).map(|came| (came.path, came.body.as_slice())))
    }
}

const GRPC: [&str; 2] = ["--otlp-protocol", "grpc"];

fn refuses(code: Code, message: &str) -> Does {
    (Err(Status::new(code, message)), Duration::ZERO)
}

/// Busy, and says when to come again.
fn busy(code: Code) -> Does {
    let details = ErrorDetails::with_retry_info(Some(Duration::from_millis(1)));
    (Err(Status::with_error_details(code, "busy", details)), Duration::ZERO)
}

#[test]
fn a_replay_and_an_import_add_up_to_the_report() {
    let home = tempfile::tempdir().expect("a folder");
    let first = Grpc::new(|_, _| TAKES);
    let output = replay(home.path(), &first.url(), &["--store", GRPC[0], GRPC[1]], &[]);
    assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(0), String::new(), String::new()));
    check(home.path(), &first);

    let (other, second) = (tempfile::tempdir().expect("a folder"), Grpc::new(|_, _| TAKES));
    let output = run_in(other.path(), &["import", "--otlp", &second.url(), GRPC[0], GRPC[1], &rollouts()], b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    check(other.path(), &second);
}

#[test]
fn a_receiver_that_is_away_busy_or_slow_gets_all_later() {
    let home = tempfile::tempdir().expect("a folder");
    let url = Grpc::new(|_, _| TAKES).url();
    let options = ["--store", GRPC[0], GRPC[1]];
    let output = replay(home.path(), &url, &options, &[("TURNLEDGER_TIMEOUT_SECONDS", "1")]);
    assert_eq!(output.status.code(), Some(4));
    let said = stderr(&output);
    assert!(
        said.starts_with("turnledger: the server cannot be reached") && said.ends_with("kept for the next time\n"),
        "{said}"
    );

    // In the middle of the three signals.
    let receiver = Grpc::new(|_, before| match before {
        1 => busy(Code::Unavailable),
        3 => busy(Code::ResourceExhausted),
        5 => refuses(Code::DeadlineExceeded, "later"),
        // Too slow: what it would have taken is sent again.
        7 => (Err(Status::unavailable("late")), Duration::from_secs(2)),
        _ => TAKES,
    });
    let options = ["replay", "-q", "--otlp", &receiver.url(), GRPC[0], GRPC[1], "-"];
    let output = turnledger_tests::program::command(home.path())
        .args(options)
        .env("TURNLEDGER_TIMEOUT_SECONDS", "1")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("it runs");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    check(home.path(), &receiver);
}

#[test]
fn what_a_receiver_refuses_or_leaves_out_is_told() {
    let home = tempfile::tempdir().expect("a folder");
    let receiver = Grpc::new(|path, _| if path == "/v1/traces" { refuses(Code::InvalidArgument, "no") } else { TAKES });
    let output = replay(home.path(), &receiver.url(), &["--store", GRPC[0], GRPC[1]], &[]);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).contains("the server refused"), "{}", stderr(&output));
    // The other signals are whole, and once.
    check(home.path(), &receiver);

    let home = tempfile::tempdir().expect("a folder");
    let receiver = Grpc::new(|_, before| if before == 0 { (Ok(2), Duration::ZERO) } else { TAKES });
    let recording = turnledger_tests::golden::folder().join("0.171.0/patch_files/traffic.jsonl").display().to_string();
    let output = run_in(home.path(), &["replay", "--otlp", &receiver.url(), GRPC[0], GRPC[1], &recording], b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("the OpenTelemetry receiver left out 2 of what it took\n"), "{}", stderr(&output));
}

#[test]
fn what_is_too_large_goes_in_halves() {
    let home = tempfile::tempdir().expect("a folder");
    let receiver = Grpc::like(Like { most_bytes: Some(40_000), ..Like::default() }, |_, _| TAKES);
    let output = replay(home.path(), &receiver.url(), &["--store", GRPC[0], GRPC[1]], &[]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    check(home.path(), &receiver);
}

#[test]
fn a_server_that_does_not_speak_it_gets_nothing_and_loses_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let server = Collector::new();
    server.rule(|_| Some(Answer::status(200)));
    let output = replay(home.path(), &server.url(), &GRPC, &[("TURNLEDGER_TIMEOUT_SECONDS", "1")]);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).ends_with("kept for the next time\n"), "{}", stderr(&output));
    // It reads the first line of HTTP/2 as a request, and has no body.
    assert!(server.received().iter().all(|received| received.body.is_empty()));
}

#[test]
fn certificates_are_those_of_http() {
    let home = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let identity = Some((made.cert.pem(), made.signing_key.serialize_pem()));
    let receiver = Grpc::like(Like { identity, ..Like::default() }, |_, _| TAKES);
    let output = replay(home.path(), &receiver.url(), &GRPC, &[("TURNLEDGER_TIMEOUT_SECONDS", "1")]);
    assert_eq!((output.status.code(), receiver.came().len()), (Some(4), 0), "{}", stderr(&output));
    let file = home.path().join("certificates.pem");
    std::fs::write(&file, made.cert.pem()).expect("a file");
    let trusted = [("TURNLEDGER_CERTIFICATES", file.to_str().expect("a path"))];
    let other = tempfile::tempdir().expect("a folder");
    let output = replay(other.path(), &receiver.url(), &["--store", GRPC[0], GRPC[1]], &trusted);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    check(other.path(), &receiver);
}

#[test]
fn the_settings_are_those_that_people_know() {
    let home = tempfile::tempdir().expect("a folder");
    let receiver = Grpc::new(|_, _| TAKES);
    let url = receiver.url();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20secret, X-Team = one"),
        ("OTEL_SERVICE_NAME", "ours"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ];
    let output = replay(home.path(), "env", &[], &variables);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    let came = receiver.came();
    assert!(came.iter().all(|came| came.metadata.get("authorization").is_some_and(|value| value == "Bearer secret")));
    assert!(came.iter().all(|came| came.metadata.get("x-team").is_some_and(|value| value == "one")));
    assert!(came.iter().all(|came| came.path != "/v1/traces"));
    let logs = came.iter().find(|came| came.path == "/v1/logs").expect("logs");
    assert_eq!(resource(&logs.body)["service.name"], "ours");

    let refused = |url: &str, more: &[&str], variables: &[(&str, &str)], said: &str| {
        let output = replay(home.path(), url, more, variables);
        assert_eq!((output.status.code(), stderr(&output)), (Some(2), format!("turnledger: {said}\n")));
    };
    let cannot = "--otlp: cannot send to this receiver";
    let insecure = format!("{cannot}: expected https://, or http:// on this machine");
    refused("http://otlp.test:4317", &GRPC, &[], &insecure);
    refused("otlp.test:4317", &GRPC, &[], &format!("{cannot}: expected https:// and a host"));
    refused("https://otlp.test/base", &GRPC, &[], &format!("{cannot}: leave out the path: gRPC has none"));
    let path = format!("{cannot}: leave out /v1/logs: each signal has a path of its own");
    refused("https://otlp.test/v1/logs", &GRPC, &[], &path);
    refused("https://otlp.test/base/v1/logs/", &[], &[], &path);
    let unknown = "OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf or grpc";
    refused(&url, &[], &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")], unknown);
    refused(&url, &["--otlp-protocol", "http"], &[], "--otlp-protocol: expected http/protobuf or grpc");
    let binary =
        "--otlp: cannot send over gRPC: OTEL_EXPORTER_OTLP_HEADERS: gRPC has no header of the name x-secret-bin";
    refused(&url, &GRPC, &[("OTEL_EXPORTER_OTLP_HEADERS", "x-secret-bin=secret")], binary);
    // The flag wins over the variable.
    let http = Collector::new();
    http.rule(|_| Some(Answer::status(200)));
    let output = replay(home.path(), &http.url(), &["--otlp-protocol", "http/protobuf"], &variables[1..2]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    assert!(!http.received().is_empty());
    assert_eq!(receiver.came().len(), came.len());
}
