//! Reading the types of the standard library, and texts that stay in what is read.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::error::Failed;
use super::scalars::INTEGER;
use super::{Read, Reader, from_str};

/// A text, borrowed where it has no escapes.
pub(crate) struct Text<'text>(pub(crate) Cow<'text, str>);

impl<'text> Read<'text> for Text<'text> {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        reader.string().map(Self)
    }
}

/// A value that is passed over, to be read later or never.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'text>(pub(crate) &'text str);

impl<'text> Raw<'text> {
    /// Reads the value, if it is one of this type.
    pub(crate) fn get<T: Read<'text>>(self) -> Option<T> {
        from_str(self.0).ok()
    }
}

impl<'text> Read<'text> for Raw<'text> {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        reader.raw().map(Self)
    }
}

impl Read<'_> for bool {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        reader.boolean()
    }
}

macro_rules! read_unsigned {
    ($($name:ty),+) => {$(
        impl Read<'_> for $name {
            fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
                let number = reader.unsigned()?;
                Self::try_from(number).map_err(|_| reader.unlike(INTEGER))
            }
        }
    )+};
}

read_unsigned!(u16, u32, u64, usize);

impl Read<'_> for i64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        reader.signed()
    }
}

impl Read<'_> for i32 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        let number = reader.signed()?;
        Self::try_from(number).map_err(|_| reader.unlike(INTEGER))
    }
}

impl Read<'_> for () {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        reader.nothing()
    }
}

impl Read<'_> for String {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        reader.string().map(Cow::into_owned)
    }
}

impl Read<'_> for Cow<'static, str> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        Read::read(reader).map(Cow::Owned)
    }
}

impl<'text, T: Read<'text>> Read<'text> for Option<T> {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        T::read_nullable(reader)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<'text, T: Read<'text>> Read<'text> for Box<T> {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        T::read(reader).map(Self::new)
    }
}

impl<'text, T: Read<'text>> Read<'text> for Arc<T> {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        T::read(reader).map(Self::new)
    }
}

impl<'text, T: Read<'text>> Read<'text> for Vec<T> {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        let mut values = Self::new();
        reader.array(&mut |reader| {
            values.push(T::read(reader)?);
            Ok(())
        })?;
        Ok(values)
    }
}

impl<'text, T: Read<'text>> Read<'text> for VecDeque<T> {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        Vec::read(reader).map(Self::from)
    }
}

/// An object; of several members of one name the last counts.
impl<'text, K: Read<'text> + Ord, V: Read<'text>> Read<'text> for BTreeMap<K, V> {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        let mut values = Self::new();
        reader.entries(&mut |reader| {
            let key = K::read(reader)?;
            reader.colon()?;
            values.insert(key, V::read(reader)?);
            Ok(())
        })?;
        Ok(values)
    }
}

macro_rules! read_tuples {
    ($(($($name:ident $place:literal),+))+) => {$(
        /// An array of so many elements.
        impl<'text, $($name: Read<'text>),+> Read<'text> for ($($name,)+) {
            #[allow(non_snake_case, reason = "a value is named like its type")]
            fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
                $(let mut $name = None;)+
                let mut index = 0;
                reader.array(&mut |reader| {
                    match index {
                        $($place => $name = Some($name::read(reader)?),)+
                        _ => return Err(reader.unlike("the end of an array")),
                    }
                    index += 1;
                    Ok(())
                })?;
                match ($($name,)+) {
                    ($(Some($name),)+) => Ok(($($name,)+)),
                    _ => Err(reader.unlike("a longer array")),
                }
            }
        }
    )+};
}

read_tuples! {
    (A 0, B 1)
    (A 0, B 1, C 2)
}
