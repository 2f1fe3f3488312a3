//! A viewer who asks everything, adds and subtracts, and learns nothing of fewer persons than may be shown.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::{DAY, MONDAY, Team, lines, turn};
use crate::accounts::UserKind;

const SMALLEST: u32 = 3;
const WEEKS: u64 = 4;

/// A turn of somebody. Its tokens are a power of two of its own, so that a sum says of which turns it is.
#[derive(Clone, Debug)]
struct Turn {
    person: u8,
    /// Of two teams for some.
    team: u8,
    week: u64,
    model: u8,
    client: u8,
    repository: Option<u8>,
    /// Whether its tokens are known.
    says: bool,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = (0..9_u8, 0..2_u8, 0..WEEKS, 0..3_u8, 0..2_u8, proptest::option::of(0..2_u8), prop::bool::weighted(0.7));
    proptest::collection::vec(turn, 1..50).prop_map(|turns| {
        let turn = |(person, other, week, model, client, repository, says)| {
            // The last two persons work for two teams.
            let team = if person >= 7 { other } else { person % 3 };
            Turn { person, team, week, model, client, repository, says }
        };
        turns.into_iter().map(turn).collect()
    })
}

fn team(turns: &[Turn]) -> (Team, String) {
    let mut team = Team::new(SMALLEST);
    for (number, Turn { person, team: of, week, model, client, repository, says }) in turns.iter().enumerate() {
        let (thread, at) = (format!("t{number}"), MONDAY + week * 7 * DAY + DAY);
        let mut events = vec![turn(&thread, (&format!("m{model}"), &format!("c{client}")), at, 1 << number)];
        if !says {
            events[0]["event_params"]["input_tokens"] = Value::Null;
        }
        events.extend(repository.map(|repository| lines(&thread, &format!("{repository:064}"), at)));
        team.receive(&format!("p{person}"), Some(&format!("team{of}")), &events);
    }
    // The last week is not over.
    team.set_now(MONDAY + (WEEKS - 1) * 7 * DAY + 2 * DAY);
    let viewer = team.sign_in(&team.user("viewer", &UserKind::Viewer));
    (team, viewer)
}

/// Everything that can be asked: each period, rows and filter, and the same as CSV.
fn questions() -> Vec<String> {
    let mut filters = vec![String::new()];
    filters.extend((0..3).map(|team| format!("&team=team{team}")));
    filters.extend((0..3).map(|model| format!("&model=m{model}")));
    filters.extend((0..2).map(|client| format!("&client=c{client}")));
    filters.extend((0..2).map(|repository| format!("&repository={repository:064}")));
    filters.push("&team=team0&team=team1".into());
    filters.push("&team=team0&model=m1&client=c0".into());
    let periods =
        ["since=2026-11-02&until=2026-11-29", "since=2026-11-04&until=2026-11-05", "since=2026-11-12&until=2026-11-23"];
    let mut questions = Vec::new();
    for period in periods {
        for filter in &filters {
            for by in ["", "&by=week", "&by=team", "&by=model", "&by=client", "&by=repository"] {
                questions.push(format!("{period}{filter}{by}"));
            }
        }
    }
    questions
}

/// Every number of tokens in an answer.
fn sums(value: &Value, found: &mut BTreeSet<u64>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("input_tokens").and_then(Value::as_u64));
            members.values().for_each(|member| sums(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| sums(item, found)),
        _ => {}
    }
}

fn persons(turns: &[Turn], sum: u64) -> usize {
    let of = turns.iter().enumerate().filter(|(number, _)| sum >> number & 1 == 1);
    of.map(|(_, turn)| turn.person).collect::<BTreeSet<_>>().len()
}

