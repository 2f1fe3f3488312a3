//! `docs/contract`: what the schema of events says of each member, the page that is made of it, and the tables beside it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The units that a description may name, as sentences, and what the page calls them.
const UNITS: [(&str, &str); 7] = [
    ("Unix milliseconds.", "Unix ms"),
    ("Unix seconds.", "Unix s"),
    ("Milliseconds.", "ms"),
    ("Minutes.", "min"),
    ("Seconds.", "s"),
    ("Pixels.", "pixels"),
    ("Tokens.", "tokens"),
];

/// Numbers that count nothing and measure nothing.
const BARE_NUMBERS: [&str; 5] = ["codex_error_http_status_code", "exit_code", "httpStatusCode", "number_value", "port"];

/// Objects that many events have: the page describes them once.
const COMMON: [&str; 2] = ["app_server_client", "runtime"];

/// The folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A page of the contract.
///
/// # Panics
///
/// If it cannot be read.
pub fn page(name: &str) -> String {
    fs::read_to_string(root().join("docs/contract").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What a member's description says.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// What the member is.
    pub meaning: String,
    /// Its unit, as the page calls it.
    pub unit: Option<&'static str>,
    /// When it is null.
    pub null: Option<String>,
    /// Where it comes from.
    pub source: String,
}

impl Said {
    /// Reads a description: what the member is, its unit, when it is null, and its source, each in sentences of its own.
    ///
    /// # Errors
    ///
    /// What the description lacks.
    pub fn of(description: &str) -> Result<Self, &'static str> {
        let text = description.split_whitespace().collect::<Vec<_>>().join(" ");
        let (text, source) = text.split_once(" Source: ").ok_or("no source")?;
        let source = source.strip_suffix('.').ok_or("no full stop")?.to_owned();
        let (text, null) = match text.split_once(". Null ") {
            Some((text, null)) => {
                (format!("{text}."), Some(null.strip_suffix('.').ok_or("no full stop before the source")?.to_owned()))
            }
            None => (text.to_owned(), None),
        };
        let unit = UNITS.iter().find(|(sentence, _)| text.ends_with(&format!(" {sentence}")));
        let text = unit.map_or(&*text, |(sentence, _)| text.strip_suffix(sentence).unwrap_or(&text).trim_end());
        let unit = unit.map(|(_, unit)| *unit).or_else(|| text.starts_with("Number of ").then_some("count"));
        let meaning = text.strip_suffix('.').ok_or("no full stop behind the meaning")?.to_owned();
        Ok(Self { meaning, unit, null, source })
    }
}

/// The schema of events, and the alternatives in it: one an event.
pub struct Schema(Value);

/// A member of an event.
struct Member<'s> {
    name: &'s str,
    schema: &'s Value,
}

impl Default for Schema {
    fn default() -> Self {
        Self(turnledger_core::schemas::of_events())
    }
}

