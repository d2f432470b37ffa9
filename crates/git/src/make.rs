//! Making small repositories of Paddock's own: for the demo, and for checking an agent.

use std::path::Path;
use std::time::Duration;

use super::bounded::OutputMode;
use super::error::GitError;
use super::process::Process;
use super::program::program_error;

/// Time limit of each call. With a few files it takes milliseconds, unless the disk hangs.
const CALL_TIME_MAX: Duration = Duration::from_secs(60);
/// Environment that keeps the user's own settings out: signing, hooks and templates would change or fail the
/// commit.
const WITHOUT_SETTINGS: [(&str, &str); 2] =
    [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")];
const IDENTITY: [&str; 4] = ["-c", "user.name=Paddock", "-c", "user.email=paddock@localhost"];

/// Turns a folder into a repository with the branch `main` and one commit of everything in it.
///
/// # Errors
/// Fails if git cannot be run, fails, or does not answer within a minute.
pub fn make_repository(folder: &Path) -> Result<(), GitError> {
    let calls: [&[&str]; 4] = [
        &["init", "--quiet"],
        // git's own name for the first branch depends on its version.
        &["symbolic-ref", "HEAD", "refs/heads/main"],
        &["add", "--all"],
        &["commit", "--quiet", "--message", "Begin"],
    ];
    for arguments in calls {
        let git = Process::isolated().variables(WITHOUT_SETTINGS).folder(folder);
        let output = git.args(IDENTITY).args(arguments).run(Vec::new(), CALL_TIME_MAX, OutputMode::Whole);
        let command = arguments.join(" ");
        match output.map_err(GitError::io(Path::new("git")))? {
            Some(output) if output.status.success() => {}
            Some(output) => return Err(program_error(command, &output)),
            None => return Err(GitError::TimedOut { command, limit: CALL_TIME_MAX }),
        }
    }
    Ok(())
}
