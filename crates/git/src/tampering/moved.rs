//! Tests that a branch moved: the same tests in a file of another name.

use std::collections::BTreeSet;

use paddock_model::path::RepoPath;

use super::found::Found;
use super::scan::Language;
use super::structure;

/// Folders in which runners look for no tests.
const UNSEARCHED: &[&str] = &[
    "node_modules",
    "vendor",
    "testdata",
    "build",
    "dist",
    "target",
    "venv",
    "__pycache__",
    "bower_components",
];

/// How sure it is that a runner finds a moved test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collected {
    Yes,
    /// The place is another one, and only the runner knows.
    Perhaps,
    No,
}

/// Returns whether the runner that found a test at its earlier path finds it at the later one, which matches a
/// pattern of tests.
pub(super) fn is_collected(from: &str, to: &str) -> Collected {
    let split = |path: &'_ str| -> (String, String) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        (folder.to_owned(), name.to_owned())
    };
    let ((old_folder, old), (new_folder, new)) = (split(from), split(to));
    let ending = |name: &str| name.rsplit_once('.').map_or(String::new(), |(_, ending)| ending.to_owned());
    let is_hidden =
        |part: &str| part.starts_with(['.', '_']) && part != "__tests__" || UNSEARCHED.contains(&part);
    let hides = |folder: &str| folder.split('/').any(is_hidden);
    if ending(&old) != ending(&new)
        || class(&old) != class(&new)
        || (hides(&new_folder) && !hides(&old_folder))
    {
        return Collected::No;
    }
    // Cargo takes the files of `tests/` as targets, and the folders in it only by their `main.rs`.
    if old.ends_with(".rs") && old_folder.ends_with("tests") && old_folder != new_folder && new != "main.rs" {
        return Collected::No;
    }
    match old_folder == new_folder || class(&old) != Class::Folder {
        true => Collected::Yes,
        false => Collected::Perhaps,
    }
}

/// By which part of its name a runner knows a test.
#[derive(Debug, PartialEq, Eq)]
enum Class {
    Front,
    End,
    Middle,
    Capital,
    /// Only by its folder.
    Folder,
}

fn class(name: &str) -> Class {
    let stem = name.split('.').next().unwrap_or(name);
    match () {
        () if name.starts_with("test_") => Class::Front,
        () if stem.ends_with("_test")
            || stem.ends_with("_tests")
            || stem.ends_with("_spec")
            || stem.ends_with("_unittest") =>
        {
            Class::End
        }
        () if name.contains(".test.") || name.contains(".spec.") => Class::Middle,
        () if ["Test", "Tests", "IT", "Spec"].iter().any(|end| stem.ends_with(end)) => Class::Capital,
        () => Class::Folder,
    }
}

/// Returns what a later file did to the tests that an earlier one had; `None` if it is another file.
pub(super) fn similar(from: &RepoPath, before: &str, after: &str) -> Option<Option<Found>> {
    let lines = |text: &str| -> BTreeSet<String> {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| line.len() > 3).collect()
    };
    let (old, new) = (lines(before), lines(after));
    let shared = old.intersection(&new).count();
    let language = Language::from_path(&from.to_string(), before);
    (!old.is_empty() && shared * 2 >= old.len()).then(|| structure::compare(language, before, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_found_at_its_new_path_if_its_name_is_of_the_same_kind() {
        for (from, to, expected) in [
            ("tests/test_a.py", "tests/unit/test_b.py", Collected::Yes),
            ("tests/test_a.py", "tests/a.py", Collected::No),
            ("tests/test_a.py", "tests/_old/test_a.py", Collected::No),
            ("tests/test_a.py", "tests/test_a.txt", Collected::No),
            ("a_test.go", "testdata/a_test.go", Collected::No),
            ("src/a.test.js", "src/b/a.test.js", Collected::Yes),
            ("tests/a.rs", "tests/b.rs", Collected::Yes),
            ("tests/a.rs", "tests/b/a.rs", Collected::No),
            ("tests/a.rs", "tests/a/main.rs", Collected::Perhaps),
            ("test/a.js", "test/unit/a.js", Collected::Perhaps),
            ("t/a.t", "t/b.t", Collected::Yes),
        ] {
            assert_eq!(is_collected(from, to), expected, "{from} to {to}");
        }
    }
}
