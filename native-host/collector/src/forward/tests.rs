//! How events go on to a receiver that does what a test says.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use turnledger_archive::{Archive, Reading};
use turnledger_core::delivery::Response;

use super::{Bell, Forward, Forwarded, Receiver, start};
use crate::ingest::Tell;
use crate::metrics::Metrics;
use crate::secret::hash;

const NAME: &str = "https://receiver.test";
/// Longer than anything takes that does not hang.
const LONG: Duration = Duration::from_secs(30);

/// What went to a receiver: keys, and the threads of the events behind them.
type Went = Arc<Mutex<Vec<(String, Vec<String>)>>>;

struct Does<F>(F, Went);

impl<F: FnMut(usize) -> Forwarded + Send> Forward for Does<F> {
    fn forward(&mut self, key: &str, events: &[String], _timeout: Duration) -> Forwarded {
        let thread = |event: &String| -> String {
            let event: Value = serde_json::from_str(event).unwrap();
            event["event_params"]["thread_id"].as_str().unwrap().to_owned()
        };
        let before = {
            let mut went = self.1.lock().unwrap();
            went.push((key.to_owned(), events.iter().map(thread).collect()));
            went.len() - 1
        };
        (self.0)(before)
    }
}

fn answers(response: Response) -> Forwarded {
    Forwarded { response, withheld: 0, problem: None }
}

fn takes() -> Forwarded {
    answers(Response::Status { code: 200, retry_after_ms: None })
}

/// A store with an event of each thread, which the receiver is to have.
fn store(threads: &[&str]) -> (TempDir, PathBuf, Archive) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let mut archive = Archive::open(&path).unwrap();
    archive.mark(&hash(NAME.as_bytes())).unwrap();
    let mut reading = Reading::default();
    let event = |thread: &&str| {
        json!({
            "event_type": "codex_thread_archive_event",
            "event_params": { "thread_id": thread, "action": "archived", "occurred_at_ms": 1 }
        })
    };
    let entries: Vec<_> =
        threads.iter().map(|thread| reading.read(None, &event(thread).to_string()).unwrap()).collect();
    archive.add(&entries).unwrap();
    (folder, path, archive)
}

/// Sends all, with a receiver that knows how many requests came before. Says what went, and the metrics.
fn send_all(
    path: &Path,
    tell: Tell,
    does: impl FnMut(usize) -> Forwarded + Send + 'static,
) -> (Vec<(String, Vec<String>)>, String) {
    let (bell, metrics, went) = (Bell::default(), Arc::new(Metrics::new()), Went::default());
    let sender = Box::new(Does(does, went.clone()));
    let receiver = Receiver { name: NAME.into(), sender, timeout: LONG };
    let archive = Archive::open(path).unwrap();
    let Ok(thread) = start(archive, receiver, bell.clone(), metrics.clone(), tell) else { panic!("it starts") };
    let begun = Instant::now();
    bell.end(begun + LONG);
    thread.join().unwrap();
    assert!(begun.elapsed() < LONG / 2, "it ends when all is sent");
    let went = went.lock().unwrap().clone();
    (went, metrics.text())
}

fn went(requests: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let threads = |threads: &[&str]| threads.iter().map(|thread| (*thread).to_owned()).collect();
    requests.iter().map(|(key, of)| ((*key).to_owned(), threads(of))).collect()
}

#[test]
fn an_end_does_not_wait_for_numbers_that_were_forgotten() {
    let (_folder, path, mut archive) = store(&["a", "b"]);
    archive.forget_thread("b").unwrap();
    assert_eq!(send_all(&path, |_| (), |_| takes()).0, went(&[("0-1-1", &["a"])]));
    assert_eq!(archive.mark(&hash(NAME.as_bytes())).unwrap().number(), 1);
}

#[test]
fn what_is_forgotten_while_the_receiver_is_away_is_not_sent() {
    let (_folder, path, archive) = store(&["a", "b", "c"]);
    drop(archive);
    let forget = {
        let path = path.clone();
        move |thread: &str| {
            Archive::open(&path).unwrap().forget_thread(thread).unwrap();
            answers(Response::Unreachable)
        }
    };
    let (sent, _) = send_all(&path, |_| (), move |before| if before == 0 { forget("b") } else { takes() });
    assert_eq!(sent, went(&[("0-3-3", &["a", "b", "c"]), ("0-3-2", &["a", "c"])]));

    // All that was to be sent.
    let (_folder, path, archive) = store(&["a"]);
    drop(archive);
    let forget = {
        let path = path.clone();
        move |_| {
            Archive::open(&path).unwrap().forget_thread("a").unwrap();
            answers(Response::Unreachable)
        }
    };
    assert_eq!(send_all(&path, |_| (), forget).0, went(&[("0-1-1", &["a"])]));
}

#[test]
fn a_panic_of_the_sender_is_no_answer() {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

    let (_folder, path, _archive) = store(&["a"]);
    let does = |before: usize| if before < 2 { panic!("a test") } else { takes() };
    let (sent, _) = send_all(&path, |line| TOLD.lock().unwrap().push(line.into()), does);
    assert_eq!(sent, went(&[("0-1-1", &["a"]), ("0-1-1", &["a"]), ("0-1-1", &["a"])]));
    let expected = [
        "sending to the receiver failed by a fault of this program: it is tried again",
        "events wait for the receiver: the server does not answer",
        "the receiver takes events again",
    ];
    assert_eq!(*TOLD.lock().unwrap(), expected);
}

#[test]
fn a_damaged_row_is_passed_over_and_what_is_withheld_counts_by_itself() {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

    let (_folder, path, mut archive) = store(&["a", "b", "c"]);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("UPDATE bodies SET told = 'no JSON' WHERE id = 2", []).unwrap();
    let does = |_| Forwarded { withheld: 1, ..takes() };
    let (sent, metrics) = send_all(&path, |line| TOLD.lock().unwrap().push(line.into()), does);
    assert_eq!(sent, went(&[("0-3-2", &["a", "c"])]));
    let expected = format!("cannot forward: {}: row 2 has no event: the store is damaged", path.display());
    assert_eq!(*TOLD.lock().unwrap(), [expected]);
    for figure in ["forwarded_events_total 1", "forward_withheld_events_total 1", "forward_refused_events_total 0"] {
        assert!(metrics.contains(&format!("\nturnledger_{figure}\n")), "{metrics}");
    }
    assert_eq!(archive.mark(&hash(NAME.as_bytes())).unwrap().number(), 3);
}
