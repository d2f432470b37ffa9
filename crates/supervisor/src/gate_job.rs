//! The job of a gate run: the set-up, the gate's commands, and a look at the folder after each of them.
//!
//! A look is a stage of the job, because a keeper goes from command to command without a supervisor. It runs
//! this program with the hidden command `__look` and a file that says what to compare. One look serves as the
//! look after a command and before the next one; the look before the first command is
//! [`paddock_git::hold`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::error::EffectError;
use super::test_reports::{self, TestOrder};
use paddock_git::{LookOrder, Looked, StatTrust, look};
use paddock_model::gate::ChangedFiles;
use paddock_model::settings::GateCommand;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, make_private_dir, own_program, write_atomic};
use paddock_os::plain;
use paddock_runner::{LOOK_STAGE, SET_UP_STAGE, Stage};

/// Time limit of a look, in milliseconds: as long as git may take to write a working tree.
const LOOK_TIME_MAX_MS: u64 = 2 * 60 * 60 * 1_000;
/// Exit code of a look that found changed tests or files of the gate: the command before it is red.
pub(super) const EXIT_GATE_CHANGED: i32 = 1;
/// Exit code of a look after which the run has no verdict: the folder is not the commit's.
const EXIT_NOT_HELD: u8 = 2;

/// What a look is to compare, and where its result goes.
#[derive(Debug, Serialize, Deserialize)]
struct LookFile {
    order: LookOrder,
    result: PathBuf,
    /// Folder of the run.
    #[serde(default)]
    dir: PathBuf,
    /// Number of the command before the look, from 1.
    #[serde(default)]
    place: usize,
    /// What is asked of the tests of that command, and of the next one.
    #[serde(default)]
    tests: (Option<TestOrder>, Option<TestOrder>),
}

/// Result of a look, as its file holds it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LookResult {
    /// What the look found; `None` if it failed.
    pub looked: Option<Looked>,
    /// Why the run has no verdict; `None` if it has one.
    pub problem: Option<String>,
}

/// The parts of a gate run.
#[derive(Debug)]
pub struct GateJob<'a> {
    /// Commands of the gate.
    pub commands: &'a [GateCommand],
    /// Command that sets the folder up, and its time limit in milliseconds; `None` if it is not due.
    pub setup: Option<(&'a str, u64)>,
    /// What each look compares.
    pub look: LookOrder,
    /// What is asked of the tests of each command, in order.
    pub tests: Vec<TestOrder>,
}

impl GateJob<'_> {
    /// Returns the stages of the job, and writes the files of its looks into the job's folder.
    ///
    /// # Errors
    /// Fails if a file cannot be written.
    pub fn stages(&self, dir: &Path) -> Result<Vec<Stage>, EffectError> {
        make_private_dir(dir).map_err(EffectError::at(dir))?;
        test_reports::write_orders(dir, &self.tests)?;
        let mut stages = Vec::new();
        if let Some((command, limit_ms)) = self.setup {
            stages.push(shell_stage(SET_UP_STAGE, command, limit_ms, false));
            // The set-up runs code of the branch, too: it may leave other files than the commit's.
            stages.push(self.look_stage(dir, 0, true)?);
        }
        for (place, command) in self.commands.iter().enumerate() {
            stages.push(shell_stage(&command.name, &command.run, command.timeout_ms(), true));
            let is_last = place + 1 == self.commands.len();
            stages.push(self.look_stage(dir, place + 1, !is_last)?);
        }
        Ok(stages)
    }

    fn look_stage(&self, dir: &Path, place: usize, must_mend: bool) -> Result<Stage, EffectError> {
        let order = LookOrder { is_set_up: place == 0, must_mend, ..self.look.clone() };
        let file = dir.join(format!("look-{place}.json"));
        // The look after the set-up comes before the first command.
        let before = place.checked_sub(1).and_then(|before| self.tests.get(before).cloned());
        let content = serde_json::to_vec(&LookFile {
            order,
            result: result_file(dir, place),
            dir: dir.to_owned(),
            place,
            tests: (before, self.tests.get(place).cloned()),
        })?;
        write_atomic(&file, &content, PRIVATE_FILE_MODE, Flush::Later).map_err(EffectError::at(&file))?;
        Ok(Stage {
            name: LOOK_STAGE.to_owned(),
            argv: vec![own_program()?.into(), OsString::from("__look"), file.into()],
            shell: false,
            timeout_ms: Some(LOOK_TIME_MAX_MS),
            counted: false,
            prompted: false,
        })
    }
}

fn shell_stage(name: &str, command: &str, limit_ms: u64, counted: bool) -> Stage {
    Stage {
        name: name.to_owned(),
        argv: vec![OsString::from(command)],
        shell: true,
        timeout_ms: Some(limit_ms),
        counted,
        prompted: false,
    }
}

/// Returns the file with the result of a look: 0 after the set-up, 1 after the first command, and so on.
fn result_file(dir: &Path, place: usize) -> PathBuf {
    dir.join(format!("looked-{place}.json"))
}

/// Returns the result of a look; `None` if it left none, or one that cannot be read.
#[must_use]
pub fn look_result(dir: &Path, place: usize) -> Option<LookResult> {
    let text = plain::read(result_file(dir, place)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Runs `paddock __look FILE`: holds the folder of a gate run against its commit, between two commands.
#[must_use]
pub fn look_main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(file) = arguments.next().map(PathBuf::from) else { return ExitCode::from(EXIT_NOT_HELD) };
    let read = plain::read(&file).map_err(|error| error.to_string());
    let read = read.and_then(|text| serde_json::from_slice::<LookFile>(&text).map_err(|e| e.to_string()));
    let LookFile { order, result, dir, place, tests } = match read {
        Ok(read) => read,
        Err(error) => return not_held(&format!("cannot read {}: {error}", file.display())),
    };
    // Before the look: it may put back a file that the report lies in the place of.
    let reports =
        test_reports::collect(&order.place.folder, &dir, place, (tests.0.as_ref(), tests.1.as_ref()));
    if let Err(error) = reports {
        return not_held(&format!("the report of the tests could not be read: {error}"));
    }
    let looked = look(&order, StatTrust::of_this_process());
    let found = match looked {
        Ok(looked) => LookResult { problem: None, looked: Some(looked) },
        Err(error) => LookResult { looked: None, problem: Some(error.to_string()) },
    };
    let written = serde_json::to_vec(&found).map_err(std::io::Error::other).and_then(|text| {
        write_atomic(&result, &text, PRIVATE_FILE_MODE, Flush::Later).map_err(std::io::Error::other)
    });
    if let Err(error) = written {
        return not_held(&format!("cannot write {}: {error}", result.display()));
    }
    if let Some(problem) = &found.problem {
        return not_held(problem);
    }
    let changed = found.looked.and_then(|looked| looked.changed);
    if let Some(changed) = &changed {
        println!("paddock: {}", in_words(changed, &order));
    }
    match changed {
        Some(changed) if changed.is_gate => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    }
}

fn not_held(problem: &str) -> ExitCode {
    eprintln!("paddock: the run has no verdict: {problem}");
    ExitCode::from(EXIT_NOT_HELD)
}

fn in_words(changed: &ChangedFiles, order: &LookOrder) -> String {
    let by = if order.is_set_up { "the set-up" } else { "the command" };
    let then = match () {
        () if changed.is_gate => "; the gate judges by it, so the command proves nothing",
        () if order.must_mend => "; the commit's content was put back",
        () => "",
    };
    format!("{by} changed {changed}{then}")
}
