//! Words, numbers and strings.

use alloc::borrow::Cow;
use alloc::string::String;

use super::Reader;
use super::error::{Failed, Problem};
use crate::json::scan;
use crate::json::scan::cut;

pub(super) const INTEGER: &str = "an integer of the right size";

impl<'text> Reader<'text> {
    /// Whether a `null` comes next, which is read then.
    pub(crate) fn is_null(&mut self) -> Result<bool, Failed> {
        if self.peek()? != b'n' {
            return Ok(false);
        }
        self.word("null")?;
        Ok(true)
    }

    pub(crate) fn nothing(&mut self) -> Result<(), Failed> {
        if self.is_null()? { Ok(()) } else { Err(self.unlike("null")) }
    }

    pub(crate) fn boolean(&mut self) -> Result<bool, Failed> {
        match self.peek()? {
            b't' => self.word("true").map(|()| true),
            b'f' => self.word("false").map(|()| false),
            _ => Err(self.unlike("true or false")),
        }
    }

    /// A number without sign, fraction and exponent.
    pub(crate) fn unsigned(&mut self) -> Result<u64, Failed> {
        match self.peek()? {
            b'0'..=b'9' => self.digits(),
            _ => Err(self.unlike(INTEGER)),
        }
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Failed> {
        if self.peek()? != b'-' {
            let amount = self.unsigned()?;
            return i64::try_from(amount).map_err(|_| self.unlike(INTEGER));
        }
        self.at += 1;
        match self.digits()? {
            // -0 is no integer to serde_json, either.
            amount @ 1..=0x8000_0000_0000_0000 => Ok(amount.wrapping_neg().cast_signed()),
            _ => Err(self.unlike(INTEGER)),
        }
    }

    fn digits(&mut self) -> Result<u64, Failed> {
        let start = self.at;
        let mut amount = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.byte() {
            amount = amount.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        let digits = &self.text[start..self.at];
        if digits.is_empty() || digits.len() > 1 && digits.starts_with('0') {
            return Err(self.fail_at(start, Problem::Syntax));
        }
        // Nineteen digits are always below 2^64.
        let amount = if digits.len() < 20 { Some(amount) } else { digits.parse().ok() };
        match amount {
            Some(amount) if !matches!(self.byte(), Some(b'.' | b'e' | b'E')) => Ok(amount),
            _ => Err(self.fail_at(start, Problem::Type(INTEGER))),
        }
    }

    /// A string, borrowed where it has no escapes.
    pub(crate) fn string(&mut self) -> Result<Cow<'text, str>, Failed> {
        self.beginning(usize::MAX)
    }

    /// A string; of one that has escapes and more than `most` bytes, more than so many of them.
    pub(crate) fn beginning(&mut self, most: usize) -> Result<Cow<'text, str>, Failed> {
        if self.peek()? != b'"' {
            return Err(self.unlike("a string"));
        }
        self.at += 1;
        let start = self.at;
        self.at += scan::plain(&self.text.as_bytes()[start..]);
        if self.byte() == Some(b'"') {
            let plain = &self.text[start..self.at];
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        self.unescaped(start, most).map(Cow::Owned)
    }

    #[cold]
    fn unescaped(&mut self, mut start: usize, most: usize) -> Result<String, Failed> {
        let mut string = String::new();
        loop {
            if string.len() <= most {
                // The longest character takes four bytes.
                string.push_str(cut(&self.text[start..self.at], most.saturating_add(4)));
            }
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let escaped = self.escape()?;
                    if string.len() <= most {
                        string.push(escaped);
                    }
                }
                Some(_) => return Err(self.fail(Problem::Syntax)),
                None => return Err(self.fail(Problem::End)),
            }
            start = self.at;
            self.at += scan::plain(&self.text.as_bytes()[start..]);
        }
    }

    /// What stands for a character after a backslash.
    pub(super) fn escape(&mut self) -> Result<char, Failed> {
        let Some(byte) = self.byte() else { return Err(self.fail(Problem::End)) };
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => byte as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hexadecimal()?;
                let second = if let 0xd800..=0xdbff = first { self.second_half()? } else { None };
                let mut halves = char::decode_utf16([first].into_iter().chain(second));
                return halves.next().and_then(Result::ok).ok_or_else(|| self.fail(Problem::Syntax));
            }
            _ => {
                self.at -= 1;
                return Err(self.fail(Problem::Syntax));
            }
        })
    }

    /// A character beyond the sixteen bits of one escape takes two.
    fn second_half(&mut self) -> Result<Option<u16>, Failed> {
        if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            return Ok(None);
        }
        self.at += 2;
        self.hexadecimal().map(Some)
    }

    pub(super) fn hexadecimal(&mut self) -> Result<u16, Failed> {
        let mut number = 0;
        for _ in 0..4 {
            let digit = match self.byte() {
                Some(byte @ b'0'..=b'9') => byte - b'0',
                Some(byte @ b'a'..=b'f') => byte - b'a' + 10,
                Some(byte @ b'A'..=b'F') => byte - b'A' + 10,
                _ => return Err(self.fail(Problem::Syntax)),
            };
            number = number << 4 | u16::from(digit);
            self.at += 1;
        }
        Ok(number)
    }
}
