//! `turnledger report`

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use turnledger_tests::attribution::{REMOTE, accept, repository};
use turnledger_tests::golden::folder;
use turnledger_tests::program::{run_in, stderr, stdout};

/// A home with a store of the recordings of versions.
fn home(versions: &[&str]) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    for version in versions {
        let recordings = folder().join(version);
        let output = run_in(home.path(), &["replay", "-q", "--store", recordings.to_str().expect("a path")], b"");
        assert_eq!(stderr(&output), "");
    }
    home
}

const BOTH: &[&str] = &["0.131.0", "0.171.0"];

fn report(home: &Path, arguments: &[&str]) -> String {
    let output = run_in(home, &[&["report", "--time-zone", "UTC"], arguments].concat(), b"");
    assert_eq!((stderr(&output), output.status.code()), (String::new(), Some(0)));
    stdout(&output)
}

fn complaint(home: &Path, arguments: &[&str]) -> String {
    let output = run_in(home, &[&["report"], arguments].concat(), b"");
    assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()));
    stderr(&output)
}

#[test]
fn a_store_that_is_not_there_or_empty_says_what_fills_it() {
    let home = tempfile::tempdir().expect("a folder");
    let store = home.path().join(".local/state/turnledger/events.db");
    let missing = format!("turnledger: {}: no store here; `turnledger import` makes one\n", store.display());
    assert_eq!(complaint(home.path(), &[]), missing);
    let output = run_in(home.path(), &["store", "add", "-"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let empty = format!(
        "turnledger: {}: the store is empty: `turnledger import` fills it from what Codex wrote to disk\n",
        store.display()
    );
    assert_eq!(complaint(home.path(), &[]), empty);
}

#[test]
fn every_form_has_the_same_numbers() {
    let home = home(BOTH);
    let json: Value =
        serde_json::from_str(&report(home.path(), &["--all", "--by", "model", "--format", "json"])).unwrap();
    let csv = report(home.path(), &["--all", "--by", "model", "--format", "csv"]);
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().expect("a header");
    let rows: Vec<Value> = lines
        .map(|cells| {
            let value =
                |cell: &str| serde_json::from_str(cell).unwrap_or_else(|_| json!((!cell.is_empty()).then_some(cell)));
            names.iter().zip(cells).map(|(name, cell)| ((*name).to_owned(), value(cell))).collect()
        })
        .collect();
    let of_json = json["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), of_json.len());
    assert!(rows.len() > 1);
    for (row, of_json) in rows.iter().zip(of_json) {
        for (name, value) in of_json.as_object().expect("an object").iter().filter(|(name, _)| *name != "gaps") {
            assert_eq!(&row[name], value, "{name}");
            let unknown = of_json["gaps"][name]["unknown"].as_u64();
            if let Some(column) = row.get(format!("{name}_unknown")) {
                assert_eq!(column.as_u64(), Some(unknown.unwrap_or(0)), "{name}");
            }
        }
    }
    assert_eq!(json["models"], json["rows"]);
    let all = report(home.path(), &["--all", "--format", "csv"]);
    for line in all.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[1], json["total"][cells[0]].to_string().replace("null", ""), "{line}");
    }
    let table = report(home.path(), &["--all"]);
    let turns = json["total"]["turns"].to_string();
    assert!(table.lines().any(|line| line.starts_with("Turns ") && line.contains(&format!(" {turns}  "))), "{table}");
    let markdown = report(home.path(), &["--all", "--format", "markdown"]);
    assert!(
        markdown.lines().any(|line| line.starts_with("| Turns") && line.contains(&format!(" {turns} |"))),
        "{markdown}"
    );
}

#[test]
fn every_table_fits_a_terminal() {
    let home = home(BOTH);
    for by in ["day", "week", "model", "repository", "client", "thread", "tool"] {
        let table = report(home.path(), &["--all", "--by", by]);
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        assert!(table.lines().any(|line| line.starts_with(by)), "{table}");
    }
    let table = report(home.path(), &["--all"]);
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(!table.contains('\u{1b}'), "no styles in a file");
    let output = home.path().join("report.txt");
    report(home.path(), &["--all", "--output", output.to_str().expect("a path")]);
    assert_eq!(fs::read_to_string(output).expect("the report"), table);
}

#[test]
fn prices_make_costs_and_name_what_has_none() {
    let home = home(BOTH);
    let json = |arguments: &[&str]| -> Value {
        let text = report(home.path(), &[&["--all", "--format", "json"], arguments].concat());
        serde_json::from_str(&text).expect("JSON")
    };
    let free = json(&[]);
    assert_eq!(free["total"]["cost_usd"], Value::Null);
    let models = free["models"].as_array().expect("models");
    let (first, others) = models.split_first().expect("a model");
    let model = first["model"].as_str().expect("its name");
    let prices = home.path().join("prices.json");
    let table = json!({ model: {
        "input_cost_per_token": 2e-6, "cache_read_input_token_cost": 5e-7, "output_cost_per_token": 1e-5,
        "input_cost_per_token_above_200k_tokens": 4e-6
    } });
    fs::write(&prices, table.to_string()).expect("the prices");
    let priced = json(&["--prices", prices.to_str().expect("a path")]);
    let tokens = |member: &str| first[member].as_f64().expect("tokens");
    let fresh = tokens("input_tokens") - tokens("cached_input_tokens");
    let cost = fresh * 2e-6 + tokens("cached_input_tokens") * 5e-7 + tokens("output_tokens") * 1e-5;
    let said = priced["total"]["cost_usd"].as_f64().expect("a cost");
    assert!((said - cost).abs() < 1e-9, "{said} {cost}");
    assert_eq!(priced["models"][0]["cost_usd"], priced["total"]["cost_usd"]);
    let missing = &priced["missing"];
    assert_eq!(missing["models_with_higher_prices_for_large_requests"], json!([model]));
    let unpriced: Vec<&Value> =
        missing["models_without_price"].as_array().expect("models").iter().map(|one| &one["model"]).collect();
    let mut named: Vec<&Value> = others.iter().map(|one| &one["model"]).filter(|model| !model.is_null()).collect();
    named.sort_by_key(|model| model.as_str());
    assert_eq!(unpriced, named);

    fs::write(&prices, "[]").expect("the prices");
    let path = prices.to_str().expect("a path");
    let said = format!("turnledger: cannot use the prices in {path}: no JSON object");
    assert!(complaint(home.path(), &["--all", "--prices", path]).starts_with(&said));
}

#[test]
fn a_period_without_events_says_where_they_are() {
    let home = home(&["0.131.0"]);
    let output = run_in(home.path(), &["report", "--time-zone", "UTC", "--until", "2020-01-31"], b"");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(0));
    assert!(said.starts_with("turnledger: the store has nothing of this time, its last event is of 202"), "{said}");
    assert!(stdout(&output).starts_with("2 January to 31 January 2020 (UTC)\n"), "{}", stdout(&output));
}

