//! `turnledger store export --format parquet`: `DuckDB`'s answers to the page's questions are the report's numbers.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};
use turnledger_export::parquet::{COLUMNS, Kind};
use turnledger_tests::golden::folder;
use turnledger_tests::program::{run_in, stderr, stdout};
use turnledger_tests::python::PYTHON;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn page() -> String {
    fs::read_to_string(repository().join("docs/parquet.md")).expect("the page")
}

fn done(home: &Path, arguments: &[&str]) -> (String, String) {
    let output = run_in(home, arguments, b"");
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
    (stdout(&output), stderr(&output))
}

/// A home whose store has traffic, files that only Codex wrote, and events without a time.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    let recordings = |version: &str| folder().join(version).display().to_string();
    done(home.path(), &["replay", "-q", "--store", &recordings("0.131.0"), &recordings("0.171.0")]);
    let rollouts = folder().with_file_name("rollouts").join("0.131.0").display().to_string();
    done(home.path(), &["import", "-q", &rollouts]);
    let file = home.path().join("events.jsonl");
    fs::write(&file, done(home.path(), &["replay", "-q", &recordings("0.169.0")]).0).expect("a file");
    done(home.path(), &["store", "add", &file.display().to_string()]);
    home
}

/// The folder that the page calls `events`.
fn export(home: &Path, arguments: &[&str]) -> PathBuf {
    let folder = home.join("events");
    let flags = ["store", "export", "--format", "parquet", "--output", &folder.display().to_string()];
    done(home, &[&flags, arguments].concat());
    folder
}

fn python(script: &str, arguments: &[&Path], folder: &Path, input: &Value) -> Value {
    let mut child = Command::new(&*PYTHON)
        .arg(repository().join("tests/tests/export").join(script))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    child.stdin.take().expect("its input").write_all(input.to_string().as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// All files of a folder and those in it, with their content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for day in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        for file in fs::read_dir(&day).into_iter().flatten().map(|entry| entry.expect("an entry").path()) {
            let name = file.strip_prefix(folder).expect("below it").display().to_string();
            found.insert(name, fs::read(&file).expect("a file"));
        }
    }
    found
}

/// The page's queries, each with the report whose numbers it has.
fn queries(page: &str) -> (String, Vec<(Vec<String>, String)>) {
    let blocks = page.split("```sql\n").skip(1).map(|part| part.split_once("```").expect("a fence").0);
    let (mut view, mut queries) = (String::new(), Vec::new());
    for block in blocks {
        match block.strip_prefix("-- turnledger ") {
            None if block.starts_with("CREATE VIEW") => block.clone_into(&mut view),
            // What no report of the program asks.
            None => queries.push((Vec::new(), block.to_owned())),
            Some(rest) => {
                let (command, query) = rest.split_once('\n').expect("a query below the command");
                queries.push((command.split(' ').map(str::to_owned).collect(), query.to_owned()));
            }
        }
    }
    (view, queries)
}

/// A report's rows, or its total, with what is unknown as a number of its own.
fn of_report(home: &Path, command: &[String]) -> Vec<Map<String, Value>> {
    let command: Vec<_> = command.iter().map(String::as_str).chain(["--format", "json"]).collect();
    let report: Value = serde_json::from_str(&done(home, &command).0).expect("JSON");
    let rows = report["rows"].as_array().cloned().unwrap_or_else(|| vec![report["total"].clone()]);
    let row = |row: Value| {
        let mut row = row.as_object().expect("a row").clone();
        let gaps = row.remove("gaps").unwrap_or_default();
        // What the page's queries count.
        let unknown = gaps["tokens"]["unknown"].as_u64().unwrap_or(0);
        row.insert("tokens_unknown".into(), unknown.into());
        row
    };
    // A day between others on which nothing was is in no file.
    let is_there = |row: &Map<String, Value>| row["sessions"] != 0 || row.values().next().is_some_and(Value::is_null);
    rows.into_iter().map(row).filter(is_there).collect()
}

#[test]
fn the_queries_of_the_page_answer_as_the_report() {
    let home = home();
    export(home.path(), &[]);
    let (view, queries) = queries(&page());
    let input: Vec<_> = [&view].into_iter().chain(queries.iter().map(|(_, query)| query)).collect();
    let answers = python("ask.py", &[], home.path(), &json!(input));
    let mut numbers = 0;
    for ((command, query), answer) in queries.iter().zip(&answers.as_array().expect("answers")[1..]) {
        let mut answer = answer.as_array().expect("rows").clone();
        if command.is_empty() {
            assert_eq!(answer.len(), 1, "nobody brought them to a collector: {query}");
            continue;
        }
        // A sum of no rows is null in SQL.
        for row in answer.iter_mut().filter(|row| row["turns"] == 0) {
            for name in ["tokens", "turn_time_ms"] {
                if row.get(name).is_some_and(Value::is_null) {
                    row[name] = json!(0);
                }
            }
        }
        let names: Vec<String> = answer[0].as_object().expect("a row").keys().cloned().collect();
        let of_names = |row: &Map<String, Value>| -> Value {
            names
                .iter()
                .map(|name| (name.clone(), row.get(name).cloned().unwrap_or_else(|| panic!("{name}"))))
                .collect()
        };
        let mut expected: Vec<Value> = of_report(home.path(), command).iter().map(of_names).collect();
        // Rows with the same number come in any order.
        expected.sort_by_key(Value::to_string);
        answer.sort_by_key(Value::to_string);
        assert_eq!(answer, expected, "{query}");
        numbers += names.len() * answer.len();
    }
    assert_eq!(queries.len(), 10);
    assert!(numbers > 500, "{numbers}");
}

