//! Measures, cuts and wraps text by display width, and
//! replaces control characters before they reach the terminal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use paddock_report::text::{self, is_harmful};

/// Returns the display width of a text, in columns.
#[must_use]
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Returns the text on one line. Line breaks and tabs become blanks; other control characters and characters
/// that change the writing direction become U+FFFD.
#[must_use]
pub(crate) fn clean(text: &str) -> String {
    // Almost every text is clean already.
    if !text.chars().any(is_harmful) {
        return text.to_owned();
    }
    let replace = |character: char| match character {
        '\n' | '\t' | '\r' => ' ',
        other if is_harmful(other) => '\u{fffd}',
        other => other,
    };
    text.chars().map(replace).collect()
}

/// Returns the cleaned text, cut to this many columns. A cut text ends with `…`.
#[must_use]
pub(crate) fn cut(text: &str, columns: usize) -> String {
    text::cut(&clean(text), columns)
}

/// Returns the cleaned text, cut or padded on the right to exactly this many columns.
#[must_use]
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let mut out = cut(text, columns);
    let missing = columns.saturating_sub(width(&out));
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

/// Returns the cleaned text, cut or padded on the left to exactly this many columns.
#[must_use]
pub(crate) fn fit_right(text: &str, columns: usize) -> String {
    let out = cut(text, columns);
    let missing = columns.saturating_sub(width(&out));
    format!("{}{out}", " ".repeat(missing))
}

/// Returns the end of a text, at most this many columns, for a line that is being typed.
#[must_use]
pub(crate) fn tail(text: &str, columns: usize) -> String {
    let text = clean(text);
    let mut used = 0;
    // By grapheme cluster, so that an accent is not separated from its letter.
    let kept = text.graphemes(true).rev().take_while(|cluster| {
        used += width(cluster);
        used <= columns
    });
    let mut kept: Vec<&str> = kept.collect();
    kept.reverse();
    kept.concat()
}

