//! What an observer derives from messages that do not say it (`docs/contract/derived.md`): compactions, turns that end before
//! their request is answered, threads that the server starts, and what is reported once.

use serde_json::{Value, json};
use turnledger_tests::server::{Server, pick, with};

/// What a compaction's event says of how it came about.
fn compaction(server: &mut Server) -> [Value; 6] {
    let event = server.one();
    let names = ["trigger", "reason", "phase", "status", "implementation", "duration_ms"];
    pick(&event, &names).try_into().expect("as many values as names")
}

fn compact(server: &mut Server, turn: &str) -> [Value; 6] {
    for (when, at) in [("item/started", "startedAtMs"), ("item/completed", "completedAtMs")] {
        let item = json!({ "type": "contextCompaction", "id": "c" });
        server.note(when, json!({ "threadId": "T", "turnId": turn, at: 10, "item": item }));
    }
    compaction(server)
}

fn turn(server: &mut Server, method: &str, thread: &str, id: &str, status: &str) {
    server.note(method, json!({ "threadId": thread, "turn": { "id": id, "status": status } }));
}

/// `docs/contract/derived.md` 5: an older server says only that it compacted.
#[test]
fn compactions_of_older_servers() {
    let mut server = Server::new();
    server.note("thread/compacted", json!({ "threadId": "T", "turnId": "U" }));
    assert_eq!(
        compaction(&mut server),
        [
            "auto".into(),
            "context_limit".into(),
            "pre_turn".into(),
            "completed".into(),
            "responses_compact".into(),
            json!(0)
        ]
    );
    // Beside an item, or repeated, it says nothing new.
    server.note("thread/compacted", json!({ "threadId": "T", "turnId": "U" }));
    assert_eq!(server.take(), (vec![], vec![]));
    compact(&mut server, "U2");
    server.note("thread/compacted", json!({ "threadId": "T", "turnId": "U2" }));
    assert_eq!(server.take(), (vec![], vec![]));
}

/// `docs/contract/derived.md` 5: a hook that stops a compaction leaves no item.
#[test]
fn compactions_that_a_hook_stops() {
    let hook = |event: &str, status: &str| {
        let mut server = Server::new();
        let run = json!({ "id": "h", "eventName": event, "source": "user", "status": status, "durationMs": 250 });
        server.note("hook/completed", json!({ "threadId": "T", "turnId": "U", "run": run }));
        let (events, discards) = server.take();
        assert_eq!(discards, []);
        let compactions = events.iter().filter(|event| event.get("trigger").is_some());
        compactions
            .map(|event| pick(event, &["status", "started_at", "completed_at", "duration_ms"]))
            .collect::<Vec<_>>()
    };
    let stopped = vec![vec![json!("interrupted"), json!(8), json!(9), json!(250)]];
    assert_eq!(hook("preCompact", "stopped"), stopped);
    assert_eq!(hook("preCompact", "blocked"), stopped);
    assert_eq!(hook("preCompact", "completed"), Vec::<Vec<Value>>::new());
    assert_eq!(hook("postCompact", "stopped"), Vec::<Vec<Value>>::new());
}

/// `docs/contract/derived.md` 5: who is signed in by an API key compacts by other means.
#[test]
fn compactions_by_how_the_user_is_signed_in() {
    let mut server = Server::new();
    for (mode, implementation) in [
        (json!("apikey"), "responses"),
        (json!("chatgpt"), "responses_compact"),
        (json!("apikey"), "responses"),
        (Value::Null, "responses_compact"),
    ] {
        server.note("account/updated", json!({ "authMode": mode }));
        assert_eq!(compact(&mut server, "U")[4], implementation, "{mode}");
    }
    server.call("account/login/start", json!({ "type": "apiKey", "apiKey": "k" }), json!({ "type": "apiKey" }));
    assert_eq!(compact(&mut server, "U")[4], "responses");
    // Another login only begins when it is answered.
    let begun = json!({ "type": "chatgpt", "loginId": "l", "authUrl": "https://auth.openai.com/oauth" });
    server.call("account/login/start", json!({ "type": "chatgpt" }), begun);
    assert_eq!(compact(&mut server, "U")[4], "responses");
    for (account, implementation) in [
        (json!({ "type": "chatgpt", "email": "a@b.c", "planType": "pro" }), "responses_compact"),
        (json!({ "type": "apiKey" }), "responses"),
        (Value::Null, "responses_compact"),
    ] {
        server.call("account/read", json!({}), json!({ "account": account, "requiresOpenaiAuth": true }));
        assert_eq!(compact(&mut server, "U")[4], implementation, "{account}");
    }
}

