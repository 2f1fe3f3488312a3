//! What looks at the messages that pass.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Deserialize;
use serde::de::IgnoredAny;
use turnledger_core::{ConnectionId, Direction};

use super::Recorder;
use turnledger::Ledger;

/// What reads the messages that pass, and what is known of the rest.
#[derive(Debug, Default)]
pub struct Watchers {
    /// Turns them into events.
    ledgers: Vec<Ledger>,
    /// Records them.
    recorder: Option<Recorder>,
    /// Whether a message of an app-server or of its client has passed.
    has_traffic: AtomicBool,
    /// Messages that passed unread.
    unread: AtomicU64,
}

impl Watchers {
    /// Ledgers, one for each place that events go to, and a recorder; all are optional.
    pub fn new(ledgers: impl IntoIterator<Item = Ledger>, recorder: Option<Recorder>) -> Self {
        Self { ledgers: ledgers.into_iter().collect(), recorder, ..Self::default() }
    }

    /// What writes messages down.
    pub fn recorder(&self) -> Option<&Recorder> {
        self.recorder.as_ref()
    }

    /// Whether any message between an app-server and its client has passed.
    pub fn has_traffic(&self) -> bool {
        self.has_traffic.load(Ordering::Relaxed)
    }

    /// How many messages passed unread: too long, compressed or malformed.
    pub fn unread(&self) -> u64 {
        self.unread.load(Ordering::Relaxed)
    }

    pub(super) fn count_unread(&self, messages: u64) {
        if messages > 0 {
            self.unread.fetch_add(messages, Ordering::Relaxed);
        }
    }

    pub(super) fn see(&self, connection: ConnectionId, direction: Direction, message: &[u8]) {
        if message.trim_ascii_start().is_empty() {
            return;
        }
        // One message is enough, so that later ones cost no more than this look.
        if !self.has_traffic() && is_of_app_server(message) {
            self.has_traffic.store(true, Ordering::Relaxed);
        }
        for ledger in &self.ledgers {
            ledger.observe(connection, direction, message);
        }
        if let Some(recorder) = &self.recorder {
            recorder.record(connection, direction, message);
        }
    }
}

/// Whether a text is a message of an app-server's protocol: a request, a notification or an answer as
/// JSON-RPC has them. An app-server leaves out `jsonrpc`, which other protocols must have (MCP, LSP, ACP); with
/// it only a method that no other protocol has will do.
fn is_of_app_server(message: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        method: Option<Cow<'a, str>>,
        id: Option<IgnoredAny>,
        result: Option<IgnoredAny>,
        error: Option<IgnoredAny>,
        jsonrpc: Option<IgnoredAny>,
    }
    if !message.trim_ascii_start().starts_with(b"{") {
        return false;
    }
    let Ok(message) = serde_json::from_slice::<Message<'_>>(message) else { return false };
    match (&message.method, message.jsonrpc) {
        (Some(method), Some(_)) => ["thread/", "turn/", "item/"].iter().any(|family| method.starts_with(family)),
        (Some(_), None) => true,
        (None, None) => message.id.is_some() && (message.result.is_some() || message.error.is_some()),
        (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_of_app_server;

    #[test]
    fn what_an_app_server_and_its_client_say() {
        for message in [
            r#"{"id":1,"method":"initialize","params":{"clientInfo":{"name":"x","version":"1"}}}"#,
            r#"{"method":"initialized"}"#,
            r#"  {"id":"a","result":{}}"#,
            r#"{"id":2,"error":{"code":-1,"message":"no"}}"#,
            r#"{"jsonrpc":"2.0","method":"turn/started","params":{}}"#,
        ] {
            assert!(is_of_app_server(message.as_bytes()), "{message}");
        }
        for other in [
            "",
            "hello",
            "[1]",
            "{",
            "{}",
            "\x1b[2J",
            r#"{"type":"item.completed","item":{"id":"item_0"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"id":7,"msg":"text"}"#,
            r#"{"level":"info","time":1,"msg":"listening"}"#,
        ] {
            assert!(!is_of_app_server(other.as_bytes()), "{other}");
        }
    }
}
