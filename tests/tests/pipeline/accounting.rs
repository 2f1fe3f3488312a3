//! Everything that a session tells of is accounted for.

use std::collections::BTreeSet;

use crate::histories::{every, is_item, is_silent_call, is_tool, read, same, whole};
use serde_json::Value;
use turnledger_core::Direction;
use turnledger_core::discard::{Reason, Subject};
use turnledger_tests::golden::{Message, values};
use turnledger_tests::history::Options;

/// Everything that begins is accounted for: it has its event, or there is a discard that says why not.
#[test]
fn nothing_is_silently_lost() {
    every(|case| {
        let messages = case.with(Options { clients: 1, ..case.options() });
        let output = whole(&messages);
        let events = |types: &[&str]| output.events.iter().filter(|event| types.contains(&event.event_type())).count();
        let discards = |of: Subject| output.discards.iter().filter(|discard| discard.subject == of).count();
        let told = Told::of(&messages, case.options().server);
        same(&("steers", events(&["codex_turn_steer_event"]) + discards(Subject::Steer)), &("steers", told.steers))?;
        same(&("turns", events(&["codex_turn_event"]) + discards(Subject::Turn)), &("turns", told.turns))?;
        // The end of a request that began at no time is one more thing that cannot be joined.
        if !told.has_review_at_no_time {
            let reviews = events(&["codex_review_event"]) + discards(Subject::Review);
            same(&("reviews", reviews), &("reviews", told.reviews))?;
        }
        // What acts on the session is no tool's item.
        let is_told = |event: &&Value| is_item(event) && event["event_type"] != "codex_control_tool_call_event";
        let items = values(&output.events).iter().filter(is_told).count();
        let guardian = events(&["codex_guardian_review"]);
        same(&("guardian", guardian + discards(Subject::GuardianReview)), &("guardian", told.verdicts))?;
        let discarded = |is_open: bool| {
            let discards = output.discards.iter().filter(|discard| discard.subject == Subject::Item);
            // A question without an answer is no item of the server's.
            let discards = discards.filter(|discard| discard.reason != Reason::NotAnswered);
            discards.filter(move |discard| (discard.reason == Reason::NotCompletedItem) == is_open)
        };
        same(&("items", items + discarded(false).count()), &("items", told.items))?;
        let given_up: Vec<_> = discarded(true).filter_map(|discard| discard.ids.item_id.as_deref()).collect();
        match told.open_items.iter().find(|item| !given_up.contains(&item.as_str())) {
            Some(item) => Err(format!("{item} never completed, and that is not said")),
            None => Ok(()),
        }
    });
}

/// How many things a session with one client tells of.
#[derive(Debug, Default)]
struct Told {
    steers: usize,
    turns: usize,
    reviews: usize,
    has_review_at_no_time: bool,
    verdicts: usize,
    items: usize,
    /// Those that started and did not complete.
    open_items: Vec<String>,
}

impl Told {
    fn of(messages: &[Message], server: u16) -> Self {
        let mut told = Self::default();
        let (mut requests, mut questions) = (BTreeSet::new(), BTreeSet::new());
        let (mut steering, mut asked) = (Vec::new(), Vec::<(String, bool, String)>::new());
        for message in messages {
            let value = read(message);
            let (id, params) = (value["id"].to_string(), &value["params"]);
            let is_tool = is_tool(&params["item"]) && (server >= 150 || !is_silent_call(&params["item"]));
            let item = params["item"]["id"].as_str().unwrap_or_default().to_owned();
            let thread = params["threadId"].as_str().unwrap_or_default().to_owned();
            // What nobody answers in time is cleared.
            match value["method"].as_str() {
                Some("turn/started" | "turn/completed") => asked.retain(|(_, _, of)| *of != thread),
                Some("serverRequest/resolved") => {
                    let resolved = params["requestId"].to_string();
                    asked.retain(|(other, ..)| *other != resolved);
                }
                _ => {}
            }
            match (value["method"].as_str(), message.direction) {
                (Some("turn/steer"), _) => steering.push(id),
                (Some("turn/started"), _) => told.turns += 1,
                (Some("item/autoApprovalReview/completed"), _) => {
                    told.reviews += 1;
                    told.verdicts += 1;
                }
                (Some("item/started"), _) if is_tool && params["startedAtMs"] == -1 => told.items += 1,
                (Some("item/started"), _) if is_tool => told.open_items.push(item),
                (Some("item/completed"), _) if is_tool => {
                    told.items += 1;
                    told.open_items.retain(|other| *other != item);
                }
                (Some(method), _) if method.ends_with("/requestApproval") && requests.insert(id.clone()) => {
                    told.reviews += 1;
                    told.has_review_at_no_time |= params["startedAtMs"] == -1;
                    asked.push((id, method.contains("/permissions/"), thread));
                }
                (None, Direction::ServerToClient) if steering.contains(&id) => {
                    steering.retain(|other| *other != id);
                    // This refusal is the one that is not recorded.
                    told.steers += usize::from(value["error"]["message"] != "expectedTurnId must not be empty");
                }
                (Some("item/tool/requestUserInput" | "mcpServer/elicitation/request"), _) => {
                    questions.insert(id);
                }
                (None, Direction::ClientToServer) if questions.contains(&id) => {}
                (None, Direction::ClientToServer) => {
                    // What comes too late or is no answer leaves its request where it is.
                    let settles = match asked.iter().find(|(other, ..)| *other == id) {
                        Some((_, is_permission, _)) => *is_permission || value["result"]["decision"] != 7,
                        None => false,
                    };
                    asked.retain(|(other, ..)| *other != id);
                    told.reviews += usize::from(!settles);
                }
                _ => {}
            }
        }
        told
    }
}
