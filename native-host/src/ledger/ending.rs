//! A flush as a future, for any async runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::stats::Flushed;

/// A running flush or shutdown, as a future that needs no particular runtime. Dropping it does not stop the flush.
#[derive(Debug)]
#[must_use = "the flush goes on by itself, but what came of it is lost"]
pub struct Flushing {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    is_done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    flushed: Option<Flushed>,
    waker: Option<Waker>,
}

impl Flushing {
    /// One that is over.
    pub(super) fn done(flushed: Flushed) -> Self {
        let (flushing, finish) = Self::new();
        finish(flushed);
        flushing
    }

    /// One that is over when the function is called.
    pub(super) fn new() -> (Self, impl FnOnce(Flushed) + Send + 'static) {
        let shared = Arc::<Shared>::default();
        let done = shared.clone();
        let finish = move |flushed| {
            let mut state = done.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.flushed = Some(flushed);
            let waker = state.waker.take();
            drop(state);
            done.is_done.notify_all();
            if let Some(waker) = waker {
                waker.wake();
            }
        };
        (Self { shared }, finish)
    }

    /// Blocks until it is done. Do not call it on a thread that an async runtime needs meanwhile.
    pub fn wait(self) -> Flushed {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(flushed) = state.flushed {
                return flushed;
            }
            state = self.shared.is_done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Future for Flushing {
    type Output = Flushed;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Flushed> {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flushed) = state.flushed {
            return Poll::Ready(flushed);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
