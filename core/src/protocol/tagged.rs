//! Objects whose `type` member says which other members count.
//!
//! serde's own internally tagged enums copy the whole object before they look at the tag, prompts
//! and outputs included. Here the tag, which comes first in real traffic, decides what is parsed at
//! all; when it comes later the object's text is put together anew, tag first, and read like any other:
//! a second reader for a rare order of members would be a second copy of every type's code.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, value::MapAccessDeserializer};
use serde_json::value::RawValue;

/// A type that a tagged object is read into.
pub(crate) trait Tagged: Sized {
    /// Reads the members that `tag` makes relevant.
    fn from_members<'de, D: Deserializer<'de>>(tag: &str, members: D) -> Result<Self, D::Error>;
}

const TAG: &str = "type";

/// Reads a [`Tagged`] type.
pub(crate) fn deserialize<'de, T: Tagged, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(TaggedVisitor(PhantomData))
}

/// Reads past every member, for tags that have none that count.
pub(crate) fn skip<'de, D: Deserializer<'de>>(members: D) -> Result<(), D::Error> {
    de::IgnoredAny::deserialize(members).map(|_| ())
}

struct TaggedVisitor<T>(PhantomData<T>);

impl<'de, T: Tagged> de::Visitor<'de> for TaggedVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object with a `{TAG}`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let Some(Text(first)) = map.next_key()? else { return Err(de::Error::missing_field(TAG)) };
        if first == TAG {
            let Text(tag) = map.next_value()?;
            return T::from_members(&tag, MapAccessDeserializer::new(map));
        }
        let text = tag_first(first, &mut map)?;
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        deserializer.deserialize_map(self).map_err(de::Error::custom)
    }
}

/// The text of an object whose first member is not the tag, with the tag first.
fn tag_first<'de, A: MapAccess<'de>>(first: Cow<'de, str>, map: &mut A) -> Result<String, A::Error> {
    let mut tag: Option<&RawValue> = None;
    let mut others = String::new();
    let mut key = Some(Text(first));
    while let Some(Text(name)) = key {
        let value: &RawValue = map.next_value()?;
        if name == TAG && tag.is_none() {
            tag = Some(value);
        } else {
            others.push(',');
            // A text always has a JSON form.
            others.push_str(&serde_json::to_string(&name).map_err(de::Error::custom)?);
            others.push(':');
            others.push_str(value.get());
        }
        key = map.next_key()?;
    }
    let tag = tag.ok_or_else(|| de::Error::missing_field(TAG))?;
    Ok(alloc::format!(r#"{{"{TAG}":{}{others}}}"#, tag.get()))
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
