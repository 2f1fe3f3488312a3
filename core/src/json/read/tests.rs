//! The reader beside `serde_json`: what one takes, the other takes.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Raw, Read, ReadError, Reader, from_str};

/// Texts that are JSON, or nearly.
fn nearly_json() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\\", "null", "true", "false", "0", "-", "1", "12", ".5", "e3", "E-7",
            " ", "\n", "\t", "\\n", "\\u0041", "\\ud83d\\ude00", "\\ud800", "\\udc00", "\\u12", "\\x", "\"a\"", "\"k\":", "\"é😀\"",
            "18446744073709551615", "18446744073709551616", "-9223372036854775808", "-0", "01", "\u{1}", "[]", "{}",
            "{\"a\":1}", "[1,2]", "[1,]", "{\"a\":1,}", "nul", "plain text of some length, longer than sixteen bytes",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Whether both read a text to the same value.
fn agree<T: for<'a> Read<'a> + for<'a> Deserialize<'a> + PartialEq + core::fmt::Debug>(text: &str) {
    assert_eq!(from_str::<T>(text).ok(), serde_json::from_str::<T>(text).ok(), "{text}");
}

proptest! {
    // Miri, which interprets the program, has its patience.
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 4096 }))]

    #[test]
    fn takes_what_serde_json_takes(text in nearly_json()) {
        for text in [text.clone(), format!("[{text}]"), format!("{{\"a\":{text}}}"), format!("\"{text}\"")] {
            prop_assert_eq!(from_str::<Raw<'_>>(&text).is_ok(), serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{}", text);
            agree::<String>(&text);
            agree::<Option<bool>>(&text);
            agree::<i64>(&text);
            agree::<u64>(&text);
            agree::<u16>(&text);
            agree::<Vec<i64>>(&text);
            agree::<(u64, String)>(&text);
            agree::<BTreeMap<String, u64>>(&text);
        }
    }

    #[test]
    fn reads_what_serde_json_writes(map: BTreeMap<String, Vec<Option<i64>>>, text: String) {
        let written = serde_json::to_string(&map).unwrap();
        prop_assert_eq!(from_str::<BTreeMap<String, Vec<Option<i64>>>>(&written).unwrap(), map);
        let written = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(from_str::<String>(&written).unwrap(), text);
    }
}

/// Forms that are rare enough for a random text not to hit on them.
#[test]
fn every_form_of_numbers_and_strings() {
    let numbers = [
        "0", "-0", "00", "01", "-01", "10", "-", "1.", "1.0", "1.05", ".5", "1e5", "1E5", "1e+5", "1e-05", "1e", "1e+",
    ];
    let limits = ["9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"];
    let larger =
        ["18446744073709551615", "18446744073709551616", "-18446744073709551616", "0e0", "0.0", "00.5", "-1.5e+300"];
    let escapes = [
        "b",
        "f",
        "n",
        "r",
        "t",
        "/",
        "\\",
        "\"",
        "a",
        "u00e9",
        "u00E9",
        "uAbCd",
        "u00eg",
        "u00e",
        "ud83d\\ude00",
        "uD83D\\uDE00",
    ];
    let numbers = numbers.into_iter().chain(limits).chain(larger).map(str::to_owned);
    for text in numbers.chain(escapes.map(|escape| format!("\"a\\{escape}z\""))) {
        for text in [text.clone(), format!("[{text}]"), format!("[{text},1]"), format!("{{\"a\":{text} }}")] {
            let expected = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            assert_eq!(from_str::<Raw<'_>>(&text).is_ok(), expected, "{text}");
        }
        agree::<u64>(&text);
        agree::<i64>(&text);
        agree::<u16>(&text);
        agree::<String>(&text);
        agree::<Vec<u64>>(&format!("[{text},2]"));
        agree::<Vec<String>>(&format!("[{text},\"\"]"));
    }
}

/// Each depth, and one that closes what it has not opened.
#[test]
fn deep_values_are_passed_over() {
    for depth in 1..200 {
        let open = |level: usize| if level.is_multiple_of(3) { "{\"a\":" } else { "[" };
        let close = |level: usize| if level.is_multiple_of(3) { "}" } else { "]" };
        let deep = (0..depth).map(open).collect::<String>() + "1" + &(0..depth).rev().map(close).collect::<String>();
        assert_eq!(from_str::<Raw<'_>>(&deep).unwrap().0, deep);
        for wrong in [0, depth / 2, depth - 1] {
            let mut wrongly_closed = deep.clone().into_bytes();
            let place = deep.len() - 1 - wrong;
            wrongly_closed[place] = if wrongly_closed[place] == b'}' { b']' } else { b'}' };
            let error = from_str::<Raw<'_>>(core::str::from_utf8(&wrongly_closed).unwrap()).err().unwrap();
            assert_eq!(error.column, place + 1);
        }
    }
}

#[derive(Debug, PartialEq, Read)]
#[serde(rename_all = "camelCase")]
struct Example {
    first_member: u64,
    #[serde(default)]
    second: bool,
    third: Option<String>,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Debug, PartialEq, Read)]
struct Rest {
    #[serde(alias = "old_kind")]
    kind: Kind,
}

#[derive(Debug, PartialEq, Read)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Plain,
    WithNumber(u64),
    WithMembers { member: bool },
}

