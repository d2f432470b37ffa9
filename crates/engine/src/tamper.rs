//! The tamper guard: whether a branch deletes, skips or weakens tests that were there, or changes what the gate
//! runs. Pure judgement; what changed is read from git.
//!
//! Adding tests is free. Changing those that are there is for objectives whose scope names them, in words that a
//! person or the approved plan gave: a scope that grew by itself names nothing, nor does one that holds everything.

use paddock_model::scope::{Globs, ScopeError};
use paddock_model::tamper::Tampered;

/// What the scope does not name of all that was changed.
///
/// # Errors
/// When a glob cannot be compiled.
pub(crate) fn unnamed<'t>(
    found: &'t [Tampered],
    path_scope: &[String],
    grown: &[String],
) -> Result<Vec<&'t Tampered>, ScopeError> {
    let given: Vec<&String> =
        path_scope.iter().filter(|glob| !grown.contains(glob) && !is_everything(glob)).collect();
    let named = Globs::new(&given)?;
    Ok(found.iter().filter(|tampered| !named.matches(tampered.path.as_bytes())).collect())
}

/// Whether the words of a scope that somebody gave name this file of Paddock's own configuration.
#[must_use]
pub fn is_named(path: &[u8], path_scope: &[String], grown: &[String]) -> bool {
    let given: Vec<&String> =
        path_scope.iter().filter(|glob| glob.starts_with(".paddock/") && !grown.contains(glob)).collect();
    !given.is_empty() && Globs::new(&given).is_ok_and(|named| named.matches(path))
}

/// Whether a glob holds everything, so that it names nothing.
fn is_everything(glob: &str) -> bool {
    glob.split('/').all(|part| matches!(part, "**" | "*" | "." | ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_model::path::RepoPath;
    use paddock_model::tamper::How;

    fn deleted(path: &str) -> Tampered {
        Tampered { path: RepoPath::new(path), how: How::Deleted }
    }

    fn left(scope: &[&str], grown: &[&str]) -> usize {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        unnamed(&[deleted("tests/a.rs")], &owned(scope), &owned(grown)).unwrap().len()
    }

    #[test]
    fn only_a_scope_in_words_that_somebody_gave_names_a_test() {
        assert_eq!(left(&["src/**", "tests/**"], &[]), 0);
        assert_eq!(left(&["tests/a.rs"], &[]), 0);
        assert_eq!(left(&["src/**"], &[]), 1);
        assert_eq!(left(&["src/**", "tests/**"], &["tests/**"]), 1, "it grew by itself");
        assert_eq!(left(&[], &[]), 1);
        assert_eq!(left(&["**"], &[]), 1, "everything names nothing");
        assert_eq!(left(&["**/*"], &[]), 1);
        assert_eq!(left(&["**/*.rs"], &[]), 0);
    }

    #[test]
    fn paddocks_own_configuration_is_named_by_its_folder_or_its_name_and_by_nothing_wider() {
        let named = |scope: &str, grown: &[String]| {
            is_named(b".paddock/project.yaml", &[scope.to_owned(), "src/**".to_owned()], grown)
        };
        assert!(named(".paddock/project.yaml", &[]) && named(".paddock/**", &[]));
        assert!(!named("**", &[]) && !named("**/*.yaml", &[]) && !named(".paddock/other.yaml", &[]));
        assert!(!named(".paddock/**", &[".paddock/**".to_owned()]), "it grew by itself");
    }
}
