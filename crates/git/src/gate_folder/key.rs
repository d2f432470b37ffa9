//! When a cache may be used again: as long as its key is the same.
//!
//! The key covers what decides the content of dependency and build folders and is no source: lock files, the
//! set-up command, the programs that build, and which folders are kept. No program runs for it: a tool counts
//! as the same while PATH leads to the same file.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use git2::{Oid, Tree};
use sha2::{Digest, Sha256};

use super::rules::{name_matches, near_top, used};
use crate::error::GitError;
use crate::repository::{Repository, oid};
use paddock_model::ids::ObjectId;
use paddock_os::plain;

/// Changes when the key's input or the form of a stored cache does.
const FORMAT: u64 = 1;
/// Longest file in bytes, and most entries of a folder, that are read to see which version is chosen.
const CHOICE_BYTES_MAX: u64 = 1 << 20;
const CHOICE_ENTRIES_MAX: usize = 1_000;

/// Files that say which versions are installed; a `*` stands for any part of a name.
const LOCK_FILES: &[&str] = &[
    ".node-version",
    ".nvmrc",
    ".python-version",
    ".ruby-version",
    ".tool-versions",
    "Cargo.lock",
    "Gemfile.lock",
    "Package.resolved",
    "Pipfile.lock",
    "bun.lock",
    "bun.lockb",
    "composer.lock",
    "flake.lock",
    "global.json",
    "go.sum",
    "gradle-wrapper.properties",
    "gradle.lockfile",
    "mix.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pdm.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pubspec.lock",
    "requirements*.txt",
    "rust-toolchain",
    "rust-toolchain.toml",
    "uv.lock",
    "yarn.lock",
];

/// A version manager whose shims start another program than the file that PATH leads to.
struct Manager {
    /// Parts of the path of its shims, or of the program that they are.
    marks: &'static [&'static str],
    /// Variable that names its folder.
    variable: &'static str,
    /// Its folder without that variable, in the home folder.
    folder: &'static str,
    /// Files and folders in its folder that choose the version or hold the versions.
    choices: &'static [&'static str],
    /// Files in the home folder that choose the version.
    settings: &'static [&'static str],
}

const MANAGERS: &[Manager] = &[
    Manager {
        marks: &["cargo/bin/", "/rustup"],
        variable: "RUSTUP_HOME",
        folder: ".rustup",
        choices: &["settings.toml", "toolchains", "update-hashes"],
        settings: &[],
    },
    Manager {
        marks: &["pyenv/shims/"],
        variable: "PYENV_ROOT",
        folder: ".pyenv",
        choices: &["version", "versions"],
        settings: &[],
    },
    Manager {
        marks: &["rbenv/shims/"],
        variable: "RBENV_ROOT",
        folder: ".rbenv",
        choices: &["version", "versions"],
        settings: &[],
    },
    Manager {
        marks: &["nodenv/shims/"],
        variable: "NODENV_ROOT",
        folder: ".nodenv",
        choices: &["version", "versions"],
        settings: &[],
    },
    Manager {
        marks: &["jenv/shims/"],
        variable: "JENV_ROOT",
        folder: ".jenv",
        choices: &["version", "versions"],
        settings: &[],
    },
    Manager {
        marks: &["volta"],
        variable: "VOLTA_HOME",
        folder: ".volta",
        choices: &["tools/user/platform.json", "tools/image/node"],
        settings: &[],
    },
    Manager {
        marks: &["asdf"],
        variable: "ASDF_DATA_DIR",
        folder: ".asdf",
        choices: &["installs"],
        settings: &[".tool-versions", ".asdfrc"],
    },
    Manager {
        marks: &["mise"],
        variable: "MISE_DATA_DIR",
        folder: ".local/share/mise",
        choices: &[
            "installs",
            "installs/go",
            "installs/java",
            "installs/node",
            "installs/python",
            "installs/ruby",
            "installs/rust",
        ],
        settings: &[".config/mise/config.toml", ".tool-versions"],
    },
];

/// Returns the key of the caches of a commit: the kept folders, the set-up command, a number that voids all
/// earlier caches, the lock files of the commit, and the tools of its ecosystems as PATH finds them now.
///
/// # Errors
/// Fails if the commit cannot be read.
pub fn cache_key(
    repository: &Repository,
    commit: &ObjectId,
    kept: &[String],
    setup: Option<&str>,
    epoch: u64,
) -> Result<String, GitError> {
    let machine = Machine {
        path: std::env::var_os("PATH").unwrap_or_default(),
        home: std::env::home_dir().unwrap_or_default(),
        variable: |name| std::env::var_os(name),
    };
    key_on(&machine, repository, commit, kept, setup, epoch)
}

