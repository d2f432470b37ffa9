//! Finds plans in a text: a whole document, or the fenced blocks that hold `objectives`.

use super::yaml::{self, Node, SyntaxError, Value};

/// The keys of a plan.
const KEYS: [&str; 3] = ["reasoning", "phase_checks", "objectives"];

/// A plan's text and where it stood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub text: String,
    pub lines_before: u64,
    pub columns_before: u64,
}

impl Found {
    fn whole(text: &str) -> Self {
        Self { text: text.to_owned(), lines_before: 0, columns_before: 0 }
    }
}

/// Reads YAML, or JSON that is no YAML (an escaped surrogate pair, a tab).
pub(super) fn parse(text: &str) -> Result<Node, SyntaxError> {
    yaml::parse(text).or_else(|error| match text.trim_start().starts_with('{') {
        true => serde_json::from_str(text).map(yaml::from_json).map_err(|_| error),
        false => Err(error),
    })
}

/// Every plan in the text, in order: the text itself if it is one, else each fenced block that holds `objectives`.
pub(super) fn find(text: &str) -> Vec<Found> {
    let text = text.trim_start_matches('\u{feff}');
    if is_document(text) {
        return vec![Found::whole(text)];
    }
    let is_plan = |(language, found): &(String, Found)| is_data(language) && holds_objectives(&found.text);
    blocks(text).into_iter().filter(is_plan).map(|(_, found)| found).collect()
}

/// What may have been meant as a plan and holds no `objectives`: a document that starts with one of the plan's keys,
/// else the first block that does.
pub(super) fn meant(text: &str) -> Option<Found> {
    let text = text.trim_start_matches('\u{feff}');
    if starts_with_key(text.lines()) {
        return Some(Found::whole(text));
    }
    let begins =
        |(language, found): &(String, Found)| is_data(language) && starts_with_key(found.text.lines());
    blocks(text).into_iter().find(begins).map(|(_, found)| found)
}

/// The form of a plan that a prompt ends with: its last block that holds `objectives` and `"..."` in place of values.
pub(super) fn form(prompt: &str) -> Option<Found> {
    let mut all = blocks(prompt).into_iter().map(|(_, found)| found);
    all.rfind(|found| holds_objectives(&found.text) && found.text.contains("\"...\""))
}

/// Whether both say the same, however they are laid out.
pub(super) fn is_same(one: &Found, other: &Found) -> bool {
    match (parse(&one.text), parse(&other.text)) {
        (Ok(one), Ok(other)) => one.says_same(&other),
        _ => one.text.trim() == other.text.trim(),
    }
}

fn is_data(language: &str) -> bool {
    matches!(language, "yaml" | "yml" | "json" | "")
}

/// A document that is one as a whole, or was begun as one and is broken.
fn is_document(text: &str) -> bool {
    if parse(text).is_ok_and(|node| has_objectives(&node)) {
        return true;
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    let mut holds = false;
    while at < lines.len() {
        // What stands in a block is the block's.
        let fence = Fence::opened_by(lines[at]).filter(|fence| fence.indent == 0);
        at = fence.map_or(at, |fence| fence.end(&lines, at + 1));
        holds |= lines.get(at).is_some_and(|line| is_key(line, "objectives"));
        at += 1;
    }
    holds && starts_with_key(lines.into_iter())
}

fn has_objectives(node: &Node) -> bool {
    matches!(&node.value, Value::Map(pairs) if pairs.iter().any(|(key, _)| key.text == "objectives"))
}

/// Whether a block is a plan, or would be one but for a fault in it.
fn holds_objectives(text: &str) -> bool {
    match parse(text) {
        Ok(node) => has_objectives(&node),
        Err(_) if text.trim_start().starts_with('{') => text.contains("\"objectives\""),
        Err(_) => text.lines().any(|line| is_key(line, "objectives")),
    }
}

/// Every fenced block with its language, in order. One that is not closed goes on to the end.
fn blocks(text: &str) -> Vec<(String, Found)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some(fence) = Fence::opened_by(lines[at]) else {
            at += 1;
            continue;
        };
        let body = at + 1;
        let end = fence.end(&lines, body);
        let cut: Vec<&str> = lines[body..end].iter().map(|line| dedent(line, fence.indent)).collect();
        let text = cut.join("\n") + "\n";
        let block = Found { text, lines_before: body as u64, columns_before: fence.indent as u64 };
        found.push((fence.language, block));
        at = end + 1;
    }
    found
}

fn is_key(line: &str, key: &str) -> bool {
    let line = line.trim_start_matches(['"', '\'']);
    let rest = line.strip_prefix(key).map(|rest| rest.trim_start_matches(['"', '\'']));
    rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
}

fn starts_with_key<'l>(lines: impl Iterator<Item = &'l str>) -> bool {
    let blank = |line: &&str| line.trim().is_empty() || line.starts_with('#') || line.trim_end() == "---";
    let first = lines.into_iter().find(|line| !blank(line)).unwrap_or_default();
    KEYS.iter().any(|key| is_key(first.trim_start(), key))
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
        // `yaml title=plan`, `{.yaml}` and `YAML` are all YAML.
        let word = info.trim_start_matches([' ', '{', '.']);
        let language = word.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
        Some(Self { indent: line.len() - code.len(), mark, length, language })
    }

    /// The line that closes it, from `body` on; without one, the number of lines.
    fn end(&self, lines: &[&str], body: usize) -> usize {
        let inside = &lines[body.min(lines.len())..];
        inside.iter().position(|line| self.is_closed_by(line)).map_or(lines.len(), |length| body + length)
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
#[path = "plan_text_tests.rs"]
mod tests;
