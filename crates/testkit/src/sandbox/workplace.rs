//! The kind of place in which the sessions of tests work.

/// Variable that names the kind of place in which the sessions of all tests work: `own`, to try them in both
/// kinds.
const WORKPLACE_VARIABLE: &str = "PADDOCK_TEST_WORKPLACE";

/// Returns the line of a project file that chooses the kind of place, unless `lines` do.
#[must_use]
pub(super) fn workplace_line(lines: &str) -> String {
    match std::env::var(WORKPLACE_VARIABLE) {
        Ok(kind) if !lines.contains("workplace:") => format!("workplace: {kind}\n"),
        _ => String::new(),
    }
}
