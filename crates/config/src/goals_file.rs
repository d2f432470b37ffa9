//! Goals, milestones and phases as one Markdown document: headings of level one, two and three; the text below a
//! heading describes it; an HTML comment `<!-- id: x -->` keeps its id; a block fenced as `checks` holds a phase's
//! checks as YAML.

use super::error::{ConfigError, Place};
use super::plan_file;
use super::reader::Sink;
use paddock_model::hierarchy::Level;
use paddock_model::ids::NodeId;
use paddock_model::plan::PhaseCheck;

/// A goal, milestone or phase as the document has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftNode {
    /// How large it is.
    pub level: Level,
    /// Its id, where the document names it.
    pub id: Option<NodeId>,
    /// Its title.
    pub title: String,
    /// The text below its heading.
    pub description: String,
    /// The place in the document of what it belongs to.
    pub parent: Option<usize>,
    /// The checks of a phase.
    pub checks: Vec<PhaseCheck>,
    /// The line of its heading, from 1.
    pub line: u64,
}

/// Reads and checks a document as a whole; `shown` is what the file is called.
///
/// # Errors
/// Every fault, with its line. One is enough to refuse the whole document.
pub fn read(text: &str, shown: &str) -> Result<Vec<DraftNode>, Vec<ConfigError>> {
    let sink = Sink::new(shown);
    let mut reader = Reader { sink: &sink, shown, nodes: Vec::new(), body: Vec::new(), faults: Vec::new() };
    let text = text.trim_start_matches('\u{feff}');
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        at = reader.take(&lines, at);
    }
    reader.close();
    let (nodes, mut faults) = (std::mem::take(&mut reader.nodes), std::mem::take(&mut reader.faults));
    if nodes.is_empty() {
        let right = "begin with `# A goal`, then `## A milestone` and `### A phase`".to_owned();
        sink.add(Place::default(), "", "holds no goal".to_owned(), Some(right));
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
    body: Vec<&'a str>,
    faults: Vec<ConfigError>,
}

impl<'a> Reader<'a> {
    /// Takes the line at this place, or the whole block that begins there; gives the place after it.
    fn take(&mut self, lines: &[&'a str], at: usize) -> usize {
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
            // Once is enough to say it of a whole preface.
            self.nodes.push(DraftNode::nobody());
            return;
        }
        self.body.extend(lines);
    }

    fn begin(&mut self, level: Level, title: &str, line: u64) {
        self.close();
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
        let title = strip_word(title.trim().trim_end_matches('#').trim_end(), word);
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
            let right = Some("give each its own id, or none: then one is made of the title".to_owned());
            self.fault(line, format!("the {word} `{id}` is in line {first} already"), right);
        }
        let parent = level.parent().and_then(|above| self.nodes.iter().rposition(|node| node.level <= above));
        let parent = parent.filter(|at| Some(self.nodes[*at].level) == level.parent());
        if let (Some(above), None) = (level.parent(), parent) {
            let right = format!("write `{} …` above it", hashes(above));
            self.fault(line, format!("this {word} belongs to no {above}"), Some(right));
        }
        let (title, description, checks) = (title.to_owned(), String::new(), Vec::new());
        self.nodes.push(DraftNode { level, id, title, description, parent, checks, line });
    }

    /// The text so far is the description of the last aim.
    fn close(&mut self) {
        let body: Vec<String> = self.body.drain(..).map(unescape).collect();
        if let Some(node) = self.nodes.last_mut() {
            node.description = body.join("\n").trim().to_owned();
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
                // The text that was read begins with a line of its own, where the fence is.
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
    /// Stands for the goal that a preface lacks, until a heading comes.
    fn nobody() -> Self {
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

/// `Phase: The form` is a phase called `The form`.
fn strip_word<'t>(title: &'t str, word: &str) -> &'t str {
    match title.split_once(':') {
        Some((first, rest)) if first.trim().eq_ignore_ascii_case(word) => rest.trim(),
        _ => title,
    }
}

/// The title and the id in its comment: `Title <!-- id: x -->`.
fn split_marker(title: &str) -> (&str, Option<&str>) {
    let marked = title.split_once("<!--").and_then(|(before, rest)| {
        let id = rest.split_once("-->")?.0.trim().strip_prefix("id")?.trim_start();
        Some((before, id.strip_prefix([':', '='])?.trim()))
    });
    marked.map_or((title, None), |(before, id)| (before, Some(id)))
}

/// The character and the length of an opening fence, and its language.
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
    // One that is indented closes a block within.
    rest.is_empty() && code.len() >= length
}

/// A line of a description that would be a heading is written with a backslash before it.
fn unescape(line: &str) -> String {
    match line.strip_prefix('\\') {
        Some(rest) if rest.starts_with(['#', '\\']) => rest.to_owned(),
        _ => line.to_owned(),
    }
}

/// An aim as a document has it, for [`write()`].
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// How large it is.
    pub level: Level,
    /// Its id.
    pub id: &'a str,
    /// Its title.
    pub title: &'a str,
    /// What it is about.
    pub description: &'a str,
    /// The checks of a phase.
    pub checks: &'a [PhaseCheck],
}

/// The document of these aims, each below what it belongs to; reading it gives the same again.
#[must_use]
pub fn write<'a>(nodes: impl IntoIterator<Item = Written<'a>>) -> String {
    let mut text = String::new();
    for node in nodes {
        let title: Vec<&str> = node.title.split_whitespace().collect();
        let (hashes, title) = (hashes(node.level), title.join(" ").replace("<!--", "<! --"));
        let before = if text.is_empty() { "" } else { "\n" };
        text.push_str(&format!("{before}{hashes} {title} <!-- id: {} -->\n", node.id));
        let description = escaped(node.description.trim());
        if !description.is_empty() {
            text.push_str(&format!("\n{description}\n"));
        }
        if !node.checks.is_empty() {
            text.push_str(&format!("\n```checks\n{}```\n", checks_text(node.checks)));
        }
    }
    text
}

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
    // JSON strings are YAML strings.
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
