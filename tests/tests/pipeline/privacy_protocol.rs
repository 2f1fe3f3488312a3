//! The proof that no text of a message comes out where it must not, for every message that the real binary knows.
//!
//! The binary prints the JSON Schema of its whole protocol. Every text of every member of every request, response,
//! notification and server request in it is filled with a marker of its own, in each of the forms that a reader could take
//! apart, and sessions of these messages run through the pipeline. A marker may come out in members that
//! `docs/privacy.md` says carry text, and nowhere else; and no event, snapshot, `Debug` or discard holds one of a member
//! that the page does not name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::event::EVENT_TYPES;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::event::privacy::member;
use turnledger_core::fact::answer::{RepositoryAnswered, SkillAnswered};
use turnledger_core::observer::{Observation, ObserverLimits};
use turnledger_core::question::QuestionKind;
use turnledger_core::{Direction, Fact, Limits, Observer, Output, Pipeline, UnixMillis};
use turnledger_core::{Unknown, is_surely_irrelevant};
use turnledger_tests::codex::{Version, binary};
use turnledger_tests::golden::VERSIONS;
use turnledger_tests::privacy_page;
use turnledger_tests::protocol::{Filler, Markers, Method, Methods, STYLES, Side, Style, methods, schema};

/// So many sessions with each form of text: there are fewer kinds of items.
const ROUNDS: usize = 30;

/// More sessions than this are not needed for every alternative of every message.
const MOST_SESSIONS: usize = 4_000;

/// Events of which only a host's own fact tells.
const OF_FACTS: [&str; 7] = [
    "codex_thread_hint_status",
    "codex_plugin_install_requested",
    "codex_plugin_measurement_event",
    "codex_artifact_operation",
    "codex_guardian_v2_classification",
    "codex_guardian_v2_fast_decision",
    "codex_onboarding_external_agent_import_failure",
];

/// Events of which messages tell from 0.169 on.
const SINCE_0_169: [&str; 5] = [
    "codex_control_tool_call_event",
    "codex_goal_event",
    "codex_thread_archive_event",
    "codex_plugin_install_failed",
    "codex_onboarding_external_agent_import_complete",
];

/// Names and ids that a fact or the state holds, and that no event shows or none that came out.
const HELD: &[&str] = &[
    "externalAgentConfig/import params.providerId",
    "externalAgentConfig/import params.source",
    "externalAgentConfig/import result.importId",
    // Its program's name, which events have before 0.159.
    "item/autoApprovalReview/completed params.action.(execve).program",
    "item/completed params.item.(collabAgentToolCall).agentsStates.{} key",
    "item/started params.item.(collabAgentToolCall).agentsStates.{} key",
    "item/started params.item.(collabAgentToolCall).model",
    "item/started params.item.(collabAgentToolCall).receiverThreadIds[]",
    "item/started params.item.(dynamicToolCall).tool",
    "item/started params.item.(mcpToolCall).server",
    "item/started params.item.(mcpToolCall).tool",
    "item/started params.item.(subAgentActivity).agentThreadId",
    "item/started params.item.(subAgentActivity).model",
    "model/list result.data[].model",
    "plugin/list result.marketplaces[].name",
    "plugin/list result.marketplaces[].plugins[].id",
    "plugin/list result.marketplaces[].plugins[].remotePluginId",
    "plugin/read result.plugin.apps[].id",
    "plugin/read result.plugin.mcpServers[]",
    "plugin/read result.plugin.summary.id",
    "plugin/read result.plugin.summary.remotePluginId",
    "thread/fork result.collaborationMode.settings.model",
    "thread/fork result.modelProvider",
    "thread/fork result.thread.forkedFromId",
    "thread/resume result.collaborationMode.settings.model",
    "thread/resume result.modelProvider",
    "thread/resume result.thread.forkedFromId",
    "thread/start result.collaborationMode.settings.model",
    "thread/start result.thread.forkedFromId",
    "turn/steer params.input[].(mention).path",
    "turn/steer params.input[].(skill).name",
];

