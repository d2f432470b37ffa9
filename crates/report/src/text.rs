//! Text for terminals: aligned by display width, free of control characters, with times in words.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// JSON as people may print it: what JSON itself leaves as it is and a terminal obeys (DEL, and the control
/// characters above it) is written as an escape, which says the same.
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

/// The text with control characters shown instead of obeyed, on one line.
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

/// Whether a character could make a terminal do or show something else: controls, and what turns the
/// direction of writing.
#[must_use]
pub fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// Cuts to a display width; what is missing shows as `…`. Clusters (accents, joined emoji) stay whole.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        used += cluster.width();
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

/// Rows with their columns aligned by display width, two blanks apart; the last column is as long as it is.
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

/// A time as RFC 3339 in UTC.
#[must_use]
pub fn rfc3339(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

/// A length of time in one unit: `45 s`, `12 min`, `3 h`, `2 d`.
#[must_use]
pub fn duration(ms: i64) -> String {
    match ms.max(0) / 1000 {
        seconds @ 0..=89 => format!("{seconds} s"),
        seconds @ 90..=5399 => format!("{} min", seconds / 60),
        seconds @ 5400..=172_799 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// A number with the word for it, in the plural where it is one: `1 commit`, `2 commits`.
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
    fn wide_characters_take_their_place() {
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
    fn times_are_said_in_one_unit() {
        assert_eq!(
            [0, 89_999, 90_000, 5_400_000, 200_000_000].map(duration),
            ["0 s", "89 s", "1 min", "1 h", "2 d"]
        );
        assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
    }
}
