//! The map against a plain list, and what it gives back.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{Cap, Capped};
use crate::time::Elapsed;

fn keys(map: &Capped<u8, u8>) -> Vec<u8> {
    map.iter().map(|(_, key, _)| *key).collect()
}

#[test]
fn the_least_recently_used_entry_goes_first() {
    let mut map = Capped::new(Cap { entries: 2, idle_ms: 10 });
    assert_eq!(map.insert(Elapsed(0), 1, 1), None);
    assert_eq!(map.insert(Elapsed(1), 2, 2), None);
    assert_eq!(map.get_mut(Elapsed(2), &1), Some(&mut 1));
    assert_eq!(map.insert(Elapsed(3), 3, 3), Some((2, 2)));
    assert_eq!(keys(&map), [1, 3]);
}

#[test]
fn an_entry_expires_once_it_was_idle_for_longer_than_the_cap_allows() {
    let mut map = Capped::new(Cap { entries: 9, idle_ms: 10 });
    map.insert(Elapsed(0), 1, 1);
    map.insert(Elapsed(5), 2, 2);
    assert_eq!(map.pop_expired(Elapsed(10)), None);
    assert_eq!(map.pop_expired(Elapsed(11)), Some((1, 1)));
    assert_eq!(map.pop_expired(Elapsed(11)), None);
    assert_eq!(keys(&map), [2]);
}

#[test]
fn use_keeps_an_entry_from_expiring() {
    let mut map = Capped::new(Cap { entries: 9, idle_ms: 10 });
    map.insert(Elapsed(0), 1, 1);
    map.insert(Elapsed(0), 2, 2);
    assert_eq!(map.get_mut(Elapsed(8), &1), Some(&mut 1));
    assert_eq!(map.insert(Elapsed(8), 2, 3), None);
    map.expire(Elapsed(18));
    assert_eq!(keys(&map), [1, 2]);
    map.expire(Elapsed(19));
    assert_eq!((map.len(), map.slots.capacity(), map.due()), (0, 0, Elapsed::NEVER));
}

#[test]
fn what_expires_gives_back_its_room() {
    let mut map = Capped::new(Cap { entries: 1000, idle_ms: 10 });
    for key in 0..100_u8 {
        map.insert(Elapsed(u64::from(key)), key, key);
    }
    assert_eq!(map.due(), Elapsed(11));
    map.expire(Elapsed(106));
    assert_eq!((keys(&map), map.due()), ((96..100).collect(), Elapsed(107)));
    assert_eq!(map.get_mut(Elapsed(106), &97), Some(&mut 97));
    map.expire(Elapsed(116));
    assert_eq!((keys(&map), map.due()), ([97].into(), Elapsed(117)));
    map.expire(Elapsed(117));
    let room = (map.slots.capacity(), map.order.capacity(), map.free.capacity());
    assert_eq!((map.len(), room, map.due()), (0, (0, 0, 0), Elapsed::NEVER));
}

#[test]
fn the_order_does_not_grow_with_uses() {
    let mut map = Capped::new(Cap { entries: 200, idle_ms: 10 });
    for key in 0..100_u8 {
        map.insert(Elapsed(0), key, key);
    }
    for _ in 0..1_000 {
        map.get_mut(Elapsed(1), &99);
    }
    assert_eq!(map.order.len(), 100);
    for key in 0..100 {
        map.remove(&key);
    }
    for key in (0..200).cycle().take(10_000) {
        map.insert(Elapsed(2), key, key);
        map.remove(&key);
    }
    assert!(map.order.len() <= 33, "{}", map.order.len());
    assert_eq!(map.slots.len(), 100);
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u8),
    Get(u8),
    Remove(u8),
    TakeEven,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..40_u8).prop_map(Step::Insert),
        4 => (0..40_u8).prop_map(Step::Get),
        2 => (0..40_u8).prop_map(Step::Remove),
        1 => Just(Step::TakeEven),
    ]
}

#[test]
fn a_cap_in_days() {
    assert_eq!(Cap::days(7, 2), Cap { entries: 7, idle_ms: 172_800_000 });
}

proptest! {
    /// Any series of steps leaves what a plain list of (key, last use) would hold.
    #[test]
    fn behaves_like_a_list(steps in proptest::collection::vec(step(), 0..400)) {
        let mut map = Capped::new(Cap { entries: 15, idle_ms: 50 });
        let mut list: Vec<u8> = Vec::new();
        let mut values = BTreeMap::new();
        for (tick, step) in steps.into_iter().enumerate() {
            let at = Elapsed(tick as u64);
            match step {
                Step::Insert(key) => {
                    let expected = if list.contains(&key) {
                        list.retain(|held| *held != key);
                        None
                    } else if list.len() == 15 {
                        let gone = list.remove(0);
                        values.remove(&gone).map(|value| (gone, value))
                    } else {
                        None
                    };
                    list.push(key);
                    values.insert(key, tick);
                    prop_assert_eq!(map.insert(at, key, tick), expected);
                }
                Step::Get(key) => {
                    let found = map.get_mut(at, &key).copied();
                    prop_assert_eq!(found, values.get(&key).copied());
                    if found.is_some() {
                        list.retain(|held| *held != key);
                        list.push(key);
                    }
                }
                Step::Remove(key) => {
                    list.retain(|held| *held != key);
                    prop_assert_eq!(map.remove(&key), values.remove(&key).map(|value| (key, value)));
                }
                Step::TakeEven => {
                    let taken: Vec<u8> = map.take_where(|key, _| key % 2 == 0).into_iter().map(|(key, _)| key).collect();
                    let expected: Vec<u8> = list.iter().copied().filter(|key| key % 2 == 0).collect();
                    prop_assert_eq!(taken, expected);
                    list.retain(|key| key % 2 != 0);
                    values.retain(|key, _| key % 2 != 0);
                }
            }
            let held: Vec<u8> = map.iter().map(|(_, key, _)| *key).collect();
            prop_assert_eq!(&held, &list);
            prop_assert_eq!(map.len(), list.len());
        }
    }
}
