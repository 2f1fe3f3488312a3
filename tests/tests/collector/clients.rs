//! The program as a client of its collector: a token in a file.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use turnledger_tests::collecting::{Server, Turns, collect, stored, token_file};
use turnledger_tests::program::{pass, run_in, stderr, stdout};

#[test]
fn a_token_file_is_all_that_a_client_needs() {
    let data = tempfile::tempdir().expect("a folder");
    let home = tempfile::tempdir().expect("a folder");
    let token = token_file(data.path(), "ada").display().to_string();
    let server = Server::start(data.path(), &[]);
    let url = server.url();
    let with = ["--upload", &url, "--token-file", &token];

    let hook = r#"{"method":"hook/completed","params":{"threadId":"one","turnId":"U","run":{"id":"h","eventName":"stop","status":"completed","source":"user"}}}"#;
    let session = pass(home.path(), &with, &["sh", "-c", &format!("echo '{hook}'")], Vec::new());
    assert_eq!((session.status.code(), stderr(&session)), (Some(0), String::new()));
    assert_eq!(stored(data.path()), ["one"]);

    let events = home.path().join("events.jsonl").display().to_string();
    fs::write(&events, Turns::default().of("two").to_string()).expect("a file");
    let run = |arguments: &[&str]| {
        let output = run_in(home.path(), arguments, b"");
        (output.status.code(), stdout(&output), stderr(&output))
    };
    // Twice is once.
    for _ in 0..2 {
        assert_eq!(run(&[&["upload", "-q", &events], &with[..]].concat()), (Some(0), String::new(), String::new()));
    }
    assert_eq!(stored(data.path()), ["one", "two"]);
    let report = run(&["report", "--store", &data.path().join("store.sqlite").display().to_string()]);
    assert_eq!((report.0, report.1.contains("turns")), (Some(0), true), "{}", report.1);

    let (code, checkup, _) = run(&[&["doctor"], &with[..]].concat());
    assert!(
        checkup.contains(&format!("to {url}/codex/analytics-events/events, with the token in {token}")),
        "{checkup}"
    );
    assert!(code.is_some() && !checkup.contains("other users"), "{checkup}");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).expect("a mode");
    let checkup = run(&[&["doctor"], &with[..]].concat()).1;
    let problem = format!("other users of this machine may read the token in {token}");
    assert!(checkup.contains(&problem) && checkup.contains(&format!("`chmod go= {token}`")), "{checkup}");

    collect(data.path(), &["token", "revoke", "1"]);
    let refused = run(&[&["upload", &events], &with[..]].concat());
    assert_eq!(refused.0, Some(4));
    assert!(refused.2.contains("the server refuses the credentials"), "{}", refused.2);
    let gone = home.path().join("gone").display().to_string();
    let missing = run(&["upload", &events, "--upload", &url, "--token-file", &gone]);
    let expected = format!("turnledger: cannot read the token in {gone}: No such file or directory (os error 2)\n");
    assert_eq!((missing.0, missing.2), (Some(2), expected));
    let both = run(&["upload", &events, "--upload", &url, "--token-file", &token, "--auth", &gone]);
    let expected = "turnledger: --token-file: there are credentials in `auth`, too: set one of them\n";
    assert_eq!((both.0, &*both.2), (Some(2), expected));
}
