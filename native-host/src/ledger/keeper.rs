//! Stores events on disk, or in memory while the spool cannot be used.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use turnledger_core::policy::{Judgement, Policy, Repositories};
use turnledger_core::{Event, UnixMillis};

use super::passing::Note;
use super::queue::Flush;
use super::sender::ToSender;
use super::stats::Trouble;
use super::told::Told;
use crate::Sha2;
use crate::clock::now;
use crate::delivery::account::{AccountKey, Login};
use crate::store::{MemoryStore, Spool, SpoolError, StoreLimits, StoredEvent};

/// How long storing waits for another writer of the spool, before events go to memory.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same for a spool that was busy before.
const LESS_PATIENCE: Duration = Duration::from_millis(100);
/// The first and the longest delay before an unusable spool is tried again.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);
/// How many events are stored together at most.
const MOST_PENDING: usize = 4096;

/// Takes events, and stores them.
pub(super) struct Keeper {
    /// What of an event may leave, and so is kept at all.
    policy: Option<Policy<Sha2>>,
    /// Events that wait for what is known of their repository, where the policy has a rule about it.
    repositories: Option<Repositories<StoredEvent>>,
    pending: Vec<StoredEvent>,
    disk: Option<Disk>,
    memory: Arc<Mutex<MemoryStore>>,
    /// Whether there is a server or a spool for events.
    is_wanted: bool,
    sender: Option<ToSender>,
    told: Arc<Told>,
}

/// The spool, and when to try it again if it cannot be used.
struct Disk {
    path: PathBuf,
    limits: StoreLimits,
    state: State,
}

enum State {
    Works(Box<Spool>),
    Broken { retry: Instant, delay: Duration },
}

impl Keeper {
    pub(super) fn new(
        policy: Option<Policy<Sha2>>,
        spool: Option<PathBuf>,
        memory: Arc<Mutex<MemoryStore>>,
        sender: Option<ToSender>,
        told: Arc<Told>,
    ) -> Self {
        let limits = memory.lock().unwrap_or_else(PoisonError::into_inner).limits();
        let is_wanted = sender.is_some() || spool.is_some();
        let broken = State::Broken { retry: Instant::now(), delay: FIRST_RETRY };
        let disk = spool.map(|path| Disk { path, limits, state: broken });
        let repositories = policy.as_ref().and_then(Policy::repositories);
        let mut keeper = Self { policy, repositories, pending: Vec::new(), disk, memory, is_wanted, sender, told };
        if let Some(disk) = &mut keeper.disk {
            match Spool::open(&disk.path, limits, PATIENCE) {
                Ok(spool) => disk.state = State::Works(spool.into()),
                Err(problem) => keeper.broke(&problem),
            }
        }
        keeper.count_waiting();
        if let Some(sender) = &keeper.sender {
            // An earlier process may have left something.
            sender.stored();
        }
        keeper
    }

    /// Takes an event, for the account that was logged in when it was made.
    pub(super) fn take(&mut self, at: UnixMillis, login: Login, event: &Event) {
        match login {
            _ if !self.is_wanted => self.told.stats().unkept += 1,
            Login::Account(account) => self.keep(at, account, event),
            Login::LoggedOut => self.told.stats().no_account += 1,
            Login::NotBackend => self.told.stats().not_backend += 1,
        }
    }

    fn keep(&mut self, at: UnixMillis, account: AccountKey, event: &Event) {
        let stored = StoredEvent::new(at, account, event);
        let Some(repositories) = &mut self.repositories else { return self.leave(stored) };
        let json = stored.json.clone();
        if let Judgement::Leaves(stored) = repositories.judge(at, &json, stored) {
            self.leave(stored);
        }
        self.count_stayed();
    }

    /// Keeps what leaves of an event whose repository is allowed.
    fn leave(&mut self, mut stored: StoredEvent) {
        if let Some(policy) = &self.policy {
            let Ok(leaves) = policy.apply_to_allowed(&stored.json) else {
                self.told.stats().withheld += 1;
                return;
            };
            stored.json = leaves;
        }
        self.pending.push(stored);
    }

