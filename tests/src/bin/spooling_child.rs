//! A process that is killed at random moments: it takes facts, says which are on disk, and delivers.
//!
//! usage: `spooling_child SPOOL URL PREFIX`

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use turnledger::Ledger;
use turnledger::delivery::auth::NoAuth;
use turnledger::delivery::{Endpoint, RetryLimits};
use turnledger::store::StoreLimits;
use turnledger_tests::ledger::hook;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, spool, url, prefix] = &arguments[..] else { panic!("usage: spooling_child SPOOL URL PREFIX") };
    let ledger = Ledger::builder()
        .upload(Endpoint::new(url).expect("a URL"), Arc::new(NoAuth))
        .spool(PathBuf::from(spool))
        .retry(RetryLimits::default().first_ms(5))
        .store(StoreLimits::default().batch_age(Duration::from_millis(5)).lease(Duration::from_millis(300)))
        .start()
        .expect("a ledger");
    for number in 0.. {
        let thread = format!("{prefix}-{number}");
        ledger.track(hook(&thread));
        if ledger.sync(Duration::from_secs(5)) && ledger.stats().spool_problem.is_none() {
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{thread}").and_then(|()| stdout.flush()).expect("a reader");
        }
    }
}
