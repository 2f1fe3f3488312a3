//! The core has no way to do I/O, read a clock or draw random numbers: it is `no_std`, so it cannot
//! name the standard library, and every crate it depends on is listed here. The ledger fits into any host.

use std::collections::BTreeSet;
use std::process::Command;

#[test]
fn the_core_is_no_std_and_without_unsafe_code() {
    let lib = include_str!("../../../core/src/lib.rs");
    for attribute in ["#![no_std]", "#![forbid(unsafe_code)]", "#![deny(missing_docs)]"] {
        assert!(lib.lines().any(|line| line == attribute), "{attribute}");
    }
    assert!(lib.contains("#[cfg(test)]\nextern crate std;"), "the standard library is for the core's tests alone");
    assert_eq!(lib.matches("extern crate std").count(), 1);
}

#[test]
fn the_core_depends_on_these_crates_alone() {
    let crates = crates(&["turnledger-core", "--edges", "normal"]);
    // What the core runs: hashing, serialisation, number formatting. What only the compiler runs
    // (derive macros) makes no difference to what the core can do.
    let runs = ["foldhash", "itoa", "memchr", "serde", "serde_core", "serde_json", "thiserror", "zmij"];
    let derives =
        ["proc-macro2", "quote", "serde_derive", "syn", "thiserror-impl", "turnledger-derive", "unicode-ident"];
    let expected: BTreeSet<&str> = runs.into_iter().chain(derives).chain(["turnledger-core"]).collect();
    assert_eq!(crates.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected);
}

#[test]
fn what_embeds_the_ledger_compiles_no_program_and_links_no_native_library() {
    let never = [
        // The program, and what is read and written by other crates of ours.
        "clap",
        "comfy-table",
        "csv",
        "gix",
        "tungstenite",
        "zstd",
        // Only one version of a native library can be linked, and that is the host's.
        "libgit2-sys",
        "libsqlite3-sys",
        "libz-sys",
        "openssl-sys",
        "rusqlite",
    ];
    for (features, most) in [(&[][..], 75), (&["--no-default-features"], 42)] {
        let crates = crates(&[&["turnledger", "--edges", "normal,build"], features].concat());
        let found: Vec<_> = never.into_iter().filter(|name| crates.contains(*name)).collect();
        assert_eq!(found, [""; 0], "{features:?}");
        let ours: Vec<_> = crates.iter().filter(|name| name.starts_with("turnledger")).collect();
        assert_eq!(ours, ["turnledger", "turnledger-core", "turnledger-derive"], "{features:?}");
        assert!(crates.len() <= most, "{} crates: {crates:?}", crates.len());
    }
}

#[test]
fn embedding_changes_no_crate_of_the_host() {
    let features = tree(&["turnledger", "--edges", "normal,build,features", "--all-features"]);
    let changes: Vec<_> = features.lines().filter(|line| line.contains("preserve_order")).collect();
    assert_eq!(changes, [""; 0], "JSON objects keep the order that the host chose");
}

/// The names of the crates that a package depends on, and its own.
fn crates(package: &[&str]) -> BTreeSet<String> {
    let tree = tree(&[package, &["--format", "{p}"]].concat());
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// What Cargo says of a package, a crate a line.
fn tree(package: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--prefix", "none", "--package"])
        .args(package)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("names of crates")
}
