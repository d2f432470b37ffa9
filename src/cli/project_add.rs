//! `paddock project add`: look, ask, write the file, register; all of it or nothing.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::context::Context;
use super::exit::{Exit, Failure, Outcome};
use super::output;
use super::repository::{self, ProjectFacts};
use paddock_config::builtin;
use paddock_config::project_file::{self, ProjectFile};
use paddock_config::resolve::{Project, Surroundings};
use paddock_config::validate::on_path;
use paddock_config::write::{NewProject, to_yaml, write_project};
use paddock_model::command::{Answer, Command};
use paddock_model::ids::{ProjectSlug, nearest_id};
use paddock_model::settings::{GateCommand, ProjectSettings};
use paddock_report::events::public_types;
use paddock_report::text::harmless;
use paddock_supervisor::with_agreement;

#[derive(Debug, Args)]
pub(super) struct Add {
    /// The repository's folder
    path: PathBuf,
    /// What it is called in commands; default: from the folder's name
    #[arg(long)]
    slug: Option<String>,
    /// What people call it; default: the folder's name
    #[arg(long)]
    name: Option<String>,
    /// The branch that work is published to; default: the one that HEAD is on
    #[arg(long, value_name = "BRANCH")]
    target_branch: Option<String>,
    /// Agree to the commands of the repository's .paddock/project.yaml without being asked
    #[arg(long)]
    yes: bool,
}

/// What is known of a repository that is to be added.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub slug: Option<String>,
    pub name: Option<String>,
    pub target_branch: Option<String>,
    /// The gate to write down; empty = none.
    pub verify: Vec<GateCommand>,
}

/// What was added.
pub(super) struct Added {
    pub slug: ProjectSlug,
    pub answer: Answer,
    pub file: PathBuf,
    pub settings: ProjectSettings,
}

/// Puts a repository under management: all of it or nothing.
pub(super) fn add(
    context: &Context,
    path: &Path,
    wanted: &Wanted,
    agree: impl Fn(&ProjectSettings) -> Result<(), Failure>,
) -> Result<Added, Failure> {
    let found = repository::inspect(path, wanted.target_branch.as_deref())?;
    let root = PathBuf::from(&found.facts.root);
    let slug = match &wanted.slug {
        Some(slug) => ProjectSlug::new(slug.as_str())?,
        None => slug_of(&root)?,
    };
    refuse_known(context, &slug, &found)?;
    let written = context.workspace.project_file(&slug);
    let (file, is_new) = match written.exists() {
        true => (written, false),
        false => (write_project(&context.workspace, &new_project(&slug, wanted, &found))?, true),
    };
    let added = register_file(context, &slug, &file, found, agree);
    if added.is_err() && is_new {
        // Nothing knows the file yet: what was written for nothing goes again.
        let _ = fs::remove_file(&file);
    }
    let (answer, settings) = added?;
    Ok(Added { slug, answer, file, settings })
}

fn folder_of(root: &Path) -> String {
    let folder = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    folder.trim_end_matches(".git").to_owned()
}

/// The slug that a repository gets when nobody names one.
pub(super) fn slug_of(root: &Path) -> Result<ProjectSlug, Failure> {
    let folder = folder_of(root);
    ProjectSlug::new(nearest_id(&folder))
        .map_err(|_| Failure::usage(format!("no slug can be made of {folder:?}: say one with --slug")))
}

fn new_project(slug: &ProjectSlug, wanted: &Wanted, found: &ProjectFacts) -> NewProject {
    let root = Path::new(&found.facts.root);
    NewProject {
        slug: slug.clone(),
        name: wanted.name.clone().unwrap_or_else(|| folder_of(root)),
        repo_root: root.display().to_string(),
        worktrees_root: worktrees_beside(root).display().to_string(),
        // Written down, so that a later checkout of another branch does not move the target.
        target_branch: Some(found.target_branch.clone()),
        verify: wanted.verify.clone(),
    }
}

/// The commands that the repository's own file would run if it were added; nothing is written.
pub(super) fn commands_to_agree(slug: &ProjectSlug, found: &ProjectFacts) -> Result<Vec<String>, Failure> {
    let text = to_yaml(&new_project(slug, &Wanted::default(), found));
    let read = project_file::parse(text.as_bytes(), "the project file", None, Path::new("/"), None);
    let read = read.map_err(|faults| Failure::faults(&faults, "it cannot be added"))?;
    let project = resolve(&read, found, None)?;
    if !project.needs_agreement() {
        return Ok(Vec::new());
    }
    Ok(own_commands(&resolve(&read, found, project.agreement.as_deref())?.settings))
}

