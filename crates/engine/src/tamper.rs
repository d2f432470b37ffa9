//! The tamper guard: which changes to existing tests and to the gate's own files an objective's scope allows.
//!
//! Adding tests is always allowed. Changing an existing test is allowed to an objective whose scope or
//! acceptance criteria name the file, in words that a person or an approved plan wrote.
//!
//! - A glob that recovery added by itself names nothing, or an agent could widen its own scope to its tests.
//! - A glob for code names no test: `src/**` does not name `src/cart.test.js`, and `src/lib.rs` does not name the
//!   tests in it. A test is named by its own path, or by a glob that matches tests alone (`tests/**`).
//! - A file that the gate runs is named by its path, or by a glob for its folder (`scripts/**`). A file of
//!   settings is named by its path.

use paddock_model::scope::{Globs, ScopeError};
use paddock_model::tamper::{How, Part, Tampered};

/// Folders of code, by which a scope names no script of the gate.
const CODE_FOLDERS: &[&str] = &[
    "src", "lib", "app", "source", "pkg", "internal", "cmd", "packages", "crates", "web", "server", "client",
];
/// Folders of scripts that check. A scope with one of them is about scripts.
const SCRIPT_FOLDERS: &[&str] =
    &["ci", ".ci", "script", "scripts", "hack", "tools", "bin", "gate", ".github", ".circleci"];
/// Most alternatives of a glob that are looked at one by one.
const ALTERNATIVES_MAX: usize = 64;
/// Words of a criterion that asks for a test to pass. It names the test, and gives no leave to change it.
const ASKS_TO_PASS: &[&str] = &["pass", "passes", "passing", "pass.", "green", "succeeds", "succeed"];

/// The tests that a person or an approved plan named.
pub(crate) struct NamedTests<'a> {
    leave: &'a Leave<'a>,
    globs: Globs,
}

impl NamedTests<'_> {
    /// Returns whether a test is named.
    pub(crate) fn has(&self, path: &[u8]) -> bool {
        self.globs.matches(path) || self.leave.is_in_criteria(path, &[])
    }
}

/// What a person or an approved plan wrote about the files of an objective.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leave<'a> {
    /// Patterns of the project's tests.
    pub tests: &'a [String],
    /// Globs of the scope.
    pub scope: &'a [String],
    /// Globs of the scope that recovery added by itself.
    pub grown: &'a [String],
    /// Acceptance criteria.
    pub criteria: &'a [String],
}

