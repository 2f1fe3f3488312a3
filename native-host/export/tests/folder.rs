//! Parquet folders: groups of rows, days in any order, and what fails leaves no trace.

#![cfg(feature = "parquet")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use turnledger_core::UnixMillis;
use turnledger_export::parquet::{Days, Export, ExportError, Row};

const EVENT: &str =
    r#"{"event_type":"codex_hook_run","event_params":{"thread_id":"t","hook_name":"Stop","status":"failed"}}"#;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn all() -> Days {
    Days::between(None, None).expect("all days")
}

fn files(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        for file in fs::read_dir(&path).into_iter().flatten() {
            let file = file.expect("an entry").path();
            names.insert(file.strip_prefix(folder).expect("below it").display().to_string());
        }
    }
    names
}

#[test]
fn a_large_day_has_groups() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut export = Export::begin(folder.path(), all()).expect("it begins");
    for number in 0..70_000 {
        export.add(&Row::new(EVENT).at(UnixMillis(number))).expect("an event");
    }
    let exported = export.finish().expect("it is written");
    assert_eq!((exported.events, exported.days), (70_000, 1));
    let file = fs::File::open(folder.path().join("day=1970-01-01/part-0.parquet")).expect("a file");
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    let rows: Vec<_> = reader.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect();
    // Their bytes, as they are estimated, end a group before its rows do.
    assert_eq!(rows, [20_287, 20_287, 20_287, 9_139]);
}

#[test]
fn days_may_come_in_any_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut export = Export::begin(folder.path(), all()).expect("it begins");
    // Far away is no day that tools know.
    for at in [Some(0), Some(DAY_MS), None, Some(DAY_MS - 1), Some(u64::MAX), Some(400_000_000_000_000)] {
        export.add(&Row::new(EVENT).at(at.map(UnixMillis))).expect("an event");
    }
    let exported = export.finish().expect("it is written");
    assert_eq!((exported.events, exported.days), (6, 3));
    let expected = [
        "day=1970-01-01/part-0.parquet",
        "day=1970-01-01/part-1.parquet",
        "day=1970-01-02/part-0.parquet",
        "day=__HIVE_DEFAULT_PARTITION__/part-0.parquet",
        "day=__HIVE_DEFAULT_PARTITION__/part-1.parquet",
    ];
    assert_eq!(files(folder.path()), expected.map(str::to_owned).into());
}

#[test]
fn what_fails_leaves_the_folder_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut export = Export::begin(folder.path(), all()).expect("it begins");
    export.add(&Row::new(EVENT).at(UnixMillis(0))).expect("an event");
    assert!(matches!(Export::begin(folder.path(), all()), Err(ExportError::Busy { .. })));
    export.finish().expect("it is written");
    let before = files(folder.path());

    let mut export = Export::begin(folder.path(), all()).expect("it begins");
    export.add(&Row::new(EVENT).at(UnixMillis(DAY_MS))).expect("an event");
    export.add(&Row::new(EVENT).at(UnixMillis(2 * DAY_MS))).expect("an event");
    assert!(matches!(export.add(&Row::new("{}")), Err(ExportError::Event(_))));
    drop(export);
    assert_eq!(files(folder.path()), before);
    let names = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let names: BTreeSet<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    assert_eq!(names, [".turnledger.lock", "day=1970-01-01"].map(str::to_owned).into());
}

#[test]
fn only_whole_days_are_replaced() {
    let between = |since: Option<u64>, until: Option<u64>| Days::between(since.map(UnixMillis), until.map(UnixMillis));
    assert!(between(Some(DAY_MS), Some(2 * DAY_MS)).is_some());
    assert_eq!(between(Some(DAY_MS + 1), None), None);
    assert_eq!(between(None, Some(DAY_MS - 1)), None);
    assert_eq!(between(Some(u64::MAX), None), None);
}
