//! A run of the supervisor with a fault in it, and what has to be true after the next run.

use std::path::Path;
use std::process::Stdio;

use crate::place::Place;

/// Three objectives, which land one after the other through a gate.
pub const LANDINGS: usize = 3;

/// A project whose three objectives are ready.
pub fn project(place: &Place) -> std::path::PathBuf {
    let repository = place.project("web", "verify: [{name: there, run: \"test -f README.md\"}]");
    for id in ["one", "two", "three"] {
        let scope = format!("{id}.txt");
        place.objective(id, &format!("commit {scope}; over"), &["--scope", &scope]);
    }
    repository
}

/// Runs the supervisor until nothing can move, with this fault (strace's `inject=`). None: it was killed.
pub fn run(place: &Place, inject: &str, only: Option<&Path>) -> Option<i32> {
    let mut command = place.program("strace");
    command.args(["-f", "-qq", "-b", "execve", "-o", "/dev/null"]).arg(format!("-einject={inject}"));
    if let Some(path) = only {
        command.arg("-P").arg(path);
    }
    command.arg(env!("CARGO_BIN_EXE_paddock")).arg("--root").arg(place.root());
    command.args(["run", "--no-tui", "--until-idle"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap().code()
}

/// Everything has landed exactly once, is proven, and nothing is left over.
pub fn has_landed_everything(place: &Place, repository: &Path) {
    for id in ["one", "two", "three"] {
        assert_eq!(place.status_of(id)["status"], "done", "{id}");
    }
    place.is_tidy(repository, LANDINGS);
    place.good(&["verify"]);
}
