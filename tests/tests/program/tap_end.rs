//! The tap ends as its command ends, and at once; the end of each stream is passed on.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pty_process::blocking;
use turnledger_core::Direction;
use turnledger_intake::tap::Tap;
use turnledger_tests::golden::{folder, recording};
use turnledger_tests::program::{PROGRAM, ends_within, is_ignored, send, tap};

/// What a person takes for at once, with room for a slow machine; what would go on without an end takes 30 s.
const SOON: Duration = Duration::from_secs(4);

/// The tap before a shell's script, and where it speaks.
fn start(home: &tempfile::TempDir, script: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = tap(home.path(), &[], &["sh", "-c", script]).spawn().expect("the tap starts");
    let stdout = BufReader::new(child.stdout.take().expect("its output"));
    (child, stdout)
}

fn line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).expect("it speaks");
    line
}

#[test]
fn its_status_comes_at_once_whoever_holds_its_output() {
    let home = tempfile::tempdir().expect("a folder");
    for (script, length) in [
        ("echo said; sleep 30 2>/dev/null & exit 3", 5),
        ("printf 'no end'; sleep 30 2>/dev/null & exit 3", 6),
        ("sleep 30 2>/dev/null & exit 3", 0),
        // All that a pipe holds, and more, which only a client that reads takes.
        ("sleep 30 2>/dev/null & head -c 60000 /dev/zero; exit 3", 60_000),
        ("sleep 30 2>/dev/null & head -c 3000000 /dev/zero; exit 3", 3_000_000),
        // The client's input stays open, and so does the command's.
        ("sleep 30 2>/dev/null <&0 & echo said; exit 3", 5),
    ] {
        let begun = Instant::now();
        let (mut child, mut stdout) = start(&home, script);
        let reader = thread::spawn(move || {
            let mut said = Vec::new();
            stdout.read_to_end(&mut said).map(|_| said.len())
        });
        assert_eq!(ends_within(&mut child, SOON).code(), Some(3), "{script}");
        assert_eq!(reader.join().expect("a reader").expect("its end"), length, "{script}");
        assert!(begun.elapsed() < SOON, "{script}");
    }
}

#[test]
fn somebody_who_goes_on_to_speak_does_not_hold_it_up() {
    let home = tempfile::tempdir().expect("a folder");
    let (mut child, mut stdout) = start(&home, "echo first; yes 2>/dev/null & sleep 0.3; exit 3");
    let reader = thread::spawn(move || {
        let mut said = Vec::new();
        stdout.read_to_end(&mut said).map(|_| said)
    });
    assert_eq!(ends_within(&mut child, SOON).code(), Some(3));
    assert!(reader.join().expect("a reader").expect("its end").starts_with(b"first\ny\n"));
}

