//! The patches of a turn become one diff, as the server's own would be.
//!
//! A file is a list of pieces: lines that the turn left as they were, lines that it added, and lines that it removed.
//! Each patch changes the pieces, so that what one patch adds and a later one takes back is no change.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::mem;

use super::edit::{Edit, Hunk, HunkLine, lines};
use super::minimal::{self, Change};

/// The most bytes of text that the patches of a turn hold.
const MAX_BYTES: usize = 16 << 20;

/// The patches of a turn, so far.
#[derive(Clone, Default)]
pub(super) struct Patches {
    /// By the name that a file has now.
    files: BTreeMap<String, File>,
    bytes: usize,
    /// Whether there was too much to hold.
    pub(super) is_too_large: bool,
}

/// Shows no content.
impl core::fmt::Debug for Patches {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Patches({} files)", self.files.len())
    }
}

#[derive(Clone, Default)]
struct File {
    pieces: Vec<Piece>,
    /// Whether the turn made it.
    is_new: bool,
    is_deleted: bool,
}

#[derive(Clone, PartialEq, Eq)]
enum Piece {
    /// So many lines as they were; the last piece stands for the rest of the file.
    Kept(u64),
    /// A line as it was, whose text is known.
    Known(String),
    Added(String),
    Removed(String),
}

impl Piece {
    /// How many lines of the file as it is now.
    fn lines(&self) -> u64 {
        match self {
            Self::Kept(lines) => *lines,
            Self::Known(_) | Self::Added(_) => 1,
            Self::Removed(_) => 0,
        }
    }
}

/// The rest of a file, whose length is not known.
const REST: Piece = Piece::Kept(u64::MAX);

impl Patches {
    /// Adds what a patch did to a file. `text_bytes` is how much of it is held from here on.
    pub(super) fn add(&mut self, path: &str, edit: Edit<'_>, text_bytes: usize) {
        self.bytes = self.bytes.saturating_add(text_bytes);
        if self.bytes > MAX_BYTES {
            self.is_too_large = true;
            self.files.clear();
        }
        if self.is_too_large {
            return;
        }
        match edit {
            Edit::Add { content } => {
                let mut file = self.files.remove(path).unwrap_or_else(|| File { is_new: true, ..File::default() });
                file.remove_all(None);
                file.is_deleted = false;
                file.pieces.extend(lines(content).map(|line| Piece::Added(line.into())));
                self.files.insert(path.into(), file);
            }
            Edit::Delete { content } => {
                let mut file = self.files.remove(path).unwrap_or_else(File::untouched);
                file.remove_all(content);
                file.is_deleted = true;
                self.files.insert(path.into(), file);
            }
            Edit::Update { hunks, move_path } => {
                let mut file = self.files.remove(path).unwrap_or_else(File::untouched);
                let mut from = 0;
                for hunk in hunks {
                    from = file.apply(&hunk, from);
                }
                self.files.insert(move_path.unwrap_or(path).into(), file);
            }
        }
    }

    /// The diff of all files, with their paths as they are below `folder`; none if nothing changed.
    pub(super) fn diff(self, folder: Option<&str>) -> Option<String> {
        let mut diff = String::new();
        for (path, file) in self.files {
            file.write(&relative(&path, folder), &mut diff);
        }
        (!diff.is_empty()).then_some(diff)
    }
}

/// A path as it is below a folder, with `/` between its parts.
fn relative(path: &str, folder: Option<&str>) -> String {
    let path = path.replace('\\', "/");
    let folder = folder.map(|folder| folder.replace('\\', "/"));
    let below = folder.as_deref().and_then(|folder| {
        let rest = path.strip_prefix(folder.trim_end_matches('/'))?;
        rest.strip_prefix('/')
    });
    below.unwrap_or_else(|| path.trim_start_matches("./")).into()
}

impl File {
    fn untouched() -> Self {
        Self { pieces: Vec::from([REST]), ..Self::default() }
    }

    /// Every line goes. `content` is the file as it was before, where that is known.
    fn remove_all(&mut self, content: Option<&str>) {
        let mut content = content.map(lines);
        let mut next = || content.as_mut().and_then(Iterator::next);
        let mut pieces = Vec::new();
        for piece in mem::take(&mut self.pieces) {
            match piece {
                Piece::Removed(_) => pieces.push(piece),
                Piece::Added(_) => {
                    next();
                }
                Piece::Known(line) => {
                    next();
                    pieces.push(Piece::Removed(line));
                }
                Piece::Kept(count) => {
                    for _ in 0..count {
                        let Some(line) = next() else { break };
                        pieces.push(Piece::Removed(line.into()));
                    }
                }
            }
        }
        self.pieces = pieces;
    }

