//! The commands beside a collector, and what it refuses.

use std::path::Path;
use std::thread;
use std::time::Duration;

use turnledger_tests::collecting::{PATH, Server, Turns, collect, stored, token};
use turnledger_tests::program::{run_in, stderr, stdout};

/// What a command ends with, and says.
fn said(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run_in(data, &[&["collect"], arguments].concat(), b"");
    assert_eq!(stdout(&output), "");
    (output.status.code(), stderr(&output))
}

/// A table without its times.
fn rows(table: &str) -> Vec<Vec<String>> {
    let rows = table.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()));
    rows.map(|row| row.filter(|cell| !cell.ends_with("UTC")).map(str::to_owned).collect()).collect()
}

#[test]
fn tokens_and_users_are_made_listed_and_revoked() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("deeper").display().to_string();
    let of = |arguments: &[&str]| run_in(data.path(), &[&["collect"], arguments, &["--data", &folder]].concat(), b"");
    let added = of(&["token", "add", "--person", "ada", "--team", "core"]);
    let hint = "turnledger: token 1, which is not shown again: keep it in a file for --token-file\n";
    assert_eq!((added.status.code(), stderr(&added)), (Some(0), hint.into()));
    let token = stdout(&added);
    assert!(token.starts_with("tl_") && token.len() == 47 && token.ends_with('\n'), "{}", token.len());
    assert_eq!(of(&["token", "add", "--person", "bob"]).status.code(), Some(0));
    assert_eq!(of(&["token", "revoke", "2"]).status.code(), Some(0));
    let again = of(&["token", "revoke", "2"]);
    let unknown = "turnledger: there is no token 2 that is not revoked: `turnledger collect token list` lists them\n";
    assert_eq!((again.status.code(), stderr(&again)), (Some(2), unknown.into()));
    let wrong = of(&["token", "revoke", "2x"]);
    let expected = "turnledger: ID: expected a number, which `list` has\n";
    assert_eq!((wrong.status.code(), stderr(&wrong)), (Some(2), expected.into()));
    let listed = stdout(&of(&["token", "list"]));
    assert!(!listed.contains(token.trim()));
    let expected = [
        &["id", "person", "team", "made", "used", "revoked"][..],
        &["1", "ada", "core", "-", "-"],
        &["2", "bob", "-", "-"],
    ];
    assert_eq!(rows(&listed), expected);

    let key = of(&["user", "add", "ada", "--role", "owner"]);
    let hint = "turnledger: the key of user 1, which is not shown again\n";
    assert_eq!((stdout(&key).starts_with("tlk_"), stderr(&key)), (true, hint.into()));
    assert_eq!(of(&["user", "add", "bob", "--role", "member", "--person", "bob"]).status.code(), Some(0));
    let member = of(&["user", "add", "cy", "--role", "member", "--person", "cy"]);
    let hint = "turnledger: the key of user 3, which is not shown again\n\
                turnledger: no token has this person yet, so there is nothing to see: `token add` makes one\n";
    assert_eq!((member.status.code(), stderr(&member)), (Some(0), hint.into()));
    for (arguments, problem) in [
        (&["ada", "--role", "viewer"][..], "there is a user of this name: revoke that one first, or take another name"),
        (&["eve", "--role", "owner", "--person", "eve"], "--person is for the role `member` alone"),
        (&[" ", "--role", "owner"], "a name has 1 to 100 characters, and none that cannot be seen"),
    ] {
        let output = of(&[&["user", "add"], arguments].concat());
        assert_eq!((output.status.code(), stderr(&output)), (Some(2), format!("turnledger: {problem}\n")));
    }
    assert_eq!(of(&["user", "revoke", "1"]).status.code(), Some(0));
    let expected = [
        &["id", "name", "role", "person", "made", "signed in", "revoked"][..],
        &["1", "ada", "owner", "-", "-"],
        &["2", "bob", "member", "bob", "-", "-"],
        &["3", "cy", "member", "cy", "-", "-"],
    ];
    assert_eq!(rows(&stdout(&of(&["user", "list"]))), expected);
}

