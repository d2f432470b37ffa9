//! Some things must exist in one place only, since copies of them drift apart: the start of git, the atomic
//! write, the reader of escape sequences, the cuts of text.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns path and text of each production source in `src` and `crates`, without code that only tests
/// compile.
fn sources() -> Vec<(String, String)> {
    fn below(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => below(&path, into),
                false => into.push(path),
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    below(&root.join("src"), &mut files);
    below(&root.join("crates"), &mut files);
    let is_production = |name: &str| {
        let is_test = name.ends_with("tests.rs") || name.contains("/testing/") || name.contains("/tests/");
        name.ends_with(".rs") && !is_test && !name.starts_with("crates/testkit/")
    };
    let named = files.into_iter().map(|path| {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        (name, path)
    });
    let mut found: Vec<_> = named
        .filter(|(name, _)| is_production(name))
        .map(|(name, path)| {
            let text = fs::read_to_string(path).unwrap();
            let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
            (name, text[..end].to_owned())
        })
        .collect();
    found.sort();
    found
}

/// Returns the files that contain one of these words.
fn files_with(words: &[&str]) -> Vec<String> {
    let has = |text: &String| words.iter().any(|word| text.contains(word));
    sources().into_iter().filter(|(_, text)| has(text)).map(|(name, _)| name).collect()
}

/// Asserts that no file outside `inside` contains one of these words, except the `others`, each given with a
/// reason.
fn occurs_only(words: &[&str], inside: &str, others: &[(&str, &str)]) {
    let found = files_with(words);
    let outside: Vec<_> = found.iter().filter(|name| !name.starts_with(inside)).cloned().collect();
    assert!(outside.len() < found.len(), "{inside} contains none of {words:?}: the words are out of date");
    let mut allowed: Vec<_> = others.iter().map(|(name, _)| (*name).to_owned()).collect();
    allowed.sort();
    assert_eq!(
        outside, allowed,
        "{words:?} may occur in {inside} only; list an exception here, with its reason"
    );
}

#[test]
fn paths_are_looked_up_in_snapshots_alone() {
    // libgit2's own lookup parses a whole folder for each path: `n` files of one folder would cost `n²`.
    let found = files_with(&["tree.get_path(", "tree()?.get_path(", "_tree.get_path(", "after.get_path("]);
    assert!(found.is_empty(), "use `git::snapshot::Snapshot` in {found:?}");
    occurs_only(&["get_name_bytes("], "crates/git/src/snapshot.rs", &[]);
}

#[test]
fn the_size_of_a_blob_is_looked_at_before_it_is_read() {
    // A file may have gigabytes, and `find_blob` reads it whole. The search for secrets has a limit of its own.
    let is_helper = |name: &&String| {
        name.ends_with("/objects.rs") || name.ends_with("/branch.rs") || name.contains("/secrets")
    };
    let found = files_with(&["find_blob("]);
    assert!(found.iter().any(|name| name.ends_with("/objects.rs")), "the words are out of date");
    let outside: Vec<&String> = found.iter().filter(|name| !is_helper(name)).collect();
    assert!(outside.is_empty(), "use `blob_within` in {outside:?}");
}

#[test]
fn modes_of_files_are_set_in_one_crate() {
    let others = [
        ("crates/git/src/gate_folder/clear.rs", "folders that a gate run closed are opened to be read"),
        (
            "crates/git/src/gate_folder/compare.rs",
            "a folder of the commit gets back the mode that git gave it",
        ),
        ("crates/git/src/gate_folder/copy.rs", "a copy of a cache has the modes of its original"),
        ("crates/git/src/gate_folder/submodules.rs", "a file of a submodule has the mode that git recorded"),
        ("crates/git/src/home/quarantine.rs", "a pack is as readable as the folder that it goes to"),
        ("crates/git/src/restore.rs", "a file of a worktree has the mode that git recorded"),
        ("crates/supervisor/src/effects/copying.rs", "a copied file has the mode of its original"),
    ];
    occurs_only(&["set_permissions(", "OpenOptionsExt", "DirBuilderExt"], "crates/os/", &others);
}

#[test]
fn files_are_moved_into_place_in_one_crate() {
    let others = [
        ("crates/git/src/gate_folder/seed.rs", "a seed is moved into place when it is whole"),
        ("crates/git/src/home/quarantine.rs", "a pack leaves the quarantine once git can read it"),
        ("crates/git/src/pool/register.rs", "a git directory is moved into place when it is whole"),
        ("crates/git/src/pool/retire.rs", "the folder of a worktree is moved into the pool"),
        ("crates/git/src/pool/take.rs", "and out of it"),
        ("crates/git/src/remove.rs", "a worktree is moved away to be deleted"),
        ("crates/git/src/restore.rs", "a link, or a file with the mode that git recorded"),
        ("crates/git/src/unregister.rs", "a git directory leaves git's sight before it is deleted"),
        ("crates/runner/src/local/start.rs", "the files of an earlier attempt are moved away"),
        ("src/cli/doctor/restore.rs", "the log of a damaged database is moved away with it"),
        ("src/cli/project.rs", "the file of a removed project is moved away"),
    ];
    occurs_only(&["fs::rename("], "crates/os/", &others);
}

#[test]
fn the_git_program_is_started_in_one_file() {
    occurs_only(&["Command::new(\"git\")", "Program::new(\"git\")"], "crates/git/src/process.rs", &[]);
}

#[test]
fn durability_is_defined_in_one_crate() {
    occurs_only(&["enum Durability"], "crates/model/", &[]);
}

#[test]
fn escape_sequences_are_read_in_one_place() {
    occurs_only(&["vte::"], "crates/agents/src/terminal/", &[]);
}

#[test]
fn texts_are_cut_to_bytes_in_one_file() {
    occurs_only(&["is_char_boundary("], "crates/model/src/cut.rs", &[]);
}

#[test]
fn every_variable_of_paddock_is_in_the_table() {
    let known: Vec<&str> = paddock_config::variables::TABLE.iter().map(|variable| variable.name).collect();
    let mut missing = Vec::new();
    for (file, text) in sources() {
        for (at, _) in text.match_indices("\"PADDOCK_") {
            let word = |c: char| c.is_ascii_uppercase() || c == '_';
            let name: String = text[at + 1..].chars().take_while(|c| word(*c)).collect();
            if !known.contains(&name.as_str()) {
                missing.push(format!("{file}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "add a row to paddock_config::variables::TABLE for {missing:?}");
}
