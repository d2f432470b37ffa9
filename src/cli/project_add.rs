//! `paddock project add`: inspects the repository, asks for agreement, writes the project file and registers
//! it, or takes up the file in `projects/` that names the repository already.
//!
//! Questions come before anything is written. A file that was written for a registration that fails is
//! removed again.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::repository::{self, ProjectFacts, super_of};
use super::{gate_proposal, git_config, output, project_files, set_up};
use paddock_config::builtin;
use paddock_config::project_file::{self, ProjectFile};
use paddock_config::resolve::{Project, Surroundings};
use paddock_config::validate::{is_sample, on_path};
use paddock_config::write::{NewProject, to_yaml, write_project};
use paddock_git::{Listed, Repository};
use paddock_model::command::{Answer, Command};
use paddock_model::ids::{ProjectSlug, nearest_id};
use paddock_model::project::Project as Managed;
use paddock_model::settings::{GateCommand, ProjectSettings};
use paddock_report::event_types::public_types;
use paddock_report::text::harmless;
use paddock_supervisor::{programs_of_the_repository, read_project, with_agreement, without_programs};

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Folder of the repository, or one inside it
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
    /// Gate command, which every landing has to pass (repeatable); default: guessed from the manifests, and
    /// asked about
    #[arg(long, value_name = "COMMAND")]
    gate: Vec<String>,
    /// Guess no gate
    #[arg(long, conflicts_with = "gate")]
    no_gate: bool,
    /// Agree to run the commands of the repository's .paddock/project.yaml and the guessed gate, without
    /// being asked
    #[arg(long)]
    yes: bool,
    /// Do not run worktree.setup once to see what it changes
    #[arg(long)]
    no_setup: bool,
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

/// Adds the repository at `path` as a project. Takes up the file in `projects/` that names it, else writes
/// one.
///
/// Calls `agree` if the repository's own file gives commands. Fails, with no file left behind, if the
/// repository cannot be used, a project has it or the slug already, or `agree` fails.
pub(super) fn add(
    context: &Context,
    path: &Path,
    wanted: &Wanted,
    agree: impl Fn(&ProjectSettings) -> Result<(), Failure>,
) -> Result<Added, Failure> {
    let state = context.load()?;
    let named = wanted.slug.as_deref().map(ProjectSlug::new).transpose()?;
    // Worktrees of one repository have different folders but share the common git directory.
    let common_dir = Repository::open(path)?.common_dir().display().to_string();
    if let Some(project) = state.projects().find(|other| other.common_dir == common_dir) {
        return agree_later(context, project, agree);
    }
    if let Some(file) = project_files::naming(context, &state, &common_dir) {
        return take_up(context, &file, wanted, agree);
    }
    let mut found = repository::inspect(path, wanted.target_branch.as_deref())?;
    found.agrees_to_programs = wanted.agrees_to_programs;
    // Whatever can be refused without the project file is refused before one is written.
    let slug = named.map_or_else(|| slug_of(Path::new(&found.facts.root)), Ok)?;
    if state.project(&slug).is_some() {
        return Err(Failure::error(format!("project {slug} exists; choose another name with --slug")));
    }
    let file = context.workspace.project_file(&slug);
    if file.exists() {
        return Err(Failure::error(taken(context, &file)));
    }
    let new = new_project(&slug, wanted, &found);
    let shown = format!("projects/{slug}.yaml");
    let read = project_file::parse(to_yaml(&new).as_bytes(), &shown, None, context.workspace.root(), None);
    let read = read.map_err(|faults| Failure::faults(&faults, "nothing was added"))?;
    let project = agreed_settings(&read, &found, agree)?;
    let file = write_project(&context.workspace, &new)?;
    let added = register(context, project, found);
    if added.is_err() {
        // Left in place, the file would be a project.
        let _ = fs::remove_file(&file);
    }
    let (answer, settings) = added?;
    Ok(Added { slug, answer, file, settings })
}

/// Says why a file of the project's name is in the way: it names another repository, or is no project at all.
fn taken(context: &Context, file: &Path) -> String {
    let shown = file.display();
    if is_sample(file) {
        return format!("{shown} is the sample file and no project; choose another name with --slug");
    }
    match project_file::repo_root_of(&context.workspace, file) {
        Some(root) => {
            format!("{shown} exists already, for {}; choose another name with --slug", root.display())
        }
        None => format!("{shown} exists already; correct that file, or choose another name with --slug"),
    }
}