impl Leave<'_> {
    /// Returns the globs that a person or an approved plan wrote and that name something, with the
    /// alternatives in braces one by one.
    fn given(&self) -> Vec<String> {
        let given = self.scope.iter().filter(|glob| !self.grown.contains(glob));
        given.flat_map(|glob| alternatives(glob)).filter(|glob| !is_everything(glob)).collect()
    }

    /// Returns the tests that are named, compiled once for any number of paths.
    pub(crate) fn named_tests(&self, tests: &Globs) -> Result<NamedTests<'_>, ScopeError> {
        let counts = |glob: &String| {
            is_literal(glob) || samples(glob).iter().all(|sample| tests.matches(sample.as_bytes()))
        };
        let given: Vec<String> = self.given().into_iter().filter(counts).collect();
        Ok(NamedTests { leave: self, globs: Globs::new(&given)? })
    }

    /// Returns whether a test is named.
    fn names_test(&self, path: &[u8], tests: &Globs) -> Result<bool, ScopeError> {
        Ok(self.named_tests(tests)?.has(path))
    }

    /// Returns whether the scope holds this very path.
    fn is_literally_named(&self, path: &[u8]) -> Result<bool, ScopeError> {
        for glob in self.given().iter().filter(|glob| is_literal(glob)) {
            if Globs::new(&[glob])?.matches(path) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns whether a file of the gate is named.
    fn names_gate(&self, path: &[u8], is_script: bool) -> Result<bool, ScopeError> {
        let path = String::from_utf8_lossy(path).into_owned();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for glob in self.given() {
            let fixed = fixed_folder(&glob);
            let first = fixed.split('/').next().unwrap_or_default();
            let is_about = match is_script {
                true => {
                    SCRIPT_FOLDERS.contains(&first) || (fixed == folder && !CODE_FOLDERS.contains(&first))
                }
                false => fixed == folder && first.starts_with('.'),
            };
            let counts = is_literal(&glob) || (is_about && !fixed.is_empty());
            if counts && Globs::new(&[&glob])?.matches(path.as_bytes()) {
                return Ok(true);
            }
        }
        Ok(self.is_in_criteria(path.as_bytes(), &[]))
    }

    /// Returns whether an acceptance criterion names the path, or the file's name, and one of these words.
    fn is_in_criteria(&self, path: &[u8], words: &[&str]) -> bool {
        let Ok(path) = std::str::from_utf8(path) else { return false };
        let name = path.rsplit('/').next().filter(|name| name.contains('.')).unwrap_or(path);
        self.criteria.iter().any(|criterion| {
            let is_end =
                |c: char| c.is_whitespace() || matches!(c, '`' | '"' | '\'' | ',' | ';' | '(' | ')' | ':');
            let mut tokens = criterion.split(is_end).map(|word| word.trim_end_matches('.'));
            let lower = criterion.to_lowercase();
            let asks = lower.split_whitespace().any(|word| ASKS_TO_PASS.contains(&word));
            let has_word = words.is_empty() || words.iter().any(|word| lower.contains(word));
            !asks && has_word && tokens.any(|token| token == path || token == name)
        })
    }

    /// Returns whether the change is of a file that is named.
    fn names(&self, tampered: &Tampered, tests: &Globs) -> Result<bool, ScopeError> {
        let path = tampered.path.as_bytes();
        // What takes the place of something that the gate uses is named by its own path alone.
        if matches!(tampered.how, How::Shadows(_)) {
            return Ok(self.is_literally_named(path)? || self.is_in_criteria(path, &[]));
        }
        match tampered.part {
            Part::Tests => self.names_test(path, tests),
            Part::Gate => self.names_gate(path, true),
            Part::Settings => {
                Ok(self.names_gate(path, false)? || (tests.matches(path) && self.names_test(path, tests)?))
            }
            Part::Inline => Ok(self.is_in_criteria(path, &["test"])),
        }
    }
}

/// Returns whether a scope, without the globs that recovery added, names nothing in particular: it is empty, or
/// has globs that match everything.
#[must_use]
pub fn is_open_scope(scope: &[String], grown: &[String]) -> bool {
    scope.iter().filter(|glob| !grown.contains(glob)).all(|glob| is_everything(glob))
}

/// Returns the changes to files that neither the scope nor a criterion names.
///
/// # Errors
/// Fails if a glob cannot be compiled.
pub(crate) fn unnamed<'t>(found: &'t [Tampered], leave: &Leave<'_>) -> Result<Vec<&'t Tampered>, ScopeError> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let tests = Globs::new(leave.tests)?;
    let mut left = Vec::new();
    for tampered in found {
        if !leave.names(tampered, &tests)? {
            left.push(tampered);
        }
    }
    Ok(left)
}

/// Returns a glob for each combination of the alternatives in its braces.
fn alternatives(glob: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut due = vec![glob.to_owned()];
    while let Some(glob) = due.pop() {
        let inner = glob.find('}').and_then(|end| Some((glob[..end].rfind('{')?, end)));
        match inner {
            Some((start, end)) if due.len() + found.len() < ALTERNATIVES_MAX => {
                let parts = glob[start + 1..end].split(',');
                due.extend(parts.map(|part| format!("{}{part}{}", &glob[..start], &glob[end + 1..])));
            }
            _ => found.push(glob),
        }
    }
    found
}

fn is_literal(glob: &str) -> bool {
    !glob.contains(['*', '?', '{']) && !glob.ends_with('/')
}

/// Returns the folders of a glob before its first wildcard.
fn fixed_folder(glob: &str) -> String {
    let glob = glob.trim_start_matches("./");
    let parts: Vec<&str> = glob.trim_end_matches('/').split('/').collect();
    let fixed = parts.iter().take_while(|part| !part.contains(['*', '?', '[', '{'])).count();
    let folders = if glob.ends_with('/') { fixed } else { fixed.min(parts.len() - 1) };
    parts[..folders].join("/")
}

/// Returns paths that a glob matches. If all of them are tests, the glob is one for tests.
fn samples(glob: &str) -> Vec<String> {
    let glob = if glob.ends_with('/') { format!("{glob}**") } else { glob.to_owned() };
    let glob = glob.trim_start_matches("./");
    let fill = |folders: &str| {
        let parts = glob.split('/').filter_map(|part| match part {
            "**" if folders.is_empty() => None,
            "**" => Some(folders.to_owned()),
            part => Some(sample_of_part(part)),
        });
        let text = parts.collect::<Vec<_>>().join("/");
        match glob.ends_with("**") {
            true if text.is_empty() => "q".to_owned(),
            true => format!("{text}/q"),
            false => text,
        }
    };
    vec![fill(""), fill("q"), fill("q/q")]
}

