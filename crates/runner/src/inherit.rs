//! The environment that programs inherit from Paddock.
//!
//! Two parts of Paddock's environment must not reach them: the folder that Paddock was started in (`PWD`,
//! `OLDPWD`), which some programs trust instead of asking the system, and the variables by which an agent
//! marks its shell, in case Paddock was started in one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::spec::JobSpec;
use paddock_model::markers::markers_among;

const FOLDER: &str = "PWD";
const FORMER_FOLDER: &str = "OLDPWD";

/// Returns the markers of an agent's shell among Paddock's own variables.
#[must_use]
pub fn own_markers() -> Vec<String> {
    markers_among(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
}

/// Makes a command start in this folder, with the folder in its environment and without markers of an agent's
/// shell.
pub fn start_in(command: &mut Command, folder: &Path) {
    for name in own_markers() {
        command.env_remove(name);
    }
    command.current_dir(folder).env(FOLDER, folder).env_remove(FORMER_FOLDER);
}

/// Returns the job with its environment completed. A marker that the job's settings or `.env` set is kept,
/// because a person wrote it there on purpose.
pub(super) fn complete(spec: &JobSpec, environment: &BTreeMap<String, String>) -> JobSpec {
    let mut spec = spec.clone();
    let is_given = |name: &String| {
        spec.env_set.contains_key(name) || spec.env_names.contains(name) || environment.contains_key(name)
    };
    let mut withheld = own_markers();
    withheld.push(FORMER_FOLDER.to_owned());
    withheld.retain(|name| !is_given(name) && !spec.env_unset.contains(name));
    spec.env_unset.extend(withheld);
    // A path that is not text cannot be recorded here; `__enter` sets it.
    if let Some(folder) = spec.worktree.to_str() {
        spec.env_set.insert(FOLDER.to_owned(), folder.to_owned());
    }
    spec
}
