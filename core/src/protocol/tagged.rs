//! Objects whose `type` member says which other members count.
//!
//! serde's own internally tagged enums copy the whole object before they look at the tag, prompts
//! and outputs included. Here the tag, which comes first in real traffic, decides what is parsed at
//! all; when it comes later the members before it are borrowed, not copied.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, value::MapAccessDeserializer, value::MapDeserializer};
use serde_json::value::RawValue;

/// A type that a tagged object is read into.
pub(super) trait Tagged<'de>: Sized {
    /// The name of the tag member.
    const TAG: &'static str = "type";

    /// Reads the members that `tag` makes relevant.
    fn from_members<D: Deserializer<'de>>(tag: &str, members: D) -> Result<Self, D::Error>;
}

/// Reads a [`Tagged`] type.
pub(super) fn deserialize<'de, T: Tagged<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(TaggedVisitor(PhantomData))
}

/// Reads past every member, for tags that have none that count.
pub(super) fn skip<'de, D: Deserializer<'de>>(members: D) -> Result<(), D::Error> {
    de::IgnoredAny::deserialize(members).map(|_| ())
}

struct TaggedVisitor<T>(PhantomData<T>);

impl<'de, T: Tagged<'de>> de::Visitor<'de> for TaggedVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object with a `{}`", T::TAG)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut before: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
        while let Some(Text(key)) = map.next_key()? {
            if key != T::TAG {
                before.push((key, map.next_value()?));
                continue;
            }
            let Text(tag) = map.next_value()?;
            if before.is_empty() {
                return T::from_members(&tag, MapAccessDeserializer::new(map));
            }
            while let Some((Text(key), value)) = map.next_entry()? {
                before.push((key, value));
            }
            return T::from_members(&tag, MapDeserializer::new(before.into_iter())).map_err(de::Error::custom);
        }
        Err(de::Error::missing_field(T::TAG))
    }
}

/// A text borrowed from the input where it has no escapes.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> de::Visitor<'de> for Visitor<'a> {
            type Value = Text<'a>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'a>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'a>, E> {
                Ok(Text(Cow::Owned(text.into())))
            }
        }
        deserializer.deserialize_str(Visitor(PhantomData))
    }
}
