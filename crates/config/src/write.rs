//! Writes new project files, and edits the target branch of existing ones.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::workspace::Workspace;
use paddock_model::ids::ProjectSlug;
use paddock_model::settings::{GateCommand, TestReport, TestsRule};
use paddock_os::files::{PRIVATE_FILE_MODE, write_new};

/// Line for `isolated`, with its meaning: a person meets the key in a proposal first.
const ISOLATED: &str =
    "    # Work also has to pass with the test files as they were before it, in a folder of their own.
    isolated: true
";

/// Values of a new project file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProject {
    /// Slug of the project, and name of the file.
    pub slug: ProjectSlug,
    /// Name of the project for people.
    pub name: String,
    /// Folder of the repository.
    pub repo_root: String,
    /// Folder for worktrees.
    pub worktrees_root: String,
    /// Branch that work is published to; `None` for the branch of HEAD when the project is registered.
    pub target_branch: Option<String>,
    /// Gate commands; if empty, the key is left out, so that the repository's own file may give them.
    pub verify: Vec<GateCommand>,
}

/// Why a project file was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file of that name exists.
    #[error("{} exists already: choose another slug, or edit that file", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the file system.
        source: io::Error,
    },
}

/// Writes `projects/<slug>.yaml` and returns its path. Never overwrites a file.
///
/// # Errors
/// Fails with [`WriteError::Exists`] if there is such a file, or if it cannot be written.
pub fn write_project(workspace: &Workspace, project: &NewProject) -> Result<PathBuf, WriteError> {
    let path = workspace.project_file(&project.slug);
    // `write_new` fails if the file exists, without a moment between a check and the write.
    match write_new(&path, to_yaml(project).as_bytes(), PRIVATE_FILE_MODE) {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(WriteError::Exists(path)),
        Err(source) => Err(WriteError::Io { path, source }),
    }
}

/// Returns the text of a new project file.
#[must_use]
pub fn to_yaml(project: &NewProject) -> String {
    let mut text =
        String::from("# Every other key has a default: `paddock config example` prints them all.\n");
    let mut line = |key: &str, value: &str| text.push_str(&format!("{key}: {}\n", quoted(value)));
    line("slug", project.slug.as_str());
    line("name", &project.name);
    line("repo_root", &project.repo_root);
    line("worktrees_root", &project.worktrees_root);
    project.target_branch.iter().for_each(|branch| line("target_branch", branch));
    if !project.verify.is_empty() {
        text.push_str("verify:\n");
    }
    for command in &project.verify {
        let (name, run) = (quoted(&command.name), quoted(&command.run));
        let minutes = command.timeout_in_minutes();
        text.push_str(&format!("  - name: {name}\n    run: {run}\n    timeout_minutes: {minutes}\n"));
        text.push_str(&evidence(command));
    }
    text
}

/// Returns the lines for the keys of a gate command that say how its tests are judged; none for defaults.
fn evidence(command: &GateCommand) -> String {
    let mut text = String::new();
    if let TestReport::Junit(path) = &command.report {
        text.push_str(&format!("    report: {}\n", quoted(&format!("junit:{path}"))));
    }
    match command.tests {
        TestsRule::Auto => {}
        TestsRule::Required => text.push_str("    tests: required\n"),
        TestsRule::Off => text.push_str("    tests: off\n"),
    }
    if let Some(number) = command.min_tests {
        text.push_str(&format!("    min_tests: {number}\n"));
    }
    if command.isolated {
        text.push_str(ISOLATED);
    }
    text
}

/// Returns the text of a project file with another `target_branch`. `line` is the key's line, from 1; with 0
/// the key is added at the end.
///
/// Returns `None` if the line does not hold this key alone, for example in a map in braces. The text is
/// edited, and not written anew from the settings, because it belongs to a person: order, comments and layout
/// must stay.
#[must_use]
pub fn with_target(text: &str, line: u64, branch: &str) -> Option<String> {
    let key = format!("target_branch: {}", quoted(branch));
    let Some(index) = usize::try_from(line).ok()?.checked_sub(1) else {
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Some(format!("{text}{gap}{key}\n"));
    };
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let found = *lines.get(index)?;
    let (body, ending) = found.split_at(found.trim_end_matches(['\n', '\r']).len());
    let names = ["target_branch", "\"target_branch\"", "'target_branch'"];
    let after = names.iter().find_map(|name| body.strip_prefix(name)?.trim_start().strip_prefix(':'))?;
    // A `#` starts a comment only after a blank.
    let comment = after.find(" #").map_or("", |at| &after[at..]);
    let whole = format!("{key}{comment}{ending}");
    lines[index] = &whole;
    Some(lines.concat())
}

/// Quotes a text for YAML. Double quotes are the only form that can hold every character.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            // YAML folds line separators, and refuses a byte order mark within a text.
            special if special.is_control() || matches!(special, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                text.push_str(&format!("\\u{:04x}", u32::from(special)));
            }
            other => text.push(other),
        }
    }
    text + "\""
}
