//! Changes of behaviour between builds that concern existing projects. `status` prints each once per
//! workspace.

use std::io;
use std::path::Path;

use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};
use paddock_os::plain;

/// All changes, oldest first. A workspace stores how many it has seen, so a new change goes to the end, and
/// none is removed. CHANGELOG.md must have each word for word; a test compares them.
pub(crate) const CHANGES: &[&str] = &[
    "A project's target branch is recorded when the project is taken up and no longer follows the \
     repository's HEAD; `paddock project set-target` changes it.",
    "Another `target_branch` in a project file holds the project until `paddock project trust` agrees to \
     it, or until the key is put back; it used to take effect at once.",
    "Gates, planners and agents work on the whole tree, also where your own checkout is sparse.",
    "Agents, set-ups, gates and `notify` commands get `PWD` for their own folder, no `OLDPWD`, and none \
     of the variables by which an agent marks its shells (`CLAUDECODE`, `GEMINI_CLI`, …).",
    "Agents get the identity for commits that git finds in their worktree, so they commit as you even \
     where they hide ~/.gitconfig.",
    "`env` of an agent is merged over the variables of the built-in agent instead of replacing them; an \
     empty value unsets one.",
    "Shell syntax in an agent's command without `shell: true` is an error in the project file; it used to \
     reach the program as an argument.",
    "A limit on tokens stops Claude Code and Qwen Code while they work, not only after.",
    "An empty plan waits for approval where `planner.approval` is manual, and counts only for the state \
     that its planner saw.",
    "A phase with failed or cancelled objectives is done only when its checks pass or a person says so.",
    "Of several blocks of a planner that hold `objectives` the last one is the plan; plans that differ, \
     and answers without `objectives`, are sent back.",
    "`run` ends with 3 whenever anything needs you, a spent day, paused work and a waiting publication \
     included, and with 0 only when all is done and published (docs/exit-codes.md).",
    "A git call of Paddock that takes longer than ten minutes, or two hours where it writes files, is \
     stopped and named.",
    "Gate folders keep only dependency and build folders between runs (`gate.keep: auto`), each as \
     the last landed run left it; every other file that the commit does not hold is removed before a \
     run, ignored or not. `queue.clean: true` is read as `gate.keep: []`.",
    "A gate command that changes tests, or files that the gate runs, is red; other changed files of \
     the commit are put back before the next command and shown.",
    "Once a day the newest landing runs through the gate from nothing (a new folder, no caches); if \
     it is not green, the queue is held.",
    "`worktree.setup` runs again in a gate folder when a submodule or `.gitmodules` has changed, and \
     before every run if it makes files outside of the folders that are kept.",
    "A green run of the gate is compared with the tests of its base. Before the first landing the gate \
     runs once on the base, to learn its tests.",
    "Work that loses tests is sent back with their names: a run that ends with 0, but reports fewer or \
     more skipped tests than the base, no summary any more, or failures, is not green.",
    "Work in whose code something looks as if it were written for the gate (it asks whether it is being \
     tested, leaves with 0, replaces assertions) waits for a person.",
    "A scope names a test by the test's own path or by a glob that matches tests alone: `src/**` is \
     no leave to change `src/cart.test.js`. An acceptance criterion that names the file is one.",
    "The tamper guard follows the gate's commands through the scripts, includes and settings behind \
     them, compares tests by their structure, and sends a branch back that adds a file which takes \
     the place of what the gate runs.",
    "No scope grows into tests that were there before, or into files that take part in the gate, \
     without a person.",
    "Work that changed tests, and for which the gate cannot be run with the original tests, waits for a \
     person; it used to land without that run.",
    "In sessions' worktrees only committed `.gitignore` files and your own git configuration hide \
     untracked files; rules in a repository's `.git/info/exclude` or its own `core.excludesFile` \
     no longer do, so commit what they hid from you as `.gitignore`, or move it to your own \
     `core.excludesFile`.",
    "Commits are searched for many more kinds of secrets, by the rules of gitleaks, in files of up \
     to 4 GiB, in UTF-16 and in names; a file that cannot be searched to its end waits for a person.",
    "What a session stashes (`git stash`) is salvaged and leaves your stash; work that holds what you \
     had stashed waits for you.",
    "Git configuration that can run programs and that nobody agreed to is switched off and named once, \
     and holds the project only if its work needs it; filters, merge drivers and LFS programs of your own \
     level now need an agreement too, those of git LFS itself do not.",
    "`project add --yes` does not agree to programs in the repository's own git configuration: they stay \
     off until `paddock project trust`.",
    "A file in `projects/` is a project for every command at once; it used to become one when a supervisor \
     started.",
    "Inside a repository, commands without `--root` use the workspace that has it as a project; two such \
     workspaces are named. They used to use your own workspace.",
    "`project add` proposes a gate, guessed from the repository's manifests, as the console does; `--yes` \
     takes it, `--no-gate` is none.",
    "A `worktrees_root` inside the repository is named in its `.git/info/exclude`, so that your `git status` \
     does not show it.",
    "Corrections and follow-ups of Gemini CLI, Qwen Code and Copilot CLI resume the agent's own conversation; they \
     used to begin a new one.",
    "A session whose agent has reported its end is stopped after 30 seconds without activity if its program \
     does not end (`session_defaults.finish_seconds`), and counts as one that ended by itself.",
    "After a session that stalled, crashed before any work or ended without a word, the objective goes on \
     with the next agent of its worker.",
    "Processor time that an agent only idles away no longer counts as activity: a hanging Codex or Kimi stalls.",
    "A stop signal reaches an agent's main process first, and its commands when that has ended or three \
     seconds later.",
    "Paddock's own git calls, agents and gates read the configuration that `GIT_CONFIG_GLOBAL`, \
     `GIT_CONFIG_SYSTEM`, `GIT_CONFIG_NOSYSTEM` and `GIT_CONFIG_COUNT` name, as your own git does; a file that \
     these replace no longer counts.",
    "The agent that plans is the first of a project's workers that may (`planner.agent: auto`), and every \
     agent may that does not say `planner: false`; a project of an earlier version asks before an agent of \
     your own plans that does not say `planner: true`.",
    "When a goal is complete, the next planned goal begins by itself.",
    "A `worktree.setup` that fails is tried again at growing pauses, by one session at a time and \
     without a retry, while the project is held by the command's name; you are asked after about 25 \
     minutes, or when it fails for one objective alone. It used to ask after two tries.",
    "What `worktree.setup` made or rewrote is nobody's work until an agent changes it: it is neither \
     uncommitted nor salvaged, `git add --all` of agents passes over its new files, and the review \
     sends a branch back that commits it.",
    "`worktree.copy` takes patterns and folders, which used to copy nothing, and copies links as \
     links.",
    "`project add` offers to run `worktree.setup` once in a worktree of its own; `--yes` runs it and \
     agrees to what it changes of git's configuration and hooks, and `--no-setup` leaves it out.",
    "Sessions and gate runs get a `TMPDIR` and an `XDG_RUNTIME_DIR` of their own, private folders that \
     are empty at the start and removed at the end, and a `COMPOSE_PROJECT_NAME` of their own; the `env` \
     of an agent takes precedence.",
    "While objectives wait for a worktree, the files of finished ones are kept in `_pool` beside the \
     worktrees, brought back to the integration tip, and used again; they were deleted and checked out anew.",
];

