//! The canary: a marker in everything that analytics must never see is nowhere in what comes out.

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::accepted_lines::{DiffParser, Fingerprinter, lines};
use turnledger_core::event::common::RpcTransport;
use turnledger_core::fact::guardian::GuardianReview;
use turnledger_core::observer::{Observation, ObserverLimits};
use turnledger_core::{Direction, Fact, Observer, Output, Policy, UnixMillis};
use turnledger_git::repository::{ChangeReader, Git};
use turnledger_tests::canary::{MARKER, mark};
use turnledger_tests::golden::{Message, answer, pipeline, recordings};
use turnledger_tests::program::{run, stderr};
use turnledger_tests::repo::Repo;

/// What the recordings lack: other kinds of reviews, tools and mistakes.
fn more() -> Vec<(Direction, String)> {
    let from_server = |method: &str, params: Value| {
        (Direction::ServerToClient, json!({ "method": method, "params": params }).to_string())
    };
    let review = |action: Value| {
        from_server(
            "item/autoApprovalReview/completed",
            json!({ "threadId": "T", "turnId": "U", "startedAtMs": 1, "completedAtMs": 2, "reviewId": "r", "targetItemId": "i",
                "review": { "status": "denied", "riskLevel": "high", "userAuthorization": "low", "rationale": MARKER }, "action": action }),
        )
    };
    let path = format!("/{MARKER}/bin/rm");
    let completed = |item: Value| {
        from_server("item/completed", json!({ "threadId": "T", "turnId": "U", "completedAtMs": 9, "item": item }))
    };
    let started = |item: Value| {
        from_server("item/started", json!({ "threadId": "T", "turnId": "U", "startedAtMs": 8, "item": item }))
    };
    let search = json!({ "type": "webSearch", "id": "w", "query": MARKER, "action": { "type": "findInPage", "url": MARKER, "pattern": MARKER } });
    let dynamic = json!({ "type": "dynamicToolCall", "id": "d", "tool": "t", "arguments": { "a": MARKER }, "status": "completed",
        "contentItems": [{ "type": "inputText", "text": MARKER }, { "type": "inputImage", "imageUrl": MARKER }], "success": true });
    let ask = |id: u64, method: &str, params: Value| {
        (Direction::ServerToClient, json!({ "id": id, "method": method, "params": params }).to_string())
    };
    let client = |value: Value| (Direction::ClientToServer, value.to_string());
    vec![
        client(json!({ "id": 1, "method": "initialize", "params": { "clientInfo": { "name": "c", "title": MARKER, "version": "1" } } })),
        (Direction::ServerToClient, json!({ "id": 1, "result": { "userAgent": "c/0.131.0 (L 1; x86_64)", "codexHome": path } }).to_string()),
        client(json!({ "id": 2, "method": "thread/start", "params": { "cwd": path, "config": { "key": MARKER } } })),
        (Direction::ServerToClient, json!({ "id": 2, "result": { "thread": { "id": "T", "preview": MARKER, "cwd": path, "gitInfo": { "originUrl": MARKER } }, "model": "m", "cwd": path } }).to_string()),
        client(json!({ "id": 3, "method": "turn/start", "params": { "threadId": "T", "cwd": path, "input": [
            { "type": "text", "text": format!("do ${MARKER} with {MARKER}") }, { "type": "image", "url": MARKER }, { "type": "localImage", "path": path },
            { "type": "skill", "name": "s", "path": format!("{path}/SKILL.md") }, { "type": "mention", "name": MARKER, "path": path } ] } })),
        (Direction::ServerToClient, json!({ "id": 3, "result": { "turn": { "id": "U" } } }).to_string()),
        from_server("turn/started", json!({ "threadId": "T", "turn": { "id": "U", "status": "inProgress" } })),
        from_server("item/started", json!({ "threadId": "T", "turnId": "U", "startedAtMs": 1, "item": { "type": "contextCompaction", "id": "k" } })),
        from_server("error", json!({ "threadId": "T", "turnId": "U", "willRetry": false, "error": { "message": format!("500 from https://{MARKER}.test/ at {path}: \"{MARKER}\""), "additionalDetails": MARKER } })),
        review(json!({ "type": "command", "source": "shell", "command": MARKER, "cwd": path })),
        review(json!({ "type": "execve", "source": "shell", "program": path, "argv": [MARKER], "cwd": path })),
        review(json!({ "type": "applyPatch", "cwd": path, "files": [path] })),
        review(json!({ "type": "networkAccess", "target": MARKER, "host": MARKER, "protocol": "https", "port": 443 })),
        review(json!({ "type": "requestPermissions", "reason": MARKER, "permissions": { "fileSystem": { "write": [path] } } })),
        started(search.clone()),
        completed(search),
        started(dynamic.clone()),
        completed(dynamic),
        ask(7, "item/commandExecution/requestApproval", json!({ "threadId": "T", "turnId": "U", "itemId": "i", "startedAtMs": 5, "command": MARKER, "cwd": path,
            "networkApprovalContext": { "host": MARKER, "protocol": "http" }, "additionalPermissions": { "fileSystem": { "read": [path] } }, "reason": MARKER })),
        client(json!({ "id": 7, "result": { "decision": { "applyNetworkPolicyAmendment": { "network_policy_amendment": { "host": MARKER, "action": "allow" } } } } })),
        ask(8, "item/fileChange/requestApproval", json!({ "threadId": "T", "turnId": "U", "itemId": "i", "startedAtMs": 5, "grantRoot": path, "reason": MARKER })),
        client(json!({ "id": 8, "result": { "decision": MARKER } })),
        ask(9, "item/permissions/requestApproval", json!({ "threadId": "T", "turnId": "U", "itemId": "i", "startedAtMs": 5, "cwd": path, "reason": MARKER, "permissions": { "fileSystem": { "write": [path] } } })),
        client(json!({ "id": 9, "result": { "permissions": { "fileSystem": { "write": [path] } }, "scope": MARKER } })),
        client(json!({ "id": 20, "method": "config/batchWrite", "params": { "edits": [{ "keyPath": format!("projects.{path}"), "value": MARKER }, { "keyPath": "plugins.a@m.enabled", "value": true }] } })),
        (Direction::ServerToClient, json!({ "id": 20, "result": { "filePath": path } }).to_string()),
        // Mistakes: wrong types and broken JSON.
        from_server("turn/started", json!({ "threadId": [MARKER], "turn": MARKER })),
        from_server("item/started", json!({ "threadId": "T", "turnId": "U", "startedAtMs": MARKER, "item": { "type": "webSearch", "id": "x" } })),
        completed(json!({ "type": "commandExecution", "id": "x", "status": { "a": MARKER } })),
        (Direction::ServerToClient, format!("{{\"method\":\"{MARKER}\",\"params\":{{\"x\":\"{MARKER}\"")),
        (Direction::ServerToClient, MARKER.to_string()),
        from_server("turn/diff/updated", json!({ "threadId": "T", "turnId": "U", "diff": format!("diff --git a{path} b{path}\n--- a{path}\n+++ b{path}\n@@ -1 +1 @@\n+let x = \"{MARKER}\";\n") })),
        from_server("turn/completed", json!({ "threadId": "T", "turn": { "id": "U", "status": "failed", "error": { "message": format!("see https://{MARKER}/"), "additionalDetails": MARKER } } })),
    ]
}

