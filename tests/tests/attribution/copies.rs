//! An event counts once, however often and in which order it was stored.

use proptest::prelude::*;
use serde_json::{Value, json};
use turnledger_tests::attribution::{REMOTE, attribute, counts, report, repository};
use turnledger_tests::program::{lines, run, stderr};
use turnledger_tests::repo::{AT, Repo, diff_of};

/// How many lines a full event has.
const FULL: usize = 13_019;

/// The events of a turn that adds these lines to `agent.txt`.
fn events(content: &[String]) -> Vec<Value> {
    let content: Vec<&str> = content.iter().map(String::as_str).collect();
    let at = AT.to_string();
    let arguments = ["fingerprint", "--thread", "T", "--turn", "U", "--at", &at, "--remote", REMOTE];
    lines(&run(&arguments, diff_of("agent.txt", &content).as_bytes()))
}

/// The agent's file, and a copy of it by hand.
fn copied(content: &[String]) -> Repo {
    let repo = repository();
    repo.write("agent.txt", content.join("\n") + "\n");
    repo.commit("by the agent");
    repo.write("copy.txt", content.join("\n") + "\n");
    repo.commit("by hand");
    repo
}

fn text(events: &[&Value]) -> String {
    events.iter().flat_map(|event| [event.to_string(), "\n".to_owned()]).collect()
}

/// What is found with these files of events, but for what is said of copies.
fn found(repo: &Repo, files: &[Vec<&Value>]) -> (Value, u64) {
    let kept: Vec<String> =
        files.iter().enumerate().map(|(number, events)| repo.keep(&format!("{number}.jsonl"), text(events))).collect();
    let more: Vec<&str> = kept[1..].iter().flat_map(|file| ["--events", file]).collect();
    let output = attribute(repo, &kept[0], &[&["HEAD~2..HEAD"], &more[..]].concat());
    let said = stderr(&output);
    let copies = said.strip_prefix("turnledger: ").and_then(|said| said.split(' ').next()?.parse().ok());
    (report(&output), copies.unwrap_or_default())
}

#[test]
fn later_events_of_a_turn_in_any_order() {
    let content: Vec<String> = (0..30_000).map(|line| format!("line {line}")).collect();
    let repo = copied(&content);
    let all = events(&content);
    let [one, two, three] = &all[..] else { panic!("three events") };
    let (expected, _) = found(&repo, &[vec![one, two, three]]);
    assert_eq!(counts(&expected["total"]), [60_000, 60_000, 30_000, 0, 0]);
    for (files, copies) in [
        (vec![vec![one, two, two, three]], 1),
        (vec![vec![three, two, one, two]], 1),
        (vec![vec![one, two, three], vec![one, three, two]], 3),
        (vec![vec![three, three], vec![two, one], vec![two, two]], 3),
    ] {
        assert_eq!(found(&repo, &files), (expected.clone(), copies));
    }
}

#[test]
fn equal_events_of_a_turn_are_as_many_as_it_added_lines() {
    // Lines that cannot be compared leave room for more than there is.
    let content = [vec!["agent one".to_owned(); 3 * FULL + 5], vec![String::new(); 5]].concat();
    let repo = copied(&content);
    let all = events(&content);
    assert_eq!(all.len(), 4);
    assert_eq!(all[1], all[2]);
    let whole: Vec<&Value> = all.iter().collect();
    let (expected, _) = found(&repo, std::slice::from_ref(&whole));
    let lines = u64::try_from(content.len() - 5).expect("few lines");
    assert_eq!(counts(&expected["total"]), [2 * (lines + 5), 2 * lines, lines, 0, 0]);
    let back: Vec<&Value> = all.iter().rev().collect();
    assert_eq!(found(&repo, &[back, vec![&all[1]; 5]]), (expected.clone(), 5));
    assert_eq!(found(&repo, &[whole.clone(), whole]), (expected, 4));
}

#[test]
fn a_copy_that_says_less_is_the_same_event() {
    let content = ["agent one".to_owned(), "agent two".into()];
    let repo = copied(&content);
    let whole = &events(&content)[0];
    let mut less = whole.clone();
    less["event_params"]["repo_hash"] = Value::Null;
    less["event_params"].as_object_mut().expect("members").remove("fingerprint_scheme");
    let mut more = whole.clone();
    more["event_params"]["model_slug"] = json!("m");
    let (expected, _) = found(&repo, &[vec![&more]]);
    // Seen by a host whose clock is another.
    let mut later = more.clone();
    later["event_params"]["completed_at"] = json!(AT + 1);
    for order in [[whole, &less, &more, &later], [&less, &more, &later, whole], [&later, &more, whole, &less]] {
        assert_eq!(found(&repo, &[order.to_vec()]), (expected.clone(), 3));
    }
}

#[test]
fn turns_without_a_name_are_told_by_their_time() {
    let content = ["agent one".to_owned()];
    let repo = copied(&content);
    let at = |at: i64| {
        let diff = diff_of("agent.txt", &["agent one"]);
        lines(&run(&["fingerprint", "--at", &at.to_string(), "--remote", REMOTE], diff.as_bytes())).remove(0)
    };
    let (one, two) = (at(AT), at(AT - 1));
    let (report, copies) = found(&repo, &[vec![&one, &two, &one]]);
    assert_eq!((counts(&report["total"]), copies), ([2, 2, 1, 1, 0], 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever is stored how often, where and in which order: the report is that of each event once.
    #[test]
    fn any_order_of_any_copies(
        content in prop::collection::vec(0..30_u8, 1..6),
        stored in prop::collection::vec((0..6_usize, 0..2_usize), 0..12),
    ) {
        let repo = repository();
        repo.write("agent.txt", "one\n");
        let mut all = Vec::new();
        for (number, line) in content.iter().enumerate() {
            let lines: Vec<String> = (0..=*line).map(|line| format!("line {}", line % 4)).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let at = (AT + i64::from(*line)).to_string();
            let turn = format!("U{}-{line}", number % 3);
            let arguments = ["fingerprint", "--thread", "T", "--turn", &turn, "--at", &at, "--remote", REMOTE];
            all.extend(self::lines(&run(&arguments, diff_of("agent.txt", &lines).as_bytes())));
        }
        all.sort_by_key(ToString::to_string);
        all.dedup();
        repo.commit("one");
        repo.write("agent.txt", "line 0\nline 1\nline 2\nline 3\n".repeat(8));
        repo.commit_at(AT + 10, "two");
        let once: Vec<&Value> = all.iter().collect();
        let (expected, _) = found(&repo, std::slice::from_ref(&once));
        let mut files = [once.clone(), Vec::new()];
        for (event, file) in &stored {
            files[*file].insert(0, once[event % once.len()]);
        }
        let copies = stored.len() as u64;
        prop_assert_eq!(found(&repo, &files), (expected, copies));
    }
}
