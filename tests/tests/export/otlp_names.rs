//! The pages about OpenTelemetry have the names that the code has.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use turnledger_export::otlp::{ATTRIBUTES, METRICS, SCHEMA_URL};

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).with_file_name("docs").join(name)
}

/// The table of a page behind its head, and its place.
fn table<'p>(page: &'p str, head: &str) -> (&'p str, usize) {
    let begin = page.find(head).unwrap_or_else(|| panic!("{head}")) + head.len();
    let end = page[begin..].find("\n\n").map_or(page.len(), |end| begin + end + 1);
    (&page[begin..end], begin)
}

#[test]
fn the_page_has_every_name() {
    let path = docs("opentelemetry.md");
    let mut page = fs::read_to_string(&path).expect("the page");
    let attributes = ATTRIBUTES.iter().map(|attribute| format!("| `{}` | {} |\n", attribute.name, attribute.doc));
    let metrics = METRICS.iter().map(|metric| {
        let kind = if metric.is_histogram { "histogram" } else { "sum" };
        let names: Vec<_> = metric.attributes.iter().map(|name| format!("`{name}`")).collect();
        format!("| `{}` | {kind}, `{}` | {} | {} |\n", metric.name, metric.unit, names.join(", "), metric.doc)
    });
    let expected = [
        ("| attribute | what it is |\n|---|---|\n", attributes.collect::<String>()),
        ("| metric | kind, unit | attributes | what it is |\n|---|---|---|---|\n", metrics.collect()),
    ];
    for (head, rows) in expected {
        let (written, begin) = table(&page, head);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let end = begin + written.len();
            page.replace_range(begin..end, &rows);
            fs::write(&path, &page).expect("the page is written");
        } else {
            assert_eq!(written, rows, "UPDATE_DOCS=1 writes it");
        }
    }
    assert!(page.contains(SCHEMA_URL), "{SCHEMA_URL}");
}

/// A metric's name as Prometheus has it: dots are `_`, the unit is behind it, and a sum ends in `_total`.
fn in_prometheus(name: &str, unit: &str, is_histogram: bool) -> Vec<String> {
    let name = name.replace('.', "_") + if unit == "s" { "_seconds" } else { "" };
    if is_histogram {
        ["_sum", "_count", "_bucket"].map(|end| format!("{name}{end}")).into()
    } else {
        vec![format!("{name}_total")]
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_exist() {
    let dashboard: Value =
        serde_json::from_str(&fs::read_to_string(docs("grafana.json")).expect("the dashboard")).expect("JSON");
    let known: BTreeSet<String> =
        METRICS.iter().flat_map(|metric| in_prometheus(metric.name, metric.unit, metric.is_histogram)).collect();
    let labels: BTreeSet<String> =
        METRICS.iter().flat_map(|metric| metric.attributes).map(|name| name.replace('.', "_")).collect();
    let mut queries = 0;
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().expect("a query");
            let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let ours: Vec<_> =
                words.filter(|word| word.starts_with("turnledger_") || word.starts_with("gen_ai_")).collect();
            assert!(ours.iter().any(|word| known.contains(*word)), "{query}");
            for word in ours {
                assert!(known.contains(word) || labels.contains(word), "{word}: {query}");
            }
            queries += 1;
        }
    }
    assert!(queries >= 10, "{queries}");
}
