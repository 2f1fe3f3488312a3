//! What JavaScript begins a session with.

use turnledger_core::event::common::RpcTransport;
use turnledger_core::{BatchLimits, Cap, Limits};

/// The transport by its number; the package's TypeScript has the same order.
pub(crate) fn transport(number: u32) -> RpcTransport {
    match number {
        1 => RpcTransport::Websocket,
        2 => RpcTransport::InProcess,
        _ => RpcTransport::Stdio,
    }
}

/// Limits from a list, whose order the package's TypeScript has as well: what a request may hold (events, bytes); how
/// many entries there are and for how long (connections, threads, turns, items, requests, approvals); bytes of a diff,
/// and of all. What is not a number, or not there, stays as it is by itself.
///
/// A limit of both stages is one here.
pub(crate) fn limits(numbers: &[f64]) -> (BatchLimits, Limits) {
    let (mut batch, mut limits) = (BatchLimits::default(), Limits::default());
    let Limits { observer, reducer, .. } = &mut limits;
    let mut numbers = numbers.iter().map(|number| (!number.is_nan()).then(|| crate::count(*number)));
    let mut next = || numbers.next().flatten();
    set(&mut batch.events, next());
    set(&mut batch.bytes, next());
    for (cap, other) in [
        (&mut reducer.connections, Some(&mut observer.connections)),
        (&mut reducer.threads, Some(&mut observer.threads)),
        (&mut reducer.turns, Some(&mut observer.turns)),
        (&mut reducer.items, None),
        (&mut reducer.requests, Some(&mut observer.requests)),
        (&mut reducer.reviews, Some(&mut observer.approvals)),
    ] {
        let (entries, idle_ms) = (next(), next());
        for cap in [Some(cap), other].into_iter().flatten() {
            let Cap { entries: most, idle_ms: longest, .. } = cap;
            set(most, entries);
            *longest = idle_ms.unwrap_or(*longest);
        }
    }
    set(&mut reducer.max_diff_bytes, next());
    set(&mut reducer.max_held_diff_bytes, next());
    (batch, limits)
}

fn set(size: &mut usize, number: Option<u64>) {
    if let Some(number) = number {
        *size = usize::try_from(number).unwrap_or(usize::MAX);
    }
}
