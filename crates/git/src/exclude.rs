//! Keeps a folder of Paddock's in the user's checkout out of the user's `git status`.

use std::path::{Path, PathBuf};

use super::error::GitError;
use super::repository::Repository;
use paddock_os::files::{Flush, mode_of, write_atomic};
use paddock_os::plain;

/// Mode of a new `info/exclude`; git makes it so, too.
const MODE: u32 = 0o644;

impl Repository {
    /// Returns the path of a folder in the main worktree, relative to it, or `None` if the folder lies
    /// elsewhere. The folder need not exist.
    #[must_use]
    pub fn inside_checkout(&self, folder: &Path) -> Option<PathBuf> {
        let real = real(folder);
        let checkout = real_of(self.main_worktree()?);
        let inside = real.strip_prefix(&checkout).ok().filter(|inside| !inside.as_os_str().is_empty())?;
        // git never shows its own folder.
        (!real.starts_with(self.common_dir())).then(|| inside.to_owned())
    }

    /// Excludes a folder in the main worktree by a line in `info/exclude`, which is never committed. Returns
    /// whether it wrote that line now.
    ///
    /// # Errors
    /// Fails if the file cannot be read or written.
    pub fn exclude(&self, folder: &Path) -> Result<bool, GitError> {
        let Some(inside) = self.inside_checkout(folder) else { return Ok(false) };
        let line = format!("/{}/", escaped(&inside.to_string_lossy()));
        let file = self.common_dir().join("info/exclude");
        let text = match plain::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(GitError::Io { path: file, source }),
        };
        if text.split(|byte| *byte == b'\n').any(|known| known.trim_ascii_end() == line.as_bytes()) {
            return Ok(false);
        }
        let end = if text.is_empty() || text.ends_with(b"\n") { "" } else { "\n" };
        let whole = [text.as_slice(), end.as_bytes(), line.as_bytes(), b"\n"].concat();
        let mode = if file.exists() { mode_of(&file) } else { MODE };
        let folder = self.common_dir().join("info");
        std::fs::create_dir_all(&folder).map_err(GitError::io(&folder))?;
        // A link stays one.
        let place = real_of(&file);
        write_atomic(&place, &whole, mode, Flush::Later).map_err(GitError::io(&file))?;
        Ok(true)
    }
}

/// Escapes what is special in a pattern of gitignore.
fn escaped(path: &str) -> String {
    let special = |c: &char| matches!(c, '\\' | '*' | '?' | '[');
    path.chars().flat_map(|c| special(&c).then_some('\\').into_iter().chain([c])).collect()
}

fn real_of(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Returns a path without links in the part of it that exists.
fn real(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    there.map_or_else(
        || path.to_owned(),
        |(above, real)| match path.strip_prefix(above) {
            Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
            _ => real,
        },
    )
}