/// `docs/contract/derived.md` 5: each request is for one compaction.
#[test]
fn compactions_that_the_user_asks_for() {
    let mut server = Server::new();
    server.call("thread/compact/start", json!({ "threadId": "T" }), json!({}));
    assert_eq!(compact(&mut server, "C1")[..3], ["manual", "user_requested", "standalone_turn"]);
    assert_eq!(compact(&mut server, "C2")[..3], ["auto", "context_limit", "pre_turn"]);
    // One that was refused is none.
    server.ask(json!({ "id": 1, "method": "thread/compact/start", "params": { "threadId": "T" } }));
    server.answer(json!({ "id": 1, "error": { "code": -32600, "message": "no" } }));
    assert_eq!(compact(&mut server, "C3")[0], "auto");
}

/// `docs/contract/derived.md` 3: a turn may be over before its request is answered.
#[test]
fn turns_that_end_before_their_request_is_answered() {
    let mut server = Server::new();
    turn(&mut server, "turn/completed", "T", "U", "completed");
    server.take();
    let params = json!({ "threadId": "T", "input": [{ "type": "image", "url": "u" }] });
    server.ask(json!({ "id": 7, "method": "turn/start", "params": params }));
    turn(&mut server, "turn/started", "T", "V", "inProgress");
    server.note(
        "item/started",
        json!({ "threadId": "T", "turnId": "V", "startedAtMs": 1, "item": { "type": "userMessage", "id": "m" } }),
    );
    turn(&mut server, "turn/completed", "T", "V", "completed");
    assert_eq!(server.take(), (vec![], vec![]));
    server.answer(json!({ "id": 7, "result": { "turn": { "id": "V" } } }));
    assert_eq!(
        pick(&server.one(), &["turn_id", "status", "num_input_images", "is_first_turn", "total_tokens"]),
        [json!("V"), json!("completed"), json!(1), json!(true), json!(0)]
    );
}

/// `docs/contract/derived.md` 11: a thread that the server says it started.
#[test]
fn threads_of_the_server() {
    let started = |thread: Value| {
        let mut server = Server::new();
        server.note("thread/started", json!({ "thread": with(json!({ "id": "N", "createdAt": 5 }), thread) }));
        let (events, discards) = server.take();
        assert_eq!(discards, []);
        let names = ["thread_id", "model", "ephemeral", "subagent_source", "parent_thread_id", "created_at"];
        events.iter().map(|event| pick(event, &names)).collect::<Vec<_>>()
    };
    let of = |source: &str, ephemeral: bool| {
        vec![vec![json!("N"), json!("m"), json!(ephemeral), json!(source), json!("T"), json!(5)]]
    };
    let spawn = json!({ "subAgent": { "thread_spawn": { "parent_thread_id": "T", "depth": 1 } } });
    assert_eq!(started(json!({ "source": spawn, "ephemeral": true })), of("thread_spawn", true));
    assert_eq!(started(json!({ "source": { "subAgent": "review" }, "forkedFromId": "T" })), of("review", false));
    let none = Vec::<Vec<Value>>::new();
    assert_eq!(started(json!({ "source": { "subAgent": "review" } })), none, "it has no parent");
    assert_eq!(started(json!({ "source": "cli", "forkedFromId": "T" })), none, "a client started it");
    assert_eq!(
        started(json!({ "source": { "subAgent": "review" }, "forkedFromId": "X" })),
        none,
        "a parent that nobody knows"
    );
}

/// A server that is newer than the contract's, with one client and its thread `T`.
fn newer(thread: Value) -> Server {
    let mut server = Server::empty();
    server.connect("0.169.0", thread);
    server
}

fn works(server: &mut Server, thread: &str, turn: &str) {
    let item = json!({ "type": "agentMessage", "id": "a" });
    server.note("item/started", json!({ "threadId": thread, "turnId": turn, "startedAtMs": 1, "item": item }));
}

/// Sentences that pass: the turn's own error, and that of a try.
const TURNS: &str = "request timed out";
const TRYS: &str = "stream disconnected before completion";