impl Add {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let path = Context::absolute(&self.path)?;
        let path = path.canonicalize().map_err(|error| {
            Failure::error(format!("{}: {error}; name the folder of a git repository", path.display()))
        })?;
        let wanted = Wanted {
            slug: self.slug.clone(),
            name: self.name.clone(),
            target_branch: self.target_branch.clone(),
            verify: Vec::new(),
        };
        let added = add(context, &path, &wanted, |settings| self.agree(settings))?;
        output::line(&added.answer.text)?;
        hints(&added.file, &added.settings);
        Ok(Exit::Good)
    }

    /// Shows the commands that come from the repository; whoever does not agree adds nothing.
    fn agree(&self, settings: &ProjectSettings) -> Result<(), Failure> {
        output::note("the repository's .paddock/project.yaml gives commands that will run on this machine:");
        for command in own_commands(settings) {
            output::note(&format!("  {command}"));
        }
        if self.yes {
            return Ok(());
        }
        match output::confirm("agree to them?")? {
            Some(true) => Ok(()),
            Some(false) => Err(Failure::error("nothing was added: the commands were not agreed to")),
            None => Err(Failure::usage(
                "nothing was added: nobody is there to agree to these commands; --yes agrees to them",
            )),
        }
    }
}

/// The commands that settings give, for people to agree to: the gate, and agents that are not the built-in ones.
pub(super) fn own_commands(settings: &ProjectSettings) -> Vec<String> {
    let gate = settings.verify.iter();
    let mut all: Vec<String> =
        gate.map(|command| format!("gate {}: {}", harmless(&command.name), harmless(&command.run))).collect();
    let builtin = builtin::agents();
    all.extend(settings.agents.iter().filter(|agent| !builtin.contains(agent)).map(|agent| {
        let words: Vec<String> = agent.command.words.iter().map(|word| harmless(word)).collect();
        let names: Vec<&str> = agent.env.keys().map(String::as_str).collect();
        let env = match names.is_empty() {
            true => String::new(),
            false => format!("  (sets {})", harmless(&names.join(", "))),
        };
        format!("agent {}: {}{env}", agent.id, words.join(" "))
    }));
    all
}

/// Registers a project file; `agree` is asked about commands that come from the repository itself.
pub(super) fn register_file(
    context: &Context,
    slug: &ProjectSlug,
    file: &Path,
    found: ProjectFacts,
    agree: impl Fn(&ProjectSettings) -> Result<(), Failure>,
) -> Result<(Answer, ProjectSettings), Failure> {
    let types = public_types();
    let read = project_file::read(&context.workspace, file, Some(&types));
    let read = read.map_err(|faults| Failure::faults(&faults, "nothing was added"))?;
    let is_other = read.repo_root.canonicalize().ok() != Path::new(&found.facts.root).canonicalize().ok();
    if is_other {
        let (file, root) = (file.display(), read.repo_root.display());
        let text = format!("{file} is there already, for {root}; choose another name with --slug");
        return Err(Failure::error(text));
    }
    let project = resolve(&read, &found, None)?;
    let project = match project.needs_agreement() {
        true => {
            let agreed = resolve(&read, &found, project.agreement.as_deref())?;
            agree(&agreed.settings)?;
            agreed
        }
        false => project,
    };
    for warning in &project.warnings {
        output::note(&warning.to_string());
    }
    let mut repository = found.facts;
    repository.trust = with_agreement(repository.trust, project.agreement.as_deref());
    let settings = project.settings;
    let command =
        Command::ProjectAdd { project: slug.clone(), settings: Box::new(settings.clone()), repository };
    Ok((context.ask(command)?, settings))
}

fn resolve(file: &ProjectFile, found: &ProjectFacts, agreed: Option<&str>) -> Result<Project, Failure> {
    let path = std::env::var_os("PATH");
    let surroundings = Surroundings {
        head_branch: &found.target_branch,
        repository_file: found.own_file.as_deref(),
        agreed,
        on_path: &|program| on_path(program, path.as_deref()),
    };
    file.resolve(&surroundings).map_err(|faults| Failure::faults(&faults, "nothing was added"))
}

/// Said before anything is written; the supervisor checks again.
fn refuse_known(context: &Context, slug: &ProjectSlug, found: &ProjectFacts) -> Result<(), Failure> {
    let state = context.state()?;
    let same = state.projects().find(|other| other.common_dir == found.facts.common_dir);
    if let Some(other) = same {
        return Err(Failure::error(format!(
            "project {} works on this repository already; two projects never share one",
            other.slug
        )));
    }
    match state.project(slug) {
        Some(_) => Err(Failure::error(format!("project {slug} exists; choose another name with --slug"))),
        None => Ok(()),
    }
}

pub(super) fn worktrees_beside(root: &Path) -> PathBuf {
    let mut name = root.file_name().unwrap_or_default().to_os_string();
    name.push("-wt");
    root.with_file_name(name)
}

fn hints(file: &Path, settings: &ProjectSettings) {
    output::note(&format!("its settings are in {}", file.display()));
    if settings.verify.is_empty() {
        output::note("it has no gate yet: add `verify` commands there, or work lands unverified");
    }
    if settings.workers.iter().all(|worker| worker.agents.is_empty()) {
        output::note("it has no agent yet: none was found on PATH; name one under `agents` there");
    }
}
