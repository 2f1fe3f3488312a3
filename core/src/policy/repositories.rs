//! Whether an event's repository lets it leave. The answer may come after the event, which waits for it.

use alloc::vec::Vec;

use super::Rule;
use crate::fact::Fact;
use crate::fact::answer::RemoteUrl;
use crate::git_remote;
use crate::id::Id;
use crate::json::read::{Failed, Read, Reader};
use crate::question::{Question, QuestionId, QuestionKind};

/// How many threads are known at most. What is beyond is forgotten, the oldest first, and its events stay.
const MOST_THREADS: usize = 65_536;
/// How many events wait at most. The oldest stays.
const MOST_WAITING: usize = 16_384;
/// How far up its parents a thread's repository is looked for.
const DEEPEST: usize = 32;

/// Judges events by the repository that their thread works in, for a [`Policy`](super::Policy) with such rules. `T` is what
/// the host keeps of an event.
///
/// A thread's events leave if the remotes of all repositories that it works in are allowed. A thread that names none has
/// its parent's. Until the answer is there, events wait; what is never answered stays, and so does an event of no thread.
#[derive(Clone, Debug)]
pub struct Repositories<T> {
    rule: Rule,
    /// In the order of their ids. (Lists are smaller than maps where a browser loads them.)
    threads: Vec<Thread>,
    /// How many threads became known.
    known: u64,
    /// Questions without an answer, each with its thread.
    questions: Vec<(QuestionId, Id)>,
    waiting: Vec<(Id, T)>,
    stayed: u64,
    has_ended: bool,
}

#[derive(Clone, Debug)]
struct Thread {
    id: Id,
    /// The number in the order in which they became known.
    number: u64,
    parent: Option<Id>,
    /// Repositories that were asked about, without an answer yet.
    open: u32,
    /// Repositories whose remote is allowed.
    allowed: u32,
    /// Whether the remote of one is unknown, or not allowed.
    is_refused: bool,
}

impl Thread {
    /// Whether its events leave; `None` if that is not known yet.
    const fn leaves(&self) -> Option<bool> {
        match self {
            Self { is_refused: true, .. } => Some(false),
            Self { open: 0, allowed: 0, .. } => None,
            Self { open: 0, .. } => Some(true),
            _ => None,
        }
    }
}

/// What becomes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Judgement<T> {
    /// Its repository is allowed: [`Policy::apply_to_allowed`](super::Policy::apply_to_allowed) says what leaves.
    Leaves(T),
    /// It waits for an answer.
    Waits,
    /// It stays.
    Stays,
}

impl<T> Repositories<T> {
    pub(super) fn new(rule: &Rule) -> Self {
        Self {
            rule: rule.clone(),
            threads: Vec::new(),
            known: 0,
            questions: Vec::new(),
            waiting: Vec::new(),
            stayed: 0,
            has_ended: false,
        }
    }

    /// Takes note of a question of the core's.
    pub fn asked(&mut self, question: &Question) {
        if let QuestionKind::Repository { thread_id, .. } = &question.kind {
            self.thread(thread_id).open += 1;
            self.questions.push((question.id, thread_id.clone()));
        }
    }

    /// Takes note of a fact that the host gives the core, if it says of a repository. Returns the events that need no longer
    /// wait, and leave.
    pub fn told(&mut self, fact: &Fact) -> Vec<T> {
        let (thread, remote_url) = match fact {
            Fact::RepositoryAnswered(fact) => {
                let Some(at) = self.questions.iter().position(|(id, _)| *id == fact.question) else {
                    return Vec::new();
                };
                let (_, thread) = self.questions.remove(at);
                let known = self.thread(&thread);
                known.open = known.open.saturating_sub(1);
                (thread, &fact.remote_url)
            }
            Fact::ThreadOpened(fact) if fact.remote_url.is_some() => (fact.thread.id.clone(), &fact.remote_url),
            _ => return Vec::new(),
        };
        let is_allowed = remote_url.as_ref().is_some_and(|url| allows(&self.rule, url));
        let known = self.thread(&thread);
        if is_allowed {
            known.allowed += 1;
        } else {
            known.is_refused = true;
        }
        self.release()
    }

