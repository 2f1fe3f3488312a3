//! Where a thread works, and what leaves of it: every directory that a message names is asked about.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use turnledger_core::digest::Sha2;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::fact::answer::RepositoryAnswered;
use turnledger_core::policy::{Judgement, Repositories};
use turnledger_core::question::{Question, QuestionKind};
use turnledger_core::{Direction, Limits, Output, Pipeline, Policy, UnixMillis};
use turnledger_intake::replay::answer;
use turnledger_tests::golden::{observe, pipeline, recordings};

const AT: UnixMillis = UnixMillis(1_800_000_000_000);
/// Only the first two may be worked in.
const DIRECTORIES: [(&str, Option<&str>); 5] = [
    ("/acme/widget", Some("https://github.com/acme/widget")),
    ("/acme/gadget", Some("git@github.com:acme/gadget.git")),
    ("/other/plan", Some("https://github.com/other/plan")),
    ("/other/draft", Some("https://github.com/other/draft")),
    ("/home", None),
];
const ALLOWED: usize = 2;

/// By which message a directory is named.
#[derive(Clone, Copy, Debug)]
enum Way {
    Settings,
    SettingsOfEnvironment,
    TurnStart,
    TurnStartRoots,
    TurnStartEnvironment,
    Resumed,
    ResumedRoots,
    ResumedEnvironment,
    Started,
    StartedEnvironment,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Named(usize, Way, usize),
    Hook(usize),
    Answers,
    /// The session goes on from its snapshot.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let way = prop::sample::select(vec![
        Way::Settings,
        Way::SettingsOfEnvironment,
        Way::TurnStart,
        Way::TurnStartRoots,
        Way::TurnStartEnvironment,
        Way::Resumed,
        Way::ResumedRoots,
        Way::ResumedEnvironment,
        Way::Started,
        Way::StartedEnvironment,
    ]);
    // Most directories are allowed, so that some threads stay so.
    let directory = prop::sample::select(vec![0, 0, 0, 1, 1, 1, 2, 3, 4]);
    let step = prop_oneof![
        4 => (0..3_usize, way, directory).prop_map(|(thread, way, directory)| Step::Named(thread, way, directory)),
        4 => (0..3_usize).prop_map(Step::Hook),
        2 => Just(Step::Answers),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..40)
}

struct Session<'p> {
    policy: &'p Policy<Sha2>,
    pipeline: Pipeline<Sha2>,
    judge: Repositories<usize>,
    requests: u64,
    open: Vec<Question>,
    /// The directories that each thread's messages named.
    named: [BTreeSet<usize>; 3],
    /// Of each event its thread, and the directories that were named before.
    events: Vec<(usize, BTreeSet<usize>)>,
    left: BTreeSet<usize>,
}

