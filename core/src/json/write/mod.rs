//! Writing this crate's types as JSON text, in the form that serde gives them.
//!
//! The counterpart of [`read`](crate::json::read), for the same reasons: tables instead of code for each type. Strings are
//! scanned eight bytes at a time.

mod values;

use alloc::string::String;

pub(crate) use turnledger_derive::Write;

/// A type that has a JSON form.
pub(crate) trait Write {
    /// Appends the JSON form.
    fn write(&self, text: &mut String);
}

/// A type whose JSON form is an object, which another object may take in.
pub(crate) trait Members {
    /// Appends the members, to an object that is open.
    fn write_members(&self, text: &mut String);
}

/// Appends an object.
pub(crate) fn object(value: &dyn Members, text: &mut String) {
    text.push('{');
    value.write_members(text);
    text.push('}');
}

/// Appends a member's label, `,"name":`, without its comma where it is the first.
pub(crate) fn label(label: &str, text: &mut String) {
    text.push_str(&label[usize::from(text.ends_with('{'))..]);
}

/// Appends those members that have come by a version, each with its [`label`].
pub(crate) fn members_since(members: &[(&'static str, &dyn Write)], since: &[u16], version: u16, text: &mut String) {
    for ((name, value), since) in members.iter().zip(since) {
        if *since <= version {
            label(name, text);
            value.write(text);
        }
    }
}

/// Appends members, each with its [`label`].
pub(crate) fn members(members: &[(&'static str, &dyn Write)], text: &mut String) {
    for (name, value) in members {
        label(name, text);
        value.write(text);
    }
}

/// A value's JSON text.
pub(crate) fn to_string(value: &impl Write) -> String {
    let mut text = String::new();
    value.write(&mut text);
    text
}
