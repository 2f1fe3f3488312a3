//! Recorded sessions: one JSON object a line, `{at_ms, connection_id, direction, message}`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;
use turnledger_core::{ConnectionId, Direction, UnixMillis};

/// One recorded message.
#[derive(Debug)]
pub struct RecordedMessage<'a> {
    /// When the recorder saw it.
    pub at: UnixMillis,
    /// On which connection.
    pub connection_id: ConnectionId,
    /// Who sent it.
    pub direction: Direction,
    /// The message's text.
    pub message: &'a str,
}

/// A line that is not a recorded message. It says nothing of the line's content, which is private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// Not JSON.
    #[error("not JSON (column {0})")]
    NotJson(usize),
    /// JSON, but not of a recording.
    #[error("not a recorded message: expected at_ms, connection_id, direction and message (column {0})")]
    NotRecorded(usize),
    /// The message inside cannot be read.
    #[error("a member of the message that counts is missing or of the wrong type (column {0} of the message)")]
    BadMessage(usize),
    /// The line is longer than the limit.
    #[error("longer than {0} bytes")]
    TooLong(usize),
}

/// Reads one line of a recording.
///
/// # Errors
///
/// [`BadLine`] if it is not one.
pub fn parse_line(line: &[u8]) -> Result<RecordedMessage<'_>, BadLine> {
    #[derive(Deserialize)]
    struct Line<'a> {
        at_ms: u64,
        connection_id: u64,
        direction: Direction,
        #[serde(borrow)]
        message: &'a RawValue,
    }
    let Line { at_ms, connection_id, direction, message } = serde_json::from_slice(line).map_err(|error| {
        if error.is_data() { BadLine::NotRecorded(error.column()) } else { BadLine::NotJson(error.column()) }
    })?;
    Ok(RecordedMessage { at: UnixMillis(at_ms), connection_id, direction, message: message.get() })
}

/// Where a recording comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// A file, plain or compressed with gzip or Zstandard.
    File(PathBuf),
}

impl Source {
    /// `-` is standard input, anything else a file.
    pub fn from_argument(argument: &Path) -> Self {
        if argument == Path::new("-") { Self::Stdin } else { Self::File(argument.to_owned()) }
    }

    /// The name that messages about the recording use.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "<stdin>".into(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// How many bytes there are to read, if it is known.
    pub fn stored_bytes(&self) -> Option<u64> {
        match self {
            Self::Stdin => None,
            Self::File(path) => path.metadata().ok().map(|metadata| metadata.len()),
        }
    }

    /// Opens the recording, unpacking it if its first bytes say that it is packed; `wrap` sees the
    /// bytes as they are stored.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn open<R: Read + Send + 'static>(
        &self,
        wrap: impl FnOnce(Box<dyn Read + Send>) -> R,
    ) -> io::Result<Box<dyn BufRead + Send>> {
        const BUFFER: usize = 1 << 16;
        let stored: Box<dyn Read + Send> = match self {
            Self::Stdin => Box::new(io::stdin()),
            Self::File(path) => Box::new(File::open(path)?),
        };
        let mut stored = BufReader::with_capacity(BUFFER, wrap(stored));
        let start = stored.fill_buf()?;
        Ok(if start.starts_with(&[0x1f, 0x8b]) {
            Box::new(BufReader::with_capacity(BUFFER, flate2::bufread::MultiGzDecoder::new(stored)))
        } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Box::new(BufReader::with_capacity(BUFFER, zstd::Decoder::with_buffer(stored)?))
        } else {
            Box::new(stored)
        })
    }
}

/// The longest line that is held in memory.
pub const MAX_LINE: usize = 256 << 20;

/// Reads the next line into `line`, without its line end. `Ok(None)` at the end of the input;
/// `Ok(Some(false))` for a line that was too long, of which only the first byte is kept.
///
/// # Errors
///
/// What the reader says.
pub fn read_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let mut limited = io::Read::take(&mut *reader, MAX_LINE as u64 + 1);
    if limited.read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > MAX_LINE {
        line.truncate(1);
        reader.skip_until(b'\n')?;
        return Ok(Some(false));
    }
    Ok(Some(true))
}

#[cfg(test)]
mod tests {
    use super::{BadLine, parse_line, read_line};

    #[test]
    fn lines() {
        let read = parse_line(br#"{"at_ms":5,"connection_id":1,"direction":"client_to_server","message":{"id":1}}"#);
        let read = read.expect("a recorded message");
        assert_eq!((read.at.0, read.connection_id, read.message), (5, 1, r#"{"id":1}"#));
        assert_eq!(parse_line(b"{").unwrap_err(), BadLine::NotJson(1));
        assert_eq!(parse_line(b"\xff").unwrap_err(), BadLine::NotJson(1));
        assert!(matches!(parse_line(br#"{"at_ms":-1}"#).unwrap_err(), BadLine::NotRecorded(_)));
        assert!(matches!(parse_line(b"{}").unwrap_err(), BadLine::NotRecorded(_)));
    }

    #[test]
    fn the_last_line_needs_no_end() {
        let mut input: &[u8] = b"one\n\ntwo";
        let mut line = Vec::new();
        let mut lines = Vec::new();
        while let Some(complete) = read_line(&mut input, &mut line).expect("reading from memory") {
            assert!(complete);
            lines.push(line.clone());
        }
        assert_eq!(lines, [b"one".to_vec(), b"".to_vec(), b"two".to_vec()]);
    }
}
