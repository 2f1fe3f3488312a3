//! What a log consists of: records, each with a header that is found again behind damage.
//!
//! ```text
//! FF 'T' 'L' 01 | length of the content, u32 | CRC-32 of the content | CRC-32 of these twelve bytes | content
//! ```
//!
//! Numbers are little-endian. The byte FF occurs in no JSON text, so an event is never taken for a header.

use std::io;

use turnledger_core::{DigestValue, UnixMillis};

use crate::delivery::account::AccountKey;

const MAGIC: [u8; 4] = [0xFF, b'T', b'L', 1];

/// Bytes of a header.
pub(super) const HEADER: usize = 16;

/// Numbers of events: the first, and behind the last.
pub(super) type Range = (u64, u64);

/// A change of a spool. To apply one twice is to apply it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record<'t> {
    /// Begins a log.
    Head {
        version: u32,
        /// The first number of an event that is free.
        event: u64,
        /// The first number of a batch that is free.
        batch: u64,
    },
    Event(EventRecord<'t>),
    /// A batch as it is from now on.
    Batch(BatchRecord),
    /// A batch is none any more; its events wait.
    Dissolved {
        batch: u64,
    },
    /// Events are deleted, and with its last event a batch.
    Gone {
        events: Vec<Range>,
    },
    /// A server, by its hash, wants no request until then.
    Asked {
        server: [u8; 32],
        until: UnixMillis,
    },
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EventRecord<'t> {
    pub(super) number: u64,
    /// The batch that it is in; 0 is none.
    pub(super) batch: u64,
    pub(super) at: UnixMillis,
    pub(super) account: AccountKey,
    pub(super) is_isolated: bool,
    pub(super) json: &'t str,
}

/// A batch. All of it is written whenever it changes, so that a record that is damaged does not matter for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BatchRecord {
    pub(super) number: u64,
    pub(super) key: DigestValue,
    pub(super) account: AccountKey,
    /// Unix milliseconds.
    pub(super) leased_until: i64,
    /// How often it went behind the others.
    pub(super) deferred: u32,
    /// The status with which the server refused it for good.
    pub(super) refused_with: Option<u16>,
    pub(super) events: Vec<Range>,
}

/// Appends a record to bytes. Returns how many it has there.
pub(super) fn write(record: &Record<'_>, into: &mut Vec<u8>) -> io::Result<usize> {
    let start = into.len();
    into.extend_from_slice(&[0; HEADER]);
    content(record, into);
    let (header, content) = into[start..].split_at_mut(HEADER);
    let Ok(length) = u32::try_from(content.len()) else {
        into.truncate(start);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "an event of more than 4 GiB"));
    };
    header[..4].copy_from_slice(&MAGIC);
    header[4..8].copy_from_slice(&length.to_le_bytes());
    header[8..12].copy_from_slice(&crc32fast::hash(content).to_le_bytes());
    let check = crc32fast::hash(&header[..12]);
    header[12..].copy_from_slice(&check.to_le_bytes());
    Ok(into.len() - start)
}

fn content(record: &Record<'_>, into: &mut Vec<u8>) {
    let mut put = |bytes: &[u8]| into.extend_from_slice(bytes);
    match record {
        Record::Head { version, event, batch } => {
            put(&[1]);
            put(&version.to_le_bytes());
            put(&event.to_le_bytes());
            put(&batch.to_le_bytes());
        }
        Record::Event(EventRecord { number, batch, at, account, is_isolated, json }) => {
            put(&[2]);
            put(&number.to_le_bytes());
            put(&batch.to_le_bytes());
            put(&at.0.to_le_bytes());
            put(account.as_bytes());
            put(&[u8::from(*is_isolated)]);
            put(json.as_bytes());
        }
        Record::Batch(BatchRecord { number, key, account, leased_until, deferred, refused_with, events }) => {
            put(&[3]);
            put(&number.to_le_bytes());
            put(&[u8::try_from(key.as_bytes().len()).unwrap_or(0)]);
            put(key.as_bytes());
            put(account.as_bytes());
            put(&leased_until.to_le_bytes());
            put(&deferred.to_le_bytes());
            // No status is 0.
            put(&refused_with.unwrap_or(0).to_le_bytes());
            ranges(events, put);
        }
        Record::Dissolved { batch } => {
            put(&[4]);
            put(&batch.to_le_bytes());
        }
        Record::Gone { events } => {
            put(&[5]);
            ranges(events, put);
        }
        Record::Asked { server, until } => {
            put(&[6]);
            put(server);
            put(&until.0.to_le_bytes());
        }
    }
}

fn ranges(ranges: &[Range], mut put: impl FnMut(&[u8])) {
    for (first, end) in ranges {
        put(&first.to_le_bytes());
        put(&end.to_le_bytes());
    }
}

/// What bytes begin with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'b> {
    /// A record of so many bytes.
    Record(Record<'b>, usize),
    /// The beginning of a record that has so many bytes at least.
    Part(usize),
    /// Something else.
    Noise,
}

