//! The planner's sessions: their prompt, their worktree, and the plan that they end with.

mod brief;
mod harvest;

use std::path::{Path, PathBuf};

use super::super::error::EffectError;
use paddock_agents::planner::{self, ContextFile};
use paddock_config::Workspace;
use paddock_git::Repository;
use paddock_model::ids::ObjectId;
use paddock_model::project::Project;
use paddock_model::state::State;

pub(in super::super) use brief::Brief;
pub(super) use harvest::{Order, harvest};

/// Most characters of a context file in the prompt.
const FILE_CHARS_MAX: usize = 3_000;

/// Checks the integration tip out in the planner's worktree, with a detached HEAD. Returns the worktree's git
/// directory.
pub(super) fn prepare(repository: &Repository, path: &Path, tip: &ObjectId) -> Result<PathBuf, EffectError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(EffectError::at(parent))?;
    }
    let worktree = paddock_git::prepare_detached(repository, path, tip)?;
    Ok(worktree.git_dir)
}

/// Renders the prompt, with the configured context files as they are committed on the integration ref.
pub(in super::super) fn prompt(
    templates: &Path,
    brief: &Brief,
    repository: &Repository,
) -> Result<String, EffectError> {
    let mut context = brief.context.clone();
    for path in &brief.files {
        // Absent, too large or not readable: the planner has the checkout and can read the file itself.
        let Ok(Some(bytes)) = repository.file_of(&context.integration_ref, path) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let cut: String = text.chars().take(FILE_CHARS_MAX).collect();
        let more = if cut.len() < text.len() { "\n… (cut here)" } else { "" };
        context
            .context_files
            .push(ContextFile { path: path.clone(), text: cut.trim_end().to_owned() + more });
    }
    Ok(planner::render(Some(templates), &context)?)
}

/// Returns the prompt of a project's next planner run.
///
/// # Errors
/// Fails if the repository cannot be opened, or if the template has a fault.
pub fn planner_prompt(
    workspace: &Workspace,
    state: &State,
    project: &Project,
) -> Result<String, EffectError> {
    let repository = Repository::open(Path::new(&project.settings.repo_root))?;
    let runs = state.active_line(&project.slug).phase.map_or(0, |phase| phase.progress.runs);
    let brief = Brief::for_run(state, project, runs + 1);
    prompt(&workspace.templates(), &brief, &repository)
}