/// Where a text may stand that is counted by name: words of enumerations, and nothing else.
const COUNTED: &[&str] = &[
    "value of ApprovalsReviewer: approvalsReviewer",
    "value of AskForApproval: approvalPolicy",
    "value of CodexErrorInfo: codexErrorInfo",
    "value of CodexErrorInfo: {} key",
    "value of CollabAgentStatus: status",
    "value of CollabTool: tool",
    "value of CommandApprovalKind: kind",
    "value of ExternalNetwork: networkAccess",
    "value of GuardianCommandSource: source",
    "value of GuardianStatus: status",
    "value of HookEventName: eventName",
    "value of HookExecutionMode: executionMode",
    "value of HookHandlerType: handlerType",
    "value of HookRunStatus: status",
    "value of HookSource: source",
    "value of ItemStatus: status",
    "value of ModeKind: mode",
    "value of NonSteerableTurnKind: turnKind",
    "value of Personality: personality",
    "value of ReasoningEffort: defaultReasoningEffort",
    "value of ReasoningEffort: effort",
    "value of ReasoningEffort: reasoningEffort",
    "value of ReasoningEffort: reasoning_effort",
    "value of ReasoningSummary: summary",
    "value of RiskLevel: riskLevel",
    "value of SkillScope: scope",
    "value of TurnStatus: status",
    "value of UserAuthorization: userAuthorization",
    "value of WireGoalStatus: status",
];

/// What the sessions of a version have shown.
#[derive(Default)]
struct Proof {
    messages: usize,
    events: BTreeMap<String, usize>,
    /// Members of events that had a value.
    members: BTreeSet<String>,
    /// From which members of messages a text came out, by member of an event.
    flows: BTreeMap<String, BTreeSet<String>>,
    /// From which ones a text stood in a snapshot, a `Debug` or a discard.
    held: BTreeMap<String, &'static str>,
    /// From which ones a text was counted by name, the kind and the type that does not know it.
    counted: BTreeSet<String>,
    origins: usize,
    values: u64,
    choices: (usize, usize, Vec<String>),
    problems: BTreeSet<String>,
}

static VALIDATOR: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::validator_for(&turnledger_core::schemas::of_events()).expect("a schema"));

static PROOFS: LazyLock<[Proof; 2]> = LazyLock::new(|| {
    let proofs = VERSIONS.map(|version| std::thread::spawn(move || prove(version)));
    proofs.map(|proof| proof.join().expect("a proof"))
});

fn prove(version: &str) -> Proof {
    let schema = schema(version);
    let methods = methods(&schema);
    assert_eq!(methods.unused_results, [""; 0]);
    let mut filler = Filler::new(&schema);
    let mut proof = Proof::default();
    let lists = [
        &methods.client_requests,
        &methods.client_notifications,
        &methods.server_requests,
        &methods.server_notifications,
    ];
    let mut round = 0;
    while round < ROUNDS * STYLES.len()
        || (round < MOST_SESSIONS && lists.iter().any(|list| list.iter().any(|method| !filler.is_complete(method))))
    {
        filler.style = STYLES[round % STYLES.len()];
        let messages = session(&mut filler, &methods, round / STYLES.len(), version);
        let mut watched = Watched {
            proof: &mut proof,
            markers: &mut filler.markers,
            looks: (round / STYLES.len()).is_multiple_of(10),
        };
        watched.watch(&messages);
        round += 1;
    }
    (proof.origins, proof.values, proof.choices) = (filler.markers.len(), filler.filled, filler.coverage());
    proof
}

/// In which order requests and notifications come; 5 for most.
fn rank(method: &str) -> u8 {
    match method {
        "initialize" => 0,
        "skills/list" | "app/list" | "plugin/list" | "plugin/read" | "account/read" => 1,
        "thread/start" | "thread/started" | "thread/settings/updated" => 2,
        "turn/start" | "turn/started" => 3,
        "item/started" => 4,
        "error" => 6,
        "item/completed" => 7,
        "turn/completed" => 9,
        _ => 5,
    }
}