/// Policies that drop, hash and coarsen.
fn policies() -> [Policy<Sha2>; 3] {
    let policy = |rules: &str| {
        let keyed = Sha2::keyed(b"a key of 16 bytes or more").expect("a key");
        Policy::new(rules, keyed).expect("a policy")
    };
    [
        policy(r#"{"drop_events":["codex_turn_event"],"drop_members":["app_server_client","runtime"]}"#),
        policy(r#"{"hash_members":["*"],"coarsen_times":"hour"}"#),
        policy(r#"{"allow_members":["*_id","status","model"],"drop_clients":["other"]}"#),
    ]
}

fn assert_unmarked(what: &str, text: &str) {
    if let Some(at) = text.find(MARKER) {
        let start = text[..at].char_indices().rev().nth(120).map_or(0, |(start, _)| start);
        panic!("{what} shows the marker: …{}", &text[start..at + MARKER.len()]);
    }
}

/// Feeds a session and looks at everything that can be seen of it after every message.
fn watch(name: &str, messages: &[Message]) -> usize {
    let mut session = pipeline(Sha2::default());
    let mut observer = Observer::new(RpcTransport::Stdio, ObserverLimits::default());
    let mut events = 0;
    for message in messages {
        let text = message.text.as_bytes();
        let mut observed = Observation::default();
        observer.observe(message.at, message.connection_id, message.direction, text, &mut observed);
        assert_unmarked(&format!("{name}: Debug of an observation"), &format!("{observed:?}"));
        let mut output = Output::default();
        let _ = session.observe(message.at, message.connection_id, message.direction, text, &mut output);
        assert_unmarked(&format!("{name}: Debug of an output"), &format!("{output:?}"));
        answer(&mut session, message.at, &mut output);
        for event in &output.events {
            assert_unmarked(&format!("{name}: an event"), &event.to_string());
            for policy in policies() {
                let left = policy.apply_to_allowed(&event.to_json());
                assert_unmarked(&format!("{name}: what a policy lets leave"), &format!("{left:?}"));
            }
        }
        assert_unmarked(&format!("{name}: Debug of an answered output"), &format!("{output:?}"));
        assert_unmarked(&format!("{name}: a snapshot"), &session.snapshot());
        assert_unmarked(&format!("{name}: Debug of the session"), &format!("{session:?} {observer:?}"));
        events += output.events.len();
    }
    let mut output = Output::default();
    session.finish(messages.last().map_or(UnixMillis(0), |message| message.at), &mut output);
    assert_unmarked(&format!("{name}: what comes at the end"), &format!("{output:?}"));
    events + output.events.len()
}

#[test]
fn recordings_with_a_marker_in_everything_private() {
    for version in ["0.131.0", "0.169.0"] {
        let (mut marked, mut events) = (0, 0);
        for recording in recordings(version) {
            let mut messages = recording.messages();
            for message in &mut messages {
                let mut value: Value = serde_json::from_str(&message.text).expect("a message");
                mark(&mut value, false);
                message.text = value.to_string();
                marked += message.text.matches(MARKER).count();
            }
            events += watch(&recording.name, &messages);
        }
        assert!(marked > 2000, "{marked} markers");
        assert!(events > 200, "the marker changes no event's existence: {events} events");
    }
}

#[test]
fn kinds_of_messages_that_the_recordings_lack() {
    let messages: Vec<_> = more()
        .into_iter()
        .enumerate()
        .map(|(time, (direction, text))| Message {
            at: UnixMillis(1000 + time as u64),
            connection_id: 1.into(),
            direction,
            text,
        })
        .collect();
    let events = watch("more", &messages);
    // Thread, six reviews with their details where they have any, two tools, two user reviews, plugin, compaction,
    // skill, turn, accepted lines.
    assert!(events >= 18, "{events} events");
}

#[test]
fn a_typed_review_keeps_the_number_of_its_paths() {
    let review = json!({
        "thread_id": "T", "turn_id": "U", "review_id": "r", "target_item_id": null, "approval_request_source": "main_turn",
        "reviewed_action": { "type": "shell", "sandbox_permissions": "with_additional_permissions", "additional_permissions": {
            "network": { "enabled": true }, "file_system": { "read": [format!("/{MARKER}/a"), format!("/{MARKER}/b")], "write": [] } } },
        "reviewed_action_truncated": false, "decision": "denied", "terminal_status": "denied", "failure_reason": null, "risk_level": null,
        "user_authorization": null, "outcome": null, "guardian_thread_id": null, "guardian_session_kind": null, "guardian_model": null,
        "guardian_reasoning_effort": null, "had_prior_review_context": null, "review_timeout_ms": 90000, "tool_call_count": null,
        "time_to_first_token_ms": null, "completion_latency_ms": null, "started_at": 1, "completed_at": null, "input_tokens": null,
        "cached_input_tokens": null, "output_tokens": null, "reasoning_output_tokens": null, "total_tokens": null
    });
    let review: GuardianReview = serde_json::from_value(review).expect("a review");
    let fact = Fact::GuardianReview(Box::new(review.clone()));
    assert_unmarked("Debug of the fact", &format!("{fact:?}"));
    let written = serde_json::to_value(&review).expect("the review as JSON");
    assert_eq!(
        written["reviewed_action"]["additional_permissions"],
        json!({ "network": { "enabled": true }, "file_system": { "read": ["[path]", "[path]"] } })
    );
}

/// Diffs of every form with the marker in their paths and lines, whole and broken.
fn diffs() -> Vec<String> {
    let line = format!("let {MARKER} = \"{MARKER}\";");
    let git = format!(
        "diff --git a/{MARKER}/x b/{MARKER}/x\nindex 1..2 100644\n--- a/{MARKER}/x\n+++ b/{MARKER}/x\n@@ -1 +1,2 @@ fn {MARKER}\n-{line}\n+{line}\n+\t{line}\n"
    );
    let combined = format!(
        "diff --cc {MARKER}\n--- a/{MARKER}\n+++ b/{MARKER}\n@@@ -1,1 -1,1 +1,1 @@@\n- {line}\n -{line}\n++{line}\n"
    );
    let rename = format!("diff --git a/{MARKER} b/x\nrename from {MARKER}\nrename to {MARKER}x\n");
    let broken = format!("@@ {MARKER} @@\n+++ \"{MARKER}\\x\n@@ -1 +1 @@\n{MARKER}\n+{line}");
    vec![git.clone(), combined, rename, broken, git.replace('\n', "\r\n"), git[..git.len() / 2].into(), MARKER.into()]
}

#[test]
fn diffs_leave_hashes_alone() {
    for diff in diffs() {
        let mut fingerprinter = Fingerprinter::new(Sha2::default());
        let mut parser = DiffParser::default();
        for line in lines(diff.as_bytes()) {
            assert_unmarked("Debug of a parsed line", &format!("{:?} {parser:?}", parser.clone().line(line)));
            parser.line(line);
            let found = fingerprinter.line(line);
            assert_unmarked("Debug of the fingerprinter", &format!("{fingerprinter:?} {found:?}"));
        }
        let output = run(&["fingerprint"], diff.as_bytes());
        // What has no header is no diff.
        assert!(matches!(output.status.code(), Some(0 | 2)), "{}", stderr(&output));
        assert_unmarked("turnledger fingerprint", &String::from_utf8_lossy(&output.stdout));
        assert_unmarked("turnledger fingerprint, aside", &stderr(&output));
    }
}

#[test]
fn attribution_names_files_and_shows_no_line() {
    let repo = Repo::new();
    repo.commit("base");
    repo.write("file.txt", format!("let {MARKER} = 1;\n"));
    repo.commit("change");
    let diff = repo.git(&["diff", "HEAD~1", "HEAD"]);
    repo.write(".git/events.jsonl", run(&["fingerprint"], &diff).stdout);
    repo.write(".git/bad.jsonl", format!("{MARKER}\n{{\"event_type\":\"codex_accepted_line_fingerprints\",\"event_params\":{{\"thread_id\":\"{MARKER}\"}}}}\n"));
    let (here, events, bad) = (
        repo.argument(),
        format!("{}/.git/events.jsonl", repo.argument()),
        format!("{}/.git/bad.jsonl", repo.argument()),
    );
    for format in ["table", "json", "csv", "markdown"] {
        for arguments in [&["HEAD"][..], &["HEAD", "--by", "file"], &["HEAD", "--by", "thread"], &["--worktree"]] {
            let base = ["attribute", "--repo", &here, "--events", &events, "--events", &bad, "--format", format];
            let output = run(&[&base, arguments].concat(), b"");
            assert_eq!(output.status.code(), Some(1), "the bad lines are said: {}", stderr(&output));
            assert!(!output.stdout.is_empty());
            assert_unmarked("turnledger attribute", &String::from_utf8_lossy(&output.stdout));
            assert_unmarked("turnledger attribute, aside", &stderr(&output));
        }
    }
    let git = Git::open(Some(repo.path())).expect("the repository");
    let step = git.span("HEAD").expect("a commit");
    let mut seen = 0;
    ChangeReader::new(&git)
        .expect("a reader")
        .read(&step, |change| {
            seen += change.added.len();
            assert_unmarked("Debug of a change", &format!("{change:?}"));
        })
        .expect("the change");
    assert_eq!(seen, 1);
}
