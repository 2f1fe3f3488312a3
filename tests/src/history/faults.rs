//! What the protocol does not allow: messages that are lost, repeated or swapped.

use super::Choices;
use crate::golden::Message;

/// The same messages after some faults, as many as there are words.
pub fn with_faults(mut messages: Vec<Message>, words: &[u64]) -> Vec<Message> {
    for word in words {
        let mut choices = Choices(*word);
        if messages.is_empty() {
            break;
        }
        let kind = choices.below(4);
        let at = choices.below(messages.len());
        match kind {
            0 => {
                messages.remove(at);
            }
            1 => {
                let again = messages[at].clone();
                let later = at + choices.below(messages.len() - at);
                messages.insert(later, again);
            }
            2 => {
                let other = choices.below(messages.len());
                messages.swap(at, other);
            }
            _ => {
                messages[at].connection_id = messages[choices.below(messages.len())].connection_id;
            }
        }
    }
    // Clocks go forwards, whatever was told when.
    let mut now = messages.first().map(|message| message.at).unwrap_or_default();
    for message in &mut messages {
        now = now.max(message.at);
        message.at = now;
    }
    messages
}