/// Whether the observer reads messages of a method.
fn is_read(direction: Direction, method: &Method) -> bool {
    !is_surely_irrelevant(direction, json!({ "method": method.name }).to_string().as_bytes())
}

/// A session with every message that the observer reads, and with those others that have something new.
fn session(filler: &mut Filler<'_>, methods: &Methods, round: usize, version: &str) -> Vec<(Direction, String)> {
    use Direction::{ClientToServer, ServerToClient};
    let mut messages = Vec::new();
    let ranked = |list: &[Method]| {
        let mut list = list.to_vec();
        list.sort_by_key(|method| rank(&method.name));
        list
    };
    let mut id = 0;
    for (list, asks, answers) in [
        (&methods.client_requests, ClientToServer, ServerToClient),
        (&methods.server_requests, ServerToClient, ClientToServer),
    ] {
        for (index, method) in ranked(list).iter().enumerate() {
            let is_read = is_read(asks, method);
            if !is_read && filler.is_complete(method) {
                continue;
            }
            let (params, result) = (filler.message(method, Side::Params), filler.message(method, Side::Result));
            id += 1;
            let id = if (round + id).is_multiple_of(5) {
                json!(filler.markers.of(&format!("the id of {}", method.name)))
            } else {
                json!(id)
            };
            let request = json!({ "method": method.name, "id": id, "params": params.body }).to_string();
            if !(is_read || params.is_new || result.is_new) {
                continue;
            }
            let must_succeed = rank(&method.name) < 4 && rank(&method.name) != 1;
            let answer = if !must_succeed && (round + index) % 7 == 6 {
                let text = filler.style.text(&filler.markers.of(&format!("{} error.message", method.name)));
                json!({ "id": id, "error": { "code": -32600, "message": text, "data": { "message": text, "input_error_code": text } } })
            } else {
                let mut result = result.body;
                // The server's version decides what is reported at all.
                if method.name == "initialize" && filler.style != Style::UserAgent {
                    result["userAgent"] = json!(format!("codex/{version} (Linux 1.2; x86_64)"));
                }
                json!({ "id": id, "result": result })
            };
            messages.extend([(asks, request), (answers, answer.to_string())]);
        }
        if asks == ClientToServer {
            // The turn is on before the server asks.
            messages.extend(notifications(filler, &methods.client_notifications, ClientToServer, round, |_| true));
            messages
                .extend(notifications(filler, &methods.server_notifications, ServerToClient, round, |rank| rank < 5));
        }
    }
    messages.extend(notifications(filler, &methods.server_notifications, ServerToClient, round, |rank| rank >= 5));
    messages
}

fn notifications(
    filler: &mut Filler<'_>,
    list: &[Method],
    direction: Direction,
    round: usize,
    is_due: impl Fn(u8) -> bool,
) -> Vec<(Direction, String)> {
    let mut list = list.to_vec();
    list.sort_by_key(|method| rank(&method.name));
    let due = list.iter().filter(|method| is_due(rank(&method.name)));
    let made = due.filter_map(|method| {
        let is_read = is_read(direction, method);
        if !is_read && filler.is_complete(method) {
            return None;
        }
        let params = filler.message(method, Side::Params);
        // An item that does not end leaves its turn with something open.
        if method.name == "item/completed" && (round / 7) % 2 == 1 {
            return None;
        }
        let text = json!({ "method": method.name, "params": params.body }).to_string();
        (is_read || params.is_new).then_some((direction, text))
    });
    made.collect()
}

struct Watched<'p> {
    proof: &'p mut Proof,
    markers: &'p mut Markers,
    /// Whether to look at snapshots and `Debug`, too, which takes its time.
    looks: bool,
}