/// `docs/contract/derived.md` 5: the error of a compaction is the last one that the server does not retry.
#[test]
fn compactions_that_fail() {
    let failed = |errors: &[(&str, bool)]| {
        let mut server = Server::new();
        let item = json!({ "type": "contextCompaction", "id": "c" });
        server.note("item/started", json!({ "threadId": "T", "turnId": "U", "startedAtMs": 5_000, "item": item }));
        for (message, will_retry) in errors {
            let error = json!({ "message": message });
            server.note("error", json!({ "threadId": "T", "turnId": "U", "error": error, "willRetry": will_retry }));
            server.now.0 += 1_000;
        }
        let error = json!({ "message": TURNS });
        let turn = json!({ "id": "U", "status": "failed", "error": error });
        server.note("turn/completed", json!({ "threadId": "T", "turn": turn }));
        pick(&server.one(), &["status", "error", "completed_at"])
    };
    assert_eq!(failed(&[]), [json!("failed"), json!(TURNS), json!(9)]);
    assert_eq!(failed(&[(TRYS, true)]), [json!("failed"), json!(TURNS), json!(10)]);
    assert_eq!(
        failed(&[("unexpected status 401", false), ("unexpected status 402", false), (TRYS, true)]),
        [json!("failed"), json!("unexpected status 402"), json!(10)]
    );
}

/// `docs/contract/derived.md` 3: settings that change before a turn starts are its own; later ones are the next turn's.
#[test]
fn settings_that_change_around_a_start() {
    let model = |updates_first: bool| {
        let mut server = newer(json!({}));
        server.ask(json!({ "id": 7, "method": "turn/start", "params": { "threadId": "T", "input": [] } }));
        let response = json!({ "id": 7, "result": { "turn": { "id": "U" } } });
        let update = json!({ "threadId": "T", "threadSettings": { "model": "other" } });
        if updates_first {
            server.answer(response);
            server.note("thread/settings/updated", update);
            turn(&mut server, "turn/started", "T", "U", "inProgress");
        } else {
            turn(&mut server, "turn/started", "T", "U", "inProgress");
            server.answer(response);
            server.note("thread/settings/updated", update);
        }
        works(&mut server, "T", "U");
        turn(&mut server, "turn/completed", "T", "U", "completed");
        server.one()["model"].clone()
    };
    assert_eq!(model(true), "other");
    assert_eq!(model(false), "m");
}

/// A newer server shows what a request changes before it answers: what it made of it, not what was asked for. That holds
/// for one request.
#[test]
fn settings_that_a_request_changed() {
    let mut server = newer(json!({}));
    let mut sandbox = |id: u64, shown: Option<&str>| {
        let turn_id = format!("turn {id}");
        let params = json!({ "threadId": "T", "input": [], "permissions": "mine" });
        server.ask(json!({ "id": id, "method": "turn/start", "params": params }));
        if let Some(policy) = shown {
            let settings = json!({ "model": "m", "sandboxPolicy": { "type": policy } });
            server.note("thread/settings/updated", json!({ "threadId": "T", "threadSettings": settings }));
        }
        server.answer(json!({ "id": id, "result": { "turn": { "id": turn_id } } }));
        turn(&mut server, "turn/started", "T", &turn_id, "inProgress");
        works(&mut server, "T", &turn_id);
        turn(&mut server, "turn/completed", "T", &turn_id, "completed");
        server.one()["sandbox_policy"].clone()
    };
    assert_eq!(sandbox(7, Some("readOnly")), "read_only");
    assert_eq!(sandbox(8, None), Value::Null);
    assert_eq!(sandbox(9, Some("workspaceWrite")), "workspace_write");
}

/// `docs/contract/derived.md` 9: a hook without a turn belongs to the one that runs.
#[test]
fn the_turn_that_runs() {
    let of_hook = |server: &mut Server| {
        let run = json!({ "id": "h", "eventName": "stop", "source": "user", "status": "completed" });
        server.note("hook/completed", json!({ "threadId": "T", "turnId": null, "run": run }));
        server.one()["turn_id"].clone()
    };
    let mut server = Server::new();
    turn(&mut server, "turn/completed", "T", "another", "completed");
    assert_eq!(of_hook(&mut server), "U");
    turn(&mut server, "turn/completed", "T", "U", "completed");
    assert_eq!(of_hook(&mut server), Value::Null);

    // A client that joins late finds it in the thread's history.
    let past = json!([{ "id": "A", "status": "completed" }, { "id": "B", "status": "inProgress", "startedAt": 4 }, { "id": "C", "status": "failed" }]);
    server.call("thread/resume", json!({}), json!({ "thread": { "id": "T", "turns": past }, "model": "m" }));
    server.take();
    assert_eq!(of_hook(&mut server), "B");
}

