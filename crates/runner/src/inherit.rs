//! What the programs that Paddock starts inherit of its own environment.
//!
//! Two things are Paddock's alone: the folder that it was started in (`PWD`, `OLDPWD`), by which some programs go
//! instead of asking the system where they are, and the marks of an agent's shell that it may have been started in.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::spec::JobSpec;
use paddock_model::markers::markers_among;

/// Where a shell is, and where it was before.
const FOLDER: &str = "PWD";
const FORMER_FOLDER: &str = "OLDPWD";

/// The markers of an agent's shell among Paddock's own variables.
#[must_use]
pub fn own_markers() -> Vec<String> {
    markers_among(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
}

/// Has a command start in this folder, with an environment that says so and without markers of an agent's shell.
pub fn start_in(command: &mut Command, folder: &Path) {
    for name in own_markers() {
        command.env_remove(name);
    }
    command.current_dir(folder).env(FOLDER, folder).env_remove(FORMER_FOLDER);
}

/// The job as its keeper starts it. A marker that the job's own settings or `.env` give is kept: a person wrote it.
pub(super) fn complete(spec: &JobSpec, environment: &BTreeMap<String, String>) -> JobSpec {
    let mut spec = spec.clone();
    let is_given = |name: &String| {
        spec.env_set.contains_key(name) || spec.env_names.contains(name) || environment.contains_key(name)
    };
    let mut withheld = own_markers();
    withheld.push(FORMER_FOLDER.to_owned());
    withheld.retain(|name| !is_given(name) && !spec.env_unset.contains(name));
    spec.env_unset.extend(withheld);
    // A path that is no text is left to `__enter`.
    if let Some(folder) = spec.worktree.to_str() {
        spec.env_set.insert(FOLDER.to_owned(), folder.to_owned());
    }
    spec
}
