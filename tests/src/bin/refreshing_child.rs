//! An app-server that ends while its client has been asked for a new token and does not answer.
//!
//! usage: `refreshing_child URL`, of a server that refuses every token

use std::env;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use turnledger::Ledger;
use turnledger::delivery::auth::{Account, SuppliedToken, TokenRefresher};
use turnledger::delivery::{Endpoint, Reply};
use turnledger::secrecy::SecretString;
use turnledger_tests::ledger::hook;

/// Asks a client, which never answers.
struct Outgoing(Mutex<SyncSender<()>>);

impl TokenRefresher for Outgoing {
    fn refresh(&self, _: Reply<SecretString>) {
        self.0.lock().expect("the sender").send(()).expect("somebody waits");
        loop {
            thread::park();
        }
    }
}

fn main() {
    let url = env::args().nth(1).expect("usage: refreshing_child URL");
    let (asked, was_asked) = sync_channel(1);
    let outgoing = Arc::new(Outgoing(Mutex::new(asked)));
    let token = SuppliedToken::new("stale".into(), Account::default(), Arc::downgrade(&outgoing));
    let ledger =
        Ledger::builder().upload(Endpoint::new(&url).expect("a URL"), Arc::new(token)).start().expect("a ledger");
    ledger.track(hook("one"));
    let flushing = ledger.clone();
    thread::spawn(move || flushing.flush(Duration::from_secs(600)));
    was_asked.recv().expect("the client is asked");
    println!("{:?}", ledger.shutdown(Duration::from_millis(100)));
}
