//! Everything that `config validate` and `doctor` check: the files that people write, and Paddock's
//! environment variables.

use std::cell::RefCell;
use std::path::Path;

use super::config::{fault_at, resolve};
use super::context::Context;
use paddock_config::project_file::ProjectFile;
use paddock_config::validate::{project_files, validate};
use paddock_config::{ConfigError, Severity, variables};
use paddock_git::Repository;
use paddock_model::state::State;
use paddock_report::event_types::public_types;

/// Returns all faults and warnings.
pub(super) fn faults(context: &Context, state: &State) -> Vec<ConfigError> {
    // The types of events are known here and not in the config crate, which checks `notify` against them.
    let types = public_types();
    let beyond = RefCell::new(Vec::new());
    let mut found = validate(&context.workspace, Some(&types), &|file| {
        let project = resolve(state, file)?;
        beyond.borrow_mut().extend(against_repository(file, &project.settings.land.push));
        Ok(project)
    });
    found.extend(beyond.into_inner());
    found.extend(variables::faults(&context.environment));
    found.extend(project_of_environment(context, state));
    found.extend(database(context));
    found.extend(paddock_console::file_faults(&context.workspace, &context.environment));
    found
}

/// Checks what a project file says against the repository.
fn against_repository(file: &ProjectFile, push: &Option<String>) -> Vec<ConfigError> {
    let Ok(repository) = Repository::open(&file.repo_root) else { return Vec::new() };
    let mut found = Vec::new();
    if let Some(remote) = push
        && let Ok(remotes) = repository.remotes()
        && !remotes.contains(remote)
    {
        let problem = format!("`land.push` names the remote {remote:?}, which the repository does not have");
        let right = match &remotes[..] {
            [] => format!("it has none: `git remote add {remote} URL` adds it, or remove the key"),
            _ => format!("it has: {}", remotes.join(", ")),
        };
        found.push(fault_at(file, file.push_place, "land.push", &problem, Some(right)));
    }
    let worktrees = file.worktrees_root();
    if repository.inside_checkout(Path::new(worktrees)).is_some() {
        let problem = "`worktrees_root` is inside the repository; Paddock names it in .git/info/exclude, so that `git \
                       status` does not show it";
        let right = Some("a folder beside the repository needs no such line".to_owned());
        let fault = fault_at(file, file.worktrees_place, "worktrees_root", problem, right);
        found.push(ConfigError { severity: Severity::Warning, ..fault });
    }
    found
}

/// Checks that PADDOCK_PROJECT names a project; a file of its name is one, or has faults of its own.
fn project_of_environment(context: &Context, state: &State) -> Option<ConfigError> {
    let slug = context.environment.project().ok().flatten()?;
    let files = project_files(&context.workspace).unwrap_or_default();
    let stems = files.iter().filter_map(|file| file.file_stem()?.to_str());
    let mut names: Vec<&str> = state.projects().map(|project| project.slug.as_str()).chain(stems).collect();
    names.sort_unstable();
    names.dedup();
    if names.contains(&slug.as_str()) {
        return None;
    }
    let right = match names.is_empty() {
        true => "there is no project yet".to_owned(),
        false => format!("there is: {}", names.join(", ")),
    };
    let what = format!("is {:?}, which is no project", slug.as_str());
    Some(variables::fault(&context.environment, "PADDOCK_PROJECT", &what, right))
}

/// Checks that PADDOCK_DB can be a file.
fn database(context: &Context) -> Option<ConfigError> {
    let db = context.workspace.db();
    let folder = db.parent().is_none_or(Path::is_dir);
    let what = match () {
        () if db.is_dir() => "names a folder",
        () if !folder => "names a file in a folder that does not exist",
        () => return None,
    };
    let right = "name a file, relative to the workspace, like `runtime/paddock.db`".to_owned();
    Some(variables::fault(&context.environment, "PADDOCK_DB", what, right))
}
