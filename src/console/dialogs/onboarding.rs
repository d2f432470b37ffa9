//! The first start in a repository that is not under management yet.

use std::path::Path;

use super::Dialog;
use super::output::Output;

/// Opens it for the repository in this folder.
#[must_use]
pub fn open(repository: &Path) -> Box<dyn Dialog> {
    let shown = repository.display();
    let text = format!("{shown} is not under management yet.\n\n`paddock project add {shown}` registers it.");
    Box::new(Output::new("Welcome", &text))
}
