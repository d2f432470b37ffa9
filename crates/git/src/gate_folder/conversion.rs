//! What git does to contents when it writes files: line ends, filters, encodings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::super::error::GitError;
use super::super::repository::Repository;
use super::checkout::Checkout;
use super::table::{Kind, Stat};
use super::tree::Entry;
use paddock_model::path::RepoPath;
use paddock_os::plain;

/// Attributes by which git changes what it writes.
const ATTRIBUTES: [&str; 6] = ["text", "crlf", "eol", "ident", "filter", "working-tree-encoding"];

/// Settings, in lower case, by which git decides how to write files.
const SETTINGS: [&str; 11] = [
    "core.attributesfile",
    "core.autocrlf",
    "core.bigfilethreshold",
    "core.checkroundtripencoding",
    "core.eol",
    "core.filemode",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.symlinks",
    "lfs.fetchexclude",
    "lfs.fetchinclude",
];

/// How git writes the files of a repository on this machine.
#[derive(Debug, Default)]
pub(super) struct Conversion {
    /// Hash of every setting and file outside of the commit that decides it.
    pub(super) fingerprint: String,
    /// Whether git may change line ends without an attribute.
    pub(super) changes_line_ends: bool,
    /// Whether git writes links as links.
    pub(super) has_links: bool,
    /// Whether the file system keeps the executable bit.
    pub(super) has_modes: bool,
    /// Whether git LFS is to replace its pointers by files.
    pub(super) fetches_lfs: bool,
}

impl Conversion {
    /// Reads the settings as the git program sees them in a worktree.
    ///
    /// # Errors
    /// Fails if git reports an error.
    pub(super) fn read(checkout: &Checkout<'_>) -> Result<Self, GitError> {
        let listed = checkout.call().args(["config", "-z", "--list"]).run()?;
        let mut hash = Sha256::new();
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for entry in listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
            let text = String::from_utf8_lossy(entry);
            let (key, value) = text.split_once('\n').unwrap_or((&text, "true"));
            if key.starts_with("filter.") || SETTINGS.contains(&key) {
                hash.update(entry);
                hash.update([0]);
                // The last value of a key counts.
                found.insert(key.to_owned(), value.to_owned());
            }
        }
        for file in attribute_files(checkout.repository, found.get("core.attributesfile")) {
            hash.update([1]);
            hash.update(plain::read(file).unwrap_or_default());
        }
        let is = |key: &str, value: &str| found.get(key).is_some_and(|v| v.eq_ignore_ascii_case(value));
        let is_off = |key: &str| ["false", "no", "off", "0"].iter().any(|value| is(key, value));
        let drivers = ["filter.lfs.smudge", "filter.lfs.process"].map(|key| found.get(key));
        // With any of these a fresh clone holds pointers, too.
        let leaves_pointers = ["lfs.fetchexclude", "lfs.fetchinclude"].iter().any(|k| found.contains_key(*k))
            || drivers.iter().flatten().any(|command| command.contains("--skip"));
        Ok(Self {
            fingerprint: hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
            changes_line_ends: found.contains_key("core.autocrlf") && !is_off("core.autocrlf"),
            has_links: !is_off("core.symlinks"),
            has_modes: !is_off("core.filemode"),
            fetches_lfs: drivers.iter().any(Option::is_some) && !leaves_pointers,
        })
    }
}

impl Conversion {
    /// Returns whether something of this kind and mode can be what git writes for an entry.
    pub(super) fn allows(&self, entry: Entry, stat: &Stat) -> bool {
        match stat.kind {
            Kind::Link => entry.is_link,
            Kind::File if entry.is_link => !self.has_links,
            Kind::File => (stat.mode & 0o100 != 0) == entry.is_executable || !self.has_modes,
            Kind::Folder | Kind::Other => false,
        }
    }
}

/// Returns the files with attributes that lie outside of the commit.
fn attribute_files(repository: &Repository, configured: Option<&String>) -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let own = match configured.map(|text| (text, text.strip_prefix("~/"))) {
        Some((_, Some(below_home))) => home.join(below_home),
        Some((text, None)) => PathBuf::from(text),
        None => match std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()) {
            Some(folder) => Path::new(&folder).join("git/attributes"),
            None => home.join(".config/git/attributes"),
        },
    };
    vec![repository.common_dir().join("info/attributes"), own, PathBuf::from("/etc/gitattributes")]
}

/// Attributes of one path that have a value.
pub(super) type Attributes = BTreeMap<String, String>;

/// Returns the attributes of paths that say how git converts them. Paths without any are left out.
///
/// # Errors
/// Fails if git reports an error.
pub(super) fn attributes<'p>(
    checkout: &Checkout<'_>,
    paths: impl Iterator<Item = &'p RepoPath>,
) -> Result<BTreeMap<RepoPath, Attributes>, GitError> {
    let input: Vec<u8> = paths.flat_map(|path| [path.as_bytes(), b"\0"].concat()).collect();
    if input.is_empty() {
        return Ok(BTreeMap::new());
    }
    let arguments = ["check-attr", "--cached", "-z", "--stdin"].into_iter().chain(ATTRIBUTES);
    let output = checkout.answer(arguments, input, &[0])?;
    let mut fields = output.split(|byte| *byte == 0);
    let mut found: BTreeMap<RepoPath, Attributes> = BTreeMap::new();
    while let (Some(path), Some(key), Some(value)) = (fields.next(), fields.next(), fields.next()) {
        if value != b"unspecified" && value != b"unset" {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            found.entry(RepoPath::new(path)).or_default().insert(text(key), text(value));
        }
    }
    Ok(found)
}
