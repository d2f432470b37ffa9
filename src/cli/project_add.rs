//! `paddock project add`: inspects the repository, asks for agreement, writes the project file and registers
//! it.
//!
//! Either all of this happens or nothing: a file that was written for a registration that fails is removed
//! again.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::git_config;
use super::output;
use super::repository::{self, ProjectFacts};
use paddock_config::builtin;
use paddock_config::project_file::{self, ProjectFile};
use paddock_config::resolve::{Project, Surroundings};
use paddock_config::validate::on_path;
use paddock_config::write::{NewProject, to_yaml, write_project};
use paddock_git::Listed;
use paddock_model::command::{Answer, Command};
use paddock_model::ids::{ProjectSlug, nearest_id};
use paddock_model::settings::{GateCommand, ProjectSettings};
use paddock_report::event_types::public_types;
use paddock_report::text::harmless;
use paddock_supervisor::with_agreement;

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Folder of the repository
    path: PathBuf,
    /// Slug, the project's name in commands; default: made from the folder's name
    #[arg(long)]
    slug: Option<String>,
    /// Name of the project for people; default: the folder's name
    #[arg(long)]
    name: Option<String>,
    /// Branch that work is published to; default: the branch of HEAD
    #[arg(long, value_name = "BRANCH")]
    target_branch: Option<String>,
    /// Agree to run the commands of the repository's .paddock/project.yaml, without being asked
    #[arg(long)]
    yes: bool,
}

/// Values for a new project file; what is `None` is derived from the repository.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub slug: Option<String>,
    pub name: Option<String>,
    pub target_branch: Option<String>,
    /// Gate commands for the project file; empty for no gate.
    pub verify: Vec<GateCommand>,
    /// Whether a person agreed to the programs that the repository's own git configuration names.
    pub agrees_to_programs: bool,
}

/// A project that was added.
pub(super) struct Added {
    pub slug: ProjectSlug,
    pub answer: Answer,
    pub file: PathBuf,
    pub settings: ProjectSettings,
}

/// Adds the repository at `path` as a project, and writes its project file if there is none yet.
///
/// Calls `agree` if the repository's own file gives commands. Fails, with no file left behind, if the
/// repository cannot be used, a project has it or the slug already, or `agree` fails.
pub(super) fn add(
    context: &Context,
    path: &Path,
    wanted: &Wanted,
    agree: impl Fn(&ProjectSettings) -> Result<(), Failure>,
) -> Result<Added, Failure> {
    let mut found = repository::inspect(path, wanted.target_branch.as_deref())?;
    found.agrees_to_programs = wanted.agrees_to_programs;
    let root = PathBuf::from(&found.facts.root);
    // Whatever can be refused without the project file is refused before one is written.
    let slug = match &wanted.slug {
        Some(slug) => ProjectSlug::new(slug.as_str())?,
        None => slug_of(&root)?,
    };
    refuse_known(context, &slug, &found)?;
    let written = context.workspace.project_file(&slug);
    // A file that a person wrote beforehand is registered as it is.
    let (file, is_new) = match written.exists() {
        true => (written, false),
        false => (write_project(&context.workspace, &new_project(&slug, wanted, &found))?, true),
    };
    let added = register_file(context, &slug, &file, found, agree);
    if added.is_err() && is_new {
        // Left in place, the file would be registered by the next run, without the agreement that was refused
        // here.
        let _ = fs::remove_file(&file);
    }
    let (answer, settings) = added?;
    Ok(Added { slug, answer, file, settings })
}

fn folder_of(root: &Path) -> String {
    let folder = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // Bare repositories are usually named `web.git`.
    folder.trim_end_matches(".git").to_owned()
}

/// Derives a slug from the name of the repository's folder. Fails if the name has no usable character.
pub(super) fn slug_of(root: &Path) -> Result<ProjectSlug, Failure> {
    let folder = folder_of(root);
    ProjectSlug::new(nearest_id(&folder))
        .map_err(|_| Failure::usage(format!("no slug can be made from {folder:?}; name one with --slug")))
}

fn new_project(slug: &ProjectSlug, wanted: &Wanted, found: &ProjectFacts) -> NewProject {
    let root = Path::new(&found.facts.root);
    NewProject {
        slug: slug.clone(),
        name: wanted.name.clone().unwrap_or_else(|| folder_of(root)),
        repo_root: root.display().to_string(),
        worktrees_root: worktrees_beside(root).display().to_string(),
        // The branch is written into the file, so that a later checkout of another branch does not change the
        // target.
        target_branch: Some(found.target_branch.clone()),
        verify: wanted.verify.clone(),
    }
}