    /// Judges an event by its JSON text, and keeps `kept` until the answer is there.
    pub fn judge(&mut self, event: &str, kept: T) -> Judgement<T> {
        let Some((thread_id, parent)) = ids(event) else { return self.stays() };
        if let Some(parent) = parent {
            self.thread(&thread_id).parent = Some(parent);
        }
        match self.leaves(&thread_id) {
            Some(true) => Judgement::Leaves(kept),
            Some(false) => self.stays(),
            None if self.has_ended => self.stays(),
            None => {
                if self.waiting.len() == MOST_WAITING {
                    self.waiting.remove(0);
                    self.stayed += 1;
                }
                self.waiting.push((thread_id, kept));
                Judgement::Waits
            }
        }
    }

    /// How many events stay since this was last asked, of those that waited and those that did not.
    pub fn take_stayed(&mut self) -> u64 {
        core::mem::take(&mut self.stayed)
    }

    /// No more answers come: what waits stays, and so does what would.
    pub fn end(&mut self) {
        self.has_ended = true;
        self.stayed += self.waiting.len() as u64;
        self.waiting.clear();
    }

    fn stays(&mut self) -> Judgement<T> {
        self.stayed += 1;
        Judgement::Stays
    }

    /// Where a thread is in the list, or would be.
    fn place(&self, id: &Id) -> Result<usize, usize> {
        self.threads.binary_search_by(|thread| thread.id.as_str().cmp(id.as_str()))
    }

    fn thread(&mut self, id: &Id) -> &mut Thread {
        let at = match self.place(id) {
            Ok(at) => at,
            Err(at) if self.threads.len() < MOST_THREADS => self.insert(at, id),
            Err(_) => {
                let numbers = self.threads.iter().enumerate().map(|(at, thread)| (thread.number, at));
                // There are some.
                let (_, oldest) = numbers.min().unwrap_or_default();
                let oldest = self.threads.remove(oldest).id;
                self.questions.retain(|(_, thread)| *thread != oldest);
                let (Ok(at) | Err(at)) = self.place(id);
                self.insert(at, id)
            }
        };
        &mut self.threads[at]
    }

    fn insert(&mut self, at: usize, id: &Id) -> usize {
        self.known += 1;
        let thread =
            Thread { id: id.clone(), number: self.known, parent: None, open: 0, allowed: 0, is_refused: false };
        self.threads.insert(at, thread);
        at
    }

    /// Whether a thread's events leave: by its own repositories, else by those of the nearest thread above that has some.
    /// A thread of which nothing can be known any more has nothing to wait for.
    fn leaves(&self, id: &Id) -> Option<bool> {
        let mut id = id;
        for _ in 0..DEEPEST {
            let Ok(at) = self.place(id) else { return Some(false) };
            let thread = &self.threads[at];
            if thread.open > 0 || thread.leaves().is_some() {
                return thread.leaves();
            }
            let Some(parent) = &thread.parent else { return Some(false) };
            id = parent;
        }
        Some(false)
    }

    fn release(&mut self) -> Vec<T> {
        let mut leaving = Vec::new();
        for (thread, kept) in core::mem::take(&mut self.waiting) {
            match self.leaves(&thread) {
                Some(true) => leaving.push(kept),
                Some(false) => self.stayed += 1,
                None => self.waiting.push((thread, kept)),
            }
        }
        leaving
    }
}

fn allows(rule: &Rule, url: &RemoteUrl) -> bool {
    git_remote::canonical(url.expose()).is_some_and(|remote| rule.allows(|pattern| pattern.fits_remote(&remote)))
}

