//! Messages made of the schema: every member there, every text a marker, every alternative in its turn.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::{Markers, Method, Style};

/// What of a method a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The parameters.
    Params,
    /// The result.
    Result,
}

/// A filled body, and whether something of it was new.
#[derive(Debug)]
pub struct Message {
    /// The body.
    pub body: Value,
    /// Whether an alternative was in it that no earlier message of its method had.
    pub is_new: bool,
}

/// Deeper than this a schema that contains itself is not followed.
const MAX_DEPTH: usize = 14;

/// The members of a message's way to a value, and where the schema is.
#[derive(Clone)]
struct Place {
    /// Where the message is: `turn/start params.input[].(skill).path`.
    origin: String,
    /// Where the schema is.
    schema: String,
    /// Which message it is of.
    message: Rc<str>,
    /// The last member's name.
    member: String,
    /// The definition that the value is of.
    definition: String,
    depth: usize,
}

/// Fills messages of one protocol.
pub struct Filler<'s> {
    schema: &'s Value,
    /// The form of texts.
    pub style: Style,
    /// The markers, across all messages.
    pub markers: Markers,
    /// How often each choice of each method was made.
    visits: BTreeMap<String, usize>,
    /// Which alternatives were taken, of how many.
    taken: BTreeMap<String, (BTreeSet<usize>, usize)>,
    /// How many alternatives of a message's choices were not taken yet.
    missing: BTreeMap<Rc<str>, usize>,
    /// How many messages in a row had nothing new.
    stale: BTreeMap<Rc<str>, usize>,
    is_new: bool,
    /// How many values of members were filled.
    pub filled: u64,
}

impl<'s> Filler<'s> {
    /// A filler that has filled nothing.
    pub fn new(schema: &'s Value) -> Self {
        Self {
            schema,
            style: Style::Word,
            markers: Markers::default(),
            visits: BTreeMap::new(),
            taken: BTreeMap::new(),
            missing: BTreeMap::new(),
            stale: BTreeMap::new(),
            is_new: false,
            filled: 0,
        }
    }

    /// Whether a method's messages have had every alternative, and lately no member that none had before.
    pub fn is_complete(&self, method: &Method) -> bool {
        let is_over = |word| {
            let message = format!("{} {word}", method.name);
            self.missing.get(&*message) == Some(&0) && self.stale.get(&*message).is_some_and(|stale| *stale >= 8)
        };
        is_over("params") && (method.result.is_none() || is_over("result"))
    }

    /// The next message of a method.
    pub fn message(&mut self, method: &Method, side: Side) -> Message {
        self.is_new = false;
        let (schema, word) = match (side, &method.result) {
            (Side::Params, _) => (method.params.clone(), "params"),
            (Side::Result, Some(place)) => (json!({ "$ref": format!("#/{place}") }), "result"),
            (Side::Result, None) => (Value::Null, "result"),
        };
        let place = Place {
            origin: format!("{} {word}", method.name),
            schema: format!("{} {word}", method.name),
            message: format!("{} {word}", method.name).into(),
            member: word.into(),
            definition: String::new(),
            depth: 0,
        };
        self.missing.entry(place.message.clone()).or_default();
        let body = if schema.is_null() { Value::Null } else { self.value(&schema, &place) };
        let stale = self.stale.entry(place.message).or_default();
        *stale = if self.is_new { 0 } else { *stale + 1 };
        Message { body, is_new: self.is_new }
    }

    /// How many choices there were and how many alternatives; and those never taken.
    pub fn coverage(&self) -> (usize, usize, Vec<String>) {
        let missing = self.taken.iter().filter(|(_, (taken, all))| taken.len() < *all);
        let missing = missing.map(|(place, (taken, all))| format!("{place}: {} of {all}", taken.len())).collect();
        (self.taken.len(), self.taken.values().map(|(taken, _)| taken.len()).sum(), missing)
    }

