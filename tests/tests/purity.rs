//! The core has no way to do I/O, read a clock or draw random numbers: it is `no_std`, so it cannot
//! name the standard library, and every crate it depends on is listed here.

use std::collections::BTreeSet;
use std::process::Command;

#[test]
fn the_core_is_no_std_and_without_unsafe_code() {
    let lib = include_str!("../../core/src/lib.rs");
    for attribute in ["#![no_std]", "#![forbid(unsafe_code)]", "#![deny(missing_docs)]"] {
        assert!(lib.lines().any(|line| line == attribute), "{attribute}");
    }
    assert!(lib.contains("#[cfg(test)]\nextern crate std;"), "the standard library is for the core's tests alone");
    assert_eq!(lib.matches("extern crate std").count(), 1);
}

#[test]
fn the_core_depends_on_these_crates_alone() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--package",
            "turnledger-core",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("names of crates");
    let crates: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    // What the core runs: hash tables, serialisation, number formatting. What only the compiler runs
    // (derive macros) makes no difference to what the core can do.
    let runs = ["foldhash", "itoa", "memchr", "serde", "serde_core", "serde_json", "thiserror", "zmij"];
    let derives =
        ["proc-macro2", "quote", "serde_derive", "syn", "thiserror-impl", "turnledger-derive", "unicode-ident"];
    let expected: BTreeSet<&str> = runs.into_iter().chain(derives).chain(["turnledger-core"]).collect();
    assert_eq!(crates, expected);
}
