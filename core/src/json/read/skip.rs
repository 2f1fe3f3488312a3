//! Skips values that are not needed, and checks that they are JSON.

use super::Reader;
use super::error::{Failed, Problem};
use crate::json::scan;

impl<'text> Reader<'text> {
    /// Passes over a value, whatever it is, and says where it stands.
    pub(crate) fn raw(&mut self) -> Result<&'text str, Failed> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        Ok(&self.text[start..self.at])
    }

    /// Passes over a value, whatever it is. What it passes over is JSON.
    pub(crate) fn skip(&mut self) -> Result<(), Failed> {
        if self.peek()? == b'"' {
            return self.skip_string();
        }
        let bottom = self.open.len();
        let skipped = self.skip_to(bottom);
        self.open.truncate(bottom);
        skipped
    }

    fn skip_to(&mut self, bottom: usize) -> Result<(), Failed> {
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                b'{' => {
                    self.at += 1;
                    if self.peek()? != b'}' {
                        self.open.push(b'}');
                        self.skip_name()?;
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    if self.peek()? != b']' {
                        self.open.push(b']');
                        continue;
                    }
                    self.at += 1;
                }
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                b'-' | b'0'..=b'9' => self.skip_number()?,
                _ => return Err(self.fail(Problem::Syntax)),
            }
            // A value has ended; so may what it stood in.
            loop {
                if self.open.len() == bottom {
                    return Ok(());
                }
                let byte = self.peek()?;
                self.at += 1;
                if byte == b',' {
                    if self.open.last() == Some(&b'}') {
                        self.peek()?;
                        self.skip_name()?;
                    }
                    break;
                }
                if self.open.pop() != Some(byte) {
                    return Err(self.fail_at(self.at - 1, Problem::Syntax));
                }
            }
        }
    }

    /// A member's name, up to its value.
    fn skip_name(&mut self) -> Result<(), Failed> {
        if self.byte() != Some(b'"') {
            return Err(self.fail(Problem::Syntax));
        }
        self.skip_string()?;
        self.colon()
    }

    fn skip_string(&mut self) -> Result<(), Failed> {
        self.at += 1;
        loop {
            self.at += scan::plain(&self.text.as_bytes()[self.at..]);
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    // Half of a surrogate pair is passed over, as it is by `serde_json`.
                    if self.byte() == Some(b'u') {
                        self.at += 1;
                        self.hexadecimal()?;
                    } else {
                        self.escape()?;
                    }
                }
                Some(_) => return Err(self.fail(Problem::Syntax)),
                None => return Err(self.fail(Problem::End)),
            }
        }
    }

    fn skip_number(&mut self) -> Result<(), Failed> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
            if matches!(self.byte(), Some(b'0'..=b'9')) {
                return Err(self.fail(Problem::Syntax));
            }
        } else {
            self.skip_digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.skip_digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.skip_digits()?;
        }
        Ok(())
    }

    fn skip_digits(&mut self) -> Result<(), Failed> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at == start { Err(self.fail(Problem::Syntax)) } else { Ok(()) }
    }
}