fn sample_of_part(part: &str) -> String {
    let mut text = String::new();
    let mut characters = part.chars();
    while let Some(character) = characters.next() {
        match character {
            '*' | '?' => text.push('q'),
            '\\' => text.extend(characters.next()),
            '[' => {
                let inner: String = characters.by_ref().take_while(|c| *c != ']').collect();
                let first = inner.chars().next().filter(|first| !matches!(first, '!' | '^'));
                text.push(first.unwrap_or('q'));
            }
            other => text.push(other),
        }
    }
    text
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
pub(crate) fn is_everything(glob: &str) -> bool {
    glob.split('/').all(|part| matches!(part, "**" | "*" | "." | ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_model::path::RepoPath;
    use paddock_model::tamper::patterns;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn is_left(part: Part, path: &str, scope: &[&str], grown: &[&str], criteria: &[&str]) -> bool {
        let found = [Tampered::new(RepoPath::new(path), part, How::Deleted)];
        let (tests, scope, grown, criteria) = (patterns(None), owned(scope), owned(grown), owned(criteria));
        let leave = Leave { tests: &tests, scope: &scope, grown: &grown, criteria: &criteria };
        !unnamed(&found, &leave).unwrap().is_empty()
    }

    #[test]
    fn a_test_is_named_by_its_path_or_by_a_glob_for_tests() {
        for (scope, path) in [
            ("tests/**", "tests/a.rs"),
            ("tests/", "tests/a.rs"),
            ("tests/a.rs", "tests/a.rs"),
            ("src/**/*.test.js", "src/a/b.test.js"),
            ("**/*_test.go", "pkg/a_test.go"),
            ("spec/models/**", "spec/models/a_spec.rb"),
            ("{src,tests}/**", "tests/a.rs"),
            ("crates/*/tests/**", "crates/a/tests/b.rs"),
            ("src/cart.test.js", "src/cart.test.js"),
        ] {
            assert!(!is_left(Part::Tests, path, &[scope], &[], &[]), "{scope} names {path}");
        }
        for (scope, path) in [
            ("src/**", "src/a.test.js"),
            ("src/*.js", "src/a.test.js"),
            ("**/*.rs", "tests/a.rs"),
            ("lib/x/**", "lib/x/a_test.go"),
            ("{src,lib}/**", "src/a.test.js"),
            ("**", "tests/a.rs"),
            ("**/*", "tests/a.rs"),
            ("src/a.test.ts", "src/a.test.js"),
        ] {
            assert!(is_left(Part::Tests, path, &[scope], &[], &[]), "{scope} does not name {path}");
        }
        assert!(
            is_left(Part::Tests, "tests/a.rs", &["src/**", "tests/**"], &["tests/**"], &[]),
            "recovery added it"
        );
        assert!(is_left(Part::Tests, "tests/a.rs", &[], &[], &[]));
    }

    #[test]
    fn a_criterion_names_a_test_unless_it_asks_for_the_test_to_pass() {
        let left =
            |criterion: &str| is_left(Part::Tests, "tests/test_cart.py", &["src/**"], &[], &[criterion]);
        assert!(!left("`tests/test_cart.py` is removed together with the cart"));
        assert!(!left("rewrite test_cart.py."));
        assert!(left("python3 -m pytest tests/test_cart.py passes"));
        assert!(left("the cart is fast") && left("tests/test_cart.pyc is gone"));
        assert!(!left("drop tests/test_cart.py"));
    }

    #[test]
    fn scripts_and_settings_are_named_by_path_or_by_their_own_folder() {
        let gate = |scope: &str, path: &str| !is_left(Part::Gate, path, &[scope], &[], &[]);
        assert!(
            gate("scripts/**", "scripts/a/b.sh")
                && gate("Makefile", "Makefile")
                && gate("check/*.sh", "check/a.sh")
        );
        assert!(
            !gate("**/*.sh", "scripts/a.sh") && !gate("src/**", "src/check.sh") && !gate("*", "Makefile")
        );
        let settings = |scope: &str, path: &str| !is_left(Part::Settings, path, &[scope], &[], &[]);
        assert!(settings("pytest.ini", "pytest.ini") && settings("tests/**", "tests/conftest.py"));
        assert!(settings(".cargo/**", ".cargo/config.toml"));
        assert!(!settings("web/**", "web/jest.config.js") && !settings("src/**", "src/conftest.py"));
        let inline =
            |scope: &str, criterion: &str| !is_left(Part::Inline, "src/lib.rs", &[scope], &[], &[criterion]);
        assert!(!inline("src/lib.rs", "src/lib.rs is short"));
        assert!(inline("src/**", "the tests in src/lib.rs are replaced"));
    }

    #[test]
    fn a_scope_without_a_name_is_open() {
        assert!(is_open_scope(&[], &[]) && is_open_scope(&owned(&["**", "./"]), &[]));
        assert!(is_open_scope(&owned(&["docs/**"]), &owned(&["docs/**"])));
        assert!(!is_open_scope(&owned(&["**", "src/**"]), &[]));
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
