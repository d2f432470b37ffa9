//! Talking to one of the user's remotes, with the git program and the user's credentials.
//!
//! Runs no hooks, forces nothing and asks nobody. A call that needs an answer fails, and one that hangs is
//! stopped.

mod failure;

use std::process::Output;
use std::time::Duration;

use super::bounded::OutputMode;
use super::error::GitError;
use super::process::Process;
use super::repository::{Repository, oid};
use paddock_model::ids::ObjectId;
use paddock_model::side_runs::{Fetched, RemoteCause, Upstream};

/// Time limit of a call, after which it is stopped. Long enough for a large first push.
const TIME_MAX: Duration = Duration::from_secs(600);

/// Why a call to a remote failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFailure {
    /// What the remote objected to; `None` if it is not known.
    pub cause: Option<RemoteCause>,
    /// What happened, in words for people, with the remote's own first lines.
    pub text: String,
}

/// Outcome of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchOutcome {
    /// The commit is here now.
    Fetched(Fetched),
    /// It could not be fetched; nothing was changed.
    Failed(RemoteFailure),
}

/// Pushes a commit to the remote's branch named `branch`. Returns `None` if the remote's branch holds it now.
///
/// # Errors
/// Fails if git cannot be run.
pub fn push(
    repository: &Repository,
    remote: &str,
    commit: &ObjectId,
    branch: &str,
) -> Result<Option<RemoteFailure>, GitError> {
    let git = process(repository).args(["push", "--porcelain", "--no-verify", "--recurse-submodules=no"]);
    let git = git.args(["--", remote]).args([format!("{commit}:refs/heads/{branch}")]);
    finished(repository, git, remote, branch)
}

/// A branch of a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteBranch {
    /// Name of the remote.
    pub remote: String,
    /// Name of the branch there, without `refs/heads/`.
    pub branch: String,
}

impl RemoteBranch {
    /// Returns remote and branch as people write them: `origin/main`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.remote, self.branch)
    }
}

/// Returns the branch to bring in for `branch`: that of the same name at the remote that it is pushed to;
/// without one, the branch that it follows, or else the one of the same name at `origin`.
///
/// # Errors
/// Fails if the repository cannot be read.
pub fn pulled_branch(
    repository: &Repository,
    push: Option<&str>,
    branch: &str,
) -> Result<RemoteBranch, GitError> {
    let same_at = |remote: &str| RemoteBranch { remote: remote.to_owned(), branch: branch.to_owned() };
    Ok(match push {
        Some(remote) => same_at(remote),
        None => followed(repository, branch)?.unwrap_or_else(|| same_at("origin")),
    })
}

/// Fetches a remote's branch into a ref of Paddock's own. git updates the user's record of the remote's branch
/// as well, as every fetch does.
///
/// # Errors
/// Fails if git cannot be run, or if the repository cannot be read.
pub fn fetch_branch(repository: &Repository, from: &RemoteBranch) -> Result<FetchOutcome, GitError> {
    let RemoteBranch { remote, branch } = from;
    // A name without slashes cannot be in the way of another branch's.
    let kept = format!("refs/paddock/remote/{}", branch.replace('/', "%2F"));
    let git = process(repository).args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"]);
    let git = git.args(["--no-recurse-submodules", "--no-prune", "--no-auto-maintenance"]);
    // A repository can name another program to be run at the remote, or here for a local one.
    let git = git.args(["--upload-pack=git-upload-pack", "--", remote]);
    let git = git.args([format!("+refs/heads/{branch}:{kept}")]);
    if let Some(failure) = finished(repository, git, remote, branch)? {
        return Ok(FetchOutcome::Failed(failure));
    }
    let head = repository.commit_of(&kept)?;
    let head =
        head.ok_or_else(|| GitError::Unexpected(format!("the fetch of {} left no ref", from.name())))?;
    Ok(FetchOutcome::Fetched(Fetched { name: from.name(), head }))
}

/// Returns the remote and the branch there that a branch follows (`git branch --set-upstream-to`).
fn followed(repository: &Repository, branch: &str) -> Result<Option<RemoteBranch>, GitError> {
    let config = repository.library()?.config()?.snapshot()?;
    let text = |key: &str| config.get_string(&format!("branch.{branch}.{key}")).ok();
    let remote = text("remote").filter(|remote| remote != "." && !remote.starts_with('-'));
    let theirs = text("merge").and_then(|name| Some(name.strip_prefix("refs/heads/")?.to_owned()));
    Ok(remote.zip(theirs).map(|(remote, branch)| RemoteBranch { remote, branch }))
}

/// Returns the branch that `branch` follows, or else the one that it is pushed to, if its last fetched commit
/// is known and holds commits that `branch` lacks. Asks no network.
///
/// # Errors
/// Fails if the repository cannot be read.
pub fn upstream(
    repository: &Repository,
    push: Option<&str>,
    branch: &str,
) -> Result<Option<Upstream>, GitError> {
    let pushed = || Some(RemoteBranch { remote: push?.to_owned(), branch: branch.to_owned() });
    let Some(theirs) = followed(repository, branch)?.or_else(pushed) else { return Ok(None) };
    let own = repository.commit_of(&format!("refs/heads/{branch}"))?;
    let fetched = repository.commit_of(&format!("refs/remotes/{}", theirs.name()))?;
    let Some((own, fetched)) = own.zip(fetched).filter(|(own, fetched)| own != fetched) else {
        return Ok(None);
    };
    let (_, behind) = repository.library()?.graph_ahead_behind(oid(&own)?, oid(&fetched)?)?;
    let behind = u64::try_from(behind).unwrap_or(u64::MAX);
    Ok((behind > 0).then(|| Upstream { name: theirs.name(), behind }))
}

/// Returns a call of git with the user's own settings and credentials.
fn process(repository: &Repository) -> Process {
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
    for setting in [
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "core.alternateRefsCommand=true",
        "gc.auto=0",
        "maintenance.auto=false",
        "push.followTags=false",
        // Standard error is shown to people: advice would bury the reason of a failure.
        "advice.pushUpdateRejected=false",
    ] {
        git = git.args(["-c", setting]);
    }
    git.folder(repository.common_dir())
}

fn has_ssh_command(repository: &Repository) -> bool {
    let configured = repository.library().and_then(|library| Ok(library.config()?));
    configured.is_ok_and(|config| config.get_string("core.sshCommand").is_ok())
}

/// Runs the call. Returns why it failed, or `None` if it did not.
fn finished(
    repository: &Repository,
    git: Process,
    remote: &str,
    branch: &str,
) -> Result<Option<RemoteFailure>, GitError> {
    let output = git.run(Vec::new(), TIME_MAX, OutputMode::Excerpt);
    let Some(output) = output.map_err(GitError::io(repository.common_dir()))? else {
        let text = format!("{remote} did not answer within {} minutes", TIME_MAX.as_secs() / 60);
        return Ok(Some(RemoteFailure { cause: Some(RemoteCause::Timeout), text }));
    };
    if output.status.success() {
        return Ok(None);
    }
    let is_known = repository.library()?.find_remote(remote).is_ok();
    Ok(Some(failure::read(&words(&output), &failure::Asked { remote, branch, is_known })))
}

/// Returns standard output and standard error as text.
fn words(output: &Output) -> [String; 2] {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}
