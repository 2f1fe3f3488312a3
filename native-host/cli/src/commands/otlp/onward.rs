//! A collector's events on their way to the receiver.

use std::time::Duration;

use turnledger::Sha2;
use turnledger_collector::{Forward, Forwarded};
use turnledger_core::Policy;
use turnledger_core::delivery::Response;

use super::Receiver;
use super::transport::Otlp;
use crate::settings::Settings;

/// Sends events to the receiver, as the policy leaves them.
struct Onward {
    otlp: Otlp,
    policy: Option<Policy<Sha2>>,
}

impl Receiver {
    /// The receiver as a collector knows it.
    pub(in super::super) fn onward(&self, settings: &Settings) -> anyhow::Result<turnledger_collector::Receiver> {
        super::check_enabled(settings)?;
        // Where the policy cannot be kept to, nothing may leave.
        let sender = Onward { policy: settings.policy()?, otlp: self.transport(settings)? };
        Ok(turnledger_collector::Receiver {
            name: self.base.trim_end_matches('/').to_owned(),
            sender: Box::new(sender),
            timeout: settings.timeout(),
        })
    }
}

impl Forward for Onward {
    fn forward(&mut self, key: &str, events: &[String], timeout: Duration) -> Forwarded {
        let left: Vec<String> = match &self.policy {
            Some(policy) => events.iter().filter_map(|event| policy.apply(event).ok()).collect(),
            None => events.to_vec(),
        };
        let withheld = events.len() - left.len();
        let forwarded = |response, problem| Forwarded { response, withheld, problem };
        if left.is_empty() {
            return forwarded(Response::Status { code: 200, retry_after_ms: None }, None);
        }
        let batch = format!("{{\"events\":[{}]}}", left.join(","));
        match self.otlp.deliver(key, &batch, timeout) {
            Ok(answer) => forwarded(answer.response(), None),
            Err(error) => forwarded(error.response(), Some(error.problem())),
        }
    }
}