#[test]
fn the_page_has_the_columns() {
    let rows = COLUMNS.iter().map(|column| {
        let kind = match column.kind {
            Kind::Text => "text",
            Kind::Whole => "number",
            Kind::Time => "time",
            _ => panic!("{column:?}"),
        };
        format!("| `{}` | {kind} | {} |\n", column.name, column.doc)
    });
    let rows: String = rows.collect();
    let page = page();
    let (before, rest) = page.split_once("|---|---|---|\n").expect("a table");
    let (written, after) = rest.split_at(rest.find("| `day`").expect("the last row"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let page = format!("{before}|---|---|---|\n{rows}{after}");
        fs::write(repository().join("docs/parquet.md"), page).expect("the page is written");
        return;
    }
    assert_eq!(written, rows, "UPDATE_DOCS=1 writes it");
}

#[test]
fn every_event_is_in_a_row_as_it_is_in_the_store() {
    let home = home();
    let folder = export(home.path(), &[]);
    let read = python("read.py", &[&folder], home.path(), &Value::Null);
    let kind = |kind: Kind| match kind {
        Kind::Whole => "int64",
        Kind::Time => "timestamp[ms, tz=UTC]",
        _ => "string",
    };
    let columns = COLUMNS.iter().map(|column| json!([column.name, kind(column.kind)]));
    // A reader makes it of the folders' names.
    let columns: Vec<_> =
        columns.chain([read["columns"].as_array().expect("columns").last().cloned().unwrap()]).collect();
    assert_eq!(read["columns"], json!(columns));
    assert_eq!(columns.last().map(|day| &day[0]), Some(&json!("day")));
    let mut rows: Vec<String> = Vec::new();
    for row in read["rows"].as_array().expect("rows") {
        let mut event = Map::new();
        event.insert("event_type".into(), row["type"].clone());
        if row["type"] == "skill_invocation" {
            event.insert("skill_id".into(), row["skill_id"].clone());
            event.insert("skill_name".into(), row["name"].clone());
        }
        let params = row["event_params"].as_str().expect("a text");
        event.insert("event_params".into(), serde_json::from_str(params).expect("JSON"));
        rows.push(Value::Object(event).to_string());
        assert_eq!(row["day"].as_str(), row["time"].as_str().map(|time| &time[..10]));
    }
    let mut stored: Vec<_> = done(home.path(), &["store", "export"]).0.lines().map(str::to_owned).collect();
    rows.sort();
    stored.sort();
    assert!(stored.len() > 700, "{}", stored.len());
    assert_eq!(rows, stored);
}

#[test]
fn an_export_takes_the_place_of_the_one_before() {
    let home = home();
    let folder = export(home.path(), &[]);
    let first = files(&folder);
    let names: Vec<_> = first.keys().map(String::as_str).collect();
    let expected = [
        "day=2026-11-21/part-0.parquet",
        "day=2026-11-28/part-0.parquet",
        "day=__HIVE_DEFAULT_PARTITION__/part-0.parquet",
    ];
    assert_eq!(names, expected);
    assert_eq!(files(&export(home.path(), &[])), first, "the same events are the same bytes");

    // What was killed leaves nothing, and what is not of an export stays.
    fs::write(folder.join(".turnledger-abc.tmp"), "half").expect("a file");
    fs::write(folder.join("day=2026-11-28/part-7.parquet"), "of an earlier export").expect("a file");
    fs::create_dir_all(folder.join("day=2026-11-02")).expect("a folder");
    fs::write(folder.join("day=2026-11-02/part-0.parquet"), "a day that is empty now").expect("a file");
    fs::write(folder.join("day=2026-11-02/notes.txt"), "somebody's").expect("a file");
    // A day of the period, and no other.
    done(home.path(), &["store", "forget", "--before", "2026-11-22", "--yes"]);
    let mut expected = first.clone();
    expected.extend([
        ("day=2026-11-02/notes.txt".into(), b"somebody's".to_vec()),
        ("day=2026-11-02/part-0.parquet".into(), b"a day that is empty now".to_vec()),
    ]);
    assert_eq!(files(&export(home.path(), &["--since", "2026-11-28"])), expected);
    assert!(!folder.join(".turnledger-abc.tmp").exists());
    expected.remove("day=2026-11-21/part-0.parquet");
    expected.remove("day=2026-11-02/part-0.parquet");
    assert_eq!(files(&export(home.path(), &[])), expected);
    assert!(!folder.join("day=2026-11-21").exists());

    let flags = ["store", "export", "--format", "parquet", "--output", &folder.display().to_string()];
    let refused = |arguments: &[&str]| {
        let output = run_in(home.path(), &[&flags, arguments].concat(), b"");
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()));
        assert_eq!(files(&folder), expected);
        stderr(&output)
    };
    assert_eq!(
        refused(&["--since", "2026-11-28T08:00:00Z"]),
        "turnledger: Parquet files are of whole days: give --since and --until as days, such as 2026-11-28\n"
    );
    let lock = fs::File::open(folder.join(".turnledger.lock")).expect("the lock");
    lock.lock().expect("it is free");
    let busy = format!("turnledger: another export writes to {}; try again when it has ended\n", folder.display());
    assert_eq!(refused(&[]), busy);
}