fn error(text: &str) -> (String, usize) {
    let error: ReadError = from_str::<Example>(text).unwrap_err();
    (error.problem.to_string(), error.column())
}

#[test]
fn structs_and_enums_as_serde_has_them() {
    for (text, expected) in [
        (
            r#"{"firstMember":1,"second":true,"third":"x","kind":"plain"}"#,
            Example { first_member: 1, second: true, third: Some("x".into()), rest: Rest { kind: Kind::Plain } },
        ),
        (
            r#"{"firstMemberOfMany":0,"first":0,"firstMember":1,"kind":"plain"}"#,
            Example { first_member: 1, second: false, third: None, rest: Rest { kind: Kind::Plain } },
        ),
        (
            r#" { "unknown" : [ { } ] , "old_kind" : { "with_number" : 7 } , "firstMember" : 2 } "#,
            Example { first_member: 2, second: false, third: None, rest: Rest { kind: Kind::WithNumber(7) } },
        ),
        (
            r#"{"kind":{"with_members":{"member":true,"more":1}},"third":null,"first\u004dember":3}"#,
            Example {
                first_member: 3,
                second: false,
                third: None,
                rest: Rest { kind: Kind::WithMembers { member: true } },
            },
        ),
    ] {
        assert_eq!(from_str::<Example>(text), Ok(expected), "{text}");
    }
}

#[test]
fn errors_say_what_and_where_and_nothing_of_the_content() {
    for (text, problem, column) in [
        ("", "JSON that ends too early", 1),
        ("[]", "something other than an object", 1),
        ("{}", "no member `kind`", 2),
        (r#"{"kind":"plain"}"#, "no member `firstMember`", 16),
        (r#"{"firstMember":"secret"}"#, "something other than an integer of the right size", 16),
        (r#"{"firstMember":1.5}"#, "something other than an integer of the right size", 16),
        (r#"{xfirstMember":1}"#, "no JSON", 2),
        (r#"{"firstMember":1,"firstMember":1}"#, "a member twice", 32),
        (r#"{"firstMember":1,"kind":"secret"}"#, "a value that is not known", 25),
        (r#"{"firstMember":1,"kind":"with_number"}"#, "a value that is not known", 25),
        (r#"{"firstMember":1,"kind":{}}"#, "something other than an object of one member", 25),
        (r#"{"firstMember":1,"other":secret}"#, "no JSON", 26),
        (r#"{"firstMember":1 "#, "JSON that ends too early", 18),
        (r#"{"firstMember":1,"third":"a\secret"}"#, "no JSON", 29),
        (r#"{"firstMember":1,"other":[1}"#, "no JSON", 28),
        (r#"{"firstMember":1,"kind":"plain"}x"#, "no JSON", 33),
    ] {
        assert_eq!(error(text), (problem.to_owned(), column), "{text}");
    }
    assert_eq!(from_str::<Rest>(r#"{xkind":"plain"}"#).map_err(|error| error.column()), Err(2));
}

#[test]
fn tags_wherever_they_stand() {
    for (text, expected) in [
        (r#"{"kind":"a"}"#, Ok("a")),
        (r#"{"x":{"kind":"b"},"y":[1],"kind":"a","z":2}"#, Ok("a")),
        ("{}", Err(("no member `kind`", 1))),
        (r#"{"x":1}"#, Err(("no member `kind`", 1))),
        (r#"{"x":1;"kind":"a"}"#, Err(("no JSON", 7))),
        (r#"{"kind":1}"#, Err(("something other than a string", 9))),
    ] {
        let mut reader = Reader::new(text);
        let tag = reader.tag("kind").map_err(|_| reader.error());
        let tag = tag.map_err(|error| (error.problem.to_string(), error.column()));
        let expected = expected.map_err(|(problem, column): (&str, usize)| (problem.to_owned(), column));
        assert_eq!(tag.as_deref(), expected.as_deref(), "{text}");
        assert!(tag.is_err() || reader.peek().is_ok_and(|byte| byte == b'{'), "what has the tag is read afterwards");
    }
}

#[test]
fn a_deep_text_needs_no_deep_stack() {
    let depth = if cfg!(miri) { 1_000 } else { 1_000_000 };
    let deep = "[".repeat(depth);
    assert!(from_str::<Raw<'_>>(&deep).is_err());
    let closed = deep.clone() + &"]".repeat(depth);
    assert!(from_str::<Raw<'_>>(&closed).is_ok());
    let mut reader = Reader::new(&closed);
    assert!(reader.skip().is_ok() && reader.end().is_ok());
}
