//! The configuration files of every level, read as git would read them, with the file that each entry is from.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use super::super::bounded::OutputMode;
use super::super::error::GitError;
use super::super::process::Process;
use super::super::user_config::UserConfig;
use super::key::Key;
use super::parse::parse;
use paddock_os::plain;

/// Depth to which included files are followed: git's own limit.
const INCLUDE_DEPTH_MAX: usize = 10;

/// Most bytes of a configuration file. Larger ones are nobody's work, and each call of git would read them.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Time limit of the question where git's system-wide file lies, which reads no repository.
const SYSTEM_TIME_MAX: Duration = Duration::from_secs(10);

/// Whose configuration an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The machine's.
    System,
    /// The user's own.
    Global,
    /// The repository's.
    Local,
    /// One worktree's.
    Worktree,
}

impl Level {
    /// Returns the word that git uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Global => "global",
            Self::Local => "local",
            Self::Worktree => "worktree",
        }
    }

    /// Returns whether the level belongs to the repository, where an agent writes.
    #[must_use]
    pub fn is_of_the_repository(self) -> bool {
        match self {
            Self::System | Self::Global => false,
            Self::Local | Self::Worktree => true,
        }
    }
}

/// One value in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) level: Level,
    /// The file that holds it, which may be an included one.
    pub(super) origin: PathBuf,
    /// Whether git reads it under a condition (`includeIf`). Paddock takes every condition for true: it may
    /// hold in one worktree and not in another.
    pub(super) is_conditional: bool,
    pub(super) key: Key,
    /// The value; a key without one is true.
    pub(super) value: Vec<u8>,
}

/// Reads the entries of some files of one level, included files too, in git's order.
///
/// # Errors
/// Fails if git would refuse one of the files, or if one is no plain file.
pub(super) fn read(level: Level, file: &Path) -> Result<Vec<Entry>, GitError> {
    let mut found = Vec::new();
    add(level, file, (0, false), &mut found)?;
    Ok(found)
}

fn add(
    level: Level,
    file: &Path,
    (depth, is_conditional): (usize, bool),
    found: &mut Vec<Entry>,
) -> Result<(), GitError> {
    let Some(text) = text_of(level, file)? else { return Ok(()) };
    let entries = parse(&text).ok_or_else(|| unreadable(file, "git cannot read it either"))?;
    for (key, value) in entries {
        let value = value.unwrap_or_else(|| b"true".to_vec());
        let is_condition = key.subsection("includeif").is_some() && key.last() == b"path";
        let included = (is_condition || key.is("include.path")).then(|| value.clone());
        found.push(Entry { level, origin: file.to_owned(), is_conditional, key, value });
        if let Some(path) = included {
            if depth >= INCLUDE_DEPTH_MAX {
                return Err(unreadable(file, "it includes files more than 10 levels deep"));
            }
            let next = (depth + 1, is_conditional || is_condition);
            add(level, &included_path(file, &path)?, next, found)?;
        }
    }
    Ok(())
}

/// Returns the text of a file, or `None` if there is none.
fn text_of(level: Level, file: &Path) -> Result<Option<Vec<u8>>, GitError> {
    let facts = match fs::metadata(file) {
        Ok(facts) => facts,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        // git ignores a file of the user's or the machine's that it may not read.
        Err(error) if error.kind() == ErrorKind::PermissionDenied && !level.is_of_the_repository() => {
            return Ok(None);
        }
        Err(error) => return Err(GitError::io(file)(error)),
    };
    // `/dev/null` stands for no configuration. A pipe would block.
    if file == Path::new("/dev/null") {
        return Ok(None);
    }
    if let Some(found) = plain::obstacle(file).map_err(GitError::io(file))? {
        return Err(unreadable(file, &format!("{} stands in its place", found.what())));
    }
    if !facts.is_file() {
        return Err(unreadable(file, "it is no plain file"));
    }
    if facts.len() > FILE_BYTES_MAX {
        return Err(unreadable(file, "it is larger than 16 MB"));
    }
    match plain::read(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied && !level.is_of_the_repository() => {
            Ok(None)
        }
        Err(error) => Err(GitError::io(file)(error)),
    }
}

fn unreadable(file: &Path, why: &str) -> GitError {
    GitError::ConfigUnreadable { file: file.to_owned(), why: why.to_owned() }
}

/// Returns the path that a value names, seen from the file that holds it.
pub(super) fn included_path(from: &Path, value: &[u8]) -> Result<PathBuf, GitError> {
    let path = Path::new(OsStr::from_bytes(value));
    if value.starts_with(b"%(prefix)/") {
        return Err(unreadable(from, "it includes a file by `%(prefix)`: write the path out"));
    }
    let Some(below) = value.strip_prefix(b"~") else {
        return Ok(from.parent().unwrap_or(from).join(path));
    };
    let (user, rest) = match below.iter().position(|byte| *byte == b'/') {
        Some(slash) => (&below[..slash], below.get(slash + 1..).unwrap_or_default()),
        None => (below, [].as_slice()),
    };
    let home = if user.is_empty() { home() } else { home_of(user) };
    let home = home.ok_or_else(|| unreadable(from, "it includes a file of an unknown user"))?;
    Ok(home.join(OsStr::from_bytes(rest)))
}

fn home() -> Option<PathBuf> {
    UserConfig::from_environment().home().map(Path::to_owned)
}

/// Returns the home folder of another user. Users that `/etc/passwd` does not list are unknown.
fn home_of(user: &[u8]) -> Option<PathBuf> {
    let users = plain::read("/etc/passwd").ok()?;
    let mut lines = users.split(|byte| *byte == b'\n').map(|line| line.split(|byte| *byte == b':'));
    let mut fields = lines.find(|fields| fields.clone().next() == Some(user))?;
    fields.nth(5).map(|home| PathBuf::from(OsStr::from_bytes(home)))
}

/// Returns the files of the user's and the machine's level that git reads.
pub(super) fn own_files() -> Vec<(Level, PathBuf)> {
    UserConfig::from_environment().files(|| system_files().to_vec())
}

/// Returns the settings that Paddock's own environment holds for git. They count as the user's own.
pub(super) fn from_environment() -> Vec<Entry> {
    let user = UserConfig::from_environment();
    let entry = |(key, value): &(OsString, OsString)| Entry {
        level: Level::Global,
        origin: PathBuf::from("GIT_CONFIG_COUNT"),
        is_conditional: false,
        key: Key::new(key.as_bytes().to_vec()),
        value: value.as_bytes().to_vec(),
    };
    user.pairs().iter().map(entry).collect()
}

/// Returns the user's own file of attributes, which git reads unless `core.attributesFile` names another.
pub(super) fn default_attributes() -> Option<PathBuf> {
    UserConfig::from_environment().folder().map(|folder| folder.join("attributes"))
}

/// Returns git's system-wide files. Only git knows where it was built to look.
fn system_files() -> &'static [PathBuf] {
    static FILES: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut files = vec![PathBuf::from("/etc/gitconfig")];
        // git 2.42 and newer answer. The question is asked outside of any repository.
        let asked = Process::isolated().args(["var", "GIT_CONFIG_SYSTEM"]).folder(Path::new("/"));
        let asked = asked.run(Vec::new(), SYSTEM_TIME_MAX, OutputMode::Whole).ok().flatten();
        let output = asked.filter(|output| output.status.success()).map(|output| output.stdout);
        for line in output.unwrap_or_default().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let file = PathBuf::from(OsStr::from_bytes(line));
            if !files.contains(&file) {
                files.push(file);
            }
        }
        files
    })
}