impl Schema {
    fn events(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0["oneOf"].as_array().into_iter().flatten().map(|event| {
            let name = event["properties"]["event_type"]["const"].as_str().unwrap_or_else(|| panic!("a type: {event}"));
            (name, event)
        })
    }

    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null),
            None => schema,
        }
    }

    /// A schema and its alternatives, down to those that have none.
    fn alternatives<'s>(&'s self, schema: &'s Value, found: &mut Vec<&'s Value>) {
        let schema = self.resolve(schema);
        let mut is_leaf = true;
        for part in ["oneOf", "anyOf"].iter().filter_map(|union| schema[union].as_array()).flatten() {
            self.alternatives(part, found);
            is_leaf = false;
        }
        if is_leaf {
            found.push(schema);
        }
    }

    fn leaves<'s>(&'s self, schema: &'s Value) -> Vec<&'s Value> {
        let mut found = Vec::new();
        self.alternatives(schema, &mut found);
        found
    }

    fn is_nullable(&self, schema: &Value) -> bool {
        self.leaves(schema).iter().any(|leaf| match &leaf["type"] {
            Value::Array(types) => types.iter().any(|kind| kind == "null"),
            kind => kind == "null",
        })
    }

    fn is_number(&self, schema: &Value) -> bool {
        let is_number = |kind: &Value| kind == "integer" || kind == "number";
        self.leaves(schema).iter().any(|leaf| match &leaf["type"] {
            Value::Array(types) => types.iter().any(is_number),
            kind => is_number(kind),
        })
    }

    /// The members of an object in the order in which they are written; those that may be absent by their names.
    fn members(object: &Value) -> Vec<Member<'_>> {
        let names = object["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let rest: BTreeSet<_> =
            object["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let mut seen = BTreeSet::new();
        let names = names.chain(rest).filter(|name| seen.insert(*name)).collect::<Vec<_>>();
        names.into_iter().map(|name| Member { name, schema: &object["properties"][name] }).collect()
    }

    /// Every member of every event and of the objects within, with the place where it stands.
    fn walk<'s>(&'s self, place: &str, schema: &'s Value, each: &mut dyn FnMut(&str, &Member<'s>)) {
        for object in self.leaves(schema) {
            for member in Self::members(object) {
                let place = format!("{place}.{}", member.name);
                each(&place, &member);
                self.walk(&place, member.schema, each);
            }
            if object["items"].is_object() {
                self.walk(&format!("{place}[]"), &object["items"], each);
            }
        }
    }

    /// What is wrong with the descriptions of members, in the order of the events; and how many members there are.
    pub fn faults(&self) -> (Vec<String>, usize) {
        let (mut faults, mut count) = (Vec::new(), 0);
        for (name, event) in self.events() {
            if event["description"].as_str().is_none() {
                faults.push(format!("{name}: not described"));
            }
            self.walk(name, event, &mut |place, member| {
                count += 1;
                let fault = self.fault(member);
                faults.extend(fault.map(|fault| format!("{place}: {fault}")));
            });
        }
        (faults, count)
    }

    fn fault(&self, member: &Member<'_>) -> Option<&'static str> {
        let description = member.schema["description"].as_str();
        if member.name == "event_params" {
            return description.is_none().then_some("not described");
        }
        let said = match Said::of(description.unwrap_or_default()) {
            Ok(said) => said,
            Err(fault) => return Some(fault),
        };
        let unit_of_name = match member.name {
            name if name.ends_with("_at_ms") => Some("Unix ms"),
            name if name.ends_with("_ms") => Some("ms"),
            name if name.ends_with("_at") => Some("Unix s"),
            name if name.ends_with("_tokens") => Some("tokens"),
            name if name.ends_with("_count") => Some("count"),
            _ => None,
        };
        match (self.is_nullable(member.schema), &said.null) {
            (true, None) => return Some("may be null, and does not say when"),
            (false, Some(_)) => return Some("says when it is null, and never is"),
            _ => {}
        }
        if unit_of_name.is_some() && said.unit != unit_of_name {
            return Some("its name says another unit");
        }
        let needs_unit = self.is_number(member.schema) && !BARE_NUMBERS.contains(&member.name);
        let is_within = self.leaves(member.schema).iter().any(|leaf| leaf["properties"].is_object());
        (needs_unit && !is_within && said.unit.is_none()).then_some("a number without a unit")
    }

    /// The type of a member, in a word or two.
    fn kind(&self, schema: &Value) -> &'static str {
        let leaves = self.leaves(schema);
        let has = |test: &dyn Fn(&Value) -> bool| leaves.iter().any(|leaf| test(leaf));
        let is = |leaf: &Value, word: &str| match &leaf["type"] {
            Value::Array(types) => types.iter().any(|kind| kind == word),
            kind => kind == word,
        };
        if has(&|leaf| leaf["properties"].is_object()) {
            "object"
        } else if has(&|leaf| is(leaf, "array")) {
            "list"
        } else if has(&|leaf| leaf.get("const").is_some() || leaf.get("enum").is_some()) {
            "word"
        } else if has(&|leaf| leaf.get("pattern").is_some()) {
            "hexadecimal digits"
        } else if has(&|leaf| is(leaf, "boolean")) {
            "true or false"
        } else if self.is_number(schema) {
            "number"
        } else {
            "text"
        }
    }

    /// The words of a member with what each means, where that is said.
    fn words(&self, schema: &Value) -> Vec<(String, Option<String>)> {
        let mut words = Vec::new();
        for leaf in self.leaves(schema) {
            let meaning = leaf["description"].as_str().map(|text| text.trim_end_matches('.').replace('\n', " "));
            match (&leaf["const"], &leaf["enum"]) {
                (Value::String(word), _) => words.push((word.clone(), meaning)),
                (_, Value::Array(all)) => {
                    words.extend(all.iter().filter_map(Value::as_str).map(|word| (word.into(), None)));
                }
                _ => {}
            }
        }
        words
    }

    /// A table of members, and below it their words and members.
    fn table<'s>(&'s self, object: &'s Value, page: &mut String) {
        page.push_str("| member | type | meaning | unit | null | source |\n|---|---|---|---|---|---|\n");
        for Member { name, schema } in Self::members(object) {
            let Ok(Said { meaning, unit, null, source }) = Said::of(schema["description"].as_str().unwrap_or_default())
            else {
                continue;
            };
            let kind = self.kind(schema);
            let name = if COMMON.contains(&name) { format!("[`{name}`](#{name})") } else { format!("`{name}`") };
            let (unit, null) = (unit.unwrap_or("–"), null.unwrap_or_else(|| "never".into()));
            let _ = writeln!(page, "| {name} | {kind} | {meaning} | {unit} | {null} | {source} |");
        }
        page.push('\n');
        for Member { name, schema } in Self::members(object) {
            self.below(name, schema, page);
        }
    }

    /// What stands below a table: the words of a member, and the members of an object or of a list's elements.
    fn below<'s>(&'s self, name: &str, schema: &'s Value, page: &mut String) {
        let words = self.words(schema);
        if words.iter().any(|(_, meaning)| meaning.is_some()) {
            let _ = write!(page, "`{name}`: ");
            for (index, (word, meaning)) in words.iter().enumerate() {
                let meaning = meaning.as_ref().map_or_else(String::new, |meaning| format!(" ({meaning})"));
                let _ = write!(page, "{}`{word}`{meaning}", if index == 0 { "" } else { ", " });
            }
            page.push_str(".\n\n");
        } else if words.len() > 1 {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            let _ = write!(page, "`{name}`: {}.\n\n", words.join(", "));
        }
        if COMMON.contains(&name) {
            return;
        }
        for leaf in self.leaves(schema) {
            let (object, each) =
                if leaf["items"].is_object() { (self.resolve(&leaf["items"]), "Each of ") } else { (leaf, "") };
            if !object["properties"].is_object() {
                continue;
            }
            let kind = object["properties"]["type"]["const"].as_str();
            let kind = kind.map_or_else(String::new, |kind| format!(" of the kind `{kind}`"));
            let mut table = String::new();
            self.table(object, &mut table);
            let heading = format!("{each}`{name}`{kind}:\n\n");
            // Members of the same form follow one another.
            match page.strip_suffix(&*table).and_then(|above| above.strip_suffix(":\n\n")) {
                Some(above) => *page = format!("{above}, {heading}{table}"),
                None => page.push_str(&(heading + &table)),
            }
        }
    }

    /// The page of events, with an example of each.
    pub fn page(&self, example: impl Fn(&str) -> String) -> String {
        let mut page = String::from(INTRODUCTION);
        for name in self.events().map(|(name, _)| name) {
            let _ = writeln!(page, "- [`{name}`](#{name})");
        }
        page.push_str(COMMON_MEMBERS);
        for name in COMMON {
            let object = self.events().find_map(|(_, event)| {
                let params = self.resolve(&event["properties"]["event_params"]);
                params["properties"].get(name).map(|object| self.resolve(object))
            });
            let _ = write!(page, "### `{name}`\n\n");
            self.table(object.unwrap_or(&Value::Null), &mut page);
        }
        for (name, event) in self.events() {
            let _ = write!(page, "## `{name}`\n\n{}\n\n", event["description"].as_str().unwrap_or_default());
            let beside: Vec<_> = Self::members(event)
                .into_iter()
                .filter(|member| !matches!(member.name, "event_type" | "event_params"))
                .collect();
            if !beside.is_empty() {
                page.push_str("Beside `event_type` and `event_params` it has:\n\n");
                let properties: serde_json::Map<_, _> =
                    beside.iter().map(|member| (member.name.to_owned(), member.schema.clone())).collect();
                let required: Vec<_> = beside.iter().map(|member| member.name).collect();
                self.table(&serde_json::json!({ "properties": properties, "required": required }), &mut page);
                page.push_str("Its `event_params`:\n\n");
            }
            self.table(self.resolve(&event["properties"]["event_params"]), &mut page);
            let _ = write!(page, "```json\n{}\n```\n\n", example(name));
        }
        page.truncate(page.trim_end().len());
        page.push('\n');
        page
    }
}

