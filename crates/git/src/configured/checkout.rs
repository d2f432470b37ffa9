//! What outside of a commit decides how git writes its files.

use super::super::error::GitError;
use super::super::repository::Repository;
use super::record::hash;
use super::{all, attribute_files};
use paddock_os::plain;

/// Sections, in lower case, of settings by which git and its filters convert files.
const SECTIONS: [&[u8]; 2] = [b"filter.", b"lfs."];

/// Settings, in lower case, by which git decides how to write files.
const SETTINGS: [&str; 10] = [
    "core.attributesfile",
    "core.autocrlf",
    "core.bigfilethreshold",
    "core.checkroundtripencoding",
    "core.eol",
    "core.filemode",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.sharedrepository",
    "core.symlinks",
];

impl Repository {
    /// Returns a hash of the settings, agreements and attribute files by which git writes the files of a
    /// commit. While it stays the same, so does what git writes. Runs no git.
    ///
    /// # Errors
    /// [`GitError::ConfigUnreadable`] names a file that cannot be read.
    pub(crate) fn checkout_fingerprint(&self) -> Result<String, GitError> {
        let common = self.common_dir();
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for entry in all(common, &[common.to_owned()])? {
            let key = entry.key.bytes().to_ascii_lowercase();
            let is_meant = SETTINGS.iter().any(|known| entry.key.is(known))
                || SECTIONS.iter().any(|section| key.starts_with(section));
            if is_meant {
                parts.extend([entry.key.bytes().to_owned(), entry.value]);
            }
        }
        for (name, value) in self.agreed() {
            parts.extend([name.clone().into_bytes(), value.clone().into_bytes()]);
        }
        for file in attribute_files(self)? {
            parts.push(plain::read(file).unwrap_or_default());
        }
        Ok(hash(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>()))
    }

    /// Returns whether the repository's files are for a group, so that git gives them other permissions.
    ///
    /// # Errors
    /// As [`Self::checkout_fingerprint`].
    pub(crate) fn is_shared(&self) -> Result<bool, GitError> {
        let common = self.common_dir();
        let entries = all(common, &[common.to_owned()])?;
        Ok(entries.iter().any(|entry| entry.key.is("core.sharedrepository")))
    }
}
