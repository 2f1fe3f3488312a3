//! The paths in the headers of a diff (contract `rules.md` 8.3, and its section 12 on what that
//! leaves to be desired): as the repository has them, without quotes, prefix and time.

use alloc::string::String;
use alloc::vec::Vec;

/// What a header line names: a path in quotes, or the text before the first TAB.
pub(super) fn unquote(name: &[u8]) -> String {
    let name = match quoted(name) {
        Some((path, _)) => return lossy(&path),
        None => name,
    };
    // Git ends a name that has white space with a TAB, others put a time there.
    lossy(match memchr::memchr(b'\t', name) {
        Some(end) => &name[..end],
        None => name.trim_ascii(),
    })
}

/// The path of a `+++` line; `None` for a deleted file. `named` is the path as other headers of the
/// file tell it, without prefix.
pub(super) fn of_new_file(name: &[u8], named: Option<&str>) -> Option<String> {
    let path = unquote(name);
    if path == "/dev/null" {
        return None;
    }
    if let Some(named) = named
        && let Some(prefix) = path.strip_suffix(named)
        && (prefix.is_empty() || prefix.ends_with('/'))
    {
        return Some(named.into());
    }
    let stripped = path.strip_prefix("b/").or_else(|| path.strip_prefix("a/"));
    Some(stripped.map_or_else(|| path.clone(), Into::into))
}

/// The path in what follows `diff --git`, where both names tell it: equal but for prefixes of one
/// letter (`a/x b/x`, with `diff.mnemonicPrefix` others), or equal (no prefixes).
pub(super) fn of_git_header(names: &[u8]) -> Option<String> {
    if let Some((old, rest)) = quoted(names) {
        let (new, _) = quoted(rest.strip_prefix(b" ")?)?;
        return common(&old, &new);
    }
    // Names may have spaces, but these two are of one length.
    let middle = names.len() / 2;
    if names.get(middle) == Some(&b' ') { common(&names[..middle], &names[middle + 1..]) } else { None }
}

fn common(old: &[u8], new: &[u8]) -> Option<String> {
    if old == new {
        return Some(lossy(new));
    }
    match (old, new) {
        ([_, b'/', old @ ..], [_, b'/', new @ ..]) if old == new => Some(lossy(new)),
        _ => None,
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

fn lossy(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{of_git_header, of_new_file, unquote};

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
            assert_eq!(unquote(name.as_bytes()), expected, "{name}");
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
            ("b/other", Some("x"), Some("other")),
            ("b/ax", Some("x"), Some("ax")),
        ];
        for (name, named, expected) in cases {
            assert_eq!(of_new_file(name.as_bytes(), named).as_deref(), expected, "{name} {named:?}");
        }
    }

    #[test]
    fn git_headers() {
        for (names, expected) in [
            ("a/x b/x", Some("x")),
            ("i/my file w/my file", Some("my file")),
            ("b/x b/x", Some("b/x")),
            ("\"a/\\303\\244\" \"b/\\303\\244\"", Some("ä")),
            ("a/x b/y", None),
            ("a/x \"b/\\303\\244\"", None),
            ("\"a/\\303\\244\" b/x", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(of_git_header(names.as_bytes()).as_deref(), expected, "{names}");
        }
    }
}
