//! Pushing the target branch to one of the user's remotes, with the git program and the user's credentials.
//!
//! Runs no hooks, forces nothing and asks nobody. A push that needs an answer fails, and a push that hangs is
//! stopped.

use std::time::Duration;

use super::bounded::OutputMode;
use super::error::GitError;
use super::process::Process;
use super::repository::Repository;
use paddock_model::ids::ObjectId;

/// Time limit of a push, after which it is stopped and tried again later. Long enough for a large first push.
const PUSH_TIME_MAX: Duration = Duration::from_secs(600);
/// Maximum number of characters kept of git's message.
const MESSAGE_CHARS_MAX: usize = 400;

/// Outcome of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// The remote's branch holds the commit.
    Pushed,
    /// The remote's branch holds something else, or the remote refused: its message.
    Rejected(String),
    /// The user's credentials are missing, or the remote refused them: git's message.
    Denied(String),
    /// The remote cannot be reached, or did not answer in time: git's message.
    Unreachable(String),
}

/// Pushes a commit to the remote's branch named `branch`.
///
/// # Errors
/// Fails if git cannot be run.
pub fn push(
    repository: &Repository,
    remote: &str,
    commit: &ObjectId,
    branch: &str,
) -> Result<PushOutcome, GitError> {
    let mut git = Process::with_user_settings().variables([("GIT_DIR", repository.common_dir())]);
    // No person answers here: neither on a terminal nor in a window that ssh opens.
    git = git.variables([("SSH_ASKPASS", "")]);
    // BatchMode makes ssh fail instead of asking. The user's own command for ssh may be another program, so
    // it stays.
    if std::env::var_os("GIT_SSH_COMMAND").is_none() && !has_ssh_command(repository) {
        git = git.variables([("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")]);
    }
    // Hooks are programs that an agent could have planted. Everything else in the user's configuration is
    // needed: remotes, URLs, credentials.
    for setting in ["core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "push.followTags=false"]
    {
        git = git.args(["-c", setting]);
    }
    git = git.args(["push", "--porcelain", "--no-verify", "--recurse-submodules=no", "--", remote]);
    git = git.args([format!("{commit}:refs/heads/{branch}")]).folder(repository.common_dir());
    let output = git.run(Vec::new(), PUSH_TIME_MAX, OutputMode::Excerpt);
    let Some(output) = output.map_err(GitError::io(repository.common_dir()))? else {
        return Ok(PushOutcome::Unreachable("the remote did not answer in time".to_owned()));
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let success = output.status.success();
    Ok(if success { PushOutcome::Pushed } else { outcome(&stdout, &stderr) })
}

fn has_ssh_command(repository: &Repository) -> bool {
    let configured = repository.library().and_then(|library| Ok(library.config()?));
    configured.is_ok_and(|config| config.get_string("core.sshCommand").is_ok())
}

/// Classifies a failed push. Rejected refs have a machine-readable line that begins with `!` (`--porcelain`);
/// for the rest, git offers nothing but its message.
fn outcome(stdout: &str, stderr: &str) -> PushOutcome {
    let refused: Vec<&str> = stdout.lines().filter(|line| line.starts_with('!')).collect();
    let hints = |line: &&str| !line.starts_with("hint:") && !line.starts_with("To ");
    let words: Vec<&str> =
        stderr.lines().map(str::trim).filter(|line| !line.is_empty()).filter(hints).collect();
    let all = refused.iter().copied().chain(words).collect::<Vec<_>>().join("; ");
    let message: String = all.replace('\t', " ").chars().take(MESSAGE_CHARS_MAX).collect();
    let has = |texts: &[&str]| texts.iter().any(|text| stderr.contains(text));
    let denied = [
        "Permission denied",
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "Host key verification failed",
        "terminal prompts disabled",
        "403",
        "401",
    ];
    match () {
        () if !refused.is_empty() => PushOutcome::Rejected(message),
        () if has(&denied) => PushOutcome::Denied(message),
        () => PushOutcome::Unreachable(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_push_is_classified_by_git_s_message() {
        let rejected = "To /x\n!\tabc:refs/heads/main\t[rejected] (fetch first)\nDone\n";
        let rejected = outcome(rejected, "error: failed to push");
        assert!(matches!(rejected, PushOutcome::Rejected(text) if text.contains("fetch first")));
        let denied =
            "git@example.org: Permission denied (publickey).\nfatal: Could not read from remote repository.";
        assert!(matches!(outcome("", denied), PushOutcome::Denied(_)));
        let gone = "fatal: '/nowhere' does not appear to be a git repository";
        assert!(matches!(outcome("", gone), PushOutcome::Unreachable(text) if text.contains("/nowhere")));
    }
}