    /// Changes the lines of a hunk. `from` is the piece behind the last hunk of this patch; returns that of this one.
    fn apply(&mut self, hunk: &Hunk<'_>, from: usize) -> usize {
        let mut at = match hunk.line {
            Some(line) => self.split_at(line),
            None => self.find(hunk, from),
        };
        for line in &hunk.lines {
            match line {
                HunkLine::Kept(text) => {
                    at = self.next_line(at);
                    if let Some(piece @ Piece::Kept(_)) = self.pieces.get_mut(at) {
                        *piece = Piece::Known((*text).into());
                    }
                    at += 1;
                }
                HunkLine::Removed(text) => {
                    at = self.next_line(at);
                    match self.pieces.get_mut(at) {
                        Some(Piece::Added(_)) => {
                            self.pieces.remove(at);
                        }
                        Some(piece) => {
                            *piece = Piece::Removed((*text).into());
                            at += 1;
                        }
                        None => {}
                    }
                }
                HunkLine::Added(text) => {
                    self.pieces.insert(at, Piece::Added((*text).into()));
                    at += 1;
                }
            }
        }
        at
    }

    /// The piece that begins behind so many lines of the file as it is now.
    fn split_at(&mut self, lines: u64) -> usize {
        let mut left = lines;
        let mut at = 0;
        while left > 0 {
            let Some(piece) = self.pieces.get_mut(at) else { break };
            let length = piece.lines();
            if length > left {
                let Piece::Kept(rest) = piece else { break };
                if *rest != u64::MAX {
                    *rest -= left;
                }
                self.pieces.insert(at, Piece::Kept(left));
                return at + 1;
            }
            left -= length;
            at += 1;
        }
        at
    }

    /// The next piece from `at` on that is a line of the file as it is now: one alone.
    fn next_line(&mut self, mut at: usize) -> usize {
        while matches!(self.pieces.get(at), Some(Piece::Removed(_) | Piece::Kept(0))) {
            at += 1;
        }
        if let Some(Piece::Kept(lines)) = self.pieces.get_mut(at)
            && *lines > 1
        {
            if *lines != u64::MAX {
                *lines -= 1;
            }
            self.pieces.insert(at, Piece::Kept(1));
        }
        at
    }

    /// Where a hunk without a line number begins: where its lines are known to stand. If they are not known, it begins in
    /// lines that no patch has shown, behind the last hunk.
    fn find(&mut self, hunk: &Hunk<'_>, from: usize) -> usize {
        let old: Vec<&str> = hunk.lines.iter().filter_map(HunkLine::old).collect();
        if let Some(at) = (0..self.pieces.len()).find(|at| !old.is_empty() && self.is_at(*at, &old)) {
            return at;
        }
        // The rest of the file stands for whatever lies between.
        let rest = self.pieces.iter().rposition(|piece| *piece == REST);
        match rest {
            Some(rest) if rest >= from => {
                self.pieces.insert(rest, REST);
                rest + 1
            }
            Some(rest) => rest,
            None => self.pieces.len(),
        }
    }

    /// Whether the known lines from a piece on are these.
    fn is_at(&self, at: usize, old: &[&str]) -> bool {
        let mut expected = old.iter();
        for piece in &self.pieces[at..] {
            match piece {
                Piece::Removed(_) => {}
                Piece::Kept(_) => return false,
                Piece::Known(text) | Piece::Added(text) => match expected.next() {
                    Some(line) if line == text => {}
                    Some(_) => return false,
                    None => return true,
                },
            }
            if expected.as_slice().is_empty() {
                return true;
            }
        }
        false
    }

    /// Writes the file's part of a diff, if it changed.
    fn write(self, path: &str, diff: &mut String) {
        let mut hunks = String::new();
        let mut region: (Vec<&str>, Vec<&str>) = Default::default();
        for piece in &self.pieces {
            match piece {
                Piece::Removed(line) => region.0.push(line),
                Piece::Added(line) => region.1.push(line),
                Piece::Kept(_) | Piece::Known(_) => write_hunk(mem::take(&mut region), &mut hunks),
            }
        }
        write_hunk(region, &mut hunks);
        if hunks.is_empty() {
            return;
        }
        let (old, new) = ("a/", "b/");
        // A text can always be written to.
        let _ = write!(diff, "diff --git {old}{path} {new}{path}\n--- ");
        let _ = if self.is_new { writeln!(diff, "/dev/null") } else { writeln!(diff, "{old}{path}") };
        let _ = if self.is_deleted { writeln!(diff, "+++ /dev/null") } else { writeln!(diff, "+++ {new}{path}") };
        diff.push_str(&hunks);
    }
}

/// Writes the lines that differ. Where they stand in the file is of no interest, only how many there are.
fn write_hunk((removed, added): (Vec<&str>, Vec<&str>), hunks: &mut String) {
    let changes = minimal::changes(&removed, &added);
    let count = |wanted: fn(&Change<'_>) -> bool| changes.iter().filter(|change| wanted(change)).count();
    let removed = count(|change| matches!(change, Change::Removed(_)));
    let added = count(|change| matches!(change, Change::Added(_)));
    if removed + added == 0 {
        return;
    }
    let kept = changes.len() - removed - added;
    let _ = writeln!(hunks, "@@ -1,{} +1,{} @@", kept + removed, kept + added);
    for change in changes {
        let (mark, line) = match change {
            Change::Kept(line) => (' ', line),
            Change::Removed(line) => ('-', line),
            Change::Added(line) => ('+', line),
        };
        let _ = writeln!(hunks, "{mark}{line}");
    }
}
