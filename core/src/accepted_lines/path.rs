//! The paths in the headers of a diff (`docs/contract/rules.md` 8.3, and its section 12 on what that
//! leaves to be desired): as the repository has them, without quotes, prefix and time.

use alloc::string::String;
use alloc::vec::Vec;

/// What the headers of a file say before `+++`.
#[derive(Clone)]
pub(super) enum Named {
    /// Its path, without prefix.
    Path(Vec<u8>),
    /// What follows `diff --git`: the old and the new name, each with its prefix.
    Names(Vec<u8>),
}

/// What a header line names: a path in quotes, or the text before the first TAB.
pub(super) fn unquote(name: &[u8]) -> Vec<u8> {
    let name = match quoted(name) {
        Some((path, _)) => return path,
        None => name,
    };
    // Git ends a name that has white space with a TAB, others put a time there.
    let name = match memchr::memchr(b'\t', name) {
        Some(end) => &name[..end],
        None => name.trim_ascii(),
    };
    name.into()
}

/// The path of a `+++` line; `None` for a deleted file.
pub(super) fn of_new_file(name: &[u8], named: Option<&Named>) -> Option<String> {
    let name = unquote(name);
    if name == b"/dev/null" {
        return None;
    }
    let path = match named {
        Some(Named::Path(path)) if name.ends_with(path) => path,
        Some(Named::Names(names)) => old_name(names, &name).map_or_else(|| usual(&name), |old| common(&old, &name)),
        _ => usual(&name),
    };
    Some(String::from_utf8_lossy(path).into_owned())
}

/// A path without the prefix that diffs usually have.
fn usual(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"b/").or_else(|| name.strip_prefix(b"a/")).unwrap_or(name)
}

/// The old one of the names that follow `diff --git`. Names may have spaces; `new` says where the new
/// one begins.
fn old_name(names: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    match quoted(names) {
        Some((old, _)) => Some(old),
        None => Some(names.strip_suffix(new)?.strip_suffix(b" ")?.into()),
    }
}

/// The path that both names of a file end with: behind prefixes of one letter (`a/x b/x`, with
/// `diff.mnemonicPrefix` others), behind any two that differ, or the whole name (no prefixes).
fn common<'a>(old: &[u8], new: &'a [u8]) -> &'a [u8] {
    match (old, new) {
        // No prefix, or only one of them.
        _ if old.ends_with(new) => return new,
        _ if new.ends_with(old) => return &new[new.len() - old.len()..],
        ([_, b'/', old @ ..], [_, b'/', path @ ..]) if old == path => return path,
        ([b'a', b'/', ..], [b'b', b'/', path @ ..]) => return path,
        _ => {}
    }
    let same = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let end = &new[new.len() - same..];
    // Prefixes that end alike end with their first separator. Two files of different names have none.
    let is_one_file = memchr::memrchr(b'/', new).is_none_or(|slash| new.len() - slash <= same + 1);
    match end.iter().position(|byte| b"/:-_@".contains(byte)) {
        Some(separator) if is_one_file && separator + 1 < same => &end[separator + 1..],
        _ => usual(new),
    }
}

