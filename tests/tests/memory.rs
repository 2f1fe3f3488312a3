//! State is bounded in bytes: every map is filled with the largest entries that there can be.
//!
//! One test a process: what the system says of its memory is of all of it.

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::discard::{Reason, Subject};
use turnledger_core::event::common::RpcTransport;
use turnledger_core::observer::ObserverLimits;
use turnledger_core::{
    Cap, Direction, Fact, Limits, MAX_ID_BYTES, MAX_NAME_BYTES, Output, Pipeline, UnixMillis, reducer,
};
use turnledger_tests::memory::memory;

const TO_SERVER: Direction = Direction::ClientToServer;
const TO_CLIENT: Direction = Direction::ServerToClient;

/// An id as long as can be, which nothing else has.
fn id(kind: &str, number: usize) -> String {
    format!("{kind}-{number:x>width$}", width = MAX_ID_BYTES - kind.len() - 1)
}

/// A name that is longer than can be.
fn name(kind: &str, number: usize) -> String {
    format!("{kind}-{number}-{}", "x".repeat(MAX_NAME_BYTES))
}

struct Filler {
    session: Pipeline<Sha2>,
    output: Output,
    connection: u64,
}

impl Filler {
    fn new(limits: &Limits) -> Self {
        Self {
            session: Pipeline::new(Sha2::default(), RpcTransport::Stdio, *limits),
            output: Output::default(),
            connection: 0,
        }
    }

    fn show(&mut self, direction: Direction, message: &Value) {
        self.session
            .observe(UnixMillis(1), self.connection, direction, message.to_string().as_bytes(), &mut self.output)
            .expect("a message");
        self.output.clear();
    }

    fn call(&mut self, id: &str, method: &str, params: &Value, result: &Value) {
        self.show(TO_SERVER, &json!({ "id": id, "method": method, "params": params }));
        self.show(TO_CLIENT, &json!({ "id": id, "result": result }));
    }

    /// One more entry in every map.
    fn fill(&mut self, number: usize) {
        self.connection = number as u64;
        let (thread, turn, item, request) =
            (id("thread", number), id("turn", number), id("item", number), id("request", number));
        let (model, plugin) = (name("model", number), format!("{number}-{}@{}", "p".repeat(100), "m".repeat(100)));
        let user_agent =
            format!("{}/{} (os {}; {})", name("o", number), "1".repeat(300), "2".repeat(300), "3".repeat(300));
        let client = json!({ "clientInfo": { "name": name("client", number), "version": name("version", number) } });
        self.call("1", "initialize", &client, &json!({ "userAgent": user_agent, "platformOs": "o".repeat(300) }));
        let source = json!({ "subAgent": { "thread_spawn": { "parent_thread_id": id("parent", number) } } });
        self.call(
            "2",
            "thread/start",
            &json!({}),
            &json!({
                "thread": { "id": thread, "source": source, "threadSource": "w".repeat(64) },
                "model": model, "modelProvider": name("provider", number), "cwd": format!("/{}", "d".repeat(4000)),
            }),
        );
        let skills = json!([{ "name": name("skill", number), "path": format!("/{number}/{}", "s".repeat(4000)), "scope": "user" }]);
        self.call("3", "skills/list", &json!({}), &json!({ "data": [{ "skills": skills }] }));
        self.call(
            "4",
            "app/list",
            &json!({}),
            &json!({ "data": [{ "id": id("app", number), "name": name("app", number) }] }),
        );
        let connectors: Vec<_> = (0..64).map(|connector| json!({ "id": id("connector", connector) })).collect();
        let servers: Vec<_> = (0..64).map(|server| name("server", server)).collect();
        let summary = json!({ "id": plugin, "remotePluginId": name("remote", number) });
        self.call(
            "5",
            "plugin/read",
            &json!({}),
            &json!({ "plugin": { "summary": summary, "skills": [], "apps": connectors, "mcpServers": servers } }),
        );
        self.call("6", "plugin/list", &json!({}), &json!({ "marketplaces": [{ "name": name("market", number), "path": format!("/{number}"), "plugins": [] }] }));

        // A turn that runs, with everything open in it.
        let input = json!([{ "type": "skill", "name": name("skill", number), "path": "/x/SKILL.md" }]);
        let start =
            json!({ "threadId": thread, "input": input, "model": name("other", number), "cwd": format!("/{number}") });
        self.call("7", "turn/start", &start, &json!({ "turn": { "id": turn } }));
        self.show(TO_CLIENT, &json!({ "method": "turn/started", "params": { "threadId": thread, "turn": { "id": turn, "status": "inProgress" } } }));
        let compaction = json!({ "type": "contextCompaction", "id": item });
        self.show(TO_CLIENT, &json!({ "method": "item/started", "params": { "threadId": thread, "turnId": turn, "startedAtMs": 1, "item": compaction } }));
        let error = json!({ "message": "\u{8a9e}".repeat(5000) });
        self.show(TO_CLIENT, &json!({ "method": "error", "params": { "threadId": thread, "turnId": turn, "willRetry": false, "error": error } }));
        let diff = format!("{:x<9000}", "+++ b/x\n@@ -1 +1 @@\n+");
        self.show(
            TO_CLIENT,
            &json!({ "method": "turn/diff/updated", "params": { "threadId": thread, "turnId": turn, "diff": diff } }),
        );
        let patch = json!({ "type": "fileChange", "id": item, "changes": [], "status": "inProgress" });
        self.show(TO_CLIENT, &json!({ "method": "item/started", "params": { "threadId": thread, "turnId": turn, "startedAtMs": 1, "item": patch } }));
        let action = json!({ "type": "mcpToolCall", "server": name("server", number), "toolName": name("tool", number), "connectorId": id("connector", number), "connectorName": name("connector", number) });
        self.show(TO_CLIENT, &json!({ "method": "item/autoApprovalReview/completed", "params": { "threadId": thread, "turnId": turn, "startedAtMs": 1,
            "completedAtMs": 2, "reviewId": id("review", number), "targetItemId": id("call", number), "review": { "status": "approved" }, "action": action } }));
        let approval = json!({ "threadId": thread, "turnId": turn, "itemId": item, "startedAtMs": 1, "proposedNetworkPolicyAmendments": vec![0; 1000] });
        self.show(
            TO_CLIENT,
            &json!({ "id": request, "method": "item/commandExecution/requestApproval", "params": approval }),
        );
        let config = json!({ "turn_resolved_config": { "turn_id": turn, "thread_id": thread, "num_input_images": 0, "submission_type": null, "ephemeral": false,
            "model": name("resolved", number), "model_provider": name("provider", number), "permission_profile": null, "reasoning_effort": null,
            "reasoning_summary": null, "service_tier": null, "approval_policy": "never", "approvals_reviewer": "user", "sandbox_network_access": false,
            "collaboration_mode": "default", "personality": null, "is_first_turn": true } });
        let config = Fact::from_json(&config.to_string()).expect("a fact");
        self.session.ingest(UnixMillis(1), config, &mut self.output);

        // Another one that is asked for, with as many mentions as come in a message.
        let mut input: Vec<_> = (0..40)
            .map(|skill| json!({ "type": "skill", "name": name("s", skill), "path": format!("/{}", "p".repeat(1000)) }))
            .collect();
        input.extend(
            (0..40).map(|app| json!({ "type": "mention", "name": "a", "path": format!("app://{}", id("app", app)) })),
        );
        let start = json!({ "threadId": thread, "input": input, "model": name("asked", number) });
        self.show(TO_SERVER, &json!({ "id": request, "method": "turn/start", "params": start }));
    }
}

