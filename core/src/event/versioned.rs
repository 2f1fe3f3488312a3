//! Members that only some versions of Codex have.

use alloc::boxed::Box;
use alloc::string::String;

use crate::json::read::{Failed, Names, Read, Reader};
use crate::json::write::{Members, Write};

/// Members that events have from one version of Codex on, or up to one: absent in events of the others.
///
/// Members that came together and stand together are one group. It is boxed, so that events without it stay small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<G>(Option<Box<G>>);

/// A struct of which either all members are written or none.
pub(crate) trait Group: Members {
    /// The member by which a reader knows that the others are there.
    const FIRST: &'static str;
}

impl<G> Versioned<G> {
    /// No members.
    pub(crate) const ABSENT: Self = Self(None);

    /// The members, if the version has them.
    pub(crate) fn when(has: bool, members: impl FnOnce() -> G) -> Self {
        Self(has.then(|| Box::new(members())))
    }

    /// The members; `None` if the event's version does not have them.
    pub fn get(&self) -> Option<&G> {
        self.0.as_deref()
    }

    pub(crate) fn get_mut(&mut self) -> Option<&mut G> {
        self.0.as_deref_mut()
    }
}

impl<G> Default for Versioned<G> {
    fn default() -> Self {
        Self::ABSENT
    }
}

impl<G: Members> Members for Versioned<G> {
    fn write_members(&self, text: &mut String) {
        if let Some(members) = &self.0 {
            members.write_members(text);
        }
    }
}

impl<G: Members> Write for Versioned<G> {
    fn write(&self, text: &mut String) {
        crate::json::write::object(self, text);
    }
}

impl<'text, G: Group + Read<'text>> Read<'text> for Versioned<G> {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        let start = reader.position();
        let mut has = false;
        reader.object(&Names::new(&[G::FIRST]), &mut |reader, _| {
            has = true;
            reader.skip()
        })?;
        if has { reader.again(start).map(|members| Self(Some(Box::new(members)))) } else { Ok(Self::ABSENT) }
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
        let session = |id: Option<&str>| Versioned::when(true, || Session { session_id: id.map(Into::into) });
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
