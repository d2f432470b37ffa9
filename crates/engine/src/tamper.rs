//! The tamper guard: which changes to existing tests and to the gate's own files an objective's scope allows.
//!
//! Adding tests is always allowed. Changing an existing test is allowed to an objective whose scope names the
//! file in words that a person or an approved plan wrote. A glob that recovery added by itself names nothing,
//! or an agent could widen its own scope to its tests. A glob that matches everything names nothing either.

use paddock_model::path::RepoPath;
use paddock_model::scope::{Globs, ScopeError};
use paddock_model::tamper::Tampered;

/// Returns the changes to files that the scope does not name.
///
/// # Errors
/// Fails if a glob cannot be compiled.
pub(crate) fn unnamed<'t>(
    found: &'t [Tampered],
    path_scope: &[String],
    grown: &[String],
) -> Result<Vec<&'t Tampered>, ScopeError> {
    // Left are the globs that a person or an approved plan wrote, and that name something.
    let given: Vec<&String> =
        path_scope.iter().filter(|glob| !grown.contains(glob) && !is_everything(glob)).collect();
    let named = Globs::new(&given)?;
    Ok(found.iter().filter(|tampered| !named.matches(tampered.path.as_bytes())).collect())
}

/// Returns whether a scope or a criterion names a test file.
///
/// # Errors
/// Fails if a glob cannot be compiled.
pub fn names_test(
    path: &RepoPath,
    _tests: &[String],
    scope: &[String],
    grown: &[String],
    criteria: &[String],
) -> Result<bool, ScopeError> {
    let given: Vec<&String> =
        scope.iter().filter(|glob| !grown.contains(glob) && !is_everything(glob)).collect();
    let name = path.to_string();
    Ok(Globs::new(&given)?.matches(path.as_bytes()) || criteria.iter().any(|text| text.contains(&name)))
}

/// Returns whether a scope says nothing about where the work is.
#[must_use]
pub fn is_open_scope(scope: &[String], grown: &[String]) -> bool {
    scope.iter().filter(|glob| !grown.contains(glob)).all(|glob| is_everything(glob))
}

/// Returns whether the scope, without the globs that recovery added, names this file of Paddock's own
/// configuration.
///
/// Only a glob that begins with `.paddock/` counts: a change of the gate must not slip in under `**/*.yaml`.
#[must_use]
pub fn is_named(path: &[u8], path_scope: &[String], grown: &[String]) -> bool {
    let given: Vec<&String> =
        path_scope.iter().filter(|glob| glob.starts_with(".paddock/") && !grown.contains(glob)).collect();
    !given.is_empty() && Globs::new(&given).is_ok_and(|named| named.matches(path))
}

/// Returns whether a glob matches every path, and so names none in particular.
fn is_everything(glob: &str) -> bool {
    glob.split('/').all(|part| matches!(part, "**" | "*" | "." | ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_model::tamper::How;

    fn deleted(path: &str) -> Tampered {
        Tampered { path: RepoPath::new(path), how: How::Deleted }
    }

    fn left(scope: &[&str], grown: &[&str]) -> usize {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        unnamed(&[deleted("tests/a.rs")], &owned(scope), &owned(grown)).unwrap().len()
    }

    #[test]
    fn only_a_glob_that_a_person_or_plan_wrote_names_a_test() {
        assert_eq!(left(&["src/**", "tests/**"], &[]), 0);
        assert_eq!(left(&["tests/a.rs"], &[]), 0);
        assert_eq!(left(&["src/**"], &[]), 1);
        assert_eq!(left(&["src/**", "tests/**"], &["tests/**"]), 1, "recovery added the glob");
        assert_eq!(left(&[], &[]), 1);
        assert_eq!(left(&["**"], &[]), 1, "everything names nothing");
        assert_eq!(left(&["**/*"], &[]), 1);
        assert_eq!(left(&["**/*.rs"], &[]), 0);
    }

    #[test]
    fn paddocks_own_configuration_is_named_by_its_folder_or_its_path_and_by_nothing_wider() {
        let named = |scope: &str, grown: &[String]| {
            is_named(b".paddock/project.yaml", &[scope.to_owned(), "src/**".to_owned()], grown)
        };
        assert!(named(".paddock/project.yaml", &[]) && named(".paddock/**", &[]));
        assert!(!named("**", &[]) && !named("**/*.yaml", &[]) && !named(".paddock/other.yaml", &[]));
        assert!(!named(".paddock/**", &[".paddock/**".to_owned()]), "recovery added the glob");
    }
}
