//! The programs that cases need: where they are, and stand-ins for those that are not installed.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

use paddock_testkit::Sandbox;

use super::case::Case;
use super::recordings::{RECORDER, REPLAYER};

/// Variable that names a folder in which the recorded runners are installed: `py/bin` and
/// `js/node_modules/.bin` below it are searched before PATH.
const RUNNERS: &str = "PADDOCK_RUNNERS";

/// Module by which `python3 -m pytest` starts the `pytest` on PATH.
const MODULE: &str = "import os, sys\n\nos.execvp('pytest', ['pytest', *sys.argv[1:]])\n";

/// Returns the path of a program: of this test run's own toolchain, of the installed runners, or on PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let cargo = env::var_os("CARGO").and_then(|cargo| Some(Path::new(&cargo).parent()?.to_owned()));
    let runners = env::var_os(RUNNERS).map(PathBuf::from);
    let below =
        runners.iter().flat_map(|folder| ["py/bin", "js/node_modules/.bin"].map(|name| folder.join(name)));
    let on_path =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let mut folders = cargo.into_iter().chain(below).chain(on_path);
    folders.find_map(|folder| Some(folder.join(program)).filter(|path| path.is_file()))
}

/// Returns the path of Python itself: what is on PATH may be a script that looks for it, which takes long.
fn python() -> Option<PathBuf> {
    static FOUND: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let script = "import sys; print(sys.executable)";
        let found = Command::new(find("python3")?).args(["-c", script]).output().ok()?;
        let path = PathBuf::from(String::from_utf8(found.stdout).ok()?.trim());
        path.is_file().then_some(path)
    });
    FOUND.clone()
}

/// Returns whether recorded runners are replayed in place of real ones.
pub(crate) fn is_replaying() -> bool {
    env::var_os(RUNNERS).is_none()
}

/// Puts the programs of the cases into the sandbox's `bin`. Returns the cases whose programs are there, and
/// prints the others.
pub(crate) fn provide(place: &Sandbox, cases: Vec<Case>) -> Vec<Case> {
    let bin = place.path("bin");
    fs::create_dir(&bin).unwrap();
    let add = |program: &str| {
        let link = bin.join(program);
        if link.exists() {
            return true;
        }
        let found = if program == "python3" { python() } else { find(program) };
        found.is_some_and(|found| symlink(found, &link).is_ok())
    };
    let is_here = |case: &Case| {
        let missing: Vec<&String> = case.needs.iter().filter(|program| !add(program)).collect();
        if !missing.is_empty() {
            println!("skipped: {}: this machine has no {missing:?}", case.name);
        }
        missing.is_empty()
    };
    let cases: Vec<Case> = cases.into_iter().filter(is_here).collect();
    for program in cases.iter().flat_map(|case| &case.recorded) {
        match is_replaying() {
            true => write(&bin.join(program), REPLAYER),
            false => write(&bin.join(program), &RECORDER.replace("@REAL@", real(program).to_str().unwrap())),
        }
    }
    fs::create_dir(place.path("modules")).unwrap();
    fs::write(place.path("modules/pytest.py"), MODULE).unwrap();
    cases
}

fn real(program: &str) -> PathBuf {
    find(program).unwrap_or_else(|| panic!("{program} is in none of the folders of {RUNNERS} and PATH"))
}

fn write(path: &Path, script: &str) {
    // Never through a link, which may lead to the real program.
    drop(fs::remove_file(path));
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Returns a command with the programs of the cases.
pub(crate) fn with_tools<'c>(place: &Sandbox, command: &'c mut Command) -> &'c mut Command {
    let cargo = env::var_os("CARGO").and_then(|cargo| Some(Path::new(&cargo).parent()?.to_owned()));
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(place.path("bin")).chain(cargo).chain(env::split_paths(&path));
    command.env("PYTHONPATH", place.path("modules")).env("PATH", env::join_paths(folders).unwrap())
}
