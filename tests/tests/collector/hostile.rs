//! Clients that mean no good, or are slow, or too many.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use rusqlite::Connection;
use turnledger_tests::collecting::{Client, PATH, Server, Turns, stored, token};
use turnledger_tests::memory::memory;

/// A body packed as small as it can be.
pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(body).expect("memory");
    packer.finish().expect("memory")
}

#[test]
fn what_is_too_large_is_refused_and_not_unpacked() {
    let data = tempfile::tempdir().expect("a folder");
    let token = token(data.path(), "ada", None);
    let server = Server::start(data.path(), &["--most-body-bytes", "100000", "--most-events", "20"]);
    let turns = Turns::default();
    let names = |count: usize| (0..count).map(|name| name.to_string());
    let post = |headers: &[(&str, &str)], body: &[u8]| {
        let answer = server.client().post(&token, headers, body).expect("an answer");
        (answer.status, answer.text().to_owned())
    };
    let refused = |sentence: &str| (413, format!("{{\"error\":\"{sentence}\"}}"));
    assert_eq!(post(&[], &turns.body(names(21))), refused("the body has too many events"));
    assert_eq!(post(&[], &turns.body(names(20))).0, 204);
    assert_eq!(post(&[], &vec![b' '; 100_001]), refused("the body is too large"));
    // 40 MB in 40 KB, and 1 GB in 1 MB, which is too large packed.
    let bomb = gzip(&vec![b' '; 40 << 20]);
    assert!(bomb.len() < 100_000);
    assert_eq!(post(&[("Content-Encoding", "gzip")], &bomb), refused("the body is too large"));
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| assert_eq!(post(&[("Content-Encoding", "gzip")], &bomb).0, 413));
        }
    });
    // Without a length it is counted as it comes.
    let mut client = server.client();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    client.send(head.as_bytes()).expect("a connection");
    for _ in 0..11 {
        client.send(format!("2710\r\n{}\r\n", " ".repeat(10_000)).as_bytes()).expect("a connection");
    }
    client.send(b"0\r\n\r\n").expect("a connection");
    assert_eq!(client.answer().expect("an answer").status, 413);
    assert_eq!(client.post(&token, &[], &turns.body(["more"])).expect("an answer").status, 204, "it goes on");
    let peak = memory(&server.id().to_string(), "VmHWM");
    assert!(peak < 300 << 20, "{peak}");
    assert_eq!(stored(data.path()).len(), 21);
}

#[test]
fn slow_and_silent_clients_are_in_nobodys_way() {
    let data = tempfile::tempdir().expect("a folder");
    let token = token(data.path(), "ada", None);
    let flags = ["--idle-seconds", "1", "--body-seconds", "1", "--most-connections", "8"];
    let server = Server::start(data.path(), &flags);
    let body = Turns::default().body(["one"]);
    let begun = Instant::now();
    let mut silent: Vec<_> = (0..4).map(|_| server.client()).collect();
    let mut slow: Vec<_> = (0..4).map(|_| server.client()).collect();
    for client in &mut slow {
        client.send(b"POST / HTTP/1.1\r\nHost").expect("a connection");
    }
    // All places are taken; this one waits for them to be given up.
    let answer = server.client().post(&token, &[], &body).expect("an answer");
    assert_eq!(answer.status, 204);
    assert!(begun.elapsed() > Duration::from_millis(500));
    for client in silent.iter_mut().chain(&mut slow) {
        assert!(client.answer().is_err(), "the connection is closed");
    }
    let mut client = server.client();
    let head =
        format!("POST {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 100\r\n\r\n{{");
    client.send(head.as_bytes()).expect("a connection");
    thread::sleep(Duration::from_millis(1200));
    // It may go on for a little, so that it comes to read the answer.
    client.send(&[b' '; 99]).expect("a connection");
    assert_eq!(client.answer().expect("an answer").status, 408);
    // One that goes in the middle leaves nothing.
    let mut client = server.client();
    client.send(head.as_bytes()).expect("a connection");
    drop(client);
    assert!(server.end().0.success());
    assert_eq!(stored(data.path()), ["one"]);
}

#[test]
fn what_is_no_http_is_told_so() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path(), &[]);
    let long = format!("GET /health HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET /health HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(1000));
    let lengths = "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde";
    for (request, status) in [("nonsense\r\n\r\n", 400), (&*long, 431), (&many, 431), (lengths, 400)] {
        let mut client = server.client();
        // It may answer, and close, before it has all.
        let _ = client.send(request.as_bytes());
        if let Ok(answer) = client.answer() {
            assert_eq!(answer.status, status);
        }
        assert_eq!(server.client().ask("GET", "/health", &[], b"").expect("an answer").status, 200);
    }
    assert!(server.end().0.success());
}

