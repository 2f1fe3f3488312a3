//! `turnledger tap --websocket`, between real WebSocket peers.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;

use serde_json::Value;
use tungstenite::Message;
use turnledger_core::Direction;
use turnledger_tests::compare::without_clocks;
use turnledger_tests::golden::{self, recording};
use turnledger_tests::program::{command, lines, run};

/// The tap before a server that runs elsewhere; and its port.
fn tap(home: &Path, server: u16, options: &[&str]) -> (Child, BufReader<ChildStderr>, u16) {
    let server = format!("ws://127.0.0.1:{server}");
    let mut tap = command(home);
    tap.args(["tap", "--websocket", "127.0.0.1:0", "--server", &server]).args(options);
    let mut child = tap.stderr(Stdio::piped()).spawn().expect("the tap starts");
    let mut said = BufReader::new(child.stderr.take().expect("its errors"));
    let mut line = String::new();
    said.read_line(&mut line).expect("where it listens");
    let address = line.strip_prefix("turnledger: clients at ws://127.0.0.1:").expect("where it listens");
    let (port, rest) = address.split_once(' ').expect("a port");
    assert_eq!(rest, format!("are passed on to {server}\n"));
    (child, said, port.parse().expect("a port"))
}

fn terminate(mut tap: Child, mut said: BufReader<ChildStderr>) -> String {
    let sent = Command::new("kill").arg(tap.id().to_string()).status().expect("kill");
    assert!(sent.success());
    tap.wait().expect("it ends");
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("text");
    rest
}

/// Plays the server of a recording, for each client that comes.
fn scripted_server(name: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut socket = tungstenite::accept(stream).expect("a client");
                for message in recording("0.131.0", name).messages() {
                    if message.direction == Direction::ServerToClient {
                        socket.send(Message::text(message.text)).expect("it listens");
                    } else {
                        assert_eq!(socket.read().expect("it speaks").into_text().expect("text").as_str(), message.text);
                    }
                }
                let _ = socket.close(None);
                while socket.read().is_ok() {}
            });
        }
    });
    port
}

fn play(port: u16, name: &str) {
    let (mut socket, _) = tungstenite::connect(format!("ws://127.0.0.1:{port}/")).expect("the tap listens");
    for message in recording("0.131.0", name).messages() {
        if message.direction == Direction::ClientToServer {
            socket.send(Message::text(message.text)).expect("it listens");
        } else {
            assert_eq!(socket.read().expect("it speaks").into_text().expect("text").as_str(), message.text);
        }
    }
    while socket.read().is_ok() {}
}

#[test]
fn a_session_gives_the_events_that_replay_gives() {
    let home = tempfile::tempdir().expect("a folder");
    let (events, record) = (home.path().join("events.jsonl"), home.path().join("record.jsonl"));
    let (events_path, record_path) = (events.display().to_string(), record.display().to_string());
    let port = scripted_server("approve_patch");
    let (child, said, port) = tap(home.path(), port, &["--events", &events_path, "--record", &record_path]);
    play(port, "approve_patch");
    assert_eq!(terminate(child, said), "");

    let traffic = golden::folder().join("0.131.0/approve_patch/traffic.jsonl").display().to_string();
    let expected = without_clocks(lines(&run(&["replay", "-q", "--transport", "websocket", &traffic], b"")));
    let text = fs::read_to_string(&events).expect("events");
    let got: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(without_clocks(got), expected);
    let again = run(&["replay", "-q", "--strict", "--transport", "websocket", &record_path], b"");
    assert_eq!(without_clocks(lines(&again)), expected);
}

#[test]
fn clients_at_once_are_connections_of_their_own() {
    let home = tempfile::tempdir().expect("a folder");
    let record = home.path().join("record.jsonl");
    let (child, said, port) =
        tap(home.path(), scripted_server("plain_turn"), &["--record", &record.display().to_string()]);
    let clients: Vec<_> = (0..8).map(|_| thread::spawn(move || play(port, "plain_turn"))).collect();
    for client in clients {
        client.join().expect("its session");
    }
    assert_eq!(terminate(child, said), "");
    let text = fs::read_to_string(&record).expect("a recording");
    let expected: Vec<_> =
        recording("0.131.0", "plain_turn").messages().into_iter().map(|message| message.text).collect();
    for connection in 1..=8 {
        let messages =
            text.lines().map(|line| turnledger_intake::recording::parse_line(line.as_bytes()).expect("a message"));
        let of_it: Vec<_> = messages
            .filter(|message| message.connection_id.0 == connection)
            .map(|message| message.message.to_owned())
            .collect();
        assert_eq!(of_it, expected, "connection {connection}");
    }
}

/// A server that sends back what it gets, until the other side has said all.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
        }
    });
    port
}

#[test]
fn every_byte_passes_as_it_is() {
    let home = tempfile::tempdir().expect("a folder");
    let events = home.path().join("events.jsonl").display().to_string();
    let (child, said, port) = tap(home.path(), echo(), &["--events", &events]);
    let noise: Vec<u8> = (0..3_000_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    let upgrade = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
    for input in [b"GET /healthz HTTP/1.1\r\n\r\n".to_vec(), noise.clone(), [&upgrade[..], &noise].concat(), Vec::new()]
    {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the tap listens");
        let mut writer = stream.try_clone().expect("the other half");
        let sent = input.clone();
        let writing = thread::spawn(move || {
            writer.write_all(&sent).expect("it listens");
            // A client that has said all still wants to hear the rest.
            writer.shutdown(std::net::Shutdown::Write).expect("half a connection");
        });
        let mut got = Vec::new();
        stream.read_to_end(&mut got).expect("it speaks");
        writing.join().expect("all is written");
        assert!(got == input, "{} bytes", input.len());
    }
    // Noise behind an upgrade is no WebSocket; what comes back is no answer, and nothing that is looked at.
    assert_eq!(
        terminate(child, said),
        format!(
            "turnledger: 1 message passed unread: compressed, too long or malformed\n\
             turnledger: no app-server traffic passed; clients must connect to the tap: `codex --remote ws://127.0.0.1:{port}`\n"
        )
    );
}

#[test]
fn the_command_is_started_and_its_end_is_the_end() {
    let home = tempfile::tempdir().expect("a folder");
    let output = command(home.path())
        .args([
            "tap",
            "--websocket",
            "127.0.0.1:0",
            "--server",
            "ws://127.0.0.1:1",
            "--",
            "sh",
            "-c",
            "echo out; exit 7",
        ])
        .output()
        .expect("it runs");
    assert_eq!((output.status.code(), &*output.stdout), (Some(7), &b"out\n"[..]));
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let held = TcpListener::bind(taken).expect("the port");
    let output = run(&["tap", "--websocket", &taken.to_string(), "--server", "127.0.0.1:1"], b"");
    drop(held);
    assert_eq!(output.status.code(), Some(2));
    let said = turnledger_tests::program::stderr(&output);
    assert_eq!(said, format!("turnledger: cannot listen at ws://{taken}: Address already in use (os error 98)\n"));
}
