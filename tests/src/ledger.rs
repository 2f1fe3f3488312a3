//! Ledgers that upload to a [`Collector`], and facts for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use turnledger::Ledger;
use turnledger::delivery::auth::{AuthProvider, NoAuth};
use turnledger::delivery::{Endpoint, RetryLimits};
use turnledger::ledger::{Flushed, LedgerBuilder};
use turnledger::store::StoreLimits;
use turnledger_core::Fact;

use turnledger_testing::Collector;

/// Longer than anything takes that does not hang.
pub const LONG: Duration = Duration::from_secs(20);

/// A ledger that uploads without credentials, and soon.
pub fn builder(collector: &Collector) -> LedgerBuilder {
    with_auth(collector, Arc::new(NoAuth))
}

/// A ledger that uploads soon.
pub fn with_auth(collector: &Collector, auth: Arc<dyn AuthProvider>) -> LedgerBuilder {
    // Behind a path, as servers are.
    to(&format!("{}/api", collector.url()), auth)
}

/// A ledger that uploads to a URL, and soon.
///
/// # Panics
///
/// If the URL cannot be used.
pub fn to(url: &str, auth: Arc<dyn AuthProvider>) -> LedgerBuilder {
    Ledger::builder()
        .upload(Endpoint::new(url).expect("a URL"), auth)
        .retry(RetryLimits::default().first_ms(5).longest_ms(50))
        .store(StoreLimits::default().batch_age(Duration::from_millis(20)))
}

/// Where spools of each kind will be in a folder: a log, and an SQLite file.
///
/// # Panics
///
/// If the folder cannot be written.
pub fn spools(folder: &Path) -> [PathBuf; 2] {
    let sqlite = folder.join("spool.db");
    // An empty file becomes a database.
    fs::write(&sqlite, "").expect("a file");
    [folder.join("spool"), sqlite]
}

/// Nowhere, and where [`spools`] are.
///
/// # Panics
///
/// Those of [`spools`].
pub fn stores(folder: &Path) -> [Option<PathBuf>; 3] {
    let [log, sqlite] = spools(folder);
    [None, Some(log), Some(sqlite)]
}

/// Waits for something that another thread brings about.
///
/// # Panics
///
/// If it does not come about in [`LONG`].
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The threads of the events that a server took, in order.
pub fn threads(collector: &Collector) -> Vec<String> {
    let mut threads: Vec<_> = collector
        .events()
        .iter()
        .map(|event| event["event_params"]["thread_id"].as_str().unwrap_or_default().to_owned())
        .collect();
    threads.sort();
    threads
}

/// What a flush says that delivered some events and left others.
pub fn stored(delivered: u64, waiting: u64) -> Flushed {
    Flushed::Stored { delivered, waiting }
}

/// A fact that is an event by itself: a hook that ran in a thread.
///
/// # Panics
///
/// If the form of facts has changed.
pub fn hook(thread: &str) -> Fact {
    let tracking = json!({ "model_slug": "m", "thread_id": thread, "turn_id": "t" });
    let hook = json!({ "tracking": tracking, "event_name": "stop", "hook_source": "user", "status": "completed" });
    serde_json::from_value(json!({ "hook_run": hook })).expect("a fact")
}