    /// Takes note of what says in which repository a thread works.
    pub(super) fn note(&mut self, note: &Note) {
        let Some(repositories) = &mut self.repositories else { return };
        let leaving = match note {
            Note::Asked(at, question) => {
                repositories.asked(*at, question);
                return;
            }
            Note::Told(fact) => repositories.told(fact),
        };
        for stored in leaving {
            self.leave(stored);
        }
        self.count_stayed();
    }

    fn count_stayed(&mut self) {
        if let Some(repositories) = &mut self.repositories {
            self.told.stats().withheld += repositories.take_stayed();
        }
    }

    /// Whether it is time to store.
    pub(super) fn is_full(&self) -> bool {
        self.pending.len() >= MOST_PENDING
    }

    /// Stores what was taken.
    pub(super) fn commit(&mut self) {
        self.try_again(Instant::now());
        if self.pending.is_empty() {
            return;
        }
        let events = std::mem::take(&mut self.pending);
        let evicted = match &mut self.disk {
            Some(Disk { state: State::Works(spool), .. }) => match spool.append(&events, now()) {
                Ok(evicted) => evicted,
                Err(problem) => {
                    self.broke(&problem);
                    self.memory().append(events, now())
                }
            },
            _ => self.memory().append(events, now()),
        };
        self.told.stats().evicted += evicted;
        self.count_waiting();
        if let Some(sender) = &self.sender {
            sender.stored();
        }
    }

    pub(super) fn sync(&mut self, reply: &Sender<()>) {
        self.commit();
        // Who asked may have given up.
        let _ = reply.send(());
    }

    /// Stores events, and wakes the sender.
    pub(super) fn flush(&mut self, flush: Flush) {
        if flush.ends
            && let Some(Disk { state: State::Broken { retry, .. }, .. }) = &mut self.disk
        {
            // The last time.
            *retry = Instant::now();
        }
        if flush.ends
            && let Some(repositories) = &mut self.repositories
        {
            repositories.end();
            self.count_stayed();
        }
        self.commit();
        let _ = flush.stored.send(());
        if let Some(sender) = &self.sender {
            sender.flush(flush);
            return;
        }
        self.told.sent(0, flush.sent);
        if flush.ends {
            self.told.ended();
        }
    }

    /// When to call [`commit`](Self::commit) even without anything to store.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.disk {
            Some(Disk { state: State::Broken { retry, .. }, .. }) => Some(*retry),
            _ => None,
        }
    }

    /// Tries an unusable spool again, and moves events there from memory.
    fn try_again(&mut self, time: Instant) {
        let Some(disk) = &mut self.disk else { return };
        let State::Broken { retry, delay } = &mut disk.state else { return };
        if time < *retry {
            return;
        }
        let later = (*delay * 2).min(LAST_RETRY);
        (*retry, *delay) = (time + *delay, later);
        let Ok(mut spool) = Spool::open(&disk.path, disk.limits, LESS_PATIENCE) else { return };
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = memory.take();
        match spool.take_in(&taken.events, &taken.batches, now()) {
            Ok(evicted) => {
                drop(memory);
                disk.state = State::Works(spool.into());
                let mut stats = self.told.stats();
                stats.evicted += evicted;
                stats.spool_problem = None;
                drop(stats);
                self.told.tell(Trouble::SpoolIsBack);
                self.count_waiting();
            }
            Err(_) => memory.put_back(taken),
        }
    }

    /// From now on events wait in memory, until the disk works again. Reported once.
    fn broke(&mut self, problem: &SpoolError) {
        if let Some(disk) = &mut self.disk {
            disk.state = State::Broken { retry: Instant::now() + FIRST_RETRY, delay: FIRST_RETRY };
        }
        let (text, is_damaged) = (problem.to_string(), problem.is_damaged());
        self.told.stats().spool_problem = Some(text.clone());
        self.told.tell(Trouble::Spool { problem: text, is_damaged });
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, MemoryStore> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_waiting(&mut self) {
        if let Some(Disk { state: State::Works(spool), .. }) = &mut self.disk {
            self.told.damage_in(spool);
        }
        let on_disk = match &self.disk {
            Some(Disk { state: State::Works(spool), .. }) => spool.waiting().ok(),
            Some(_) => None,
            None => Some(crate::store::Waiting::default()),
        };
        let in_memory = self.memory().waiting();
        self.told.count_waiting(on_disk, in_memory);
    }
}
