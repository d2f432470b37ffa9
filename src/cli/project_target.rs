//! `paddock project set-target`, and where a project's target branch comes from.

use std::path::{Path, PathBuf};

use clap::Args;

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::output;
use super::project_files;
use super::repository::{inspect_any, unknown_branch};
use paddock_config::project_file::{self, ProjectFile};
use paddock_config::write::with_target;
use paddock_git::{GitError, Repository};
use paddock_model::command::{Command, SetTarget};
use paddock_model::facts::{Relation, TargetFacts};
use paddock_model::ids::{ObjectId, ObjectiveId, ProjectSlug};
use paddock_model::project::Project;
use paddock_model::state::State;
use paddock_os::files::{Flush, mode_of, write_atomic};
use paddock_os::plain;
use paddock_supervisor::take_up::known_repositories;

#[derive(Debug, Args)]
pub(super) struct SetTargetArgs {
    /// Project slug (default: --project, else the only project) and the new target branch
    #[arg(num_args = 1..=2, required = true, value_names = ["SLUG", "BRANCH"])]
    names: Vec<String>,
    /// Proceed even if work in progress brings commits of the old branch along, or unpublished landings stay
    /// behind
    #[arg(long)]
    yes: bool,
}

impl SetTargetArgs {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let (slug, branch) = match &self.names[..] {
            [branch] => (None, branch),
            [slug, branch, ..] => (Some(slug.as_str()), branch),
            [] => return Err(Failure::usage("name the branch to land on")),
        };
        // A full ref, as git prints it, is accepted here; project files must have the short name.
        let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
        if take_up(context, slug, branch)? {
            return Ok(Exit::Good);
        }
        let state = context.state()?;
        let slug = context.project(&state, slug)?;
        let Some(project) = state.project(&slug) else { return Ok(Exit::Good) };
        // The edit is prepared before the target moves and written after it: a file that cannot be rewritten
        // refuses the command, and a refused command changes no file.
        let edit = Edit::read(context, &slug, branch)?;
        set(context, &state, project, branch, self.yes)?;
        edit.map_or(Ok(()), |edit| edit.write())?;
        Ok(Exit::Good)
    }
}

/// Changes the target branch of a project.
///
/// Fails if the branch does not exist or is a work branch, or if the supervisor refuses, which `anyway` makes
/// rarer.
pub(super) fn set(
    context: &Context,
    state: &State,
    project: &Project,
    branch: &str,
    anyway: bool,
) -> Result<(), Failure> {
    let repository = Repository::open(project.settings.repo_root.as_ref())
        .map_err(|error| Failure::error(error.to_string()))?;
    // Sessions move work branches; landings must not.
    if branch.starts_with("paddock/") {
        let text = format!("{branch} is one of Paddock's work branches; work cannot land on it");
        return Err(Failure::error(text));
    }
    let failed = |error: GitError| Failure::error(error.to_string());
    let target = repository.commit_of(&format!("refs/heads/{branch}")).map_err(failed)?;
    let target = target.ok_or_else(|| unknown_branch(&repository, branch))?;
    let order = compared(state, project, &repository, (branch, target), anyway).map_err(failed)?;
    context.ask_and_say(Command::ProjectSetTarget { project: project.slug.clone(), order: Box::new(order) })
}

/// Compares the branch with the integration tip, the published commit and every landing.
///
/// The order carries the commits that were compared; the supervisor refuses it if they have moved since.
fn compared(
    state: &State,
    project: &Project,
    repository: &Repository,
    (branch, target): (&str, ObjectId),
    anyway: bool,
) -> Result<SetTarget, GitError> {
    let (tip, published) = (&project.integration.tip, &project.integration.published);
    let mut lacks: Vec<ObjectiveId> = Vec::new();
    for objective in state.objectives_of(&project.slug) {
        let Some(commit) = objective.landed.as_ref().and_then(|landed| landed.commit.as_ref()) else {
            continue;
        };
        // An error means that the commit is gone from the repository: then the new branch does not have it
        // either.
        let relation = repository.relation(commit, &target).unwrap_or(Relation::Diverged);
        if !matches!(relation, Relation::Same | Relation::Ancestor) {
            lacks.push(objective.key.id.clone());
        }
    }
    let facts = TargetFacts {
        to_tip: repository.relation(&target, tip)?,
        to_published: repository.relation(&target, published)?,
        target: Some(target),
        tip: tip.clone(),
        published: published.clone(),
    };
    Ok(SetTarget { branch: branch.to_owned(), facts, lacks, anyway })
}

