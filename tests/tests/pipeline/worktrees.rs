//! The host is asked whether a thread works in a linked worktree (`docs/contract/rules.md` 2.4).

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger::ledger::Answers as _;
use turnledger_core::Direction::{ClientToServer, ServerToClient};
use turnledger_core::fact::answer::WorktreeAnswered;
use turnledger_core::{Limits, Output, Pipeline, QuestionKind, UnixMillis};
use turnledger_git::Answerer;
use turnledger_tests::golden::pipeline;
use turnledger_tests::repo::Repo;

const AT_MS: UnixMillis = UnixMillis(1);

/// A session of this version in which a thread opens in a folder.
fn opened(version: &str, cwd: &str, pipeline: &mut Pipeline<Sha2>) -> Output {
    let mut output = Output::default();
    for (direction, message) in [
        (
            ClientToServer,
            json!({ "id": 0, "method": "initialize", "params": { "clientInfo": { "name": "e", "version": "1" } } }),
        ),
        (ServerToClient, json!({ "id": 0, "result": { "userAgent": format!("e/{version}") } })),
        (ClientToServer, json!({ "id": 1, "method": "thread/start", "params": {} })),
        (ServerToClient, json!({ "id": 1, "result": { "thread": { "id": "t" }, "model": "m", "cwd": cwd } })),
    ] {
        pipeline.observe(AT_MS, 1, direction, message.to_string().as_bytes(), &mut output).expect("a message");
    }
    output
}

/// Of the events of threads: whether they say that it is a worktree.
fn told(output: &Output) -> Vec<Value> {
    let params = |event: &turnledger_core::event::Event| {
        let event: Value = serde_json::from_str(&event.to_json()).expect("an event is JSON");
        assert_eq!(event["event_type"], "codex_thread_initialized");
        event["event_params"]["is_worktree"].clone()
    };
    output.events.iter().map(params).collect()
}

fn asked(output: &Output) -> usize {
    output.questions.iter().filter(|question| matches!(question.kind, QuestionKind::Worktree { .. })).count()
}

/// Git answers for a repository, a worktree linked to it, a link to that, and a folder outside.
#[test]
fn git_answers() {
    let repo = Repo::new();
    repo.write("a", "a\n");
    repo.commit("one");
    let beside = tempfile::tempdir().expect("a folder");
    let linked = beside.path().join("linked");
    repo.git(&["worktree", "add", "--quiet", &linked.display().to_string()]);
    std::fs::create_dir(linked.join("below")).expect("a folder");
    let mut folders = vec![
        (repo.path().to_owned(), json!(false)),
        (linked.clone(), json!(true)),
        (linked.join("below"), json!(true)),
        (beside.path().to_owned(), Value::Null),
        (beside.path().join("gone"), Value::Null),
    ];
    #[cfg(unix)]
    {
        let link = beside.path().join("link");
        std::os::unix::fs::symlink(linked.join("below"), &link).expect("a link");
        folders.push((link, json!(true)));
    }
    for (folder, expected) in folders {
        let mut pipeline = pipeline(Sha2::default()).asking_worktrees();
        let mut output = opened("0.171.0", &folder.display().to_string(), &mut pipeline);
        assert_eq!((told(&output), asked(&output)), (vec![], 1), "{}", folder.display());
        let mut answerer = Answerer::default();
        for question in std::mem::take(&mut output.questions) {
            let fact = answerer.answer(question).expect("Git answers");
            pipeline.ingest(AT_MS, fact, &mut output);
        }
        assert_eq!(told(&output), [expected], "{}", folder.display());
    }
}

/// Only where the member is reported, and only by a pipeline that was told to.
#[test]
fn nobody_is_asked_without_need() {
    for (version, is_told, expected) in
        [("0.171.0", false, Value::Null), ("0.155.0", true, Value::Null), ("0.154.0", true, Value::Null)]
    {
        let mut pipeline = pipeline(Sha2::default());
        if is_told {
            pipeline = pipeline.asking_worktrees();
        }
        let output = opened(version, "/w", &mut pipeline);
        let waits = version == "0.155.0";
        assert_eq!(asked(&output), usize::from(waits), "{version}");
        let expected = if waits { vec![] } else { vec![expected] };
        assert_eq!(told(&output), expected, "{version}");
    }
}

/// Without an answer, the thread's event comes when its first turn or the session ends. Saving the session in between
/// changes nothing.
#[test]
fn no_answer_loses_nothing() {
    let completed = json!({ "method": "turn/completed",
        "params": { "threadId": "t", "turn": { "id": "u", "status": "completed" } } });
    for is_saved in [false, true] {
        for ends_by_turn in [false, true] {
            let mut pipeline = pipeline(Sha2::default()).asking_worktrees();
            let mut output = opened("0.171.0", "/w", &mut pipeline);
            let question = output.questions.last().expect("a question").id;
            if is_saved {
                let saved = pipeline.snapshot();
                pipeline = Pipeline::restore(Sha2::default(), Limits::default(), &saved).expect("its own snapshot");
            }
            if ends_by_turn {
                let text = completed.to_string();
                pipeline.observe(AT_MS, 1, ServerToClient, text.as_bytes(), &mut output).expect("a message");
            } else {
                pipeline.finish(AT_MS, &mut output);
            }
            assert_eq!(told(&output), [Value::Null]);
            output.clear();
            pipeline.ingest(AT_MS, WorktreeAnswered::new(question, Some(true)), &mut output);
            assert_eq!((output.events.len(), output.discards.len()), (0, 1), "an answer that comes too late");
        }
    }
}