impl Watched<'_> {
    fn watch(&mut self, messages: &[(Direction, String)]) {
        let mut pipeline = Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default()).asking_directories();
        let mut observer = Observer::new(RpcTransport::Stdio, ObserverLimits::default()).asking_directories();
        let mut at = UnixMillis(1_771_000_303_000);
        for (direction, text) in messages {
            at.0 += 1;
            self.proof.messages += 1;
            let mut output = Output::default();
            let _ = pipeline.observe(at, 1, *direction, text.as_bytes(), &mut output);
            if self.looks {
                let mut observed = Observation::default();
                observer.observe(at, 1, *direction, text.as_bytes(), &mut observed);
                self.count(&observed.unknown);
                observed.unknown = Unknown::default();
                self.held("Debug of an observation", &format!("{observed:?} {observer:?}"));
                self.held("Debug of an output", &format!("{output:?}"));
                let pipeline = without(&format!("{pipeline:?}"), &pipeline.stats().unknown);
                self.held("Debug of a pipeline", &pipeline);
            }
            self.answer(&mut pipeline, at, &mut output);
            self.look_at(&output);
            if self.looks {
                self.held("a snapshot", &without(&pipeline.snapshot(), &pipeline.stats().unknown));
            }
        }
        let mut output = Output::default();
        pipeline.finish(at, &mut output);
        self.look_at(&output);
    }

    /// Answers as a host whose every text is a marker.
    fn answer(&mut self, pipeline: &mut Pipeline<Sha2>, at: UnixMillis, output: &mut Output) {
        let [secret, address, path] =
            ["the remote's password", "the remote's address", "the skill's path"].map(|origin| self.markers.of(origin));
        let url = format!("https://{secret}:{secret}@host.{address}/{address}/{address}.git?{secret}#{secret}");
        for question in std::mem::take(&mut output.questions) {
            let (question, kind, remote_url) = (question.id, question.kind, Some((&*url).into()));
            let fact = match kind {
                QuestionKind::Skill { .. } => Fact::SkillAnswered(SkillAnswered {
                    question,
                    skill_path: format!("/{path}/{path}/SKILL.md").into(),
                    repository_root: Some(format!("/{path}").into()),
                    remote_url,
                }),
                _ => Fact::RepositoryAnswered(RepositoryAnswered { question, remote_url }),
            };
            pipeline.ingest(at, fact, output);
        }
    }

    fn look_at(&mut self, output: &Output) {
        for discard in &output.discards {
            self.held("a discard", &format!("{} {discard:?}", discard.to_json()));
        }
        for event in &output.events {
            let value: Value = serde_json::from_str(&event.to_json()).expect("an event is JSON");
            if let Some(error) = VALIDATOR.iter_errors(&value).next() {
                self.proof.problems.insert(format!("{}: {error} at {}", event.event_type(), error.instance_path()));
            }
            *self.proof.events.entry(event.event_type().into()).or_default() += 1;
            self.look_into(event.event_type(), "", &value);
        }
    }

    fn look_into(&mut self, event: &str, name: &str, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    self.text(event, name, name);
                    self.look_into(event, name, value);
                }
            }
            Value::Array(elements) => elements.iter().for_each(|element| self.look_into(event, name, element)),
            Value::Null => {}
            Value::String(text) => {
                self.proof.members.insert(format!("{event} {name}"));
                self.text(event, name, text);
            }
            _ => {
                self.proof.members.insert(format!("{event} {name}"));
            }
        }
    }

    fn text(&mut self, event: &str, name: &str, text: &str) {
        for origin in self.markers.origins(text) {
            if member(name).is_none_or(|member| !member.class.carries_text()) {
                self.proof.problems.insert(format!("{event} {name} shows {origin}: {text}"));
            }
            self.proof.flows.entry(name.into()).or_default().insert(origin.into());
        }
    }

    /// Words that are not known are counted by name, and no other text is.
    fn count(&mut self, unknown: &Unknown) {
        for (kind, name, _) in unknown.iter() {
            for origin in self.markers.origins(name) {
                let of = name.split('.').next().unwrap_or_default();
                let member = origin.rsplit('.').next().unwrap_or_default();
                self.proof.counted.insert(format!("{kind} of {of}: {member}"));
            }
        }
    }

    fn held(&mut self, what: &'static str, text: &str) {
        for origin in self.markers.origins(text) {
            if !self.proof.held.contains_key(origin) {
                self.proof.held.insert(origin.into(), what);
            }
        }
    }
}