/// Returns path and blob of the lock files near the top of a tree.
pub(crate) fn lock_files(
    library: &git2::Repository,
    tree: &Tree<'_>,
) -> Result<Vec<(String, Oid)>, GitError> {
    near_top(library, tree, &|name| LOCK_FILES.iter().any(|pattern| name_matches(pattern, name)))
}

fn key_on(
    machine: &Machine,
    repository: &Repository,
    commit: &ObjectId,
    kept: &[String],
    setup: Option<&str>,
    epoch: u64,
) -> Result<String, GitError> {
    let library = repository.library()?;
    let tree = library.find_commit(oid(commit)?)?.tree()?;
    let mut key = Key::default();
    key.add(&FORMAT.to_le_bytes());
    key.add(&epoch.to_le_bytes());
    key.add(setup.unwrap_or_default().as_bytes());
    key.add(&kept.len().to_le_bytes());
    for folder in kept {
        key.add(folder.as_bytes());
    }
    for (path, blob) in lock_files(&library, &tree)? {
        key.add(path.as_bytes());
        key.add(blob.as_bytes());
    }
    let mut tools: Vec<&str> = used(&library, &tree)?.iter().flat_map(|row| row.tools).copied().collect();
    tools.sort_unstable();
    tools.dedup();
    for tool in tools {
        machine.add_tool(&mut key, tool);
    }
    Ok(key.text())
}

/// A hash of parts, none of which runs into the next.
#[derive(Default)]
struct Key(Sha256);

impl Key {
    fn add(&mut self, part: &[u8]) {
        self.0.update(part.len().to_le_bytes());
        self.0.update(part);
    }

