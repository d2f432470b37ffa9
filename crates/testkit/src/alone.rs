//! Runs a test that needs a process of its own: the test program starts itself again, for this test alone.

use std::process::{Command, Output};

/// Variable that is set in a process that runs one test.
const VARIABLE: &str = "PADDOCK_TEST_ALONE";

/// Returns whether this process runs one test only. Otherwise runs the test in a process of its own, where it
/// must pass.
///
/// `module` is the test's `module_path!()`. A test that begins with `if !is_alone(module_path!(), "its_name")
/// { return; }` shares its process with no other test. Tests of locks need that: a child that another test
/// starts inherits open files for a moment, and would hold a lock that the test has just released.
pub fn is_alone(module: &str, test: &str) -> bool {
    if std::env::var_os(VARIABLE).is_some() {
        return true;
    }
    passed(&command(module, test).env(VARIABLE, "1").output().unwrap());
    false
}

/// Returns a command that runs one test of the running test program.
pub fn command(module: &str, test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments(module, test));
    command
}

/// Returns the arguments with which a test program runs one test and shows its output.
pub fn arguments(module: &str, test: &str) -> [String; 4] {
    // The name of a test does not contain its crate.
    let (_, module) = module.split_once("::").unwrap_or_default();
    let name = format!("{module}::{test}");
    [name.as_str(), "--exact", "--include-ignored", "--nocapture"].map(str::to_owned)
}

/// Fails unless exactly one test ran and passed. The exit status alone does not show that: a test program
/// succeeds if no test has the name.
pub fn passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains(" 1 passed"), "{text}");
}
