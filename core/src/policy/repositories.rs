//! Whether an event's repository lets it leave. The answer may come after the event, which waits for it.

use alloc::string::String;
use alloc::vec::Vec;

use super::Rule;
use super::pattern::Pattern;
use crate::fact::Fact;
use crate::fact::answer::RemoteUrl;
use crate::id::Id;
use crate::json::read::{self, Failed, Read, Reader};
use crate::json::write::{self, Write};
use crate::private::TextKey;
use crate::question::{Question, QuestionId, QuestionKind};
use crate::time::UnixMillis;

/// How many threads are known at most. What is beyond is forgotten, what is not refused and the oldest first, and its
/// events stay.
const MOST_THREADS: usize = 65_536;
/// How many events wait at most. The oldest stays.
const MOST_WAITING: usize = 16_384;
/// How long an answer is waited for. Then the repository counts as unknown.
const PATIENCE_MS: u64 = 5 * 60 * 1000;
/// How far up its parents a thread's repository is looked for.
const DEEPEST: usize = 32;

/// Judges events by the repository that their thread works in, for a [`Policy`](super::Policy) with such rules. `T` is what
/// the host keeps of an event.
///
/// A thread's events leave if the remotes of all repositories that it works in are allowed. A thread that names none has
/// its parent's. Until the answer is there, events wait; what is not answered within five minutes stays, and so does an
/// event of no thread.
///
/// Its questions are the core's. The pipeline must [ask](crate::Pipeline::asking_directories) about every directory.
#[derive(Clone, Debug)]
pub struct Repositories<T> {
    rule: Rule,
    /// In the order of their ids. (Lists are smaller than maps where a browser loads them.)
    threads: Vec<Thread>,
    /// How many threads became known.
    known: u64,
    /// Questions without an answer, the oldest first.
    questions: Vec<Asked>,
    waiting: Vec<(Id, T)>,
    stayed: u64,
    has_ended: bool,
}

#[derive(Clone, Debug, Write, Read)]
struct Asked {
    id: QuestionId,
    thread: Id,
    at: UnixMillis,
}

/// What a snapshot holds of it: no remote, and no event.
#[derive(Write, Read)]
struct Saved {
    /// The rules by which remotes were judged.
    rules: TextKey,
    known: u64,
    threads: Vec<Thread>,
    questions: Vec<Asked>,
}