/// Returns the commands that the repository's own file would run if the repository were added. Writes
/// nothing.
pub(super) fn commands_to_agree(slug: &ProjectSlug, found: &ProjectFacts) -> Result<Vec<String>, Failure> {
    let text = to_yaml(&new_project(slug, &Wanted::default(), found));
    let read = project_file::parse(text.as_bytes(), "the project file", None, Path::new("/"), None);
    let read = read.map_err(|faults| Failure::faults(&faults, "the repository cannot be added"))?;
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
        let found = repository::inspect(&path, self.target_branch.as_deref())?;
        let wanted = Wanted {
            agrees_to_programs: self.agrees_to_programs(&found.configured)?,
            slug: self.slug.clone(),
            name: self.name.clone(),
            target_branch: self.target_branch.clone(),
            verify: Vec::new(),
        };
        let added = add(context, &path, &wanted, |settings| self.agree(settings))?;
        output::line(&added.answer.text)?;
        hints(&added.file, &added.settings);
        let left_out = git_config::programs_of_the_repository(&found.configured);
        if !wanted.agrees_to_programs && !left_out.is_empty() {
            let keys: Vec<String> = left_out.into_iter().map(|entry| harmless(&entry.key)).collect();
            output::note(&format!(
                "programs that the repository's own git configuration names stay off: {}; `paddock project trust {}` \
                 agrees to them",
                keys.join(", "),
                added.slug
            ));
        }
        Ok(Exit::Good)
    }

    /// Shows the git configuration that can run programs. Asks whether those of the repository itself may
    /// run; without an answer, they stay off. Fails if the terminal fails.
    fn agrees_to_programs(&self, entries: &[Listed]) -> Result<bool, Failure> {
        // Until somebody agrees, the repository's own programs are off.
        let shown: Vec<Listed> = entries
            .iter()
            .map(|entry| match entry.is_a_program_of_the_repository() {
                true => entry.clone().off(),
                false => entry.clone(),
            })
            .collect();
        let lines = git_config::lines(&shown);
        if !lines.is_empty() {
            output::note("git's configuration names programs:");
        }
        for line in lines {
            output::note(&format!("  {line}"));
        }
        let programs = git_config::programs_of_the_repository(entries);
        // `--yes` speaks of commands that are committed, where others read them too.
        if programs.is_empty() || self.yes {
            return Ok(false);
        }
        let keys: Vec<String> = programs.into_iter().map(|entry| harmless(&entry.key)).collect();
        output::note(&format!("the repository's own configuration names programs: {}", keys.join(", ")));
        Ok(output::confirm("let git run them under Paddock? (otherwise they stay off)")?.unwrap_or(false))
    }

    /// Shows the commands that come from the repository, and asks for agreement. Fails if the person does not
    /// agree.
    fn agree(&self, settings: &ProjectSettings) -> Result<(), Failure> {
        output::note(
            "the repository's .paddock/project.yaml contains commands that will run on this machine:",
        );
        for command in own_commands(settings) {
            output::note(&format!("  {command}"));
        }
        if self.yes {
            return Ok(());
        }
        match output::confirm("agree to them?")? {
            Some(true) => Ok(()),
            Some(false) => Err(Failure::error("nothing was added: the commands were not agreed to")),
            // Wrong usage and not an error: a script must pass --yes.
            None => Err(Failure::usage(
                "nothing was added: standard input is no terminal to ask at; --yes agrees to these commands",
            )),
        }
    }
}

/// Returns a gate command as a person agrees to it.
pub(super) fn gate_line(command: &GateCommand) -> String {
    format!("gate {}: {}", harmless(&command.name), harmless(&command.run))
}

/// Returns the commands that need a person's agreement: the gate's, and those of agents that differ from the
/// built-in ones.
pub(super) fn own_commands(settings: &ProjectSettings) -> Vec<String> {
    let mut all: Vec<String> = settings.verify.iter().map(gate_line).collect();
    let builtin = builtin::agents();
    all.extend(settings.agents.iter().filter(|agent| !builtin.contains(agent)).map(|agent| {
        let words: Vec<String> = agent.command.words.iter().map(|word| harmless(word)).collect();
        // Variables count too: `PATH` or `LD_PRELOAD` can make a harmless command run another program. Their
        // values may be secrets.
        let names: Vec<&str> = agent.env.keys().map(String::as_str).collect();
        let env = match names.is_empty() {
            true => String::new(),
            false => format!("  (sets {})", harmless(&names.join(", "))),
        };
        format!("agent {}: {}{env}", agent.id, words.join(" "))
    }));
    all
}

/// Registers a project file. Calls `agree` if commands come from the repository itself.
///
/// Fails if the file has faults or names another repository, or if `agree` fails.
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
    // A file of that name may belong to another repository whose folder has the same name.
    let is_other = read.repo_root.canonicalize().ok() != Path::new(&found.facts.root).canonicalize().ok();
    if is_other {
        let (file, root) = (file.display(), read.repo_root.display());
        let text = format!("{file} exists already, for {root}; choose another name with --slug");
        return Err(Failure::error(text));
    }
    // Resolved without an agreement first, to learn whether one is needed; the repository's commands count
    // only in the second pass.
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
    if !found.agrees_to_programs {
        repository.trust = git_config::without_programs(repository.trust, &found.configured);
    }
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

/// Fails if a project has this repository or this slug already.
///
/// The supervisor checks again; this check comes before the project file is written.
fn refuse_known(context: &Context, slug: &ProjectSlug, found: &ProjectFacts) -> Result<(), Failure> {
    let state = context.state()?;
    // Worktrees of one repository have different folders but share the common git directory.
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

/// Returns the default folder for worktrees: next to the repository, with `-wt` after its name.
pub(super) fn worktrees_beside(root: &Path) -> PathBuf {
    let mut name = root.file_name().unwrap_or_default().to_os_string();
    name.push("-wt");
    root.with_file_name(name)
}

fn hints(file: &Path, settings: &ProjectSettings) {
    output::note(&format!("the project's settings are in {}", file.display()));
    if settings.verify.is_empty() {
        output::note("the project has no gate yet: add `verify` commands there, or work lands unverified");
    }
    if settings.workers.iter().all(|worker| worker.agents.is_empty()) {
        output::note("the project has no agent yet: none was found on PATH; name one under `agents` there");
    }
}
