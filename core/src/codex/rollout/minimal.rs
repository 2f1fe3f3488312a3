//! The fewest changes that make one list of lines another.

use alloc::vec;
use alloc::vec::Vec;

/// A line of the one list, of the other, or of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change<'l> {
    Kept(&'l str),
    Removed(&'l str),
    Added(&'l str),
}

/// More pairs of lines than this are not compared: all lines of the one go, and all of the other come.
const MAX_PAIRS: usize = 4 << 20;

/// What was removed and added, with what both lists have in common.
pub(super) fn changes<'l>(removed: &[&'l str], added: &[&'l str]) -> Vec<Change<'l>> {
    let common = |(one, other): &(&&str, &&str)| one == other;
    let prefix = removed.iter().zip(added).take_while(common).count();
    let (before, after) = (&removed[prefix..], &added[prefix..]);
    let suffix = before.iter().rev().zip(after.iter().rev()).take_while(common).count();
    let (before, rest) = before.split_at(before.len() - suffix);
    let after = &after[..after.len() - suffix];

    let mut changes: Vec<_> = removed[..prefix].iter().map(|line| Change::Kept(line)).collect();
    if before.len().saturating_mul(after.len()) > MAX_PAIRS {
        changes.extend(before.iter().map(|line| Change::Removed(line)));
        changes.extend(after.iter().map(|line| Change::Added(line)));
    } else {
        compare(before, after, &mut changes);
    }
    changes.extend(rest.iter().map(|line| Change::Kept(line)));
    changes
}

/// By the longest common subsequence.
fn compare<'l>(before: &[&'l str], after: &[&'l str], changes: &mut Vec<Change<'l>>) {
    // `lengths[i * width + j]` is that of what both have behind `i` and `j`.
    let width = after.len() + 1;
    let mut lengths = vec![0_u32; (before.len() + 1) * width];
    for (i, one) in before.iter().enumerate().rev() {
        for (j, other) in after.iter().enumerate().rev() {
            lengths[i * width + j] = if one == other {
                lengths[(i + 1) * width + j + 1] + 1
            } else {
                lengths[(i + 1) * width + j].max(lengths[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < before.len() || j < after.len() {
        if i < before.len() && j < after.len() && before[i] == after[j] {
            changes.push(Change::Kept(before[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == after.len() || (i < before.len() && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) {
            changes.push(Change::Removed(before[i]));
            i += 1;
        } else {
            changes.push(Change::Added(after[j]));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::changes;

    #[test]
    fn what_both_have_is_kept() {
        let shown = |before: &str, after: &str| -> Vec<_> {
            let (before, after): (Vec<_>, Vec<_>) = (before.split(' ').collect(), after.split(' ').collect());
            changes(&before, &after).iter().map(|change| std::format!("{change:?}")).collect()
        };
        assert_eq!(shown("a b c", "a x c"), [r#"Kept("a")"#, r#"Removed("b")"#, r#"Added("x")"#, r#"Kept("c")"#]);
        assert_eq!(
            shown("x a y b", "a z b w"),
            [r#"Removed("x")"#, r#"Kept("a")"#, r#"Removed("y")"#, r#"Added("z")"#, r#"Kept("b")"#, r#"Added("w")"#]
        );
    }
}
