//! What a spool costs: events that are stored, and sent in batches, for each kind.
//!
//! usage: `spool [EVENTS] [EVENTS_A_TIME]`

use std::env;
use std::time::{Duration, Instant};

use turnledger::delivery::account::AccountKey;
use turnledger::store::{Spool, StoreLimits, StoredEvent, Wanted};
use turnledger_core::UnixMillis;
use turnledger_tests::ledger::spools;

fn main() {
    let argument = |index, default| env::args().nth(index).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (events, at_once): (usize, usize) = (argument(1, 10_000), argument(2, 100));
    let json = format!("{{\"event_type\":\"codex_hook_run\",\"event_params\":\"{}\"}}", "x".repeat(600));
    let event = StoredEvent::from_json(UnixMillis(0), AccountKey::NONE, json, false);
    let wanted = Wanted::new(UnixMillis(0), AccountKey::NONE);
    println!("{events} events of {} bytes, {at_once} at once; milliseconds, the fastest of five", event.json.len());
    println!("{:<10} {:>10} {:>10} {:>14}", "", "pushing", "draining", "bytes on disk");
    for name in ["log", "sqlite"] {
        let (mut pushing, mut draining, mut size) = (Duration::MAX, Duration::MAX, 0);
        for _ in 0..5 {
            // Not in memory, as temporary folders may be.
            let folder = tempfile::tempdir_in(".").expect("a folder");
            let [log, sqlite] = spools(folder.path());
            let path = if name == "log" { log } else { sqlite };
            let mut spool = Spool::open(&path, StoreLimits::default(), Duration::from_secs(1)).expect("a spool");
            let group = vec![event.clone(); at_once];
            let start = Instant::now();
            for _ in 0..events / at_once {
                spool.append(&group, UnixMillis(0)).expect("room");
            }
            pushing = pushing.min(start.elapsed());
            size = spool.size();
            let start = Instant::now();
            let mut drained = 0;
            while let Some(batch) = spool.next(&wanted).expect("a batch") {
                drained += batch.events;
                spool.delivered(&batch).expect("it is deleted");
            }
            draining = draining.min(start.elapsed());
            assert_eq!(drained, events / at_once * at_once, "everything comes out");
        }
        println!("{name:<10} {:>10} {:>10} {size:>14}", pushing.as_millis(), draining.as_millis());
    }
}
