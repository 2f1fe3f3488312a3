//! Members that only some versions of Codex have.

use alloc::boxed::Box;
use alloc::string::String;

use crate::json::read::{Failed, Names, Read, Reader};
use crate::json::write::{Members, Write};

/// Members that events have from one version of Codex on, or up to one: absent in events of the others.
///
/// Members that stand together are one group. It is boxed, so that events without it stay small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<G>(Option<Box<Since<G>>>);

/// A group, and the version from which on events have the latest of the members that are written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Since<G> {
    version: u16,
    group: G,
}

/// A struct each of whose members events have from some version on.
pub trait Group {
    /// The names of the members.
    const NAMES: &'static [&'static str];
    /// From which version on events have each.
    const SINCE: &'static [u16];

    /// Appends those that events of a version have.
    fn write_members_of(&self, version: u16, text: &mut String);
}

impl<G> Versioned<G> {
    /// No members.
    pub(crate) const ABSENT: Self = Self(None);

    /// The group; `None` if the event's version has no member of it. What a version lacks of it is not written.
    pub fn get(&self) -> Option<&G> {
        self.0.as_deref().map(|since| &since.group)
    }

    pub(crate) fn get_mut(&mut self) -> Option<&mut G> {
        self.0.as_deref_mut().map(|since| &mut since.group)
    }
}

impl<G: Group> Versioned<G> {
    /// The members that a version has.
    pub(crate) fn of(version: u16, group: impl FnOnce() -> G) -> Self {
        let latest = G::SINCE.iter().copied().filter(|since| *since <= version).max();
        Self(latest.map(|version| Box::new(Since { version, group: group() })))
    }
}

impl<G> Default for Versioned<G> {
    fn default() -> Self {
        Self::ABSENT
    }
}

impl<G: Group> Members for Versioned<G> {
    fn write_members(&self, text: &mut String) {
        if let Some(since) = &self.0 {
            since.group.write_members_of(since.version, text);
        }
    }
}

impl<G: Group> Write for Versioned<G> {
    fn write(&self, text: &mut String) {
        crate::json::write::object(self, text);
    }
}

impl<'text, G: Group + Read<'text>> Read<'text> for Versioned<G> {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        let start = reader.position();
        let mut latest = None;
        reader.object(&Names::new(G::NAMES), &mut |reader, index| {
            latest = latest.max(G::SINCE.get(index).copied());
            reader.skip()
        })?;
        match latest {
            Some(version) => reader.again(start).map(|group| Self(Some(Box::new(Since { version, group })))),
            None => Ok(Self::ABSENT),
        }
    }
}

/// The members' schema, with none of them required.
#[cfg(feature = "schema")]
impl<G: schemars::JsonSchema> schemars::JsonSchema for Versioned<G> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        G::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = G::json_schema(generator);
        schema.remove("required");
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::Versioned;
    use crate::event::common::Session;
    use crate::json::read::{self, Read};
    use crate::json::write::{self, Write};

    #[derive(Debug, PartialEq, Write, Read)]
    struct Event {
        before: u64,
        #[serde(flatten)]
        session: Versioned<Session>,
        behind: Option<u64>,
    }

    #[test]
    fn members_are_there_together_or_not_at_all() {
        let session = |id: Option<&str>| Versioned::of(171, || Session { session_id: id.map(Into::into) });
        for (session, text) in [
            (Versioned::ABSENT, r#"{"before":1,"behind":null}"#),
            (session(None), r#"{"before":1,"session_id":null,"behind":null}"#),
            (session(Some("s")), r#"{"before":1,"session_id":"s","behind":null}"#),
        ] {
            let event = Event { before: 1, session, behind: None };
            assert_eq!(write::to_string(&event), text);
            assert_eq!(read::from_str::<Event>(text), Ok(event), "{text}");
        }
    }
}
