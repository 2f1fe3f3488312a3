//! Trees of sessions in files: each turn counts once, to the token, in every era; and whatever is broken, the good before and
//! around it stays.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use serde_json::Value;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Limits, Output, Pipeline, Rollout};
use turnledger_intake::import::{Memory, Options, Rollouts};
use turnledger_tests::golden::{Sha1, values};
use turnledger_tests::rollouts::import;
use turnledger_tests::trees::{ERAS, Era, File, MARKER, Tokens, Turn, cut_at, tree};

use crate::histories::histories;

/// A tree in the files of an era, and a word for what the property chooses.
#[derive(Clone, Debug)]
struct Case {
    words: Vec<u64>,
    era: &'static Era,
    choice: u64,
}

impl Case {
    fn files(&self) -> Vec<File> {
        tree(&self.words, self.era)
    }

    fn choose(&self, count: usize) -> usize {
        usize::try_from(self.choice % count.max(1) as u64).unwrap_or_default()
    }
}

/// Checks a property of a share of the trees.
fn check(share: u64, property: impl Fn(&Case) -> Result<(), String>) {
    let words = proptest::collection::vec(any::<u64>(), 0..24);
    let cases =
        (words, 0..ERAS.len(), any::<u64>()).prop_map(|(words, era, choice)| Case { words, era: &ERAS[era], choice });
    let count = u32::try_from(histories(share)).unwrap_or(u32::MAX);
    let config = Config { cases: count, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    match runner.run(&cases, |case| property(&case).map_err(TestCaseError::fail)) {
        Ok(()) => {}
        Err(TestError::Fail(difference, case)) => {
            let files: Vec<_> =
                case.files().into_iter().map(|file| format!("{}\n{}", file.thread, file.text)).collect();
            panic!("{case:?}\n{}\n{difference}", files.join("\n"));
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

fn tokens(event: &Value) -> Option<Tokens> {
    let names = ["input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens", "total_tokens"];
    let mut tokens = [0; 5];
    for (token, name) in tokens.iter_mut().zip(names) {
        *token = event[name].as_i64()?;
    }
    Some(tokens)
}

/// The turns that events tell of.
fn turns(events: &[Value]) -> Vec<Turn> {
    let turns = events.iter().filter(|event| event["event_type"] == "codex_turn_event");
    turns
        .map(|event| {
            let turn = &event["event_params"];
            Turn {
                id: turn["turn_id"].as_str().unwrap_or_default().into(),
                tokens: tokens(turn),
                commands: turn["shell_command_count"].as_u64().unwrap_or_default(),
            }
        })
        .collect()
}

fn sum<'t>(turns: impl IntoIterator<Item = &'t Turn>) -> Tokens {
    let mut sum = [0; 5];
    for tokens in turns.into_iter().filter_map(|turn| turn.tokens) {
        sum.iter_mut().zip(tokens).for_each(|(sum, part)| *sum += part);
    }
    sum
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, actual: &T, expected: &T) -> Result<(), String> {
    if actual == expected { Ok(()) } else { Err(format!("{what}: expected\n{expected:?}\nactual\n{actual:?}")) }
}

#[test]
fn each_turn_counts_once_to_the_token() {
    check(4, |case| {
        let files = case.files();
        let mut imported = Vec::new();
        for file in &files {
            let output = import(Sha1, &file.text);
            let events = values(&output.events);
            let opened = events.iter().filter(|event| event["event_type"] == "codex_thread_initialized").count();
            same("threads", &opened, &1)?;
            let is_others = |event: &&Value| {
                let id = event["event_params"]["thread_id"].as_str();
                id.is_some_and(|id| id != file.thread)
            };
            same("another thread's", &events.iter().find(is_others), &None)?;
            same("turns", &turns(&events), &file.turns)?;
            // What is told of no turn that has an event is no command of this thread.
            let of_turns: u64 = file.turns.iter().map(|turn| turn.commands).sum();
            let commands =
                events.iter().filter(|event| event["event_type"] == "codex_command_execution_event").count() as u64;
            if commands < of_turns {
                return Err(format!("{commands} commands of {of_turns}"));
            }
            imported.extend(turns(&events));
        }
        same("sum", &sum(&imported), &sum(files.iter().flat_map(|file| &file.turns)))
    });
}

/// The events of whole lines, of a file that goes on.
fn of_lines(text: &str, rest: &str) -> Result<Vec<String>, String> {
    let mut pipeline = Pipeline::new(Sha1, RpcTransport::Stdio, Limits::default());
    let (mut rollout, mut output) = (Rollout::new(1), Output::default());
    for (number, line) in text.lines().enumerate() {
        pipeline.read(&mut rollout, line.as_bytes(), &mut output).map_err(|error| format!("line {number}: {error}"))?;
    }
    // A line may be whole but for its end.
    let is_whole = serde_json::from_str::<Value>(rest).is_ok();
    if !rest.is_empty() && !is_whole && pipeline.read(&mut rollout, rest.as_bytes(), &mut output).is_ok() {
        return Err(format!("a line that is cut off is read: {rest}"));
    }
    Ok(output.events.iter().map(ToString::to_string).collect())
}

#[test]
fn a_file_that_is_cut_off_loses_nothing_before() {
    check(20, |case| {
        let files = case.files();
        let file = &files[case.choose(files.len())];
        let whole = of_lines(&file.text, "")?;
        let place = case.choose(file.text.len() + 1);
        let (text, rest) = cut_at(&file.text, place);
        let cut = of_lines(text, rest)?;
        same("events before", &cut, &whole[..cut.len().min(whole.len())].to_vec())?;
        // What is whole has its event: its last line is there.
        let ended: Vec<_> = file.turns.iter().filter(|turn| cut.iter().any(|event| is_turn(event, &turn.id))).collect();
        let lines = |turn: &Turn| text.lines().any(|line| ends(line, &turn.id));
        let with_end: Vec<_> = file.turns.iter().filter(|turn| lines(turn)).collect();
        if case.era.has_ids { same("turns that end", &ended, &with_end) } else { Ok(()) }
    });
}

fn is_turn(event: &str, id: &str) -> bool {
    event.contains(r#""event_type":"codex_turn_event""#) && event.contains(id)
}

/// Whether a line is the end of this turn.
fn ends(line: &str, id: &str) -> bool {
    (line.contains(r#""type":"task_complete""#) || line.contains(r#""type":"turn_aborted""#)) && line.contains(id)
}

#[test]
fn bad_lines_cost_nothing_but_themselves() {
    check(20, |case| {
        let files = case.files();
        let file = &files[case.choose(files.len())];
        let good = import(Sha1, &file.text);
        let bad = [
            "{",
            "",
            "null",
            "[1]",
            "\u{feff}{}",
            r#"{"type":"event_msg","payload":{"type":"token_count","info":7}}"#,
            r#"{"timestamp":"never","type":"newer","payload":{"a":1}}"#,
        ];
        let mut lines: Vec<_> = file.text.lines().collect();
        for (number, bad) in bad.into_iter().enumerate() {
            // The first line says whose file it is.
            lines.insert(1 + case.choose(lines.len() + number) % lines.len(), bad);
        }
        let broken = import(Sha1, &lines.join("\n"));
        let texts = |output: &Output| output.events.iter().map(ToString::to_string).collect::<Vec<_>>();
        same("events", &texts(&broken), &texts(&good))
    });
}

#[test]
fn nothing_of_what_was_said_comes_out() {
    check(50, |case| {
        for file in case.files() {
            let output = import(Sha1, &file.text);
            let said = format!("{:?}{:?}", output.events, output.discards);
            if said.contains(MARKER) || output.events.iter().any(|event| event.to_string().contains(MARKER)) {
                return Err(said);
            }
        }
        Ok(())
    });
}

/// A folder has the same thread in several files: plain, compressed, and as it was before it went on.
#[test]
fn a_thread_in_two_files_counts_once() {
    check(1000, |case| {
        let files = case.files();
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap_or(&path)).and_then(|()| fs::write(path, bytes))
        };
        for (number, file) in files.iter().enumerate() {
            let compressed = zstd::encode_all(file.text.as_bytes(), 0).map_err(|error| error.to_string())?;
            let (earlier, _) = cut_at(&file.text, file.text.len() / 2);
            let written = match (case.choose(3) + number) % 3 {
                0 => write(&format!("sessions/{}", file.name()), file.text.as_bytes())
                    .and_then(|()| write(&format!("archived_sessions/{}.zst", file.name()), &compressed)),
                1 => write(&format!("sessions/{}.zst", file.name()), &compressed)
                    .and_then(|()| write(&format!("archived_sessions/{}", file.name()), earlier.as_bytes())),
                _ => write(&format!("sessions/{}", file.name()), file.text.as_bytes()),
            };
            written.map_err(|error| error.to_string())?;
        }
        let events = imported(folder.path())?;
        let (mut told, mut made) = (turns(&events), files.into_iter().flat_map(|file| file.turns).collect::<Vec<_>>());
        told.sort_by(|one, other| one.id.cmp(&other.id));
        made.sort_by(|one, other| one.id.cmp(&other.id));
        same("turns of the folder", &told, &made)
    });
}

/// The events of a folder.
fn imported(folder: &Path) -> Result<Vec<Value>, String> {
    let options = Options::default();
    let mut memory = Memory::default();
    let found = Rollouts::find(&[folder.to_owned()], &options, &memory).map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    turnledger_intake::import::import(&found, &options, &mut memory, &mut lines, &mut ())
        .map_err(|error| error.to_string())?;
    serde_json::Deserializer::from_slice(&lines)
        .into_iter()
        .map(|event| event.map_err(|error| error.to_string()))
        .collect()
}
