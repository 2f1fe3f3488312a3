//! `turnledger tap --websocket` between socket files, and what it does about WebSocket extensions.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tungstenite::Message;
use turnledger_core::Direction;
use turnledger_tests::compare::without_clocks;
use turnledger_tests::golden::{self, recording};
use turnledger_tests::program::{command, ends_within, lines, run, send, stderr};

const SOON: Duration = Duration::from_secs(4);

/// The tap, once it listens.
fn start(tap: &mut Command) -> (Child, BufReader<ChildStderr>, String) {
    let mut child = tap.stderr(Stdio::piped()).spawn().expect("the tap starts");
    let mut said = BufReader::new(child.stderr.take().expect("its errors"));
    let mut line = String::new();
    said.read_line(&mut line).expect("where it listens");
    (child, said, line)
}

fn between(home: &Path, ours: &str, server: &str, options: &[&str]) -> (Child, BufReader<ChildStderr>, String) {
    start(command(home).args(["tap", "--websocket", ours, "--server", server]).args(options))
}

/// Ends the tap; what it said.
fn end(mut child: Child, mut said: BufReader<ChildStderr>) -> String {
    send("TERM", &child);
    ends_within(&mut child, Duration::from_secs(10));
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("text");
    rest
}

fn url(path: &Path) -> String {
    format!("unix://{}", path.display())
}

/// Plays one side of a recording.
fn play(socket: &mut tungstenite::WebSocket<UnixStream>, name: &str, side: Direction) {
    for message in recording("0.131.0", name).messages() {
        if message.direction == side {
            socket.send(Message::text(message.text)).expect("it listens");
        } else {
            assert_eq!(socket.read().expect("it speaks").into_text().expect("text").as_str(), message.text);
        }
    }
}

#[test]
fn both_sides_may_be_socket_files() {
    let home = tempfile::tempdir().expect("a folder");
    let [ours, server, events] = ["ours.sock", "server.sock", "events.jsonl"].map(|name| home.path().join(name));
    let listener = UnixListener::bind(&server).expect("a socket");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut socket = tungstenite::accept(stream).expect("a client");
            play(&mut socket, "approve_patch", Direction::ServerToClient);
            let _ = socket.close(None);
            while socket.read().is_ok() {}
        }
    });
    // What an earlier tap left behind makes room.
    drop(UnixListener::bind(&ours).expect("a socket"));
    let options = ["--events", &events.display().to_string()];
    let (child, said, line) = between(home.path(), &url(&ours), &url(&server), &options);
    assert_eq!(line, format!("turnledger: clients at {} are passed on to {}\n", url(&ours), url(&server)));
    let metadata = fs::metadata(&ours).expect("a socket");
    assert_eq!((metadata.file_type().is_socket(), metadata.permissions().mode() & 0o777), (true, 0o600));

    let stream = UnixStream::connect(&ours).expect("the tap listens");
    let (mut socket, _) = tungstenite::client("ws://localhost/", stream).expect("a handshake");
    play(&mut socket, "approve_patch", Direction::ClientToServer);
    while socket.read().is_ok() {}

    // What is in use is not taken over.
    let second = run(&["tap", "--websocket", &url(&ours), "--server", &url(&server)], b"");
    assert_eq!(
        (second.status.code(), stderr(&second)),
        (Some(2), format!("turnledger: cannot listen at {}: Address already in use (os error 98)\n", url(&ours)))
    );
    assert_eq!(end(child, said), "");
    assert!(!ours.exists(), "the socket goes with the tap");

    let traffic = golden::folder().join("0.131.0/approve_patch/traffic.jsonl").display().to_string();
    let expected = without_clocks(lines(&run(&["replay", "-q", "--transport", "websocket", &traffic], b"")));
    let text = fs::read_to_string(&events).expect("events");
    let got: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(without_clocks(got), expected);
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("notes.txt");
    fs::write(&file, "mine").expect("a file");
    let output = run(&["tap", "--websocket", &url(&file), "--server", "ws://127.0.0.1:1"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_to_string(&file).expect("a file"), "mine");
    for bad in [["unix://", "ws://127.0.0.1:1"], ["ws://127.0.0.1:0", "unix://"], ["ws://localhost:1", "unix://x"]] {
        let output = run(&["tap", "--websocket", bad[0], "--server", bad[1]], b"");
        assert_eq!(output.status.code(), Some(2), "{bad:?}");
    }
}

