//! Recorded sessions: one JSON object a line, `{at_ms, connection_id, direction, message}`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;
use turnledger_core::{ConnectionId, Direction, UnixMillis};

/// One recorded message.
#[derive(Debug)]
#[non_exhaustive]
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
#[non_exhaustive]
pub enum BadLine {
    /// Not JSON.
    #[error("not JSON (column {0})")]
    NotJson(usize),
    /// JSON, but not of a recording.
    #[error("not a line of a recording: expected at_ms, connection_id, direction and message (column {0})")]
    NotRecorded(usize),
    /// The message inside cannot be read.
    #[error("a member that events need is missing or has the wrong type (column {0} of the message)")]
    BadMessage(usize),
    /// The line of a rollout has another shape than its kind.
    #[error("a member that events need is missing or has the wrong type (column {0})")]
    BadMember(usize),
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
    Ok(RecordedMessage {
        at: UnixMillis(at_ms),
        connection_id: connection_id.into(),
        direction,
        message: message.get(),
    })
}

/// What is wrong with the lines of a file: each fault once, with the lines that have it.
#[derive(Debug, Default)]
pub struct Complaints(Vec<Complaint>);

#[derive(Debug)]
struct Complaint {
    /// The message about the first line.
    first: String,
    lines: u64,
    /// The first ranges of these lines, from and to.
    ranges: Vec<(u64, u64)>,
    has_more: bool,
}

impl Complaints {
    /// How many ranges of lines are named.
    const MOST_RANGES: usize = 10;

    /// Adds a bad line. Two faults are the same if they differ only in the column, in parentheses at the end.
    pub fn add(&mut self, line: u64, what: &str) {
        fn fault(what: &str) -> &str {
            what.split_once(" (column ").map_or(what, |(fault, _)| fault)
        }
        let Some(known) = self.0.iter_mut().find(|known| fault(&known.first) == fault(what)) else {
            let ranges = vec![(line, line)];
            self.0.push(Complaint { first: what.to_owned(), lines: 1, ranges, has_more: false });
            return;
        };
        known.lines += 1;
        if let Some((_, to)) = known.ranges.last_mut()
            && !known.has_more
            && *to + 1 == line
        {
            *to = line;
        } else if known.ranges.len() < Self::MOST_RANGES {
            known.ranges.push((line, line));
        } else {
            known.has_more = true;
        }
    }

    /// A line for each fault: where it is first, what it is, and how many lines have it. None are left.
    pub fn tell(&mut self, name: &str) -> impl Iterator<Item = String> {
        std::mem::take(&mut self.0).into_iter().map(move |Complaint { first, lines, ranges, has_more }| {
            let place = ranges.first().map_or(0, |range| range.0);
            if lines == 1 {
                return format!("{name}:{place}: {first}");
            }
            let range = |&(from, to): &(u64, u64)| if from == to { from.to_string() } else { format!("{from}-{to}") };
            let mut all: Vec<_> = ranges.iter().map(range).collect();
            all.extend(has_more.then(|| "…".to_owned()));
            format!("{name}:{place}: {first}; {lines} lines like it: {}", all.join(", "))
        })
    }
}

/// Where a recording comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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

    /// Opens the recording, as [`unpack`] does it; `wrap` sees the bytes as they are stored.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn open<R: Read + Send + 'static>(
        &self,
        wrap: impl FnOnce(Box<dyn Read + Send>) -> R,
    ) -> io::Result<Box<dyn BufRead + Send>> {
        unpack(wrap(match self {
            Self::Stdin => Box::new(io::stdin()),
            Self::File(path) => Box::new(File::open(path)?),
        }))
    }
}

/// Reads what is stored, unpacking it if its first bytes say that it is packed, and as UTF-8 if they say that it is
/// UTF-16.
///
/// # Errors
///
/// What the reader says.
pub fn unpack(stored: impl Read + Send + 'static) -> io::Result<Box<dyn BufRead + Send>> {
    const BUFFER: usize = 1 << 16;
    let mut stored = BufReader::with_capacity(BUFFER, stored);
    let start = stored.fill_buf()?;
    let mut plain: Box<dyn BufRead + Send> = if start.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::with_capacity(BUFFER, flate2::bufread::MultiGzDecoder::new(stored)))
    } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(BufReader::with_capacity(BUFFER, zstd::Decoder::with_buffer(stored)?))
    } else {
        Box::new(stored)
    };
    let units = Utf16::of_mark(plain.fill_buf()?);
    Ok(match units {
        Some(units) => {
            Box::new(BufReader::with_capacity(BUFFER, Utf16Reader { plain, units, text: Vec::new(), read: 0 }))
        }
        None => plain,
    })
}

/// In which order the bytes of a UTF-16 unit come.
#[derive(Clone, Copy)]
enum Utf16 {
    LittleEndian,
    BigEndian,
}

