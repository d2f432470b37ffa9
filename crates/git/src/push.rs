//! Pushing the target branch to a remote of the user's, with the git program and the user's credentials.
//!
//! Hooks are not run, nothing is forced, and nobody is asked: a push that would need an answer is refused by
//! whoever asks, and one that hangs is ended.

use std::time::Duration;

use super::bounded::OutputMode;
use super::error::GitError;
use super::process::Process;
use super::repository::Repository;
use paddock_model::ids::ObjectId;

/// A push that takes longer is ended: it is tried again later. Long enough for a large first push.
const PUSH_TIME_MAX: Duration = Duration::from_secs(600);
/// Characters kept of what git says.
const SAID_MAX: usize = 400;

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// The remote's branch holds the commit.
    Pushed,
    /// The remote holds something else, or refuses: what it says.
    Rejected(String),
    /// The user's credentials are refused, or missing.
    Denied(String),
    /// The remote cannot be reached, or did not answer in time.
    Unreachable(String),
}

/// Pushes a commit to the branch of that name.
///
/// # Errors
/// When git cannot be run.
pub fn push(
    repository: &Repository,
    remote: &str,
    commit: &ObjectId,
    branch: &str,
) -> Result<PushOutcome, GitError> {
    let mut git = Process::with_user_settings().variables([("GIT_DIR", repository.common_dir())]);
    // Nobody answers here: not on this terminal, and not in a window.
    git = git.variables([("SSH_ASKPASS", "")]);
    if std::env::var_os("GIT_SSH_COMMAND").is_none() && !has_ssh_command(repository) {
        git = git.variables([("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")]);
    }
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

fn outcome(stdout: &str, stderr: &str) -> PushOutcome {
    let refused: Vec<&str> = stdout.lines().filter(|line| line.starts_with('!')).collect();
    let hints = |line: &&str| !line.starts_with("hint:") && !line.starts_with("To ");
    let words: Vec<&str> =
        stderr.lines().map(str::trim).filter(|line| !line.is_empty()).filter(hints).collect();
    let all = refused.iter().copied().chain(words).collect::<Vec<_>>().join("; ");
    let said: String = all.replace('\t', " ").chars().take(SAID_MAX).collect();
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
        () if !refused.is_empty() => PushOutcome::Rejected(said),
        () if has(&denied) => PushOutcome::Denied(said),
        () => PushOutcome::Unreachable(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_of_a_push_that_failed_has_a_name() {
        let rejected = "To /x\n!\tabc:refs/heads/main\t[rejected] (fetch first)\nDone\n";
        assert!(
            matches!(outcome(rejected, "error: failed to push"), PushOutcome::Rejected(said) if said.contains("fetch first"))
        );
        let denied =
            "git@example.org: Permission denied (publickey).\nfatal: Could not read from remote repository.";
        assert!(matches!(outcome("", denied), PushOutcome::Denied(_)));
        let gone = "fatal: '/nowhere' does not appear to be a git repository";
        assert!(matches!(outcome("", gone), PushOutcome::Unreachable(said) if said.contains("/nowhere")));
    }
}
