//! Reads and writes goals, milestones and phases as one Markdown document.
//!
//! Headings of level one, two and three are goals, milestones and phases. The text below a heading is its
//! description, an HTML comment `<!-- id: x -->` in it gives the id, and a block fenced as `checks` has a
//! phase's checks as YAML. A backslash at the beginning of a line makes it text, whatever it looks like.

use super::error::{ConfigError, Place};
use super::plan_file;
use super::reader::Sink;
use paddock_model::hierarchy::Level;
use paddock_model::ids::NodeId;
use paddock_model::plan::PhaseCheck;

/// A goal, milestone or phase of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftNode {
    /// Goal, milestone or phase.
    pub level: Level,
    /// Id, if the document gives one.
    pub id: Option<NodeId>,
    /// Title of the heading.
    pub title: String,
    /// Text below the heading.
    pub description: String,
    /// Index of the parent in the list of drafts; `None` for a goal.
    pub parent: Option<usize>,
    /// Checks of a phase; empty for other levels.
    pub checks: Vec<PhaseCheck>,
    /// Line of the heading, from 1.
    pub line: u64,
}

/// Reads and checks a document. `shown` is the file's name in faults.
///
/// # Errors
/// Fails with every fault. A document with a fault is refused as a whole.
pub fn read(text: &str, shown: &str) -> Result<Vec<DraftNode>, Vec<ConfigError>> {
    let sink = Sink::new(shown);
    let mut reader = Reader { sink: &sink, shown, nodes: Vec::new(), body: Vec::new(), faults: Vec::new() };
    let text = text.trim_start_matches('\u{feff}');
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        at = reader.read_at(&lines, at);
    }
    reader.close();
    let (nodes, mut faults) = (std::mem::take(&mut reader.nodes), std::mem::take(&mut reader.faults));
    if nodes.is_empty() {
        let right = "begin with `# A goal`, then `## A milestone` and `### A phase`".to_owned();
        sink.add(Place::default(), "", "contains no goal".to_owned(), Some(right));
    }
    match (sink.finish(Some(nodes)), faults.is_empty()) {
        (Ok((nodes, _)), true) => Ok(nodes),
        (own, _) => {
            faults.extend(own.err().unwrap_or_default());
            faults.sort_by_key(|fault| fault.place);
            Err(faults)
        }
    }
}

struct Reader<'a> {
    sink: &'a Sink,
    shown: &'a str,
    nodes: Vec<DraftNode>,
    /// Lines of the last node's description so far.
    body: Vec<&'a str>,
    /// Faults of checks, which are read with a sink of their own.
    faults: Vec<ConfigError>,
}