    /// Each alternative in its turn; in each round in another order, so that every two choices meet in every way.
    fn choose(&mut self, place: &Place, alternatives: usize) -> usize {
        if alternatives < 2 {
            return 0;
        }
        let visit = self.visits.entry(place.schema.clone()).or_default();
        let (round, step) = (*visit / alternatives, *visit % alternatives);
        *visit += 1;
        let mut order: Vec<_> = (0..alternatives).collect();
        // An item that starts and one that completes are the same.
        let seed = place.schema.replacen("item/completed", "item/started", 1);
        order.sort_by_key(|index| scatter(&seed, round, *index));
        let chosen = order[step];
        let (taken, all) = self.taken.entry(place.schema.clone()).or_default();
        let missing = self.missing.entry(place.message.clone()).or_default();
        *missing += alternatives - *all;
        *all = alternatives;
        if taken.insert(chosen) {
            self.is_new = true;
            *missing -= 1;
        }
        chosen
    }

    fn value(&mut self, schema: &Value, place: &Place) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let definition = self.schema.pointer(reference.trim_start_matches('#')).expect("a definition");
            let mut place = place.clone();
            place.definition = reference.rsplit('/').next().unwrap_or_default().into();
            // The method keeps its own count of the choices within a definition.
            let method = place.schema.split("->").next().unwrap_or_default().to_owned();
            place.schema = format!("{method}->{}", place.definition);
            place.depth += 1;
            return self.value(definition, &place);
        }
        let mut value = Value::Null;
        if schema["properties"].is_object() || schema["type"] == "object" {
            value = self.object(schema, place);
        }
        for union in ["oneOf", "anyOf"] {
            if let Some(alternatives) = schema[union].as_array() {
                let chosen = self.alternative(alternatives, union, place);
                merge(&mut value, chosen);
            }
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            let part = self.value(part, place);
            merge(&mut value, part);
        }
        if !value.is_null() || schema["oneOf"].is_array() || schema["anyOf"].is_array() {
            return value;
        }
        if let Some(words) = schema["enum"].as_array() {
            let chosen = words[self.choose(&place.within("enum"), words.len())].clone();
            // The word that tells the variant stays what it is.
            let tells_variant = words.len() == 1 && ["type", "kind", "mode"].contains(&&*place.member);
            return if self.style == Style::UnknownEnums && !tells_variant && chosen.is_string() {
                self.text(place)
            } else {
                chosen
            };
        }
        match &schema["type"] {
            Value::Array(types) => {
                let chosen = self.choose(&place.within("type"), types.len());
                let mut single = schema.clone();
                single["type"] = types[chosen].clone();
                self.plain(&single, place)
            }
            _ => self.plain(schema, place),
        }
    }

    fn alternative(&mut self, alternatives: &[Value], union: &str, place: &Place) -> Value {
        let null = alternatives.iter().position(|alternative| alternative["type"] == "null");
        let chosen = match null {
            Some(null) if place.depth > MAX_DEPTH => null,
            _ => self.choose(&place.within(union), alternatives.len()),
        };
        let alternative = &alternatives[chosen];
        let mut place = place.within(&format!("{union}{chosen}"));
        if let Some(variant) = variant(alternative) {
            place.origin = format!("{}.({variant})", place.origin);
        }
        place.depth += 1;
        self.value(alternative, &place)
    }

    fn plain(&mut self, schema: &Value, place: &Place) -> Value {
        self.filled += 1;
        match schema["type"].as_str() {
            Some("string") => self.text(place),
            Some("integer" | "number") => number(&place.member),
            Some("boolean") => json!(self.choose(&place.within("boolean"), 2) == 1),
            Some("null") => Value::Null,
            Some("array") if place.depth > MAX_DEPTH => json!([]),
            Some("array") => {
                let mut inner = place.clone();
                inner.origin += "[]";
                inner.schema += "[]";
                inner.depth += 1;
                let items = if schema["items"].is_null() { json!(true) } else { schema["items"].clone() };
                json!([self.value(&items, &inner), self.value(&items, &inner)])
            }
            Some("object") => self.object(schema, place),
            // Anything: texts below any name, and what a plugin's setting looks like.
            _ => {
                let text = self.text(place);
                let enabled = self.choose(&place.within("any"), 2) == 1;
                let name = text.as_str().unwrap_or_default().to_owned();
                json!({ "enabled": enabled, "text": text, "list": [text, { "inner": text }], (name): text })
            }
        }
    }

    fn object(&mut self, schema: &Value, place: &Place) -> Value {
        let mut members = Map::new();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let value = self.value(member, &place.member(name));
            members.insert(name.clone(), value);
        }
        let is_map = schema["properties"].is_null() || schema["additionalProperties"].is_object();
        if is_map && schema["additionalProperties"] != json!(false) && place.depth <= MAX_DEPTH {
            let inner = place.member("{}");
            let key = self.markers.of(&format!("{} key", inner.origin));
            let value = match &schema["additionalProperties"] {
                schema @ Value::Object(_) => self.value(schema, &inner),
                _ => Value::String(self.markers.of(&inner.origin)),
            };
            members.insert(key, value);
        }
        Value::Object(members)
    }

    fn text(&mut self, place: &Place) -> Value {
        self.filled += 1;
        if let Some(id) = id(place) {
            return json!(self.markers.of(id));
        }
        // The one server whose calls are an app's.
        if self.style == Style::App && place.member == "server" {
            return json!("codex_apps");
        }
        let known = self.markers.len();
        let marker = self.markers.of(&place.origin);
        self.is_new |= self.markers.len() > known;
        let mut text = self.style.text(&marker);
        if self.style == Style::Prompt && place.member == "text" {
            // Mentions of what is listed.
            for listed in ["app/list result.data[].name", "skills/list result.data[].skills[].name"] {
                text = format!("{text} ${}", self.markers.of(listed));
            }
        }
        // A list that mentions are looked up in has names, and not prompts.
        let is_name = place.member == "name" && matches!(self.style, Style::Prompt);
        json!(if is_name { marker } else { text })
    }
}