#[test]
fn numbers_are_explained() {
    let home = tempfile::tempdir().expect("a folder");
    let all = report(home.path(), &["--explain"]);
    assert!(all.contains("\ntokens (tokens)\n  Input and output of the turns."), "{all}");
    let one = report(home.path(), &["--explain", "turn_time_ms"]);
    assert!(one.starts_with("turn_time_ms: Time in turns (milliseconds)\n  How long the turns took"), "{one}");
    assert!(one.contains("It may be larger than it says (≥): a turn whose"), "{one}");
    let said = "turnledger: no number is called \"x\": `turnledger report --explain` lists them\n";
    assert_eq!(complaint(home.path(), &["--explain", "x"]), said);
}

/// The list of docs/report.md is what the program prints; it is written if `UPDATE_DOCS=1` is set.
#[test]
fn the_page_has_every_number() {
    let home = tempfile::tempdir().expect("a folder");
    let list = format!("```text\n{}```\n", report(home.path(), &["--explain"]));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("docs/report.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (before, _) = page.split_once("prints this list.\n\n").expect("the list's beginning");
    let expected = format!("{before}prints this list.\n\n{list}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).expect("the page");
    }
    assert_eq!(fs::read_to_string(&path).expect("the page"), expected);
}

#[test]
fn the_html_page_is_whole_and_says_what_the_json_says() {
    let home = home(&["0.131.0"]);
    let json: Value = serde_json::from_str(&report(home.path(), &["--all", "--format", "json"])).expect("JSON");
    let page = report(home.path(), &["--all", "--by", "tool", "--format", "html"]);
    assert_eq!(page, report(home.path(), &["--all", "--by", "tool", "--html"]));
    assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">") && page.ends_with("</main>\n</body>\n</html>\n"));
    let turns = json["total"]["turns"].to_string();
    assert!(page.contains(&format!("<dt>Turns</dt><dd class=\"value\">{turns}</dd>")), "{page}");
    for what in ["table", "section", "details", "svg", "tbody", "div"] {
        let (begun, ended) = (page.matches(&format!("<{what}")).count(), page.matches(&format!("</{what}>")).count());
        assert!(begun > 0 && begun == ended, "{what}: {begun} begin, {ended} end");
    }
    assert!(page.contains("<h2 id=\"rows\">By tool</h2>"), "{page}");
    for outside in ["<script", "<link", "src=", "href=", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

/// Lines are hashed without a key here.
#[test]
fn accepted_lines_that_still_stand_are_counted() {
    let (home, repo) = (tempfile::tempdir().expect("a folder"), repository());
    let events = accept(&repo, "events.jsonl", &["agent one", "agent two", "agent three"], &["--remote", REMOTE]);
    repo.write("agent.txt", "agent one\n");
    repo.write("other.txt", "  agent two\n");
    repo.commit("some of it");
    let added = run_in(home.path(), &["store", "add", &events], b"");
    assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));
    let folder = repo.argument();
    let whole = ["--all", "--repo", &folder];
    let json: Value =
        serde_json::from_str(&report(home.path(), &[&whole[..], &["--format", "json"]].concat())).unwrap();
    let expected = json!({
        "accepted_lines": 3, "lines_in_their_file": 1, "lines_in_another_file": 1, "files_not_read": 0,
        "events_of_another_scheme": {}, "events_without_hashes": 0, "events_without_repository": 0,
    });
    assert_eq!(json["still_there"], expected);
    let said = "Of 3 accepted lines that can be compared, 2 still stand in the latest commit (67 %), 1 of them in another file.";
    for format in ["table", "markdown", "html"] {
        let text = report(home.path(), &[&whole[..], &["--format", format]].concat());
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(said), "{format}: {text}");
    }
    // Lines that another key hashed cannot be compared, and that is said.
    let home = tempfile::tempdir().expect("a folder");
    let key = repo.keep("key", b"0123456789abcdef");
    let keyed = accept(&repo, "keyed.jsonl", &["agent four"], &["--remote", REMOTE, "--key-file", &key]);
    assert_eq!(run_in(home.path(), &["store", "add", &keyed], b"").status.code(), Some(0));
    // Neither is the repository known by a hash of that key.
    let output = run_in(home.path(), &[&["report"], &whole[..]].concat(), b"");
    let text = stdout(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("Not compared: 1 event of accepted lines, hashed by hmac-sha256"), "{text}");
    let json: Value = serde_json::from_str(&report(home.path(), &["--all", "--format", "json"])).unwrap();
    assert_eq!(json["still_there"], Value::Null);
}
