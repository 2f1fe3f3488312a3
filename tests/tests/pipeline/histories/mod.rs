//! Checks a property of many generated histories, and shrinks the first that lacks it.

#![allow(unreachable_pub, reason = "the module is private to this program")]

mod sessions;

pub use sessions::{feed, is_item, is_silent_call, is_tool, lines, read, same, same_lines, whole};

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use turnledger_tests::golden::Message;
use turnledger_tests::history::{Options, history, server};

/// One generated case.
#[derive(Clone, Debug)]
pub struct Case {
    words: Vec<u64>,
    lag: bool,
    server: u16,
    /// Words for whatever the property needs to choose.
    pub more: Vec<u64>,
}

impl Case {
    /// The messages; clients may lag behind one another.
    pub fn messages(&self) -> Vec<Message> {
        self.with(self.options())
    }

    /// Who may lag, and which server it is.
    pub fn options(&self) -> Options {
        Options { lag: self.lag, server: self.server, ..Options::default() }
    }

    /// The messages of another size, or with other ids.
    pub fn with(&self, options: Options) -> Vec<Message> {
        history(&self.words, options)
    }

    /// A history of its own, with other ids: that of the words for choices.
    pub fn neighbour(&self) -> Vec<Message> {
        history(&self.more, Options { number: 1, logins: false, ..self.options() })
    }

    /// A choice among `count`.
    pub fn choose(&self, count: usize) -> usize {
        let word = self.more.first().copied().unwrap_or_default();
        usize::try_from(word % count.max(1) as u64).unwrap_or_default()
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let words = || proptest::collection::vec(any::<u64>(), 0..28);
    let servers = any::<u64>().prop_map(server);
    (words(), any::<bool>(), servers, words()).prop_map(|(words, lag, server, more)| Case { words, lag, server, more })
}

/// How many histories one run compares with the model, unless `HISTORIES` in the environment says otherwise.
const HISTORIES: u64 = 100_000;

/// A share of the histories of a run.
pub fn histories(share: u64) -> u64 {
    env::var("HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(HISTORIES) / share
}

/// Checks a property of a share of the histories: one of fifty.
///
/// # Panics
///
/// If a history lacks it.
pub fn every(property: impl Fn(&Case) -> Result<(), String> + Sync) {
    check(histories(50), property);
}

/// A part of the work, with random numbers of its own that are the same in every run.
fn part(
    number: u64,
    cases_of_part: u64,
    property: &(dyn Fn(&Case) -> Result<(), String> + Sync),
) -> Result<u64, String> {
    let checked = AtomicU64::new(0);
    let cases_of_part = u32::try_from(cases_of_part).unwrap_or(u32::MAX);
    let config = Config { cases: cases_of_part, failure_persistence: None, ..Config::default() };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let result = runner.run(&cases(), |case| {
        checked.fetch_add(1, Ordering::Relaxed);
        property(&case).map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => Ok(checked.into_inner()),
        Err(TestError::Fail(difference, case)) => {
            let lines: Vec<_> =
                case.messages().iter().map(|message| format!("{} {}", message.connection_id, message.text)).collect();
            let lines = lines.join("\n");
            Err(format!("part {number}, {case:?}:\n{lines}\n{difference}"))
        }
        Err(TestError::Abort(reason)) => Err(format!("part {number}: {reason}")),
    }
}

/// Checks a property of so many histories, on all processors.
///
/// # Panics
///
/// If a history lacks it; the panic shows the smallest one that does.
pub fn check(count: u64, property: impl Fn(&Case) -> Result<(), String> + Sync) {
    let parts = thread::available_parallelism().map_or(1, |parts| parts.get() as u64).min(count);
    let property: &(dyn Fn(&Case) -> Result<(), String> + Sync) = &property;
    let results: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..parts)
            .map(|number| {
                let share = count / parts + u64::from(number < count % parts);
                scope.spawn(move || part(number, share, property))
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker that ends")).collect()
    });
    let mut checked = 0;
    for result in results {
        checked += result.unwrap_or_else(|difference| panic!("{difference}"));
    }
    println!("{checked} histories");
    assert_eq!(checked, count);
}