/// Reads a path in double quotes with C's escapes, and what follows it.
fn quoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut path = Vec::new();
    loop {
        let (byte, next) = rest.split_first()?;
        rest = next;
        match byte {
            b'"' => return Some((path, rest)),
            b'\\' => {
                let (escape, next) = rest.split_first()?;
                rest = next;
                path.push(match escape {
                    b'a' => 7,
                    b'b' => 8,
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'v' => 11,
                    b'f' => 12,
                    b'r' => b'\r',
                    b'0'..=b'3' => {
                        let (digits, next) = rest.split_at_checked(2)?;
                        rest = next;
                        digits.iter().try_fold(escape - b'0', |value, digit| match digit {
                            b'0'..=b'7' => Some(value * 8 + (digit - b'0')),
                            _ => None,
                        })?
                    }
                    b'"' | b'\\' => *escape,
                    _ => return None,
                });
            }
            byte => path.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::{Named, of_new_file, unquote};

    #[test]
    fn names() {
        for (name, expected) in [
            ("src/lib.rs", "src/lib.rs"),
            ("b/my file\t", "b/my file"),
            ("b/x\t2024-01-01 00:00:00", "b/x"),
            (" b/ x\t", " b/ x"),
            ("  b/x ", "b/x"),
            ("\"b/n\\303\\244.txt\"", "b/nä.txt"),
            ("\"b/\\a\\b\\t\\n\\v\\f\\r\\\"\\\\\"", "b/\u{7}\u{8}\t\n\u{b}\u{c}\r\"\\"),
            ("\"b/\\377\"", "b/\u{fffd}"),
            // No quotes of Git's.
            ("\"b/x", "\"b/x"),
            ("\"b/\\x\"", "\"b/\\x\""),
            ("\"b/\\08\"", "\"b/\\08\""),
        ] {
            assert_eq!(String::from_utf8_lossy(&unquote(name.as_bytes())), expected, "{name}");
        }
    }

    #[test]
    fn new_files() {
        let cases: [(&str, Option<&str>, Option<&str>); 10] = [
            ("b/x", None, Some("x")),
            ("a/x", None, Some("x")),
            ("b/b/x", None, Some("b/x")),
            ("x", None, Some("x")),
            ("/dev/null", None, None),
            ("/dev/null\t1970-01-01", None, None),
            ("b/x", Some("b/x"), Some("b/x")),
            ("new/x", Some("x"), Some("x")),
            ("new-x", Some("x"), Some("x")),
            ("b/other", Some("x"), Some("other")),
        ];
        for (name, named, expected) in cases {
            let named = named.map(|path| Named::Path(path.into()));
            assert_eq!(of_new_file(name.as_bytes(), named.as_ref()).as_deref(), expected, "{name}");
        }
    }

    /// What follows `diff --git`, what follows `+++`, and the path.
    #[test]
    fn prefixes() {
        for (names, name, expected) in [
            ("a/x b/x", "b/x", "x"),
            ("i/my file w/my file", "w/my file\t", "my file"),
            ("b/x b/x", "b/x", "b/x"),
            ("\"a/\\303\\244\" \"b/\\303\\244\"", "\"b/\\303\\244\"", "ä"),
            ("a/b/x b/b/x", "b/b/x", "b/x"),
            ("old/x new/x", "new/x", "x"),
            ("old/src/x new/src/x", "new/src/x", "src/x"),
            ("old/old/x new/old/x", "new/old/x", "old/x"),
            ("before/my file after/my file", "after/my file\t", "my file"),
            ("before/src/x store/src/x", "store/src/x", "src/x"),
            ("\"one/\\303\\244\" \"two/\\303\\244\"", "\"two/\\303\\244\"", "ä"),
            ("deep/er/old/x deep/er/new/x", "deep/er/new/x", "x"),
            ("old-src/x.rs new-src/x.rs", "new-src/x.rs", "src/x.rs"),
            ("before:.x after:.x", "after:.x", ".x"),
            // Only the new one has a prefix, or the old one.
            ("x new/x", "new/x", "x"),
            ("a/x x", "x", "x"),
            // Two files: `git diff --no-index`, or two blobs.
            ("a/one/x b/two/x", "b/two/x", "two/x"),
            ("a/x b/y", "b/y", "y"),
            ("one/x.rs two/y.rs", "two/y.rs", "two/y.rs"),
            ("x.rs y.rs", "y.rs", "y.rs"),
            // Names that are not those of `+++`.
            ("a/x \"b/\\303\\244\"", "\"b/\\303\\244\"", "ä"),
            ("", "b/x", "x"),
            ("x", "x", "x"),
        ] {
            let named = Named::Names(names.into());
            assert_eq!(of_new_file(name.as_bytes(), Some(&named)).as_deref(), Some(expected), "{names}");
        }
    }
}
