//! The WebAssembly host of Turnledger: the core, with SHA-256 compiled in, behind a class that
//! JavaScript can use. No logic but marshalling.

use turnledger_core::digest::Sha2;
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Direction, Limits, Output, Pipeline, UnixMillis};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// A session of one app-server: messages in, events out.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Session {
    pipeline: Pipeline<Sha2>,
    output: Output,
}

#[wasm_bindgen]
impl Session {
    /// A session that has seen nothing. With an organisation's key, hashes are made with HMAC-SHA-256
    /// and it.
    ///
    /// # Errors
    ///
    /// If the key is too short.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::needless_pass_by_value, reason = "JavaScript hands over a copy")]
    pub fn new(key: Option<Box<[u8]>>) -> Result<Self, JsError> {
        let digest = key.map_or_else(|| Ok(Sha2::default()), |key| Sha2::keyed(&key))?;
        Ok(Self { pipeline: Pipeline::new(digest, RpcTransport::Stdio, Limits::default()), output: Output::default() })
    }

    /// Takes one message as text; returns its events as JSON, one a line.
    ///
    /// `at_ms` is Unix milliseconds; what is no such number counts as 0.
    pub fn observe(&mut self, at_ms: f64, connection_id: u32, to_server: bool, message: &str) -> String {
        let direction = if to_server { Direction::ClientToServer } else { Direction::ServerToClient };
        let at = millis(at_ms);
        self.pipeline.observe(at, u64::from(connection_id), direction, message.as_bytes(), &mut self.output);
        self.take_events()
    }

    /// Ends the session; returns the events that only waited for an answer.
    pub fn finish(&mut self, at_ms: f64) -> String {
        self.pipeline.finish(millis(at_ms), &mut self.output);
        self.take_events()
    }

    fn take_events(&mut self) -> String {
        let mut lines = String::new();
        for event in &self.output.events {
            lines.push_str(&event.to_string());
            lines.push('\n');
        }
        self.output.clear();
        lines
    }
}

/// `as` saturates, and takes what is not a number for 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturating is what is wanted")]
fn millis(at_ms: f64) -> UnixMillis {
    UnixMillis(at_ms as u64)
}
