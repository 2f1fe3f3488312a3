//! What a version's protocol has, whether a scenario shows it or not: the schema that the binary prints.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io};

use serde_json::Value;

use super::Codex;
use super::vocabulary::Names;

/// Where the schema of a version is, in its folder.
const FILE: &str = "protocol.json";

/// Stores the schema that a binary prints, in its version's folder.
///
/// # Errors
///
/// If the binary prints none; and what the file system says.
pub fn store(codex: &Codex, folder: &Path) -> io::Result<()> {
    let home = tempfile::tempdir()?;
    let mut printing = Command::new(&codex.binary);
    printing.args(["app-server", "generate-json-schema", "--experimental", "--out"]).arg(home.path());
    printing.env("HOME", home.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if !printing.status()?.success() {
        return Err(io::Error::other("the binary prints no schema of its protocol"));
    }
    fs::create_dir_all(folder)?;
    fs::copy(home.path().join("codex_app_server_protocol.schemas.json"), folder.join(FILE)).map(drop)
}

/// What the stored protocol of a version has: nothing if none is stored.
pub fn read(folder: &Path) -> Names {
    let mut names = Names::new();
    if let Some(schema) = fs::read(folder.join(FILE)).ok().and_then(|text| serde_json::from_slice(&text).ok()) {
        definitions(&schema, &mut names);
    }
    names
}

/// The types that a schema defines, with their members and words.
fn definitions(schema: &Value, names: &mut Names) {
    for (name, definition) in schema["definitions"].as_object().into_iter().flatten() {
        // Types of one version of the protocol are in a group of its name.
        let says = |key: &str| definition.get(key).is_some_and(|value| !value.is_object());
        let is_type = ["type", "oneOf", "anyOf", "allOf", "enum", "$ref"].into_iter().any(says);
        if is_type {
            members("", definition, names, name);
        } else {
            definitions(&serde_json::json!({ "definitions": definition }), names);
        }
    }
}

/// Adds what a part of a definition has, at a member of it.
fn members(member: &str, part: &Value, names: &mut Names, name: &str) {
    let known = names.entry(name.into()).or_default().entry(member.into()).or_default();
    let words = part["enum"].as_array().into_iter().flatten().chain(part.get("const"));
    known.extend(words.filter_map(Value::as_str).map(ToOwned::to_owned));
    for (property, value) in part["properties"].as_object().into_iter().flatten() {
        members(property, value, names, name);
    }
    for inner in ["oneOf", "anyOf", "allOf"] {
        part[inner].as_array().into_iter().flatten().for_each(|choice| members(member, choice, names, name));
    }
    if part["items"].is_object() {
        members(member, &part["items"], names, name);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::{FILE, read};

    #[test]
    fn types_members_and_words() {
        let item = json!({ "oneOf": [
            { "type": "object", "properties": { "type": { "enum": ["plan"] }, "text": { "type": "string" } } },
            { "type": "object", "properties": { "type": { "const": "goal" }, "parts": { "items": { "enum": ["a"] } } } },
        ] });
        let schema = json!({ "definitions": {
            "v2": { "Item": item, "Word": { "type": "string", "enum": ["one", "two"] } },
            "Empty": { "type": "object" },
        } });
        let folder = tempfile::tempdir().expect("a folder");
        assert!(read(folder.path()).is_empty());
        fs::write(folder.path().join(FILE), schema.to_string()).expect("a file");
        let names = json!({
            "Empty": { "": [] },
            "Item": { "": [], "parts": ["a"], "text": [], "type": ["goal", "plan"] },
            "Word": { "": ["one", "two"] },
        });
        assert_eq!(serde_json::to_value(read(folder.path())).expect("JSON"), names);
    }
}
