//! Small repositories of Paddock's own: for a demo, and to check an agent in.

use std::path::Path;
use std::time::Duration;

use super::bounded::OutputMode;
use super::error::GitError;
use super::process::Process;
use super::program::program_error;

/// With a few files each call takes milliseconds, unless the disk hangs.
const CALL_TIME_MAX: Duration = Duration::from_secs(60);
/// The user's own settings stay out of it: no signing, no hooks, no template.
const WITHOUT_SETTINGS: [(&str, &str); 2] =
    [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")];
const IDENTITY: [&str; 4] = ["-c", "user.name=Paddock", "-c", "user.email=paddock@localhost"];

/// Makes a repository of a folder, with the branch `main` and one commit of all that lies there.
///
/// # Errors
/// When git cannot be run, refuses, or does not answer within a minute.
pub fn make_repository(folder: &Path) -> Result<(), GitError> {
    let calls: [&[&str]; 4] = [
        &["init", "--quiet"],
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
