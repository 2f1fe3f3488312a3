//! Events belong to the account under which they were made, and are sent under no other one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;
use turnledger::delivery::account::Login;
use turnledger::delivery::auth::{Account, AuthProvider, BearerToken, Credentials, NoAuth};
use turnledger::delivery::{Hold, Reply, TokenFile};
use turnledger::ledger::{Flushed, Trouble};
use turnledger_testing::{Answer, Collector};
use turnledger_tests::ledger::{LONG, builder, hook, spools, stored, stores, threads, wait_until, with_auth};

/// Somebody who logs in and out.
#[derive(Debug)]
struct Switch(Mutex<Who>);

#[derive(Clone, Debug)]
enum Who {
    Somebody(BearerToken),
    Nobody,
    ApiKey,
}

impl Switch {
    fn new(who: Who) -> Arc<Self> {
        Arc::new(Self(Mutex::new(who)))
    }

    fn set(&self, who: Who) {
        *self.0.lock().expect("who it is") = who;
    }

    fn who(&self) -> Who {
        self.0.lock().expect("who it is").clone()
    }
}

fn user(name: &str) -> Who {
    let account = Account::default().id(name).is_fedramp(name == "federal");
    Who::Somebody(BearerToken::new(format!("token of {name}").into(), account))
}

impl AuthProvider for Switch {
    fn login(&self) -> Login {
        match self.who() {
            Who::Somebody(token) => token.login(),
            Who::Nobody => Login::LoggedOut,
            Who::ApiKey => Login::NotBackend,
        }
    }

    fn credentials(&self, reply: Reply<Credentials>) {
        match self.who() {
            Who::Somebody(token) => token.credentials(reply),
            Who::Nobody => reply.give(Credentials::Missing),
            Who::ApiKey => reply.give(Credentials::NotBackend),
        }
    }
}

/// The threads that each account's requests brought.
fn by_account(collector: &Collector) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::<String, Vec<String>>::new();
    for request in collector.received().iter().filter(|request| request.status == Some(202)) {
        let account = request.headers.get("chatgpt-account-id").cloned().unwrap_or_default();
        let threads = request.events().expect("events").into_iter();
        let threads = threads.map(|event| event["event_params"]["thread_id"].as_str().expect("a thread").to_owned());
        found.entry(account).or_default().extend(threads);
    }
    found
}

fn expected(accounts: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let texts = |threads: &[&str]| threads.iter().map(|thread| (*thread).to_owned()).collect();
    accounts.iter().map(|(account, threads)| ((*account).to_owned(), texts(threads))).collect()
}

#[test]
fn what_nobody_or_an_api_key_made_is_not_uploaded_by_who_comes_after() {
    let collector = Collector::new();
    let switch = Switch::new(Who::Nobody);
    let ledger = with_auth(&collector, switch.clone()).start().expect("a ledger");
    ledger.track(hook("nobody's"));
    assert!(ledger.sync(LONG));
    switch.set(Who::ApiKey);
    ledger.track(hook("an API key's"));
    assert!(ledger.sync(LONG));
    switch.set(user("federal"));
    ledger.track(hook("theirs"));
    assert!(matches!(ledger.shutdown(LONG), Flushed::Stored { waiting: 0, .. }));
    assert_eq!(by_account(&collector), expected(&[("federal", &["theirs"])]));
    let stats = ledger.stats();
    assert_eq!((stats.no_account, stats.not_backend, stats.delivered), (1, 1, 1));
    let headers = &collector.received()[0].headers;
    assert_eq!(
        (headers["authorization"].as_str(), headers["x-openai-fedramp"].as_str()),
        ("Bearer token of federal", "true")
    );
}

#[test]
fn what_waits_waits_for_its_account() {
    let folder = tempfile::tempdir().expect("a folder");
    for spool in stores(folder.path()) {
        let collector = Collector::new();
        let switch = Switch::new(user("one"));
        let mut builder = with_auth(&collector, switch.clone());
        if let Some(spool) = spool {
            builder = builder.spool(spool);
        }
        let ledger = builder.start().expect("a ledger");
        let is_open = Arc::new(AtomicBool::new(false));
        let opened = is_open.clone();
        collector.rule(move |request| {
            let is_one = request.headers.get("chatgpt-account-id").is_some_and(|account| account == "one");
            (is_one && !opened.load(Ordering::Relaxed)).then(|| Answer::status(403))
        });
        ledger.track(hook("1"));
        wait_until("it is held", || ledger.stats().held == Some(Hold::Address { status: 403 }));
        switch.set(user("two"));
        ledger.track(hook("2"));
        assert_eq!(ledger.flush(LONG), stored(1, 1));
        switch.set(Who::Nobody);
        assert_eq!(ledger.flush(LONG), stored(0, 1));
        is_open.store(true, Ordering::Relaxed);
        switch.set(user("one"));
        ledger.track(hook("3"));
        assert_eq!(ledger.flush(LONG), stored(2, 0));
        assert_eq!(ledger.shutdown(LONG), stored(0, 0));
        assert_eq!(by_account(&collector), expected(&[("one", &["1", "3"]), ("two", &["2"])]));
    }
}