/// The thread that an event is about, and the one that started it.
fn ids(event: &str) -> Option<(Id, Option<Id>)> {
    let (mut thread, mut parent) = (None, None);
    let mut reader = Reader::new(event);
    let read = reader.members(&mut |reader, name| {
        if name != "event_params" {
            return reader.skip();
        }
        reader.members(&mut |reader, name| {
            match &*name {
                "thread_id" => thread = Option::<Id>::read(reader)?,
                "parent_thread_id" => parent = Option::<Id>::read(reader)?,
                _ => reader.skip()?,
            }
            Ok(())
        })
    });
    match read {
        Ok(()) => Some((thread?, parent)),
        Err(Failed) => None,
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;
    use crate::digest::Sha2;
    use crate::fact::answer::RepositoryAnswered;
    use crate::policy::{Policy, PolicyError, Withheld};

    const NONE: [u8; 0] = [];

    fn policy(rules: &str) -> Policy<Sha2> {
        Policy::new(rules, Sha2::default()).unwrap()
    }

    fn judge(rules: &str) -> Repositories<u8> {
        policy(rules).repositories().unwrap()
    }

    fn event(thread: &str, parent: Option<&str>) -> String {
        let parent = parent.map_or_else(|| "null".into(), |parent| format!(r#""{parent}""#));
        let (start, end) = (r#"{"event_type":"a","event_params":{"model":"m","thread_id":""#, r#""}}"#);
        format!(r#"{start}{thread}","parent_thread_id":{parent},"turn_id":"t{end}"#)
    }

    fn ask(repositories: &mut Repositories<u8>, id: u64, thread: &str) {
        let kind = QuestionKind::Repository { cwd: "/w".into(), thread_id: thread.into() };
        repositories.asked(&Question { id: QuestionId(id), kind });
    }

    fn answer(id: u64, url: Option<&str>) -> Fact {
        RepositoryAnswered { question: QuestionId(id), remote_url: url.map(Into::into) }.into()
    }

    #[test]
    fn an_event_waits_for_the_answer() {
        let mut acme = judge(r#"{"allow_repositories":["github.com/acme/*"]}"#);
        ask(&mut acme, 1, "a");
        ask(&mut acme, 2, "b");
        ask(&mut acme, 3, "c");
        for (kept, thread) in [(1, "a"), (2, "b"), (3, "a"), (4, "c")] {
            assert_eq!(acme.judge(&event(thread, None), kept), Judgement::Waits);
        }
        assert_eq!(acme.told(&answer(2, Some("https://github.com/other/widget"))), NONE);
        assert_eq!(acme.told(&answer(1, Some("git@github.com:Acme/Widget.git"))), [1, 3]);
        assert_eq!(acme.judge(&event("a", None), 5), Judgement::Leaves(5));
        assert_eq!(acme.judge(&event("b", None), 6), Judgement::Stays);
        // A thread below has its parent's, and one without a repository is of none.
        assert_eq!(acme.judge(&event("below", Some("a")), 7), Judgement::Leaves(7));
        assert_eq!(acme.judge(&event("below", None), 8), Judgement::Leaves(8));
        assert_eq!(acme.judge(&event("unknown", None), 9), Judgement::Stays);
        assert_eq!(acme.judge(r#"{"event_type":"codex_plugin_installed","event_params":{}}"#, 9), Judgement::Stays);
        assert_eq!(acme.judge("no JSON", 9), Judgement::Stays);
        assert_eq!((acme.take_stayed(), acme.take_stayed()), (5, 0));
        acme.end();
        assert_eq!(acme.take_stayed(), 1, "that of c");
        assert_eq!(acme.judge(&event("c", None), 9), Judgement::Stays);
    }

    #[test]
    fn every_repository_of_a_thread_is_asked_for() {
        let mut acme = judge(r#"{"drop_repositories":["github.com/secret/*"]}"#);
        ask(&mut acme, 1, "a");
        assert_eq!(acme.told(&answer(1, Some("https://github.com/acme/widget"))), NONE);
        assert_eq!(acme.judge(&event("a", None), 1), Judgement::Leaves(1));
        // A turn is to work elsewhere.
        ask(&mut acme, 2, "a");
        assert_eq!(acme.judge(&event("a", None), 2), Judgement::Waits);
        assert_eq!(acme.judge(&event("below", Some("a")), 3), Judgement::Waits);
        assert_eq!(acme.told(&answer(2, Some("https://github.com/secret/plan"))), NONE);
        assert_eq!((acme.judge(&event("a", None), 4), acme.take_stayed()), (Judgement::Stays, 3));
        // What has no remote is of no known repository. Answers to other questions change nothing.
        ask(&mut acme, 3, "b");
        assert_eq!(acme.told(&answer(9, Some("https://github.com/acme/widget"))), NONE);
        assert_eq!(acme.told(&answer(3, None)), NONE);
        assert_eq!(acme.judge(&event("b", None), 5), Judgement::Stays);
    }

    #[test]
    fn what_is_known_is_bounded() {
        let mut acme = judge(r#"{"allow_repositories":["*"]}"#);
        ask(&mut acme, 0, "first");
        for kept in 0..=MOST_WAITING {
            assert_eq!(acme.judge(&event("first", None), u8::try_from(kept % 256).unwrap()), Judgement::Waits);
        }
        assert_eq!((acme.waiting.len(), acme.take_stayed()), (MOST_WAITING, 1));
        for id in 1..=MOST_THREADS as u64 {
            ask(&mut acme, id, &format!("t{id}"));
        }
        assert_eq!((acme.threads.len(), acme.questions.len()), (MOST_THREADS, MOST_THREADS));
        // What is forgotten stays.
        assert_eq!(acme.told(&answer(1, Some("https://github.com/acme/widget"))), NONE);
        assert_eq!((acme.waiting.len(), acme.take_stayed()), (0, MOST_WAITING as u64));
        // Parents that are each other's.
        assert_eq!(acme.judge(&event("x", Some("y")), 1), Judgement::Stays);
        assert_eq!(acme.judge(&event("y", Some("x")), 1), Judgement::Stays);
    }

    #[test]
    fn a_policy_without_such_rules_asks_nobody() {
        assert!(policy("{}").repositories::<()>().is_none());
        let ruled = policy(r#"{"drop_repositories":["*/secret"]}"#);
        assert_eq!(ruled.apply(&event("a", None)), Err(Withheld::UnknownRepository));
        assert_eq!(ruled.apply_to_allowed(&event("a", None)), Ok(event("a", None)));
        for (rule, url) in [
            ("github.com/Acme/Widget", "git@github.com:acme/widget.git"),
            ("git.acme.example/team/*", "ssh://git@git.acme.example:2222/team/widget"),
            ("git.acme.example:2222/team/widget", "ssh://git@git.acme.example:2222/team/widget"),
            ("*/widget", "https://localhost/team/widget"),
        ] {
            let mut dropped = judge(&format!(r#"{{"drop_repositories":["{rule}"]}}"#));
            ask(&mut dropped, 1, "a");
            assert_eq!(dropped.told(&answer(1, Some(url))), NONE);
            assert_eq!(dropped.judge(&event("a", None), 1), Judgement::Stays, "{rule}");
        }
        for remote in [
            "https://github.com/acme/widget",
            "git@github.com:acme/widget",
            "github.com/acme/widget.git",
            "github.com/acme/widget/",
            "acme/widget",
            "widget",
        ] {
            let rules = format!(r#"{{"drop_repositories":["{remote}"]}}"#);
            let refused = Policy::new(&rules, Sha2::default()).unwrap_err();
            assert_eq!(refused, PolicyError::Remote("drop_repositories".into()), "{remote}");
        }
    }
}
