//! Numbers in summaries.

/// Returns the number in front of a whole word (`12 passed`).
pub(crate) fn before(line: &str, word: &str) -> Option<u64> {
    let is_gap = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '|');
    let mut last = None;
    for one in line.split(is_gap).filter(|one| !one.is_empty()) {
        if one == word
            && let Some(number) = last
        {
            return Some(number);
        }
        last = one.parse().ok();
    }
    None
}

/// Returns the number after a text (`Tests run: 3`).
pub(crate) fn after(line: &str, text: &str) -> Option<u64> {
    let rest = line.split_once(text)?.1.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// Returns a line without the white space before it, and the width of that.
pub(crate) fn indent(line: &str) -> (usize, &str) {
    let text = line.trim_start();
    (line.len() - text.len(), text)
}
