//! A scripted session has the same events by its messages and by its facts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::discard::{Reason, Subject};
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Direction, Limits, Output, Pipeline, UnixMillis};
use turnledger_testing::{AppServer, Step};

/// Every call, with each of its ends.
fn everything(version: &str) -> Vec<Step> {
    let server = AppServer::new(version);
    let thread = server.start_thread();
    let turn = thread.start_turn("Make the tests pass");
    turn.command_execution("cargo test").fail(101);
    turn.command_execution("cargo build").request_approval().accept().complete();
    turn.command_execution("git push").request_approval().accept_for_session().complete();
    turn.command_execution("rm -rf /").request_approval().decline();
    turn.steer("And the lints");
    turn.file_change("src/new.rs", "", "one\ntwo\n").complete();
    turn.file_change("src/lib.rs", "a\nb\n", "a\nc\n").request_approval().accept().complete();
    turn.file_change("src/lib.rs", "a\nc\n", "a\nc\nd\n").request_approval().accept_for_session().complete();
    turn.file_change("src/main.rs", "x\n", "").request_approval().decline();
    turn.file_change("src/main.rs", "x\n", "").fail();
    turn.mcp_tool_call("docs", "lookup").complete();
    turn.mcp_tool_call("docs", "lookup").fail();
    turn.complete();

    thread.compact();
    server.wait(Duration::from_secs(60));
    let turn = thread.start_turn("Go on");
    let call = turn.mcp_tool_call("docs", "wait");
    server.wait(Duration::from_millis(1500));
    call.complete();
    turn.fail("usageLimitExceeded");
    thread.start_turn("Again").fail("responseStreamDisconnected");
    thread.start_turn("Again").fail("aKindOfANewerVersion");

    let other = server.start_thread();
    let (turn, beside) = (other.start_turn("One"), thread.start_turn("Two"));
    let (open, asked) = (turn.command_execution("sleep 9"), turn.command_execution("sleep 9").request_approval());
    beside.complete();
    turn.interrupt();
    drop((open, asked));
    other.start_turn("Three").complete();
    server.take_steps()
}

fn by(steps: &[Step], mut feed: impl FnMut(&mut Pipeline<Sha2>, &Step, &mut Output)) -> Output {
    let mut pipeline = Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default());
    let mut output = Output::default();
    for step in steps {
        feed(&mut pipeline, step, &mut output);
    }
    pipeline.finish(steps.last().expect("a step").at, &mut output);
    output
}

fn by_messages(steps: &[Step]) -> Output {
    by(steps, |pipeline, step, output| {
        for message in &step.messages {
            let text = message.text.as_bytes();
            pipeline.observe(step.at, message.connection, message.direction, text, output).expect("a message");
        }
    })
}

fn by_facts(steps: &[Step]) -> Output {
    by(steps, |pipeline, step, output| {
        for fact in &step.facts {
            pipeline.ingest(step.at, fact.clone(), output);
        }
    })
}

fn values(output: &Output) -> Vec<Value> {
    output.events.iter().map(|event| serde_json::to_value(event).expect("JSON")).collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event_type"].as_str().expect("a type")).collect()
}

/// An event without what messages show and the script's facts do not say: what a turn's time went into.
fn without_measures(mut event: Value) -> Value {
    const MEASURES: [&str; 5] =
        ["compaction_ms", "image_preparations", "sampling_request_count", "sampling_retry_count", "tool_blocking_ms"];
    if let Some(members) = event["event_params"].as_object_mut() {
        members.retain(|name, _| !MEASURES.contains(&&**name));
    }
    event
}

#[test]
fn messages_and_facts_have_the_same_events() {
    for version in ["0.131.0", "0.169.0"] {
        let steps = everything(version);
        let (messages, facts) = (by_messages(&steps), by_facts(&steps));
        let events = values(&messages);
        let unmeasured = |events: &[Value]| events.iter().cloned().map(without_measures).collect::<Vec<_>>();
        assert_eq!(unmeasured(&events), unmeasured(&values(&facts)));
        assert_eq!(
            types(&events),
            [
                "codex_thread_initialized",
                "codex_command_execution_event",
                "codex_review_event",
                "codex_command_execution_event",
                "codex_review_event",
                "codex_command_execution_event",
                "codex_review_event",
                "codex_command_execution_event",
                "codex_turn_steer_event",
                "codex_file_change_event",
                "codex_review_event",
                "codex_file_change_event",
                "codex_review_event",
                "codex_file_change_event",
                "codex_review_event",
                "codex_file_change_event",
                "codex_file_change_event",
                "codex_mcp_tool_call_event",
                "codex_mcp_tool_call_event",
                "codex_turn_event",
                "codex_accepted_line_fingerprints",
                "codex_compaction_event",
                "codex_mcp_tool_call_event",
                "codex_turn_event",
                "codex_turn_event",
                "codex_turn_event",
                "codex_thread_initialized",
                "codex_turn_event",
                "codex_review_event",
                "codex_turn_event",
                "codex_turn_event",
            ]
        );
        let reasons = |output: &Output| output.discards.iter().map(|one| (one.subject, one.reason)).collect::<Vec<_>>();
        assert_eq!(reasons(&messages), reasons(&facts));
        // Two items of an interrupted turn, and the turn of a compaction.
        let unreported = [
            (Subject::Item, Reason::NotCompletedItem),
            (Subject::Item, Reason::NotCompletedItem),
            (Subject::Turn, Reason::NoResolvedConfig),
        ];
        assert_eq!(reasons(&messages), unreported);
    }
}