#[test]
fn a_person_is_forgotten() {
    let data = tempfile::tempdir().expect("a folder");
    let here = data.path().display().to_string();
    let of = |arguments: &[&str]| run_in(data.path(), &[&["collect"], arguments, &["--data", &here]].concat(), b"");
    let (ada, bob) = (token(data.path(), "ada", Some("core")), token(data.path(), "bob", None));
    let server = Server::start(data.path(), &[]);
    let turns = Turns::default();
    for (token, threads) in [(&ada, &["a", "b"][..]), (&bob, &["c"])] {
        assert_eq!(server.client().post(token, &[], &turns.body(threads)).expect("an answer").status, 204);
    }
    let forget = |person: &str, yes: &[&str]| {
        let output = of(&[&["forget", "--person", person], yes].concat());
        (output.status.code(), stdout(&output) + &stderr(&output))
    };
    let said = |code, text: &str| (Some(code), text.to_owned());
    let can_send = "turnledger: the person can still send with token 1: `turnledger collect token revoke ID` first\n";
    assert_eq!(forget("ada", &["--yes"]), said(2, can_send));
    // A request that runs meanwhile.
    let (mut client, body) = (server.client(), turns.body(["late"]));
    let length = body.len();
    let head =
        format!("POST {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ada}\r\nContent-Length: {length}\r\n\r\n");
    client.send(&[head.as_bytes(), &body[..1]].concat()).expect("a connection");
    thread::sleep(Duration::from_millis(300));
    collect(data.path(), &["token", "revoke", "1"]);
    let ask = "turnledger: events would be deleted; --yes deletes without asking\n";
    assert_eq!(forget("ada", &[]), said(2, ask));
    assert_eq!(forget("ada", &["--yes"]), said(0, "2 events forgotten, and all that was known of 2 threads\n"));
    client.send(&body[1..]).expect("a connection");
    let answer = client.answer().expect("an answer");
    assert_eq!((answer.status, answer.text()), (401, "{\"error\":\"the token is unknown or revoked\"}"));
    let nobody =
        "turnledger: nobody of this name has brought anything: `turnledger collect token list` has the names\n";
    assert_eq!(forget("ada", &["--yes"]), said(2, nobody));
    assert!(server.end().0.success());
    assert_eq!(stored(data.path()), ["c"]);
}

#[test]
fn what_a_collector_refuses_is_said_in_a_line() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("data").display().to_string();
    let (code, text) = said(data.path(), &["--listen", "0.0.0.0:0", "--data", &folder]);
    let expected = "turnledger: --listen 0.0.0.0:0: tokens and events would go over the network as they are; give \
                    --tls-cert and --tls-key, or --behind-proxy if a proxy does TLS\n";
    assert_eq!((code, &*text), (Some(2), expected));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let (code, text) = said(data.path(), &["run", "--listen", &address, "--data", &folder]);
    let expected = format!("turnledger: cannot listen on {address}: Address already in use (os error 98)\n");
    assert_eq!((code, text), (Some(2), expected));
    assert!(!Path::new(&folder).exists(), "what does not serve makes nothing");

    let (code, text) = said(data.path(), &["user", "list", "--data", &folder]);
    let expected = format!("turnledger: {folder}: no collector's folder: `turnledger collect token add` makes one\n");
    assert_eq!((code, text), (Some(2), expected));
    assert!(!Path::new(&folder).exists(), "to look makes nothing");

    collect(data.path(), &["token", "add", "--person", "ada"]);
    let accounts = data.path().join("accounts.sqlite");
    let broken = "no database, but a text that is as long as the head of a file of SQLite: 100 bytes and more\n\n\n\n";
    std::fs::write(&accounts, broken).expect("a file");
    let here = data.path().display().to_string();
    let expected = format!("turnledger: {}: the accounts cannot be used: file is not a database", accounts.display());
    for arguments in [&["--listen", "127.0.0.1:0"][..], &["token", "list"]] {
        let (code, text) = said(data.path(), &[arguments, &["--data", &here]].concat());
        assert_eq!((code, text.starts_with(&expected), text.lines().count()), (Some(2), true, 1), "{text}");
    }
}