/// A text without the names that were counted.
fn without(text: &str, unknown: &Unknown) -> String {
    unknown.iter().fold(text.to_owned(), |text, (_, name, _)| text.replace(&format!("\"{name}\""), ""))
}

#[test]
fn every_message_of_the_protocol() {
    let mut all_counted = BTreeSet::new();
    for (version, proof) in VERSIONS.iter().zip(&*PROOFS) {
        let Proof { messages, events, members, flows, held, counted, origins, values, choices, problems } = proof;
        let (choices, alternatives, missing) = choices;
        println!(
            "Codex {version}: {messages} messages, {values} values of {origins} members with a text, {alternatives} alternatives of {choices} choices"
        );
        println!("{} events with {} members: {events:?}", events.values().sum::<usize>(), members.len());
        assert_eq!(missing, &[""; 0], "every alternative was in a message");
        assert_eq!(problems, &BTreeSet::new());
        let expected = |event_type: &&&str| {
            !OF_FACTS.contains(event_type) && (*version != "0.131.0" || !SINCE_0_169.contains(event_type))
        };
        let absent: Vec<_> =
            EVENT_TYPES.iter().filter(expected).filter(|event_type| !events.contains_key(**event_type)).collect();
        assert_eq!(absent, [&""; 0], "events that never came out");
        let reported: BTreeSet<_> = flows.values().flatten().map(String::as_str).collect();
        let kept: Vec<_> = held
            .iter()
            .filter(|(origin, _)| !reported.contains(origin.as_str()) && !HELD.contains(&origin.as_str()))
            .filter(|(origin, _)| !origin.starts_with("the id of "))
            .collect();
        assert_eq!(kept, [], "texts that are held, and in no event");
        all_counted.extend(counted.iter().map(String::as_str));
    }
    assert_eq!(all_counted.into_iter().collect::<Vec<_>>(), COUNTED, "texts that are counted by name");
}

/// A password of a remote comes out nowhere, and neither does a place.
#[test]
fn what_a_host_answers() {
    let flows: BTreeSet<_> = PROOFS.iter().flat_map(|proof| proof.flows.values().flatten()).collect();
    let answers = ["the remote's password", "the remote's address", "the skill's path"];
    assert_eq!(answers.map(|answer| flows.contains(&answer.to_owned())), [false, true, false]);
}

/// `docs/privacy.md` says what the types and this proof say. `UPDATE_DOCS=1` writes it.
#[test]
fn the_page_on_privacy() {
    let mut flows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for proof in &*PROOFS {
        for (member, origins) in &proof.flows {
            flows.entry(member.clone()).or_default().extend(origins.iter().cloned());
        }
    }
    let mut covered = String::new();
    for (version, proof) in VERSIONS.iter().zip(&*PROOFS) {
        let (choices, alternatives, _) = &proof.choices;
        writeln!(covered, "| {version} | {choices} | {alternatives} |").expect("a text");
    }
    privacy_page::check(&flows, &covered);
}

/// The copies in `tests/protocol` are what the pinned binaries print.
#[test]
fn the_schemas_are_the_binaries_own() {
    for (version, number) in [Version::Contract, Version::Newest].into_iter().zip(VERSIONS) {
        let binary = match binary(version) {
            Ok(binary) => binary,
            Err(why) => {
                let _ = std::io::Write::write_all(
                    &mut std::io::stderr(),
                    format!("SKIPPED: no real Codex to test with: {why}\n").as_bytes(),
                );
                continue;
            }
        };
        let (home, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let printed = std::process::Command::new(binary)
            .args(["app-server", "generate-json-schema", "--experimental", "--out"])
            .arg(out.path())
            .env("HOME", home.path())
            .output()
            .expect("the binary runs");
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        let text = std::fs::read(out.path().join("codex_app_server_protocol.schemas.json")).expect("the schema");
        let printed: Value = serde_json::from_slice(&text).expect("a schema");
        assert!(printed == schema(number), "tests/protocol/{number}.json.zst is not what Codex {number} prints");
    }
}
