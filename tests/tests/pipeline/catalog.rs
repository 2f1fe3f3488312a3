//! What clients list, install and turn on or off, in what is said of later turns (`docs/contract/derived.md` 8, 10).

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::Direction::{ClientToServer, ServerToClient};
use turnledger_core::{Direction, Output, Pipeline, UnixMillis};
use turnledger_tests::golden::{pipeline, types, values};

struct Session {
    pipeline: Pipeline<Sha2>,
    requests: u64,
}

impl Session {
    fn new() -> Self {
        let mut session = Self { pipeline: pipeline(Sha2::default()), requests: 0 };
        session.call(
            "initialize",
            json!({ "clientInfo": { "name": "e", "version": "1" } }),
            json!({ "userAgent": "e/0.131.0" }),
        );
        session
    }

    fn observe(&mut self, direction: Direction, message: Value) -> Vec<Value> {
        let mut output = Output::default();
        self.pipeline
            .observe(UnixMillis(1), 1, direction, message.to_string().as_bytes(), &mut output)
            .expect("a message");
        values(&output.events)
    }

    /// The events of a request and its response.
    fn call(&mut self, method: &str, params: Value, result: Value) -> Vec<Value> {
        let id = self.requests;
        self.requests += 1;
        let mut events = self.observe(ClientToServer, json!({ "id": id, "method": method, "params": params }));
        events.extend(self.observe(ServerToClient, json!({ "id": id, "result": result })));
        events
    }

    /// The events of a turn that names something.
    fn turn(&mut self, id: &str, path: &str) -> Vec<Value> {
        self.turn_with(id, json!([{ "type": "mention", "name": "n", "path": path }]))
    }

    fn turn_with(&mut self, id: &str, input: Value) -> Vec<Value> {
        self.call(
            "turn/start",
            json!({ "threadId": "t", "input": input }),
            json!({ "turn": { "id": id, "status": "inProgress" } }),
        )
    }
}

#[test]
fn a_plugin_that_is_off_is_not_used_whether_it_was_listed_or_not() {
    let mut session = Session::new();
    let path = "plugin://linear@acme";
    assert_eq!(types(&session.turn("1", path)), ["codex_plugin_used"]);
    let key = "plugins.linear@acme.enabled";
    let off = session.call("config/value/write", json!({ "keyPath": key, "value": false }), json!({}));
    assert_eq!(types(&off), ["codex_plugin_disabled"]);
    assert_eq!(session.turn("2", path), [] as [Value; 0]);
    let on = session.call("config/value/write", json!({ "keyPath": key, "value": true }), json!({}));
    assert_eq!(types(&on), ["codex_plugin_enabled"]);
    assert_eq!(types(&session.turn("3", path)), ["codex_plugin_used"]);
    let gone = session.call("plugin/uninstall", json!({ "pluginId": "linear@acme" }), json!({}));
    assert_eq!(types(&gone), ["codex_plugin_uninstalled"]);
    assert_eq!(session.turn("4", path), [] as [Value; 0]);
}

impl Session {
    /// The events of a call that was reviewed, which is how the app shows.
    fn app_call(&mut self, connector: &str) -> Vec<Value> {
        let action = json!({ "type": "mcpToolCall", "server": "codex_apps", "toolName": "l", "connectorId": connector, "connectorName": null });
        let review = json!({ "threadId": "t", "turnId": "1", "reviewId": "r", "targetItemId": "i", "startedAtMs": 1,
            "completedAtMs": 2, "action": action, "review": { "status": "approved" } });
        self.observe(ServerToClient, json!({ "method": "item/autoApprovalReview/completed", "params": review }));
        let item =
            json!({ "type": "mcpToolCall", "id": "i", "server": "codex_apps", "tool": "l", "status": "inProgress" });
        let started = json!({ "threadId": "t", "turnId": "1", "startedAtMs": 3, "item": item });
        self.observe(ServerToClient, json!({ "method": "item/started", "params": started }))
    }
}

