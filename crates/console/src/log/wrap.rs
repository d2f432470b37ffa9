//! Wraps lines to a width, by the cells that characters take.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::ansi::Run;

/// How a line is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrapOptions {
    /// Cells of a row; 0 counts as 1.
    pub width: usize,
    /// Whether rows end at a blank if there is one; otherwise they end where they are full.
    pub at_blanks: bool,
}

/// A grapheme cluster, the cells that it takes, and the index of its run.
struct Cluster<'a> {
    text: &'a str,
    cells: usize,
    run: usize,
}

/// Returns the rows of a line, at least one. A character wider than a row is shown as `?`.
#[must_use]
pub(super) fn wrap(line: &[Run], options: WrapOptions) -> Vec<Vec<Run>> {
    let width = options.width.max(1);
    let clusters = clusters(line, width);
    let mut rows = Vec::new();
    let mut from = 0;
    while from < clusters.len() {
        let full = fitting(&clusters[from..], width);
        let mut until = from + full;
        if options.at_blanks && until < clusters.len() {
            until = blank_before(&clusters, from, until).unwrap_or(until);
        }
        rows.push(row_of(line, &clusters[from..until]));
        from = until;
        // The blank at which a row ended does not begin the next one.
        if options.at_blanks && from < clusters.len() && clusters[from].text == " " {
            from += 1;
        }
    }
    if rows.is_empty() {
        rows.push(Vec::new());
    }
    rows
}

fn clusters(line: &[Run], width: usize) -> Vec<Cluster<'_>> {
    let mut found = Vec::new();
    for (number, run) in line.iter().enumerate() {
        // Clusters instead of characters: a combining mark stays with its letter.
        for text in run.text.graphemes(true) {
            let cells = text.width();
            // A wide character does not fit into a row of one cell and could never be shown.
            let text = if cells > width { "?" } else { text };
            found.push(Cluster { text, cells: cells.min(width), run: number });
        }
    }
    found
}

/// Returns how many clusters fit into a row. At least one, so that wrapping always advances.
fn fitting(clusters: &[Cluster<'_>], width: usize) -> usize {
    let mut used = 0;
    let fits = |cluster: &&Cluster<'_>| {
        used += cluster.cells;
        used <= width
    };
    clusters.iter().take_while(fits).count().max(1)
}

/// Returns the index of the blank at which the row ends, if there is one in its second half. A blank further
/// to the front would leave more than half of the row empty before a long word.
fn blank_before(clusters: &[Cluster<'_>], from: usize, until: usize) -> Option<usize> {
    let least = from + (until - from) / 2;
    (least..=until).rev().find(|&at| at > from && clusters[at].text == " ")
}

/// Joins clusters into runs again, one for each run of the line that they are from.
fn row_of(line: &[Run], clusters: &[Cluster<'_>]) -> Vec<Run> {
    let mut row: Vec<Run> = Vec::new();
    let mut last = None;
    for cluster in clusters {
        match row.last_mut().filter(|_| last == Some(cluster.run)) {
            Some(run) => run.text.push_str(cluster.text),
            None => row.push(Run { text: cluster.text.to_owned(), style: line[cluster.run].style }),
        }
        last = Some(cluster.run);
    }
    row
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Style};

    use super::*;

    fn wrapped(text: &str, width: usize, at_blanks: bool) -> Vec<String> {
        let line = [Run { text: text.to_owned(), style: Style::new() }];
        let rows = wrap(&line, WrapOptions { width, at_blanks });
        rows.iter().map(|row| row.iter().map(|run| run.text.as_str()).collect()).collect()
    }

    #[test]
    fn prose_is_wrapped_at_blanks() {
        assert_eq!(wrapped("the quick brown fox", 10, true), ["the quick", "brown fox"]);
        assert_eq!(
            wrapped("a verylongwordthatfits nowhere", 10, true),
            ["a verylong", "wordthatfi", "ts nowhere"]
        );
        assert_eq!(wrapped("", 10, true), [""]);
    }

    #[test]
    fn wide_characters_are_never_split() {
        assert_eq!(wrapped("登录页面的表单", 5, false), ["登录", "页面", "的表", "单"]);
        assert_eq!(wrapped("登", 1, false), ["?"]);
        assert_eq!(wrapped("e\u{301}e\u{301}e\u{301}", 2, false), ["e\u{301}e\u{301}", "e\u{301}"]);
    }

    #[test]
    fn styles_continue_in_the_next_row() {
        let red = Style::new().fg(Color::Red);
        let line = [Run { text: "ab".into(), style: Style::new() }, Run { text: "cdef".into(), style: red }];
        let rows = wrap(&line, WrapOptions { width: 4, at_blanks: false });
        assert_eq!(rows[0][1], Run { text: "cd".into(), style: red });
        assert_eq!(rows[1], [Run { text: "ef".into(), style: red }]);
    }
}
