//! The program under test.

use std::path::{Path, PathBuf};

/// Names another program than the one that was built with the tests, for instance the one that ships.
const VARIABLE: &str = "PADDOCK_BINARY";

/// The path of `paddock`: `PADDOCK_BINARY` where that is set, else the program beside the running test in the target
/// folder.
///
/// Cargo builds the program before the integration tests and benchmarks of its own package only. For tests of other
/// packages it has to be there already.
pub fn program() -> PathBuf {
    let path = match std::env::var_os(VARIABLE) {
        Some(path) => std::path::absolute(path).unwrap(),
        None => beside(&std::env::current_exe().unwrap()),
    };
    assert!(path.is_file(), "{} is missing: run `cargo build`, or set {VARIABLE}", path.display());
    path
}

/// Tests lie in `target/<profile>/deps`, the program lies one folder above.
fn beside(test: &Path) -> PathBuf {
    let folder = test.parent().unwrap();
    let folder = if folder.ends_with("deps") { folder.parent().unwrap() } else { folder };
    folder.join("paddock")
}
