//! Any answers at any times: no request goes out before it may, and the machine always says when to ask again.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use turnledger_core::UnixMillis;
use turnledger_core::delivery::{Action, Delivery, Response, RetryLimits, Verdict};

#[derive(Arbitrary, Debug)]
struct Session {
    first_ms: u32,
    longest_ms: u32,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Answer { code: u16, retry_after_ms: Option<u64>, events: u8, jitter: u64 },
    NoAnswer { jitter: u64 },
    Unreachable { jitter: u64 },
    NoCredentials,
    TakesGzip,
    Hurry,
    Wait { ms: u32 },
}

fuzz_target!(|session: Session| {
    let limits = RetryLimits::default().first_ms(session.first_ms.into()).longest_ms(session.longest_ms.into());
    let mut delivery = Delivery::new(limits);
    let (mut now, mut asked) = (0_u64, 0_u64);
    for step in session.steps {
        let (response, events, jitter) = match step {
            Step::Answer { code, retry_after_ms, events, jitter } => {
                (Response::Status { code, retry_after_ms }, usize::from(events).max(1), jitter)
            }
            Step::NoAnswer { jitter } => (Response::NoAnswer, 1, jitter),
            Step::Unreachable { jitter } => (Response::Unreachable, 1, jitter),
            Step::NoCredentials => (Response::NoCredentials, 1, 0),
            Step::TakesGzip => {
                delivery.takes_gzip();
                continue;
            }
            Step::Hurry => {
                delivery.hurry();
                continue;
            }
            Step::Wait { ms } => {
                now = now.saturating_add(ms.into());
                continue;
            }
        };
        if let Action::Wait { until } = delivery.poll(UnixMillis(now)) {
            assert!(until.0 > now);
            now = until.0;
            assert!(now == u64::MAX || matches!(delivery.poll(UnixMillis(now)), Action::Send(_)));
        }
        assert!(now >= asked);
        let verdict = delivery.handle(UnixMillis(now), response, events, jitter);
        if let (Verdict::Hold(_) | Verdict::Defer(_), Response::Status { retry_after_ms: Some(after), .. }) =
            (verdict, response)
        {
            asked = now.saturating_add(after);
        }
        assert!(verdict != Verdict::Halve || events > 1);
        let is_held = matches!(verdict, Verdict::Hold(_) | Verdict::Defer(_));
        assert!(!is_held || delivery.hold().is_some());
        if matches!(verdict, Verdict::Delivered | Verdict::Refused { .. } | Verdict::Halve) {
            assert!(matches!(delivery.poll(UnixMillis(now)), Action::Send(sending) if !sending.renew));
            asked = 0;
        }
    }
});
