//! Whatever comes in: no panic, and nothing good around it is lost.

use proptest::prelude::*;
use serde_json::{Map, Value};
use turnledger::Sha2;
use turnledger_core::{Direction, Output, UnixMillis};
use turnledger_tests::golden::{Message, Recording, VERSIONS, feed, pipeline, recording, recordings, replay, values};

/// The session of an innocent neighbour, on a connection of its own and with server request ids of its own.
fn neighbour() -> Vec<Message> {
    let mut messages = recording("0.131.0", "approve_patch").messages();
    for message in &mut messages {
        message.connection_id = 77.into();
        let mut value: Value = serde_json::from_str(&message.text).expect("a message");
        let asks = message.direction == Direction::ServerToClient && value.get("method").is_some();
        let answers = message.direction == Direction::ClientToServer && value.get("result").is_some();
        for id in ["/id", "/params/requestId"] {
            if (asks || answers)
                && let Some(id) = value.pointer_mut(id)
            {
                *id = Value::String(format!("neighbour-{id}"));
            }
        }
        message.text = value.to_string();
    }
    messages
}

/// Runs the neighbour's session with `noise` before each of its messages, and says whether the
/// neighbour's events are what they are without.
fn neighbour_is_untouched(noise: &[(u64, Direction, Vec<u8>)]) -> Result<(), TestCaseError> {
    let messages = neighbour();
    let alone = values(&replay(Sha2::default(), &messages).events);
    let mut session = pipeline(Sha2::default());
    let mut events = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        for (connection, direction, text) in noise.iter().skip(index).step_by(messages.len()) {
            let mut lost = Output::default();
            let _ = session.observe(message.at, *connection, *direction, text, &mut lost);
            events.extend(values(&lost.events));
        }
        let mut output = Output::default();
        feed(&mut session, message, &mut output);
        events.extend(values(&output.events));
    }
    let mut output = Output::default();
    session.finish(UnixMillis(u64::MAX), &mut output);
    events.extend(values(&output.events));
    let thread = &alone[0]["event_params"]["thread_id"];
    events.retain(|event| event["event_params"]["thread_id"] == *thread);
    prop_assert_eq!(events, alone);
    Ok(())
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::ClientToServer), Just(Direction::ServerToClient)]
}

/// All messages of the recordings, apart from the neighbour's own.
fn pool() -> Vec<Message> {
    let mut pool: Vec<_> = recordings("0.131.0")
        .iter()
        .filter(|recording| recording.name != "approve_patch")
        .flat_map(Recording::messages)
        .collect();
    pool.retain(|message| message.text.len() < 4000);
    pool
}

/// Values that a careless or hostile sender puts where others belong.
fn strange() -> Vec<Value> {
    let deep = (0..100).fold(Value::Null, |value, _| Value::Array(vec![value]));
    let mut strange =
        vec![deep, Value::Null, Value::Bool(true), Value::String(String::new()), Value::Object(Map::new())];
    strange.extend([-1_i64, i64::MIN, i64::MAX].map(Value::from));
    strange.extend([Value::from(u64::MAX), Value::from(1.5e300), Value::Array(vec![])]);
    strange
}