impl<'a> Reader<'a> {
    /// Reads the line at an index, or the whole fenced block that begins there. Returns the index after it.
    ///
    /// A block is read as a whole, because a `#` in it is not a heading.
    fn read_at(&mut self, lines: &[&'a str], at: usize) -> usize {
        let line = lines[at];
        if let Some((mark, language)) = fence(line) {
            let inside = lines[at + 1..].iter().position(|line| closes(line, mark));
            let end = inside.map_or(lines.len(), |length| at + 1 + length);
            let next = (end + 1).min(lines.len());
            match language == "checks" {
                true => self.checks(&lines[at + 1..end], at as u64 + 1),
                false => self.text(&lines[at..next], at),
            }
            return next;
        }
        match heading(line) {
            Some((level, title)) => self.begin(level, title, at as u64 + 1),
            None => self.text(&lines[at..=at], at),
        }
        at + 1
    }

    fn text(&mut self, lines: &[&'a str], at: usize) {
        let is_blank = lines.iter().all(|line| line.trim().is_empty());
        if self.nodes.is_empty() && !is_blank {
            let right = "put it below a heading, `# A goal` first".to_owned();
            self.fault(at as u64 + 1, "this text belongs to no goal".to_owned(), Some(right));
            // A placeholder takes the other lines of the preface, so that the fault is reported once.
            self.nodes.push(DraftNode::placeholder());
            return;
        }
        self.body.extend(lines);
    }

    fn begin(&mut self, level: Level, title: &str, line: u64) {
        self.close();
        // Drops the placeholder of a preface.
        self.nodes.retain(|node| node.line > 0);
        let (title, marker) = split_marker(title);
        let id = marker.and_then(|id| match NodeId::new(id) {
            Ok(id) => Some(id),
            Err(error) => {
                self.fault(line, error.to_string(), None);
                None
            }
        });
        let word = level.word();
        let title = strip_word(without_closing_hashes(title.trim()), word);
        if title.is_empty() {
            self.fault(line, format!("this {word} has no title"), Some(format!("`{} TITLE`", hashes(level))));
        }
        let twice = id.as_ref().and_then(|id| {
            self.nodes
                .iter()
                .find(|node| node.level == level && node.id.as_ref() == Some(id))
                .map(|node| node.line)
        });
        if let (Some(id), Some(first)) = (&id, twice) {
            let right = Some("give each its own id, or no id to have one made from the title".to_owned());
            self.fault(line, format!("line {first} has the {word} `{id}` already"), right);
        }
        // The nearest heading of a higher level, if it is the next higher one: a phase directly below a goal
        // has no parent.
        let parent = level.parent().and_then(|above| self.nodes.iter().rposition(|node| node.level <= above));
        let parent = parent.filter(|at| Some(self.nodes[*at].level) == level.parent());
        if let (Some(above), None) = (level.parent(), parent) {
            let right = format!("write `{} …` above it", hashes(above));
            self.fault(line, format!("this {word} belongs to no {above}"), Some(right));
        }
        let (title, description, checks) = (title.to_owned(), String::new(), Vec::new());
        self.nodes.push(DraftNode { level, id, title, description, parent, checks, line });
    }

    /// Makes the lines so far the description of the last node.
    fn close(&mut self) {
        let mut body: Vec<&str> = std::mem::take(&mut self.body);
        // Empty lines around a description only separate it from its neighbours.
        let is_empty = |line: &&str| line.trim().is_empty();
        body.truncate(body.iter().rposition(|line| !is_empty(line)).map_or(0, |last| last + 1));
        let body: Vec<&str> = body.into_iter().skip_while(is_empty).map(unescape).collect();
        if let Some(node) = self.nodes.last_mut() {
            node.description = body.join("\n");
        }
    }

    fn checks(&mut self, inside: &[&str], fence_line: u64) {
        let level = self.nodes.last().map(|node| node.level);
        if level != Some(Level::Phase) {
            let right = "put it below a phase (`### …`)".to_owned();
            return self.fault(fence_line, "checks belong to a phase".to_owned(), Some(right));
        }
        match plan_file::read_checks(&inside.join("\n"), self.shown) {
            Ok(checks) => {
                if let Some(node) = self.nodes.last_mut() {
                    node.checks.extend(checks);
                }
            }
            Err(faults) => self.faults.extend(faults.into_iter().map(|mut fault| {
                // `read_checks` puts a line before the text. That line stands for the fence's, so line 1 is
                // the fence.
                fault.place.line = fence_line + fault.place.line.saturating_sub(1);
                fault
            })),
        }
    }

    fn fault(&mut self, line: u64, problem: String, right: Option<String>) {
        self.sink.add(Place { line, column: 1 }, "", problem, right);
    }
}

impl DraftNode {
    /// Makes a placeholder for the goal that a preface lacks, with line 0. The next heading removes it.
    fn placeholder() -> Self {
        let (title, description) = (String::new(), String::new());
        Self { level: Level::Goal, id: None, title, description, parent: None, checks: Vec::new(), line: 0 }
    }
}

fn hashes(level: Level) -> &'static str {
    match level {
        Level::Goal => "#",
        Level::Milestone => "##",
        Level::Phase => "###",
    }
}

fn heading(line: &str) -> Option<(Level, &str)> {
    [Level::Phase, Level::Milestone, Level::Goal].into_iter().find_map(|level| {
        let rest = line.strip_prefix(hashes(level))?;
        (rest.is_empty() || rest.starts_with([' ', '\t'])).then(|| (level, rest.trim()))
    })
}

/// Removes the level's word from a title: `Phase: The form` becomes `The form`.
fn strip_word<'t>(title: &'t str, word: &str) -> &'t str {
    match title.split_once(':') {
        Some((first, rest)) if first.trim().eq_ignore_ascii_case(word) => rest.trim(),
        _ => title,
    }
}

/// Removes the hashes that may close a heading: `支付 ###`. Those of `C#` belong to the title.
fn without_closing_hashes(title: &str) -> &str {
    let rest = title.trim_end_matches('#');
    if rest.is_empty() || rest.ends_with([' ', '\t']) { rest.trim_end() } else { title }
}

/// Splits a heading into its title and the id in its comment: `Title <!-- id: x -->`.
fn split_marker(title: &str) -> (&str, Option<&str>) {
    // The last comment: a title may hold another one.
    let marked = title.rsplit_once("<!--").and_then(|(before, rest)| {
        let id = rest.split_once("-->")?.0.trim().strip_prefix("id")?.trim_start();
        Some((before, id.strip_prefix([':', '='])?.trim()))
    });
    marked.map_or((title, None), |(before, id)| (before, Some(id)))
}