#[derive(Clone, Debug, Write, Read)]
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

    /// Takes note of a question that the core asked at this time.
    pub fn asked(&mut self, at: UnixMillis, question: &Question) {
        self.expire(at);
        if let QuestionKind::Repository { thread_id, .. } = &question.kind {
            self.thread(thread_id).open += 1;
            self.questions.push(Asked { id: question.id, thread: thread_id.clone(), at });
        }
    }

    /// Takes note of a fact that the host gives the core, if it says of a repository. Returns the events that need no longer
    /// wait, and leave.
    pub fn told(&mut self, fact: &Fact) -> Vec<T> {
        match fact {
            Fact::RepositoryAnswered(fact) => {
                let Some(at) = self.questions.iter().position(|asked| asked.id == fact.question) else {
                    return Vec::new();
                };
                let thread = self.questions.remove(at).thread;
                let known = self.thread(&thread);
                known.open = known.open.saturating_sub(1);
                self.found(&thread, fact.remote_url.as_ref())
            }
            Fact::ThreadOpened(fact) if fact.remote_url.is_some() => {
                self.found(&fact.thread.id, fact.remote_url.as_ref())
            }
            _ => Vec::new(),
        }
    }

    /// Takes note of a repository that a thread works in, by its remote; none if it is not known. Returns the events that
    /// need no longer wait, and leave.
    pub fn found(&mut self, thread: &Id, remote_url: Option<&RemoteUrl>) -> Vec<T> {
        let is_allowed = remote_url.is_some_and(|url| allows(&self.rule, url));
        let known = self.thread(thread);
        if is_allowed {
            known.allowed += 1;
        } else {
            known.is_refused = true;
        }
        self.release()
    }

    /// Judges an event by its JSON text at this time, and keeps `kept` until the answer is there.
    pub fn judge(&mut self, at: UnixMillis, event: &str, kept: T) -> Judgement<T> {
        self.expire(at);
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

    /// Adds what it knows to the snapshot of its pipeline, which restores with it and without it. Events that wait are not
    /// in it.
    pub fn save(&self, snapshot: &mut String) {
        let Self { known, threads, questions, .. } = self;
        if snapshot.pop() == Some('}') {
            let (threads, questions) = (threads.clone(), questions.clone());
            let saved = Saved { rules: self.rules(), known: *known, threads, questions };
            write::members(&[(",\"repositories\":", &saved)], snapshot);
            snapshot.push('}');
        }
    }

    /// Goes on with what a snapshot says. If it says nothing, or other rules were in force, nothing is known of the threads
    /// that the session had: their events stay.
    pub fn restore(&mut self, snapshot: &str, threads: &mut dyn Iterator<Item = &Id>) {
        #[derive(Read)]
        struct Snapshot {
            #[serde(default)]
            repositories: Option<Saved>,
        }
        let saved = read::from_str(snapshot).ok().and_then(|Snapshot { repositories }| repositories);
        if let Some(saved) = saved.filter(|saved| saved.rules == self.rules()) {
            (self.known, self.threads, self.questions) = (saved.known, saved.threads, saved.questions);
            return;
        }
        // The latest come last.
        let threads: Vec<_> = threads.collect();
        for thread in &threads[threads.len().saturating_sub(MOST_THREADS)..] {
            self.thread(thread).is_refused = true;
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

    /// What stands for the rules in a snapshot.
    fn rules(&self) -> TextKey {
        let Rule { allowed, dropped } = &self.rule;
        let allowed = allowed.as_ref().map(|allowed| allowed.iter().map(Pattern::as_str));
        let parts = [allowed.is_some().then_some("allow")].into_iter().flatten();
        let texts =
            parts.chain(allowed.into_iter().flatten()).chain(["drop"]).chain(dropped.iter().map(Pattern::as_str));
        TextKey::of_all(&texts.collect::<Vec<_>>())
    }

    /// Questions of long ago have no answer.
    fn expire(&mut self, at: UnixMillis) {
        let is_late = |asked: &Asked| at.0.saturating_sub(asked.at.0) > PATIENCE_MS;
        let late = self.questions.iter().take_while(|asked| is_late(asked)).count();
        if late == 0 {
            return;
        }
        for Asked { thread, .. } in self.questions.drain(..late).collect::<Vec<_>>() {
            let known = self.thread(&thread);
            known.open = known.open.saturating_sub(1);
            known.is_refused = true;
        }
        // Nothing leaves because of it.
        self.release();
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
                // What is refused is not to be forgotten, or it might leave.
                let order = |(at, thread): (usize, &Thread)| (thread.is_refused, thread.number, at);
                // There are some.
                let (.., oldest) = self.threads.iter().enumerate().map(order).min().unwrap_or_default();
                let oldest = self.threads.remove(oldest).id;
                self.questions.retain(|asked| asked.thread != oldest);
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
    url.canonical().is_some_and(|remote| rule.allows(|pattern| pattern.fits_remote(&remote)))
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

    use super::*;
    use crate::digest::Sha2;
    use crate::fact::answer::RepositoryAnswered;
    use crate::policy::{Policy, PolicyError, Withheld};

    const NONE: [u8; 0] = [];
    const AT: UnixMillis = UnixMillis(1_800_000_000_000);

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
        repositories.asked(AT, &Question { id: QuestionId(id), kind });
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
            assert_eq!(acme.judge(AT, &event(thread, None), kept), Judgement::Waits);
        }
        assert_eq!(acme.told(&answer(2, Some("https://github.com/other/widget"))), NONE);
        assert_eq!(acme.told(&answer(1, Some("git@github.com:Acme/Widget.git"))), [1, 3]);
        assert_eq!(acme.judge(AT, &event("a", None), 5), Judgement::Leaves(5));
        assert_eq!(acme.judge(AT, &event("b", None), 6), Judgement::Stays);
        // A thread below has its parent's, and one without a repository is of none.
        assert_eq!(acme.judge(AT, &event("below", Some("a")), 7), Judgement::Leaves(7));
        assert_eq!(acme.judge(AT, &event("below", None), 8), Judgement::Leaves(8));
        assert_eq!(acme.judge(AT, &event("unknown", None), 9), Judgement::Stays);
        assert_eq!(acme.judge(AT, r#"{"event_type":"codex_plugin_installed","event_params":{}}"#, 9), Judgement::Stays);
        assert_eq!(acme.judge(AT, "no JSON", 9), Judgement::Stays);
        assert_eq!((acme.take_stayed(), acme.take_stayed()), (5, 0));
        acme.end();
        assert_eq!(acme.take_stayed(), 1, "that of c");
        assert_eq!(acme.judge(AT, &event("c", None), 9), Judgement::Stays);
    }

    #[test]
    fn every_repository_of_a_thread_is_asked_for() {
        let mut acme = judge(r#"{"drop_repositories":["github.com/secret/*"]}"#);
        ask(&mut acme, 1, "a");
        assert_eq!(acme.told(&answer(1, Some("https://github.com/acme/widget"))), NONE);
        assert_eq!(acme.judge(AT, &event("a", None), 1), Judgement::Leaves(1));
        // A turn is to work elsewhere.
        ask(&mut acme, 2, "a");
        assert_eq!(acme.judge(AT, &event("a", None), 2), Judgement::Waits);
        assert_eq!(acme.judge(AT, &event("below", Some("a")), 3), Judgement::Waits);
        assert_eq!(acme.told(&answer(2, Some("https://github.com/secret/plan"))), NONE);
        assert_eq!((acme.judge(AT, &event("a", None), 4), acme.take_stayed()), (Judgement::Stays, 3));
        // What has no remote is of no known repository. Answers to other questions change nothing.
        ask(&mut acme, 3, "b");
        assert_eq!(acme.told(&answer(9, Some("https://github.com/acme/widget"))), NONE);
        assert_eq!(acme.told(&answer(3, None)), NONE);
        assert_eq!(acme.judge(AT, &event("b", None), 5), Judgement::Stays);
    }

    #[test]
    fn what_is_known_is_bounded() {
        let mut acme = judge(r#"{"allow_repositories":["*"]}"#);
        ask(&mut acme, 0, "first");
        for kept in 0..=MOST_WAITING {
            assert_eq!(acme.judge(AT, &event("first", None), u8::try_from(kept % 256).unwrap()), Judgement::Waits);
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
        assert_eq!(acme.judge(AT, &event("x", Some("y")), 1), Judgement::Stays);
        assert_eq!(acme.judge(AT, &event("y", Some("x")), 1), Judgement::Stays);
    }

    #[test]
    fn a_refusal_is_not_forgotten_for_others() {
        let mut acme = judge(r#"{"allow_repositories":["github.com/acme/*"]}"#);
        ask(&mut acme, 0, "refused");
        assert_eq!(acme.told(&answer(0, None)), NONE);
        for id in 1..=MOST_THREADS as u64 {
            ask(&mut acme, id, &format!("t{id}"));
        }
        assert_eq!(acme.threads.len(), MOST_THREADS);
        assert_eq!(acme.told(&answer(5, Some("https://github.com/acme/widget"))), NONE);
        assert_eq!(acme.judge(AT, &event("refused", Some("t5")), 1), Judgement::Stays);
        assert_eq!(acme.judge(AT, &event("below", Some("t5")), 2), Judgement::Leaves(2));
    }

    #[test]
    fn an_answer_is_waited_for_five_minutes() {
        let later = |ms: u64| UnixMillis(AT.0 + ms);
        let mut acme = judge(r#"{"allow_repositories":["*"]}"#);
        ask(&mut acme, 1, "a");
        let kind = QuestionKind::Repository { cwd: "/w".into(), thread_id: "b".into() };
        acme.asked(later(1), &Question { id: QuestionId(2), kind });
        assert_eq!(acme.judge(AT, &event("a", None), 1), Judgement::Waits);
        assert_eq!(acme.judge(later(PATIENCE_MS), &event("b", None), 2), Judgement::Waits);
        assert_eq!(acme.judge(later(PATIENCE_MS + 1), &event("below", Some("b")), 3), Judgement::Waits);
        assert_eq!((acme.waiting.len(), acme.questions.len(), acme.take_stayed()), (2, 1, 1));
        // It comes too late, and the thread is of an unknown repository.
        assert_eq!(acme.told(&answer(1, Some("https://github.com/acme/widget"))), NONE);
        assert_eq!(acme.judge(AT, &event("a", None), 4), Judgement::Stays);
        assert_eq!(acme.told(&answer(2, Some("https://github.com/acme/widget"))), [2, 3]);
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
            assert_eq!(dropped.judge(AT, &event("a", None), 1), Judgement::Stays, "{rule}");
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
