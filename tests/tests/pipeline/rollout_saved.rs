//! A rollout that is read in parts, each from the state that the part before left, yields what it yields in one go.

use turnledger::Sha2;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Limits, Output, Pipeline, RestoreError, Rollout};
use turnledger_tests::golden::values;
use turnledger_tests::rollouts::{import, recordings};

const VERSIONS: [&str; 6] = ["0.104.0", "0.120.0", "0.131.0", "0.142.0", "0.153.0", "0.171.0"];

/// The state behind a line: that of the reader, and that of the pipeline.
pub(crate) struct State {
    /// How many lines come before.
    lines: usize,
    /// How many events came out before.
    events: usize,
    pub(crate) rollout: String,
    pub(crate) pipeline: String,
}

fn pipeline() -> Pipeline<Sha2> {
    Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default())
}

/// Every state that a file has.
pub(crate) fn states(file: &str) -> Vec<State> {
    let (mut pipeline, mut rollout, mut output) = (pipeline(), Rollout::new(1), Output::default());
    let mut states = Vec::new();
    for (index, line) in file.lines().enumerate() {
        let _ = pipeline.read(&mut rollout, line.as_bytes(), &mut output);
        let state = |saved| State {
            lines: index + 1,
            events: output.events.len(),
            rollout: saved,
            pipeline: pipeline.snapshot(),
        };
        states.extend(rollout.save().map(state));
    }
    states
}

#[test]
fn a_file_in_two_parts_yields_the_same_events() {
    let (mut files, mut tried) = (0, 0);
    for (name, file) in VERSIONS.into_iter().flat_map(recordings).flat_map(|recorded| recorded.files) {
        let whole = import(Sha2::default(), &file);
        let first = file.lines().next().expect("a line").as_bytes();
        files += 1;
        for state in states(&file) {
            let mut rollout = Rollout::restore(1, &state.rollout, first).expect("its own state");
            let mut pipeline =
                Pipeline::restore(Sha2::default(), Limits::default(), &state.pipeline).expect("its own snapshot");
            let mut output = Output::default();
            for line in file.lines().skip(state.lines) {
                let _ = pipeline.read(&mut rollout, line.as_bytes(), &mut output);
            }
            pipeline.end(&mut rollout, &mut output);
            assert_eq!(values(&output.events), values(&whole.events[state.events..]), "{name}:{}", state.lines);
            tried += 1;
        }
    }
    assert!(files > 120 && tried > 200, "{files} files, {tried} states");
}

/// What a state of one line becomes if it is saved and restored at every line that has one.
#[test]
fn a_file_that_is_saved_at_every_line_yields_the_same_events() {
    for (name, file) in VERSIONS.into_iter().flat_map(recordings).flat_map(|recorded| recorded.files) {
        let first = file.lines().next().expect("a line").as_bytes();
        let (mut pipeline, mut rollout, mut output) = (pipeline(), Rollout::new(1), Output::default());
        for line in file.lines() {
            let _ = pipeline.read(&mut rollout, line.as_bytes(), &mut output);
            if let Some(saved) = rollout.save() {
                rollout = Rollout::restore(1, &saved, first).expect("its own state");
                let snapshot = pipeline.snapshot();
                pipeline = Pipeline::restore(Sha2::default(), Limits::default(), &snapshot).expect("its own snapshot");
            }
        }
        pipeline.end(&mut rollout, &mut output);
        let whole = import(Sha2::default(), &file);
        assert_eq!((values(&output.events), output.discards), (values(&whole.events), whole.discards), "{name}");
    }
}

#[test]
fn what_is_no_state_of_the_file_is_refused() {
    let [one, other] = ["plain_turn", "patch_files"].map(|name| {
        let recorded = recordings("0.131.0").into_iter().find(|recorded| recorded.name == name);
        recorded.expect("the recording").files.remove(0).1
    });
    let state = states(&one).pop().expect("a state").rollout;
    let restore = |saved: &str, file: &str| {
        let first = file.lines().next().unwrap_or_default();
        Rollout::restore(1, saved, first.as_bytes()).map(|_| ()).err()
    };
    assert_eq!(restore(&state, &one), None);
    assert_eq!(restore(&state, &other), Some(RestoreError::OtherFile));
    assert_eq!(restore(&state, ""), Some(RestoreError::OtherFile));
    assert_eq!(restore(r#"{"version":4}"#, &one), Some(RestoreError::Version { found: 4 }));
    for end in [0, 1, state.len() / 2, state.len() - 1] {
        assert!(matches!(restore(&state[..end], &one), Some(RestoreError::Damaged { .. })), "cut at {end}");
    }
}
