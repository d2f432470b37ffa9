//! What this build does to existing projects other than an earlier one did. `status` says each once in a workspace.

use std::fs;
use std::io;

use super::files::{PRIVATE_FILE_MODE, write_atomic};
use super::workspace::Workspace;

/// Every such change, oldest first; the first has number 1. New ones are added at the end, and stand word for word in
/// CHANGELOG.md.
pub const CHANGES: &[&str] = &[
    "A project's target branch is recorded when the project is taken up and no longer follows the repository's HEAD; \
     `paddock project set-target` changes it.",
];

/// The changes that this workspace has not been told of yet.
#[must_use]
pub fn unseen(workspace: &Workspace) -> &'static [&'static str] {
    // A file that says nothing readable is as good as none: everything is told again.
    let text = fs::read_to_string(workspace.changes_told()).unwrap_or_default();
    let told: usize = text.trim().parse().unwrap_or(0);
    CHANGES.get(told..).unwrap_or_default()
}

/// Remembers that all changes have been told in this workspace.
///
/// # Errors
/// When its folder cannot be written; then they are told again.
pub fn remember(workspace: &Workspace) -> io::Result<()> {
    write_atomic(&workspace.changes_told(), all_told().as_bytes(), PRIVATE_FILE_MODE)
}

/// What the workspace's file says once all have been told.
pub(super) fn all_told() -> String {
    format!("{}\n", CHANGES.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_changelog_has_every_change_word_for_word() {
        let changelog = include_str!("../../CHANGELOG.md").split_whitespace().collect::<Vec<_>>().join(" ");
        for change in CHANGES {
            assert!(changelog.contains(change), "CHANGELOG.md does not say: {change}");
        }
    }
}
