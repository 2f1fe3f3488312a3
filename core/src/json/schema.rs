//! Schemas of types whose JSON form is written by hand, or that accept more than their variants.

/// Gives types the JSON Schema that stands beside them.
macro_rules! json_schemas {
    ($($name:ident: $schema:tt,)+) => {$(
        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> alloc::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    )+};
}

pub(crate) use json_schemas;

/// Lets a type by tag be any other tag, too: kinds that this version does not know are tolerated.
#[cfg(feature = "schema")]
pub(crate) fn any_other_kind(schema: &mut schemars::Schema) {
    use serde_json::{Value, json};

    let Some(Value::Array(kinds)) = schema.get_mut("oneOf") else { return };
    let known: alloc::vec::Vec<Value> =
        kinds.iter().filter_map(|kind| kind.pointer("/properties/type/const").cloned()).collect();
    let other = json!({ "type": "string", "not": { "enum": known } });
    kinds.push(json!({ "type": "object", "properties": { "type": other }, "required": ["type"] }));
}

/// Describes the `type` of each kind of a type by tag.
#[cfg(feature = "schema")]
pub(crate) fn describe_kinds(schema: &mut schemars::Schema) {
    use serde_json::Value;

    let Some(Value::Array(kinds)) = schema.get_mut("oneOf") else { return };
    for tag in kinds.iter_mut().filter_map(|kind| kind.pointer_mut("/properties/type")?.as_object_mut()) {
        tag.insert("description".into(), "The kind of action. Source: `action.type`.".into());
    }
}
