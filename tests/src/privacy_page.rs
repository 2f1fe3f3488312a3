//! `docs/privacy.md`: made of the types of events and of what the proof has seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use turnledger_core::event::EVENT_TYPES;
use turnledger_core::event::privacy::{Class, MEMBERS, Member, member};

/// A member of an event as its schema has it.
#[derive(Debug, Default)]
struct Found {
    /// The events that have it.
    events: BTreeSet<&'static str>,
    /// What its type amounts to.
    kinds: BTreeSet<Kind>,
}

/// What a type can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Text,
    Digest,
    Words,
    Flag,
    Number,
}

/// Whether a class fits a type.
fn fits(class: Class, kind: Kind) -> bool {
    match kind {
        Kind::Text => class.carries_text() || class == Class::Enum,
        Kind::Digest => class == Class::Hash,
        // Some events have a word of a list where others have a name.
        Kind::Words => matches!(class, Class::Enum | Class::Name),
        Kind::Flag => class == Class::Flag,
        Kind::Number => matches!(class, Class::Count | Class::Time),
    }
}

/// The members of all events, out of the schema that `turnledger schema` prints.
fn members() -> BTreeMap<String, Found> {
    let schema = turnledger_core::schemas::of_events();
    let mut found = BTreeMap::new();
    for event in schema["oneOf"].as_array().expect("events") {
        let name = event["properties"]["event_type"]["const"].as_str().expect("a type");
        let name = EVENT_TYPES.iter().find(|event_type| **event_type == name).expect("an event");
        collect(&schema, event, name, &mut found);
    }
    found
}

fn collect(root: &Value, object: &Value, event: &'static str, found: &mut BTreeMap<String, Found>) {
    let object = resolve(root, object);
    for union in ["oneOf", "anyOf", "allOf"] {
        for part in object[union].as_array().into_iter().flatten() {
            collect(root, part, event, found);
        }
    }
    if object["items"].is_object() {
        collect(root, &object["items"], event, found);
    }
    for (name, value) in object["properties"].as_object().into_iter().flatten() {
        let mut kinds = BTreeSet::new();
        kinds_of(root, value, &mut kinds);
        if !kinds.is_empty() {
            let said = value.get("x-privacy").or_else(|| resolve(root, value).get("x-privacy")).and_then(Value::as_str);
            assert_eq!(said, member(name).map(|row| row.class.word()), "x-privacy of {name}");
            let entry = found.entry(name.clone()).or_default();
            entry.events.insert(event);
            entry.kinds.extend(kinds);
        }
        collect(root, value, event, found);
    }
}

fn resolve<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).expect("a definition"),
        None => schema,
    }
}

/// What a member can hold that is no object.
fn kinds_of(root: &Value, schema: &Value, kinds: &mut BTreeSet<Kind>) {
    let schema = resolve(root, schema);
    if schema.get("enum").is_some() || schema.get("const").is_some() {
        kinds.insert(Kind::Words);
        return;
    }
    for union in ["oneOf", "anyOf", "allOf"] {
        for part in schema[union].as_array().into_iter().flatten() {
            kinds_of(root, part, kinds);
        }
    }
    for inner in ["items", "additionalProperties"] {
        if schema[inner].is_object() {
            kinds_of(root, &schema[inner], kinds);
        }
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    };
    for name in types {
        kinds.extend(match name {
            "string" if schema.get("pattern").is_some() => Some(Kind::Digest),
            "string" => Some(Kind::Text),
            "boolean" => Some(Kind::Flag),
            "integer" | "number" => Some(Kind::Number),
            _ => None,
        });
    }
}

