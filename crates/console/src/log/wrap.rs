//! Lines broken to a width, by the cells that characters take.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::ansi::Run;

/// How a line is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Breaking {
    /// Cells of a row; at least one is used.
    pub width: usize,
    /// At blanks where there are some; else wherever the row is full.
    pub at_blanks: bool,
}

/// One cluster and the cells it takes.
struct Cluster<'a> {
    text: &'a str,
    cells: usize,
    run: usize,
}

/// The rows of a line; always at least one. A character wider than a row is shown as `?`.
#[must_use]
pub(super) fn rows(line: &[Run], breaking: Breaking) -> Vec<Vec<Run>> {
    let width = breaking.width.max(1);
    let clusters = clusters(line, width);
    let mut rows = Vec::new();
    let mut from = 0;
    while from < clusters.len() {
        let full = fitting(&clusters[from..], width);
        let mut until = from + full;
        if breaking.at_blanks && until < clusters.len() {
            until = blank_before(&clusters, from, until).unwrap_or(until);
        }
        rows.push(put(line, &clusters[from..until]));
        from = until;
        // The blank that a row was broken at is not carried over.
        if breaking.at_blanks && from < clusters.len() && clusters[from].text == " " {
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
        for text in run.text.graphemes(true) {
            let cells = text.width();
            let text = if cells > width { "?" } else { text };
            found.push(Cluster { text, cells: cells.min(width), run: number });
        }
    }
    found
}

fn fitting(clusters: &[Cluster<'_>], width: usize) -> usize {
    let mut used = 0;
    let fits = |cluster: &&Cluster<'_>| {
        used += cluster.cells;
        used <= width
    };
    clusters.iter().take_while(fits).count().max(1)
}

/// The place right behind which, or at which, the row may end: at most half of it is given away.
fn blank_before(clusters: &[Cluster<'_>], from: usize, until: usize) -> Option<usize> {
    let least = from + (until - from) / 2;
    (least..=until).rev().find(|&at| at > from && clusters[at].text == " ")
}

fn put(line: &[Run], clusters: &[Cluster<'_>]) -> Vec<Run> {
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

    fn broken(text: &str, width: usize, at_blanks: bool) -> Vec<String> {
        let line = [Run { text: text.to_owned(), style: Style::new() }];
        let rows = rows(&line, Breaking { width, at_blanks });
        rows.iter().map(|row| row.iter().map(|run| run.text.as_str()).collect()).collect()
    }

    #[test]
    fn prose_is_broken_at_blanks() {
        assert_eq!(broken("the quick brown fox", 10, true), ["the quick", "brown fox"]);
        assert_eq!(
            broken("a verylongwordthatfits nowhere", 10, true),
            ["a verylong", "wordthatfi", "ts nowhere"]
        );
        assert_eq!(broken("", 10, true), [""]);
    }

    #[test]
    fn wide_characters_are_never_torn() {
        assert_eq!(broken("登录页面的表单", 5, false), ["登录", "页面", "的表", "单"]);
        assert_eq!(broken("登", 1, false), ["?"]);
        assert_eq!(broken("e\u{301}e\u{301}e\u{301}", 2, false), ["e\u{301}e\u{301}", "e\u{301}"]);
    }

    #[test]
    fn styles_go_on_in_the_next_row() {
        let red = Style::new().fg(Color::Red);
        let line = [Run { text: "ab".into(), style: Style::new() }, Run { text: "cdef".into(), style: red }];
        let rows = rows(&line, Breaking { width: 4, at_blanks: false });
        assert_eq!(rows[0][1], Run { text: "cd".into(), style: red });
        assert_eq!(rows[1], [Run { text: "ef".into(), style: red }]);
    }
}
