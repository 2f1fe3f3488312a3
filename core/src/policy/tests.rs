//! Rules, alone and together.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{About, Change, Policy, PolicyError, Withheld};
use crate::digest::{Digest, Sha2};

const EVENT: &str = concat!(
    r#"{"event_type":"skill_invocation","skill_id":null,"skill_name":"doc","event_params":{"#,
    r#""app_server_client":{"product_client_id":"demo_editor","client_name":"demo"},"#,
    r#""thread_id":"01a22149-375a-7d92-8811-7e5737de75ec","created_at":1771000320,"started_at_ms":1771000302005,"#,
    r#""duration_ms":4000,"is_first":true,"plugins":[{"name":"a","id":"1"},{"name":"b\n","id":"2"}],"words":["x"],"none":{}}}"#
);

fn keyed() -> Sha2 {
    Sha2::keyed(b"a key of 16 bytes or more").unwrap()
}

fn applied(rules: &str) -> Result<String, Withheld> {
    Policy::new(rules, keyed()).unwrap().apply(EVENT)
}

fn hash(text: &str) -> String {
    keyed().digest(&[b"member\0", text.as_bytes()]).to_string()
}

#[test]
fn without_rules_all_leaves() {
    assert_eq!(applied("{}"), Ok(EVENT.into()));
    assert_eq!(applied(r#"{"allow_events":["*"],"allow_members":["*"],"allow_clients":["demo_*"]}"#), Ok(EVENT.into()));
}

#[test]
fn events_and_clients() {
    for (rules, withheld) in [
        (r#"{"allow_events":[]}"#, Withheld::Event),
        (r#"{"allow_events":["codex_turn_*"]}"#, Withheld::Event),
        (r#"{"allow_events":["*"],"drop_events":["skill_*"]}"#, Withheld::Event),
        (r#"{"drop_clients":["demo_*"]}"#, Withheld::Client),
        (r#"{"allow_clients":["other"]}"#, Withheld::Client),
    ] {
        assert_eq!(applied(rules), Err(withheld), "{rules}");
    }
    let policy = Policy::new(r#"{"drop_clients":["other"]}"#, keyed()).unwrap();
    assert_eq!(policy.apply(r#"{"event_type":"a","event_params":{}}"#), Err(Withheld::UnknownClient));
    // A client that is judged need not leave.
    let without_client = r#"{"allow_clients":["demo_editor"],"allow_members":["skill_name"]}"#;
    let left = r#"{"event_type":"skill_invocation","skill_name":"doc","event_params":{}}"#;
    assert_eq!(applied(without_client), Ok(left.into()));
}

#[test]
fn members() {
    let rules = concat!(
        r#"{"drop_members":["client_name","plugins.id","skill_invocation.words","skill_id","none"],"#,
        r#""hash_members":["*.plugins.name","thread_id","duration_ms","skill_id"],"coarsen_times":"hour"}"#
    );
    let mut changes = Vec::new();
    let policy = Policy::new(rules, keyed()).unwrap();
    let left = policy.explain(EVENT, &mut |path, change| changes.push((path.to_string(), change)));
    let expected = alloc::format!(
        concat!(
            r#"{{"event_type":"skill_invocation","skill_name":"doc","event_params":{{"#,
            r#""app_server_client":{{"product_client_id":"demo_editor"}},"#,
            r#""thread_id":"{}","created_at":1770998400,"started_at_ms":1770998400000,"#,
            r#""is_first":true,"plugins":[{{"name":"{}"}},{{"name":"{}"}}]}}}}"#
        ),
        hash("01a22149-375a-7d92-8811-7e5737de75ec"),
        hash("a"),
        hash("b\n"),
    );
    assert_eq!(left, Ok(expected));
    let path = |name: &str| alloc::format!("skill_invocation.{name}");
    assert_eq!(
        changes,
        [
            (path("skill_id"), Change::LeftOut),
            (path("app_server_client.client_name"), Change::LeftOut),
            (path("thread_id"), Change::Hashed),
            (path("created_at"), Change::Coarsened),
            (path("started_at_ms"), Change::Coarsened),
            // A hash of a number would be no number.
            (path("duration_ms"), Change::LeftOut),
            (path("plugins.name"), Change::Hashed),
            (path("plugins.id"), Change::LeftOut),
            (path("plugins.name"), Change::Hashed),
            (path("plugins.id"), Change::LeftOut),
            (path("words"), Change::LeftOut),
        ]
    );
}

#[test]
fn what_holds_for_an_object_holds_in_it() {
    let left = r#"{"event_type":"skill_invocation","event_params":{"app_server_client":{"client_name":"demo"}}}"#;
    let rules = r#"{"allow_members":["app_server_client"],"drop_members":["product_client_id"]}"#;
    assert_eq!(applied(rules), Ok(left.into()));
}

#[test]
fn times_hide_in_ids() {
    let left = applied(r#"{"allow_members":["thread_id"],"coarsen_times":"hour"}"#).unwrap();
    assert!(left.contains(&hash("01a22149-375a-7d92-8811-7e5737de75ec")), "{left}");
}

#[test]
fn policies_that_cannot_be_kept() {
    let error = |rules: &str| Policy::new(rules, keyed()).unwrap_err();
    let name = String::from;
    assert_eq!(error(r#"{"drop_event":[]}"#), PolicyError::UnknownRule(name("drop_event")));
    assert_eq!(error(r#"{"drop_events":[],"drop_events":[]}"#), PolicyError::Repeated(name("drop_events")));
    assert_eq!(error(r#"{"drop_events":[""]}"#), PolicyError::EmptyName(name("drop_events")));
    assert_eq!(error(r#"{"coarsen_times":"day"}"#), PolicyError::Coarseness);
    // Rules that would do nothing.
    assert_eq!(error(r#"{"drop_events":["codex_hook_runs"]}"#), PolicyError::UnknownEvent(name("drop_events")));
    assert_eq!(error(r#"{"drop_members":["event_params.model"]}"#), PolicyError::Params(name("drop_members")));
    for text in ["", "[]", "{}x", r#"{"drop_events":"x"}"#, r#"{"drop_events":[1]}"#, r#"{"coarsen_times":true}"#] {
        assert!(matches!(error(text), PolicyError::Unreadable(_)), "{text}");
    }
    for rules in [r#"{"hash_members":["model"]}"#, r#"{"coarsen_times":"hour"}"#] {
        assert_eq!(Policy::new(rules, Sha2::default()).unwrap_err(), PolicyError::NoKey);
    }
}

#[test]
fn what_is_no_event_stays() {
    let policy = Policy::new("{}", keyed()).unwrap();
    let deep =
        alloc::format!(r#"{{"event_type":"a","event_params":{{"x":{}1{}}}}}"#, "[".repeat(5000), "]".repeat(5000));
    for text in ["", "{}", r#"{"event_type":1}"#, r#"{"event_type":"a","event_params":{}"#, "x", &deep] {
        assert_eq!(policy.apply(text), Err(Withheld::Unreadable), "{text:.40}");
    }
}

#[test]
fn the_rule_that_decides() {
    let policy = Policy::new(
        r#"{"allow_events":["codex_*"],"drop_events":["codex_hook_run"],"drop_clients":["demo_*"],
            "allow_repositories":["github.com/acme/*"],"drop_repositories":["github.com/acme/secret"]}"#,
        Sha2::default(),
    )
    .unwrap();
    for (about, expected) in [
        (About::Event("codex_turn_event"), None),
        (About::Event("codex_hook_run"), Some("`drop_events` has `codex_hook_run`")),
        (About::Event("skill_invocation"), Some("`allow_events` does not have it")),
        (About::Client("editor"), None),
        (About::Client("demo_editor"), Some("`drop_clients` has `demo_*`")),
        (About::Remote("github.com/Acme/widget"), None),
        (About::Remote("github.com/acme/secret"), Some("`drop_repositories` has `github.com/acme/secret`")),
        (About::Remote("github.com/other/widget"), Some("`allow_repositories` does not have it")),
    ] {
        let deciding = policy.deciding(about).map(|deciding| deciding.to_string());
        assert_eq!(deciding.as_deref(), expected, "{about:?}");
    }
}
