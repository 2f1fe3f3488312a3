//! Turns as traces, with a span for each call of a tool.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::names::attributes;
use super::resource::{SCHEMA_URL, Source, scope};
use super::seen::{Kind, Seen};

/// The spans of events, if there are any, and how many have no time and are left out.
pub(super) fn request(seen: &[Seen<'_>], source: &Source) -> (Option<ExportTraceServiceRequest>, u64) {
    let mut without_time = 0;
    let mut spans = Vec::new();
    for seen in seen.iter().filter(|seen| matches!(seen.kind, Kind::Turn | Kind::Call(_))) {
        match span(seen) {
            Some(span) => spans.push(span),
            None => without_time += 1,
        }
    }
    if spans.is_empty() {
        return (None, without_time);
    }
    let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans, schema_url: SCHEMA_URL.into() }];
    let resource = Some(source.resource());
    let resource_spans = vec![ResourceSpans { resource, scope_spans, schema_url: SCHEMA_URL.into() }];
    (Some(ExportTraceServiceRequest { resource_spans }), without_time)
}

fn span(seen: &Seen<'_>) -> Option<Span> {
    let (start, end) = seen.span()?;
    let (trace_id, turn_span) = seen.trace()?;
    let span_id = seen.span_id()?;
    let operation = seen.operation()?;
    let name = match (seen.kind, &seen.columns.name) {
        (Kind::Call(_), Some(tool)) => format!("{operation} {tool}"),
        _ => operation.to_owned(),
    };
    let has_failed = seen.columns.status.as_deref() == Some("failed");
    let code = if has_failed { StatusCode::Error } else { StatusCode::Unset };
    Some(Span {
        trace_id,
        parent_span_id: if span_id == turn_span { Vec::new() } else { turn_span },
        span_id,
        name,
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: start,
        end_time_unix_nano: end,
        attributes: attributes(seen),
        status: Some(Status { code: code.into(), ..Status::default() }),
        ..Span::default()
    })
}
