//! Writing the types of the standard library.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Members, Write};
use crate::json::scan;

/// Appends a string with its quotation marks.
fn string(value: &str, text: &mut String) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    text.push('"');
    let mut rest = value;
    loop {
        let (plain, special) = rest.split_at(scan::plain(rest.as_bytes()));
        text.push_str(plain);
        let Some(&byte) = special.as_bytes().first() else { break };
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            0x8 => text.push_str("\\b"),
            0xc => text.push_str("\\f"),
            control => {
                text.push_str("\\u00");
                text.push(DIGITS[usize::from(control >> 4)]);
                text.push(DIGITS[usize::from(control & 0xf)]);
            }
        }
        rest = &special[1..];
    }
    text.push('"');
}

/// Appends an array.
fn list<'v, T: Write + 'v>(values: impl IntoIterator<Item = &'v T>, text: &mut String) {
    text.push('[');
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        value.write(text);
    }
    text.push(']');
}

impl Write for str {
    fn write(&self, text: &mut String) {
        string(self, text);
    }
}

impl Write for String {
    fn write(&self, text: &mut String) {
        string(self, text);
    }
}

impl Write for Cow<'_, str> {
    fn write(&self, text: &mut String) {
        string(self, text);
    }
}

impl Write for bool {
    fn write(&self, text: &mut String) {
        text.push_str(if *self { "true" } else { "false" });
    }
}

impl Write for () {
    fn write(&self, text: &mut String) {
        text.push_str("null");
    }
}

macro_rules! write_integers {
    ($($name:ty),+) => {$(
        impl Write for $name {
            fn write(&self, text: &mut String) {
                text.push_str(itoa::Buffer::new().format(*self));
            }
        }
    )+};
}

write_integers!(i32, i64, u16, u32, u64, usize);

impl<T: Write> Write for Option<T> {
    fn write(&self, text: &mut String) {
        match self {
            Some(value) => value.write(text),
            None => text.push_str("null"),
        }
    }
}

impl<T: Write + ?Sized> Write for &T {
    fn write(&self, text: &mut String) {
        (**self).write(text);
    }
}

impl<T: Write> Write for Box<T> {
    fn write(&self, text: &mut String) {
        (**self).write(text);
    }
}

impl<T: Members> Members for &T {
    fn write_members(&self, text: &mut String) {
        (**self).write_members(text);
    }
}

impl<T: Members> Members for Box<T> {
    fn write_members(&self, text: &mut String) {
        (**self).write_members(text);
    }
}

impl<T: Write> Write for Arc<T> {
    fn write(&self, text: &mut String) {
        (**self).write(text);
    }
}

impl<T: Members> Members for Arc<T> {
    fn write_members(&self, text: &mut String) {
        (**self).write_members(text);
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, text: &mut String) {
        list(self, text);
    }
}

impl<T: Write> Write for VecDeque<T> {
    fn write(&self, text: &mut String) {
        list(self, text);
    }
}

/// An object; keys are written as strings.
impl<K: Write, V: Write> Write for BTreeMap<K, V> {
    fn write(&self, text: &mut String) {
        text.push('{');
        for (index, (key, value)) in self.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            key.write(text);
            text.push(':');
            value.write(text);
        }
        text.push('}');
    }
}

impl<A: Write, B: Write> Write for (A, B) {
    fn write(&self, text: &mut String) {
        text.push('[');
        self.0.write(text);
        text.push(',');
        self.1.write(text);
        text.push(']');
    }
}

impl<A: Write, B: Write, C: Write> Write for (A, B, C) {
    fn write(&self, text: &mut String) {
        text.push('[');
        self.0.write(text);
        text.push(',');
        self.1.write(text);
        text.push(',');
        self.2.write(text);
        text.push(']');
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use crate::json::write::to_string;

    proptest! {
        #[test]
        fn writes_what_serde_json_writes(
            texts: BTreeMap<String, Option<Vec<String>>>,
            controls in "[\\x00-\\x7f]{0,40}",
            numbers: Vec<(i64, u64, bool)>,
        ) {
            prop_assert_eq!(to_string(&texts), serde_json::to_string(&texts).unwrap());
            prop_assert_eq!(to_string(&controls), serde_json::to_string(&controls).unwrap());
            prop_assert_eq!(to_string(&numbers), serde_json::to_string(&numbers).unwrap());
        }
    }
}
