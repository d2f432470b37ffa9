//! Tests that need a process of their own run themselves again, as the only test of that process.

use std::process::{Command, Output};

/// Set in a process that runs one test.
const VARIABLE: &str = "PADDOCK_TEST_ALONE";

/// Whether this process runs one test only. Else the test is run in a process of its own, where it must pass.
///
/// `module` is the test's `module_path!()`. A test that begins with `if !is_alone(module_path!(), "its_name") { return; }`
/// shares its process with no other. A lock that it gives back, for instance, is not held for a moment longer by a child
/// that another test is just starting.
pub fn is_alone(module: &str, test: &str) -> bool {
    if std::env::var_os(VARIABLE).is_some() {
        return true;
    }
    passed(&command(module, test).env(VARIABLE, "1").output().unwrap());
    false
}

/// The running test program, told to run one of its tests alone.
pub fn command(module: &str, test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments(module, test));
    command
}

/// The arguments by which a test program runs one test and shows what it prints.
pub fn arguments(module: &str, test: &str) -> [String; 4] {
    // The name of a test begins below its crate.
    let (_, module) = module.split_once("::").unwrap_or_default();
    let name = format!("{module}::{test}");
    [name.as_str(), "--exact", "--include-ignored", "--nocapture"].map(str::to_owned)
}

/// Fails unless one test ran there and passed: a name that no test has passes, too.
pub fn passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains(" 1 passed"), "{text}");
}