/// Holds the page of events to the schema, or writes it if `UPDATE_DOCS` is set.
///
/// # Panics
///
/// If the page is another.
pub fn check_page(example: impl Fn(&str) -> String) {
    let made = Schema::default().page(example);
    let path = root().join("docs/contract/events.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &made).expect("the page can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differs = written.lines().zip(made.lines()).find(|(written, made)| written != made);
    assert!(written == made, "docs/contract/events.md is not up to date (UPDATE_DOCS=1 writes it): {differs:?}");
}

/// The rows of the first table of a page below a heading: the words in code style of each row's first cell, and its cells.
///
/// # Panics
///
/// If the page has no such heading or no table below it.
pub fn table(page: &str, heading: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let (_, below) = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let rows = below.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let rows: Vec<_> = rows.skip(2).map(cells).collect();
    assert!(!rows.is_empty(), "no table below {heading}");
    rows.into_iter().map(|cells| (words(&cells[0]), cells)).collect()
}

fn cells(row: &str) -> Vec<String> {
    row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
}

/// The words in code style of a text.
pub fn words(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

const INTRODUCTION: &str = "\
# Events

What comes out: one JSON object for each thing that happened. *This page is generated* from the doc comments in
`core/src/event/`, by way of the schema that `turnledger schema` prints; the tests write it if `UPDATE_DOCS=1` is set. The
rule for each event is in [rules.md](rules.md). Which facts it needs is in [facts.md](facts.md#which-facts-each-event-needs).

- An event has two members, `event_type` and `event_params`. `skill_invocation` alone has two more between them.
- The tables have the members in the order in which an event has them. Each one is there, also when it is null. Only those of
  `file_system` below `additional_permissions` are left out when they are empty.
- A member whose name ends in `_ms` is in milliseconds. `created_at`, `started_at` and `completed_at` are Unix seconds.
- Null means unknown, or that the member does not apply. It is never a guess. 0 is a number; where it may mean unknown, the
  table says so.
- A source in code style is a member of a message ([wire.md](wire.md)) or of a fact ([facts.md](facts.md)). `item`, `turn`,
  `thread`, `run`, `review` and `action` are the objects in their notifications.

";

const COMMON_MEMBERS: &str = "
## Members that many events have

Most events say whose they are: the client (`app_server_client`), the server (`runtime`), and where their thread comes from
(`thread_source`, `subagent_source`, `parent_thread_id`). Events of skills, apps and plugins have the originator
(`product_client_id`) instead, and hooks and accepted lines have none of them.

";