/// Replaces the `nth` member or element below `value`.
fn replace(value: &mut Value, nth: &mut usize, with: &Value) {
    let children: Vec<&mut Value> = match value {
        Value::Array(elements) => elements.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => return,
    };
    for child in children {
        if *nth == 0 {
            *child = with.clone();
            *nth = usize::MAX;
            return;
        }
        *nth -= 1;
        replace(child, nth, with);
        if *nth == usize::MAX {
            return;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(noise in proptest::collection::vec((0..4_u64, direction(), proptest::collection::vec(any::<u8>(), 0..200)), 0..80)) {
        neighbour_is_untouched(&noise)?;
    }

    /// Recorded messages of other sessions: shuffled, repeated, cut, and with strange values.
    #[test]
    fn mangled_messages(picks in proptest::collection::vec((any::<prop::sample::Index>(), 0..4_u8, 0..60_usize, any::<prop::sample::Index>(), 0..3_u64), 0..120)) {
        let (pool, strange) = (pool(), strange());
        let noise: Vec<_> = picks
            .iter()
            .map(|(pick, how, nth, other, connection)| {
                let message = pick.get(&pool);
                let text = match how {
                    0 => message.text.clone().into_bytes(),
                    1 => message.text.as_bytes()[..other.index(message.text.len())].to_vec(),
                    _ => {
                        let mut value: Value = serde_json::from_str(&message.text).expect("a message");
                        replace(&mut value, &mut nth.clone(), other.get(&strange));
                        value.to_string().into_bytes()
                    }
                };
                (*connection, message.direction, text)
            })
            .collect();
        neighbour_is_untouched(&noise)?;
    }
}

#[test]
fn depth_numbers_and_repeated_members() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    let noise: Vec<_> = [
        deep("[", "]"),
        format!(r#"{{"method":"item/started","params":{}}}"#, deep(r#"{"item":"#, "}")),
        format!(r#"{{"method":"unknown","params":{}}}"#, deep("[", "]")),
        r#"{"id":1e400,"result":{}}"#.into(),
        r#"{"id":18446744073709551616,"method":"turn/start","params":{}}"#.into(),
        r#"{"method":"turn/started","method":"turn/completed","params":{"threadId":"x","threadId":"y"}}"#.into(),
        r#"{"method":"turn/completed","params":{"threadId":"x","turn":{"id":"u","status":"completed","completedAt":99999999999999999999999}}}"#.into(),
        r#"{"id":null,"error":{"code":-32700,"message":"parse error"}}"#.into(),
        "[]".into(),
        "null".into(),
        String::new(),
    ]
    .into_iter()
    .flat_map(|text: String| {
        [Direction::ClientToServer, Direction::ServerToClient].map(|direction| (1, direction, text.clone().into_bytes()))
    })
    .collect();
    neighbour_is_untouched(&noise).expect("the neighbour's events");
}

/// A message with an impossible time does not make everybody's state expire.
#[test]
fn an_impossible_time() {
    let mut messages = recording("0.131.0", "plain_turn").messages();
    let expected = values(&replay(Sha2::default(), &messages).events);
    let text = r#"{"method":"turn/started","params":{"threadId":"x","turn":{"id":"y","status":"inProgress"}}}"#;
    let at = UnixMillis(u64::MAX);
    messages
        .insert(8, Message { at, connection_id: 9.into(), direction: Direction::ServerToClient, text: text.into() });
    assert_eq!(values(&replay(Sha2::default(), &messages).events), expected);
}

/// Turns every object's members around, so that what decides comes last.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .rev()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), reversed(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(elements) => format!("[{}]", elements.iter().map(reversed).collect::<Vec<_>>().join(",")),
        value => value.to_string(),
    }
}

/// Puts members and items that no version knows everywhere.
fn extended(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(extended);
            // Keys that stand for ids cannot be extended with one more.
            if !members.is_empty() && members.keys().all(|key| key.len() < 30) && !members.contains_key("granular") {
                members.insert("aMemberOfANewerVersion".into(), serde_json::json!({ "deep": [1, null] }));
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(extended),
        _ => {}
    }
}

#[test]
fn neither_the_order_of_members_nor_unknown_ones_matter() {
    for version in VERSIONS {
        for recording in recordings(version) {
            let messages = recording.messages();
            let expected = values(&replay(Sha2::default(), &messages).events);
            let with = |change: &dyn Fn(Value) -> String| {
                let change = |message: &Message| {
                    let value = serde_json::from_str(&message.text).expect("a message");
                    Message { text: change(value), ..message.clone() }
                };
                values(&replay(Sha2::default(), &messages.iter().map(change).collect::<Vec<_>>()).events)
            };
            assert_eq!(with(&|value| reversed(&value)), expected, "{}: members in another order", recording.name);
            let extend = |mut value: Value| {
                extended(&mut value);
                value.to_string()
            };
            assert_eq!(with(&extend), expected, "{}: unknown members", recording.name);
        }
    }
}