impl Session<'_> {
    fn message(&mut self, direction: Direction, message: &Value) {
        let mut output = Output::default();
        let read = self.pipeline.observe(AT, 1, direction, message.to_string().as_bytes(), &mut output);
        assert_eq!(read, Ok(()), "{message}");
        self.take(output);
    }

    fn request(&mut self, method: &str, params: &Value, result: &Value) {
        self.requests += 1;
        let id = self.requests;
        self.message(Direction::ClientToServer, &json!({ "method": method, "id": id, "params": params }));
        self.message(Direction::ServerToClient, &json!({ "id": id, "result": result }));
    }

    fn take(&mut self, output: Output) {
        for question in output.questions {
            self.judge.asked(AT, &question);
            self.open.push(question);
        }
        for event in output.events {
            let json = event.to_json();
            let value: Value = serde_json::from_str(&json).expect("JSON");
            let thread = value["event_params"]["thread_id"].as_str().expect("a thread");
            let thread = thread.trim_start_matches('t').parse().expect("a number");
            let number = self.events.len();
            self.events.push((thread, self.named[thread].clone()));
            if let Judgement::Leaves(number) = self.judge.judge(AT, &json, number) {
                self.left.insert(number);
            }
        }
    }

    fn named(&mut self, thread: usize, way: Way, directory: usize) {
        self.named[thread].insert(directory);
        let (id, path) = (format!("t{thread}"), DIRECTORIES[directory].0);
        let environment = json!({ "environmentId": "local", "cwd": path, "runtimeWorkspaceRoots": [path] });
        let notify = |method: &str, params: Value| json!({ "method": method, "params": params });
        let opened = json!({ "thread": { "id": id }, "model": "m" });
        let with = |mut value: Value, name: &str, member: Value| {
            value[name] = member;
            value
        };
        match way {
            Way::Settings | Way::SettingsOfEnvironment => {
                let settings = match way {
                    Way::Settings => json!({ "cwd": path }),
                    _ => json!({ "environments": [environment] }),
                };
                let params = json!({ "threadId": id, "threadSettings": settings });
                self.message(Direction::ServerToClient, &notify("thread/settings/updated", params));
            }
            Way::TurnStart | Way::TurnStartRoots | Way::TurnStartEnvironment => {
                let (name, member) = match way {
                    Way::TurnStart => ("cwd", json!(path)),
                    Way::TurnStartRoots => ("runtimeWorkspaceRoots", json!([path])),
                    _ => ("environments", json!([environment])),
                };
                let params = with(json!({ "threadId": id, "input": [] }), name, member);
                let turn = json!({ "turn": { "id": format!("turn{}", self.requests), "status": "inProgress" } });
                self.request("turn/start", &params, &turn);
            }
            Way::Resumed | Way::ResumedRoots => {
                let (name, member) = match way {
                    Way::Resumed => ("cwd", json!(path)),
                    _ => ("runtimeWorkspaceRoots", json!([path])),
                };
                self.request("thread/resume", &json!({ "threadId": id }), &with(opened, name, member));
            }
            Way::ResumedEnvironment => {
                let thread = json!({ "id": id, "environments": [environment] });
                self.request("thread/resume", &json!({ "threadId": id }), &with(opened, "thread", thread));
            }
            Way::Started | Way::StartedEnvironment => {
                let thread = match way {
                    Way::Started => json!({ "id": id, "cwd": path }),
                    _ => json!({ "id": id, "environments": [environment] }),
                };
                self.message(Direction::ServerToClient, &notify("thread/started", json!({ "thread": thread })));
            }
        }
    }

    fn hook(&mut self, thread: usize) {
        let run = json!({ "id": format!("h{}", self.events.len()), "eventName": "stop", "status": "completed" });
        let params = json!({ "threadId": format!("t{thread}"), "turnId": "turn", "run": run });
        self.message(Direction::ServerToClient, &json!({ "method": "hook/completed", "params": params }));
    }

    fn answers(&mut self) {
        for question in std::mem::take(&mut self.open) {
            let QuestionKind::Repository { cwd, .. } = &question.kind else { panic!("{question:?}") };
            let (_, remote) = DIRECTORIES.iter().find(|(path, _)| *path == cwd.expose()).expect("a directory");
            let fact = RepositoryAnswered { question: question.id, remote_url: remote.map(Into::into) }.into();
            self.left.extend(self.judge.told(&fact));
            let mut output = Output::default();
            self.pipeline.ingest(AT, fact, &mut output);
            self.take(output);
        }
    }

    fn restart(&mut self) {
        // Events that wait are not in a snapshot.
        self.answers();
        let mut snapshot = self.pipeline.snapshot();
        self.judge.save(&mut snapshot);
        for (path, _) in DIRECTORIES {
            assert!(!snapshot.contains(path), "{snapshot}");
        }
        let restored = Pipeline::restore(Sha2::default(), Limits::default(), &snapshot).expect("a snapshot");
        self.pipeline = restored.asking_directories();
        self.judge = self.policy.repositories().expect("a rule");
        self.judge.restore(&snapshot, &mut self.pipeline.threads());
    }
}

