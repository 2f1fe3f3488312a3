//! One JSON-RPC message, read in one pass.
//!
//! The method decides whether the body is read or skipped. In real traffic it comes first. For a response,
//! the caller says what its request expects. If a deciding member comes late, the body is skipped and read
//! at the end.

use alloc::borrow::Cow;

use super::content::{Body, ClientCall, Direction, Expected, ServerResult, Signal};
use super::methods::{Method, params, result};
use super::newer::Inquiry;
use super::reviewed;
use crate::id::RequestId;
use crate::json::read::{self, Failed, Names, Part, Position, Problem, Raw, Read, Reader, Unread};
use crate::protocol::approval::ServerRequest;
use crate::protocol::error::RpcError;
use crate::protocol::notification::Notification;
use crate::unknown::{Unknown, UnknownKind};

/// A message that matters to an observer.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    ClientRequest {
        id: RequestId,
        call: ClientCall,
    },
    ServerRequest {
        id: RequestId,
        request: ServerRequest,
    },
    /// The server asks the user in the course of a tool's call.
    Inquiry {
        id: RequestId,
        inquiry: Inquiry,
    },
    Notification(Notification),
    Signal(Signal),
    /// The server's answer to a request that was waited for.
    Response {
        id: RequestId,
        result: ServerResult,
    },
    /// A client's answer. Its request decides how it is read.
    Answer {
        id: RequestId,
        result: &'a str,
    },
    Error {
        id: RequestId,
        error: RpcError,
    },
    /// An irrelevant message: an unknown or irrelevant method, or an answer to no open request.
    Irrelevant,
}

/// Why a message could not be read. It says nothing of the message's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) kind: MalformedKind,
    /// The byte in the message, counted from 1.
    pub(crate) column: usize,
    /// The request's id, if it was read before the error.
    pub(crate) id: Option<RequestId>,
    /// Whether it is a response: it names no method.
    pub(crate) is_response: bool,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MalformedKind {
    /// It is no JSON.
    Json,
    /// It is JSON, but a member that counts is missing or of the wrong type.
    Shape,
    /// Its id is too long.
    LongId,
}

/// A message, and when the server says that it sent it, in Unix milliseconds.
#[derive(Debug)]
pub(crate) struct Parsed<'a> {
    pub(crate) message: Message<'a>,
    pub(crate) emitted_at: Option<u64>,
}

/// Reads a message; `expected` says what a response to a client's request is read as. What is not known goes to `unknown`:
/// methods, kinds and words, and members if it looks at them.
pub(crate) fn parse<'a>(
    text: &'a [u8],
    direction: Direction,
    expected: &dyn Fn(&RequestId) -> Expected,
    looks_at_members: bool,
    unknown: &mut Unknown,
) -> Result<Parsed<'a>, Malformed> {
    // JSON is UTF-8 (RFC 8259, 8.1). Other bytes are refused before anything is read.
    let text = core::str::from_utf8(text).map_err(|error| Malformed {
        kind: MalformedKind::Json,
        column: error.valid_up_to() + 1,
        id: None,
        is_response: false,
    })?;
    let mut parts = Parts {
        direction,
        expected,
        id: None,
        method: None,
        new_method: None,
        body: None,
        late: None,
        error: None,
        emitted_at: None,
    };
    let mut reader = Reader::reviewing(text, reviewed::is_unknown, looks_at_members);
    let read = parts.read(&mut reader).and_then(|()| reader.end()).and_then(|()| parts.finish(&mut reader));
    if read.is_ok() && (parts.new_method.is_some() || !reader.unread().is_empty()) {
        count(parts.new_method.as_deref(), reader.unread(), unknown);
    }
    read.map(|message| Parsed { message, emitted_at: parts.emitted_at }).map_err(|Failed| {
        let error = reader.error();
        // A member that cannot be read ends the reading early: what follows may not even be JSON. And a text with half
        // a surrogate pair is JSON, but no text.
        let rest = read::from_str::<Raw<'_>>(text).err();
        let kind = match (rest, error.problem) {
            (Some(_), _) => MalformedKind::Json,
            (None, Problem::LongId) => MalformedKind::LongId,
            (None, _) => MalformedKind::Shape,
        };
        let is_response = parts.method.is_none();
        Malformed { kind, column: rest.unwrap_or(error).column, id: parts.id, is_response }
    })
}

/// Counts what of a message is not known.
#[cold]
fn count(method: Option<&str>, unread: &[Unread], unknown: &mut Unknown) {
    if let Some(method) = method {
        unknown.count(UnknownKind::Method, method, 1);
    }
    for Unread { part, of, name } in unread {
        match part {
            Part::Word if *of == reviewed::ITEM => unknown.count(UnknownKind::Item, name, 1),
            Part::Word => unknown.count_of(UnknownKind::Value, of, name),
            Part::Member => unknown.count_of(UnknownKind::Member, of, name),
        }
    }
}

/// What of a message has been read so far.
struct Parts<'a, 'e> {
    direction: Direction,
    expected: &'e dyn Fn(&RequestId) -> Expected,
    id: Option<RequestId>,
    method: Option<Method>,
    /// The method, if it is not known.
    new_method: Option<Cow<'a, str>>,
    body: Option<Body<'a>>,
    /// A body that came before what decides its meaning.
    late: Option<(Late, Position)>,
    error: Option<RpcError>,
    emitted_at: Option<u64>,
}

