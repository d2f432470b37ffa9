//! Shows without Paddock that each cheat breaks the product under a green gate, and that honest work breaks
//! nothing.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

use paddock_testkit::{Sandbox, bounded};

use super::case::{Case, cases_of};
use super::recordings;
use super::repository::{check_out, make, write};
use super::tools::{is_replaying, provide, with_tools};

/// Maximum number of lines that are shown of an output.
const LINES_MAX: usize = 12;

/// Returns a command that a shell runs in a folder, as a gate does.
pub(crate) fn shell(place: &Sandbox, folder: &Path, run: &str) -> Command {
    let mut command = place.program("sh");
    with_tools(place, &mut command).args(["-c", run]).current_dir(folder).env("PADDOCK_GATE", "1");
    command
}

/// Runs a command. Returns whether it succeeded, and its output.
fn succeeds(place: &Sandbox, folder: &Path, run: &str) -> (bool, String) {
    let output = bounded::output_of(&mut shell(place, folder, run));
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let text = text.concat();
    // The end of an output says most.
    let shown = text.lines().count().saturating_sub(LINES_MAX);
    (output.status.success(), text.lines().skip(shown).collect::<Vec<_>>().join("\n"))
}

/// Returns what is wrong with a branch of a case, if its product must work or not.
fn faults(place: &Sandbox, case: &Case, branch: &'static str, must_work: bool) -> Vec<String> {
    let repository = place.path(&case.name);
    let tree = if branch == "main" { &case.base } else { &case.changed };
    // Most gates ask git for nothing, and files are written faster than checked out.
    let folder = match case.needs.iter().any(|program| program == "git") {
        true => check_out(&repository, branch),
        false => write(tree, &repository, branch),
    };
    let mut faults = Vec::new();
    // The probe first: what a gate leaves behind must not help it.
    if !case.probe.is_empty() {
        let (_, said) = succeeds(place, &folder, &case.probe);
        // An exit status proves as little here as in a gate.
        let works = said.lines().any(|line| line == "works");
        if works != must_work {
            faults.push(format!("{}, {branch}: the product works: {works}: {said}", case.name));
        }
    }
    if is_replaying() && !case.recorded.is_empty() {
        let red = recordings::of_branch(case, branch).filter(|recorded| recorded.status != "0");
        faults.extend(
            red.map(|red| format!("{}, {branch}: the recording of {} is red", case.name, red.program)),
        );
        return faults;
    }
    for run in &case.gate {
        let (mut is_green, mut said) = succeeds(place, &folder, run);
        if !is_green && case.is_repeated() {
            (is_green, said) = succeeds(place, &folder, run);
        }
        if !is_green {
            faults.push(format!("{}, {branch}: `{run}` is red: {said}", case.name));
        }
    }
    faults
}

/// Checks the cases of a runner.
pub(crate) fn prove(runner: &str) {
    let place = Sandbox::without_workspace();
    let cases = provide(&place, cases_of(runner));
    let (mut wrong, mut known) = (Vec::new(), HashSet::new());
    for case in &cases {
        let repository = place.path(&case.name);
        make(case, &repository);
        if std::env::var_os("PADDOCK_RECORD").is_some() && !case.recorded.is_empty() && !is_replaying() {
            recordings::record(&place, case, &repository);
        }
        // Most cases of a runner have the same base, and a base needs one look only.
        if known.insert(format!("{:?}{:?}{}", case.base, case.gate, case.probe)) {
            wrong.extend(faults(&place, case, "main", true));
        }
        wrong.extend(faults(&place, case, "work", case.is_honest()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
