//! Tables of names.

/// The names of a type's members, each with its place.
///
/// More than a quarter of a message's members are in no table; most are told by a bit, before any name is compared.
pub(crate) struct Names<'n> {
    /// The type.
    owner: &'static str,
    names: &'n [&'n str],
    marks: u64,
}

impl<'n> Names<'n> {
    /// The names of a type's members; an empty `owner` is no type.
    pub(crate) const fn of(owner: &'static str, names: &'n [&'n str]) -> Self {
        let mut marks = 0;
        let mut place = 0;
        while place < names.len() {
            marks |= mark(names[place].as_bytes());
            place += 1;
        }
        Self { owner, names, marks }
    }

    /// Names that are no type's.
    pub(crate) const fn new(names: &'n [&'n str]) -> Self {
        Self::of("", names)
    }

    pub(super) fn owner(&self) -> &'static str {
        self.owner
    }

    pub(super) fn get(&self, place: usize) -> Option<&'n str> {
        self.names.get(place).copied()
    }

    /// A name's place.
    pub(super) fn place(&self, name: &[u8]) -> Option<usize> {
        if self.marks & mark(name) == 0 { None } else { place(self.names, name) }
    }
}

/// A bit that names which are alike in length and ends have in common.
const fn mark(name: &[u8]) -> u64 {
    match name {
        [first, .., last] => 1 << ((name.len() + 3 * *first as usize + 5 * *last as usize) % 64),
        _ => 1,
    }
}

/// A name's place in a list.
pub(super) fn place(names: &[&str], name: &[u8]) -> Option<usize> {
    names.iter().position(|known| known.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_have_their_places() {
        let list = ["", "i", "id", "thread_id", "turnId", "é"];
        let names = Names::new(&list);
        for (place, name) in list.iter().enumerate() {
            assert_eq!((names.get(place), names.place(name.as_bytes())), (Some(*name), Some(place)));
        }
        for other in ["x", "thread_ie", "threadid", "di", "ids", "turnIds"] {
            assert_eq!(names.place(other.as_bytes()), None, "{other}");
        }
        assert_eq!(names.get(list.len()), None);
    }
}