/// Nothing of a turn that nobody asked for is kept once it is over.
#[test]
fn turns_that_nobody_asked_for() {
    let mut server = Server::new();
    let turns = |server: &Server| {
        let snapshot: Value = serde_json::from_str(&server.snapshot()).expect("JSON");
        snapshot["observer"]["turns"].as_array().map(Vec::len)
    };
    assert_eq!(turns(&server), Some(1));
    turn(&mut server, "turn/completed", "T", "U", "completed");
    assert_eq!(turns(&server), Some(0));
    // A request that was refused asked for none.
    server.ask(json!({ "id": 7, "method": "turn/start", "params": { "threadId": "T", "input": [] } }));
    server.answer(json!({ "id": 7, "error": { "code": -32600, "message": "no" } }));
    turn(&mut server, "turn/started", "T", "V", "inProgress");
    turn(&mut server, "turn/completed", "T", "V", "completed");
    assert_eq!(turns(&server), Some(0));
}

/// `docs/contract/derived.md` 11: a spawned thread has its parent's settings, and is kept unless it is said not to be.
#[test]
fn turns_of_spawned_threads() {
    let mut server = newer(json!({ "ephemeral": true }));
    let call = json!({ "type": "collabAgentToolCall", "id": "i", "tool": "spawnAgent", "status": "completed", "senderThreadId": "T",
        "receiverThreadIds": ["N"], "model": "small" });
    server.note("item/completed", json!({ "threadId": "T", "turnId": "U", "completedAtMs": 9_000, "item": call }));
    server.take();
    turn(&mut server, "turn/started", "N", "V", "inProgress");
    works(&mut server, "N", "V");
    turn(&mut server, "turn/completed", "N", "V", "completed");
    let names = ["thread_id", "model", "ephemeral", "parent_thread_id", "is_first_turn"];
    assert_eq!(pick(&server.one(), &names), [json!("N"), json!("small"), json!(false), json!("T"), json!(true)]);
}

/// `docs/contract/derived.md` 4: without a baseline each request of the turn counts once, however often it is shown.
#[test]
fn tokens_of_a_turn() {
    let used = |baseline: Option<u64>, updates: &[(u64, u64)]| {
        let mut server = Server::new();
        let usage = |total: u64, last: u64| {
            let tokens = |count: u64| json!({ "totalTokens": count, "inputTokens": count, "cachedInputTokens": 0, "outputTokens": 0, "reasoningOutputTokens": 0 });
            json!({ "total": tokens(total), "last": tokens(last) })
        };
        server.call("thread/resume", json!({}), json!({ "thread": { "id": "R" }, "model": "m" }));
        let update = |server: &mut Server, turn: &str, total, last| {
            let params = json!({ "threadId": "R", "turnId": turn, "tokenUsage": usage(total, last) });
            server.note("thread/tokenUsage/updated", params);
        };
        if let Some(total) = baseline {
            update(&mut server, "past", total, 1);
        }
        server.call("turn/start", json!({ "threadId": "R", "input": [] }), json!({ "turn": { "id": "V" } }));
        turn(&mut server, "turn/started", "R", "V", "inProgress");
        works(&mut server, "R", "V");
        for (total, last) in updates {
            update(&mut server, "V", *total, *last);
        }
        server.take();
        turn(&mut server, "turn/completed", "R", "V", "completed");
        server.one()["input_tokens"].clone()
    };
    assert_eq!(used(Some(100), &[(130, 30), (130, 30), (150, 20)]), 50);
    assert_eq!(used(Some(100), &[(90, 7)]), 0, "what the session has lost is not less than nothing");
    assert_eq!(used(None, &[(130, 30), (130, 30), (150, 20)]), 50);
    assert_eq!(used(None, &[]), 0);
}

/// `docs/contract/derived.md` 3: the first turn of a session is the first that a user has a part in.
#[test]
fn first_turns() {
    let is_first = |method: &str, past: Value| {
        let mut server = Server::new();
        server.call(method, json!({}), json!({ "thread": { "id": "R", "turns": past }, "model": "m" }));
        server.call("turn/start", json!({ "threadId": "R", "input": [] }), json!({ "turn": { "id": "V" } }));
        works(&mut server, "R", "V");
        server.take();
        turn(&mut server, "turn/completed", "R", "V", "completed");
        server.one()["is_first_turn"].clone()
    };
    let past = |kind: &str| json!([{ "id": "A", "status": "completed", "items": [{ "type": kind, "id": "i" }] }]);
    for method in ["thread/resume", "thread/fork"] {
        assert_eq!(is_first(method, past("userMessage")), false);
        assert_eq!(is_first(method, past("agentMessage")), true);
        assert_eq!(is_first(method, json!([])), true);
    }
    assert_eq!(is_first("thread/start", past("userMessage")), true);
}
