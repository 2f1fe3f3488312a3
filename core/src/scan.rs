//! Finding where a string of JSON ends.

const LOWEST: u64 = 0x0101_0101_0101_0101;
const HIGHEST: u64 = 0x8080_8080_8080_8080;

/// The bytes of `eight` that are zero, each by its highest bit. Above the first, a bit may be wrong.
fn zeros(eight: u64) -> u64 {
    eight.wrapping_sub(LOWEST) & !eight & HIGHEST
}

/// How many bytes come before the first quotation mark, backslash or control character; all of them if there is none.
pub(crate) fn plain(text: &[u8]) -> usize {
    let (eights, rest) = text.as_chunks();
    for (index, eight) in eights.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        let controls = eight.wrapping_sub(LOWEST * 0x20) & !eight & HIGHEST;
        let special = controls | zeros(eight ^ (LOWEST * u64::from(b'"'))) | zeros(eight ^ (LOWEST * u64::from(b'\\')));
        if special != 0 {
            return index * 8 + (special.trailing_zeros() / 8) as usize;
        }
    }
    eights.len() * 8 + rest.iter().position(|&byte| is_special(byte)).unwrap_or(rest.len())
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
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
