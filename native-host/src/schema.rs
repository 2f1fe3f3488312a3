//! The JSON Schema of every event, made from the types themselves.

use schemars::generate::SchemaSettings;
use serde_json::Value;
use turnledger_core::Event;

/// The JSON Schema (draft 2020-12) that every event matches.
pub fn of_events() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Event>().to_value()
}
