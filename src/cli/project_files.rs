//! Project files that people wrote themselves: a run takes them up as `project add` would.

use std::path::Path;

use super::context::Context;
use super::exit::Failure;
use super::output;
use super::project_add::register_file;
use super::repository;
use paddock_config::project_file;
use paddock_config::validate::project_files;
use paddock_model::ids::ProjectSlug;
use paddock_report::events::public_types;

/// Registers every file in `projects/` that is not known yet. A file with faults is named and left out: the
/// rest of the workspace goes on.
pub(super) fn register_written(context: &Context) -> Result<(), Failure> {
    let state = context.state()?;
    let files = project_files(&context.workspace)
        .map_err(|error| Failure::error(format!("{}: {error}", context.workspace.projects().display())))?;
    for file in files {
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let is_known = ProjectSlug::new(stem).is_ok_and(|slug| state.project(&slug).is_some());
        if is_known {
            continue;
        }
        match register(context, &file) {
            Ok(text) => output::note(&text),
            Err(Failure::Said(_, text)) => output::note(&format!("{}: not taken up: {text}", file.display())),
            Err(closed) => return Err(closed),
        }
    }
    Ok(())
}

pub(super) fn register(context: &Context, file: &Path) -> Result<String, Failure> {
    let types = public_types();
    let read = project_file::read(&context.workspace, file, Some(&types));
    let read = read.map_err(|faults| Failure::faults(&faults, "the rest of the workspace goes on"))?;
    let found = repository::inspect_any(&read.repo_root, read.target_branch.as_deref())?;
    let never = |_: &_| {
        let text = format!(
            "the repository's .paddock/project.yaml gives commands that nobody agreed to: \
             `paddock project add {}` shows them and asks",
            read.repo_root.display()
        );
        Err(Failure::error(text))
    };
    let slug = read.slug.clone();
    let is_detached = found.target_branch.is_empty();
    let (answer, _) = register_file(context, &slug, file, found, never)?;
    if is_detached {
        let text = "the HEAD of its repository is on no branch, and its file names none: nothing is done for it until";
        return Ok(format!("{}; {text} `paddock project set-target {slug} BRANCH`", answer.text));
    }
    Ok(answer.text)
}
