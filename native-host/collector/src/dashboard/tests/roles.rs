//! Who may ask what, and whose answers each gets.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{DAY, MONDAY, Team, lines, turn};
use crate::accounts::UserKind;

/// What is asked, and what an owner, an analyst, a viewer, a member, and nobody gets.
const TABLE: [(&str, &str, &str, [u16; 5]); 20] = [
    ("GET", "/api/me", "", [200, 200, 200, 200, 401]),
    ("GET", "/api/definitions", "", [200, 200, 200, 200, 401]),
    ("GET", "/api/choices", "", [200, 200, 200, 200, 401]),
    ("GET", "/api/report", "", [200, 200, 200, 200, 401]),
    ("GET", "/api/report?by=team", "", [200, 200, 200, 400, 401]),
    ("GET", "/api/report?by=person", "", [200, 200, 400, 400, 401]),
    ("GET", "/api/report?by=day", "", [200, 200, 400, 200, 401]),
    ("GET", "/api/report?by=thread", "", [400, 400, 400, 400, 401]),
    ("GET", "/api/report?person=ada", "", [200, 200, 400, 400, 401]),
    ("GET", "/api/sessions", "", [200, 200, 403, 200, 401]),
    ("GET", "/api/sessions/1.of-ada", "", [200, 200, 403, 200, 401]),
    ("GET", "/api/sessions/2.of-bob", "", [200, 200, 403, 404, 401]),
    ("GET", "/api/export?format=csv", "", [200, 200, 200, 200, 401]),
    ("GET", "/api/export?format=jsonl", "", [200, 200, 403, 200, 401]),
    ("GET", "/api/tokens", "", [200, 403, 403, 403, 401]),
    ("POST", "/api/tokens", r#"{"person":"cid","team":null}"#, [201, 403, 403, 403, 401]),
    ("DELETE", "/api/tokens/1", "", [204, 403, 403, 403, 401]),
    ("GET", "/api/users", "", [200, 403, 403, 403, 401]),
    ("POST", "/api/users", r#"{"name":"new","role":"viewer","person":null}"#, [201, 403, 403, 403, 401]),
    ("DELETE", "/api/users/5", "", [204, 403, 403, 403, 401]),
];

const REPOSITORY_A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const REPOSITORY_B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

struct Cookies {
    owner: String,
    analyst: String,
    viewer: String,
    member: String,
}

/// Ada and Bob, and a user of each role; the member is Ada.
fn team() -> (Team, Cookies) {
    let mut team = Team::new(2);
    let at = MONDAY + DAY;
    team.receive("ada", Some("core"), &[turn("of-ada", ("gpt", "vscode"), at, 10), lines("of-ada", REPOSITORY_A, at)]);
    team.receive("bob", Some("zebra"), &[turn("of-bob", ("o9", "cli"), at, 7), lines("of-bob", REPOSITORY_B, at)]);
    let sign_in = |name: &str, kind: &UserKind| team.sign_in(&team.user(name, kind));
    let cookies = Cookies {
        owner: sign_in("owner", &UserKind::Owner),
        analyst: sign_in("analyst", &UserKind::Analyst),
        viewer: sign_in("viewer", &UserKind::Viewer),
        member: sign_in("ada", &UserKind::Member("ada".into())),
    };
    (team, cookies)
}

#[test]
fn each_role_may_ask_what_the_table_says() {
    let (team, cookies) = team();
    team.collector.accounts().add_token("ada", None, turnledger_core::UnixMillis(1)).unwrap();
    team.user("to be revoked", &UserKind::Viewer);
    let all = [&cookies.analyst, &cookies.viewer, &cookies.member, &String::new(), &cookies.owner];
    for (method, path, body, [owner, analyst, viewer, member, nobody]) in TABLE {
        for (cookie, expected) in all.into_iter().zip([analyst, viewer, member, nobody, owner]) {
            let answer = team.ask(method, path, cookie, body);
            assert_eq!(answer.status.as_u16(), expected, "{method} {path} of {cookie:.30}: {}", answer.text);
            if answer.status.is_client_error() {
                let said = answer.json();
                assert!(said["error"].as_str().is_some_and(|text| text.ends_with('.')), "{said}");
            }
            if path.starts_with("/api/") && expected != 204 {
                assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
            }
        }
    }
}

#[test]
fn a_clients_token_is_no_key() {
    let (team, _) = team();
    let (_, token) = team.collector.accounts().add_token("ada", None, turnledger_core::UnixMillis(1)).unwrap();
    for (key, said) in [
        (token.expose(), "This is a client's token, which only sends. A user's key begins with tlk_."),
        ("tlk_wrong", "No user signs in with this key."),
    ] {
        let answer = team.ask("POST", "/api/session", "", &json!({ "key": key }).to_string());
        let expected = json!({ "error": said });
        assert_eq!((answer.status, answer.json()), (StatusCode::UNAUTHORIZED, expected));
    }
}

#[test]
fn nobody_learns_of_another() {
    let (team, cookies) = team();
    let paths = [
        "/api/choices",
        "/api/report",
        "/api/report?by=model",
        "/api/report?by=client&model=o9",
        "/api/report?by=repository&repository=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "/api/report?team=zebra",
        "/api/sessions",
        "/api/sessions?team=zebra",
        "/api/sessions/1.of-ada",
        "/api/export?format=jsonl",
        "/api/export?format=csv&by=model",
    ];
    for path in paths {
        let text = team.get(path, &cookies.member).text;
        for of_bob in ["bob", "zebra", "o9", "\"cli\"", REPOSITORY_B, "of-bob"] {
            assert!(!text.contains(of_bob), "{path}: {text}");
        }
        let text = team.get(path, &cookies.analyst).text;
        for person in ["\"ada\"", "bob"] {
            assert!(!text.replace("of-bob", "").contains(person), "{path}: {text}");
        }
    }
    let report = team.get("/api/report", &cookies.member).json();
    assert_eq!(report["total"]["numbers"]["input_tokens"], 10);
    let nothing = team.get("/api/report?team=zebra", &cookies.member).json();
    assert_eq!((&nothing["events"], &nothing["total"]["numbers"]["turns"]), (&json!(0), &json!(0)));
    // A member whose tokens brought nothing.
    let nobody = team.sign_in(&team.user("cid", &UserKind::Member("cid".into())));
    assert_eq!(team.get("/api/sessions", &nobody).json(), json!({ "sessions": [], "next": null, "total": 0 }));
    assert_eq!(team.get("/api/export?format=jsonl", &nobody).text, "");
    assert_eq!(
        team.get("/api/choices", &nobody).json(),
        json!({
            "teams": [], "persons": [], "models": [], "clients": [], "repositories": []
        })
    );
}

#[test]
fn an_analyst_tells_persons_apart_without_knowing_them() {
    let (team, cookies) = team();
    let persons = |cookie: &str| -> BTreeSet<String> {
        let found = team.get("/api/choices", cookie).json();
        found["persons"].as_array().unwrap().iter().map(|person| person.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(persons(&cookies.owner), ["ada", "bob"].map(String::from).into());
    let pseudonyms = persons(&cookies.analyst);
    assert!(pseudonyms.len() == 2 && pseudonyms.iter().all(|name| name.starts_with("P-") && name.len() == 12));
    let mut found = Vec::new();
    for name in &pseudonyms {
        let rows = team.get(&format!("/api/report?by=person&person={name}"), &cookies.analyst).json();
        assert_eq!((&rows["rows"][0]["key"], rows["rows"].as_array().unwrap().len()), (&json!(name), 1));
        let sessions = team.get(&format!("/api/sessions?person={name}"), &cookies.analyst).json();
        assert_eq!((&sessions["sessions"][0]["person"], &sessions["total"]), (&json!(name), &json!(1)));
        found.push(sessions["sessions"][0]["thread_id"].clone());
    }
    found.sort_by_key(ToString::to_string);
    assert_eq!(found, ["of-ada", "of-bob"]);
    // The name itself finds nobody.
    assert_eq!(team.get("/api/sessions?person=ada", &cookies.analyst).json()["total"], 0);
}

#[test]
fn a_session_is_its_events() {
    let (team, cookies) = team();
    let found = team.get("/api/sessions/1.of-ada", &cookies.owner).json();
    let session = &found["session"];
    let head = ["id", "thread_id", "team", "person", "client", "models", "repository"].map(|name| &session[name]);
    let expected = [
        "1.of-ada".into(),
        "of-ada".into(),
        "core".into(),
        "ada".into(),
        "vscode".into(),
        json!(["gpt"]),
        REPOSITORY_A.into(),
    ];
    assert_eq!(head, expected.each_ref());
    assert_eq!((&session["numbers"]["turns"], &session["numbers"]["added_lines"]), (&json!(1), &json!(3)));
    let at = MONDAY + DAY;
    let mut expected = [turn("of-ada", ("gpt", "vscode"), at, 10), lines("of-ada", REPOSITORY_A, at)];
    let events: Vec<Value> = found["events"].as_array().unwrap().iter().map(|event| event["event"].clone()).collect();
    assert!(found["events"].as_array().unwrap().iter().all(|event| event["at"] == at));
    expected.sort_by_key(|event| events.iter().position(|found| found["event_type"] == event["event_type"]));
    assert_eq!(events[0], expected[0]);
    assert_eq!(events.len(), 2);
    assert_eq!((&found["unreadable_events"], &found["events_left_out"]), (&json!(0), &json!(0)));
    for id in ["1.", ".of-ada", "of-ada", "x.of-ada", "2.of-ada", "9.of-ada", "1.of-nobody"] {
        assert_eq!(team.get(&format!("/api/sessions/{id}"), &cookies.owner).status, StatusCode::NOT_FOUND, "{id}");
    }
}

#[test]
fn an_export_has_every_event_or_row() {
    let (team, cookies) = team();
    let lines = |path: &str| team.get(path, &cookies.owner).text.lines().map(ToOwned::to_owned).collect::<Vec<_>>();
    assert_eq!(lines("/api/export?format=jsonl").len(), 4);
    assert_eq!(lines("/api/export?format=jsonl&model=o9").len(), 2);
    assert_eq!(lines("/api/export?format=jsonl&since=2026-11-04").len(), 0);
    let csv = lines("/api/export?format=csv&by=team");
    assert!(csv[0].starts_with("team,sessions,threads,") && csv[0].ends_with("_unknown"), "{}", csv[0]);
    assert!(csv[1].starts_with("core,1,1,0,1,") && csv[2].starts_with("zebra,1,1,0,1,") && csv.len() == 3, "{csv:?}");
    let answer = team.get("/api/export?format=csv", &cookies.viewer);
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"turnledger.csv\"");
    assert!(answer.text.starts_with("total,turns,") && !answer.text.contains("sessions,"), "{}", answer.text);
    for path in ["/api/export", "/api/export?format=xls", "/api/export?format=csv&format=csv"] {
        assert_eq!(team.get(path, &cookies.owner).status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[test]
fn a_formula_is_only_text() {
    let mut team = Team::new(2);
    team.receive("ada", None, &[turn("a", ("=1+1", "cli"), MONDAY, 1)]);
    let owner = team.sign_in(&team.user("owner", &UserKind::Owner));
    let csv = team.get("/api/export?format=csv&by=model", &owner).text;
    assert!(csv.lines().nth(1).unwrap().starts_with("'=1+1,"), "{csv}");
}

#[test]
fn what_is_no_question_is_refused() {
    let (team, cookies) = team();
    let questions = [
        "since=yesterday",
        "since=2026-11-29&until=2026-11-28",
        "since=1000-01-01",
        "since=2026-11-01&since=2026-11-02",
        "what=1",
        "by=nothing",
        "limit=5",
    ];
    for question in questions {
        let answer = team.get(&format!("/api/report?{question}"), &cookies.owner);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{question}: {}", answer.text);
    }
    for question in ["limit=0", "limit=201", "limit=x", "after=x", "after=1.x", "after=1"] {
        let answer = team.get(&format!("/api/sessions?{question}"), &cookies.owner);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{question}");
    }
    for body in ["", "{}", "[]", r#"{"person":1}"#, r#"{"person":"a","team":null,"more":1}"#] {
        let answer = team.ask("POST", "/api/tokens", &cookies.owner, body);
        assert!(answer.status.is_client_error() && answer.json()["error"].is_string(), "{body}");
    }
    for (body, status) in [
        (r#"{"name":"a","role":"king"}"#, 400),
        (r#"{"name":"a","role":"member"}"#, 400),
        (r#"{"name":"a","role":"owner","person":"a"}"#, 400),
        (r#"{"name":"","role":"owner"}"#, 400),
        (r#"{"name":"owner","role":"owner"}"#, 409),
    ] {
        assert_eq!(team.ask("POST", "/api/users", &cookies.owner, body).status.as_u16(), status, "{body}");
    }
    assert_eq!(team.ask("DELETE", "/api/users/1", &cookies.owner, "").status, StatusCode::CONFLICT);
    assert_eq!(team.ask("DELETE", "/api/tokens/99", &cookies.owner, "").status, StatusCode::NOT_FOUND);
    assert_eq!(team.ask("DELETE", "/api/tokens/x", &cookies.owner, "").status, StatusCode::NOT_FOUND);
}

#[test]
fn one_is_signed_in_until_one_is_not() {
    let (team, cookies) = team();
    let is_in = |cookie: &str| team.get("/api/me", cookie).status == StatusCode::OK;
    let answer =
        team.ask("POST", "/api/session", "", &json!({ "key": team.user("new", &UserKind::Owner) }).to_string());
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    let (value, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=43200");
    assert!(value.starts_with("__Host-turnledger=tls_"));
    // Beside other cookies.
    assert!(is_in(&format!("a=b; {value}; c=d")) && !is_in("__Host-turnledger=tls_x") && !is_in("turnledger=1"));

    // Signing out ends it, whoever kept the cookie.
    assert_eq!(team.ask("DELETE", "/api/session", value, "").status, StatusCode::NO_CONTENT);
    assert!(!is_in(value));
    // So does revoking the user, and time.
    team.ask("DELETE", "/api/users/2", &cookies.owner, "");
    assert!(!is_in(&cookies.analyst) && is_in(&cookies.viewer));
    team.set_now(MONDAY + 10 * DAY + DAY / 2);
    assert!(!is_in(&cookies.viewer));

    // A key that is none is counted.
    let wrong = |_| team.ask("POST", "/api/session", "", r#"{"key":"tlk_wrong"}"#);
    let answers: Vec<_> = (0..21).map(wrong).collect();
    assert!(answers[..20].iter().all(|answer| answer.status == StatusCode::UNAUTHORIZED));
    assert_eq!(answers[20].status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answers[20].headers.contains_key("retry-after"));
    assert!(answers.iter().all(|answer| !answer.text.contains("tlk_")));
}

#[test]
fn another_sites_page_changes_nothing() {
    let (team, cookies) = team();
    let send = |headers: &[(&str, &str)]| {
        let mut request = Request::builder()
            .method("POST")
            .uri("/api/tokens")
            .header("cookie", &cookies.owner)
            .header("host", "ledger.example")
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        team.send(request.body(Body::from(r#"{"person":"eve","team":null}"#)).unwrap()).status.as_u16()
    };
    let ours = ("x-turnledger", "1");
    assert_eq!(send(&[]), 403);
    assert_eq!(send(&[ours, ("origin", "https://evil.example")]), 403);
    assert_eq!(send(&[ours, ("origin", "null")]), 403);
    assert_eq!(send(&[ours, ("sec-fetch-site", "cross-site")]), 403);
    assert_eq!(send(&[ours, ("sec-fetch-site", "same-site")]), 403);
    assert_eq!(send(&[ours, ("origin", "https://ledger.example"), ("sec-fetch-site", "same-origin")]), 201);
    let tokens = team.get("/api/tokens", &cookies.owner).json();
    assert_eq!(tokens["tokens"].as_array().unwrap().len(), 1);
    // A form cannot send JSON.
    let form = Request::builder()
        .method("POST")
        .uri("/api/tokens")
        .header("cookie", &cookies.owner)
        .header("x-turnledger", "1")
        .header("content-type", "text/plain")
        .body(Body::from(r#"{"person":"eve","team":null}"#));
    assert_eq!(team.send(form.unwrap()).status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[test]
fn the_page_takes_nothing_from_elsewhere() {
    let team = Team::new(2);
    for path in ["/", "/assets/dashboard.js", "/assets/dashboard.css", "/assets/session.js", "/assets/licences.txt"] {
        let answer = team.get(path, "");
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';")
                && !policy.contains("unsafe")
        );
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        let request = |name: &str, value: &str| {
            team.send(Request::builder().uri(path).header(name, value).body(Body::empty()).unwrap())
        };
        let etag = answer.headers["etag"].to_str().unwrap();
        assert_eq!(request("if-none-match", etag).status, StatusCode::NOT_MODIFIED);
        let packed = request("accept-encoding", "br, gzip");
        assert_eq!(packed.headers["content-encoding"], "gzip");
    }
    assert_eq!(team.get("/assets/other.js", "").status, StatusCode::NOT_FOUND);
}