#[test]
fn one_token_does_not_take_all_the_time() {
    let data = tempfile::tempdir().expect("a folder");
    let (ada, bob) = (token(data.path(), "ada", None), token(data.path(), "bob", None));
    let server = Server::start(data.path(), &["--most-requests-per-second", "1"]);
    let body = Turns::default().body(["one"]);
    let mut client = server.client();
    let answers: Vec<_> = (0..13).map(|_| client.post(&ada, &[], &body).expect("an answer")).collect();
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses[..10], [204; 10]);
    let last = answers.last().expect("an answer");
    assert_eq!((last.status, last.text()), (429, "{\"error\":\"too many requests with this token\"}"));
    assert_eq!(last.header("retry-after"), Some("1"));
    assert_eq!(client.post(&bob, &[], &body).expect("an answer").status, 204, "another's does not count");
    // Wrong tokens are counted by the address that they come from.
    let wrong: Vec<_> = (0..30).map(|_| client.post("tl_wrong", &[], &body).expect("an answer").status).collect();
    assert_eq!((wrong[..20].to_vec(), wrong[29]), (vec![401; 20], 429));
    assert_eq!(client.post(&bob, &[], &body).expect("an answer").status, 204, "a good one is good all the same");
    // From a proxy on this machine, the address is the one that it says.
    assert!(server.end().0.success());
    // Where IPv6 listens, its address comes as one of IPv6.
    let listens = ["127.0.0.1:0", "[::]:0"].into_iter().filter(|listen| TcpListener::bind(listen).is_ok());
    for listen in listens {
        let server = Server::at(data.path(), listen, &["--behind-proxy"]);
        let mut client = Client::to((Ipv4Addr::LOCALHOST, server.address.port()).into()).expect("a connection");
        for (address, status) in [("192.0.2.1", 429), ("192.0.2.2", 401)] {
            let headers = [("X-Forwarded-For", address)];
            let count = if status == 429 { 21 } else { 1 };
            let last = (0..count).map(|_| client.post("tl_wrong", &headers, &body).expect("an answer").status).last();
            assert_eq!(last, Some(status), "{address} at {listen}");
        }
        assert!(server.end().0.success());
    }
}

#[test]
fn a_store_that_is_held_makes_clients_wait() {
    let data = tempfile::tempdir().expect("a folder");
    let token = token(data.path(), "ada", None);
    let server = Server::start(data.path(), &["--most-waiting", "1"]);
    let turns = Turns::default();
    assert_eq!(server.client().post(&token, &[], &turns.body(["first"])).expect("an answer").status, 204);
    // What a collector does at its start is done.
    thread::sleep(Duration::from_millis(500));
    let holder = Connection::open(data.path().join("store.sqlite")).expect("the store");
    holder.execute_batch("BEGIN IMMEDIATE").expect("it is held");
    let answers: Vec<_> = thread::scope(|scope| {
        let (server, token, turns) = (&server, &token, &turns);
        let post = move |name: String| server.client().post(token, &[], &turns.body([name])).expect("an answer");
        let clients: Vec<_> = (0..12)
            .map(|client| {
                thread::sleep(Duration::from_millis(100));
                scope.spawn(move || (client, post(client.to_string())))
            })
            .collect();
        let health = server.client().ask("GET", "/health", &[], b"").expect("an answer");
        assert_eq!((health.status, health.text()), (503, "{\"health\":\"the store cannot be written\"}"));
        holder.execute_batch("COMMIT").expect("it is free");
        clients.into_iter().map(|client| client.join().expect("an answer")).collect()
    });
    let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.status == 204);
    assert_eq!((taken.len(), refused.len()), (2, 10));
    for (_, answer) in refused {
        let sentence = "{\"error\":\"the store has too much to do now\"}";
        assert_eq!((answer.status, answer.text(), answer.header("retry-after")), (503, sentence, Some("1")));
    }
    let mut expected: Vec<_> = taken.iter().map(|(client, _)| client.to_string()).collect();
    expected.push("first".into());
    assert_eq!(stored(data.path()), expected);
    thread::sleep(Duration::from_millis(1100));
    let health = server.client().ask("GET", "/health", &[], b"").expect("an answer");
    assert_eq!(health.status, 200);
    // What there is no room for waits, too.
    assert!(server.end().0.success());
    let server = Server::start(data.path(), &["--most-memory-bytes", "2000"]);
    let answer = server.client().post(&token, &[], &turns.body(["more"])).expect("an answer");
    let sentence = "{\"error\":\"there is no room for the request now\"}";
    assert_eq!((answer.status, answer.text(), answer.header("retry-after")), (503, sentence, Some("1")));
}

#[test]
fn what_one_announces_or_opens_is_in_nobodys_way() {
    let data = tempfile::tempdir().expect("a folder");
    let token = token(data.path(), "ada", None);
    let flags = ["--most-memory-bytes", "2000000", "--most-connections-per-address", "6"];
    let server = Server::start(data.path(), &flags);
    // A body that does not come takes no room.
    let head =
        format!("POST {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 1900000\r\n\r\n");
    let announced: Vec<_> = (0..5)
        .map(|_| {
            let mut client = server.client();
            client.send(head.as_bytes()).expect("a connection");
            client
        })
        .collect();
    thread::sleep(Duration::from_millis(200));
    let mut sixth = server.client();
    let answer = sixth.post(&token, &[], &Turns::default().body(["one"])).expect("an answer");
    assert_eq!(answer.status, 204, "{}", answer.text());
    // More connections of the address are closed, until one of them goes.
    assert!(server.client().ask("GET", "/health", &[], b"").is_err());
    drop(announced);
    thread::sleep(Duration::from_millis(200));
    assert_eq!(server.client().ask("GET", "/health", &[], b"").expect("an answer").status, 200);
    assert!(server.end().0.success());
    assert_eq!(stored(data.path()), ["one"]);
}
