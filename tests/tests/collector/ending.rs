//! A collector that is told to end.

use std::thread;
use std::time::{Duration, Instant};

use turnledger_tests::collecting::{Client, LONG, PATH, Server, Turns, stored, token};

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_runs_ends_and_nothing_new_begins() {
    for signal in ["TERM", "INT"] {
        let data = tempfile::tempdir().expect("a folder");
        let token = token(data.path(), "ada", None);
        let server = Server::start(data.path(), &[]);
        let address = server.address;
        let mut idle = server.client();
        assert_eq!(idle.post(&token, &[], &Turns::default().body(["one"])).expect("an answer").status, 204);
        let mut running = server.client();
        let body = Turns::default().body(["two"]);
        let (first, last) = body.split_at(100);
        let length = body.len();
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
        );
        running.send(&[head.as_bytes(), first].concat()).expect("a connection");
        wait_until("it is open", || server.figure("turnledger_connections") >= 3);
        thread::sleep(Duration::from_millis(100));
        server.signal(signal);
        wait_until("it listens no more", || Client::to(address).is_err());
        assert!(idle.answer().is_err(), "who is silent is not waited for");
        running.send(last).expect("a connection");
        let answer = running.answer().expect("an answer");
        assert_eq!((answer.status, answer.header("connection")), (204, Some("close")));
        let (status, said) = server.ended();
        assert!(status.success(), "{status}");
        assert!(!said.contains(&token));
        assert_eq!(stored(data.path()), ["one", "two"]);
        for beside in ["store.sqlite-wal", "accounts.sqlite-wal"] {
            let left = std::fs::metadata(data.path().join(beside)).map_or(0, |file| file.len());
            assert_eq!(left, 0, "{beside}: all is in the one file");
        }
    }
}

#[test]
fn a_second_signal_waits_for_nobody() {
    let data = tempfile::tempdir().expect("a folder");
    let token = token(data.path(), "ada", None);
    let server = Server::start(data.path(), &[]);
    let address = server.address;
    let mut running = server.client();
    let head =
        format!("POST {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\n{{");
    running.send(head.as_bytes()).expect("a connection");
    wait_until("it is open", || server.figure("turnledger_connections") >= 2);
    let begun = Instant::now();
    server.signal("TERM");
    wait_until("it listens no more", || Client::to(address).is_err());
    server.signal("TERM");
    assert!(server.ended().0.success());
    assert!(begun.elapsed() < Duration::from_secs(8), "it has not waited for the request's time");
    assert_eq!(stored(data.path()), Vec::<String>::new());
}
