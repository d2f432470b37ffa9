//! Writes a new project file.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::workspace::Workspace;
use paddock_model::ids::ProjectSlug;
use paddock_model::settings::GateCommand;
use paddock_os::files::{PRIVATE_FILE_MODE, write_new};

/// What `project add` knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProject {
    /// The project; also the file's name.
    pub slug: ProjectSlug,
    /// What people call it.
    pub name: String,
    /// The repository's folder.
    pub repo_root: String,
    /// Where worktrees are to be made.
    pub worktrees_root: String,
    /// The branch that work is published to; none = what HEAD points at when the project is taken up.
    pub target_branch: Option<String>,
    /// The gate; empty = the key is left out, and the repository's own file may give it.
    pub verify: Vec<GateCommand>,
}

/// Why a project file was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is one of that name.
    #[error("{} exists already: choose another slug, or edit that file", .0.display())]
    Exists(PathBuf),
    /// The disk says no.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Writes `projects/<slug>.yaml`, never over one that is there, and gives its path.
///
/// # Errors
/// [`WriteError::Exists`], or what the disk says.
pub fn write_project(workspace: &Workspace, project: &NewProject) -> Result<PathBuf, WriteError> {
    let path = workspace.project_file(&project.slug);
    match write_new(&path, to_yaml(project).as_bytes(), PRIVATE_FILE_MODE) {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(WriteError::Exists(path)),
        Err(source) => Err(WriteError::Io { path, source }),
    }
}

/// The file's text.
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
    }
    text
}

/// A project file's text with another `target_branch`, which stands in this line (from 1; 0: nowhere, and it is added
/// at the end). None when the line is not one that holds this key alone, or the result would say something else.
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
    let comment = after.find(" #").map_or("", |at| &after[at..]);
    let whole = format!("{key}{comment}{ending}");
    lines[index] = &whole;
    Some(lines.concat())
}

/// A YAML text in double quotes: the one form that can hold every character.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            // Line separators would be folded, and a byte order mark inside a text be refused.
            special if special.is_control() || matches!(special, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                text.push_str(&format!("\\u{:04x}", u32::from(special)));
            }
            other => text.push(other),
        }
    }
    text + "\""
}
