//! What comes behind a mark.

use rusqlite::Connection;

use super::{add, archived, hook, store};
use crate::schema::version_1;
use crate::{Archive, Behind, EventNumber, Filter};

const ONE: [u8; 32] = [1; 32];
const OTHER: [u8; 32] = [2; 32];

/// What comes behind a mark, in steps of so many events.
fn behind(archive: &Archive, mark: EventNumber, most_events: usize) -> (Vec<String>, EventNumber) {
    let (mut all, mut mark) = (Vec::new(), mark);
    while let Some(last) = archive.behind(mark, most_events, usize::MAX).unwrap().last {
        all.extend(archive.behind(mark, most_events, usize::MAX).unwrap().events);
        mark = last;
    }
    (all, mark)
}

#[test]
fn a_receiver_begins_at_what_comes_and_gets_each_event_once() {
    let (_folder, mut archive) = store();
    add(&mut archive, &[archived("a", 1), archived("a", 2)]);
    let begin = archive.mark(&ONE).unwrap();
    assert_eq!(behind(&archive, begin, 10), (Vec::new(), begin));
    let events = [archived("b", 9), archived("b", 1), hook("b", "failed")];
    add(&mut archive, &events);
    // Neither what is known already nor what is known better comes again.
    add(&mut archive, &events);
    let texts: Vec<_> = events.iter().map(turnledger_core::Event::to_json).collect();
    for most_events in [1, 2, 10] {
        let (all, mark) = behind(&archive, begin, most_events);
        assert_eq!((all, mark), (texts.clone(), archive.last_number().unwrap()));
    }
    // One that is larger than all may be comes alone.
    assert_eq!(archive.behind(begin, 10, 1).unwrap().events, texts[..1]);
    assert_eq!(archive.behind(begin, 10, texts[0].len() + texts[1].len()).unwrap().events, texts[..2]);

    // Marks are each receiver's own, and only go on.
    let last = archive.last_number().unwrap();
    assert_eq!((archive.mark(&OTHER).unwrap(), last.behind(begin)), (last, 3));
    archive.move_mark(&ONE, last).unwrap();
    archive.move_mark(&ONE, begin).unwrap();
    assert_eq!((archive.mark(&ONE).unwrap(), archive.mark(&OTHER).unwrap()), (last, last));
}

#[test]
fn a_number_is_never_given_again() {
    let (_folder, mut archive) = store();
    add(&mut archive, &[archived("a", 1), archived("b", 2)]);
    let mark = archive.last_number().unwrap();
    archive.forget_thread("b").unwrap();
    assert_eq!(archive.mark(&ONE).unwrap(), mark);
    add(&mut archive, &[archived("c", 3)]);
    let (events, last) = behind(&archive, mark, 10);
    assert_eq!((events, last.behind(mark)), (vec![archived("c", 3).to_json()], 1));
    // What is forgotten before it was handed on is gone.
    archive.forget_thread("c").unwrap();
    assert_eq!(behind(&archive, mark, 10), (Vec::new(), mark));
}

#[test]
fn what_is_left_of_a_range_is_known_and_damaged_rows_are_passed_over() {
    let (_folder, mut archive) = store();
    let begin = archive.mark(&ONE).unwrap();
    add(&mut archive, &[archived("a", 1), archived("b", 2), archived("c", 3)]);
    let last = archive.last_number().unwrap();
    add(&mut archive, &[archived("d", 4)]);
    let texts = |threads: &[(&str, u64)]| -> Vec<_> {
        threads.iter().map(|(thread, at)| archived(thread, *at).to_json()).collect()
    };
    assert_eq!(archive.between(begin, last).unwrap(), texts(&[("a", 1), ("b", 2), ("c", 3)]));
    archive.forget_thread("b").unwrap();
    assert_eq!(archive.between(begin, last).unwrap(), texts(&[("a", 1), ("c", 3)]));

    archive.connection.execute("UPDATE bodies SET told = 'no JSON' WHERE id = ?1", [last.number()]).unwrap();
    let expected = Behind {
        events: texts(&[("a", 1), ("d", 4)]),
        damaged: vec![last],
        last: Some(archive.last_number().unwrap()),
    };
    assert_eq!(archive.behind(begin, 10, usize::MAX).unwrap(), expected);
    // A range may end with one.
    assert_eq!(archive.between(begin, last).unwrap(), texts(&[("a", 1)]));
}

#[test]
fn a_store_of_an_earlier_version_keeps_its_events_and_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let connection = Connection::open(&path).unwrap();
    version_1(&connection).unwrap();
    let json = archived("a", 1).to_json();
    connection
        .execute_batch(&format!(
            "INSERT INTO threads (id, thread_id) VALUES (1, 'a');
             INSERT INTO events (id, key, type, at_ms, thread) VALUES (7, x'01', 'codex_thread_archive_event', 1, 1);
             INSERT INTO bodies (id, told) VALUES (7, '{json}');"
        ))
        .unwrap();
    drop(connection);
    let mut archive = Archive::open(&path).unwrap();
    let begin = archive.mark(&ONE).unwrap();
    assert_eq!(begin.number(), 7);
    archive.forget_thread("a").unwrap();
    add(&mut archive, &[archived("b", 2)]);
    assert_eq!(archive.last_number().unwrap().number(), 8);
    let mut times = Vec::new();
    archive
        .events(&Filter::default(), |stored| {
            times.push(stored.at.map(|at| at.0));
            true
        })
        .unwrap();
    assert_eq!(times, [Some(2)]);
    let wrong: Vec<String> = archive
        .connection
        .prepare("SELECT \"table\" FROM pragma_foreign_key_check")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(wrong, Vec::<String>::new());
}
