//! The JSON Schemas (draft 2020-12) of events and facts, made from the types themselves.

use schemars::generate::SchemaSettings;
use serde_json::Value;
use turnledger_core::{Event, Fact};

/// What every event matches.
pub fn of_events() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Event>().to_value()
}

/// What a fact must match to be taken.
pub fn of_facts() -> Value {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<Fact>().to_value()
}