#[derive(Clone, Copy)]
enum Late {
    Params,
    Result,
}

impl<'a> Parts<'a, '_> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Failed> {
        const NAMES: &Names<'_> = &Names::new(&["method", "params", "id", "result", "error", "emittedAtMs"]);
        reader.object(NAMES, &mut |reader, index| {
            match index {
                0 => {
                    let method = reader.string()?;
                    let known = Method::of(self.direction, &method);
                    self.method = Some(known);
                    if known == Method::Irrelevant && !reviewed::is_irrelevant(self.direction, &method) {
                        self.new_method = Some(method);
                    }
                }
                1 => match self.method {
                    Some(method) => self.body = Some(params(method, reader)?),
                    None => self.leave(Late::Params, reader)?,
                },
                2 => {
                    self.id = Read::read(reader)?;
                    if self.id.as_ref().is_some_and(RequestId::is_too_long) {
                        return Err(reader.fail(Problem::LongId));
                    }
                }
                3 => match (self.direction, &self.id) {
                    (Direction::ClientToServer, _) => self.body = Some(Body::Answer(reader.raw()?)),
                    (Direction::ServerToClient, Some(id)) => self.body = Some(result((self.expected)(id), reader)?),
                    (Direction::ServerToClient, None) => self.leave(Late::Result, reader)?,
                },
                4 => self.error = Some(Read::read(reader)?),
                _ => self.emitted_at = emitted_at(reader)?,
            }
            Ok(())
        })
    }

    fn leave(&mut self, kind: Late, reader: &mut Reader<'a>) -> Result<(), Failed> {
        self.late = Some((kind, reader.position()));
        reader.skip()
    }

    fn finish(&mut self, reader: &mut Reader<'a>) -> Result<Message<'a>, Failed> {
        if let Some((kind, position)) = self.late.take() {
            match (kind, self.method, &self.id) {
                (Late::Params, Some(method), _) => {
                    self.body = Some(reader.at_position(position, |reader| params(method, reader))?);
                }
                (Late::Result, _, Some(id)) => {
                    let expected = (self.expected)(id);
                    self.body = Some(reader.at_position(position, |reader| result(expected, reader))?);
                }
                _ => {}
            }
        }
        if self.method.is_some_and(|method| method == Method::Irrelevant) {
            return Ok(Message::Irrelevant);
        }
        if self.body.is_none()
            && let Some(method) = self.method
        {
            // Some methods do without parameters; the others say what is missing.
            let empty = params(method, &mut Reader::new("{}"));
            self.body = Some(empty.map_err(|Failed| reader.fail(Problem::Missing("params")))?);
        }
        // The id stays where an error report finds it.
        Ok(match (self.id.clone(), self.body.take(), self.error) {
            (Some(id), Some(Body::Call(call)), _) => Message::ClientRequest { id, call },
            (Some(id), Some(Body::Request(request)), _) => Message::ServerRequest { id, request },
            (Some(id), Some(Body::Inquiry(inquiry)), _) => Message::Inquiry { id, inquiry },
            (None, Some(Body::Notification(notification)), _) => Message::Notification(notification),
            (None, Some(Body::Signal(signal)), _) => Message::Signal(signal),
            (Some(id), Some(Body::Result(result)), _) => Message::Response { id, result },
            (Some(id), Some(Body::Answer(result)), _) => Message::Answer { id, result },
            (Some(id), None, Some(error)) => Message::Error { id, error },
            (_, Some(_), _) | (None, None, Some(_)) => Message::Irrelevant,
            (_, None, None) => return Err(reader.unlike("a request, a notification or a response")),
        })
    }
}

/// A time that cannot be read is not known, and the message counts.
fn emitted_at(reader: &mut Reader<'_>) -> Result<Option<u64>, Failed> {
    reader.raw().map(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{Direction, Expected, Malformed, MalformedKind, parse};
    use crate::id::RequestId;
    use crate::unknown::Unknown;

    #[test]
    fn what_is_wrong_with_a_message_and_where() {
        use MalformedKind::{Json, Shape};
        for (text, kind, column, id, is_response) in [
            ("", Json, 1, None, true),
            ("{\"method\":5", Json, 12, None, true),
            ("{\"method\":5}", Shape, 11, None, true),
            ("[]", Shape, 1, None, true),
            ("{}", Shape, 3, None, true),
            (r#"{"id":7,"method":"turn/started","params":[]}"#, Shape, 42, Some(7), false),
            (r#"{"id":7,"method":"turn/started","params":[}"#, Json, 43, Some(7), false),
            (r#"{"id":7,"result":{"turn":{}}}"#, Shape, 27, Some(7), true),
            // Half of a surrogate pair is JSON, but no text.
            (r#"{"id":7,"method":"\ud800"}"#, Shape, 25, Some(7), true),
        ] {
            let expecting = |_: &RequestId| Expected::TurnStart;
            let read = parse(text.as_bytes(), Direction::ServerToClient, &expecting, true, &mut Unknown::default());
            let expected = Malformed { kind, column, id: id.map(RequestId::Number), is_response };
            assert_eq!(read.unwrap_err(), expected, "{text}");
        }
        let nothing = |_: &RequestId| Expected::Nothing;
        let read = parse(b"{\"\xff\"", Direction::ServerToClient, &nothing, true, &mut Unknown::default());
        assert_eq!(read.unwrap_err(), Malformed { kind: Json, column: 3, id: None, is_response: false });
    }
}