#[test]
fn a_client_that_reads_slowly_gets_everything() {
    let home = tempfile::tempdir().expect("a folder");
    let (mut child, mut stdout) = start(&home, "head -c 200000 /dev/zero; exit 5");
    let mut piece = [0; 4096];
    let mut got = 0;
    loop {
        match stdout.get_mut().read(&mut piece).expect("it speaks") {
            0 => break,
            length => got += length,
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!((got, ends_within(&mut child, SOON).code()), (200_000, Some(5)));
}

#[test]
fn a_client_that_does_not_read_holds_it_up_for_a_limited_time() {
    let home = tempfile::tempdir().expect("a folder");
    let (mut child, stdout) = start(&home, "head -c 100000 /dev/zero; exit 6");
    assert_eq!(ends_within(&mut child, Duration::from_secs(15)).code(), Some(6));
    drop(stdout);
    let mut said = String::new();
    child.stderr.take().expect("its errors").read_to_string(&mut said).expect("text");
    assert!(said.starts_with("turnledger: the client did not read the end of the command's output\n"), "{said}");
}

#[test]
fn a_client_that_writes_to_a_server_that_stopped_reading_learns_so() {
    let home = tempfile::tempdir().expect("a folder");
    let (mut child, mut stdout) = start(&home, "exec <&-; echo closed; exec sleep 30");
    let mut stdin = child.stdin.take().expect("its input");
    assert_eq!(line(&mut stdout), "closed\n");
    let begun = Instant::now();
    let error = loop {
        match stdin.write_all(b"{}\n") {
            Ok(()) => assert!(begun.elapsed() < SOON, "nobody reads"),
            Err(error) => break error,
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    // The command goes on.
    assert!(child.try_wait().expect("it runs").is_none());
    send("TERM", &child);
    assert_eq!(ends_within(&mut child, SOON).signal(), Some(15));
}

#[test]
fn a_client_hears_the_end_of_a_server_that_closed_its_output() {
    let home = tempfile::tempdir().expect("a folder");
    let (mut child, mut stdout) = start(&home, "echo last; exec >&-; read word; exit 9");
    let begun = Instant::now();
    let mut said = String::new();
    stdout.read_to_string(&mut said).expect("its end");
    assert_eq!((said.as_str(), begun.elapsed() < SOON), ("last\n", true));
    // It still listens.
    assert!(child.try_wait().expect("it runs").is_none());
    child.stdin.take().expect("its input").write_all(b"go\n").expect("it listens");
    assert_eq!(ends_within(&mut child, SOON).code(), Some(9));
}

#[test]
fn a_server_whose_client_is_gone_learns_so() {
    let home = tempfile::tempdir().expect("a folder");
    // As without the tap: by SIGPIPE.
    let (mut child, stdout) = start(&home, "exec yes");
    drop(stdout);
    assert_eq!(ends_within(&mut child, SOON).signal(), Some(13));
    // Its input ends.
    let (mut child, _stdout) = start(&home, "cat >/dev/null; exit 4");
    drop(child.stdin.take());
    assert_eq!(ends_within(&mut child, SOON).code(), Some(4));
}

#[test]
fn nobody_has_to_hear_what_it_says() {
    let home = tempfile::tempdir().expect("a folder");
    for options in [&[][..], &["--events", "/dev/full", "--record", "/dev/full", "--upload", "http://127.0.0.1:1"]] {
        let command = ["sh", "-c", "sleep 0.2; echo not JSON; exit 7"];
        let mut child = tap(home.path(), options, &command).spawn().expect("the tap starts");
        drop(child.stderr.take());
        assert_eq!(ends_within(&mut child, Duration::from_secs(15)).code(), Some(7), "{options:?}");
    }
}

/// A server that takes requests and never answers.
fn silent_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    url
}

#[test]
fn a_signal_ends_the_wait_for_what_is_not_delivered() {
    let name = "plain_turn";
    let traffic = folder().join("0.131.0").join(name).join("traffic.jsonl").display().to_string();
    for (signal, number) in [("TERM", 15), ("INT", 2), ("HUP", 1), ("QUIT", 3)] {
        if is_ignored(number) {
            continue;
        }
        let home = tempfile::tempdir().expect("a folder");
        let options = ["--upload", &silent_server(), "--auth", "none", "--timeout-seconds", "60"];
        // Somebody holds its output open.
        let script = "sleep 30 2>/dev/null & exec \"$0\" \"$1\"";
        let server = ["sh", "-c", script, env!("CARGO_BIN_EXE_scripted_server"), &traffic];
        let mut child = tap(home.path(), &options, &server).spawn().expect("the tap starts");
        let mut stdin = child.stdin.take().expect("its input");
        let mut stdout = BufReader::new(child.stdout.take().expect("its output"));
        for message in recording("0.131.0", name).messages() {
            if message.direction == Direction::ClientToServer {
                writeln!(stdin, "{}", message.text).expect("it listens");
            } else {
                line(&mut stdout);
            }
        }
        // The command ends, and with it its output, before what is left is delivered.
        assert_eq!(line(&mut stdout), "");
        thread::sleep(Duration::from_millis(500));
        assert!(child.try_wait().expect("it runs").is_none(), "it waits for the server");
        let begun = Instant::now();
        send(signal, &child);
        assert_eq!(ends_within(&mut child, SOON).code(), Some(0), "{signal}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{signal}: {:?}", begun.elapsed());
        let mut said = String::new();
        child.stderr.take().expect("its errors").read_to_string(&mut said).expect("text");
        assert!(said.starts_with("turnledger: ended by a signal; "), "{said}");
    }
}

#[test]
fn no_signal_goes_to_a_process_that_is_known_to_have_ended() {
    let mut tap = Tap::start_beside(&["sleep".into(), "30".into()]).expect("it starts");
    assert!(tap.try_wait().expect("it runs").is_none());
    assert!(tap.signal(15));
    assert_eq!(tap.wait().expect("it ends").signal(), Some(15));
    assert!(!tap.signal(15));
    assert_eq!(tap.try_wait().expect("its status").and_then(|status| status.signal()), Some(15));
}

/// The tap before a shell's script, on a terminal of its own.
fn on_a_terminal(home: &tempfile::TempDir, script: &str) -> (blocking::Pty, Child) {
    let (terminal, other_end) = blocking::open().expect("a terminal");
    let command = blocking::Command::new(&*PROGRAM).args(["tap", "--", "sh", "-c", script]).env("HOME", home.path());
    let child = command.spawn(other_end).expect("the tap starts");
    (terminal, child)
}

fn until(terminal: &mut impl Read, text: &str) {
    let mut said = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&said).contains(text) {
        terminal.read_exact(&mut byte).expect("it speaks");
        said.push(byte[0]);
    }
}

#[test]
fn what_a_terminal_sends_reaches_the_command_once() {
    if is_ignored(2) {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let script = "n=40; trap 'n=$((n+1))' INT; echo ready; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 0.1; done; exit $n";
    let (mut terminal, mut child) = on_a_terminal(&home, script);
    until(&mut terminal, "ready");
    terminal.write_all(b"\x03").expect("it listens");
    assert_eq!(ends_within(&mut child, Duration::from_secs(10)).code(), Some(41));
}

#[test]
fn a_terminal_that_is_gone_ends_the_command_and_the_tap() {
    if is_ignored(1) {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let script = "trap 'exit 45' HUP; echo ready; while :; do sleep 0.05; done";
    let (mut terminal, mut child) = on_a_terminal(&home, script);
    until(&mut terminal, "ready");
    drop(terminal);
    assert_eq!(ends_within(&mut child, SOON).code(), Some(45));
}

/// As in a container whose processes belong to a session that was begun outside of it.
#[test]
#[cfg(target_os = "linux")]
fn signals_are_passed_on_in_a_pid_namespace_of_its_own() {
    let namespace = ["--user", "--map-root-user", "--pid", "--fork"];
    let allowed = Command::new("unshare").args(namespace).arg("true").output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no PID namespace can be made here");
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let script = "trap 'exit 41' USR1; kill -USR1 $PPID; while :; do sleep 0.01; done";
    let program = tap(home.path(), &[], &["sh", "-c", script]);
    let mut command = Command::new("unshare");
    command.args(namespace).arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.stdin(Stdio::null()).output().expect("unshare");
    assert_eq!(output.status.code(), Some(41), "{}", String::from_utf8_lossy(&output.stderr));
}