#[test]
fn an_account_is_known_to_the_next_process() {
    let folder = tempfile::tempdir().expect("a folder");
    for spool in spools(folder.path()) {
        for name in ["one", "two"] {
            // It uploads nothing itself, and knows all the same whose its events are.
            let ledger = turnledger::Ledger::builder().auth(Switch::new(user(name))).spool(spool.clone());
            let ledger = ledger.start().expect("a ledger");
            ledger.track(hook(name));
            assert_eq!(ledger.shutdown(LONG), stored(0, if name == "one" { 1 } else { 2 }));
        }
        let collector = Collector::new();
        let session = |who: Who| {
            with_auth(&collector, Switch::new(who)).spool(spool.clone()).start().expect("a ledger").shutdown(LONG)
        };
        assert_eq!(session(user("three")), stored(0, 2));
        assert_eq!(session(Who::Nobody), stored(0, 2));
        let without = builder(&collector).spool(spool.clone()).start().expect("a ledger");
        assert_eq!(without.shutdown(LONG), stored(0, 2), "without accounts it is nobody's");
        assert_eq!(session(user("two")), stored(1, 1));
        assert_eq!(session(user("one")), stored(1, 0));
        assert_eq!(by_account(&collector), expected(&[("one", &["one"]), ("two", &["two"])]));
    }
}

fn log_in(path: &Path, token: &str, account: &str) {
    let text = json!({ "tokens": { "access_token": token, "account_id": account } }).to_string();
    fs::write(path, text).expect("a file");
}

#[test]
fn a_token_file_that_changes_is_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("auth.json");
    let collector = Collector::new();
    let ledger = with_auth(&collector, Arc::new(TokenFile::new(path.clone()))).start().expect("a ledger");
    ledger.track(hook("before"));
    assert!(ledger.sync(LONG));
    let mut sent = Vec::new();
    // Of one length, within one tick of the file system's clock.
    for (token, account) in [("first", "a"), ("other", "a"), ("third", "b")] {
        log_in(&path, token, account);
        ledger.track(hook(token));
        wait_until("the event arrives", || threads(&collector).contains(&token.to_owned()));
        sent.push(collector.received().last().expect("a request").headers["authorization"].clone());
    }
    assert_eq!(sent, ["Bearer first", "Bearer other", "Bearer third"]);
    assert_eq!(by_account(&collector), expected(&[("a", &["first", "other"]), ("b", &["third"])]));
    assert_eq!(ledger.stats().no_account, 1);
}

/// A provider of an embedder who makes a mistake somewhere.
#[derive(Debug)]
struct Faulty {
    place: &'static str,
    is_mended: AtomicBool,
}

impl Faulty {
    fn pass(&self, place: &str) {
        assert!(self.place != place || self.is_mended.load(Ordering::Relaxed), "an embedder's mistake");
    }
}

impl AuthProvider for Faulty {
    fn login(&self) -> Login {
        self.pass("login");
        NoAuth.login()
    }

    fn credentials(&self, reply: Reply<Credentials>) {
        self.pass("credentials");
        NoAuth.credentials(reply);
    }

    fn renew(&self, reply: Reply<bool>) {
        self.pass("renew");
        reply.give(true);
    }
}

#[test]
fn a_provider_that_panics_is_counted_and_told_and_ends_nothing() {
    // What such a panic prints can take longer than everything else here.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !thread::current().name().is_some_and(|name| name.starts_with("turnledger")) {
            print(panic);
        }
    }));
    for place in ["login", "credentials", "renew"] {
        let collector = Collector::new();
        if place == "renew" {
            collector.script([Answer::status(401)]);
        }
        let provider = Arc::new(Faulty { place, is_mended: AtomicBool::new(false) });
        let (tell, told) = std::sync::mpsc::channel();
        let ledger = with_auth(&collector, provider.clone())
            .on_trouble(move |trouble| tell.send(trouble.clone()).expect("a listener"))
            .start()
            .expect("a ledger");
        ledger.track(hook("early"));
        assert!(matches!(told.recv_timeout(LONG), Ok(Trouble::Panicked { .. })), "{place}");
        wait_until("it is counted", || ledger.stats().panics > 0);
        provider.is_mended.store(true, Ordering::Relaxed);
        ledger.track(hook("late"));
        wait_until(&format!("it goes on after {place}: {:#?}", ledger.stats()), || {
            threads(&collector).contains(&"late".to_owned())
        });
        let stats = ledger.stats();
        let early = u64::from(threads(&collector).contains(&"early".to_owned()));
        assert_eq!((stats.core.events.values().sum::<u64>(), early + stats.no_account), (2, 1), "{place}");
    }
}

/// Answers on another thread, or never.
#[derive(Debug)]
struct Slow {
    answers: bool,
}

impl AuthProvider for Slow {
    fn login(&self) -> Login {
        NoAuth.login()
    }

    fn credentials(&self, reply: Reply<Credentials>) {
        let answers = self.answers;
        thread::spawn(move || {
            if answers {
                thread::sleep(Duration::from_millis(20));
                NoAuth.credentials(reply);
            } else {
                thread::sleep(LONG);
            }
        });
    }
}

#[test]
fn credentials_may_come_later_and_nobody_waits_for_them_for_ever() {
    let collector = Collector::new();
    let ledger = with_auth(&collector, Arc::new(Slow { answers: true })).start().expect("a ledger");
    ledger.track(hook("one"));
    assert_eq!(ledger.shutdown(LONG), stored(1, 0));

    let ledger = with_auth(&collector, Arc::new(Slow { answers: false })).start().expect("a ledger");
    for _ in 0..1000 {
        ledger.track(hook("two"));
    }
    assert!(ledger.sync(LONG), "reducing goes on");
    assert_eq!(ledger.shutdown(Duration::from_millis(200)), stored(0, 1000));
    assert_eq!(ledger.stats().dropped, 0);
    assert_eq!(threads(&collector), ["one"]);
}
