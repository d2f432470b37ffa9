//! Checks the sources against the rules of ARCHITECTURE.md, and that no test is lost.

mod cycles;
mod documents;
mod language;
mod matches;
mod sources;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sources::{Function, all_files, files_of, functions, is_comment, parse, root};

/// Comments do not count.
const FILE_LINES_MAX: usize = 500;
/// Comments and arms of a match that routes do not count.
const FUNCTION_LINES_MAX: usize = 70;
const MEDIAN_FILE_LINES_MAX: usize = 200;
/// Number of tests at the latest count. Raise it when tests are added; removing a test needs a reason here.
///
/// There were 1,034 in one crate. When it was split, 8 were removed with code that production did not use,
/// and 8 were added.
const TESTS_MIN: usize = 1_668;
/// Folders below `tests` that are test programs, each with a `main.rs`.
const TEST_PROGRAMS: [&str; 4] = ["cheats", "it", "sim", "slow"];

/// Returns the folder in which the modules of a file are: that of a `main.rs` or `mod.rs`, else the one with
/// the file's name.
fn folder_of_modules(file: &Path) -> PathBuf {
    let name = file.file_stem().unwrap();
    match name == "main" || name == "mod" {
        true => file.parent().unwrap().to_owned(),
        false => file.with_extension(""),
    }
}

/// Returns the files that a file names by `mod NAME;`. A module with `#[path]` is outside of the tests and
/// not found.
fn modules(file: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(file).unwrap();
    let folder = folder_of_modules(file);
    let named = text.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("pub ");
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    let found = |name: &str| {
        let candidates = [folder.join(name).with_extension("rs"), folder.join(name).join("mod.rs")];
        candidates.into_iter().find(|path| path.is_file())
    };
    named.filter_map(found).collect()
}

/// Returns the number of tests in a file.
fn tests_in(file: &Path) -> usize {
    let is_test =
        |line: &&str| ["#[test]", "#[tokio::test"].iter().any(|mark| line.trim_start().starts_with(mark));
    fs::read_to_string(file).unwrap().lines().filter(is_test).count()
}

/// Places that read files in other ways, each for a reason: what a person names may be a pipe, `/proc` and a
/// job's own folder hold none.
const OTHER_READS: [&str; 3] =
    ["src/cli/plan.rs", "src/cli/doctor/machine.rs", "crates/runner/src/keeper/stage.rs"];

#[test]
fn files_are_read_by_what_never_waits_for_a_pipe() {
    let root = root();
    let mut found = Vec::new();
    for path in all_files() {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let is_product = (name.starts_with("crates/") || name.starts_with("src/"))
            && !["crates/os/", "crates/testkit/"].iter().any(|folder| name.starts_with(folder))
            && !name.contains("test");
        if !is_product || OTHER_READS.contains(&name.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let product = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let reads = ["fs::read(", "fs::read_to_string(", "File::open("];
        for (number, line) in product.lines().enumerate() {
            if reads.iter().any(|read| line.contains(read)) && !line.contains("let writes = ") {
                found.push(format!("{name}:{}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "use `paddock_os::plain` instead: {found:#?}");
}

#[test]
fn no_file_is_over_500_lines() {
    let long: Vec<String> = all_files()
        .iter()
        .map(|path| {
            (path, fs::read_to_string(path).unwrap().lines().filter(|line| !is_comment(line)).count())
        })
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(path, lines)| format!("{}: {lines}", path.display()))
        .collect();
    assert!(long.is_empty(), "files over {FILE_LINES_MAX} lines:\n{}", long.join("\n"));
}

#[test]
fn no_function_is_over_70_lines() {
    let mut long = Vec::new();
    for path in all_files() {
        for Function { name, line, lines } in functions(&parse(&path), &fs::read_to_string(&path).unwrap()) {
            if lines > FUNCTION_LINES_MAX {
                long.push(format!("{}:{line}: {name} has {lines}", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "functions over {FUNCTION_LINES_MAX} lines:\n{}", long.join("\n"));
}

#[test]
fn the_median_file_is_short() {
    let mut lengths: Vec<usize> =
        all_files().iter().map(|path| fs::read_to_string(path).unwrap().lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= MEDIAN_FILE_LINES_MAX, "the median file has {median} lines");
}

#[test]
fn the_model_and_the_engine_do_no_io() {
    const IO: [&str; 6] =
        ["std::fs", "std::process", "std::net", "SystemTime", "Instant::now", "std::thread"];
    let mut faults = Vec::new();
    for path in files_of(&["crates/model", "crates/engine"]) {
        for (index, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            if IO.iter().any(|word| line.contains(word)) {
                faults.push(format!("{}:{}: {line}", path.display(), index + 1));
            }
        }
    }
    assert!(faults.is_empty(), "model and engine must stay pure:\n{}", faults.join("\n"));
}

#[test]
fn every_file_of_tests_is_part_of_a_test_program() {
    let tests = root().join("tests");
    let mut due: Vec<PathBuf> = TEST_PROGRAMS.map(|name| tests.join(name).join("main.rs")).into();
    let mut reached = BTreeSet::new();
    while let Some(file) = due.pop() {
        due.extend(modules(&file));
        reached.insert(file);
    }
    let forgotten: Vec<_> = files_of(&["tests"]).into_iter().filter(|file| !reached.contains(file)).collect();
    assert!(forgotten.is_empty(), "no `mod` names these files, so their tests never run: {forgotten:#?}");
}

#[test]
fn no_test_is_lost() {
    let count: usize = files_of(&["src", "crates", "tests"]).iter().map(|file| tests_in(file)).sum();
    assert!(count >= TESTS_MIN, "{count} tests are left of {TESTS_MIN}");
}
