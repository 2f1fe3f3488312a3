//! What the tap says at the end of what passed, and who may read what it wrote.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use turnledger_tests::program::{pass, run_in, stderr};

const NO_TRAFFIC: &str = "turnledger: no app-server traffic passed; put the tap before an app-server: \
                          `turnledger tap --events FILE -- codex app-server`, or, for a terminal, `turnledger tap \
                          --websocket` and `codex --remote` (see `turnledger tap --help`)\n";

#[test]
fn what_is_no_app_server_traffic_is_said_once() {
    let home = tempfile::tempdir().expect("a folder");
    let events = home.path().join("events.jsonl").display().to_string();
    let record = home.path().join("record.jsonl").display().to_string();
    let said = |options: &[&str], text: &str| {
        let output = pass(home.path(), options, &["cat"], text.into());
        assert_eq!((output.status.code(), &*output.stdout), (Some(0), text.as_bytes()));
        stderr(&output)
    };
    for other in [
        "",
        // A terminal's interface.
        "\x1b[?2004h\x1b[1;1H\x1b[2J >_ OpenAI Codex\r\n",
        // `codex exec`, and `codex exec --json`.
        "OpenAI Codex\n--------\nworkdir: /tmp\nuser\nhello\ncodex\nhi\n",
        "{\"type\":\"thread.started\",\"thread_id\":\"0\"}\n{\"type\":\"turn.started\"}\n",
        // Editors' logs.
        "2026-11-28 10:00:00 [info] started\n2026-11-28 10:00:01 [error] stopped\n",
        "{\"level\":\"info\",\"msg\":\"started\"}\n{\"level\":\"error\",\"msg\":\"stopped\",\"id\":3}\n",
        // Other protocols.
        "Content-Length: 46\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n",
    ] {
        for options in [&[][..], &["--events", &events], &["--record", &record, "--events", &events]] {
            assert_eq!(said(options, other), NO_TRAFFIC, "{other}");
        }
    }
    let traffic = "a server's log\n{\"id\":1,\"method\":\"initialize\",\"params\":{}}\n";
    // The server sends what only clients send.
    assert_eq!(said(&["--events", &events], traffic), "turnledger: seen, not understood: method `initialize` 1\n");
    // A line that is no message is missing in a recording of what is, both ways.
    assert_eq!(said(&["--record", &record], traffic), "turnledger: 2 messages are not in the recording\n");
    // A command that cannot be run has no traffic to miss.
    let output = pass(home.path(), &[], &["no-such-command"], Vec::new());
    assert!(!stderr(&output).contains("traffic"));
    // Clients that never came.
    let output = run_in(
        home.path(),
        &["tap", "--websocket", "ws://127.0.0.1:0", "--server", "ws://127.0.0.1:1", "--", "true"],
        b"",
    );
    let said = stderr(&output);
    let port = said.split_once("127.0.0.1:").and_then(|(_, rest)| rest.split_once(' ')).expect("a port").0;
    assert_eq!(
        said,
        format!(
            "turnledger: clients at ws://127.0.0.1:{port} are passed on to ws://127.0.0.1:1\n\
             turnledger: no app-server traffic passed; clients must connect to the tap: `codex --remote ws://127.0.0.1:{port}`\n"
        )
    );
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o7777
}

#[test]
fn what_is_written_is_its_owners_alone() {
    let home = tempfile::tempdir().expect("a folder");
    let [events, record] = ["events.jsonl", "record.jsonl"].map(|name| home.path().join(name));
    let options = ["--events", &events.display().to_string(), "--record", &record.display().to_string()];
    let message = b"{\"id\":1,\"result\":0}\n";
    let write = || {
        // Whatever the shell would have made of it.
        let script = "umask 0; exec \"$@\"";
        let program = turnledger_tests::program::PROGRAM.display().to_string();
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", script, "sh", &program, "tap"]).args(options).args(["--", "echo", "{\"id\":1,\"result\":0}"]);
        let output = shell.env("HOME", home.path()).output().expect("it runs");
        assert_eq!((output.status.code(), &*output.stdout, stderr(&output)), (Some(0), &message[..], String::new()));
    };
    write();
    assert_eq!((mode(&events), mode(&record)), (0o600, 0o600));
    for wider in [0o644, 0o666, 0o640, 0o777] {
        for file in [&events, &record] {
            fs::set_permissions(file, fs::Permissions::from_mode(wider)).expect("a mode");
        }
        write();
        assert_eq!((mode(&events), mode(&record)), (wider & 0o700, wider & 0o700), "{wider:o}");
        fs::set_permissions(&record, fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    // A device is left as it is.
    let before = mode(Path::new("/dev/null"));
    let output = pass(home.path(), &["--events", "/dev/null", "--record", "/dev/null"], &["cat"], message.to_vec());
    assert_eq!((stderr(&output), mode(Path::new("/dev/null"))), (String::new(), before));
}