/// Registers a project file that was not registered yet, with this target branch. Returns whether it did.
///
/// The branch is written into the file first, so that the registration records it as the target.
fn take_up(context: &Context, slug: Option<&str>, branch: &str) -> Result<bool, Failure> {
    let Some(slug) = slug.map(ProjectSlug::new).transpose()?.or_else(|| context.project.clone()) else {
        return Ok(false);
    };
    let file = context.workspace.project_file(&slug);
    let state = context.load()?;
    if state.project(&slug).is_some() || !file.exists() {
        return Ok(false);
    }
    let read = project_file::read(&context.workspace, &file, None)
        .map_err(|faults| Failure::faults(&faults, "nothing was changed"))?;
    inspect_any(&read.repo_root, Some(branch))?;
    let edit = Edit::for_file(&file, &read, branch)?;
    edit.map_or(Ok(()), |edit| edit.write())?;
    project_files::take_up(context, &file, &known_repositories(&state))?;
    output::line(&format!("project {slug} is registered; it lands on {branch}"))?;
    Ok(true)
}

/// A project file with its `target_branch` rewritten to the new branch.
struct Edit {
    file: PathBuf,
    text: String,
}

impl Edit {
    /// Prepares the edit. Returns `None` if the file names no branch, names this branch, or cannot be read.
    fn read(context: &Context, slug: &ProjectSlug, branch: &str) -> Result<Option<Self>, Failure> {
        let file = context.workspace.project_file(slug);
        // A file with faults holds the project by itself and does not stop the change of the target.
        let Ok(read) = project_file::read(&context.workspace, &file, None) else { return Ok(None) };
        if read.target_branch.is_none() {
            return Ok(None);
        }
        Self::for_file(&file, &read, branch)
    }

    fn for_file(file: &Path, read: &ProjectFile, branch: &str) -> Result<Option<Self>, Failure> {
        if read.target_branch.as_deref() == Some(branch) {
            return Ok(None);
        }
        let before = plain::read_to_string(file)?;
        let text = with_target(&before, read.target_line, branch).ok_or_else(|| {
            let (file, line) = (file.display(), read.target_line);
            let text = format!("{file}:{line}: Paddock cannot rewrite `target_branch` in this form");
            Failure::error(format!(
                "{text}; write {branch} there yourself, then run `paddock project trust {}`",
                read.slug
            ))
        })?;
        Ok(Some(Self { file: file.to_owned(), text }))
    }

    fn write(&self) -> Result<(), Failure> {
        // The atomic write renames a new file into place, which would replace a symbolic link; its
        // destination is written instead.
        let file = self.file.canonicalize().unwrap_or_else(|_| self.file.clone());
        write_atomic(&file, self.text.as_bytes(), mode_of(&file), Flush::Now).map_err(|error| {
            Failure::error(format!("{}: {error}; write the branch there yourself", self.file.display()))
        })?;
        output::note(&format!("{} names the new target branch", self.file.display()));
        Ok(())
    }
}

/// Returns where the target branch of a project comes from: a word for scripts, and words for people.
pub(super) fn source(context: &Context, project: &Project) -> (&'static str, String) {
    let file = context.workspace.project_file(&project.slug);
    let read = project_file::read(&context.workspace, &file, None).ok();
    let named = read.as_ref().and_then(|read| read.target_branch.as_deref());
    let branch = project.settings.target_branch.as_str();
    match (named, project.target_set_ms) {
        _ if branch.is_empty() => ("none", "nobody has named one".to_owned()),
        (Some(named), _) if named == branch => ("file", "`target_branch` in the project file".to_owned()),
        (_, Some(at_ms)) => ("set", format!("set by a person at {}", paddock_report::text::rfc3339(at_ms))),
        _ => ("taken_up", "recorded when the project was registered".to_owned()),
    }
}

/// Returns the branch that the project file names, if it differs from the recorded one.
pub(super) fn named_otherwise(context: &Context, project: &Project) -> Option<String> {
    let read =
        project_file::read(&context.workspace, &context.workspace.project_file(&project.slug), None).ok()?;
    read.target_branch.filter(|named| *named != project.settings.target_branch)
}