impl Place {
    fn within(&self, part: &str) -> Self {
        let mut place = self.clone();
        place.schema = format!("{}/{part}", place.schema);
        place
    }

    fn member(&self, name: &str) -> Self {
        Self {
            origin: format!("{}.{name}", self.origin),
            schema: format!("{}.{name}", self.schema),
            message: self.message.clone(),
            member: name.into(),
            definition: self.definition.clone(),
            depth: self.depth,
        }
    }
}

/// The ids that join messages to a session: the same in all of them.
fn id(place: &Place) -> Option<&'static str> {
    match (&*place.definition, &*place.member) {
        ("Thread", "id") | (_, "threadId" | "senderThreadId" | "parent_thread_id") => Some("the thread's id"),
        ("Turn", "id") | (_, "turnId" | "expectedTurnId") => Some("the turn's id"),
        ("ThreadItem", "id") | (_, "itemId" | "targetItemId") => Some("the item's id"),
        _ => None,
    }
}

/// The word by which a variant is told, if it is one.
fn variant(schema: &Value) -> Option<String> {
    let members = schema["properties"].as_object()?;
    for tag in ["type", "kind"] {
        if let Some(word) = members.get(tag).and_then(|tag| tag["enum"][0].as_str()) {
            return Some(word.into());
        }
    }
    if members.len() == 1 { members.keys().next().cloned() } else { None }
}

fn number(member: &str) -> Value {
    let lower = member.to_lowercase();
    if lower.ends_with("atms") {
        json!(1_771_000_303_000_u64)
    } else if lower.ends_with("at") {
        json!(1_771_000_303_u64)
    } else {
        json!(7)
    }
}

fn merge(value: &mut Value, more: Value) {
    match (value, more) {
        (Value::Object(members), Value::Object(more)) => members.extend(more),
        (value, more) => *value = more,
    }
}

/// A number that orders alternatives anew in each round, and in the same way on every machine.
fn scatter(place: &str, round: usize, index: usize) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let numbers = [round as u64, index as u64].map(u64::to_le_bytes);
    for byte in place.bytes().chain(numbers.into_iter().flatten()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // The last bytes reach the high bits.
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (hash >> 32)
}
