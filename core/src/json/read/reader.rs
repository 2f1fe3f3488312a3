//! The reader: where it is in the text, and the forms of JSON.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::Read;
use super::error::{Failed, Problem, ReadError};
use super::names::{Names, place};
use super::unread::{IsReported, Part, Review, Unread};
use crate::json::scan;

/// Reads a text from its start to its end.
pub(crate) struct Reader<'text> {
    pub(super) text: &'text str,
    pub(super) at: usize,
    problem: Problem,
    problem_at: usize,
    /// What is open while a value is skipped.
    pub(super) open: Vec<u8>,
    looks_at_members: bool,
    /// What is left out, if anybody wants to know.
    review: Review,
}

/// Takes each member of an object; its name is read, its value comes next.
pub(crate) type Members<'m, 'text> = &'m mut dyn FnMut(&mut Reader<'text>, Cow<'text, str>) -> Result<(), Failed>;

/// Takes each member that has a name of a table, by its place in that table.
pub(crate) type Known<'m, 'text> = &'m mut dyn FnMut(&mut Reader<'text>, usize) -> Result<(), Failed>;

/// Where a member's value comes, of whatever type.
pub(crate) trait Place<'text> {
    fn fill(&mut self, reader: &mut Reader<'text>) -> Result<(), Failed>;
}

impl<'text, T: Read<'text>> Place<'text> for Option<T> {
    fn fill(&mut self, reader: &mut Reader<'text>) -> Result<(), Failed> {
        *self = Some(T::read(reader)?);
        Ok(())
    }
}

/// A place in a text to which its reader can go back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position(usize);

impl<'text> Reader<'text> {
    pub(crate) fn new(text: &'text str) -> Self {
        Self {
            text,
            at: 0,
            problem: Problem::End,
            problem_at: 0,
            open: Vec::new(),
            looks_at_members: false,
            review: Review::NOTHING,
        }
    }

    /// A reader that keeps what it leaves out, if `is_reported` says so. To look at members costs time.
    pub(crate) fn reviewing(text: &'text str, is_reported: IsReported, looks_at_members: bool) -> Self {
        let mut reader = Self::new(text);
        reader.looks_at_members = looks_at_members;
        reader.review.is_reported = Some(is_reported);
        reader
    }

    /// What was left out so far.
    pub(crate) fn unread(&self) -> &[Unread] {
        &self.review.found
    }

    /// `of` does not know `word`.
    #[cold]
    pub(crate) fn unread_word(&mut self, of: &'static str, word: &str) {
        self.review.add(Part::Word, of, word);
    }

    /// `of` does not know the word that was just read.
    #[cold]
    pub(crate) fn unread_last_word(&mut self, of: &'static str) {
        self.unread_last(Part::Word, of);
    }

    /// The string that was just read, and a colon if it is a member's name, has no meaning for `of`. The hot path keeps no
    /// place of it, so that it is looked for backwards.
    #[cold]
    fn unread_last(&mut self, part: Part, of: &'static str) {
        let read = self.text[..self.at].trim_end().trim_end_matches(':').trim_end();
        let name = read.strip_suffix('"').and_then(|read| read.rsplit_once('"'));
        // One with an escaped quote is no name.
        let name = name.filter(|(before, _)| !before.ends_with('\\')).map_or("", |(_, name)| name);
        self.review.add(part, of, name);
    }

    pub(crate) fn position(&self) -> Position {
        Position(self.at)
    }

