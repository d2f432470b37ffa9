//! The common part of all structured formats: words, tools, output of tools, commits.

use serde_json::Value;

use super::json;
use super::line::{LINE_MAX_BYTES, LineKind};
use super::pen::Pen;
use super::words::Words;

/// Keys under which the arguments of tools name their subject, the most informative first.
const SUBJECTS: [&str; 12] = [
    "/command",
    "/file_path",
    "/filePath",
    "/absolute_path",
    "/path",
    "/pattern",
    "/query",
    "/url",
    "/description",
    "/prompt",
    "/dir_path",
    "/name",
];

/// Limit on the text that is kept of a tool's arguments, in characters.
const ARGUMENTS_MAX_CHARS: usize = 300;

/// Writes lines about what an agent says and does.
#[derive(Debug, Default)]
pub(super) struct Narrator {
    pub(super) words: Words,
    /// Pieces of the open message that no line shows yet.
    unshown: String,
    /// Whether the last command makes a commit, so that its output names the commit.
    is_committing: bool,
}

impl Narrator {
    /// Records a whole message of the agent.
    pub(super) fn say(&mut self, text: &str, pen: &mut Pen<'_>) {
        self.close(pen);
        self.words.say(text);
        pen.line(LineKind::Say, text);
    }

    /// Records a piece of a message that comes in pieces, which may end in the middle of a word. Whole lines of
    /// it are shown.
    pub(super) fn piece(&mut self, piece: &str, pen: &mut Pen<'_>) {
        self.words.add(piece);
        self.unshown.push_str(piece);
        let end = match self.unshown.rfind('\n') {
            Some(end) => end + 1,
            None if self.unshown.len() >= LINE_MAX_BYTES => self.unshown.len(),
            None => return,
        };
        let whole: String = self.unshown.drain(..end).collect();
        pen.line(LineKind::Say, &whole);
    }

    /// Ends the message that comes in pieces, if one is open.
    pub(super) fn close(&mut self, pen: &mut Pen<'_>) {
        pen.line(LineKind::Say, &std::mem::take(&mut self.unshown));
        self.words.close();
    }

    /// Records the use of a tool.
    pub(super) fn tool(&mut self, name: &str, arguments: &Value, pen: &mut Pen<'_>) {
        self.close(pen);
        // Some agents write the arguments as a text that holds JSON.
        let parsed = arguments.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let arguments = parsed.as_ref().unwrap_or(arguments);
        let kind = kind_of(name);
        let subject = SUBJECTS.iter().map(|key| json::text(arguments, key)).find(|text| !text.is_empty());
        let command = json::text(arguments, "/command");
        // Only after such a command is a line in brackets taken for a commit.
        self.is_committing = command.contains("git commit") || command.contains("git merge");
        let shown = match subject {
            // The subject alone does not say what an unknown tool does with it.
            Some(subject) if kind == LineKind::Run && command.is_empty() => {
                format!("{name}: {}", arguments_line(subject))
            }
            Some(subject) => subject.to_owned(),
            None if arguments.is_null() => name.to_owned(),
            None => format!("{name} {}", arguments_line(&arguments.to_string())),
        };
        pen.line(kind, &shown);
    }

    /// Records the output of a tool.
    pub(super) fn output(&mut self, text: &str, is_error: bool, pen: &mut Pen<'_>) {
        self.close(pen);
        pen.line(if is_error { LineKind::Error } else { LineKind::Output }, text);
        if std::mem::take(&mut self.is_committing) {
            for commit in text.lines().filter_map(commit_of) {
                pen.line(LineKind::Commit, &commit);
            }
        }
    }
}

/// Cuts the arguments of a tool to a length that a line can show.
fn arguments_line(text: &str) -> String {
    text.chars().take(ARGUMENTS_MAX_CHARS).collect()
}

/// Returns what a tool of this name does. A name can contain several of the words; commands come first, then
/// changes.
fn kind_of(name: &str) -> LineKind {
    let name = name.to_lowercase();
    let is_one = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if is_one(&["bash", "shell", "exec", "terminal", "command"]) {
        LineKind::Run
    } else if is_one(&["edit", "write", "replace", "patch", "create_file", "str_replace", "insert"]) {
        LineKind::Edit
    } else if is_one(&["read", "view", "grep", "glob", "search", "fetch", "list_dir", "cat_file"])
        || matches!(name.as_str(), "ls" | "list")
    {
        LineKind::Read
    } else {
        LineKind::Run
    }
}

/// Reads a commit from a line of `git commit`, for example `[main 7a23b1c] add hello`.
fn commit_of(line: &str) -> Option<String> {
    let (inside, subject) = line.trim().strip_prefix('[')?.split_once("] ")?;
    let id = inside.rsplit(' ').next()?;
    let is_id = (7..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Without a branch name before the id it is some other bracketed text.
    (is_id && inside.contains(' ')).then(|| format!("{id} {subject}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_read_from_what_git_prints() {
        assert_eq!(commit_of("[main 7a23b1c] add hello").as_deref(), Some("7a23b1c add hello"));
        assert_eq!(commit_of("[main (root-commit) 7a23b1c] x").as_deref(), Some("7a23b1c x"));
        assert_eq!(commit_of("[7a23b1c] x"), None);
        assert_eq!(commit_of("[12:00 warn] x"), None);
    }

    #[test]
    fn tools_are_distinguished_by_their_names() {
        let table = [
            ("Bash", LineKind::Run),
            ("run_shell_command", LineKind::Run),
            ("Read", LineKind::Read),
            ("list_directory", LineKind::Read),
            ("Write", LineKind::Edit),
            ("apply_patch", LineKind::Edit),
            ("Task", LineKind::Run),
        ];
        for (name, kind) in table {
            assert_eq!(kind_of(name), kind, "{name}");
        }
    }
}
