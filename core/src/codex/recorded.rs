//! Requests, responses and notifications as facts hold them: the method, and beside it what a message of that
//! method carries, read by the same code as a message.

use alloc::boxed::Box;

use super::content::{Body, ClientCall, Direction, Expected, ServerResult};
use super::methods::{Method, params, result};
use crate::json::read::{Failed, Names, Problem, Read, Reader};
use crate::protocol::approval::ServerRequest;
use crate::protocol::notification::Notification;
use crate::protocol::request::{ClientRequest, ClientResponse};

const FACT: &str = "a message that is a fact";

/// Reads an object of two members: `method`, and `content`, whose meaning the method decides.
fn recorded<'text>(
    reader: &mut Reader<'text>,
    direction: Direction,
    content: &'static str,
    read: fn(Method, &mut Reader<'text>) -> Result<Body<'text>, Failed>,
) -> Result<(Method, Body<'text>), Failed> {
    let method = Method::of(direction, &reader.tag("method")?);
    let mut body = (method == Method::Irrelevant).then_some(Body::Skipped);
    reader.object(&Names::new(&[content]), &mut |reader, _| {
        body = Some(read(method, reader)?);
        Ok(())
    })?;
    let body = body.ok_or_else(|| reader.fail(Problem::Missing(content)))?;
    Ok((method, body))
}

fn recorded_params<'text>(reader: &mut Reader<'text>, direction: Direction) -> Result<Body<'text>, Failed> {
    recorded(reader, direction, "params", params).map(|(_, body)| body)
}

impl Read<'_> for ClientRequest {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        match recorded_params(reader, Direction::ClientToServer)? {
            Body::Call(ClientCall::TurnStart(params)) => Ok(Self::TurnStart(params)),
            Body::Call(ClientCall::TurnSteer(params)) => Ok(Self::TurnSteer(params)),
            _ => Err(reader.unlike(FACT)),
        }
    }
}

impl Read<'_> for ServerRequest {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        let (_, body) = recorded(reader, Direction::ServerToClient, "params", |method, reader| match method {
            // A fact of its own says what comes of them.
            Method::UserInput | Method::Elicitation => reader.skip().map(|()| Body::Skipped),
            method => params(method, reader),
        })?;
        match body {
            Body::Request(request) => Ok(request),
            Body::Skipped => Ok(Self::Other),
            _ => Err(reader.unlike(FACT)),
        }
    }
}

impl Read<'_> for Notification {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        match recorded_params(reader, Direction::ServerToClient)? {
            Body::Notification(notification) => Ok(notification),
            _ => Err(reader.unlike(FACT)),
        }
    }
}

impl Read<'_> for ClientResponse {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        match recorded(reader, Direction::ClientToServer, "result", |method, reader| {
            let expected = match method {
                Method::ThreadStart | Method::ThreadResume | Method::ThreadFork => Expected::Thread,
                Method::TurnStart => Expected::TurnStart,
                Method::TurnSteer => Expected::TurnSteer,
                _ => Expected::Nothing,
            };
            result(expected, reader)
        })? {
            (method, Body::Result(ServerResult::Thread(thread))) => Ok(Self::of_thread(method, thread)),
            (_, Body::Result(ServerResult::TurnStart(turn))) => Ok(Self::TurnStart(turn)),
            (_, Body::Result(ServerResult::TurnSteer(steer))) => Ok(Self::TurnSteer(steer)),
            _ => Err(reader.unlike(FACT)),
        }
    }
}

impl ClientResponse {
    fn of_thread(method: Method, thread: Box<crate::protocol::thread::ThreadResponse>) -> Self {
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
            let response: ClientResponse = crate::json::read::from_str(response).unwrap();
            let written = crate::json::write::to_string(&response);
            assert_eq!(written, r#"{"method":"turn/start","result":{"turn":{"id":"u"}}}"#);
        }
    }

    #[test]
    fn requests_without_an_event_are_known_as_such() {
        for request in [r#"{"method":"other"}"#, r#"{"method":"item/tool/requestUserInput","params":{"questions":[]}}"#]
        {
            assert_eq!(
                crate::json::read::from_str::<ServerRequest>(request).unwrap(),
                ServerRequest::Other,
                "{request}"
            );
        }
    }

    #[test]
    fn what_is_no_fact_is_refused() {
        for request in
            [r#"{"method":"thread/start","params":{}}"#, r#"{"method":"turn/steer"}"#, r#"{"params":{}}"#, r"{}"]
        {
            assert!(crate::json::read::from_str::<ClientRequest>(request).is_err(), "{request}");
        }
        let signal = r#"{"method":"account/updated","params":{"authMode":null}}"#;
        assert!(crate::json::read::from_str::<Notification>(signal).is_err());
    }
}
