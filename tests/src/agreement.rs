//! Whether the core does what the [model](crate::model) says, and the same after a break.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use turnledger::Sha2;
use turnledger_core::question::QuestionKind;
use turnledger_core::{Event, Fact, Output, UnixMillis};

use crate::golden::{Message, answer, observe, pipeline, values};
use crate::history::facts::{Input, with_facts};
use crate::model::Model;

/// The first message whose events are not those that the model predicts.
pub fn difference(messages: &[Message]) -> Option<String> {
    difference_in(&with_facts(messages.to_vec(), &[]))
}

/// The same, with facts between the messages.
///
/// # Panics
///
/// If a fact cannot be read: a generated one always can.
pub fn difference_in(inputs: &[Input]) -> Option<String> {
    let (mut session, mut model, mut output) = (pipeline(Sha2::default()), Model::default(), Output::default());
    for (index, input) in inputs.iter().enumerate() {
        output.clear();
        let mut expected = match input {
            Input::Message(message) => {
                observe(&mut session, message, &mut output);
                // The model's lines belong to no repository: what is asked of one stays unanswered.
                output.questions.retain(|question| matches!(question.kind, QuestionKind::Skill { .. }));
                answer(&mut session, message.at, &mut output);
                model.observe(message)
            }
            Input::Fact(at, fact) => {
                let read = Fact::from_json(&fact.to_string()).unwrap_or_else(|error| panic!("{fact}: {error}"));
                session.ingest(UnixMillis(*at), read, &mut output);
                model.learn(*at, fact)
            }
        };
        let mut actual = values(&output.events);
        actual.iter_mut().chain(&mut expected).for_each(in_order);
        if actual != expected {
            return Some(format!("input {index}, {input:?}:\n{}", apart_in(&expected, &actual)));
        }
    }
    None
}

/// What differs between two lists of events: members, if they are as many and of the same types; else all of them.
fn apart_in(expected: &[Value], actual: &[Value]) -> String {
    let types = |events: &[Value]| events.iter().map(|event| event["event_type"].clone()).collect::<Vec<_>>();
    if types(expected) != types(actual) {
        let list = |events: &[Value]| events.iter().map(|event| format!("    {event}")).collect::<Vec<_>>().join("\n");
        return format!("  expected\n{}\n  actual\n{}", list(expected), list(actual));
    }
    let mut lines = Vec::new();
    for (expected, actual) in expected.iter().zip(actual).filter(|(expected, actual)| expected != actual) {
        lines.push(format!("  {}", expected["event_type"]));
        let [expected, actual] =
            [expected, actual].map(|event| event["event_params"].as_object().cloned().unwrap_or_default());
        let names: BTreeSet<_> = expected.keys().chain(actual.keys()).collect();
        for name in names.into_iter().filter(|name| expected.get(*name) != actual.get(*name)) {
            let said = |event: &Map<String, Value>| event.get(name).map_or("absent".into(), Value::to_string);
            lines.push(format!("    {name}: expected {}, actual {}", said(&expected), said(&actual)));
        }
    }
    lines.join("\n")
}

/// In which order the plugins of a turn stand is nobody's word.
fn in_order(event: &mut Value) {
    let plugins = event.pointer_mut("/event_params/active_plugin_ids_at_turn_start");
    if let Some(plugins) = plugins.and_then(Value::as_array_mut) {
        plugins.sort_by_key(Value::to_string);
    }
}

/// Events as they are written, for comparison with those of a session that was suspended: all but the skills', in their
/// order, and the skills'. What a snapshot does not hold is the path of a skill that a request names: nobody is asked where
/// it lies, and its event comes sooner, perhaps before the first client is known.
pub fn apart(events: &[Event]) -> [Vec<String>; 2] {
    let (skills, others): (Vec<_>, Vec<_>) =
        events.iter().partition(|event| matches!(event, Event::SkillInvocation(_)));
    let mut skills = values(&skills);
    for skill in &mut skills {
        skill["event_params"]["product_client_id"] = Value::Null;
    }
    let mut skills: Vec<_> = skills.iter().map(Value::to_string).collect();
    skills.sort();
    [others.into_iter().map(Event::to_json).collect(), skills]
}
