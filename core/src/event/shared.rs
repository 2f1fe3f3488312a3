//! What many events have in common.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;

use crate::json::read::{Failed, Read, Reader};
use crate::json::write::{self, Members, Write};

/// A value that many events share. It never changes, so that its JSON text is made once.
#[derive(Clone)]
pub struct Shared<T>(Arc<Written<T>>);

struct Written<T> {
    value: T,
    /// The value's members as they follow others: each begins with a comma.
    members: Box<str>,
}

impl<T: Members> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        let mut members = String::new();
        value.write_members(&mut members);
        Self(Arc::new(Written { value, members: members.into() }))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: Members + Default> Default for Shared<T> {
    fn default() -> Self {
        T::default().into()
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl<T> Members for Shared<T> {
    fn write_members(&self, text: &mut String) {
        write::label(&self.0.members, text);
    }
}

impl<T> Write for Shared<T> {
    fn write(&self, text: &mut String) {
        write::object(self, text);
    }
}

impl<'text, T: Members + Read<'text>> Read<'text> for Shared<T> {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        T::read(reader).map(Self::from)
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Shared<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> alloc::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::Shared;
    use crate::event::common::Lineage;
    use crate::json::read;
    use crate::json::write;

    #[test]
    fn is_written_and_read_like_its_value() {
        let lineage = Lineage { subagent_source: Some("review".into()), ..Lineage::default() };
        let shared = Shared::from(lineage.clone());
        assert_eq!(write::to_string(&shared), write::to_string(&lineage));
        assert_eq!(read::from_str::<Shared<Lineage>>(&write::to_string(&shared)), Ok(shared.clone()));
        assert_eq!(format!("{shared:?}"), format!("{lineage:?}"));
        assert_ne!(shared, Shared::default());
    }
}
