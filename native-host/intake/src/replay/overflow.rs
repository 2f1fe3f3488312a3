//! A temporary file for the output of a session that is not yet its turn, beyond what fits in memory.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};

use super::Report;

const LINES: u8 = 0;
const NOTE: u8 = 1;

/// Reports in a file that is gone with its handle.
pub(super) struct Overflow {
    file: File,
    /// How many bytes of the file are whole reports.
    whole: u64,
}

impl Overflow {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, whole: 0 })
    }

    /// Adds a report.
    ///
    /// # Errors
    ///
    /// If the file cannot be written; the reports before stay.
    pub(super) fn push(&mut self, report: &Report) -> io::Result<()> {
        let (kind, bytes) = match report {
            Report::Lines(lines) => (LINES, &lines[..]),
            Report::Note(text) => (NOTE, text.as_bytes()),
        };
        let length = bytes.len() as u64;
        self.file.write_all(&[kind])?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(bytes)?;
        self.whole += 1 + 8 + length;
        Ok(())
    }

    /// The reports, in their order.
    pub(super) fn read(mut self) -> io::Result<impl Iterator<Item = io::Result<Report>>> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::new(self.file.take(self.whole));
        Ok(std::iter::from_fn(move || next(&mut reader).transpose()))
    }
}

fn next(reader: &mut impl Read) -> io::Result<Option<Report>> {
    let (mut kind, mut length) = ([0], [0; 8]);
    match reader.read_exact(&mut kind) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    reader.read_exact(&mut length)?;
    let mut bytes = Vec::new();
    reader.take(u64::from_le_bytes(length)).read_to_end(&mut bytes)?;
    Ok(Some(match kind {
        [LINES] => Report::Lines(bytes),
        _ => Report::Note(String::from_utf8(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reports() -> Vec<Report> {
        (0..3).flat_map(|at| [Report::Lines(vec![b'x'; at * 100_000]), Report::Note(format!("note {at}"))]).collect()
    }

    fn read(overflow: Overflow) -> Vec<Report> {
        overflow.read().expect("it is read").collect::<Result<_, _>>().expect("each report")
    }

    #[test]
    fn comes_out_as_it_went_in() {
        let mut overflow = Overflow::new().expect("a file");
        for report in reports() {
            overflow.push(&report).expect("it is written");
        }
        assert_eq!(read(overflow), reports());
    }

    #[test]
    fn half_a_report_is_none() {
        let mut overflow = Overflow::new().expect("a file");
        overflow.push(&Report::Note("whole".to_owned())).expect("it is written");
        // As if the disk had become full.
        overflow.file.write_all(&[LINES, 255, 0]).expect("it is written");
        assert_eq!(read(overflow), [Report::Note("whole".to_owned())]);
    }
}
