//! Values as OTLP has them.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use serde_json::Value;

/// A text or a number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Whole(i64),
}

pub(super) fn attribute(name: &str, value: Scalar<'_>) -> KeyValue {
    let value = match value {
        Scalar::Text(text) => Any::StringValue(text.to_owned()),
        Scalar::Whole(number) => Any::IntValue(number),
    };
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// JSON. A null is a value without a value.
pub(super) fn any(json: &Value) -> AnyValue {
    let value = match json {
        Value::Null => None,
        Value::Bool(truth) => Some(Any::BoolValue(*truth)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Some(Any::IntValue(whole)),
            (None, real) => real.map(Any::DoubleValue),
        },
        Value::String(text) => Some(Any::StringValue(text.clone())),
        Value::Array(values) => Some(Any::ArrayValue(ArrayValue { values: values.iter().map(any).collect() })),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| KeyValue {
                key: name.clone(),
                value: Some(any(value)),
                ..KeyValue::default()
            };
            Some(Any::KvlistValue(KeyValueList { values: members.iter().map(member).collect() }))
        }
    };
    AnyValue { value }
}
