//! A diff as bytes: whatever comes, no line counts twice, every fingerprint is of an added line, and
//! a line that looks like content is content only where a hunk announced it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use turnledger_core::accepted_lines::{DiffLine, DiffParser, Fingerprinter, lines};
use turnledger_core::digest::Sha2;

fuzz_target!(|diff: &[u8]| {
    let mut fingerprinter = Fingerprinter::new(Sha2::default());
    let mut parser = DiffParser::default();
    let (mut added, mut deleted, mut fingerprints) = (0, 0, 0);
    for line in lines(diff) {
        match parser.line(line) {
            DiffLine::Added(text) => {
                assert!(line.ends_with(text) && line.starts_with(b"+"));
                added += 1;
            }
            DiffLine::Deleted(text) => {
                assert!(line.ends_with(text) && line.starts_with(b"-"));
                deleted += 1;
            }
            _ => {}
        }
        fingerprints += u64::from(fingerprinter.line(line).is_some());
    }
    assert_eq!((fingerprinter.added(), fingerprinter.deleted()), (added, deleted));
    assert!(fingerprints <= added);
    if !lines(diff).any(|line| line.starts_with(b"@@")) {
        assert_eq!((added, deleted), (0, 0));
    }
});