    /// Reads what stands at an earlier position, and comes back.
    pub(crate) fn again<T: Read<'text>>(&mut self, position: Position) -> Result<T, Failed> {
        self.at_position(position, T::read)
    }

    pub(crate) fn at_position<T>(
        &mut self,
        Position(position): Position,
        read: impl FnOnce(&mut Self) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let here = core::mem::replace(&mut self.at, position);
        let value = read(self)?;
        self.at = here;
        Ok(value)
    }

    /// Why reading failed, once it has.
    pub(crate) fn error(&self) -> ReadError {
        ReadError { problem: self.problem, column: self.problem_at + 1 }
    }

    #[cold]
    pub(super) fn fail_at(&mut self, at: usize, problem: Problem) -> Failed {
        (self.problem, self.problem_at) = (problem, at);
        Failed
    }

    /// Fails because of what is here.
    #[cold]
    pub(crate) fn fail(&mut self, problem: Problem) -> Failed {
        self.fail_at(self.at, problem)
    }

    /// Fails because something other than `expected` is here.
    #[cold]
    pub(crate) fn unlike(&mut self, expected: &'static str) -> Failed {
        self.fail(Problem::Type(expected))
    }

    #[cold]
    pub(crate) fn unknown(&mut self) -> Failed {
        self.fail(Problem::Unknown)
    }

    pub(super) fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The first byte of what comes next.
    pub(crate) fn peek(&mut self) -> Result<u8, Failed> {
        while let Some(byte) = self.byte() {
            // Mostly told by the first half.
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(self.fail(Problem::End))
    }

    /// The end of the text.
    pub(crate) fn end(&mut self) -> Result<(), Failed> {
        if self.peek().is_err() { Ok(()) } else { Err(self.fail(Problem::Syntax)) }
    }

    pub(super) fn word(&mut self, word: &str) -> Result<(), Failed> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fail(Problem::Syntax));
        }
        self.at += word.len();
        Ok(())
    }

    #[inline]
    fn list(&mut self, close: u8, mut part: impl FnMut(&mut Self) -> Result<(), Failed>) -> Result<(), Failed> {
        self.at += 1;
        if self.peek()? == close {
            self.at += 1;
            return Ok(());
        }
        loop {
            part(self)?;
            let byte = self.peek()?;
            if byte != b',' && byte != close {
                return Err(self.fail(Problem::Syntax));
            }
            self.at += 1;
            if byte == close {
                return Ok(());
            }
        }
    }

    /// An array, element by element.
    pub(crate) fn array(&mut self, element: &mut dyn FnMut(&mut Self) -> Result<(), Failed>) -> Result<(), Failed> {
        if self.peek()? != b'[' {
            return Err(self.unlike("an array"));
        }
        self.list(b']', element)
    }

    /// An object, entry by entry: `entry` reads a string, a [`colon`](Self::colon) and a value.
    pub(crate) fn entries(&mut self, entry: &mut dyn FnMut(&mut Self) -> Result<(), Failed>) -> Result<(), Failed> {
        self.open_object()?;
        self.list(b'}', entry)
    }

    fn open_object(&mut self) -> Result<(), Failed> {
        if self.peek()? == b'{' { Ok(()) } else { Err(self.unlike("an object")) }
    }

    /// What stands between a name and its value.
    pub(crate) fn colon(&mut self) -> Result<(), Failed> {
        if self.peek()? != b':' {
            return Err(self.fail(Problem::Syntax));
        }
        self.at += 1;
        Ok(())
    }

    fn name(&mut self) -> Result<Cow<'text, str>, Failed> {
        if self.peek()? != b'"' {
            return Err(self.fail(Problem::Syntax));
        }
        let name = self.string()?;
        self.colon()?;
        Ok(name)
    }

    /// A name's place in a table, if it has one: mostly `next`, because members come in their type's order.
    fn known_name(&mut self, names: &Names<'_>, next: usize) -> Result<Option<usize>, Failed> {
        if self.peek()? == b'"' {
            let rest = &self.text.as_bytes()[self.at + 1..];
            if let Some(expected) = names.get(next)
                // A name of another length, which is told at once, needs no comparison.
                && let Some((name, [b'"', b':', ..])) = rest.split_at_checked(expected.len())
                && name == expected.as_bytes()
            {
                self.at += name.len() + 3;
                return Ok(Some(next));
            }
            let (name, end) = rest.split_at(scan::plain(rest));
            if let [b'"', b':', ..] = end {
                self.at += name.len() + 3;
                return Ok(names.place(name));
            }
        }
        // With escapes, or with a space before its colon.
        let name = self.name()?;
        Ok(names.place(name.as_bytes()))
    }

    /// An object, member by member.
    pub(crate) fn members(&mut self, member: Members<'_, 'text>) -> Result<(), Failed> {
        self.open_object()?;
        self.list(b'}', |reader| {
            let name = reader.name()?;
            member(reader, name)
        })
    }

    /// An object's members with names of a table, at most one each: a repetition is an error. Others are passed over.
    pub(crate) fn object(&mut self, names: &Names<'_>, member: Known<'_, 'text>) -> Result<(), Failed> {
        let mut seen = 0_u64;
        let mut next = 0;
        self.open_object()?;
        self.list(b'}', |reader| {
            let Some(index) = reader.known_name(names, next)? else {
                if reader.looks_at_members {
                    reader.unread_last(Part::Member, names.owner());
                }
                return reader.skip();
            };
            next = index + 1;
            // The largest type has some thirty names; beyond 64 a repetition is not told.
            let bit = u32::try_from(index).ok().and_then(|index| 1_u64.checked_shl(index)).unwrap_or(0);
            if seen & bit != 0 {
                return Err(reader.fail(Problem::Repeated));
            }
            seen |= bit;
            member(reader, index)
        })
    }

    /// An object each of whose members is read into the place that its name has.
    pub(crate) fn fill(&mut self, names: &Names<'_>, places: &mut [&mut dyn Place<'text>]) -> Result<(), Failed> {
        self.object(names, &mut |reader, index| places.get_mut(index).map_or(Ok(()), |place| place.fill(reader)))
    }

    /// A member that must be there, of an object that has just ended.
    pub(crate) fn required<T: Read<'text>>(&mut self, value: Option<T>, name: &'static str) -> Result<T, Failed> {
        value.or_else(T::absent).ok_or_else(|| self.fail_at(self.at.saturating_sub(1), Problem::Missing(name)))
    }

    /// The text of the member `tag` of the object that comes next, which is yet to be read.
    pub(crate) fn tag(&mut self, tag: &'static str) -> Result<Cow<'text, str>, Failed> {
        let start = self.at;
        self.open_object()?;
        self.at += 1;
        loop {
            if self.peek()? == b'}' {
                return Err(self.fail_at(start, Problem::Missing(tag)));
            }
            let name = self.name()?;
            if name == tag {
                let value = self.string()?;
                self.at = start;
                return Ok(value);
            }
            self.skip()?;
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {}
                _ => return Err(self.fail(Problem::Syntax)),
            }
        }
    }

    /// A string's place in a table; the table's length if it has none.
    pub(crate) fn word_of(&mut self, names: &[&str]) -> Result<usize, Failed> {
        let word = self.string()?;
        Ok(place(names, word.as_bytes()).unwrap_or(names.len()))
    }

    /// A variant: a word, or an object whose one member is named like the variant and has its content.
    pub(crate) fn variant(&mut self, names: &[&str], content: Known<'_, 'text>) -> Result<(), Failed> {
        if self.peek()? == b'"' {
            let start = self.at;
            let index = self.word_of(names)?;
            // A word has the content that a `null` would be.
            return content(&mut Reader::new("null"), index).map_err(|Failed| self.fail_at(start, Problem::Unknown));
        }
        let mut count = 0;
        let start = self.at;
        self.members(&mut |reader, name| {
            count += 1;
            content(reader, place(names, name.as_bytes()).unwrap_or(names.len()))
        })?;
        if count == 1 { Ok(()) } else { Err(self.fail_at(start, Problem::Type("an object of one member"))) }
    }
}
