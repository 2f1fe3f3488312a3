//! Which sums are published: those over the classes of one partition, each of which has enough persons.
//!
//! Whatever a viewer adds or subtracts is made of whole classes, so that nothing is learnt of a smaller group. That
//! holds since every number is told by one partition alone: totals, rows and filters are sums over the same classes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::sums::Sums;

/// What classes are told apart by, in this order: the team, what the events are about, the client, the repository.
pub(super) const DIMENSIONS: usize = 4;

/// What all events of a class have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Label {
    /// This; `None` is that the events do not say it.
    One(Option<String>),
    /// Nothing: several that are too small to stand alone.
    Several,
}

/// One person's part of a period, which is never divided.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) person: String,
    pub(super) names: [Option<String>; DIMENSIONS],
    pub(super) sums: Sums,
}

/// A sum over enough persons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Class {
    pub(super) labels: Vec<Label>,
    pub(super) sums: Sums,
}

/// The classes of parts: none if they are of fewer than `smallest` persons. Every class has as many or more.
pub(super) fn classes(parts: Vec<Part>, smallest: usize) -> Vec<Class> {
    let mut classes = Vec::new();
    if persons(&parts) >= smallest.max(1) {
        divide(parts, smallest, &mut Vec::new(), &mut classes);
    }
    classes
}

fn divide(parts: Vec<Part>, smallest: usize, labels: &mut Vec<Label>, classes: &mut Vec<Class>) {
    let dimension = labels.len();
    if dimension == DIMENSIONS {
        classes.push(Class { labels: labels.clone(), sums: sums(parts, smallest) });
        return;
    }
    let mut groups: BTreeMap<Option<String>, Vec<Part>> = BTreeMap::new();
    for part in parts {
        groups.entry(part.names[dimension].clone()).or_default().push(part);
    }
    let (large, small): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(_, parts)| persons(parts) >= smallest);
    let mut large: BTreeMap<_, _> = large.into_iter().map(|(name, parts)| ((persons(&parts), name), parts)).collect();
    let mut rest: Vec<Part> = small.into_iter().flat_map(|(_, parts)| parts).collect();
    // What is too small alone hides in the smallest that is not.
    while !rest.is_empty() && persons(&rest) < smallest {
        let Some((_, parts)) = large.pop_first() else { break };
        rest.extend(parts);
    }
    let large = large.into_iter().map(|((_, name), parts)| (Label::One(name), parts));
    for (label, parts) in large.chain((!rest.is_empty()).then_some((Label::Several, rest))) {
        labels.push(label);
        divide(parts, smallest, labels, classes);
        labels.pop();
    }
}

/// What parts add up to. A number that too few of the persons have something of is withheld.
fn sums(parts: Vec<Part>, smallest: usize) -> Sums {
    let mut of_number: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for part in &parts {
        for id in part.sums.contributed() {
            of_number.entry(id.to_owned()).or_default().insert(&part.person);
        }
    }
    let is_small = |id: &str| of_number.get(id).is_some_and(|persons| persons.len() < smallest);
    let withheld: Vec<String> = of_number.keys().filter(|id| is_small(id)).cloned().collect();
    let sums = parts.into_iter().map(|part| part.sums).reduce(Sums::plus).unwrap_or_default();
    sums.without(&withheld)
}

fn persons(parts: &[Part]) -> usize {
    parts.iter().map(|part| part.person.as_str()).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn part(person: u8, names: [u8; DIMENSIONS], value: u64) -> Part {
        let name = |name| (name > 0).then(|| format!("{name}"));
        Part { person: format!("p{person}"), names: names.map(name), sums: Sums::of("turns", value) }
    }

    fn plain(classes: &[Class]) -> Vec<(String, Option<u64>)> {
        let label = |label: &Label| match label {
            Label::One(name) => name.clone().unwrap_or_else(|| "-".into()),
            Label::Several => "*".into(),
        };
        classes.iter().map(|class| (class.labels.iter().map(label).collect(), class.sums.value("turns"))).collect()
    }

    #[test]
    fn what_is_too_small_hides_in_the_rest() {
        let team = |team, persons: std::ops::Range<u8>| persons.map(move |person| part(person, [team, 1, 1, 1], 1));
        // A team of three, of two, of one, and nobody's.
        let two = classes(team(1, 0..3).chain(team(2, 3..5)).chain(team(3, 5..6)).chain(team(0, 6..7)).collect(), 2);
        assert_eq!(plain(&two), [("2111".into(), Some(2)), ("1111".into(), Some(3)), ("*111".into(), Some(2))]);
        // The one that is alone takes the smaller of the others with it.
        let alone = classes(team(1, 0..3).chain(team(2, 3..5)).chain(team(3, 5..6)).collect(), 2);
        assert_eq!(plain(&alone), [("1111".into(), Some(3)), ("*111".into(), Some(3))]);
        // Nothing is left to tell apart.
        let one = classes(team(1, 0..2).chain(team(2, 2..3)).collect(), 2);
        assert_eq!(plain(&one), [("*111".into(), Some(3))]);
        assert_eq!(plain(&classes(team(1, 0..2).collect(), 3)), []);
        // One person in two teams is one person.
        let twice = classes(team(1, 0..1).chain(team(2, 0..1)).collect(), 2);
        assert_eq!(plain(&twice), []);
    }

    #[test]
    fn a_number_of_too_few_is_withheld() {
        let names = [1; DIMENSIONS];
        let with =
            |person, id: &str| Part { sums: Sums::of(id, 1).plus(Sums::of("turns", 1)), ..part(person, names, 1) };
        let parts =
            || [with(0, "turns_completed"), with(1, "turns_completed"), with(2, "turns_failed"), part(2, names, 0)];
        let [class] = &classes(parts().into(), 2)[..] else { panic!("one class") };
        let value = |id| class.sums.value(id);
        // What failed is one person's, and so is the difference of turns and those that ended.
        assert_eq!([value("turns"), value("turns_failed"), value("turns_completed")], [Some(3), None, None]);
        let [class] = &classes(parts().into(), 1)[..] else { panic!("one class") };
        assert_eq!([class.sums.value("turns_failed"), class.sums.value("turns_completed")], [Some(1), Some(2)]);
    }

    /// Each part's value is a digit of its own, so that a sum says whose it is.
    fn parts() -> impl Strategy<Value = Vec<Part>> {
        let names = [0..3_u8, 0..3, 0..2, 0..3];
        vec((0..9_u8, names), 0..60)
            .prop_map(|parts| parts.into_iter().map(|(person, names)| part(person, names, 1 << (7 * person))).collect())
    }

    proptest! {
        #[test]
        fn every_class_has_enough_persons_and_nothing_is_lost(parts in parts(), smallest in 1..6_usize) {
            let total: u64 = parts.iter().filter_map(|part| part.sums.value("turns")).sum();
            let all = persons(&parts);
            let classes = classes(parts, smallest);
            for class in &classes {
                let digits = class.sums.value("turns").expect("it is known");
                let persons = (0..9).filter(|person| digits >> (7 * person) & 127 > 0).count();
                prop_assert!(persons >= smallest, "{persons} of {smallest}");
            }
            let published: u64 = classes.iter().filter_map(|class| class.sums.value("turns")).sum();
            prop_assert_eq!(published, if all >= smallest { total } else { 0 });
        }
    }
}
