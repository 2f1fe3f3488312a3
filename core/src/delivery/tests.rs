use alloc::vec::Vec;

use super::{Action, Delivery, Hold, Response, RetryLimits, Sending, Verdict, is_loopback};
use crate::time::UnixMillis;

const LIMITS: RetryLimits = RetryLimits { first_ms: 100, longest_ms: 1000 };

fn at(ms: u64) -> UnixMillis {
    UnixMillis(ms)
}

const fn status(code: u16) -> Response {
    Response::Status { code, retry_after_ms: None }
}

const fn after(code: u16, ms: u64) -> Response {
    Response::Status { code, retry_after_ms: Some(ms) }
}

const PLAIN: Action = Action::Send(Sending { compressed: false, renew: false, most_events: usize::MAX });

#[test]
fn what_each_status_means() {
    let verdicts = |code| {
        let mut delivery = Delivery::new(LIMITS);
        (delivery.handle(at(0), status(code), 2, 0), delivery.hold())
    };
    for code in [200, 202, 204] {
        assert_eq!(verdicts(code), (Verdict::Delivered, None), "{code}");
    }
    for code in [400, 402, 409, 422, 431, 451] {
        assert_eq!(verdicts(code), (Verdict::Refused { status: code }, None), "{code}");
    }
    for code in [0, 301, 302, 307, 308, 403, 404, 405, 407, 410] {
        let hold = Hold::Address { status: code };
        assert_eq!(verdicts(code), (Verdict::Hold(hold), Some(hold)), "{code}");
    }
    for code in [408, 425, 429, 500, 502, 503, 504, 599] {
        let hold = Hold::Busy { status: code };
        assert_eq!(verdicts(code), (Verdict::Hold(hold), Some(hold)), "{code}");
    }
    for code in [100, 199, 600, 999] {
        assert_eq!(verdicts(code), (Verdict::Hold(Hold::NoAnswer), Some(Hold::NoAnswer)), "{code}");
    }
    assert_eq!(verdicts(401), (Verdict::Again, None));
    assert_eq!(verdicts(413), (Verdict::Halve, None));
    assert_eq!(verdicts(415), (Verdict::Refused { status: 415 }, None), "the body was plain");
}

#[test]
fn codes_of_grpc_mean_what_statuses_mean() {
    let of = |retry_after_ms, is_too_large| {
        let code = |code| match Response::of_grpc(code, retry_after_ms, is_too_large) {
            Response::Status { code, retry_after_ms: told } if told == retry_after_ms => code,
            other => panic!("{other:?}"),
        };
        (0..=17).map(code).collect::<Vec<_>>()
    };
    let expected = [200, 503, 400, 400, 503, 400, 400, 403, 400, 400, 503, 503, 404, 400, 503, 503, 401, 400];
    assert_eq!(of(None, false), expected);
    let with = |changes: &[(usize, u16)]| {
        let mut expected = expected.to_vec();
        for (code, status) in changes {
            expected[*code] = *status;
        }
        expected
    };
    assert_eq!(of(Some(1), false), with(&[(8, 429)]));
    assert_eq!(of(None, true), with(&[(8, 413), (11, 413)]));
    assert_eq!(of(Some(1), true), with(&[(8, 413), (11, 413)]));
}

#[test]
fn delays_grow_and_start_again() {
    let mut delivery = Delivery::new(LIMITS);
    let mut delays = Vec::new();
    let mut now = 0;
    for jitter in [0, 0, 0, 0, 0, u64::MAX] {
        delivery.handle(at(now), Response::Unreachable, 1, jitter);
        let Action::Wait { until } = delivery.poll(at(now)) else { panic!("it waits") };
        delays.push(until.0 - now);
        assert_eq!(delivery.poll(until), PLAIN);
        now = until.0;
    }
    assert_eq!(delays, [100, 200, 400, 800, 1000, 1000 + u64::MAX % 1001]);
    delivery.handle(at(now), status(200), 1, 0);
    assert_eq!(delivery.poll(at(now)), PLAIN);
    delivery.handle(at(now), Response::NoAnswer, 1, 0);
    assert_eq!(delivery.poll(at(now)), Action::Wait { until: at(now + 100) });
}