/// The latest of very many apps that were named are not remembered.
#[test]
fn apps_that_are_remembered() {
    let mut session = Session::new();
    let apps: Vec<_> = (1..=65).map(|number| json!({ "type": "mention", "path": format!("app://{number}") })).collect();
    assert_eq!(session.turn_with("1", json!(apps)).len(), 65);
    let mut how = |app| session.app_call(app)[0]["event_params"]["invoke_type"].clone();
    assert_eq!([how("1"), how("64"), how("65")], ["explicit", "explicit", "implicit"]);
}

#[test]
fn a_review_without_an_apps_name_leaves_the_listed_one() {
    let mut session = Session::new();
    session.call("app/list", json!({}), json!({ "data": [{ "id": "calendar", "name": "Calendar" }] }));
    let used = session.app_call("calendar");
    let expected = json!({ "connector_id": "calendar", "thread_id": "t", "turn_id": "1", "app_name": "Calendar",
        "product_client_id": "e", "invoke_type": "implicit", "model_slug": null });
    assert_eq!(used, [json!({ "event_type": "codex_app_used", "event_params": expected })]);
    let mentioned = session.turn("2", "app://calendar");
    assert_eq!(mentioned[0]["event_params"]["app_name"], "Calendar");
}

fn texts(texts: &[&str]) -> Value {
    texts.iter().map(|text| json!({ "type": "text", "text": text })).collect()
}

/// What events say of apps.
fn apps(events: &[Value]) -> Vec<[Value; 2]> {
    assert!(types(events).iter().all(|name| *name == "codex_app_mentioned"), "{events:?}");
    let params = events.iter().map(|event| &event["event_params"]);
    params.map(|params| ["connector_id", "app_name"].map(|name| params[name].clone())).collect()
}

/// `docs/contract/derived.md` 8: an app is named by its name in small letters, with a hyphen for anything but letters and
/// digits.
#[test]
fn apps_that_a_text_names() {
    let mut session = Session::new();
    let listed = json!({ "data": [{ "id": "connector-1", "name": "My App 2" }, { "id": "connector-2" }] });
    session.call("app/list", json!({}), listed);
    let my_app = [json!("connector-1"), json!("My App 2")];
    let named = session.turn_with("1", texts(&["ask $my-app-2, then $connector-2 and $my", "$my-app-2 again"]));
    assert_eq!(apps(&named), std::slice::from_ref(&my_app));
    assert_eq!(apps(&session.turn("2", "app://connector-2")), [[json!("connector-2"), Value::Null]]);
    assert_eq!(apps(&session.turn("3", "app://connector-1")), [my_app]);
}

/// The skills that events say were used: name, scope and whether the user named them.
fn skills(events: &[Value]) -> Vec<[Value; 3]> {
    assert!(types(events).iter().all(|name| *name == "skill_invocation"), "{events:?}");
    let of = |event: &Value| {
        let params = &event["event_params"];
        [event["skill_name"].clone(), params["skill_scope"].clone(), params["invoke_type"].clone()]
    };
    events.iter().map(of).collect()
}

fn used(name: &str, scope: &str, how: &str) -> [Value; 3] {
    [json!(name), json!(scope), json!(how)]
}

impl Session {
    fn with_skills() -> Self {
        let mut session = Self::new();
        let skill =
            |name: &str, scope: &str| json!({ "name": name, "path": format!("/s/{name}/SKILL.md"), "scope": scope });
        let skills = [skill("doc", "user"), skill("test", "repo")];
        session.call("skills/list", json!({}), json!({ "data": [{ "cwd": "/", "skills": skills }] }));
        session
    }

    /// The events that are left when the session ends.
    fn finish(&mut self) -> Vec<Value> {
        let mut output = Output::default();
        self.pipeline.finish(UnixMillis(2), &mut output);
        values(&output.events)
    }

    fn command(&mut self, turn: &str, paths: &[&str]) -> Vec<Value> {
        let actions: Vec<_> = paths
            .iter()
            .map(|path| json!({ "type": "read", "command": "cat", "name": "SKILL.md", "path": path }))
            .collect();
        let item = json!({ "type": "commandExecution", "id": "i", "commandActions": actions, "status": "completed" });
        let params = json!({ "threadId": "t", "turnId": turn, "completedAtMs": 1, "item": item });
        self.observe(ServerToClient, json!({ "method": "item/completed", "params": params }));
        self.finish()
    }
}

