//! Project files that people wrote by hand: a file in `projects/` is a project, for every command.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::exit_codes::Failure;
use super::output;
use paddock_git::Repository;
use paddock_model::command::{Answer, Command};
use paddock_model::facts::RepositoryFacts;
use paddock_model::ids::ProjectSlug;
use paddock_model::project::Project;
use paddock_model::state::State;
use paddock_supervisor::read_project;
use paddock_supervisor::take_up::{TakeUpError, known_repositories, note_in_index, unknown_files, written};

/// Takes up every file in `projects/` that no project exists for yet. Returns whether it took any up.
///
/// A file with faults is named and skipped, so that it does not stop the other projects.
pub(super) fn take_up_written(context: &Context, state: &State) -> Result<bool, Failure> {
    let mut known = known_repositories(state);
    let mut took = false;
    for file in unknown_files(&context.workspace, state) {
        match take_up(context, &file, &known) {
            Ok((repository, slug)) => {
                known.push((repository, slug));
                took = true;
            }
            Err(Failure::Said(_, _)) if context.are_faults_said.get() => {}
            Err(Failure::Said(_, text)) => {
                let shown = file.strip_prefix(context.workspace.root()).unwrap_or(&file).display();
                output::note(&format!("{shown} is not used: {text}"));
            }
            Err(closed) => return Err(closed),
        }
    }
    context.are_faults_said.set(true);
    Ok(took)
}

/// Takes up a project file. Returns the git directory of its repository, and the slug.
pub(super) fn take_up(
    context: &Context,
    file: &Path,
    known: &[(String, ProjectSlug)],
) -> Result<(String, ProjectSlug), Failure> {
    let found = written(&context.workspace, &context.environment, file, known)?;
    let Command::ProjectAdd { repository, .. } = &found.command else {
        return Err(Failure::error("nothing adds this project"));
    };
    let repository = repository.clone();
    let slug = found.slug.clone();
    add(context, &slug, found.command, &repository)?;
    let shown = file.strip_prefix(context.workspace.root()).unwrap_or(file).display();
    output::note(&format!("project {slug} is taken up from {shown}"));
    if found.needs_agreement {
        output::note(&format!(
            "  it waits: the repository's .paddock/project.yaml contains commands that nobody agreed to; `paddock \
             project trust {slug}` shows them and asks"
        ));
    }
    if found.is_detached {
        output::note(&format!(
            "  it waits: its HEAD is on no branch and its project file names none; `paddock project set-target {slug} \
             BRANCH` names one"
        ));
    }
    Ok((repository.common_dir, slug))
}

/// Adds a project by this command, and notes it in the user's index.
///
/// A supervisor that runs may have taken the file up a moment before. What a person agreed to with this
/// command is then recorded in that project.
pub(super) fn add(
    context: &Context,
    slug: &ProjectSlug,
    command: Command,
    repository: &RepositoryFacts,
) -> Result<Answer, Failure> {
    let is_same = |found: &Project| found.common_dir == repository.common_dir;
    let added = context.ask(command);
    let state = context.load()?;
    let answer = match added {
        Err(Failure::Said(_, _)) if state.project(slug).is_some_and(is_same) => {
            let trust = repository.trust.clone();
            context.ask(Command::ProjectTrust { project: slug.clone(), trust })?;
            Answer::text(format!("project {slug} is registered"))
        }
        added => added?,
    };
    note_in_index(&context.workspace, &context.environment, &state);
    if let Some(project) = state.project(slug) {
        exclude_worktrees(project);
    }
    Ok(answer)
}

/// Keeps worktrees in the user's checkout out of `git status`, and says so.
fn exclude_worktrees(project: &Project) {
    let folder = Path::new(&project.settings.worktrees_root);
    let Ok(repository) = Repository::open(Path::new(&project.settings.repo_root)) else { return };
    if repository.inside_checkout(folder).is_none() {
        return;
    }
    let folder = folder.display();
    match repository.exclude(Path::new(&project.settings.worktrees_root)) {
        Ok(_) => output::note(&format!(
            "worktrees_root ({folder}) is inside the repository: .git/info/exclude names it, so that `git status` does \
             not show it"
        )),
        Err(error) => output::note(&format!("worktrees_root ({folder}) is inside the repository: {error}")),
    }
}

/// Returns why a project file cannot be taken up; the faults are those of the file or of its repository.
pub(super) fn check(context: &Context, state: &State, file: &Path) -> Result<(), TakeUpError> {
    written(&context.workspace, &context.environment, file, &known_repositories(state)).map(drop)
}

/// Returns the file in `projects/` of a project that is not known yet and whose repository is the one with
/// this git directory.
pub(super) fn naming(context: &Context, state: &State, common_dir: &str) -> Option<PathBuf> {
    let is_named = |file: &PathBuf| {
        let root = paddock_config::project_file::repo_root_of(&context.workspace, file);
        let opened = root.and_then(|root| Repository::open(&root).ok());
        opened.is_some_and(|repository| repository.common_dir().display().to_string() == common_dir)
    };
    unknown_files(&context.workspace, state).into_iter().find(is_named)
}

/// Returns a project with the settings of its file as it is now, which a supervisor may not have read yet.
///
/// Fails if the file has faults: what it names is then unknown.
pub(super) fn newest(context: &Context, project: &Project) -> Result<Project, Failure> {
    let mut project = project.clone();
    let file = context.workspace.project_file(&project.slug);
    if !file.exists() {
        return Ok(project);
    }
    let branch = project.settings.target_branch.clone();
    let agreed = paddock_supervisor::agreed(&project.trust).map(str::to_owned);
    let read = read_project(&context.workspace, &context.environment, &file, agreed.as_deref(), &branch)?;
    project.settings = read.project.settings;
    Ok(project)
}
