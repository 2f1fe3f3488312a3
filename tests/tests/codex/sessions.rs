//! The real Codex behind `turnledger tap`: the events that the tap uploads are those that Codex itself uploads
//! for the same session, and its recording replays to them.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};
use turnledger_tests::codex::{
    Finished, Model, Session, Setup, Step, Version, is_installed, message, patch, shell, turn,
};
use turnledger_tests::compare::{Comparison, without_clocks};
use turnledger_tests::golden::REMOTE;
use turnledger_tests::program::{lines, run, stderr};

/// A session, if the binary is there.
fn start(how: fn(Model, Setup) -> Session, model: Model, setup: Setup) -> Option<Session> {
    is_installed(setup.version).then(|| how(model, setup))
}

/// Codex hashes remotes with SHA-1, and Turnledger with SHA-256.
fn without_repositories(mut events: Vec<Value>) -> Vec<Value> {
    for event in &mut events {
        if let Some(hash) = event["event_params"].get_mut("repo_hash").filter(|hash| hash.is_string()) {
            *hash = "a hash".into();
        }
    }
    events
}

/// Plays a session with each version until Codex has uploaded all that it is worth, which it does not always: at most three
/// times.
fn check(name: &str, play: impl Fn(Version) -> Option<Finished>) {
    for version in [Version::Contract, Version::Newest] {
        let mut attempts = (0..3).map_while(|_| play(version));
        let Some(mut finished) = attempts.next() else { continue };
        while finished.real.len() < finished.expected {
            let (uploaded, expected) = (finished.real.len(), finished.expected);
            assert_eq!(finished.ours.len(), expected);
            let _ = writeln!(std::io::stderr(), "{name}: Codex uploaded {uploaded} of {expected} events");
            finished = attempts.next().expect("Codex uploads all events of one of three sessions");
        }
        compare(&format!("{name}, {version:?}"), finished);
    }
}

fn compare(name: &str, finished: Finished) {
    let Finished { expected, real, ours, recording, transport, stderr: said } = finished;
    let said = said.lines().filter(|line| line.starts_with("turnledger:") && !line.contains("are passed on to"));
    assert_eq!(said.collect::<Vec<_>>(), [""; 0]);
    assert_eq!(ours.len(), expected);
    assert_eq!(real.len(), expected);
    let mut comparison = Comparison::default();
    comparison.add(name, &recording, &without_repositories(ours.clone()), &without_repositories(real));
    println!("{comparison}");
    assert_eq!((&comparison.differences, &comparison.invisible), (&Vec::new(), &Vec::new()));
    let (matched, extra) = comparison.rows.values().fold((0, 0), |sum, row| (sum.0 + row.matched, sum.1 + row.extra));
    assert_eq!((matched, extra), (expected as u64, 0));

    let replayed =
        run(&["replay", "--strict", "-q", "--remote", REMOTE, "--transport", transport, "-"], recording.as_bytes());
    assert_eq!((stderr(&replayed), replayed.status.code()), (String::new(), Some(0)));
    let sorted = |mut events: Vec<Value>| {
        // The tap saw the folder, which is gone.
        let is_known = |event: &&mut Value| event["event_params"]["is_worktree"].is_boolean();
        events.iter_mut().filter(is_known).for_each(|event| event["event_params"]["is_worktree"] = Value::Null);
        let mut texts: Vec<_> = without_clocks(events).iter().map(Value::to_string).collect();
        texts.sort();
        texts
    };
    assert_eq!(sorted(lines(&replayed)), sorted(ours));
}

#[test]
fn threads_are_started_forked_and_resumed() {
    check("threads", |version| {
        let model = Model::new(["one", "two", "three"].map(|text| turn([message(text)])));
        let mut session = start(Session::start, model, Setup::new(version))?;
        let thread = session.thread();
        session.turn(&thread, "one");
        let forked = session.request("thread/fork", &json!({ "threadId": thread }));
        let fork = forked["result"]["thread"]["id"].as_str().expect("a fork").to_owned();
        session.turn(&fork, "two");
        session.request("thread/unsubscribe", &json!({ "threadId": thread }));
        session.request("thread/resume", &json!({ "threadId": thread }));
        session.turn(&thread, "three");
        Some(session.finish(6))
    });
}

