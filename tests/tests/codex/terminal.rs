//! The real Codex in a terminal: `codex --remote` before the tap, as docs/editors.md has it; and what does not work.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use turnledger_tests::codex::{Model, Terminal, Version, binary, is_installed, message, turn};
use turnledger_tests::program::{command, ends_within, pass, send, stderr};

fn is_turn(event: &Value) -> bool {
    event["event_type"] == "codex_turn_event"
}

fn is_users(event: &Value) -> bool {
    event["event_params"]["thread_source"] == "user"
}

/// One that answers twice: newer versions also ask for a title.
fn model() -> Model {
    Model::new(["forty-two", "forty-two"].map(|text| turn([message(text)])))
}

/// Waits for the answer and the user's turn, and quits Codex.
fn one_turn(terminal: &mut Terminal) {
    terminal.until("forty-two");
    terminal.until_event(|event| is_turn(event) && is_users(event));
    terminal.press("/quit");
    terminal.until("exit Codex");
    terminal.press("\r");
}

#[test]
fn a_terminal_before_the_tap() {
    for version in [Version::Contract, Version::Newest] {
        if !is_installed(version) {
            continue;
        }
        let model = model();
        let mut terminal = Terminal::start(&model, version, "what is it?");
        one_turn(&mut terminal);
        let (events, said) = terminal.finish();
        // Where clients are taken, and nothing else.
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(" are passed on to unix://"), "{said:?}");
        let of_user: Vec<_> = events.iter().filter(|event| is_users(event)).collect();
        let [thread, turn] = &of_user[..] else { panic!("{version:?}: {events:?}") };
        assert_eq!([&thread["event_type"], &turn["event_type"]], ["codex_thread_initialized", "codex_turn_event"]);
        assert_eq!(thread["event_params"]["thread_id"], turn["event_params"]["thread_id"]);
        let params = &turn["event_params"];
        assert_eq!(
            [&params["status"], &params["app_server_client"]["rpc_transport"]],
            ["completed", "websocket"],
            "{version:?}"
        );
    }
}

#[test]
fn the_terminal_itself_is_no_app_server() {
    for version in [Version::Contract, Version::Newest] {
        let Ok(codex) = binary(version) else { continue };
        let home = tempfile::tempdir().expect("a folder");
        for arguments in [&[][..], &["exec", "--help"]] {
            let command: Vec<_> =
                [codex.to_str().expect("a path")].into_iter().chain(arguments.iter().copied()).collect();
            let said = stderr(&pass(home.path(), &[], &command, Vec::new()));
            let ours: Vec<_> = said.lines().filter(|line| line.starts_with("turnledger:")).collect();
            assert_eq!(ours.len(), 1, "{said}");
            assert!(ours[0].starts_with("turnledger: no app-server traffic passed; "), "{said}");
        }
    }
}

/// Turns of a session at a terminal come out of the files that Codex writes, as it writes them.
#[test]
fn an_import_that_follows_beside_a_terminal() {
    for version in [Version::Contract, Version::Newest] {
        if !is_installed(version) {
            continue;
        }
        let model = model();
        let mut terminal = Terminal::start(&model, version, "what is it?");
        let sessions = terminal.home().join(".codex/sessions");
        let until = Instant::now() + Duration::from_secs(60);
        while !sessions.exists() {
            assert!(Instant::now() < until, "no folder of sessions");
            thread::sleep(Duration::from_millis(20));
        }
        let mut follower = command(terminal.home())
            .args(["import", "--quiet", "--follow", "--output", "-"])
            .arg(&sessions)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        one_turn(&mut terminal);
        let output = BufReader::new(follower.stdout.take().expect("its output"));
        let (sender, told) = std::sync::mpsc::channel::<Value>();
        let reader = thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // What comes behind the turn is of no interest.
                let _ = sender.send(serde_json::from_str(&line).expect("an event"));
            }
        });
        let (events, _) = terminal.finish();
        let turn = events.iter().find(|event| is_turn(event) && is_users(event)).expect("the turn");
        let is_it = |event: &Value| event["event_params"]["turn_id"] == turn["event_params"]["turn_id"];
        // A loaded machine may take longer than a second.
        let next = || told.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("{version:?}: no turn"));
        let of_file = std::iter::repeat_with(next).find(is_it).expect("the turn");
        let of_file = &of_file["event_params"];
        send("TERM", &follower);
        assert_eq!(ends_within(&mut follower, Duration::from_secs(10)).code(), Some(0));
        assert_eq!([&of_file["source"], &of_file["status"]], ["rollout", "completed"], "{version:?}");
        assert_eq!(of_file["input_tokens"], turn["event_params"]["input_tokens"], "{version:?}");
        drop(told);
        let _ = reader.join();
    }
}