/// `docs/contract/derived.md` 7: skills that the user names, once each in a turn.
#[test]
fn skills_that_a_user_names() {
    let item = |name: &str| json!({ "type": "skill", "name": name, "path": format!("/s/{name}/SKILL.md") });
    let of = |input: Value| {
        let mut session = Session::with_skills();
        let mut events = session.turn_with("u", input);
        events.extend(session.finish());
        skills(&events)
    };
    let (doc, test) = (used("doc", "user", "explicit"), used("test", "repo", "explicit"));
    assert_eq!(of(texts(&["use $doc and $test, and $doc"])), [doc.clone(), test.clone()]);
    assert_eq!(of(texts(&["$newer"])), Vec::<[Value; 3]>::new());
    let once = std::slice::from_ref(&doc);
    assert_eq!(of(json!([{ "type": "text", "text": "$doc" }, item("doc")])), once, "the piece says which one");
    assert_eq!(of(json!([item("doc"), { "type": "text", "text": "$doc" }])), once);
    assert_eq!(of(json!([{ "type": "text", "text": "$test" }, item("doc")])), [test, doc.clone()]);
    assert_eq!(of(json!([item("doc"), item("doc")])), [doc.clone(), doc]);
    assert_eq!(of(json!([item("mine")])), [used("mine", "user", "explicit")]);
}

/// `docs/contract/derived.md` 7: a command that reads a listed skill's file uses it, once in a turn.
#[test]
fn skills_that_a_command_reads() {
    let mut session = Session::with_skills();
    let (doc, test) = (used("doc", "user", "implicit"), used("test", "repo", "implicit"));
    let (path, other) = ("/s/doc/SKILL.md", "/s/test/SKILL.md");
    assert_eq!(skills(&session.command("u", &[path, path, "/s/other/SKILL.md", other])), [doc.clone(), test]);
    assert_eq!(skills(&session.command("u", &[path])), Vec::<[Value; 3]>::new());
    assert_eq!(skills(&session.command("v", &[path])), [doc]);
}

/// A setting that turns nothing on or off is of no interest, and a plugin's is told once the server took it.
#[test]
fn settings_of_plugins() {
    let mut session = Session::new();
    let write = |session: &mut Session, key: &str| {
        types(&session.call("config/value/write", json!({ "keyPath": key, "value": true }), json!({}))).len()
    };
    assert_eq!(write(&mut session, "model"), 0);
    assert_eq!(write(&mut session, "plugins.linear@acme.enabled"), 1);
    let stats = session.pipeline.stats();
    assert_eq!((stats.messages, stats.irrelevant_messages), (6, 2), "neither the request nor its response");
}

/// What waits to know where a skill lies waits for the end of its own turn at most.
#[test]
fn skills_of_a_turn_that_ends() {
    let mut session = Session::with_skills();
    let item = json!({ "type": "skill", "name": "doc", "path": "/s/doc/SKILL.md" });
    for (thread, turn) in [("t", "u"), ("t", "v"), ("s", "u")] {
        let params = json!({ "threadId": thread, "input": [item] });
        assert_eq!(session.call("turn/start", params, json!({ "turn": { "id": turn } })), Vec::<Value>::new());
    }
    let params = json!({ "threadId": "t", "turn": { "id": "u", "status": "completed" } });
    let events = session.observe(ServerToClient, json!({ "method": "turn/completed", "params": params }));
    let of = |events: &[Value]| {
        let params = events.iter().map(|event| &event["event_params"]);
        params.map(|params| ["thread_id", "turn_id"].map(|name| params[name].clone())).collect::<Vec<_>>()
    };
    assert_eq!(of(&events), [["t", "u"]]);
    assert_eq!(of(&session.finish()), [["t", "v"], ["s", "u"]]);
}