/// Reads the record that bytes begin with.
pub(super) fn read(bytes: &[u8]) -> Found<'_> {
    let Some((header, rest)) = bytes.split_at_checked(HEADER) else {
        let is_start = bytes.iter().zip(MAGIC).all(|(byte, expected)| *byte == expected);
        return if is_start { Found::Part(HEADER) } else { Found::Noise };
    };
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if header[..4] != MAGIC || number(12) != crc32fast::hash(&header[..12]) {
        return Found::Noise;
    }
    let Ok(length) = usize::try_from(number(4)) else { return Found::Noise };
    let Some(content) = rest.get(..length) else { return Found::Part(HEADER + length) };
    if number(8) != crc32fast::hash(content) {
        return Found::Noise;
    }
    parse(content).map_or(Found::Noise, |record| Found::Record(record, HEADER + length))
}

/// Where the next header may begin, behind the first byte.
pub(super) fn resume(bytes: &[u8]) -> usize {
    bytes.iter().skip(1).position(|byte| *byte == MAGIC[0]).map_or(bytes.len(), |place| place + 1)
}

fn parse(content: &[u8]) -> Option<Record<'_>> {
    let mut rest = Rest(content);
    let record = match rest.take::<1>()? {
        [1] => Record::Head { version: u32::from_le_bytes(rest.take()?), event: rest.number()?, batch: rest.number()? },
        [2] => Record::Event(EventRecord {
            number: rest.number()?,
            batch: rest.number()?,
            at: UnixMillis(rest.number()?),
            account: rest.account()?,
            is_isolated: rest.take::<1>()? != [0],
            json: std::str::from_utf8(std::mem::take(&mut rest.0)).ok()?,
        }),
        [3] => Record::Batch(BatchRecord {
            number: rest.number()?,
            key: {
                let [length] = rest.take()?;
                let (key, behind) = rest.0.split_at_checked(usize::from(length))?;
                rest.0 = behind;
                DigestValue::new(key)
            },
            account: rest.account()?,
            leased_until: i64::from_le_bytes(rest.take()?),
            deferred: u32::from_le_bytes(rest.take()?),
            refused_with: Some(u16::from_le_bytes(rest.take()?)).filter(|status| *status != 0),
            events: rest.ranges()?,
        }),
        [4] => Record::Dissolved { batch: rest.number()? },
        [5] => Record::Gone { events: rest.ranges()? },
        [6] => Record::Asked { server: rest.take()?, until: UnixMillis(rest.number()?) },
        _ => return None,
    };
    rest.0.is_empty().then_some(record)
}

/// What is left to be read.
struct Rest<'b>(&'b [u8]);

impl Rest<'_> {
    fn take<const LEN: usize>(&mut self) -> Option<[u8; LEN]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn account(&mut self) -> Option<AccountKey> {
        AccountKey::from_bytes(&self.take::<{ AccountKey::LEN }>()?)
    }

    fn ranges(&mut self) -> Option<Vec<Range>> {
        let mut ranges = Vec::new();
        while !self.0.is_empty() {
            ranges.push((self.number()?, self.number()?));
        }
        Some(ranges)
    }
}

/// Numbers in ascending order as ranges.
pub(super) fn ranges_of(numbers: impl IntoIterator<Item = u64>) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, end)) if *end == number => *end += 1,
            _ => ranges.push((number, number + 1)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record<'static>> {
        let account = AccountKey::of(Some("a"), None);
        let batch = BatchRecord {
            number: 3,
            key: DigestValue::new(&[7; 32]),
            account,
            leased_until: i64::MAX,
            deferred: 2,
            refused_with: None,
            events: vec![(1, 2), (5, 9)],
        };
        let event =
            EventRecord { number: 1, batch: 3, at: UnixMillis(9), account, is_isolated: true, json: "{\"ä\":1}" };
        vec![
            Record::Head { version: 1, event: 7, batch: 2 },
            Record::Event(event),
            Record::Batch(batch.clone()),
            Record::Batch(BatchRecord { refused_with: Some(413), key: DigestValue::new(&[7]), ..batch }),
            Record::Dissolved { batch: 3 },
            Record::Gone { events: vec![(1, 4)] },
            Record::Asked { server: [9; 32], until: UnixMillis(8) },
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        for record in records() {
            let mut bytes = Vec::new();
            let size = write(&record, &mut bytes).unwrap();
            assert_eq!(read(&bytes), Found::Record(record.clone(), size));
            // A part is known as one, and no byte can be another without being noticed.
            for length in 0..size {
                assert!(matches!(read(&bytes[..length]), Found::Part(least) if least > length), "{record:?}");
            }
            for place in 0..size {
                let mut damaged = bytes.clone();
                damaged[place] ^= 0x10;
                assert_eq!(read(&damaged), Found::Noise, "{record:?}");
            }
        }
        assert_eq!(ranges_of([1, 2, 3, 7, 9, 10]), [(1, 4), (7, 8), (9, 11)]);
    }
}
