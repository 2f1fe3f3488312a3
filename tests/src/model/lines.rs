//! Accepted lines of a diff (`docs/contract/rules.md` 8.2 to 8.7).

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

fn hash(domain: &str, value: &str) -> String {
    hex(&Sha256::digest(format!("file-line-v1\0{domain}\0{value}")))
}

/// A digest's digits.
pub(super) fn hex(digest: &[u8]) -> String {
    use std::fmt::Write as _;
    digest.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A line without what does not count, if anything is left of it.
fn normalised(line: &str) -> Option<String> {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    (line.len() > 3 && line.chars().any(is_word)).then_some(line)
}

/// The lines that a diff adds and deletes, if it does either.
pub(super) fn accepted(diff: &str) -> Option<Value> {
    let (mut path, mut in_hunk) = (None, false);
    let (mut added, mut deleted, mut fingerprints) = (0, 0, Vec::new());
    for line in diff.split_terminator('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
        if line.starts_with("diff --git ") {
            (path, in_hunk) = (None, false);
        } else if line.starts_with("@@ ") {
            in_hunk = true;
        } else if let Some(name) = line.strip_prefix("+++ ").filter(|_| !in_hunk) {
            let name = name.trim();
            let name = name.strip_prefix("b/").or(name.strip_prefix("a/")).unwrap_or(name);
            path = (name != "/dev/null").then(|| name.to_owned());
        } else if line.starts_with("--- ") && !in_hunk {
        } else if let Some(text) = line.strip_prefix('+') {
            added += 1;
            if let (Some(path), Some(text)) = (&path, normalised(text)) {
                fingerprints.push(json!({ "path_hash": hash("path", path), "line_hash": hash("line", &text) }));
            }
        } else if line.starts_with('-') {
            deleted += 1;
        }
    }
    (added + deleted > 0).then(|| {
        json!({ "accepted_added_lines": added, "accepted_deleted_lines": deleted, "line_fingerprints": fingerprints })
    })
}
