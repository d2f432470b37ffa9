//! Recorded outputs of test runners that not every machine has.
//!
//! A stand-in on PATH prints what the runner printed on the same tree: `base`, `work`, or `judged` (the
//! branch with the base's tests) for every other tree, and ends as the runner ended.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use paddock_testkit::Sandbox;
use paddock_testkit::git::git;

use super::case::Case;
use super::repository::check_out;
use super::{proofs, tools};

/// The trees that are recorded, by the branch that holds them.
const BRANCHES: [&str; 3] = ["main", "work", "judged"];

/// Stand-in that prints the recording of the tree that is checked out.
pub(crate) const REPLAYER: &str = r#"#!/bin/sh
replay=$(git rev-parse --git-common-dir)/replay
tree=$(git rev-parse 'HEAD^{tree}')
test -d "$replay/$tree" || tree=judged
cat "$replay/$tree/${0##*/}.output"
exit "$(cat "$replay/$tree/${0##*/}.status")"
"#;

/// Stand-in that runs the real program, and writes down its output where `RECORD` names a folder.
pub(crate) const RECORDER: &str = r#"#!/bin/sh
unset PYTHONPATH
test -n "$RECORD" || exec "@REAL@" "$@"
"@REAL@" "$@" > "$RECORD/${0##*/}.output" 2>&1
status=$?
echo $status > "$RECORD/${0##*/}.status"
cat "$RECORD/${0##*/}.output"
exit $status
"#;

/// What a program printed on a tree.
pub(crate) struct Recorded {
    branch: String,
    /// Name of the program.
    pub(crate) program: String,
    /// Its exit status.
    pub(crate) status: String,
    output: String,
}

fn read(case: &Case) -> Vec<Recorded> {
    let text = fs::read_to_string(&case.recording)
        .unwrap_or_else(|_| panic!("{} is not recorded: README.md says how", case.name));
    let parts = text.split("--- output ").skip(1).map(|part| {
        let (head, output) = part.split_once('\n').unwrap();
        let [branch, program, status] = head.split(' ').collect::<Vec<_>>()[..] else { panic!("{head}") };
        let [branch, program, status, output] = [branch, program, status, output].map(str::to_owned);
        Recorded { branch, program, status, output }
    });
    parts.collect()
}

/// Returns what the recorded programs of a case printed on a branch.
pub(crate) fn of_branch(case: &Case, branch: &'static str) -> impl Iterator<Item = Recorded> {
    read(case).into_iter().filter(move |recorded| recorded.branch == branch)
}

/// Puts the recordings of a case where its stand-ins look for them.
pub(crate) fn install(case: &Case, repository: &Path) {
    if case.recorded.is_empty() || !tools::is_replaying() {
        return;
    }
    let library = git2::Repository::open_bare(repository).unwrap();
    for recorded in read(case) {
        let tree = match recorded.branch.as_str() {
            "judged" => "judged".to_owned(),
            branch => library.revparse_single(&format!("{branch}^{{tree}}")).unwrap().id().to_string(),
        };
        let folder = repository.join("replay").join(tree);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}.output", recorded.program)), recorded.output).unwrap();
        fs::write(folder.join(format!("{}.status", recorded.program)), recorded.status).unwrap();
    }
}

/// Runs the gate of a case on its three trees, and writes down what the recorded programs printed.
pub(crate) fn record(place: &Sandbox, case: &Case, repository: &Path) {
    let mut text = String::new();
    for branch in BRANCHES {
        let folder = check_out(repository, branch);
        let record = place.path(&format!("{}.record", case.name));
        fs::create_dir(&record).unwrap();
        for run in &case.gate {
            let mut command = proofs::shell(place, &folder, run);
            drop(command.env("RECORD", &record).output().unwrap());
        }
        for program in &case.recorded {
            let read =
                |ending: &str| fs::read(record.join(format!("{program}.{ending}"))).unwrap_or_default();
            let output = String::from_utf8_lossy(&read("output")).replace(folder.to_str().unwrap(), "/work");
            let status = String::from_utf8(read("status")).unwrap();
            // A program that did not run on this tree printed nothing.
            let status = Some(status.trim()).filter(|status| !status.is_empty()).unwrap_or("0");
            writeln!(text, "--- output {branch} {program} {status}").unwrap();
            text.push_str(&scrubbed(place, &output));
        }
        fs::remove_dir_all(&record).unwrap();
        git(repository, &["worktree", "remove", "--force", folder.to_str().unwrap()]);
    }
    fs::write(&case.recording, text).unwrap();
}

/// Returns output without the folders of this machine, and with a line feed at its end.
fn scrubbed(place: &Sandbox, output: &str) -> String {
    let mut text = output.replace(place.path("").to_str().unwrap().trim_end_matches('/'), "/home");
    for (name, instead) in [("PADDOCK_RUNNERS", "/runners"), ("HOME", "/home")] {
        if let Ok(folder) = std::env::var(name) {
            text = text.replace(&folder, instead);
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