    fn text(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Where programs are found.
struct Machine {
    path: OsString,
    home: PathBuf,
    /// Reads a variable of the environment.
    variable: fn(&str) -> Option<OsString>,
}

impl Machine {
    /// Adds the file that the name of a tool leads to, and what chooses its version if that is a shim.
    fn add_tool(&self, key: &mut Key, tool: &str) {
        key.add(tool.as_bytes());
        let Some(found) = self.find(tool) else { return };
        // Programs of a package manager are often links from one place to the version's own folder.
        let real = fs::canonicalize(&found).unwrap_or_else(|_| found.clone());
        key.add(real.as_os_str().as_bytes());
        add_stat(key, &real);
        let paths = [&found, &real].map(|path| path.as_os_str().to_string_lossy());
        let is_shim = |manager: &&Manager| {
            manager.marks.iter().any(|mark| paths.iter().any(|path| path.contains(mark)))
        };
        for manager in MANAGERS.iter().filter(is_shim) {
            let named = (self.variable)(manager.variable).map(PathBuf::from);
            let folder = named.unwrap_or_else(|| self.home.join(manager.folder));
            let choices = manager.choices.iter().map(|choice| folder.join(choice));
            for choice in choices.chain(manager.settings.iter().map(|file| self.home.join(file))) {
                key.add(choice.as_os_str().as_bytes());
                add_choice(key, &choice);
            }
        }
    }

    fn find(&self, tool: &str) -> Option<PathBuf> {
        let is_program = |path: &PathBuf| {
            fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.mode() & 0o111 != 0)
        };
        std::env::split_paths(&self.path).map(|folder| folder.join(tool)).find(is_program)
    }
}

/// Adds size, modification time and inode of a file.
fn add_stat(key: &mut Key, path: &Path) {
    let Ok(facts) = fs::metadata(path) else { return };
    key.add(&facts.size().to_le_bytes());
    key.add(&facts.mtime().to_le_bytes());
    key.add(&facts.mtime_nsec().to_le_bytes());
    key.add(&facts.ino().to_le_bytes());
}

/// Adds what a version manager decides by: a file's content, or a folder's entries with their times.
fn add_choice(key: &mut Key, path: &Path) {
    let Ok(facts) = fs::metadata(path) else { return };
    if facts.is_file() && facts.size() <= CHOICE_BYTES_MAX {
        key.add(&plain::read(path).unwrap_or_default());
    } else if facts.is_dir() {
        let Ok(entries) = fs::read_dir(path) else { return };
        let mut names: Vec<OsString> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort_unstable();
        for name in names.iter().take(CHOICE_ENTRIES_MAX) {
            key.add(OsStr::as_bytes(name));
            add_stat(key, &path.join(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Sample, put};
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    struct Fixture {
        sample: Sample,
        machine: Machine,
        home: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            let machine = Machine {
                path: home.path().join("bin").into(),
                home: home.path().to_owned(),
                variable: |_| None,
            };
            let fixture = Self { sample: Sample::new(), machine, home };
            fixture.install("bin/cargo", "one");
            fixture
        }

        fn install(&self, path: &str, content: &str) {
            put(self.home.path(), path, content);
            let path = self.home.path().join(path);
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }

        fn key(&self, files: &[(&str, &str)], setup: Option<&str>, epoch: u64) -> String {
            let commit = self.sample.commit(files);
            let kept = ["target".to_owned()];
            key_on(&self.machine, &self.sample.repository, &commit, &kept, setup, epoch).unwrap()
        }

        fn plain(&self) -> String {
            self.key(FILES, Some("make"), 0)
        }
    }

    const FILES: &[(&str, &str)] = &[("Cargo.toml", "x"), ("Cargo.lock", "1"), ("src/a.rs", "1")];

    #[test]
    fn a_change_of_the_sources_leaves_the_key() {
        let fixture = Fixture::new();
        let files = [("Cargo.toml", "x"), ("Cargo.lock", "1"), ("src/a.rs", "2"), ("b.rs", "3")];
        assert_eq!(fixture.key(&files, Some("make"), 0), fixture.plain());
        // A tool of an ecosystem that the commit does not use is none of its inputs.
        let before = fixture.plain();
        fixture.install("bin/node", "one");
        assert_eq!(fixture.plain(), before);
    }

    #[test]
    fn lock_files_set_up_epoch_and_kept_folders_decide_the_key() {
        let fixture = Fixture::new();
        let plain = fixture.plain();
        let with = |path, content| {
            let files = [("Cargo.toml", "x"), ("Cargo.lock", "1"), ("src/a.rs", "1"), (path, content)];
            fixture.key(&files, Some("make"), 0)
        };
        let mut keys = vec![plain];
        keys.push(with("Cargo.lock", "2"));
        keys.push(with("web/package-lock.json", "1"));
        keys.push(with("web2/package-lock.json", "1"));
        keys.push(with("requirements-dev.txt", "1"));
        keys.push(with("a/gradle/wrapper/gradle-wrapper.properties", "1"));
        keys.push(fixture.key(FILES, Some("make all"), 0));
        keys.push(fixture.key(FILES, None, 0));
        keys.push(fixture.key(FILES, Some("make"), 1));
        let commit = fixture.sample.commit(FILES);
        let other = ["target".to_owned(), "x".to_owned()];
        let (machine, repository) = (&fixture.machine, &fixture.sample.repository);
        keys.push(key_on(machine, repository, &commit, &other, Some("make"), 0).unwrap());
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn another_tool_gives_another_key() {
        let fixture = Fixture::new();
        let first = fixture.plain();
        fixture.install("bin/cargo", "longer");
        let second = fixture.plain();
        // A link that leads to another version, as package managers make them.
        fixture.install("versions/2/cargo", "longer");
        fs::remove_file(fixture.home.path().join("bin/cargo")).unwrap();
        symlink("../versions/2/cargo", fixture.home.path().join("bin/cargo")).unwrap();
        let third = fixture.plain();
        fs::remove_file(fixture.home.path().join("bin/cargo")).unwrap();
        let fourth = fixture.plain();
        let keys = std::collections::BTreeSet::from([first, second, third, fourth]);
        assert_eq!(keys.len(), 4);
    }

    #[test]
    fn behind_a_shim_the_chosen_version_decides() {
        let mut fixture = Fixture::new();
        fixture.machine.path = fixture.home.path().join(".cargo/bin").into();
        fixture.install(".cargo/bin/cargo", "shim");
        let first = fixture.plain();
        assert_eq!(fixture.plain(), first);
        put(fixture.home.path(), ".rustup/settings.toml", "default = \"a\"");
        let second = fixture.plain();
        put(fixture.home.path(), ".rustup/toolchains/b/bin/rustc", "x");
        let third = fixture.plain();
        put(fixture.home.path(), ".rustup/update-hashes/b", "1");
        let fourth = fixture.plain();
        // The variable of the manager leads to another folder.
        fixture.machine.variable = |name| (name == "RUSTUP_HOME").then(|| "/nowhere".into());
        let fifth = fixture.plain();
        let keys = std::collections::BTreeSet::from([first, second, third, fourth, fifth]);
        assert_eq!(keys.len(), 5);
    }

    #[test]
    fn the_key_of_this_machine_stays_the_same() {
        let sample = Sample::new();
        let commit = sample.commit(&[("Cargo.toml", "x"), ("package.json", "x")]);
        let key = || cache_key(&sample.repository, &commit, &[], None, 0).unwrap();
        assert_eq!(key(), key());
        assert_eq!(key().len(), 64);
    }
}
