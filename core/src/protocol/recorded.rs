//! Requests, responses and notifications as facts hold them: the method, and beside it what a message of that
//! method carries, read by the same code as a message.

use alloc::boxed::Box;
use core::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess};
use serde_json::value::RawValue;

use super::approval::ServerRequest;
use super::message::{Body, ClientCall, Direction, Expected, Method, ParamsSeed, ResultSeed, ServerResult, read_late};
use super::notification::Notification;
use super::request::{ClientRequest, ClientResponse};
use super::tagged::Text;

/// An object of two members, `method` and what it decides the meaning of.
struct Recorded<S> {
    direction: Direction,
    content: &'static str,
    seed: fn(Method) -> S,
}

impl<'de, S: DeserializeSeed<'de, Value = Body<'de>>> de::Visitor<'de> for Recorded<S> {
    type Value = (Method, Body<'de>);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object with `method` and `{}`", self.content)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut method = None;
        let mut body = None;
        let mut late: Option<&RawValue> = None;
        while let Some(Text(key)) = map.next_key()? {
            if key == "method" {
                let Text(name) = map.next_value()?;
                method = Some(Method::of(self.direction, &name));
            } else if key == self.content {
                match method {
                    Some(method) => body = Some(map.next_value_seed((self.seed)(method))?),
                    None => late = Some(map.next_value()?),
                }
            } else {
                map.next_value::<de::IgnoredAny>()?;
            }
        }
        let method = method.ok_or_else(|| de::Error::missing_field("method"))?;
        if let (None, Some(late)) = (&body, late) {
            body = Some(read_late(late.get(), (self.seed)(method)).map_err(de::Error::custom)?);
        }
        match body {
            Some(body) => Ok((method, body)),
            None if method == Method::Irrelevant => Ok((method, Body::Skipped)),
            None => Err(de::Error::missing_field(self.content)),
        }
    }
}

fn params<'de, D: Deserializer<'de>>(direction: Direction, deserializer: D) -> Result<Body<'de>, D::Error> {
    let recorded = Recorded { direction, content: "params", seed: ParamsSeed };
    deserializer.deserialize_map(recorded).map(|(_, body)| body)
}

fn unknown<E: de::Error>() -> E {
    E::custom("a method that is no fact")
}

impl<'de> Deserialize<'de> for ClientRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match params(Direction::ClientToServer, deserializer)? {
            Body::Call(ClientCall::TurnStart(params)) => Ok(Self::TurnStart(params)),
            Body::Call(ClientCall::TurnSteer(params)) => Ok(Self::TurnSteer(params)),
            _ => Err(unknown()),
        }
    }
}

impl<'de> Deserialize<'de> for ServerRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match params(Direction::ServerToClient, deserializer)? {
            Body::Request(request) => Ok(request),
            Body::Skipped => Ok(Self::Other),
            _ => Err(unknown()),
        }
    }
}

impl<'de> Deserialize<'de> for Notification {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match params(Direction::ServerToClient, deserializer)? {
            Body::Notification(notification) => Ok(notification),
            _ => Err(unknown()),
        }
    }
}

impl<'de> Deserialize<'de> for ClientResponse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let result = |method| {
            ResultSeed(match method {
                Method::ThreadStart | Method::ThreadResume | Method::ThreadFork => Expected::Thread,
                Method::TurnStart => Expected::TurnStart,
                Method::TurnSteer => Expected::TurnSteer,
                _ => Expected::Nothing,
            })
        };
        let recorded = Recorded { direction: Direction::ClientToServer, content: "result", seed: result };
        match deserializer.deserialize_map(recorded)? {
            (method, Body::Result(ServerResult::Thread(thread))) => Ok(Self::of_thread(method, thread)),
            (_, Body::Result(ServerResult::TurnStart(turn))) => Ok(Self::TurnStart(turn)),
            (_, Body::Result(ServerResult::TurnSteer(steer))) => Ok(Self::TurnSteer(steer)),
            _ => Err(unknown()),
        }
    }
}

impl ClientResponse {
    fn of_thread(method: Method, thread: Box<super::thread::ThreadResponse>) -> Self {
        match method {
            Method::ThreadResume => Self::ThreadResume(thread),
            Method::ThreadFork => Self::ThreadFork(thread),
            _ => Self::ThreadStart(thread),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientResponse, Notification};
    use crate::protocol::approval::ServerRequest;
    use crate::protocol::request::ClientRequest;

    #[test]
    fn the_method_may_come_later() {
        for response in [
            r#"{"result":{"turn":{"id":"u"}},"method":"turn/start"}"#,
            r#"{"method":"turn/start","newer":1,"result":{"turn":{"id":"u"}}}"#,
        ] {
            let response: ClientResponse = serde_json::from_str(response).unwrap();
            let written = serde_json::to_string(&response).unwrap();
            assert_eq!(written, r#"{"method":"turn/start","result":{"turn":{"id":"u"}}}"#);
        }
    }

    #[test]
    fn requests_without_an_event_are_known_as_such() {
        for request in [r#"{"method":"other"}"#, r#"{"method":"item/tool/requestUserInput","params":{"questions":[]}}"#]
        {
            assert_eq!(serde_json::from_str::<ServerRequest>(request).unwrap(), ServerRequest::Other, "{request}");
        }
    }

    #[test]
    fn what_is_no_fact_is_refused() {
        for request in
            [r#"{"method":"thread/start","params":{}}"#, r#"{"method":"turn/steer"}"#, r#"{"params":{}}"#, r"{}"]
        {
            assert!(serde_json::from_str::<ClientRequest>(request).is_err(), "{request}");
        }
        let signal = r#"{"method":"account/updated","params":{"authMode":null}}"#;
        assert!(serde_json::from_str::<Notification>(signal).is_err());
    }
}
