//! Commits as `git log` reads them. Old histories hold forms that Git no longer writes.

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};
use gix::objs::commit::MessageRef;

use super::{Git, GitError};

/// What a commit says.
pub(super) struct Commit {
    pub(super) tree: ObjectId,
    /// None at the end of a shallow clone.
    pub(super) parents: Vec<ObjectId>,
    /// The committer's date, in Unix seconds.
    pub(super) date: Option<i64>,
    /// The first paragraph of its message, in one line.
    pub(super) summary: String,
    pub(super) is_cut_off: bool,
}

/// Before this time nobody wrote a commit: a clock that has stopped begins anew in 1970 or 1980.
const FIRST: i64 = 315_619_200;
/// By how much two clocks may disagree before one of them is wrong.
pub(super) const DAY: i64 = 86_400;

/// Whether a time in Unix seconds can be true of something that has happened.
pub(crate) fn is_plausible(time: i64, now: u64) -> bool {
    (FIRST..=i64::try_from(now).unwrap_or(i64::MAX).saturating_add(DAY)).contains(&time)
}

impl Commit {
    /// When it was made; `None` if its date cannot be true.
    pub(super) fn at(&self, now: u64) -> Option<i64> {
        self.date.filter(|date| is_plausible(*date, now))
    }

    /// Reads a commit. Only its tree has to be there: two authors, no committer, an address without an
    /// end or with a line break are nothing to `git log` either.
    fn parse(data: &[u8]) -> Option<Self> {
        let (header, message) = data.split_once_str(b"\n\n").unwrap_or((data, b""));
        let mut lines = header.split(|byte| *byte == b'\n').peekable();
        let tree = id(lines.next()?.strip_prefix(b"tree ")?)?;
        let mut parents = Vec::new();
        while let Some(parent) = lines.peek().and_then(|line| line.strip_prefix(b"parent ")) {
            parents.push(id(parent)?);
            lines.next();
        }
        let date = lines.find_map(|line| line.strip_prefix(b"committer ")).and_then(date);
        let summary = MessageRef::from_bytes(message.trim_start_with(|c| c == '\n')).summary().to_string();
        Some(Self { tree, parents, date, summary, is_cut_off: false })
    }
}

fn id(hex: &[u8]) -> Option<ObjectId> {
    ObjectId::from_hex(hex).ok()
}

/// The date of a line `NAME <ADDRESS> SECONDS ZONE`: the last number behind the last `>`, if there is one.
fn date(line: &[u8]) -> Option<i64> {
    let end = line.rfind_byte(b'>').map_or(line, |end| &line[end + 1..]);
    let mut words = end.as_bstr().rsplit(u8::is_ascii_whitespace);
    words.find_map(|word| word.first()?.is_ascii_digit().then(|| BStr::new(word).to_str().ok()?.parse().ok())?)
}

impl Git {
    /// Reads a commit; an error if it is missing or has no tree.
    pub(super) fn read_commit(&self, id: ObjectId) -> Result<Commit, GitError> {
        let unreadable = || GitError::Unreadable(id.to_hex_with_len(7).to_string());
        let object = self.repo.find_object(id).map_err(|_| unreadable())?;
        let mut commit = Commit::parse(&object.data).filter(|_| object.kind.is_commit()).ok_or_else(unreadable)?;
        if self.repo.shallow_commits()?.is_some_and(|shallow| shallow.contains(&id)) {
            commit.is_cut_off = !commit.parents.is_empty();
            commit.parents.clear();
        }
        Ok(commit)
    }
}

#[cfg(test)]
mod tests {
    use super::{Commit, is_plausible};

    const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    #[test]
    fn every_form_that_histories_hold() {
        let author = "author A <a@example.test> 1700000000 +0000";
        for (lines, date) in [
            (&[author, "committer A <a@example.test> 1700000001 +0000"][..], Some(1_700_000_001)),
            (&[author, author, "committer A <a@example.test> 1700000001 +0000"], Some(1_700_000_001)),
            (&[author], None),
            (&["author A <a@exa", "mple.test> 1 +0000", "committer A <a@b> 1700000001 +0000"], Some(1_700_000_001)),
            (&[author, "committer A 1700000001 +0000"], Some(1_700_000_001)),
            (&[author, "committer A <> <a> x> 1700000001 -0130"], Some(1_700_000_001)),
            (&[author, "committer A <a@b> "], None),
            (&[author, "committer A <a@b> 99999999999999999999 +0000"], None),
            (&["committer", "committer A <a@b> 1700000001"], Some(1_700_000_001)),
            (&[], None),
        ] {
            let text = format!("tree {TREE}\nparent {TREE}\n{}\n\nsummary\nmore\n\nbody\n", lines.join("\n"));
            let commit = Commit::parse(text.as_bytes()).expect("a commit");
            assert_eq!((commit.date, commit.parents.len(), &*commit.summary), (date, 1, "summary more"), "{lines:?}");
        }
        for (text, is_commit) in [
            (format!("tree {TREE}"), true),
            (format!("tree {TREE}\n\n\n"), true),
            (format!("tree {TREE}x\n"), false),
            (format!("tree {TREE}\nparent 1234\n"), false),
            ("parent\n".into(), false),
            (String::new(), false),
        ] {
            assert_eq!(Commit::parse(text.as_bytes()).is_some(), is_commit, "{text}");
        }
    }

    #[test]
    fn times_that_can_be_true() {
        let now = 1_700_000_000;
        for (time, expected) in
            [(0, false), (315_532_800, false), (900_000_000, true), (1_700_086_400, true), (1_700_086_401, false)]
        {
            assert_eq!(is_plausible(time, now), expected, "{time}");
        }
    }
}
