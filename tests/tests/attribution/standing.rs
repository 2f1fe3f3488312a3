//! How many accepted lines are still in a repository's files.

use std::fs;

use turnledger::Sha2;
use turnledger_git::attribution::{EventReader, Standing};
use turnledger_git::repository::Git;
use turnledger_tests::attribution::{REMOTE, accept, repository};
use turnledger_tests::repo::Repo;

/// Accepted, in its file, in another file, and files that were not read.
fn standing(repo: &Repo, events: &[&str]) -> (u64, u64, u64, u64) {
    let git = Git::open(Some(repo.path())).expect("a repository");
    let mut reader = EventReader::new(&Sha2::default(), Some(&git.remote_urls()));
    for file in events {
        let text = fs::read_to_string(file).expect("events");
        for line in text.lines() {
            reader.take(serde_json::from_str(line).expect("an event"));
        }
    }
    let found = Standing::of(&git, Sha2::default(), reader.finish()).expect("a commit");
    assert_eq!(found.standing(), found.here + found.moved);
    (found.accepted, found.here, found.moved, found.unread_files)
}

#[test]
fn what_is_there_stands_once_wherever_it_is() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one", "agent two", "agent two", "}"], &["--remote", REMOTE]);
    let other = accept(&repo, "other.jsonl", &["agent three"], &["--remote", "https://github.com/acme/other.git"]);
    assert_eq!(standing(&repo, &[&events]), (3, 0, 0, 0));
    // Of the working tree, nothing counts until it is committed.
    repo.write("agent.txt", "  agent one\nagent two\n}\n");
    assert_eq!(standing(&repo, &[&events]), (3, 0, 0, 0));
    repo.commit("the agent's");
    assert_eq!(standing(&repo, &[&events]), (3, 2, 0, 0));
    // Told twice is accepted once, and what another repository's events say is not of this one.
    assert_eq!(standing(&repo, &[&events, &events, &other]), (3, 2, 0, 0));
    // A person adds a line of that text elsewhere: it stands for the one that is missing, and only for that.
    repo.write("copy.txt", "agent two\nagent two\nagent one\nof a person\n");
    repo.write("agent.bin", "agent three\0");
    repo.commit("more");
    assert_eq!(standing(&repo, &[&events]), (3, 2, 1, 1));
    repo.git(&["rm", "--quiet", "agent.txt", "copy.txt"]);
    repo.commit("gone");
    assert_eq!(standing(&repo, &[&events]), (3, 0, 0, 1));
}

#[test]
fn another_key_s_lines_are_not_compared() {
    let repo = repository();
    let key = repo.keep("key", b"0123456789abcdef");
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE, "--key-file", &key]);
    repo.write("agent.txt", "agent one\n");
    repo.commit("the agent's");
    assert_eq!(standing(&repo, &[&events]), (0, 0, 0, 0));
    let digest = Sha2::keyed(b"0123456789abcdef").expect("a key");
    let git = Git::open(Some(repo.path())).expect("a repository");
    let mut reader = EventReader::new(&digest, None);
    reader.take(serde_json::from_str(fs::read_to_string(&events).expect("events").trim()).expect("an event"));
    let found = Standing::of(&git, digest, reader.finish()).expect("a commit");
    assert_eq!((found.accepted, found.standing()), (1, 1));
}