/// Takes up a file that a person wrote, as it is.
fn take_up(
    context: &Context,
    file: &Path,
    wanted: &Wanted,
    agree: impl Fn(&ProjectSettings) -> Result<(), Failure>,
) -> Result<Added, Failure> {
    let types = public_types();
    let read = project_file::read(&context.workspace, file, Some(&types));
    let read = read.map_err(|faults| Failure::faults(&faults, "nothing was added"))?;
    let shown = file.strip_prefix(context.workspace.root()).unwrap_or(file).display();
    let differs = |flag: &str, wanted: Option<&str>, has: &str| match wanted.filter(|wanted| *wanted != has) {
        Some(_) => Err(Failure::usage(format!(
            "{shown} names this repository already, with {has}; leave {flag} out, or edit that file"
        ))),
        None => Ok(()),
    };
    differs("--slug", wanted.slug.as_deref(), read.slug.as_str())?;
    if let Some(branch) = &read.target_branch {
        differs("--target-branch", wanted.target_branch.as_deref(), branch)?;
    }
    let branch = read.target_branch.as_ref().or(wanted.target_branch.as_ref());
    let mut found = repository::inspect(&read.repo_root, branch.map(String::as_str))?;
    found.agrees_to_programs = wanted.agrees_to_programs;
    let project = agreed_settings(&read, &found, agree)?;
    let (answer, settings) = register(context, project, found)?;
    output::note(&format!("{shown} names this repository, and is used as it is"));
    Ok(Added { slug: read.slug, answer, file: file.to_owned(), settings })
}

/// Asks for the agreement that a project waits for whose file was taken up without a question. Fails if the
/// project waits for none.
fn agree_later(
    context: &Context,
    project: &Managed,
    agree: impl Fn(&ProjectSettings) -> Result<(), Failure>,
) -> Result<Added, Failure> {
    let (slug, file) = (project.slug.clone(), context.workspace.project_file(&project.slug));
    let branch = &project.settings.target_branch;
    let agreed = paddock_supervisor::agreed(&project.trust);
    let read = |agreed: Option<&str>| {
        read_project(&context.workspace, &context.environment, &file, agreed, branch).map(|read| read.project)
    };
    let waiting = read(agreed).ok().filter(Project::needs_agreement);
    let Some(hash) = waiting.and_then(|project| project.agreement) else {
        return Err(Failure::error(format!(
            "project {slug} works on this repository already; two projects never share one"
        )));
    };
    let settings = read(Some(&hash))?.settings;
    agree(&settings)?;
    let trust = with_agreement(project.trust.clone(), Some(&hash));
    context.ask(Command::ProjectTrust { project: slug.clone(), trust })?;
    let answer = Answer::text(format!("project {slug} was there already; the commands are agreed to"));
    Ok(Added { slug, answer, file, settings })
}

