//! The texts of events that wait, in memory as long as they are few, else in a temporary file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Where a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    at: u64,
    bytes: u32,
}

/// Texts, one behind the other.
#[derive(Debug)]
pub(super) struct Texts {
    most: usize,
    /// What is not in the file, and where it begins.
    held: Vec<u8>,
    begin: u64,
    file: Option<File>,
}

impl Texts {
    /// Holds about so many bytes in memory.
    pub(super) const fn new(most: usize) -> Self {
        Self { most, held: Vec::new(), begin: 0, file: None }
    }

    /// Adds a text, as `write` writes it.
    pub(super) fn add(&mut self, text: &[u8]) -> io::Result<Place> {
        let place =
            Place { at: self.begin + self.held.len() as u64, bytes: u32::try_from(text.len()).unwrap_or(u32::MAX) };
        self.held.extend_from_slice(text);
        if self.held.len() > self.most {
            let mut file = match self.file.take() {
                Some(file) => file,
                None => tempfile::tempfile()?,
            };
            file.seek(SeekFrom::End(0))?;
            file.write_all(&self.held)?;
            self.file = Some(file);
            self.begin += self.held.len() as u64;
            self.held.clear();
        }
        Ok(place)
    }

    /// Reads a text into `text`.
    pub(super) fn read(&mut self, place: Place, text: &mut Vec<u8>) -> io::Result<()> {
        let bytes = place.bytes as usize;
        text.clear();
        if let Some(within) = place.at.checked_sub(self.begin) {
            let within = usize::try_from(within).unwrap_or(usize::MAX);
            text.extend_from_slice(&self.held[within..within + bytes]);
            return Ok(());
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        text.resize(bytes, 0);
        file.seek(SeekFrom::Start(place.at))?;
        file.read_exact(text)
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        *self = Self { held: std::mem::take(&mut self.held), ..Self::new(self.most) };
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Texts;

    #[test]
    fn texts_come_back_from_memory_and_from_the_file() {
        let mut texts = Texts::new(10);
        let all: Vec<_> = (0..20).map(|number| "x".repeat(number)).collect();
        let places: Vec<_> = all.iter().map(|text| texts.add(text.as_bytes()).expect("it is kept")).collect();
        assert!(texts.file.is_some());
        let mut read = Vec::new();
        for (text, place) in all.iter().zip(places).rev() {
            texts.read(place, &mut read).expect("it is there");
            assert_eq!(read, text.as_bytes());
        }
    }
}