#[test]
fn the_end_of_a_connection_is_passed_on() {
    let home = tempfile::tempdir().expect("a folder");
    let [ours, server] = ["ours.sock", "server.sock"].map(|name| home.path().join(name));
    let listener = UnixListener::bind(&server).expect("a socket");
    let (child, _said, _) = between(home.path(), &url(&ours), &url(&server), &[]);
    // A server that is gone: what it said last still comes, and then nobody takes what the client says.
    let mut client = UnixStream::connect(&ours).expect("the tap listens");
    let (mut of_server, _) = listener.accept().expect("the tap");
    of_server.write_all(b"bye").expect("it listens");
    drop(of_server);
    let mut last = String::new();
    client.read_to_string(&mut last).expect("its end");
    assert_eq!(last, "bye");
    let begun = Instant::now();
    let error = loop {
        match client.write_all(b"more") {
            Ok(()) => assert!(begun.elapsed() < SOON, "nobody reads"),
            Err(error) => break error.kind(),
        }
    };
    // Which of the two depends on what was on its way.
    assert!(matches!(error, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error:?}");
    // A client that is gone.
    let client = UnixStream::connect(&ours).expect("the tap listens");
    let (mut of_server, _) = listener.accept().expect("the tap");
    drop(client);
    let mut rest = Vec::new();
    of_server.read_to_end(&mut rest).expect("its end");
    assert!(rest.is_empty());
    // A client that has said all, and listens.
    let mut client = UnixStream::connect(&ours).expect("the tap listens");
    let (mut of_server, _) = listener.accept().expect("the tap");
    client.write_all(b"last words").expect("it listens");
    client.shutdown(Shutdown::Write).expect("half a connection");
    let mut heard = String::new();
    of_server.read_to_string(&mut heard).expect("its end");
    of_server.write_all(b"heard").expect("it listens");
    drop(of_server);
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("its end");
    assert_eq!((heard.as_str(), answer.as_str()), ("last words", "heard"));
    send("KILL", &child);
}

#[test]
fn a_server_that_ends_while_somebody_holds_its_connections() {
    let home = tempfile::tempdir().expect("a folder");
    let [ours, server, record] = ["ours.sock", "server.sock", "record.jsonl"].map(|name| home.path().join(name));
    let leaving = [env!("CARGO_BIN_EXE_leaving_server"), &server.display().to_string()];
    let options = ["--record", &record.display().to_string(), "--", leaving[0], leaving[1]];
    let (mut child, _said, _) = between(home.path(), &url(&ours), &url(&server), &options);
    let stream = UnixStream::connect(&ours).expect("the tap listens");
    let (mut client, _) = tungstenite::client("ws://localhost/", stream).expect("a handshake");
    let begun = Instant::now();
    let message = r#"{"method":"initialized"}"#;
    assert_eq!(client.read().expect("it speaks").into_text().expect("text").as_str(), message);
    assert!(client.read().is_err(), "its end");
    assert_eq!((ends_within(&mut child, SOON).code(), begun.elapsed() < SOON), (Some(3), true));
    assert!(fs::read_to_string(&record).expect("a recording").contains(message));
}

#[test]
fn extensions_are_not_offered_to_the_server() {
    let home = tempfile::tempdir().expect("a folder");
    let record = home.path().join("record.jsonl");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = format!("ws://{}", listener.local_addr().expect("its address"));
    // A server that uses what it is offered, as RFC 7692 lets it.
    let serving = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the tap");
        let mut request = Vec::new();
        let mut reader = BufReader::new(&stream);
        while !request.ends_with(b"\r\n\r\n") {
            reader.read_until(b'\n', &mut request).expect("a request");
        }
        let is_offered = request.windows(18).any(|window| window == b"permessage-deflate");
        let extensions = if is_offered { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" };
        let mut writer = &stream;
        write!(
            writer,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{extensions}\r\n"
        )
        .expect("it listens");
        let text: &[u8] = b"{\"method\":\"initialized\"}";
        let length = u8::try_from(text.len()).expect("a short message");
        writer.write_all(&[&[if is_offered { 0xc1 } else { 0x81 }, length], text].concat()).expect("it listens");
        String::from_utf8(request).expect("text")
    });
    let (child, said, line) =
        between(home.path(), "127.0.0.1:0", &server, &["--record", &record.display().to_string()]);
    let ours =
        line.strip_prefix("turnledger: clients at ws://").and_then(|line| line.split(' ').next()).expect("where");
    let mut client = TcpStream::connect(ours).expect("the tap listens");
    let [before, offer, after] = [
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-other\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ];
    write!(client, "{before}{offer}{after}").expect("it listens");
    let mut got = Vec::new();
    client.read_to_end(&mut got).expect("its end");
    assert_eq!(serving.join().expect("a server"), format!("{before}{after}"));
    assert!(got.ends_with(b"\x81\x18{\"method\":\"initialized\"}"), "{}", String::from_utf8_lossy(&got));
    assert_eq!(end(child, said), "");
    assert!(fs::read_to_string(&record).expect("a recording").contains(r#""message":{"method":"initialized"}"#));
}