/// Holds the page to what it is made of, or writes it if `UPDATE_DOCS` is set.
///
/// # Panics
///
/// If a member of an event has no row or one that does not fit its type, if a row has no member, or if the page is another.
pub fn check(flows: &BTreeMap<String, BTreeSet<String>>, covered: &str) {
    let found = members();
    for (name, Found { kinds, events }) in &found {
        let row =
            member(name).unwrap_or_else(|| panic!("{name} of {events:?} has no row in core/src/event/privacy.rs"));
        let unfit: Vec<_> = kinds.iter().filter(|kind| !fits(row.class, **kind)).collect();
        assert!(unfit.is_empty() || name == "turn_error", "{name} is a {:?}, but may be {unfit:?}", row.class);
    }
    let idle: Vec<_> = MEMBERS.iter().filter(|row| !found.contains_key(row.name)).map(|row| row.name).collect();
    assert_eq!(idle, [""; 0], "rows of members that no event has");

    let page = page(&found, flows, covered);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/privacy.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("the page can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differs = written.lines().zip(page.lines()).find(|(written, made)| written != made);
    assert!(written == page, "docs/privacy.md is not up to date (UPDATE_DOCS=1 writes it): {differs:?}");
}

const INTRODUCTION: &str = "\
# What an event holds, and what it can reveal

No event holds a prompt, a model's answer, a line of code, a command line, a tool's arguments or output, a file path, or
the free text of an error. This page lists what an event does hold: every member of every event, where it comes from, what
it can reveal, and how to leave it out.

*This page is generated* from the types of the events and from the proof that the last section describes. A test fails if
the page is not up to date, or if a member is missing from it. `turnledger schema` says the class of each member in
`x-privacy`.

## How to leave something out

- **Everything**: `DO_NOT_TRACK=1` or `TURNLEDGER_DISABLED=1` in the environment, `enabled = false` in `turnledger.toml`,
  `enabled(false)` in Rust, `enabled: false` in JavaScript (Global Privacy Control counts, too).
- **Events, members, names, times**: a [policy](policy.md) in the settings drops, hashes or coarsens them before they leave.
- **An event, or a member of it**: `before_send` (Rust) and `beforeSend` (JavaScript) see every event before it is stored.
  They can change it or hold it back.
- **With the program**: `turnledger preview` shows what would be sent. `turnledger tap --events FILE` only writes a file. Filter
  the file, then send the rest with `turnledger upload`.
- **One member**: its row says how, where there is a way.

In the tables, *tool calls* are the seven events of items: command_execution, file_change, mcp_tool_call,
dynamic_tool_call, collab_agent_tool_call, web_search, image_generation. *Plugin changes* are plugin_installed,
plugin_uninstalled, plugin_enabled, plugin_disabled.
";

fn introduction(class: Class) -> &'static str {
    match class {
        Class::Name => {
            "Names that a user, a client or a company chose. They appear in events as they are. A name that holds a secret reveals\n\
             it. Hooks have no name here: an event says when a hook runs, not what its owner calls it."
        }
        Class::Url => "The address of a repository.",
        Class::Id => {
            "Opaque texts that the server, the model's provider or a client made. They appear in events as they are."
        }
        Class::Hash => {
            "Digests of texts that are not sent. Without a key, anyone who can guess the text can check the guess."
        }
        Class::Version => "What a client, a server or a machine says it is.",
        Class::Enum => {
            "Words from a fixed list, which `turnledger schema` prints. No text of a message passes. A word that this version does\n\
             not know is null where the member can be null, and `unknown` or the contract's default elsewhere."
        }
        Class::Flag => "True, false or null.",
        Class::Time => "Points in time and durations.",
        Class::Count => "Other numbers. Null means unknown. No number is a guess.",
        _ => panic!("{class:?} has no introduction"),
    }
}

fn heading(class: Class) -> &'static str {
    match class {
        Class::Name => "Names",
        Class::Url => "Addresses",
        Class::Id => "Ids",
        Class::Hash => "Hashes",
        Class::Version => "Versions",
        Class::Enum => "Enums",
        Class::Flag => "Flags",
        Class::Time => "Times",
        Class::Count => "Counts",
        _ => panic!("{class:?} has no heading"),
    }
}

