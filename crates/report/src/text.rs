//! Text for terminals: aligned by display width, without control characters, with durations in words.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Returns JSON that is safe to print on a terminal. JSON need not escape DEL and the control characters
/// U+0080 to U+009F, which terminals obey; they become escapes, which parse to the same value.
#[must_use]
pub fn harmless_json(json: String) -> String {
    let is_obeyed = |c: char| matches!(c, '\u{7f}'..='\u{9f}');
    if !json.contains(is_obeyed) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match is_obeyed(c) {
            true => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => out.push(c),
        }
    }
    out
}

/// Returns the text on one line, with control characters escaped so that a terminal shows them instead of
/// obeying them.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => out.push(' '),
            other if is_harmful(other) => out.extend(other.escape_default()),
            other => out.push(other),
        }
    }
    out
}

/// Returns whether a terminal would obey the character instead of showing it: control characters, and
/// characters that change the direction of writing, which can make a text read as another one.
#[must_use]
pub fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// Cuts a text to a display width, with `…` in the place of the rest. Grapheme clusters (accents, joined
/// emoji) stay whole.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        used += cluster.width();
        // One column is kept free for the `…`.
        if used + 1 > width {
            break;
        }
        out.push_str(cluster);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// Lays out rows with their columns aligned by display width and two blanks apart. The last column is not
/// padded.
#[must_use]
pub fn table(rows: &[Vec<String>], indent: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (cell, wanted) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(wanted - cell.width() + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Returns a time in Unix milliseconds as RFC 3339 in UTC. A time out of range becomes 1970, so that a
/// damaged event does not stop a listing.
#[must_use]
pub fn rfc3339(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

/// Returns a duration in one unit: `45 s`, `12 min`, `3 h`, `2 d`.
#[must_use]
pub fn duration(ms: i64) -> String {
    match ms.max(0) / 1000 {
        // A unit is kept up to 90 of it (48 for hours): "75 min" says more than "1 h".
        seconds @ 0..=89 => format!("{seconds} s"),
        seconds @ 90..=5399 => format!("{} min", seconds / 60),
        seconds @ 5400..=172_799 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// Returns a number with its noun, in the plural unless the number is one: `1 commit`, `2 commits`.
#[must_use]
pub fn counted(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let shown = table(&[row(["登录", "a", "x"]), row(["abc", "bb", ""]), row(["e\u{301}", "", "z"])], 1);
        assert_eq!(shown, " 登录  a   x\n abc   bb\n e\u{301}         z\n");
        assert_eq!(cut("登录页面", 5), "登录…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(cut("👩‍💻👩‍💻", 3), "👩‍💻…", "no half of a joined emoji");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn no_control_character_reaches_the_terminal() {
        assert_eq!(harmless("a\u{1b}[31mb\nc\u{9b}d\u{202e}"), "a\\u{1b}[31mb c\\u{9b}d\\u{202e}");
    }

    #[test]
    fn durations_are_shown_in_one_unit() {
        assert_eq!(
            [0, 89_999, 90_000, 5_400_000, 200_000_000].map(duration),
            ["0 s", "89 s", "1 min", "1 h", "2 d"]
        );
        assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
    }
}
