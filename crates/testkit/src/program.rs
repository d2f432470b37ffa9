//! The program under test.

use std::path::{Path, PathBuf};

/// Variable that names another program than the one that was built with the tests, for example the shipped
/// one.
const VARIABLE: &str = "PADDOCK_BINARY";

/// Returns the path of `paddock`: `PADDOCK_BINARY` if set, otherwise the program next to the running test in
/// the target folder.
///
/// Cargo builds the program only before integration tests and benchmarks of the program's own package. For
/// tests of other packages it must have been built already.
pub fn program() -> PathBuf {
    let path = match std::env::var_os(VARIABLE) {
        Some(path) => std::path::absolute(path).unwrap(),
        None => next_to(&std::env::current_exe().unwrap()),
    };
    assert!(path.is_file(), "{} is missing: run `cargo build`, or set {VARIABLE}", path.display());
    path
}

/// Returns the program that belongs to a test: tests are in `target/<profile>/deps`, the program is one
/// folder above.
fn next_to(test: &Path) -> PathBuf {
    let folder = test.parent().unwrap();
    let folder = if folder.ends_with("deps") { folder.parent().unwrap() } else { folder };
    folder.join("paddock")
}