fn page(found: &BTreeMap<String, Found>, flows: &BTreeMap<String, BTreeSet<String>>, covered: &str) -> String {
    let mut page = String::from(INTRODUCTION);
    let mut put = |text: &str| page.push_str(text);
    for class in Class::ALL {
        put(&format!("\n## {}\n\n{}\n\n", heading(class), introduction(class)));
        put("| member | comes from | can reveal | events |\n|---|---|---|---|\n");
        for Member { name, from, reveals, leave_out, .. } in MEMBERS.iter().filter(|member| member.class == class) {
            let reveals = leave_out.map_or((*reveals).to_owned(), |way| format!("{reveals}. *{way}*"));
            put(&format!("| `{name}` | {from} | {reveals} | {} |\n", events(&found[*name].events)));
        }
    }
    put(
        "\n## Events and their members\n\nMembers are in alphabetical order here. The schema has the order in which they are written.\n\n",
    );
    for event_type in EVENT_TYPES {
        let of_event = found.iter().filter(|(_, found)| found.events.contains(event_type));
        let names: Vec<_> = of_event.map(|(name, _)| format!("`{name}`")).collect();
        put(&format!("- **{event_type}**: {}\n", names.join(", ")));
    }
    put(PROOF);
    put(covered);
    put(
        "\nText passed from these members of messages into events, and from no other:\n\n| member of an event | members of messages |\n|---|---|\n",
    );
    for (name, origins) in flows {
        let mut row = String::new();
        for (index, origin) in origins.iter().enumerate() {
            let comma = if index > 0 { "; " } else { "" };
            let is_member = origin.contains('.');
            let _ = if is_member { write!(row, "{comma}`{origin}`") } else { write!(row, "{comma}{origin}") };
        }
        put(&format!("| `{name}` | {row} |\n"));
    }
    page
}

const PROOF: &str = "
## The proof

Codex prints the JSON Schema of its whole protocol (`codex app-server generate-json-schema --experimental`). The test
`privacy_protocol` goes through every request, response, notification and server request in it. It fills every text member with
a marker of its own, in fourteen forms: alone, in sentences, paths, URLs, diffs, user agents and mentions, behind known
sentences, in place of the words of enums, and so on. Then it runs sessions of all these messages.

A marker may appear in an event only in a member that is listed above as a name, an address, an id or a version. Snapshots,
`Debug` output and discards may hold no other marker.

One thing is counted by name: a word of an enumeration that is not known, and it has to look like one
([contract/versions.md](contract/versions.md#what-is-not-known)). So a marker that stands alone in the place of such a word is in
`Stats` and in snapshots; the test has the list of these places. It is in no event.

| Codex | places where the schema has a choice | alternatives, all tested |
|---|---|---|
";

/// Events that mostly have the same members, under one name.
const GROUPS: [(&str, &[&str]); 2] = [
    (
        "tool calls",
        &[
            "codex_command_execution_event",
            "codex_file_change_event",
            "codex_mcp_tool_call_event",
            "codex_dynamic_tool_call_event",
            "codex_collab_agent_tool_call_event",
            "codex_web_search_event",
            "codex_image_generation_event",
        ],
    ),
    (
        "plugin changes",
        &["codex_plugin_installed", "codex_plugin_uninstalled", "codex_plugin_enabled", "codex_plugin_disabled"],
    ),
];

/// The events that have a member, in few words.
fn events(of: &BTreeSet<&'static str>) -> String {
    let short = |name: &&str| {
        let name = name.strip_prefix("codex_").unwrap_or(name);
        name.strip_suffix("_event").unwrap_or(name).to_owned()
    };
    if of.len() == EVENT_TYPES.len() {
        return "all".into();
    }
    let mut left = of.clone();
    let mut words = Vec::new();
    for (name, group) in GROUPS.into_iter().filter(|(_, group)| group.iter().all(|event| of.contains(event))) {
        left.retain(|event| !group.contains(event));
        words.push(name.to_owned());
    }
    words.extend(left.iter().map(short));
    words.join(", ")
}