#[test]
fn a_session_over_a_websocket() {
    check("websocket", |version| {
        let model = Model::new([turn([shell(version, "echo hello")]), turn([message("done")])]);
        let mut session = start(Session::start_websocket, model, Setup::new(version))?;
        let thread = session.thread();
        session.turn(&thread, "go");
        Some(session.finish(3))
    });
}

#[test]
fn commands_run_and_fail() {
    check("commands", |version| {
        let script = ["cat README.md && ls src", "grep -n hello -r src", "exit 3"]
            .map(|command| turn([shell(version, command)]));
        let model = Model::new(script.into_iter().chain([turn([message("done")])]));
        let mut session = start(Session::start, model, Setup::new(version))?;
        let thread = session.thread();
        session.turn(&thread, "go");
        Some(session.finish(5))
    });
}

#[test]
fn a_patch_is_approved_and_another_is_declined() {
    check("patch", |version| {
        let adds = "*** Begin Patch\n*** Add File: src/total.py\n+def total(values):\n+    return sum(values)\n*** End Patch\n";
        let deletes = "*** Begin Patch\n*** Delete File: README.md\n*** End Patch\n";
        let model = Model::new([turn([patch(adds)]), turn([patch(deletes)]), turn([message("done")])]);
        let (approval_policy, sandbox_mode) = match version {
            Version::Contract => ("untrusted", "workspace-write"),
            Version::Newest => ("on-request", "read-only"),
        };
        let setup = Setup { version, approval_policy, sandbox_mode };
        let mut session = start(Session::start, model, setup)?;
        session.decide(["accept", "decline"]);
        let thread = session.thread();
        session.turn(&thread, "go");
        Some(session.finish(7))
    });
}

#[test]
fn a_turn_is_steered() {
    check("steer", |version| {
        let slow = Step::after(Duration::from_millis(1500), [message("first")]);
        let mut session = start(Session::start, Model::new([slow, turn([message("second")])]), Setup::new(version))?;
        let thread = session.thread();
        let running = session.start_turn(&thread, "go");
        session.until("turn/started", |_| true);
        let input = json!([{ "type": "text", "text": "also this" }]);
        let steer = |turn: &str| json!({ "threadId": thread, "expectedTurnId": turn, "input": input });
        assert!(session.request("turn/steer", &steer(&running)).get("result").is_some());
        assert!(session.request("turn/steer", &steer("another turn")).get("error").is_some());
        session.turn_completed(&running);
        assert!(session.request("turn/steer", &steer(&running)).get("error").is_some());
        Some(session.finish(5))
    });
}

#[test]
fn a_turn_is_interrupted() {
    check("interrupt", |version| {
        let mut session = start(Session::start, Model::new([turn([shell(version, "sleep 20")])]), Setup::new(version))?;
        let thread = session.thread();
        let running = session.start_turn(&thread, "go");
        session.until("item/started", |params| params["item"]["type"] == "commandExecution");
        session.request("turn/interrupt", &json!({ "threadId": thread, "turnId": running }));
        session.turn_completed(&running);
        // The command ends after its turn, which newer versions report.
        Some(session.finish(if version == Version::Newest { 3 } else { 2 }))
    });
}

#[test]
fn a_thread_is_compacted() {
    check("compaction", |version| {
        let model = Model::new(["one", "two"].map(|text| turn([message(text)])));
        let mut session = start(Session::start, model, Setup::new(version))?;
        let thread = session.thread();
        session.turn(&thread, "one");
        session.request("thread/compact/start", &json!({ "threadId": thread }));
        session.until("turn/completed", |_| true);
        session.turn(&thread, "two");
        Some(session.finish(4))
    });
}

#[test]
fn turns_fail() {
    check("failures", |version| {
        let limit = json!({ "type": "usage_limit_reached", "message": "limit", "plan_type": "pro", "resets_at": 4_000_000_000_u64 });
        let model = Model::new([
            Step::Fail(500, json!({ "error": { "message": "boom" } })),
            Step::Fail(400, json!({ "error": { "message": "bad", "type": "invalid_request_error" } })),
            Step::Fail(429, json!({ "error": limit })),
        ]);
        let mut session = start(Session::start, model, Setup::new(version))?;
        let thread = session.thread();
        for _ in 0..3 {
            session.turn(&thread, "go");
        }
        Some(session.finish(4))
    });
}
