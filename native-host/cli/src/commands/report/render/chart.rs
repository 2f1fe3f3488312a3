//! Bars and lines of characters.

use super::Look;

const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const PLAIN_HEIGHTS: [char; 4] = ['_', '-', '=', '#'];

/// A bar, as long as a share of the width; what is more than nothing is never drawn as nothing.
pub(super) fn bar(share: f64, width: usize, look: Look) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a terminal is not that wide")]
    let length = share.clamp(0.0, 1.0) * width as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to the width")]
    let eighths = ((length * 8.0).round() as usize).max(usize::from(share > 0.0));
    if !look.is_unicode {
        return "#".repeat(eighths.div_ceil(8));
    }
    let mut bar = "█".repeat(eighths / 8);
    bar.extend(eighths.checked_rem(8).filter(|rest| *rest > 0).map(|rest| EIGHTHS[rest - 1]));
    bar
}

/// A line with a character for each value, or for several in a row if there are more than the width; and how many values a
/// character has.
pub(super) fn line(values: &[f64], width: usize, look: Look) -> (String, usize) {
    let each = values.len().div_ceil(width.max(1)).max(1);
    let sums: Vec<f64> = values.chunks(each).map(|values| values.iter().sum()).collect();
    let most = sums.iter().copied().fold(0.0, f64::max);
    let heights: &[char] = if look.is_unicode { &HEIGHTS } else { &PLAIN_HEIGHTS };
    let height = |value: &f64| {
        if *value <= 0.0 || most <= 0.0 {
            return if look.is_unicode { '·' } else { '.' };
        }
        #[expect(clippy::cast_precision_loss, reason = "there are eight heights")]
        let height = value / most * heights.len() as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 8")]
        let height = (height.ceil() as usize).clamp(1, heights.len());
        heights[height - 1]
    };
    (sums.iter().map(height).collect(), each)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNICODE: Look = Look { width: 80, is_unicode: true, is_styled: false };
    const PLAIN: Look = Look { is_unicode: false, ..UNICODE };

    #[test]
    fn bars() {
        let bars = [0.0, 0.001, 0.5, 0.99, 1.0, 7.0].map(|share| bar(share, 4, UNICODE));
        assert_eq!(bars, ["", "▏", "██", "████", "████", "████"]);
        assert_eq!([0.0, 0.001, 0.6].map(|share| bar(share, 4, PLAIN)), ["", "#", "###"]);
    }

    #[test]
    fn lines() {
        assert_eq!(line(&[0.0, 1.0, 4.0, 8.0], 60, UNICODE), ("·▁▄█".into(), 1));
        assert_eq!(line(&[0.0, 1.0, 4.0, 8.0, 1.0], 3, UNICODE), ("▁█▁".into(), 2));
        assert_eq!(line(&[0.0, 1.0, 8.0], 60, PLAIN), ("._#".into(), 1));
        assert_eq!(line(&[], 60, UNICODE), (String::new(), 1));
        assert_eq!(line(&[0.0], 60, UNICODE), ("·".into(), 1));
    }
}
