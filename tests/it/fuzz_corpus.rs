//! Passes the inputs kept in `fuzz/corpus` to the same functions that the fuzzers call. A fault that a fuzzer
//! found once cannot return unnoticed, and the corpus stays valid.

use std::fs;
use std::path::{Path, PathBuf};

#[expect(unreachable_pub, reason = "the programs of fuzzers use it")]
#[path = "../../fuzz/src/lib.rs"]
mod readers;

/// The function that a fuzz target calls.
type Entry = fn(&[u8]);

/// Every target, by its name in docs/reliability.md.
const TARGETS: [(&str, Entry); 9] = [
    ("plan", readers::plan),
    ("goals", readers::goals),
    ("summary", readers::summary),
    ("project", readers::project),
    ("keys", readers::keys),
    ("events", readers::events),
    ("frames", readers::frames),
    ("transcript", readers::transcript),
    ("tests", readers::tests),
];
/// Largest size of one kept file, and of all together, in bytes: they are part of every clone.
const FILE_MAX: usize = 4_096;
const ALL_MAX: usize = 64 * 1_024;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// Returns the kept files of a target. Other files in the folder are finds of a local fuzzer that nobody has
/// chosen to keep.
fn kept(target: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(fuzz().join("corpus").join(target)).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let is_kept =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("kept-"));
    files.filter(is_kept).collect()
}

#[test]
fn every_kept_input_holds_the_promise_of_its_reader() {
    let mut bytes = 0;
    for (target, read) in TARGETS {
        let files = kept(target);
        assert!(files.len() >= 3, "too little is kept for {target}");
        for file in files {
            let data = fs::read(&file).unwrap();
            assert!(data.len() <= FILE_MAX, "{} is too large to be kept", file.display());
            bytes += data.len();
            println!("{}", file.display());
            read(&data);
        }
    }
    assert!(bytes <= ALL_MAX, "the corpus has {bytes} bytes");
}

#[test]
fn every_fuzz_target_has_a_kept_corpus() {
    let files = fs::read_dir(fuzz().join("fuzz_targets")).unwrap();
    let names = files.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
    let mut names: Vec<String> = names.collect();
    let mut known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names, known);
}
