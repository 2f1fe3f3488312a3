//! Why a policy keeps an event back, with the remotes that were compared. It is said on this machine alone.

use std::collections::HashMap;

use serde_json::Value;
use turnledger::Sha2;
use turnledger_core::Fact;
use turnledger_core::fact::answer::RemoteUrl;
use turnledger_core::policy::{About, Policy, Withheld};
use turnledger_core::question::{Question, QuestionId, QuestionKind};

/// How far up its parents a thread's repository is looked for.
const DEEPEST: usize = 32;

/// The remotes of the repositories that threads work in; none where it is not known.
#[derive(Default)]
pub(super) struct Compared {
    asked: HashMap<QuestionId, String>,
    remotes: HashMap<String, Vec<Option<String>>>,
    parents: HashMap<String, String>,
}

impl Compared {
    pub(super) fn asked(&mut self, question: &Question) {
        if let QuestionKind::Repository { thread_id, .. } = &question.kind {
            self.asked.insert(question.id, thread_id.to_string());
        }
    }

    pub(super) fn told(&mut self, fact: &Fact) {
        if let Fact::RepositoryAnswered(answer) = fact
            && let Some(thread) = self.asked.remove(&answer.question)
        {
            let remote = answer.remote_url.as_ref().and_then(RemoteUrl::canonical);
            self.remotes.entry(thread).or_default().push(remote);
        }
    }

    /// Why an event's repository keeps it back.
    pub(super) fn why(&mut self, policy: &Policy<Sha2>, event: &str) -> String {
        let thread = self.thread_of(event);
        let Some(remotes) = thread.and_then(|thread| self.remotes.get(&thread)) else {
            return "nothing says in which repository its thread works".into();
        };
        for remote in remotes.iter().flatten() {
            if let Some(deciding) = policy.deciding(About::Remote(remote)) {
                return format!("{deciding} ({remote})");
            }
        }
        "its thread works in a folder without a known remote, too".into()
    }

    /// The thread that an event's repositories are looked for at: its own, or the nearest above of which some are known.
    fn thread_of(&mut self, event: &str) -> Option<String> {
        let event: Value = serde_json::from_str(event).ok()?;
        let member = |name: &str| event["event_params"][name].as_str().map(ToOwned::to_owned);
        let mut thread = member("thread_id")?;
        if let Some(parent) = member("parent_thread_id") {
            self.parents.insert(thread.clone(), parent);
        }
        for _ in 0..DEEPEST {
            if self.remotes.contains_key(&thread) {
                break;
            }
            thread = self.parents.get(&thread)?.clone();
        }
        Some(thread)
    }
}

/// Why an event's type or client keeps it back.
pub(super) fn why(policy: &Policy<Sha2>, withheld: Withheld, event: &str) -> String {
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let params = &event["event_params"];
    let client = &params["app_server_client"]["product_client_id"];
    let client = client.as_str().or(params["product_client_id"].as_str()).unwrap_or_default();
    let deciding = match withheld {
        Withheld::Event => policy.deciding(About::Event(event["event_type"].as_str().unwrap_or_default())),
        Withheld::Client => policy.deciding(About::Client(client)),
        _ => None,
    };
    match (withheld, deciding) {
        (Withheld::Client, Some(deciding)) => format!("{deciding} ({client})"),
        (_, Some(deciding)) => deciding.to_string(),
        (_, None) => withheld.to_string(),
    }
}
