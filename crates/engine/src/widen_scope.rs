//! Widening a scope without a person: level 2 of recovery.

use std::collections::{BTreeMap, BTreeSet};

use paddock_model::path::RepoPath;
use paddock_model::scope::{Globs, ScopeError, normalise};

/// Files of one folder that become globs of their own. More of them become one glob for the folder.
const FILES_OF_A_FOLDER_MAX: usize = 3;
/// Paths that a summary may request at once.
const ASKED_MAX: usize = 20;

/// Returns the smallest globs that cover the paths: the paths themselves, or their folder if it holds more
/// than three of them. `None` if a path cannot be written as a glob.
#[must_use]
pub(crate) fn smallest_globs(paths: &[RepoPath]) -> Option<Vec<String>> {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in paths {
        let text = std::str::from_utf8(path.as_bytes()).ok()?;
        folders.entry(text.rsplit_once('/').map_or("", |(folder, _)| folder)).or_default().push(text);
    }
    let mut globs = Vec::new();
    for (folder, files) in folders {
        // The top folder would be `**`, which is no scope at all.
        match files.len() > FILES_OF_A_FOLDER_MAX && !folder.is_empty() {
            true => globs.push(format!("{}/**", escaped(folder))),
            false => globs.extend(files.into_iter().map(escaped)),
        }
    }
    globs.iter().all(|glob| normalise(glob).is_ok()).then_some(globs)
}

/// Returns a glob that matches exactly this path.
fn escaped(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for character in path.chars() {
        match character {
            '*' | '?' | '[' | ']' | '{' | '}' | '!' => text.extend(['[', character, ']']),
            '\\' => text.push_str("\\\\"),
            other => text.push(other),
        }
    }
    text
}

/// Returns whether every path may be added to a scope without a person (`recovery.expand`).
///
/// # Errors
/// Fails if a glob of `recovery.expand` cannot be used.
pub(crate) fn are_allowed(paths: &[RepoPath], expand: &[String]) -> Result<bool, ScopeError> {
    let globs = Globs::new(expand)?;
    Ok(!paths.is_empty() && paths.iter().all(|path| globs.matches(path.as_bytes())))
}

/// Returns the paths that a summary requests, one on each line. `None` if a line names no path: agents write
/// prose into this field, too, and no path may be guessed from a sentence.
#[must_use]
pub(crate) fn asked_for(text: &str) -> Option<Vec<RepoPath>> {
    let mut paths = BTreeSet::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let line = line.trim_start_matches(['-', '*', ' ']);
        let named = match line.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
            Some((path, _)) => path,
            None => line.split([' ', ':', '\t']).next().unwrap_or_default(),
        };
        let is_path = named.contains('/') || named.contains('.');
        // A full stop at the end is that of a sentence.
        if !is_path || normalise(named).is_err() || named.ends_with('.') {
            return None;
        }
        paths.insert(RepoPath::from(named));
    }
    (!paths.is_empty() && paths.len() <= ASKED_MAX).then(|| paths.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<RepoPath> {
        names.iter().map(|name| RepoPath::from(*name)).collect()
    }

    #[test]
    fn few_files_are_named_one_by_one_and_many_are_covered_by_their_folder() {
        assert_eq!(
            smallest_globs(&paths(&["docs/a.md", "docs/b.md", "README.md"])).unwrap(),
            ["README.md", "docs/a.md", "docs/b.md"]
        );
        let many = paths(&["docs/a.md", "docs/b.md", "docs/c.md", "docs/d.md", "docs/x/e.md"]);
        assert_eq!(smallest_globs(&many).unwrap(), ["docs/**", "docs/x/e.md"]);
        let top = paths(&["a.md", "b.md", "c.md", "d.md"]);
        assert_eq!(smallest_globs(&top).unwrap().len(), 4, "never everything");
        assert_eq!(smallest_globs(&[RepoPath::new(*b"docs/\xff")]), None);
    }

    #[test]
    fn a_path_with_special_characters_of_globs_covers_only_itself() {
        let odd = paths(&["docs/[id].md", "docs/a*b.md"]);
        let globs = Globs::new(&smallest_globs(&odd).unwrap()).unwrap();
        assert!(odd.iter().all(|path| globs.matches(path.as_bytes())));
        assert!(!globs.matches(b"docs/i.md") && !globs.matches(b"docs/axb.md"));
    }

    #[test]
    fn only_paths_that_recovery_allows_are_added() {
        let expand = ["docs/**".to_owned(), "**/*.md".to_owned()];
        assert!(are_allowed(&paths(&["docs/x", "a/b.md"]), &expand).unwrap());
        assert!(!are_allowed(&paths(&["docs/x", "src/main.rs"]), &expand).unwrap());
        assert!(!are_allowed(&[], &expand).unwrap());
    }

    #[test]
    fn a_summary_requests_paths_and_not_prose() {
        assert_eq!(
            asked_for("- docs/a.md\n`docs/b.md`: names it\n").unwrap(),
            paths(&["docs/a.md", "docs/b.md"])
        );
        for prose in ["none", "", "the docs should say so, too", "n/a", "../etc"] {
            let asked = asked_for(prose);
            assert!(
                asked.as_ref().is_none_or(|p| !are_allowed(p, &["docs/**".to_owned()]).unwrap()),
                "{asked:?}"
            );
        }
    }
}
