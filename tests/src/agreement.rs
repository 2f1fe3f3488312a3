//! Whether the core does what the [model](crate::model) says.

use serde_json::Value;
use turnledger::Sha2;
use turnledger_core::Output;

use crate::golden::{Message, observe, pipeline, values};
use crate::model::{COVERED, Model};

/// The first message whose events are not those that the model predicts.
pub fn difference(messages: &[Message]) -> Option<String> {
    let (mut session, mut model, mut output) = (pipeline(Sha2::default()), Model::default(), Output::default());
    for (index, message) in messages.iter().enumerate() {
        output.clear();
        observe(&mut session, message, &mut output);
        output.events.retain(|event| COVERED.contains(&event.event_type()));
        let (actual, expected) = (values(&output.events), model.observe(message));
        if actual != expected {
            let list =
                |events: &[Value]| events.iter().map(|event| format!("    {event}")).collect::<Vec<_>>().join("\n");
            return Some(format!("message {index}:\n  expected\n{}\n  actual\n{}", list(&expected), list(&actual)));
        }
    }
    None
}