/// Returns the changes that `status` has not printed in a workspace yet; `file` is its
/// [`Workspace::changes_file`].
///
/// [`Workspace::changes_file`]: crate::Workspace::changes_file
#[must_use]
pub fn unseen(file: &Path) -> &'static [&'static str] {
    // A file that cannot be read counts as none: every change is printed again.
    let text = plain::read_to_string(file).unwrap_or_default();
    let seen: usize = text.trim().parse().unwrap_or(0);
    // A later build may have stored a larger number.
    CHANGES.get(seen..).unwrap_or_default()
}

/// Records in that file that `status` has printed all changes.
///
/// # Errors
/// Fails if the file cannot be written; the changes are then printed again.
pub fn remember(file: &Path) -> io::Result<()> {
    write_atomic(file, all_seen().as_bytes(), PRIVATE_FILE_MODE, Flush::Now)
}

/// Returns the content of the workspace's file after all changes were printed: their number.
pub(super) fn all_seen() -> String {
    format!("{}\n", CHANGES.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_changelog_has_every_change_word_for_word() {
        let changelog =
            include_str!("../../../CHANGELOG.md").split_whitespace().collect::<Vec<_>>().join(" ");
        for change in CHANGES {
            assert!(changelog.contains(change), "CHANGELOG.md does not say: {change}");
        }
    }
}
