//! Unified diffs of whole texts, as Codex shows them.

/// So many equal lines stand around a change.
const CONTEXT: usize = 3;

/// The diff of a file, with Git's header. An empty text is no file.
pub(crate) fn of_file(path: &str, before: &str, after: &str) -> String {
    let (mode, old, new) = match (before.is_empty(), after.is_empty()) {
        (true, _) => ("new file mode 100644\n", "/dev/null".to_owned(), format!("b/{path}")),
        (_, true) => ("deleted file mode 100644\n", format!("a/{path}"), "/dev/null".to_owned()),
        _ => ("", format!("a/{path}"), format!("b/{path}")),
    };
    format!("diff --git a/{path} b/{path}\n{mode}--- {old}\n+++ {new}\n{}", hunk(before, after))
}

/// One hunk from the first line that differs to the last one; empty if none does.
pub(crate) fn hunk(before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let old: Vec<_> = before.split_inclusive('\n').collect();
    let new: Vec<_> = after.split_inclusive('\n').collect();
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let rest = old[same..].iter().rev().zip(new[same..].iter().rev());
    let same_end = rest.take_while(|(old, new)| old == new).count();
    let (old_end, new_end) = (old.len() - same_end, new.len() - same_end);
    let from = same.saturating_sub(CONTEXT);
    let trailing = same_end.min(CONTEXT);

    let range = |length: usize| {
        // A range without lines names the line before it.
        let start = if length == 0 { from } else { from + 1 };
        format!("{start},{length}")
    };
    let (old_range, new_range) = (range(old_end + trailing - from), range(new_end + trailing - from));
    let mut text = format!("@@ -{old_range} +{new_range} @@\n");
    for (sign, lines) in [
        (' ', &old[from..same]),
        ('-', &old[same..old_end]),
        ('+', &new[same..new_end]),
        (' ', &old[old_end..old_end + trailing]),
    ] {
        for line in lines {
            text.push(sign);
            text.push_str(line);
            if !line.ends_with('\n') {
                text.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{hunk, of_file};

    #[test]
    fn files_that_come_change_and_go() {
        assert_eq!(
            of_file("src/a.rs", "", "one\ntwo\n"),
            "diff --git a/src/a.rs b/src/a.rs\nnew file mode 100644\n--- /dev/null\n+++ b/src/a.rs\n@@ -0,0 +1,2 @@\n+one\n+two\n"
        );
        assert_eq!(
            of_file("a", "one\n", ""),
            "diff --git a/a b/a\ndeleted file mode 100644\n--- a/a\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-one\n"
        );
        assert_eq!(
            of_file("a", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
            "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
    }

    #[test]
    fn hunks() {
        assert_eq!(hunk("a\n", "a\n"), "");
        assert_eq!(hunk("a\nb\n", "a\nx\nb\n"), "@@ -1,2 +1,3 @@\n a\n+x\n b\n");
        assert_eq!(hunk("a\na\n", "a\n"), "@@ -1,2 +1,1 @@\n a\n-a\n");
        assert_eq!(
            hunk("a\nb", "a\nc"),
            "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"
        );
    }
}
