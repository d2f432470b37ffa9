//! Registration of project files that people wrote by hand, at the start of a run.

use std::path::Path;

use super::context::Context;
use super::exit_codes::Failure;
use super::output;
use super::project_add::register_file;
use super::repository;
use paddock_config::project_file;
use paddock_config::validate::project_files;
use paddock_model::ids::ProjectSlug;
use paddock_report::event_types::public_types;

/// Registers every file in `projects/` that is not registered yet.
///
/// A file with faults is reported and skipped, so that it does not stop the other projects.
pub(super) fn register_written(context: &Context) -> Result<(), Failure> {
    let state = context.state()?;
    let files = project_files(&context.workspace)
        .map_err(|error| Failure::error(format!("{}: {error}", context.workspace.projects().display())))?;
    for file in files {
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        // By the file's name: a file with faults has no slug to go by.
        let is_known = ProjectSlug::new(stem).is_ok_and(|slug| state.project(&slug).is_some());
        if is_known {
            continue;
        }
        match register(context, &file) {
            Ok(text) => output::note(&text),
            Err(Failure::Said(_, text)) => {
                output::note(&format!("{} was not registered: {text}", file.display()));
            }
            Err(closed) => return Err(closed),
        }
    }
    Ok(())
}

/// Registers a project file and returns the supervisor's answer.
///
/// Fails if the file has faults, or if the repository gives commands: there is nobody here to agree to them.
pub(super) fn register(context: &Context, file: &Path) -> Result<String, Failure> {
    let types = public_types();
    let read = project_file::read(&context.workspace, file, Some(&types));
    let read = read.map_err(|faults| Failure::faults(&faults, "the other projects continue"))?;
    let found = repository::inspect_any(&read.repo_root, read.target_branch.as_deref())?;
    let never = |_: &_| {
        let text = format!(
            "the repository's .paddock/project.yaml contains commands that nobody agreed to: \
             `paddock project add {}` shows them and asks",
            read.repo_root.display()
        );
        Err(Failure::error(text))
    };
    let slug = read.slug.clone();
    // Registered all the same, so that `status` lists the project and what it waits for.
    let is_detached = found.target_branch.is_empty();
    let (answer, _) = register_file(context, &slug, file, found, never)?;
    if is_detached {
        let text = "its HEAD is on no branch and its project file names none, so no work starts before";
        return Ok(format!("{}; {text} `paddock project set-target {slug} BRANCH`", answer.text));
    }
    Ok(answer.text)
}
