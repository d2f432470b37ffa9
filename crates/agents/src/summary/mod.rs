//! Finds and reads the session summary in an agent's output.

mod lenient;

use serde::Deserialize;

use crate::terminal::plain;
use paddock_model::summary::{SessionSummary, SummaryStatus};

/// First line of a summary.
pub const BEGIN: &str = "---SESSION_SUMMARY---";

/// Last line of a summary.
pub const END: &str = "---END_SESSION_SUMMARY---";

/// Words of the built-in templates. A block that still contains them is a copy that was not filled in.
const TEMPLATE_STATUS: &str = "completed | partial | blocked";

/// Returns the last summary in an agent's text that is not an echo of the prompt.
#[must_use]
pub fn find(text: &str, prompt: &str) -> Option<SessionSummary> {
    // Some agents print the whole prompt first, which may quote summaries of earlier sessions. An agent may
    // also end with the very words that its prompt quotes. So an echo is told by where it stands: after the
    // same lines as in the prompt.
    let (cleaned, prompt) = (plain(text.as_bytes()), plain(prompt.as_bytes()));
    let quoted = blocks(&prompt);
    let is_echo = |block: &Block<'_>| quoted.iter().any(|other| block.is_echo_of(other));
    let own = |block: &Block<'_>| !block.text.contains(TEMPLATE_STATUS) && !is_echo(block);
    blocks(&cleaned).into_iter().rev().filter(own).find_map(|block| read(&block.text))
}

/// Lines before a block that are compared to tell an echo. One may be the same by chance, such as a heading.
const LINES_BEFORE: usize = 2;

/// A complete block, and the last lines before it that are not empty. The end of the block before counts as one.
struct Block<'t> {
    text: String,
    before: Vec<&'t str>,
}

impl Block<'_> {
    /// Returns whether this block of an output repeats that block of the prompt.
    fn is_echo_of(&self, quoted: &Self) -> bool {
        self.before == quoted.before && bare(&self.text) == bare(&quoted.text)
    }
}

/// Returns whether a text holds a complete block, of whatever content.
#[must_use]
pub(crate) fn has_block(text: &str) -> bool {
    text.contains(END) && !blocks(&plain(text.as_bytes())).is_empty()
}

/// Returns the complete blocks, in order. A block that begins again before its end counts from its last
/// beginning.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut open: Option<Vec<&str>> = None;
    let mut before: Vec<&str> = Vec::new();
    for line in text.lines() {
        match undecorated(line) {
            BEGIN => open = Some(Vec::new()),
            END => {
                let block = |lines: Vec<&str>| Block { text: dedent(&lines), before: before.clone() };
                found.extend(open.take().map(block));
                before = vec![END];
            }
            bare => match &mut open {
                Some(lines) => lines.push(line),
                None if bare.is_empty() => {}
                None => {
                    before.push(bare);
                    let excess = before.len().saturating_sub(LINES_BEFORE);
                    before.drain(..excess);
                }
            },
        }
    }
    found
}

/// Returns a line without the decoration that agents put around text: list signs, quote bars, code marks.
fn undecorated(line: &str) -> &str {
    let decoration = |c: char| c.is_whitespace() || "`*>|│┃•●⏺".contains(c);
    line.trim_matches(decoration)
}

/// Returns the lines without the quote bars and the indentation that all of them have.
fn dedent(lines: &[&str]) -> String {
    let bars = ['>', '|', '│', '┃'];
    let full = || lines.iter().filter(|line| !line.trim().is_empty());
    // Quote bars are removed only if every line has one: a single bar belongs to the text.
    let quoted = full().count() > 0 && full().all(|line| line.trim_start().starts_with(bars));
    let unquoted: Vec<&str> = lines
        .iter()
        .map(|line| if quoted { line.trim_start().trim_start_matches(bars) } else { line })
        .collect();
    let indent = |line: &&str| line.len() - line.trim_start_matches(' ').len();
    let shared = unquoted.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    unquoted.iter().map(|line| line.get(shared..).unwrap_or("").trim_end()).collect::<Vec<_>>().join("\n")
}

/// Returns a block in a form for comparison: without indentation and without empty lines.
fn bare(block: &str) -> String {
    block.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[derive(Deserialize)]
struct Strict {
    status: SummaryStatus,
    commits_made: Option<u32>,
    #[serde(default)]
    acceptance_criteria_met: Option<Vec<std::collections::BTreeMap<String, bool>>>,
    summary: Option<String>,
    needs_follow_up: Option<bool>,
    follow_up_notes: Option<String>,
    out_of_scope_changes_needed: Option<String>,
}

fn read(block: &str) -> Option<SessionSummary> {
    let strict: Result<Strict, _> = serde_yaml::from_str(block);
    let summary = match strict {
        Ok(strict) => SessionSummary {
            status: strict.status,
            commits_made: strict.commits_made,
            criteria: strict.acceptance_criteria_met.unwrap_or_default().into_iter().flatten().collect(),
            summary: tidy(&strict.summary.unwrap_or_default()),
            needs_follow_up: strict.needs_follow_up.unwrap_or(false),
            follow_up_notes: something(&strict.follow_up_notes.unwrap_or_default()),
            out_of_scope_changes_needed: something(&strict.out_of_scope_changes_needed.unwrap_or_default()),
            lenient: false,
        },
        // Agents often write text with colons or unbalanced quotes, which is not valid YAML; the work must
        // not be lost for that.
        Err(_) => lenient::read(block)?,
    };
    Some(summary.bounded())
}

fn tidy(text: &str) -> String {
    text.trim().to_owned()
}

/// Returns the text, or an empty text if the agent wrote that there is nothing to say.
fn something(text: &str) -> String {
    let plain = text.trim().trim_end_matches('.').to_ascii_lowercase();
    let is_nothing =
        ["none", "n/a", "na", "null", "~", "-", "no", "nothing", "text"].contains(&plain.as_str());
    if is_nothing { String::new() } else { tidy(text) }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
