//! An event's text, as the rules want it.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::Rules;
use super::pattern::Pattern;
use crate::digest::Digest;
use crate::json::read::{Failed, Reader};
use crate::json::write::Write as _;

/// What happens to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Change {
    /// It is left out.
    LeftOut,
    /// Its hash stands in its place.
    Hashed,
    /// The hour that it is in stands in its place.
    Coarsened,
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::LeftOut => "left out",
            Self::Hashed => "hashed",
            Self::Coarsened => "coarsened",
        })
    }
}

/// Why nothing leaves of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Withheld {
    /// Events of its type stay.
    Event,
    /// Events of its client stay.
    Client,
    /// There is a rule about clients, and the event names none.
    UnknownClient,
    /// There is a rule about repositories, and it is not known of which one the event is.
    UnknownRepository,
    /// It is no event's text.
    Unreadable,
}

impl fmt::Display for Withheld {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Event => "events of this type stay",
            Self::Client => "events of this client stay",
            Self::UnknownClient => "it names no client, and there is a rule about clients",
            Self::UnknownRepository => "nothing says of which repository it is, and there is a rule about repositories",
            Self::Unreadable => "it cannot be read",
        })
    }
}

const HOUR_S: u64 = 3600;
/// How deep objects and arrays stand in one another at most. No event comes near.
const DEEPEST: u8 = 32;
/// How the names end of members that have ids of what a session is made of.
const OF_SESSIONS: [&str; 8] =
    ["thread_id", "thread_ids", "turn_id", "session_id", "item_id", "review_id", "response_id", "call_id"];
/// What stands before a text that is hashed, so that its hash is never one of a line or a path.
const PREFIX: &[u8] = b"member\0";

pub(super) fn rewrite(
    rules: &Rules,
    digest: &dyn Digest,
    event: &str,
    changed: &mut dyn FnMut(&str, Change),
) -> Result<String, Withheld> {
    let mut reader = Reader::new(event);
    let event_type = reader.tag("event_type").map_err(|Failed| Withheld::Unreadable)?;
    if !rules.events.allows(|pattern| pattern.fits(&event_type)) {
        return Err(Withheld::Event);
    }
    let text = String::with_capacity(event.len());
    let mut rewriting = Rewriting { rules, digest, path: Vec::new(), text, client: None, changed };
    rewriting.path.push(event_type);
    rewriting.event(&mut reader).and_then(|()| reader.end()).map_err(|Failed| Withheld::Unreadable)?;
    match rewriting.client {
        _ if !rules.clients.is_set() => Ok(rewriting.text),
        None => Err(Withheld::UnknownClient),
        Some(client) if rules.clients.allows(|pattern| pattern.fits(&client)) => Ok(rewriting.text),
        Some(_) => Err(Withheld::Client),
    }
}

/// What holds for a value because of the objects around it.
#[derive(Clone, Copy, Default)]
struct Standing {
    depth: u8,
    is_dropped: bool,
    is_allowed: bool,
    is_hashed: bool,
}

impl Standing {
    const fn leaves(self) -> bool {
        self.is_allowed && !self.is_dropped
    }
}

struct Rewriting<'r, 'text> {
    rules: &'r Rules,
    digest: &'r dyn Digest,
    /// The event's type, and the names of the members around.
    path: Vec<Cow<'text, str>>,
    text: String,
    client: Option<Cow<'text, str>>,
    changed: &'r mut dyn FnMut(&str, Change),
}

