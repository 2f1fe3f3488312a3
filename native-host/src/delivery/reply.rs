//! An answer that is given now or later, from any thread or task.

use std::fmt;
use std::time::Instant;

use crossbeam_channel::bounded;

/// Takes one answer. Dropping it without an answer says that there is none.
///
/// A provider that knows the answer gives it before it returns. One that must ask, over a network or on an async
/// runtime, moves the reply there and returns at once.
pub struct Reply<T> {
    take: Option<Box<dyn FnOnce(Option<T>) + Send>>,
}

impl<T> Reply<T> {
    /// A reply that hands its answer to a function; `None` if none is given.
    pub fn new(take: impl FnOnce(Option<T>) + Send + 'static) -> Self {
        Self { take: Some(Box::new(take)) }
    }

    /// The answer.
    pub fn give(mut self, answer: T) {
        if let Some(take) = self.take.take() {
            take(Some(answer));
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if let Some(take) = self.take.take() {
            take(None);
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reply").finish_non_exhaustive()
    }
}

/// Asks, and waits for the answer until a time.
pub(super) fn wait_for<T: Send + 'static>(until: Instant, ask: impl FnOnce(Reply<T>)) -> Option<T> {
    let (given, answer) = bounded(1);
    ask(Reply::new(move |answer| {
        // The asker may have given up.
        let _ = given.send(answer);
    }));
    answer.recv_deadline(until).ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use super::wait_for;

    #[test]
    fn an_answer_comes_now_later_or_never() {
        let soon = || Instant::now() + Duration::from_secs(20);
        assert_eq!(wait_for(soon(), |reply| reply.give(1)), Some(1));
        assert_eq!(wait_for::<u8>(soon(), drop), None);
        let later = wait_for(soon(), |reply| {
            thread::spawn(move || reply.give(2));
        });
        assert_eq!(later, Some(2));
        let mut kept = None;
        assert_eq!(wait_for::<u8>(Instant::now(), |reply| kept = Some(reply)), None);
        drop(kept);
    }
}
