//! The real Codex in a terminal: `codex --remote` before the tap, as docs/editors.md has it; and what does not work.

use serde_json::Value;
use turnledger_tests::codex::{Model, Terminal, Version, binary, is_installed, message, turn};
use turnledger_tests::program::{pass, stderr};

#[test]
fn a_terminal_before_the_tap() {
    for version in [Version::Contract, Version::Newest] {
        if !is_installed(version) {
            continue;
        }
        // Newer versions also ask the model for a title.
        let model = Model::new(["forty-two", "forty-two"].map(|text| turn([message(text)])));
        let mut terminal = Terminal::start(&model, version, "what is it?");
        terminal.until("forty-two");
        let is_turn = |event: &Value| event["event_type"] == "codex_turn_event";
        let is_users = |event: &Value| event["event_params"]["thread_source"] == "user";
        terminal.until_event(|event| is_turn(event) && is_users(event));
        terminal.press("/quit");
        terminal.until("exit Codex");
        terminal.press("\r");
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
