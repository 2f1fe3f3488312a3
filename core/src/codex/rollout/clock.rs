//! Times in ids.

use crate::time::UnixMillis;

/// When an id was made, if it is a UUID of version 7.
pub(super) fn made_at(id: &str) -> Option<UnixMillis> {
    let bytes = id.as_bytes();
    let is_uuid = bytes.len() == 36 && [8, 13, 18, 23].iter().all(|place| bytes[*place] == b'-');
    if !is_uuid || bytes[14] != b'7' {
        return None;
    }
    let high = u64::from_str_radix(id.get(..8)?, 16).ok()?;
    let low = u64::from_str_radix(id.get(9..13)?, 16).ok()?;
    Some(UnixMillis((high << 16) | low))
}

#[cfg(test)]
mod tests {
    use super::made_at;
    use crate::time::UnixMillis;

    #[test]
    fn ids_with_their_time() {
        for (id, millis) in [
            ("01a2212a-9210-7842-9b15-de364ab025a4", Some(0x01a2_212a_9210)),
            ("01a2212a-9210-4842-9b15-de364ab025a4", None),
            ("thread", None),
            ("0é2212a-9210-7842-9b15-de364ab025a4", None),
        ] {
            assert_eq!(made_at(id), millis.map(UnixMillis), "{id}");
        }
    }
}