/// What can be known from sums: their differences and sums, as long as new ones come.
fn learnt(mut known: BTreeSet<u64>) -> BTreeSet<u64> {
    const MOST: usize = 400;
    loop {
        let mut new = BTreeSet::new();
        for one in &known {
            for other in &known {
                if one != other && one & other == *other {
                    new.insert(one - other);
                } else if one & other == 0 {
                    new.insert(one | other);
                }
            }
        }
        let before = known.len();
        known.extend(new);
        known.remove(&0);
        if known.len() == before || known.len() > MOST {
            return known;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_questions_tells_of_a_small_group(turns in turns()) {
        let (team, viewer) = team(&turns);
        let mut known = BTreeSet::new();
        for question in questions() {
            let answer = team.get(&format!("/api/report?{question}"), &viewer);
            prop_assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
            for name in (0..9).map(|person| format!("\"p{person}\"")) {
                prop_assert!(!answer.text.contains(&name), "{}", answer.text);
            }
            sums(&answer.json(), &mut known);
        }
        known.remove(&0);
        for sum in learnt(known) {
            let persons = persons(&turns, sum);
            prop_assert!(persons >= SMALLEST as usize, "{persons} persons in {sum:b}");
        }
    }
}

/// How many teams are attacked: few unless many are asked for.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(6)
}

/// Four of one team and three of another, each with a turn in each week.
fn two_teams() -> Vec<Turn> {
    let weeks = 0..WEEKS;
    let turns = weeks.flat_map(|week| {
        (0..7).map(move |person| Turn {
            person,
            team: u8::from(person >= 4),
            week,
            model: person % 2,
            client: 0,
            repository: None,
            says: true,
        })
    });
    turns.collect()
}

#[test]
fn large_groups_are_shown_as_they_are() {
    let (team, viewer) = team(&two_teams());
    let ask =
        |question: &str| team.get(&format!("/api/report?since=2026-11-02&until=2026-11-29{question}"), &viewer).json();
    let rows = |report: &Value| -> Vec<(Value, Value)> {
        let rows = report["rows"].as_array().unwrap().iter();
        rows.map(|row| (row["key"].clone(), row["numbers"]["turns"].clone())).collect()
    };
    let by_team = ask("&by=team");
    assert_eq!(rows(&by_team), [("team0".into(), 12.into()), ("team1".into(), 9.into())]);
    assert_eq!(
        (&by_team["since"], &by_team["until"], &by_team["time_zone"]),
        (&"2026-11-02".into(), &"2026-11-29".into(), &"UTC".into())
    );
    assert_eq!(by_team["total"]["numbers"]["turns"], 21);
    assert_eq!(by_team["withheld"]["weeks"], serde_json::json!(["2026-W48"]));
    // Two and two of the first team, two and one of the other have a model: neither is shown.
    assert_eq!(ask("&by=model")["rows"][0]["is_rest"], true);
    assert_eq!(rows(&ask("&by=week")).len(), 3);
    assert_eq!(ask("&team=team1")["total"]["numbers"]["turns"], 9);
    // Of calls nothing is known: nobody called a tool.
    assert_eq!(by_team["total"]["numbers"]["calls"], Value::Null);
    // No session is a part of a viewer's numbers.
    assert_eq!(by_team["total"]["numbers"].get("sessions"), None);
}

#[test]
fn what_one_person_alone_has_is_no_number() {
    let mut turns = two_teams();
    for turn in &mut turns {
        turn.says = turn.person == 0 || turn.person >= 4;
    }
    let (team, viewer) = team(&turns);
    let report = team.get("/api/report?since=2026-11-02&until=2026-11-29&by=team", &viewer).json();
    let of = |row: &Value| [row["numbers"]["turns"].clone(), row["numbers"]["input_tokens"].is_null().into()];
    assert_eq!(
        report["rows"].as_array().unwrap().iter().map(of).collect::<Vec<_>>(),
        [[Value::from(12), true.into()], [Value::from(9), false.into()]]
    );
}

#[test]
fn an_early_look_keeps_nothing_back() {
    let (mut team, viewer) = team(&two_teams()[..2]);
    let question = "/api/report?since=2026-11-02&until=2026-11-08";
    let weeks = |team: &Team| team.get(question, &viewer).json()["withheld"]["weeks"].clone();
    assert_eq!(weeks(&team), serde_json::json!(["2026-W45"]));
    for person in ["late1", "late2"] {
        team.receive(person, Some("team0"), &[turn(person, ("m0", "c0"), MONDAY + DAY, 1)]);
    }
    assert_eq!(weeks(&team), serde_json::json!([]));
}

#[test]
fn what_is_published_stays() {
    let (mut team, viewer) = team(&two_teams());
    let question = "/api/report?since=2026-11-02&until=2026-11-29&by=team";
    let before = team.get(question, &viewer).text;
    // Somebody's old session, and a third team's.
    for person in ["p0", "late1", "late2", "late3"] {
        let late = turn(&format!("late-{person}"), ("m0", "c0"), MONDAY + DAY, 1 << 40);
        team.receive(person, Some("team0"), &[late]);
    }
    assert_eq!(team.get(question, &viewer).text, before);
    // The last week is published when it is over.
    team.set_now(MONDAY + WEEKS * 7 * DAY + 2 * DAY);
    let viewer = team.sign_in(&team.user("another viewer", &UserKind::Viewer));
    let after = team.get(question, &viewer).json();
    assert_eq!(
        (&after["total"]["numbers"]["turns"], &after["withheld"]["weeks"]),
        (&28.into(), &serde_json::json!([]))
    );

    // Who asks for larger groups later sees nothing of what was made for smaller ones.
    let larger = Team::in_folder(team.folder, 4);
    larger.set_now(MONDAY + WEEKS * 7 * DAY + 2 * DAY);
    let viewer = larger.sign_in(&larger.user("third viewer", &UserKind::Viewer));
    let after = larger.get(question, &viewer).json();
    assert_eq!(after["total"]["numbers"]["turns"], Value::Null);
    assert_eq!(after["withheld"]["weeks"].as_array().unwrap().len(), 4);
}