/// Returns the folder's name for people; that of the folder above where git's own name says nothing, as in
/// `web/.git` or `web/.bare`.
fn folder_of(root: &Path) -> String {
    let name =
        |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = name(root);
    match folder.starts_with('.') {
        true => root.parent().map(name).unwrap_or_default(),
        // Bare repositories are usually named `web.git`.
        false => folder.trim_end_matches(".git").to_owned(),
    }
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
        let meant = repository::meant(&path)?;
        meant.note.iter().for_each(|note| output::note(note));
        let found = repository::inspect_any(&meant.root, self.target_branch.as_deref())?;
        let wanted = Wanted {
            agrees_to_programs: self.agrees_to_programs(&found.configured)?,
            slug: self.slug.clone(),
            name: self.name.clone(),
            target_branch: self.target_branch.clone(),
            verify: self.verify(context, &found)?,
        };
        let added = add(context, &meant.root, &wanted, |settings| self.agree(settings))?;
        output::line(&added.answer.text)?;
        hints(&added.file, &added.settings);
        self.try_set_up(context, &added)?;
        let left_out = programs_of_the_repository(&found.configured);
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

    /// Returns the gate for a new project file: that of the arguments, else the proposal that a person
    /// accepts. None if the repository, or a file that names it, says what its gate is.
    fn verify(&self, context: &Context, found: &ProjectFacts) -> Result<Vec<GateCommand>, Failure> {
        let state = context.load()?;
        let common_dir = &found.facts.common_dir;
        let is_known = state.projects().any(|project| project.common_dir == *common_dir);
        if is_known || project_files::naming(context, &state, common_dir).is_some() {
            return match self.gate.is_empty() {
                true => Ok(Vec::new()),
                false => Err(Failure::usage(
                    "a project file names this repository already: write the gate there, under `verify`",
                )),
            };
        }
        if !self.gate.is_empty() {
            return Ok(gate_proposal::from_arguments(&self.gate));
        }
        let slug = ProjectSlug::new("new")?;
        // Without a branch nothing is added. A repository with commands of its own says what its gate is; a
        // guess would compete with it.
        if self.no_gate || found.target_branch.is_empty() || !commands_to_agree(&slug, found)?.is_empty() {
            return Ok(Vec::new());
        }
        gate_proposal::agreed(gate_proposal::from_manifests(found), self.yes)
    }

    /// Runs the set-up of worktrees once, if the person lets it. A project whose set-up cannot be tried is added
    /// all the same.
    fn try_set_up(&self, context: &Context, added: &Added) -> Result<(), Failure> {
        let Some(command) = added.settings.worktree.setup.as_ref().filter(|_| !self.no_setup) else {
            return Ok(());
        };
        let question = format!("run worktree.setup (`{}`) once to see what it changes?", harmless(command));
        if !self.yes && output::confirm(&question)? != Some(true) {
            output::note("worktree.setup was not tried; `paddock doctor --setup` does so");
            return Ok(());
        }
        match set_up::run(context, &added.slug, self.yes) {
            Err(Failure::Said(_, text)) => output::note(&text),
            Err(failure) => return Err(failure),
            Ok(_) => {}
        }
        Ok(())
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
        let programs = programs_of_the_repository(entries);
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

/// Returns the settings of a project file, with the repository's commands once `agree` has agreed to them.
fn agreed_settings(
    read: &ProjectFile,
    found: &ProjectFacts,
    agree: impl Fn(&ProjectSettings) -> Result<(), Failure>,
) -> Result<Project, Failure> {
    // Resolved without an agreement first, to learn whether one is needed; the repository's commands count
    // only in the second pass.
    let project = resolve(read, found, None)?;
    let project = match project.needs_agreement() {
        true => {
            let agreed = resolve(read, found, project.agreement.as_deref())?;
            agree(&agreed.settings)?;
            agreed
        }
        false => project,
    };
    for warning in &project.warnings {
        output::note(&warning.to_string());
    }
    Ok(project)
}

/// Registers a project with the agreements that a person gave.
fn register(
    context: &Context,
    project: Project,
    found: ProjectFacts,
) -> Result<(Answer, ProjectSettings), Failure> {
    let mut repository = found.facts;
    if !found.agrees_to_programs {
        repository.trust = without_programs(repository.trust, &found.configured);
    }
    repository.trust = with_agreement(repository.trust, project.agreement.as_deref());
    let (slug, settings) = (project.slug, project.settings);
    let command = Command::ProjectAdd {
        project: slug.clone(),
        settings: Box::new(settings.clone()),
        repository: repository.clone(),
    };
    Ok((project_files::add(context, &slug, command, &repository)?, settings))
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

/// Returns the default folder for worktrees: next to the repository, with `-wt` after its name. For a
/// submodule next to the repository that it belongs to, in whose `git status` it would be otherwise.
pub(super) fn worktrees_beside(root: &Path) -> PathBuf {
    let outer = Repository::open(root).ok().and_then(|repository| super_of(&repository));
    let mut name = root.file_name().unwrap_or_default().to_os_string();
    name.push("-wt");
    match outer {
        Some(outer) => {
            let mut whole = outer.file_name().unwrap_or_default().to_os_string();
            whole.push("-");
            whole.push(name);
            outer.with_file_name(whole)
        }
        None => root.with_file_name(name),
    }
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
