//! Finds the plan in a text: the whole of it, or its first fenced YAML block.

use super::plan_file::KEYS;

/// A plan's YAML and where it stood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub text: String,
    pub lines_before: u64,
    pub columns_before: u64,
}

/// The document that starts with one of the plan's keys, else the first fenced YAML block.
pub(super) fn find(text: &str) -> Option<Found> {
    let text = text.trim_start_matches('\u{feff}');
    if starts_with_key(text.lines()) {
        return Some(Found { text: text.to_owned(), lines_before: 0, columns_before: 0 });
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        let Some(fence) = Fence::opened_by(lines[at]) else {
            at += 1;
            continue;
        };
        let body = at + 1;
        let end = lines[body..].iter().position(|line| fence.is_closed_by(line));
        let end = end.map_or(lines.len(), |length| body + length);
        let is_yaml = matches!(fence.language.as_str(), "yaml" | "yml")
            || fence.language.is_empty() && starts_with_key(lines[body..end].iter().copied());
        if is_yaml {
            let cut: Vec<&str> = lines[body..end].iter().map(|line| dedent(line, fence.indent)).collect();
            let text = cut.join("\n") + "\n";
            return Some(Found { text, lines_before: body as u64, columns_before: fence.indent as u64 });
        }
        at = end + 1;
    }
    None
}

fn starts_with_key<'l>(lines: impl Iterator<Item = &'l str>) -> bool {
    let blank = |line: &&str| line.trim().is_empty() || line.starts_with('#') || line.trim_end() == "---";
    let first = lines.into_iter().find(|line| !blank(line)).unwrap_or_default();
    KEYS.iter().any(|key| {
        first.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'))
    })
}

fn dedent(line: &str, indent: usize) -> &str {
    let blanks = line.bytes().take(indent).take_while(|byte| *byte == b' ').count();
    &line[blanks..]
}

/// The opening line of a fenced block.
struct Fence {
    indent: usize,
    mark: char,
    length: usize,
    language: String,
}

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let code = line.trim_start_matches(' ');
        let mark = code.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let info = code.trim_start_matches(mark);
        let length = code.len() - info.len();
        if length < 3 || info.contains('`') {
            return None;
        }
        let language = info.split_whitespace().next().unwrap_or_default().to_lowercase();
        Some(Self { indent: line.len() - code.len(), mark, length, language })
    }

    /// A fence inside a description is indented deeper than the block's own: it closes nothing.
    fn is_closed_by(&self, line: &str) -> bool {
        let code = line.trim_start_matches(' ');
        let rest = code.trim_start_matches(self.mark);
        let indent = line.len() - code.len();
        indent <= self.indent && code.len() - rest.len() >= self.length && rest.trim().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_yaml_block_is_found_among_prose_and_other_blocks() {
        let text = "Hello\n```rust\nfn a() {}\n```\n  ```yaml\n  reasoning: |\n    ```\n    x\n    ```\n  objectives: []\n  ```\n";
        let found = find(text).unwrap();
        assert_eq!(found.text, "reasoning: |\n  ```\n  x\n  ```\nobjectives: []\n");
        assert_eq!((found.lines_before, found.columns_before), (5, 2));
    }

    #[test]
    fn a_document_that_starts_with_a_key_is_taken_whole() {
        let text = "# mine\n\nobjectives:\n- description: |\n    ```yaml\n    a: 1\n    ```\n";
        assert_eq!(find(text).unwrap().text, text);
        assert!(find("just prose\n").is_none());
        assert!(find("```\nobjectives: []\n```\n").is_some());
        assert!(find("```\nother: []\n```\n").is_none());
    }
}
