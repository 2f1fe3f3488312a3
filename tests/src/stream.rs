//! Messages as a program has them that reads a file or a connection.

use turnledger_core::{ConnectionId, Direction, UnixMillis};

use crate::golden::Message;

/// Messages whose texts follow one another in memory. Spread over it, as they are made, they would measure the memory.
pub struct Stream<'m> {
    messages: &'m [Message],
    text: String,
}

impl<'m> From<&'m [Message]> for Stream<'m> {
    fn from(messages: &'m [Message]) -> Self {
        Self { messages, text: messages.iter().map(|message| message.text.as_str()).collect() }
    }
}

impl Stream<'_> {
    /// The bytes of all texts.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The texts.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.iter().map(|(.., text)| text)
    }

    /// What an observer takes of each message.
    pub fn iter(&self) -> impl Iterator<Item = (UnixMillis, ConnectionId, Direction, &[u8])> {
        let mut rest = self.text.as_bytes();
        self.messages.iter().map(move |message| {
            let (text, after) = rest.split_at(message.text.len());
            rest = after;
            (message.at, message.connection_id, message.direction, text)
        })
    }
}
