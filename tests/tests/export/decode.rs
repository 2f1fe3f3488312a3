//! Requests of OTLP as JSON that tests can write down.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serde_json::{Map, Value, json};
use turnledger_export::otlp::SCHEMA_URL;

fn value(any: &AnyValue) -> Value {
    match &any.value {
        None => Value::Null,
        Some(Any::StringValue(text)) => text.as_str().into(),
        Some(Any::BoolValue(truth)) => (*truth).into(),
        Some(Any::IntValue(whole)) => (*whole).into(),
        Some(Any::DoubleValue(real)) => (*real).into(),
        Some(Any::ArrayValue(values)) => values.values.iter().map(value).collect(),
        Some(Any::KvlistValue(members)) => attributes(&members.values),
        Some(other) => panic!("{other:?}"),
    }
}

fn attributes(attributes: &[KeyValue]) -> Value {
    let named = |pair: &KeyValue| (pair.key.clone(), pair.value.as_ref().map_or(Value::Null, value));
    let map: Map<String, Value> = attributes.iter().map(named).collect();
    assert_eq!(map.len(), attributes.len(), "no attribute twice");
    Value::Object(map)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// What every request says of who sends it.
fn check(resource: Option<&Resource>, scope: Option<&InstrumentationScope>, schemas: [&str; 2]) {
    let resource = attributes(&resource.expect("a resource").attributes);
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert!(resource["service.name"].is_string());
    assert_eq!(scope.expect("a scope").name, "turnledger");
    assert_eq!(schemas, [SCHEMA_URL; 2]);
}

/// The attributes of the resource that sent a request of log records.
pub(crate) fn resource(body: &[u8]) -> Value {
    let request = ExportLogsServiceRequest::decode(body).expect("logs");
    attributes(&request.resource_logs[0].resource.as_ref().expect("a resource").attributes)
}

pub(crate) fn logs(body: &[u8]) -> Vec<Value> {
    let request = ExportLogsServiceRequest::decode(body).expect("logs");
    let mut records = Vec::new();
    for of_resource in request.resource_logs {
        for of_scope in of_resource.scope_logs {
            let schemas = [of_resource.schema_url.as_str(), &of_scope.schema_url];
            check(of_resource.resource.as_ref(), of_scope.scope.as_ref(), schemas);
            records.extend(of_scope.log_records.iter().map(|record| {
                json!({
                    "event_name": record.event_name,
                    "time": record.time_unix_nano,
                    "observed": record.observed_time_unix_nano,
                    "severity": record.severity_number,
                    "trace": hex(&record.trace_id),
                    "span": hex(&record.span_id),
                    "attributes": attributes(&record.attributes),
                    "body": record.body.as_ref().map_or(Value::Null, value),
                })
            }));
        }
    }
    records
}

pub(crate) fn spans(body: &[u8]) -> Vec<Value> {
    let request = ExportTraceServiceRequest::decode(body).expect("traces");
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        for of_scope in of_resource.scope_spans {
            let schemas = [of_resource.schema_url.as_str(), &of_scope.schema_url];
            check(of_resource.resource.as_ref(), of_scope.scope.as_ref(), schemas);
            spans.extend(of_scope.spans.iter().map(|span| {
                json!({
                    "name": span.name,
                    "kind": span.kind,
                    "trace": hex(&span.trace_id),
                    "span": hex(&span.span_id),
                    "parent": hex(&span.parent_span_id),
                    "start": span.start_time_unix_nano,
                    "end": span.end_time_unix_nano,
                    "status": span.status.as_ref().map(|status| status.code),
                    "attributes": attributes(&span.attributes),
                })
            }));
        }
    }
    spans
}

/// A point of a metric.
pub(crate) fn points(body: &[u8]) -> Vec<Value> {
    let request = ExportMetricsServiceRequest::decode(body).expect("metrics");
    let mut points = Vec::new();
    for of_resource in request.resource_metrics {
        for of_scope in of_resource.scope_metrics {
            let schemas = [of_resource.schema_url.as_str(), &of_scope.schema_url];
            check(of_resource.resource.as_ref(), of_scope.scope.as_ref(), schemas);
            for metric in of_scope.metrics {
                let (name, unit) = (&metric.name, &metric.unit);
                match metric.data.expect("data") {
                    Data::Sum(sum) => {
                        assert!(sum.is_monotonic);
                        assert_eq!(sum.aggregation_temporality(), AggregationTemporality::Delta);
                        points.extend(sum.data_points.iter().map(|point| {
                            let Some(Number::AsInt(number)) = point.value else { panic!("{point:?}") };
                            assert!(point.start_time_unix_nano < point.time_unix_nano);
                            json!({
                                "metric": name, "unit": unit, "sum": number,
                                "start": point.start_time_unix_nano, "time": point.time_unix_nano,
                                "attributes": attributes(&point.attributes),
                            })
                        }));
                    }
                    Data::Histogram(histogram) => {
                        assert_eq!(histogram.aggregation_temporality(), AggregationTemporality::Delta);
                        points.extend(histogram.data_points.iter().map(|point| {
                            assert!(point.start_time_unix_nano < point.time_unix_nano);
                            assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
                            assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
                            let filled = point.bucket_counts.iter().enumerate().filter(|(_, count)| **count > 0);
                            let filled: Vec<_> =
                                filled.map(|(at, count)| json!([point.explicit_bounds.get(at), count])).collect();
                            json!({
                                "metric": name, "unit": unit, "sum": point.sum, "count": point.count,
                                "min": point.min, "max": point.max, "up to": filled,
                                "start": point.start_time_unix_nano, "time": point.time_unix_nano,
                                "attributes": attributes(&point.attributes),
                            })
                        }));
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    points
}
