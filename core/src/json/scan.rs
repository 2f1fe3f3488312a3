//! Finding where a string of JSON ends.

const LOWEST: u64 = 0x0101_0101_0101_0101;
const HIGHEST: u64 = 0x8080_8080_8080_8080;

/// Which of eight bytes is the first special one, if any is.
fn special(eight: [u8; 8]) -> Option<usize> {
    let eight = u64::from_le_bytes(eight);
    // With the bit 0x02 turned over, the quotation mark comes right after the control characters.
    let controls_and_quotes = (eight ^ (LOWEST * 0x02)).wrapping_sub(LOWEST * 0x21);
    let backslashes = (eight ^ (LOWEST * u64::from(b'\\'))).wrapping_sub(LOWEST);
    // The highest bit of each; above the first, it may be wrong.
    let specials = (controls_and_quotes | backslashes) & !eight & HIGHEST;
    (specials != 0).then(|| (specials.trailing_zeros() / 8) as usize)
}

/// How many bytes come before the first quotation mark, backslash or control character; all of them if there is none.
pub(crate) fn plain(text: &[u8]) -> usize {
    let mut rest = text;
    while let Some((eight, after)) = rest.split_first_chunk() {
        if let Some(place) = special(*eight) {
            return text.len() - rest.len() + place;
        }
        rest = after;
    }
    // The last eight once more, as some of them have not been looked at.
    match text.last_chunk() {
        Some(eight) => special(*eight).map_or(text.len(), |place| text.len() - eight.len() + place),
        None => short(text),
    }
}

/// The same of less than eight bytes: no string of a message is that close to its end, but its last one.
#[inline(never)]
fn short(text: &[u8]) -> usize {
    text.iter().position(|&byte| is_special(byte)).unwrap_or(text.len())
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// A text's first bytes, as far as they are whole characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::{is_special, plain};

    proptest! {
        #[test]
        fn like_looking_at_each_byte(text: Vec<u8>, plain_text in "[ -~]{0,40}", special in 0..=u8::MAX) {
            for text in [text, [plain_text.as_bytes(), &[special], plain_text.as_bytes()].concat()] {
                let expected = text.iter().position(|&byte| is_special(byte)).unwrap_or(text.len());
                prop_assert_eq!(plain(&text), expected);
            }
        }
    }
}