impl<'text> Rewriting<'_, 'text> {
    /// Writes what leaves of an event. Its type leaves with it.
    fn event(&mut self, reader: &mut Reader<'text>) -> Result<(), Failed> {
        self.text.push('{');
        reader.members(&mut |reader, name| {
            match &*name {
                "event_type" => {
                    self.label(&name);
                    self.text.push_str(reader.raw()?);
                }
                // Parameters are members of the event: their object is no part of a path.
                "event_params" => {
                    self.label(&name);
                    self.object(reader, Standing::default())?;
                }
                _ => self.member(reader, name, Standing::default())?,
            }
            Ok(())
        })?;
        self.text.push('}');
        Ok(())
    }

    /// Writes what leaves of an object.
    fn object(&mut self, reader: &mut Reader<'text>, standing: Standing) -> Result<(), Failed> {
        self.text.push('{');
        reader.members(&mut |reader, name| self.member(reader, name, standing))?;
        self.text.push('}');
        Ok(())
    }

    /// Writes a member, if it leaves.
    fn member(&mut self, reader: &mut Reader<'text>, name: Cow<'text, str>, around: Standing) -> Result<(), Failed> {
        let start = self.text.len();
        self.label(&name);
        let is_client = name == "product_client_id";
        self.path.push(name);
        if is_client && reader.peek()? == b'"' {
            let position = reader.position();
            self.client = Some(reader.at_position(position, Reader::string)?);
        }
        let rules = self.rules;
        let ends = |pattern: &Pattern| pattern.ends(&self.path);
        let standing = Standing {
            depth: around.depth,
            is_dropped: around.is_dropped || rules.members.dropped.iter().any(ends),
            is_allowed: around.is_allowed
                || rules.members.allowed.as_ref().is_none_or(|allowed| allowed.iter().any(ends)),
            is_hashed: around.is_hashed || rules.hashed.iter().any(ends),
        };
        let leaves = self.value(reader, standing)?;
        if !leaves {
            self.text.truncate(start);
        }
        self.path.pop();
        Ok(())
    }

    /// Writes a value, if anything of it leaves.
    fn value(&mut self, reader: &mut Reader<'text>, standing: Standing) -> Result<bool, Failed> {
        let standing = Standing { depth: standing.depth + 1, ..standing };
        let first = reader.peek()?;
        if standing.depth > DEEPEST {
            return Err(Failed);
        }
        let before = self.text.len();
        match first {
            b'{' => {
                self.object(reader, standing)?;
                // An object that was empty leaves if it is allowed.
                Ok(self.text.len() > before + 2 || standing.leaves())
            }
            b'[' => {
                self.text.push('[');
                reader.array(&mut |reader| {
                    let start = self.text.len();
                    if !self.text.ends_with('[') {
                        self.text.push(',');
                    }
                    if !self.value(reader, standing)? {
                        self.text.truncate(start);
                    }
                    Ok(())
                })?;
                self.text.push(']');
                Ok(self.text.len() > before + 2 || standing.leaves())
            }
            _ if !standing.leaves() => {
                reader.skip()?;
                self.tell(Change::LeftOut);
                Ok(false)
            }
            b'"' => {
                let position = reader.position();
                let text = reader.string()?;
                if standing.is_hashed || (self.rules.coarsens_times && self.may_hold_time(&text)) {
                    self.digest.digest(&[PREFIX, text.as_bytes()]).write(&mut self.text);
                    self.tell(Change::Hashed);
                } else {
                    self.text.push_str(reader.at_position(position, Reader::raw)?);
                }
                Ok(true)
            }
            b'n' => {
                self.text.push_str(reader.raw()?);
                Ok(true)
            }
            _ if standing.is_hashed => {
                reader.skip()?;
                self.tell(Change::LeftOut);
                Ok(false)
            }
            _ => Ok(self.number(reader.raw()?)),
        }
    }

    /// Writes a number or a flag. Returns whether it leaves.
    fn number(&mut self, number: &str) -> bool {
        let name = self.path.last().map_or("", |name| name);
        let unit = match () {
            () if !self.rules.coarsens_times => None,
            () if name.ends_with("_at") => Some(1),
            () if name.ends_with("_at_ms") => Some(1000),
            () => None,
        };
        match (unit, number.parse::<u64>()) {
            (None, _) => self.text.push_str(number),
            (Some(unit), Ok(time)) => {
                (time - time % (HOUR_S * unit)).write(&mut self.text);
                self.tell(Change::Coarsened);
            }
            // No time of the contract: it cannot be made coarse.
            (Some(_), Err(_)) => {
                self.tell(Change::LeftOut);
                return false;
            }
        }
        true
    }

    /// Whether a text may be an id with a time in it: a UUID of version 7, or what a model's server calls an item.
    fn may_hold_time(&self, text: &str) -> bool {
        let name = self.path.last().map_or("", |name| name);
        OF_SESSIONS.iter().any(|end| name.ends_with(end)) || holds_time(text)
    }

    fn label(&mut self, name: &str) {
        if !self.text.ends_with('{') {
            self.text.push(',');
        }
        name.write(&mut self.text);
        self.text.push(':');
    }

    fn tell(&mut self, change: Change) {
        (self.changed)(&self.path.join("."), change);
    }
}

/// Whether a text has a UUID of version 7, whose first digits are a time.
fn holds_time(text: &str) -> bool {
    text.as_bytes().windows(36).any(|window| {
        window.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            14 => *byte == b'7',
            _ => byte.is_ascii_hexdigit(),
        })
    })
}
