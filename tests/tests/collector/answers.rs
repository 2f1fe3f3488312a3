//! What a request is answered with, and what is stored then.

use std::thread;

use serde_json::json;
use turnledger_archive::Archive;
use turnledger_tests::collecting::{Answer, PATH, Server, Turns, collect, stored, token};

use crate::hostile::gzip;

fn error(answer: &Answer) -> String {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    body["error"].as_str().expect("a sentence").to_owned()
}

#[test]
fn every_request_has_the_answer_that_the_protocol_says() {
    let data = tempfile::tempdir().expect("a folder");
    let token = token(data.path(), "ada", Some("core"));
    let server = Server::start(data.path(), &[]);
    let mut client = server.client();
    let turns = Turns::default();
    let (one, two) = (turns.body(["one"]), turns.body(["two"]));
    let mut post = |headers: &[(&str, &str)], body: &[u8]| {
        let answer = client.post(&token, headers, body).expect("an answer");
        assert_eq!(answer.header("accept-encoding"), Some("gzip"));
        assert!(!answer.text().contains(&token));
        answer
    };
    let done = |answer: &Answer| (answer.status, answer.body.clone()) == (204, Vec::new());
    let refused = |answer: &Answer| (answer.status, error(answer));
    assert!(done(&post(&[("Idempotency-Key", "k1")], &one)));
    assert!(done(&post(&[("Idempotency-Key", "k1")], &one)), "again");
    let other = "a request with this Idempotency-Key was stored, and had another body";
    assert_eq!(refused(&post(&[("Idempotency-Key", "k1")], &two)), (422, other.into()));
    // Without a key, and with another, it is known by its events.
    assert!(done(&post(&[], &one)));
    assert!(done(&post(&[("Idempotency-Key", "k2")], &one)));
    assert!(done(&post(&[("Content-Encoding", "gzip"), ("Idempotency-Key", "k3")], &gzip(&two))));
    assert!(done(&post(&[("Content-Encoding", "identity"), ("Idempotency-Key", "k3")], &two)), "packed or not");
    let packing = "bodies are plain, or packed with gzip";
    assert_eq!(refused(&post(&[("Content-Encoding", "br")], &one)), (415, packing.into()));
    assert_eq!(refused(&post(&[("Content-Encoding", "gzip")], &one)), (400, "the body is no gzip".into()));
    let malformed = "the body is no JSON of the form {\"events\":[…]}";
    for body in ["", "[]", "{\"events\":3}", "{\"events\":[", "no JSON"] {
        assert_eq!(refused(&post(&[], body.as_bytes())), (400, malformed.into()), "{body}");
    }
    // One that is no event is in the way of all.
    let mut mixed = json!({ "events": [turns.of("three"), { "event_type": 3 }] });
    let no_event = "the body has something that is no event";
    assert_eq!(refused(&post(&[], mixed.to_string().as_bytes())), (422, no_event.into()));
    let long = "k".repeat(256);
    let key = "the Idempotency-Key is longer than 255 bytes";
    assert_eq!(refused(&post(&[("Idempotency-Key", &long)], &one)), (400, key.into()));
    assert_eq!(stored(data.path()), ["one", "two"]);
    // Later versions have more events, more members, and more beside the events.
    mixed["events"][0]["event_params"]["of_tomorrow"] = json!({ "a": [1] });
    mixed["events"][1] = json!({ "event_type": "codex_of_tomorrow", "event_params": { "thread_id": "four" } });
    mixed["more"] = json!(true);
    assert!(done(&post(&[], mixed.to_string().as_bytes())));
    let archive = Archive::open_read_only(&data.path().join("store.sqlite")).expect("a store");
    assert_eq!(archive.status().expect("its status").events, 4);

    let figure = |name| server.figure(name);
    assert_eq!(figure("turnledger_requests_total{status=\"204\"}"), 7);
    assert_eq!(figure("turnledger_requests_total{status=\"422\"}"), 2);
    assert_eq!(figure("turnledger_events_total{outcome=\"new\"}"), 4);
    assert_eq!(figure("turnledger_events_total{outcome=\"known\"}"), 2);
    assert_eq!(figure("turnledger_repeated_requests_total"), 2);
    assert_eq!(figure("turnledger_queue"), 0);
    let mut client = server.client();
    let health = client.ask("GET", "/health", &[], b"").expect("an answer");
    assert_eq!((health.status, health.text()), (200, "{\"health\":\"ok\"}"));
    assert_eq!(client.ask("GET", PATH, &[], b"").expect("an answer").status, 405);
    assert_eq!(client.ask("GET", "/metrics", &[], b"").expect("an answer").status, 404, "they have another address");
    let (status, said) = server.end();
    assert!(status.success());
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[test]
fn only_good_tokens_send() {
    let data = tempfile::tempdir().expect("a folder");
    let good = token(data.path(), "ada", None);
    let key = collect(data.path(), &["user", "add", "ada", "--role", "owner"]).trim_end().to_owned();
    let server = Server::start(data.path(), &[]);
    let body = Turns::default().body(["one"]);
    let mut client = server.client();
    let mut ask = |headers: &[(&str, &str)]| client.ask("POST", PATH, headers, &body).expect("an answer");
    let unknown = "the token is unknown or revoked";
    let refused =
        |answer: &Answer| (answer.status, answer.header("www-authenticate").map(str::to_owned), error(answer));
    let expected = |sentence: &str| (401, Some("Bearer".to_owned()), sentence.to_owned());
    assert_eq!(refused(&ask(&[])), expected("a token is missing: Authorization: Bearer TOKEN"));
    let (cut, basic) = (format!("Bearer {}", &good[..20]), format!("Basic {good}"));
    // Who may look may not send.
    let user = format!("Bearer {key}");
    for wrong in ["Bearer tl_wrong", "Bearer", "", &cut, &basic, &user] {
        assert_eq!(refused(&ask(&[("Authorization", wrong)])), expected(unknown), "{wrong}");
    }
    let bearer = format!("Bearer {good}");
    assert_eq!(ask(&[("Authorization", &bearer)]).status, 204);
    // A token that is made or revoked beside it counts at once.
    let second = format!("Bearer {}", token(data.path(), "bob", None));
    assert_eq!(ask(&[("Authorization", &second)]).status, 204);
    collect(data.path(), &["token", "revoke", "1"]);
    assert_eq!(refused(&ask(&[("Authorization", &bearer)])), expected(unknown));
    // The same event of two persons is two.
    let (_, said) = server.end();
    assert_eq!(stored(data.path()), ["one", "one"]);
    for secret in [&*good, &key, &second[7..]] {
        assert!(!said.contains(secret));
        for file in ["store.sqlite", "accounts.sqlite"] {
            let bytes = std::fs::read(data.path().join(file)).expect("a file");
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{file}");
        }
    }
}

#[test]
fn a_hundred_clients_at_once() {
    let data = tempfile::tempdir().expect("a folder");
    let tokens: Vec<_> = (0..4).map(|person| token(data.path(), &format!("p{person}"), Some("core"))).collect();
    let server = Server::start(data.path(), &["--most-requests-per-second", "10000"]);
    let turns = Turns::default();
    let names = |client: usize, request: usize| (0..5).map(move |event| format!("{client:03} {request} {event}"));
    thread::scope(|scope| {
        for client in 0..100 {
            let (mut connection, token, turns) = (server.client(), &tokens[client % 4], &turns);
            scope.spawn(move || {
                for request in 0..10 {
                    let body = turns.body(names(client, request));
                    let key = format!("{client} {request}");
                    for _ in 0..2 {
                        let answer = connection.post(token, &[("Idempotency-Key", &key)], &body).expect("an answer");
                        assert_eq!(answer.status, 204);
                    }
                }
            });
        }
    });
    let expected: Vec<_> =
        (0..100).flat_map(|client| (0..10).flat_map(move |request| names(client, request))).collect();
    assert_eq!(stored(data.path()), expected);
    assert_eq!(server.figure("turnledger_repeated_requests_total"), 1000);
    // Who comes at the same time shares a commit.
    let commits = server.figure("turnledger_commit_seconds_count");
    assert!(commits < 1500, "{commits} for 2000 requests");
    assert!(server.end().0.success());
}