/// The bound holds when every map is full, and stays when there comes twice as much.
#[test]
#[cfg(target_os = "linux")]
fn a_full_session() {
    const ENTRIES: usize = 400;
    let cap = Cap::new(ENTRIES, u64::MAX);
    let observer = ObserverLimits::default()
        .connections(cap)
        .requests(cap)
        .approvals(cap)
        .threads(cap)
        .turns(cap)
        .repetitions(cap)
        .catalog(cap);
    let reducer = reducer::Limits::default()
        .connections(cap)
        .threads(cap)
        .turns(cap)
        .items(cap)
        .requests(cap)
        .reviews(cap)
        .repositories(cap)
        .skills(cap)
        .calls(cap)
        .max_diff_bytes(1 << 20)
        .max_held_diff_bytes(2 << 20);
    let limits = Limits::default().observer(observer).reducer(reducer);
    let most = limits.most_bytes();
    let held = |before: u64| memory("self", "VmRSS").saturating_sub(before);
    let before = memory("self", "VmRSS");
    let mut filler = Filler::new(&limits);
    for number in 0..ENTRIES {
        filler.fill(number);
    }
    let full = held(before);
    println!("{ENTRIES} entries of each kind hold {full} bytes, at most {most}");
    assert!(full < most, "{full} bytes of at most {most}");
    assert!(full > most / 6, "the bound of {most} says little of {full} bytes");
    for number in ENTRIES..3 * ENTRIES {
        filler.fill(number);
    }
    let overfull = held(before);
    // What an allocator cannot use again is not of the state.
    assert!(overfull < full + full / 2, "{overfull} bytes after {full}");
    let discards = &filler.session.stats().discards;
    for (subject, reason) in [
        (Subject::Thread, Reason::Evicted),
        (Subject::Turn, Reason::Evicted),
        (Subject::Item, Reason::Evicted),
        (Subject::Review, Reason::Evicted),
        (Subject::Request, Reason::Evicted),
        (Subject::Connection, Reason::Evicted),
        (Subject::Skill, Reason::TooLarge),
        (Subject::Diff, Reason::TooLarge),
    ] {
        assert!(discards.contains_key(&(subject, reason)), "{subject}: {reason}, of {discards:?}");
    }
    // What no map is left without.
    let snapshot: Value = serde_json::from_str(&filler.session.snapshot()).expect("a snapshot");
    for (stage, maps) in [
        (
            "observer",
            "connections requests approvals threads turns shown reported skills apps app_slugs plugins reviewed_connectors marketplaces",
        ),
        ("reducer", "connections threads turns items requests reviews repositories skills"),
    ] {
        for map in maps.split(' ').filter(|map| !matches!(*map, "shown" | "reported")) {
            assert_eq!(snapshot[stage][map].as_array().map(Vec::len), Some(ENTRIES), "{stage} {map}");
        }
    }
    let by_default = Limits::default().most_bytes();
    println!("by default at most {by_default} bytes");
    assert!((8 << 30..11 << 30).contains(&by_default), "{by_default}");
}