#[test]
fn a_server_that_asks_for_time_gets_all_of_it() {
    let day = 24 * 3_600_000;
    for code in [408, 429, 500, 503, 403] {
        let mut delivery = Delivery::new(LIMITS);
        delivery.handle(at(5), after(code, day), 1, 0);
        delivery.hurry();
        assert_eq!(delivery.poll(at(6)), Action::Wait { until: at(day + 5) }, "{code}");
        assert_eq!(delivery.asked_until(at(6)), Some(at(day + 5)));
        assert_eq!(delivery.asked_until(at(day + 5)), None);
    }
    let mut delivery = Delivery::new(LIMITS);
    delivery.handle(at(5), after(429, u64::MAX), 1, 0);
    assert_eq!(delivery.poll(at(6)), Action::Wait { until: at(u64::MAX) });
    // Somebody who waits cuts our own delay short.
    let mut delivery = Delivery::new(LIMITS);
    delivery.handle(at(5), after(429, 1), 1, 0);
    delivery.hurry();
    assert_eq!(delivery.poll(at(6)), PLAIN);
    // What another process was asked for counts, too.
    delivery.wait_until(at(50));
    assert_eq!(delivery.poll(at(49)), Action::Wait { until: at(50) });
}

#[test]
fn credentials_are_renewed_once_and_then_waited_for() {
    let mut delivery = Delivery::new(LIMITS);
    let renewing = Action::Send(Sending { compressed: false, renew: true, most_events: usize::MAX });
    assert_eq!(delivery.handle(at(0), status(401), 1, 0), Verdict::Again);
    assert_eq!(delivery.poll(at(0)), renewing);
    let hold = Hold::Credentials { status: Some(401) };
    assert_eq!(delivery.handle(at(0), status(401), 1, 0), Verdict::Hold(hold));
    assert_eq!(delivery.poll(at(0)), Action::Wait { until: at(100) });
    // The next cycle renews once again.
    assert_eq!(delivery.poll(at(100)), PLAIN);
    assert_eq!(delivery.handle(at(100), status(401), 1, 0), Verdict::Again);
    assert_eq!(delivery.poll(at(100)), renewing);
    assert_eq!(delivery.handle(at(100), status(200), 1, 0), Verdict::Delivered);
    assert_eq!(delivery.poll(at(100)), PLAIN);
    let none = Hold::Credentials { status: None };
    assert_eq!(delivery.handle(at(100), Response::NoCredentials, 1, 0), Verdict::Hold(none));
}

#[test]
fn a_compressed_body_that_is_refused_goes_plain_for_good() {
    let mut delivery = Delivery::new(LIMITS);
    delivery.takes_gzip();
    let packed = Action::Send(Sending { compressed: true, renew: false, most_events: usize::MAX });
    assert_eq!(delivery.poll(at(0)), packed);
    assert_eq!(delivery.handle(at(0), status(415), 1, 0), Verdict::Again);
    assert_eq!(delivery.poll(at(0)), PLAIN);
    assert_eq!(delivery.handle(at(0), status(200), 1, 0), Verdict::Delivered);
    delivery.takes_gzip();
    assert_eq!(delivery.poll(at(0)), PLAIN);
    assert_eq!(delivery.handle(at(0), status(415), 1, 0), Verdict::Refused { status: 415 });
}

#[test]
fn what_is_too_large_is_halved_down_to_one_event() {
    let mut delivery = Delivery::new(LIMITS);
    let most = |delivery: &Delivery| match delivery.poll(at(0)) {
        Action::Send(sending) => sending.most_events,
        wait @ Action::Wait { .. } => panic!("{wait:?}"),
    };
    let mut events = 100;
    let mut sizes = Vec::new();
    while delivery.handle(at(0), status(413), events, 0) == Verdict::Halve {
        events = most(&delivery);
        sizes.push(events);
    }
    assert_eq!(sizes, [50, 25, 12, 6, 3, 1]);
    // It was the one: batches grow again.
    delivery.handle(at(0), status(200), 1, 0);
    assert_eq!(most(&delivery), 2);
}

#[test]
fn a_batch_that_keeps_failing_goes_behind_the_others() {
    let mut delivery = Delivery::new(LIMITS);
    let hold = Hold::Busy { status: 500 };
    let verdicts: Vec<_> = (0..8).map(|_| delivery.handle(at(0), status(500), 1, 0)).collect();
    let four = [Verdict::Hold(hold), Verdict::Hold(hold), Verdict::Hold(hold), Verdict::Defer(hold)];
    assert_eq!(verdicts, [four, four].concat());
    // A server that is away, busy or refuses who asks says nothing of the batch.
    for response in [Response::Unreachable, status(429), status(404)] {
        let verdicts: Vec<_> = (0..8).map(|_| delivery.handle(at(0), response, 1, 0)).collect();
        assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Hold(_))), "{verdicts:?}");
    }
}

#[test]
fn this_machine_is_known_by_its_address() {
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "[::1]", "::1", "[0:0:0:0:0:0:0:1]"] {
        assert!(is_loopback(host), "{host}");
    }
    for host in [
        "127.evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "127.1",
        "0127.0.0.1",
        "127.0.0.256",
        "10.0.0.1",
        "[::2]",
        "[127.0.0.1]",
        "[::1",
        "",
    ] {
        assert!(!is_loopback(host), "{host}");
    }
}
