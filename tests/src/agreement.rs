//! Whether the core does what the [model](crate::model) says, and the same after a break.

use serde_json::Value;
use turnledger::Sha2;
use turnledger_core::question::QuestionKind;
use turnledger_core::{Event, Output};

use crate::golden::{Message, answer, observe, pipeline, values};
use crate::model::Model;

/// The first message whose events are not those that the model predicts.
pub fn difference(messages: &[Message]) -> Option<String> {
    let (mut session, mut model, mut output) = (pipeline(Sha2::default()), Model::default(), Output::default());
    for (index, message) in messages.iter().enumerate() {
        output.clear();
        observe(&mut session, message, &mut output);
        // The model's lines belong to no repository: what is asked of one stays unanswered.
        output.questions.retain(|question| matches!(question.kind, QuestionKind::Skill { .. }));
        answer(&mut session, message.at, &mut output);
        let (actual, expected) = (values(&output.events), model.observe(message));
        if actual != expected {
            let list =
                |events: &[Value]| events.iter().map(|event| format!("    {event}")).collect::<Vec<_>>().join("\n");
            return Some(format!("message {index}:\n  expected\n{}\n  actual\n{}", list(&expected), list(&actual)));
        }
    }
    None
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
