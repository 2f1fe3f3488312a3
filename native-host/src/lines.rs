//! Lines of files and streams, one at a time.

use std::io::{self, BufRead};

/// UTF-8's byte-order mark, with which some programs begin a file.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The longest line that is held in memory.
pub const MAX_LINE: usize = 256 << 20;

/// Reads the next line into `line`, without its line end and without a byte-order mark at its beginning:
/// files that have one may be put one behind the other. `Ok(None)` at the end of the input;
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
    if line.starts_with(MARK) {
        line.drain(..MARK.len());
    }
    Ok(Some(true))
}

#[cfg(test)]
mod tests {
    use super::read_line;

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
