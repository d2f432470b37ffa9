//! What `.gitmodules` of a commit says.

use std::collections::BTreeMap;

use git2::Oid;

use crate::configured::parse_text;
use crate::error::GitError;
use crate::objects::{blob_within, is_gitlink};
use crate::snapshot::Snapshot;
use paddock_model::path::RepoPath;

/// Largest `.gitmodules` that is read, in bytes.
const TEXT_BYTES_MAX: usize = 16 << 20;

/// A submodule as `.gitmodules` declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    /// Name of its repository below `modules/`.
    pub(crate) name: String,
    /// Where it is cloned from; empty if the file does not say.
    pub(crate) url: String,
}

/// Returns the submodules that a commit declares, by their paths. One that git would refuse is left out: a name
/// that leads elsewhere, a url or a path that a program would take for an option.
///
/// # Errors
/// Fails if the commit cannot be read.
pub(crate) fn declared(
    library: &git2::Repository,
    commit: Oid,
) -> Result<BTreeMap<RepoPath, Declared>, GitError> {
    let file = Snapshot::of_commit(library, commit)?.entry(&RepoPath::from(".gitmodules"));
    let blob = file.and_then(|(id, _)| blob_within(library, id, TEXT_BYTES_MAX));
    Ok(blob.map(|blob| parsed(blob.content())).unwrap_or_default())
}

/// Returns the declared submodules that a commit has, with their paths and their commits.
///
/// # Errors
/// Fails if the commit cannot be read.
pub(crate) fn submodules_of(
    library: &git2::Repository,
    commit: Oid,
) -> Result<Vec<(RepoPath, Declared, Oid)>, GitError> {
    let snapshot = Snapshot::of_commit(library, commit)?;
    let commit_at = |path: &RepoPath| {
        let (id, mode) = snapshot.entry(path)?;
        u32::try_from(mode).is_ok_and(is_gitlink).then_some(id)
    };
    let modules = declared(library, commit)?.into_iter();
    Ok(modules.filter_map(|(path, module)| commit_at(&path).map(|id| (path, module, id))).collect())
}

/// Reads the text of a `.gitmodules` file.
fn parsed(text: &[u8]) -> BTreeMap<RepoPath, Declared> {
    let mut found: BTreeMap<String, (Option<String>, String)> = BTreeMap::new();
    for (key, value) in parse_text(text).unwrap_or_default() {
        let (Ok(key), Ok(value)) = (String::from_utf8(key), String::from_utf8(value.unwrap_or_default()))
        else {
            continue;
        };
        let parts = key.strip_prefix("submodule.").and_then(|rest| rest.rsplit_once('.'));
        let Some((name, variable)) = parts else { continue };
        let module = found.entry(name.to_owned()).or_default();
        match variable {
            "path" => module.0 = Some(value),
            "url" => module.1 = value,
            _ => {}
        }
    }
    let modules = found.into_iter().filter_map(|(name, (path, url))| {
        let path = path?;
        (is_name(&name) && is_argument(&path) && is_argument(&url))
            .then(|| (RepoPath::new(path), Declared { name, url }))
    });
    modules.collect()
}

/// Returns whether a name stays below `modules/`, as git checks it.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| !matches!(part, "" | "." | ".." | ".git");
    !name.starts_with('-') && name.split(['/', '\\']).all(is_part) && is_text(name)
}

/// Returns whether a program takes a text for an argument, and never for an option.
fn is_argument(text: &str) -> bool {
    !text.starts_with('-') && is_text(text)
}

fn is_text(text: &str) -> bool {
    !text.contains(|character: char| character.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_urls_that_lead_elsewhere_are_left_out() {
        let module = |name: &str, path: &str, url: &str| {
            format!("[submodule \"{name}\"]\n\tpath = \"{path}\"\n\turl = \"{url}\"\n")
        };
        let good = module("lib/a", "lib/a", "https://example.org/a.git");
        let found = parsed(good.as_bytes());
        let url = "https://example.org/a.git".to_owned();
        assert_eq!(found[&RepoPath::from("lib/a")], Declared { name: "lib/a".to_owned(), url });
        for bad in [
            module("../up", "a", "u"),
            module("a/../../up", "a", "u"),
            module("a\\\\..\\\\up", "a", "u"),
            module("/abs", "a", "u"),
            module("a//b", "a", "u"),
            module("-x", "a", "u"),
            module("a", "-x", "u"),
            module("a", "a", "--upload-pack=x"),
            module("a", "a", "two\\nlines"),
            "[submodule \"a\"]\n\turl = u\n".to_owned(),
            "[submodule \"a\"\n\tpath = a\n".to_owned(),
        ] {
            assert_eq!(parsed(bad.as_bytes()), BTreeMap::new(), "{bad}");
        }
    }
}
