//! Sessions as structure: the core gives the events that the independent model predicts, also if it is suspended and goes
//! on somewhere on the way.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use turnledger_core::digest::Sha2;
use turnledger_core::{Limits, Output, Pipeline};
use turnledger_tests::agreement::{apart, difference};
use turnledger_tests::golden::{Message, observe, pipeline};
use turnledger_tests::history::{Options, history, server};

#[derive(Arbitrary, Debug)]
struct Session {
    steps: Vec<u64>,
    lag: bool,
    server: u8,
    /// After how many messages it is suspended.
    suspended: u16,
}

/// The model keeps everything and looks through it: longer sessions are slow and show nothing else.
const MAX_STEPS: usize = 40;

fuzz_target!(|session: Session| {
    let steps = &session.steps[..session.steps.len().min(MAX_STEPS)];
    let messages =
        history(steps, Options { lag: session.lag, server: server(session.server.into()), ..Options::default() });
    if let Some(difference) = difference(&messages) {
        panic!("{difference}");
    }
    let suspended = usize::from(session.suspended) % (messages.len() + 1);
    assert_eq!(events(&messages, suspended), events(&messages, messages.len()));
});

/// The events, of a session that goes on from its snapshot after so many messages.
fn events(messages: &[Message], suspended: usize) -> [Vec<String>; 2] {
    let (mut session, mut output) = (pipeline(Sha2::default()), Output::default());
    for (index, message) in messages.iter().enumerate() {
        if index == suspended {
            session =
                Pipeline::restore(Sha2::default(), Limits::default(), &session.snapshot()).expect("its own snapshot");
        }
        observe(&mut session, message, &mut output);
    }
    session.finish(messages.last().map(|message| message.at).unwrap_or_default(), &mut output);
    apart(&output.events)
}
