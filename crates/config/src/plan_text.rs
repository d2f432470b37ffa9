//! Finds plans in a text: the whole text as one document, or the fenced blocks in it that contain
//! `objectives`.
//!
//! Planners write prose around their plans, quote forms and repeat drafts. This file finds candidates and
//! does not judge them; `plan_file` decides which one counts.

use super::yaml::{self, Node, SyntaxError, Value};

/// The keys of a plan.
const KEYS: [&str; 3] = ["reasoning", "phase_checks", "objectives"];

/// The text of a plan, and its position in the whole text, which moves faults to the right lines.
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

/// Parses YAML, or JSON that is not valid YAML (with an escaped surrogate pair or a tab). Planners write
/// both.
pub(super) fn parse(text: &str) -> Result<Node, SyntaxError> {
    yaml::parse(text).or_else(|error| match text.trim_start().starts_with('{') {
        true => serde_json::from_str(text).map(yaml::from_json).map_err(|_| error),
        false => Err(error),
    })
}

/// Returns every plan in the text, in order: the text itself if it is one, else each fenced block with
/// `objectives`.
pub(super) fn find(text: &str) -> Vec<Found> {
    let text = text.trim_start_matches('\u{feff}');
    if is_document(text) {
        return vec![Found::whole(text)];
    }
    let is_plan = |(language, found): &(String, Found)| is_data(language) && holds_objectives(&found.text);
    let found: Vec<Found> = blocks(text).into_iter().filter(is_plan).map(|(_, found)| found).collect();
    if found.is_empty() { json_objects(text) } else { found }
}

/// Returns the JSON objects with `objectives` that begin a line outside of any block, in order. Planners that
/// write JSON often write other lines before and after it.
fn json_objects(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let (mut start, mut begins) = (0, 0);
    for (number, line) in (0_u64..).zip(text.split_inclusive('\n')) {
        // Lines of an object that was read are not read again.
        if line.starts_with('{') && start >= begins {
            let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter();
            if let Some(Ok(serde_json::Value::Object(object))) = values.next() {
                let end = start + values.byte_offset();
                begins = end;
                if object.contains_key("objectives") {
                    let text = format!("{}\n", &text[start..end]);
                    found.push(Found { text, lines_before: number, columns_before: 0 });
                }
            }
        }
        start += line.len();
    }
    found
}

/// Returns a candidate without `objectives`: a document that starts with one of the plan's keys, else the
/// first block that does.
pub(super) fn meant(text: &str) -> Option<Found> {
    let text = text.trim_start_matches('\u{feff}');
    if starts_with_key(text.lines()) {
        return Some(Found::whole(text));
    }
    let begins =
        |(language, found): &(String, Found)| is_data(language) && starts_with_key(found.text.lines());
    blocks(text).into_iter().find(begins).map(|(_, found)| found)
}

/// Returns the form of a plan in a prompt: its last block with `objectives` and with `"..."` in place of
/// values.
pub(super) fn form(prompt: &str) -> Option<Found> {
    let mut all = blocks(prompt).into_iter().map(|(_, found)| found);
    // The last one: earlier blocks of a prompt may quote files of the repository.
    all.rfind(|found| holds_objectives(&found.text) && found.text.contains("\"...\""))
}

/// Returns whether both have the same content, whatever their layout.
pub(super) fn is_same(one: &Found, other: &Found) -> bool {
    match (parse(&one.text), parse(&other.text)) {
        (Ok(one), Ok(other)) => one.says_same(&other),
        _ => one.text.trim() == other.text.trim(),
    }
}

fn is_data(language: &str) -> bool {
    // A block in another language may quote a plan, for example in a shell script.
    matches!(language, "yaml" | "yml" | "json" | "")
}

/// Returns whether the whole text is a plan: it parses as one, or it begins like one and has a syntax error.
///
/// A broken document must not be searched for blocks: a fence in one of its descriptions would be taken for
/// the plan.
fn is_document(text: &str) -> bool {
    if parse(text).is_ok_and(|node| has_objectives(&node)) {
        return true;
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    let mut holds = false;
    while at < lines.len() {
        // `objectives` within a block belongs to the block and does not make the text around it a plan.
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

/// Returns whether a block is a plan, possibly with a syntax error. A broken plan must be reported, not
/// overlooked.
fn holds_objectives(text: &str) -> bool {
    match parse(text) {
        Ok(node) => has_objectives(&node),
        Err(_) if text.trim_start().starts_with('{') => text.contains("\"objectives\""),
        Err(_) => text.lines().any(|line| is_key(line, "objectives")),
    }
}

/// Returns every fenced block with its language, in order. A block without an end extends to the end of the
/// text, as in Markdown; an answer that was cut off ends like this.
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

/// Returns whether a line begins with a key, quoted or not, and a colon.
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

/// Removes up to `indent` blanks, by which a block in a list item is indented.
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
        // A line such as ```` ```x``` ```` is inline code.
        if length < 3 || info.contains('`') {
            return None;
        }
        // Planners write `yaml title=plan`, `{.yaml}` and `YAML`; all mean YAML.
        let word = info.trim_start_matches([' ', '{', '.']);
        let language = word.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
        Some(Self { indent: line.len() - code.len(), mark, length, language })
    }

    /// Returns the index of the line that closes the block whose body begins at `body`, or the number of
    /// lines.
    fn end(&self, lines: &[&str], body: usize) -> usize {
        let inside = &lines[body.min(lines.len())..];
        inside.iter().position(|line| self.is_closed_by(line)).map_or(lines.len(), |length| body + length)
    }

    /// Returns whether a line closes the block. A fence in a description is indented deeper than the block,
    /// and does not close it.
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