impl Utf16 {
    /// As the byte-order mark says it, if there is one.
    fn of_mark(start: &[u8]) -> Option<Self> {
        match start {
            [0xff, 0xfe, ..] => Some(Self::LittleEndian),
            [0xfe, 0xff, ..] => Some(Self::BigEndian),
            _ => None,
        }
    }

    fn unit(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::LittleEndian => u16::from_le_bytes(bytes),
            Self::BigEndian => u16::from_be_bytes(bytes),
        }
    }
}

/// UTF-16 as UTF-8. What is no character is replaced.
struct Utf16Reader<R> {
    plain: R,
    units: Utf16,
    text: Vec<u8>,
    /// How much of the text has been read.
    read: usize,
}

/// How many units of UTF-16 are taken at a time.
const UNITS: usize = 1 << 14;

impl<R: BufRead> Utf16Reader<R> {
    /// The next unit; `None` at the end, where half a unit is as good as none.
    fn unit(&mut self) -> io::Result<Option<u16>> {
        let mut bytes = [0; 2];
        match self.plain.read_exact(&mut bytes) {
            Ok(()) => Ok(Some(self.units.unit(bytes))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl<R: BufRead> Read for Utf16Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.text.len() {
            let mut units = Vec::with_capacity(UNITS);
            // A character of two units is not cut.
            while let Some(unit) = self.unit()? {
                units.push(unit);
                if units.len() >= UNITS && !(0xd800..0xdc00).contains(&unit) {
                    break;
                }
            }
            let characters = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
            self.text = characters.collect::<String>().into_bytes();
            self.read = 0;
        }
        let count = buffer.len().min(self.text.len() - self.read);
        buffer[..count].copy_from_slice(&self.text[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use turnledger::lines::read_line;

    use super::{BadLine, Complaints, ConnectionId, Source, Utf16, Utf16Reader, parse_line};

    #[test]
    fn equal_complaints_are_one() {
        let mut complaints = Complaints::default();
        for line in [1, 2, 3, 7] {
            complaints.add(line, &BadLine::NotJson(usize::try_from(line).expect("a column")).to_string());
        }
        complaints.add(5, &BadLine::TooLong(9).to_string());
        let told: Vec<_> = complaints.tell("a").collect();
        assert_eq!(told, ["a:1: not JSON (column 1); 4 lines like it: 1-3, 7", "a:5: longer than 9 bytes"]);
        assert_eq!(complaints.tell("a").count(), 0);
        for line in 0..1_000_000 {
            complaints.add(line * 2, "bad");
        }
        let told: Vec<_> = complaints.tell("b").collect();
        assert_eq!(told, ["b:0: bad; 1000000 lines like it: 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, …"]);
    }

    #[test]
    fn lines() {
        let read = parse_line(br#"{"at_ms":5,"connection_id":1,"direction":"client_to_server","message":{"id":1}}"#);
        let read = read.expect("a recorded message");
        assert_eq!((read.at.0, read.connection_id, read.message), (5, ConnectionId(1), r#"{"id":1}"#));
        assert_eq!(parse_line(b"{").unwrap_err(), BadLine::NotJson(1));
        assert_eq!(parse_line(b"\xff").unwrap_err(), BadLine::NotJson(1));
        assert!(matches!(parse_line(br#"{"at_ms":-1}"#).unwrap_err(), BadLine::NotRecorded(_)));
        assert!(matches!(parse_line(b"{}").unwrap_err(), BadLine::NotRecorded(_)));
    }

    #[test]
    fn byte_order_marks_are_read_over() {
        let text = "{\"one\":\"ä\u{1f600}\"}\r\n\u{feff}{}\n".repeat(20_000);
        let units = |order: fn(u16) -> [u8; 2]| {
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(order).collect::<Vec<u8>>()
        };
        let files = [
            text.clone().into_bytes(),
            ["\u{feff}", &text].concat().into_bytes(),
            units(u16::to_le_bytes),
            units(u16::to_be_bytes),
        ];
        for stored in files {
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), &stored).expect("its content");
            let mut reader = Source::File(file.path().into()).open(|file| file).expect("a reader");
            let mut line = Vec::new();
            for _ in 0..20_000 {
                assert_eq!(read_line(&mut *reader, &mut line).expect("a line"), Some(true));
                assert_eq!(line, "{\"one\":\"ä\u{1f600}\"}\r".as_bytes());
                assert_eq!(read_line(&mut *reader, &mut line).expect("a line"), Some(true));
                assert_eq!(line, b"{}");
            }
            assert_eq!(read_line(&mut *reader, &mut line).expect("the end"), None);
        }
    }

    #[test]
    fn broken_utf_16_is_replaced() {
        let mut text = String::new();
        // A first half, a second half, half a unit.
        let plain = BufReader::new(&b"\xd8\x00\x00a\xdc\x00\x00b\x00"[..]);
        let mut reader = Utf16Reader { plain, units: Utf16::BigEndian, text: Vec::new(), read: 0 };
        reader.read_to_string(&mut text).expect("reading from memory");
        assert_eq!(text, "\u{fffd}a\u{fffd}b");
    }
}