/// Wraps a text into lines of at most this many columns, at blanks where possible.
#[must_use]
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut used = 0;
        for word in words(&clean(paragraph)) {
            let needs = width(word);
            if used + needs > columns && used > 0 {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0;
                // A blank that caused the break does not start the next line.
                if word.trim().is_empty() {
                    continue;
                }
            }
            // A word that is wider than the line is broken inside, but never within a grapheme cluster.
            for cluster in word.graphemes(true) {
                let needs = width(cluster);
                if used + needs > columns && used > 0 {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push_str(cluster);
                used += needs;
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Splits a text where a line may be broken: at blanks,
/// and before and after wide (such as Chinese) characters.
fn words(text: &str) -> Vec<&str> {
    let is_wide = |part: &str| width(part) > part.chars().count();
    let mut found: Vec<&str> = Vec::new();
    let mut from = 0;
    let mut before = "";
    for (at, part) in text.split_word_bound_indices() {
        // Unicode's word bounds alone would also break before punctuation, as in `1),`.
        let is_break = [before, part].iter().any(|part| part.trim().is_empty() || is_wide(part));
        if is_break && at > from {
            found.push(&text[from..at]);
            from = at;
        }
        before = part;
    }
    if from < text.len() {
        found.push(&text[from..]);
    }
    found
}

/// Writes a text into a row of the buffer, cut to `columns`. Returns the columns that it took.
pub(crate) fn put(buf: &mut Buffer, x: u16, y: u16, columns: u16, text: &str, style: Style) -> u16 {
    // ratatui panics on a cell outside the buffer, so what lies beyond its edge is left out here.
    let columns = columns.min(buf.area.right().saturating_sub(x));
    if columns == 0 || y >= buf.area.bottom() {
        return 0;
    }
    let text = cut(text, usize::from(columns));
    let (end, _) = buf.set_stringn(x, y, &text, usize::from(columns), style);
    end.saturating_sub(x)
}

/// Replaces typographic characters by ASCII ones, for terminals without UTF-8: those that the console draws
/// itself and those that agents often write. Letters of other scripts stay, as ASCII has no substitute.
pub(crate) fn spell_in_ascii(buf: &mut Buffer) {
    for cell in &mut buf.content {
        let letter = match cell.symbol() {
            "…" => "~",
            "·" | "•" => ".",
            "×" => "x",
            "−" | "–" | "—" | "‐" | "‑" | "─" | "━" => "-",
            "→" => ">",
            "←" => "<",
            "↑" => "^",
            "↓" => "v",
            "│" | "┃" => "|",
            "‘" | "’" => "'",
            "“" | "”" => "\"",
            "✓" | "✔" => "+",
            "✗" | "✘" => "x",
            _ => continue,
        };
        cell.set_symbol(letter);
    }
}

/// Writes a text right-aligned into the first row of an area, `margin` columns from its edge.
pub(crate) fn put_right(buf: &mut Buffer, area: Rect, margin: u16, text: &str, style: Style) {
    let columns = area.width.saturating_sub(margin);
    let text = cut(text, usize::from(columns));
    let needs = u16::try_from(width(&text)).unwrap_or(columns).min(columns);
    put(buf, area.x + columns - needs, area.y, needs, &text, style);
}

/// Writes a styled line into a row of the buffer, cut to `columns`.
pub(crate) fn put_line(buf: &mut Buffer, x: u16, y: u16, columns: u16, line: &Line<'_>) {
    let mut at = x;
    let end = x.saturating_add(columns);
    for Span { content, style } in &line.spans {
        if at >= end {
            break;
        }
        at += put(buf, at, y, end - at, content, line.style.patch(*style));
    }
}

/// Formats a duration in few columns: `45s`, `12m`, `3h05`, `2d`.
#[must_use]
pub(crate) fn short_time(ms: i64) -> String {
    match ms.max(0) / 1000 {
        seconds @ 0..=59 => format!("{seconds}s"),
        seconds @ 60..=3599 => format!("{}m", seconds / 60),
        seconds @ 3600..=86_399 => format!("{}h{:02}", seconds / 3600, seconds % 3600 / 60),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// Formats a Unix time in milliseconds as local time of day: `23:42`.
#[must_use]
pub(crate) fn clock(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M").to_string()
}

/// Formats an elapsed time with seconds: `0:07`, `12:34`, `1:02:03`.
#[must_use]
pub(crate) fn running(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds % 3600 / 60, seconds % 60),
    }
}

/// Formats a number in few columns: `840`, `212k`, `1.0M`.
#[must_use]
pub(crate) fn short_number(number: u64) -> String {
    match number {
        0..=9_999 => number.to_string(),
        // From 999,500 on, rounding to thousands would give `1000k`.
        10_000..=999_499 => format!("{}k", (number + 500) / 1000),
        _ => format!("{:.1}M", number as f64 / 1e6),
    }
}

/// Returns a bar of `columns` cells, of which the share `part / whole` is full.
#[must_use]
pub(crate) fn bar(part: f64, whole: f64, columns: usize, full: &str, empty: &str) -> String {
    let share = if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and columns")]
    let filled = ((share * columns as f64).round() as usize).min(columns);
    format!("{}{}", full.repeat(filled), empty.repeat(columns - filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_text_is_cut_by_columns_and_never_in_the_middle_of_a_cluster() {
        assert_eq!(cut("登录页面", 5), "登录…");
        assert_eq!(fit("登录", 6), "登录  ");
        assert_eq!(fit_right("登", 4), "  登");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(wrap("登录 页面", 4), ["登录", "页面"]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("it failed (exit 1), twice", 12), ["it failed", "(exit 1),", "twice"]);
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(clean("a\u{1b}[2Jb\tc\u{202e}"), "a\u{fffd}[2Jb c\u{fffd}");
    }

    #[test]
    fn times_take_few_columns() {
        assert_eq!([0, 61_000, 3_900_000, 90_000_000].map(short_time), ["0s", "1m", "1h05", "1d"]);
    }
}