#[test]
fn what_a_session_says_is_what_its_events_have() {
    let events = values(&by_messages(&everything("0.131.0")));
    let params = |at: usize| &events[at]["event_params"];
    let pick = |at: usize, names: &[&str]| names.iter().map(|name| params(at)[name].clone()).collect::<Vec<_>>();
    let reviews = [2, 4, 6, 10, 12, 14, 28].map(|at| params(at)["status"].clone());
    assert_eq!(reviews, ["approved", "approved", "denied", "approved", "approved", "denied", "aborted"]);
    let ended = ["item_id", "terminal_status", "exit_code", "duration_ms"];
    assert_eq!(pick(1, &ended), [json!("item-2"), json!("failed"), json!(101), json!(10)]);
    assert_eq!(pick(7, &ended), [json!("item-5"), json!("rejected"), json!(null), json!(30)]);
    assert_eq!(pick(22, &["tool_name", "duration_ms"]), [json!("wait"), json!(1510)]);
    let lines = ["accepted_added_lines", "accepted_deleted_lines"];
    assert_eq!(pick(20, &lines), [4, 1], "two lines of a new file; another line, and one behind it");
    let compacted = ["trigger", "active_context_tokens_before", "active_context_tokens_after", "duration_ms"];
    assert_eq!(pick(21, &compacted), [json!("manual"), json!(1280), json!(300), json!(10)]);
    let turn = ["turn_id", "status", "turn_error", "is_first_turn", "steer_count", "total_tokens"];
    for (at, expected) in [
        (19, json!(["turn-1", "completed", null, true, 1, 15360])),
        (23, json!(["turn-3", "failed", "usageLimitExceeded", false, 0, 1280])),
        (24, json!(["turn-4", "failed", { "responseStreamDisconnected": { "httpStatusCode": null } }, false, 0, 0])),
        (25, json!(["turn-5", "failed", null, false, 0, 0])),
        (27, json!(["turn-7", "completed", null, false, 0, 1280])),
        (29, json!(["turn-6", "interrupted", null, true, 0, null])),
        (30, json!(["turn-8", "completed", null, false, 0, 1280])),
    ] {
        assert_eq!(json!(pick(at, &turn)), expected, "{at}");
    }
}

#[test]
fn a_session_is_the_same_in_each_run() {
    assert_eq!(everything("0.131.0"), everything("0.131.0"));
    let server = AppServer::starting_at("0.131.0", UnixMillis(5000));
    assert_eq!(server.now(), UnixMillis(5010));
    let steps = server.take_steps();
    assert_eq!((steps.len(), steps[0].at, steps[0].facts.len()), (1, UnixMillis(5000), 1));
    let directions: Vec<_> = steps[0].messages.iter().map(|message| message.direction).collect();
    let (up, down) = (Direction::ClientToServer, Direction::ServerToClient);
    assert_eq!(directions, [up, down, up, up, down]);
    assert_eq!(server.take_steps(), []);
}

#[test]
fn what_codex_does_not_do_panics() {
    let refused = |what: &dyn Fn(&AppServer)| {
        let server = AppServer::new("0.131.0");
        let panic = catch_unwind(AssertUnwindSafe(|| what(&server))).expect_err("a panic");
        let text = panic.downcast::<String>().expect("a text");
        // The session goes on.
        assert_eq!(server.start_thread().id().split('-').next(), Some("thread"));
        *text
    };
    let two_turns = refused(&|server| {
        let thread = server.start_thread();
        let _turn = thread.start_turn("One");
        thread.start_turn("Two").complete();
    });
    assert_eq!(two_turns, "turn-1 of thread-1 runs already");
    let compaction_in_turn = refused(&|server| {
        let thread = server.start_thread();
        let _turn = thread.start_turn("One");
        thread.compact();
    });
    assert_eq!(compaction_in_turn, "turn-1 of thread-1 runs already");
    let late_item = refused(&|server| {
        let turn = server.start_thread().start_turn("One");
        let command = turn.command_execution("sleep 1");
        turn.complete();
        command.complete();
    });
    assert_eq!(late_item, "turn-1 is over");
    let late_answer = refused(&|server| {
        let turn = server.start_thread().start_turn("One");
        let approval = turn.file_change("a", "", "b\n").request_approval();
        turn.interrupt();
        approval.decline();
    });
    assert_eq!(late_answer, "turn-1 is over");
}
