//! What a body holds: `{"events":[…]}`.

use std::fmt;

use axum::http::StatusCode;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use turnledger_archive::{Entry, Reading};
use turnledger_core::UnixMillis;

use crate::refusal::Refusal;

/// A body's events, `limit` of them at most: all, or what is wrong with the body.
pub(super) fn entries(body: &[u8], limit: usize, reading: Reading, at: UnixMillis) -> Result<Vec<Entry>, Refusal> {
    let malformed = || Refusal::new(StatusCode::BAD_REQUEST, "the body is no JSON of the form {\"events\":[…]}");
    let text = str::from_utf8(body).map_err(|_| malformed())?;
    let mut json = serde_json::Deserializer::from_str(text);
    let found = Envelope { limit }.deserialize(&mut json).and_then(|found| json.end().map(|()| found));
    match found.map_err(|_| malformed())? {
        Found::TooMany => Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the body has too many events")),
        Found::Events(events) => {
            let mut reading = reading;
            let read = events.into_iter().map(|event| reading.read(Some(at), event.get()));
            let wrong = || Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "the body has something that is no event");
            read.collect::<Result<_, _>>().map_err(|_| wrong())
        }
    }
}

/// What was found.
enum Found<'b> {
    Events(Vec<&'b RawValue>),
    TooMany,
}

/// Reads the object. Members that it does not know are passed over.
struct Envelope {
    limit: usize,
}

impl<'b> DeserializeSeed<'b> for Envelope {
    type Value = Found<'b>;

    fn deserialize<D: Deserializer<'b>>(self, json: D) -> Result<Found<'b>, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'b> Visitor<'b> for Envelope {
    type Value = Found<'b>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with `events`")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut members: A) -> Result<Found<'b>, A::Error> {
        let mut found = None;
        while let Some(name) = members.next_key::<String>()? {
            if name != "events" {
                members.next_value::<IgnoredAny>()?;
            } else if found.is_none() {
                found = Some(members.next_value_seed(Events { limit: self.limit })?);
            } else {
                return Err(A::Error::duplicate_field("events"));
            }
        }
        found.ok_or_else(|| A::Error::missing_field("events"))
    }
}

/// Reads the list, as far as the limit.
struct Events {
    limit: usize,
}

impl<'b> DeserializeSeed<'b> for Events {
    type Value = Found<'b>;

    fn deserialize<D: Deserializer<'b>>(self, json: D) -> Result<Found<'b>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'b> Visitor<'b> for Events {
    type Value = Found<'b>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut list: A) -> Result<Found<'b>, A::Error> {
        let mut events = Vec::new();
        while let Some(event) = list.next_element()? {
            if events.len() == self.limit {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Found::TooMany);
            }
            events.push(event);
        }
        Ok(Found::Events(events))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use turnledger_archive::Reading;
    use turnledger_core::UnixMillis;

    use super::entries;

    fn read(body: impl AsRef<[u8]>) -> Result<usize, StatusCode> {
        let entries = entries(body.as_ref(), 2, Reading::default(), UnixMillis(1));
        entries.map(|entries| entries.len()).map_err(|refusal| refusal.status)
    }

    #[test]
    fn bodies() {
        let event = r#"{"event_type":"codex_of_tomorrow","event_params":{"thread_id":"t"}}"#;
        assert_eq!(read(r#"{"events":[]}"#), Ok(0));
        assert_eq!(read(format!(r#"{{"more":[1,{{}}],"events":[{event},{event}]}}"#)), Ok(2));
        assert_eq!(read(format!(r#"{{"events":[{event},{event},{event}]}}"#)), Err(StatusCode::PAYLOAD_TOO_LARGE));
        for malformed in [
            "",
            "[]",
            "{}",
            "1",
            "null",
            "{\"events\":1}",
            "{\"events\":[1}",
            "{\"events\":[]} x",
            "{\"events\":[],\"events\":[]}",
            "{\"events\":null}",
            "{\"events\":[{},{},{},",
        ] {
            assert_eq!(read(malformed), Err(StatusCode::BAD_REQUEST), "{malformed}");
        }
        assert_eq!(read(b"{\"events\":[\"\xff\"]}"), Err(StatusCode::BAD_REQUEST));
        let deep = format!("{{\"events\":[{}{}]}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(read(&deep).is_err());
        for no_event in ["1", "null", "{}", "\"x\"", r#"{"event_type":1}"#] {
            let body = format!(r#"{{"events":[{event},{no_event}]}}"#);
            assert_eq!(read(&body), Err(StatusCode::UNPROCESSABLE_ENTITY), "{no_event}");
        }
    }
}
