//! Which folders outlive a gate run: what an ecosystem installs and builds, found by the files that it marks a
//! project with, or what the project's settings name.
//!
//! Caches of results (`__pycache__`, `dist`, `.next`, `.turbo`, `.cache`) are in no row: a result of one run
//! must not decide the next. Nor is `build` without an ecosystem that says what lies in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use git2::{ObjectType, Oid, Tree};

use crate::error::GitError;
use crate::repository::{Repository, oid};
use crate::snapshot::Snapshot;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_model::scope::normalise;
use paddock_model::settings::Keep;

/// Folders above a marker or lock file, at most.
const DEPTH_MAX: usize = 4;
/// Kept folders of one commit, at most.
const FOLDERS_MAX: usize = 2_000;
/// Folders with the sources of others, whose markers say nothing about this project.
const VENDORED: &[&str] = &["node_modules", "vendor", "third_party"];

/// What marks a project of one kind, and what it installs and builds.
#[derive(Debug, Clone, Copy)]
pub struct Ecosystem {
    /// Name for people.
    pub name: &'static str,
    /// Names of files that mark a project; a `*` stands for any part of a name.
    pub markers: &'static [&'static str],
    /// Folders that are kept, relative to the marker's folder; a `*` stands for any part of a name.
    pub folders: &'static [&'static str],
    /// Programs whose version decides what the folders hold.
    pub(super) tools: &'static [&'static str],
    /// Why the folders are of use only where they were made; `None` if they can be copied elsewhere.
    placed: Option<&'static str>,
    /// Whether markers below another one belong to the same build.
    is_topmost_only: bool,
}

const fn row(
    name: &'static str,
    markers: &'static [&'static str],
    folders: &'static [&'static str],
    tools: &'static [&'static str],
) -> Ecosystem {
    Ecosystem { name, markers, folders, tools, placed: None, is_topmost_only: false }
}

/// Like [`row`], for folders that hold absolute paths.
const fn placed(why: &'static str, row: Ecosystem) -> Ecosystem {
    Ecosystem { placed: Some(why), ..row }
}

/// One row for each ecosystem. Rows without folders are there for their tools alone.
const ECOSYSTEMS: &[Ecosystem] = &[
    row("Cargo", &["Cargo.toml"], &["target"], &["cargo", "rustc", "cc"]),
    row("npm, pnpm, Yarn", &["package.json"], &["node_modules"], &["node", "npm"]),
    placed(
        "virtual environments and editable installs hold absolute paths",
        row(
            "Python",
            &["pyproject.toml", "setup.py", "setup.cfg", "requirements*.txt", "Pipfile", "uv.lock"],
            &[".venv", "venv", "*.egg-info", "src/*.egg-info", ".tox", ".nox"],
            &["python3", "python"],
        ),
    ),
    row("Bundler", &["Gemfile"], &["vendor/bundle", ".bundle"], &["ruby", "bundle"]),
    row("Composer", &["composer.json"], &["vendor"], &["php"]),
    row("Maven", &["pom.xml"], &["target"], &["java", "mvn"]),
    row(
        "Gradle",
        &["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"],
        &[".gradle", "build"],
        &["java", "gradle"],
    ),
    Ecosystem {
        is_topmost_only: true,
        ..placed(
            "CMake refuses a build folder that was made elsewhere",
            row("CMake", &["CMakeLists.txt"], &["build"], &["cmake", "cc", "c++"]),
        )
    },
    row("Mix", &["mix.exs"], &["deps", "_build"], &["elixir"]),
    placed(
        "what NuGet restores names the project's files by absolute paths",
        row(".NET", &["*.csproj", "*.fsproj"], &["bin", "obj"], &["dotnet"]),
    ),
    placed(
        "Swift's module caches are bound to absolute paths",
        row("Swift", &["Package.swift"], &[".build"], &["swift"]),
    ),
    placed(
        "the package databases of cabal and Stack hold absolute paths",
        row("Haskell", &["*.cabal", "stack.yaml"], &["dist-newstyle", ".stack-work"], &["ghc"]),
    ),
    row("Dart", &["pubspec.yaml"], &[".dart_tool"], &["dart"]),
    row("Zig", &["build.zig"], &[".zig-cache"], &["zig"]),
    row("Go", &["go.mod"], &[], &["go", "cc"]),
    row("make", &["Makefile", "makefile", "GNUmakefile", "configure", "meson.build"], &[], &["cc", "c++"]),
];

