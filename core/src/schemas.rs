//! The JSON Schemas (draft 2020-12) of events and facts, made from the types themselves.

use alloc::string::String;
use alloc::vec::Vec;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::event::privacy;
use crate::{Event, Fact};

/// What every event matches, with a description of each member: its meaning, its unit, when it is null, and its source.
/// Each member that has a value of its own says in `x-privacy` what it is: a name, an address
/// (`url`), an id, a hash, a version, an enum, a flag, a time or a count.
pub fn of_events() -> Value {
    let mut schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Event>().to_value();
    classify(&mut schema);
    schema
}

/// What a fact must match to be taken, with a description of each member.
pub fn of_facts() -> Value {
    let mut schema =
        SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<Fact>().to_value();
    describe(&mut schema);
    schema
}

/// Describes what has no doc comment of its own: the tag of a kind, its content, and the one member that names a kind.
fn describe(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            let of_kind = keywords.get("description").cloned();
            if let Some(Value::Object(members)) = keywords.get_mut("properties") {
                let is_alone = members.len() == 1;
                for (name, member) in members {
                    let described = match (&of_kind, name.as_str()) {
                        (_, "type" | "method") => "Which kind it is.".into(),
                        (_, "params") => "The parameters.".into(),
                        (_, "result") => "The result.".into(),
                        (Some(of_kind), _) if is_alone => of_kind.clone(),
                        _ => continue,
                    };
                    // Schemas may be a mere `true`.
                    if *member == Value::Bool(true) {
                        *member = Value::Object(serde_json::Map::new());
                    }
                    if let Value::Object(member) = member {
                        member.entry("description").or_insert(described);
                    }
                }
            }
            keywords.values_mut().for_each(describe);
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(describe),
        _ => {}
    }
}

/// Puts `x-privacy` on every member that has a class, or on its definition if it is nothing but a reference to one.
fn classify(schema: &mut Value) {
    let mut of_definitions = Vec::new();
    classify_members(schema, &mut of_definitions);
    for (place, word) in of_definitions {
        if let Some(Value::Object(definition)) = schema.pointer_mut(&place) {
            definition.insert(KEYWORD.into(), word.into());
        }
    }
}

const KEYWORD: &str = "x-privacy";

fn classify_members(schema: &mut Value, of_definitions: &mut Vec<(String, &'static str)>) {
    match schema {
        Value::Object(keywords) => {
            if let Some(Value::Object(members)) = keywords.get_mut("properties") {
                for (name, member) in members {
                    let (Value::Object(member), Some(known)) = (member, privacy::member(name)) else { continue };
                    let word = known.class.word();
                    match member.get("$ref").and_then(Value::as_str) {
                        Some(reference) => of_definitions.push((reference.trim_start_matches('#').into(), word)),
                        None => drop(member.insert(KEYWORD.into(), word.into())),
                    }
                }
            }
            keywords.values_mut().for_each(|value| classify_members(value, of_definitions));
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(|schema| classify_members(schema, of_definitions)),
        _ => {}
    }
}