/// Returns the character and length of an opening fence, and its language.
fn fence(line: &str) -> Option<((char, usize), &str)> {
    let code = line.trim_start();
    let mark = code.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let info = code.trim_start_matches(mark);
    let length = code.len() - info.len();
    (length >= 3 && !info.contains('`'))
        .then(|| ((mark, length), info.split_whitespace().next().unwrap_or("")))
}

fn closes(line: &str, (mark, length): (char, usize)) -> bool {
    let code = line.trim_end();
    let rest = code.trim_start_matches(mark);
    // An indented fence belongs to a block within the description.
    rest.is_empty() && code.len() >= length
}

/// First characters of a line that a backslash before them makes text.
const ESCAPED: [char; 6] = ['#', '\\', '`', '~', ' ', '\t'];

/// Removes the backslash that [`write()`] puts before a line of a description that would be read as something
/// else.
fn unescape(line: &str) -> &str {
    match line.strip_prefix('\\') {
        Some(rest) if rest.is_empty() || rest.starts_with(ESCAPED) => rest,
        _ => line,
    }
}

/// A goal, milestone or phase for [`write()`].
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// Goal, milestone or phase.
    pub level: Level,
    /// Id, unique in its level.
    pub id: &'a str,
    /// Title of any text.
    pub title: &'a str,
    /// Description of any text.
    pub description: &'a str,
    /// Checks of a phase; empty for other levels.
    pub checks: &'a [PhaseCheck],
}

/// Returns the document of these nodes, which must come with each parent before its children. [`read`]
/// returns the same nodes again.
#[must_use]
pub fn write<'a>(nodes: impl IntoIterator<Item = Written<'a>>) -> String {
    let mut text = String::new();
    for node in nodes {
        // A heading is one line.
        let (hashes, title) = (hashes(node.level), title_text(node.title, node.level));
        let before = if text.is_empty() { "" } else { "\n" };
        text.push_str(&format!("{before}{hashes} {title} <!-- id: {} -->\n", node.id));
        let description = description_text(node.description);
        if !description.is_empty() {
            text.push_str(&format!("\n{description}\n"));
        }
        if !node.checks.is_empty() {
            text.push_str(&format!("\n```checks\n{}```\n", checks_text(node.checks)));
        }
    }
    text
}

/// Returns a title in one line, so that [`read`] returns it again.
fn title_text(title: &str, level: Level) -> String {
    let title: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let title = title.trim();
    // The level's word before a colon, and hashes after a blank, are removed by the reader.
    let word = if strip_word(title, level.word()) == title { "" } else { level.word() };
    let word = if word.is_empty() { String::new() } else { format!("{word}: ") };
    let close = if without_closing_hashes(title) == title { "" } else { " #" };
    format!("{word}{title}{close}")
}

/// Returns the text of a description, so that [`read`] returns it again: as it is, with a backslash before lines
/// that look like headings, if that is enough; else with one before every line that could be read as something
/// else, such as a fence that is not closed.
fn description_text(description: &str) -> String {
    if description.is_empty() {
        return String::new();
    }
    let plain = escaped(description);
    let again = read(&format!("# x\n\n{plain}\n\n# y\n"), "");
    let is_same = |nodes: &Vec<DraftNode>| nodes.len() == 2 && nodes[0].description == description;
    if again.as_ref().is_ok_and(is_same) {
        return plain;
    }
    let lines = description.split('\n').map(|line| match line.is_empty() || line.starts_with(ESCAPED) {
        true => format!("\\{line}"),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Puts a backslash before every line that would be read as a heading, except in fenced blocks.
fn escaped(description: &str) -> String {
    let mut open: Option<(char, usize)> = None;
    let lines = description.lines().map(|line| {
        let was_open = open;
        open = match (open, fence(line)) {
            (Some(mark), _) if closes(line, mark) => None,
            (None, Some((mark, _))) => Some(mark),
            (open, _) => open,
        };
        let is_text = was_open.is_none()
            && (heading(line).is_some() || line.starts_with("\\#") || line.starts_with("\\\\"));
        if is_text { format!("\\{line}") } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn checks_text(checks: &[PhaseCheck]) -> String {
    // Every JSON string is a YAML string in double quotes.
    let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let one = |check: &PhaseCheck| {
        let (description, command) = (quoted(&check.description), quoted(&check.check_command));
        let expected = quoted(&check.expected);
        format!("- description: {description}\n  check_command: {command}\n  expected: {expected}\n")
    };
    checks.iter().map(one).collect()
}

#[cfg(test)]
#[path = "goals_file_tests.rs"]
mod tests;