/// Returns the ecosystems whose folders `gate.keep: auto` keeps.
pub fn ecosystems() -> impl Iterator<Item = &'static Ecosystem> {
    ECOSYSTEMS.iter().filter(|ecosystem| !ecosystem.folders.is_empty())
}

/// Returns the folders that outlive a gate run on a commit, as paths or globs relative to the repository's
/// folder, sorted. A folder that holds tracked files, or lies in another kept one, is left out.
///
/// # Errors
/// Fails if the commit cannot be read.
pub fn kept_folders(
    repository: &Repository,
    commit: &ObjectId,
    keep: &Keep,
) -> Result<Vec<String>, GitError> {
    let library = repository.library()?;
    let tree = library.find_commit(oid(commit)?)?.tree()?;
    let mut folders = match keep {
        Keep::Folders(given) => given.iter().filter_map(|text| usable(text)).collect(),
        Keep::Auto => found_folders(&markers(&library, &tree)?),
    };
    let paths = Snapshot::new(&library, Some(tree.id()));
    folders.retain(|folder| is_glob(folder) || paths.entry(&RepoPath::from(folder.as_str())).is_none());
    Ok(without_nested(&folders))
}

/// Returns the folders of a commit's ecosystems that are of use only where they were made, as paths or globs
/// relative to the repository's folder, with the reason.
///
/// # Errors
/// Fails if the commit cannot be read.
pub(super) fn placed_folders(
    repository: &Repository,
    commit: &ObjectId,
) -> Result<Vec<(String, &'static str)>, GitError> {
    let library = repository.library()?;
    let tree = library.find_commit(oid(commit)?)?.tree()?;
    let markers = markers(&library, &tree)?;
    let rows = ECOSYSTEMS.iter().filter_map(|row| Some((row, row.placed?)));
    let folders = rows
        .flat_map(|(row, why)| folders_of(&[*row], &markers).into_iter().map(move |folder| (folder, why)));
    Ok(folders.collect())
}

/// Returns the ecosystems that a tree uses.
pub(super) fn used(library: &git2::Repository, tree: &Tree<'_>) -> Result<Vec<&'static Ecosystem>, GitError> {
    let found = markers(library, tree)?;
    let is_used = |row: &&Ecosystem| found.iter().any(|path| is_marker(row, name_of(path)));
    Ok(ECOSYSTEMS.iter().filter(is_used).collect())
}

fn markers(library: &git2::Repository, tree: &Tree<'_>) -> Result<Vec<String>, GitError> {
    let is_wanted = |name: &str| ECOSYSTEMS.iter().any(|row| is_marker(row, name));
    Ok(near_top(library, tree, &is_wanted)?.into_iter().map(|(path, _)| path).collect())
}

fn is_marker(row: &Ecosystem, name: &str) -> bool {
    row.markers.iter().any(|pattern| name_matches(pattern, name))
}

/// Returns the folders of the ecosystems beside these markers, which come with the shallowest first.
fn found_folders(markers: &[String]) -> BTreeSet<String> {
    folders_of(ECOSYSTEMS, markers)
}

fn folders_of(rows: &[Ecosystem], markers: &[String]) -> BTreeSet<String> {
    let mut topmost: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut folders = BTreeSet::new();
    for path in markers {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for row in rows.iter().filter(|row| is_marker(row, name_of(path))) {
            let above = topmost.entry(row.name).or_default();
            if row.is_topmost_only && above.iter().any(|above| is_in(folder, above)) {
                continue;
            }
            above.push(folder);
            let prefix = if folder.is_empty() { String::new() } else { format!("{}/", escaped(folder)) };
            folders.extend(row.folders.iter().map(|kept| format!("{prefix}{kept}")));
            if folders.len() >= FOLDERS_MAX {
                return folders;
            }
        }
    }
    folders
}

/// Returns whether a folder is another one or lies in it; the empty name is the top.
fn is_in(folder: &str, other: &str) -> bool {
    other.is_empty()
        || folder.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the normal form of a folder or glob from the settings, or `None` for one that leads nowhere in the
/// repository, which the check of the settings has reported.
fn usable(text: &str) -> Option<String> {
    let plain = text.trim_end_matches('/');
    let plain = plain.strip_suffix("/**").unwrap_or(plain);
    let normal = normalise(plain).ok()?;
    let is_refused = matches!(normal.as_str(), "" | "**") || RepoPath::from(normal.as_str()).is_reserved();
    (!is_refused).then_some(normal)
}

fn without_nested(folders: &BTreeSet<String>) -> Vec<String> {
    let is_nested = |folder: &str| {
        let ends = folder.match_indices('/').map(|(at, _)| at);
        ends.into_iter().any(|at| folders.contains(&folder[..at]))
    };
    folders.iter().filter(|folder| !is_nested(folder)).cloned().collect()
}

/// Returns whether a kept folder is a glob and not a path.
pub(super) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{', '}', '\\'])
}

/// Returns a glob that matches this path alone; the path itself if nothing in it could be a glob.
fn escaped(path: &str) -> String {
    let mut text = String::new();
    for character in path.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!') {
            text.push('\\');
        }
        text.push(character);
    }
    if is_glob(path) || path.starts_with('!') { text } else { path.to_owned() }
}

pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns whether a name is the pattern, of which one `*` stands for anything.
pub(super) fn name_matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

/// Returns path and blob of the files near the top of a tree whose name is wanted, the shallowest first.
/// Folders with the sources of others are not searched.
pub(super) fn near_top(
    library: &git2::Repository,
    tree: &Tree<'_>,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<(String, Oid)>, GitError> {
    let mut due = VecDeque::from([(String::new(), tree.id(), 0)]);
    let mut found = Vec::new();
    while let Some((prefix, id, depth)) = due.pop_front() {
        for entry in &library.find_tree(id)? {
            // No ecosystem uses other names.
            let Ok(name) = std::str::from_utf8(entry.name_bytes()) else { continue };
            let path = format!("{prefix}{name}");
            match entry.kind() {
                Some(ObjectType::Tree) if depth < DEPTH_MAX && !VENDORED.contains(&name) => {
                    due.push_back((path + "/", entry.id(), depth + 1));
                }
                Some(ObjectType::Blob) if is_wanted(name) => found.push((path, entry.id())),
                _ => {}
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::samples::Sample;
    use super::*;

    fn auto(files: &[&str]) -> Vec<String> {
        let sample = Sample::new();
        let commit = sample.commit(&files.iter().map(|path| (*path, "x")).collect::<Vec<_>>());
        kept_folders(&sample.repository, &commit, &Keep::Auto).unwrap()
    }

    #[test]
    fn each_ecosystem_keeps_its_folders_beside_its_marker() {
        for (marker, folders) in [
            ("Cargo.toml", vec!["target"]),
            ("package.json", vec!["node_modules"]),
            ("setup.py", vec!["*.egg-info", ".nox", ".tox", ".venv", "src/*.egg-info", "venv"]),
            ("requirements-dev.txt", vec!["*.egg-info", ".nox", ".tox", ".venv", "src/*.egg-info", "venv"]),
            ("Gemfile", vec![".bundle", "vendor/bundle"]),
            ("composer.json", vec!["vendor"]),
            ("pom.xml", vec!["target"]),
            ("settings.gradle.kts", vec![".gradle", "build"]),
            ("CMakeLists.txt", vec!["build"]),
            ("mix.exs", vec!["_build", "deps"]),
            ("a.csproj", vec!["bin", "obj"]),
            ("Package.swift", vec![".build"]),
            ("x.cabal", vec![".stack-work", "dist-newstyle"]),
            ("pubspec.yaml", vec![".dart_tool"]),
            ("build.zig", vec![".zig-cache"]),
            ("go.mod", vec![]),
            ("notes.md", vec![]),
        ] {
            assert_eq!(auto(&[marker]), folders, "{marker}");
            let below: BTreeSet<String> = folders.iter().map(|folder| format!("a/b/{folder}")).collect();
            assert_eq!(auto(&[&format!("a/b/{marker}")]), below.into_iter().collect::<Vec<_>>(), "{marker}");
        }
    }

    #[test]
    fn only_the_topmost_cmake_file_has_a_build_folder() {
        let found = auto(&["a/CMakeLists.txt", "a/x/CMakeLists.txt", "ab/CMakeLists.txt"]);
        assert_eq!(found, ["a/build", "ab/build"]);
    }

    #[test]
    fn markers_deep_down_and_in_the_sources_of_others_do_not_count() {
        let files =
            ["a/b/c/d/Cargo.toml", "a/b/c/d/e/Cargo.toml", "vendor/x/Cargo.toml", "third_party/go.mod"];
        assert_eq!(auto(&files), ["a/b/c/d/target"]);
    }

    #[test]
    fn a_folder_with_tracked_files_is_not_kept() {
        assert_eq!(auto(&["composer.json", "vendor/a.php"]), [""; 0]);
        assert_eq!(auto(&["CMakeLists.txt", "build/rules.cmake"]), [""; 0]);
        assert_eq!(
            auto(&["Gemfile", "composer.json"]),
            [".bundle", "vendor"],
            "nested ones go with the outer"
        );
    }

    #[test]
    fn a_folder_named_like_a_glob_is_matched_alone() {
        let found = auto(&["app/[id]/package.json"]);
        assert_eq!(found, ["app/\\[id\\]/node_modules"]);
        let globs = paddock_model::scope::Globs::new(&found).unwrap();
        assert!(globs.matches(b"app/[id]/node_modules") && !globs.matches(b"app/i/node_modules"));
    }

    #[test]
    fn named_folders_are_normalised_and_unusable_ones_ignored() {
        let sample = Sample::new();
        let commit = sample.commit(&[("a/x", "x"), ("Cargo.toml", "x")]);
        let given = ["./out/", "out", "./b//c/**", "**/gen", "/abs", "../up", "", ".git/x", "a", "!no", "**"];
        let keep = Keep::Folders(given.map(str::to_owned).to_vec());
        assert_eq!(kept_folders(&sample.repository, &commit, &keep).unwrap(), ["**/gen", "b/c", "out"]);
        assert_eq!(kept_folders(&sample.repository, &commit, &Keep::Folders(vec![])).unwrap(), [""; 0]);
    }

    #[test]
    fn no_ecosystem_keeps_results() {
        let folders: Vec<&str> = ecosystems().flat_map(|row| row.folders).copied().collect();
        for result in ["__pycache__", "dist", ".cache", ".turbo", ".next", ".pytest_cache"] {
            assert!(!folders.contains(&result), "{result}");
        }
    }

    /// Returns the rows of the table in docs/gate.md.
    fn documented() -> String {
        let list =
            |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let note = |row: &Ecosystem| if row.is_topmost_only { " (the topmost)" } else { "" };
        let rows = ecosystems().map(|row| {
            format!("| {} | {}{} | {} |\n", row.name, list(row.markers), note(row), list(row.folders))
        });
        format!("\n| tool | known by | kept beside it |\n|---|---|---|\n{}\n", rows.collect::<String>())
    }

    #[test]
    fn the_page_about_the_gate_has_the_table() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gate.md");
        let text = std::fs::read_to_string(file).unwrap();
        let (before, rest) = text.split_once("<!-- ecosystems -->\n").unwrap();
        let (found, after) = rest.split_once("<!-- /ecosystems -->").unwrap();
        if std::env::var_os("PADDOCK_WRITE_DOCS").is_some() {
            let table = documented();
            let text = format!("{before}<!-- ecosystems -->\n{table}<!-- /ecosystems -->{after}");
            return std::fs::write(file, text).unwrap();
        }
        let advice = "docs/gate.md is out of date: run this test with PADDOCK_WRITE_DOCS=1";
        assert_eq!(found, documented(), "{advice}");
    }
}
