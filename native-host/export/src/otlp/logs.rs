//! Events as log records.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use serde_json::Value;

use super::names::{UID, attributes as attributes_of};
use super::resource::{SCHEMA_URL, Source, scope};
use super::seen::Seen;
use super::value::{Scalar, any, attribute};

pub(super) fn request(seen: &[Seen<'_>], source: &Source, observed_nanos: u64) -> ExportLogsServiceRequest {
    let log_records = seen.iter().map(|seen| record(seen, observed_nanos)).collect();
    let scope_logs = vec![ScopeLogs { scope: Some(scope()), log_records, schema_url: SCHEMA_URL.into() }];
    let resource = Some(source.resource());
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs { resource, scope_logs, schema_url: SCHEMA_URL.into() }],
    }
}

fn record(seen: &Seen<'_>, observed_nanos: u64) -> LogRecord {
    let mut attributes = attributes_of(seen);
    attributes.push(attribute(UID, Scalar::Text(&seen.uid())));
    // `skill_invocation` has members beside its parameters.
    for name in ["skill_id", "skill_name"] {
        if let Some(text) = seen.json.get(name).and_then(Value::as_str) {
            attributes.push(attribute(&format!("turnledger.{}", name.replace('_', ".")), Scalar::Text(text)));
        }
    }
    LogRecord {
        time_unix_nano: seen.at_nanos(),
        observed_time_unix_nano: observed_nanos,
        severity_number: SeverityNumber::Info.into(),
        severity_text: String::new(),
        body: seen.json.get("event_params").map(any),
        attributes,
        trace_id: seen.trace().map(|(trace, _)| trace).unwrap_or_default(),
        span_id: seen.span_id().or_else(|| seen.trace().map(|(_, turn)| turn)).unwrap_or_default(),
        event_name: seen.event_type.to_owned(),
        ..LogRecord::default()
    }
}