proptest! {
    #[test]
    fn what_is_of_another_repository_never_leaves(steps in steps(), drops in any::<bool>()) {
        let rules = if drops {
            json!({ "drop_repositories": ["github.com/other/*"] })
        } else {
            json!({ "allow_repositories": ["github.com/acme/*"] })
        };
        let policy = Policy::new(&rules.to_string(), Sha2::default()).expect("a policy");
        let mut session = Session {
            policy: &policy,
            pipeline: Pipeline::new(Sha2::default(), RpcTransport::Stdio, Limits::default()).asking_directories(),
            judge: policy.repositories().expect("a rule"),
            requests: 0,
            open: Vec::new(),
            named: Default::default(),
            events: Vec::new(),
            left: BTreeSet::new(),
        };
        let client = json!({ "clientInfo": { "name": "editor", "version": "1" } });
        session.request("initialize", &client, &json!({ "userAgent": "editor/0.171.0 (Linux 6.1; x86_64)" }));
        for step in steps {
            match step {
                Step::Named(thread, way, directory) => session.named(thread, way, directory),
                Step::Hook(thread) => session.hook(thread),
                Step::Answers => session.answers(),
                Step::Restart => session.restart(),
            }
        }
        session.answers();
        session.judge.end();
        let is_allowed = |named: &BTreeSet<usize>| named.iter().all(|directory| *directory < ALLOWED);
        for (number, (thread, before)) in session.events.iter().enumerate() {
            let has_left = session.left.contains(&number);
            prop_assert!(!has_left || !before.is_empty() && is_allowed(before), "{number} of {:?}", session.events);
            if !before.is_empty() && is_allowed(&session.named[*thread]) {
                prop_assert!(has_left, "{number} of {:?}", session.events);
            }
        }
    }
}

/// A thread that a snapshot of other rules has, or one without a policy, is one of which nothing is known.
#[test]
fn what_other_rules_judged_is_not_known() {
    let [acme, other] = ["acme", "other"].map(|owner| {
        let rules = json!({ "allow_repositories": [format!("github.com/{owner}/*")] });
        Policy::new(&rules.to_string(), Sha2::default()).expect("a policy")
    });
    let mut session = pipeline(Sha2::default()).asking_directories();
    let mut judge = acme.repositories::<()>().expect("a rule");
    let message = |message: Value| message.to_string().into_bytes();
    let opened = json!({ "id": 2, "result": { "thread": { "id": "t" }, "model": "m", "cwd": "/acme" } });
    let mut output = Output::default();
    for (direction, text) in [
        (
            Direction::ClientToServer,
            json!({ "method": "initialize", "id": 1, "params": { "clientInfo": { "name": "e", "version": "1" } } }),
        ),
        (Direction::ServerToClient, json!({ "id": 1, "result": { "userAgent": "e/0.171.0 (Linux 6.1; x86_64)" } })),
        (Direction::ClientToServer, json!({ "method": "thread/start", "id": 2, "params": {} })),
        (Direction::ServerToClient, opened),
    ] {
        session.observe(AT, 1, direction, &message(text), &mut output).expect("a message");
    }
    let event = output.events[0].to_json();
    for question in output.questions {
        judge.asked(AT, &question);
        judge.told(&answer(question, Some("https://github.com/acme/widget")).expect("an answer"));
    }
    let bare = session.snapshot();
    let mut whole = bare.clone();
    judge.save(&mut whole);
    assert_eq!(judge.judge(AT, &event, ()), Judgement::Leaves(()));
    for (snapshot, policy, leaves) in [(&whole, &acme, true), (&whole, &other, false), (&bare, &acme, false)] {
        let restored = Pipeline::restore(Sha2::default(), Limits::default(), snapshot).expect("a snapshot");
        let mut judge = policy.repositories().expect("a rule");
        judge.restore(snapshot, &mut restored.threads());
        let judged = judge.judge(AT, &event, ());
        assert_eq!(judged, if leaves { Judgement::Leaves(()) } else { Judgement::Stays }, "{snapshot}");
    }
}

/// Asking changes no event.
#[test]
fn events_are_the_same_with_and_without_the_questions() {
    for recording in ["0.131.0", "0.169.0", "0.171.0"].iter().flat_map(|version| recordings(version)) {
        let [mut alone, mut asking] = [pipeline(Sha2::default()), pipeline(Sha2::default()).asking_directories()];
        let [mut without, mut with] = [Output::default(), Output::default()];
        for message in recording.messages() {
            for (pipeline, output) in [(&mut alone, &mut without), (&mut asking, &mut with)] {
                observe(pipeline, &message, output);
                for question in std::mem::take(&mut output.questions) {
                    if let Some(fact) = answer(question, Some("https://github.com/acme/widget")) {
                        pipeline.ingest(message.at, fact, output);
                    }
                }
            }
        }
        let texts = |output: &Output| output.events.iter().map(turnledger_core::Event::to_json).collect::<Vec<_>>();
        assert_eq!(texts(&without), texts(&with), "{}", recording.name);
        assert_eq!(without.discards, with.discards, "{}", recording.name);
    }
}
