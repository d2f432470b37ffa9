//! Reads and checks project files. [`ProjectFile::resolve`](super::resolve) makes [`ProjectSettings`] of one.

use std::path::{Component, Path, PathBuf};

use super::branch_name;
use super::error::{ConfigError, Place};
use super::keep;
use super::reader::{Section, Sink};
use super::sections;
use super::settings_table::{self as keys, Key, Row};
use super::shared_part::{self, SharedPart};
use super::workspace::Workspace;
use super::yaml::Node;
use paddock_model::ids::ProjectSlug;
use paddock_model::settings::{PlannerSettings, ProjectSettings};
use paddock_os::plain;

/// A project file without faults.
#[derive(Debug, Clone)]
pub struct ProjectFile {
    /// Slug of the project.
    pub slug: ProjectSlug,
    /// Folder of the repository, absolute.
    pub repo_root: PathBuf,
    /// Branch that work is published to; `None` for the recorded one, or, when the project is registered, the
    /// branch of HEAD.
    pub target_branch: Option<String>,
    /// Line of the key `target_branch`, from 1; 0 if the file does not give it.
    pub target_line: u64,
    /// Place of the key `worktrees_root`.
    pub worktrees_place: Place,
    /// Place of the key `land.push`, or of `land` if the file does not give it.
    pub push_place: Place,
    pub(super) own: SharedPart,
    /// All settings except the shared keys, which are filled in by `resolve`.
    pub(super) settings: ProjectSettings,
    pub(super) places: Places,
}

impl ProjectFile {
    /// Returns the folder for worktrees, absolute.
    #[must_use]
    pub fn worktrees_root(&self) -> &str {
        &self.settings.worktrees_root
    }
}

/// Places of the keys that can only be checked together with other files, for the faults found then.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Places {
    pub top: Place,
    /// `session_defaults.planner_agent`, if the file gives it.
    pub planner_agent: Option<Place>,
    /// `planner.agent`, if the file gives it.
    pub planner_choice: Option<Place>,
    /// Place and key of a limit in dollars, of a session or a day.
    pub usd: Option<(Place, &'static str)>,
    /// Place and key of a limit in tokens, of a session or a day.
    pub tokens: Option<(Place, &'static str)>,
}

/// Reads `projects/<slug>.yaml`.
///
/// `event_types` are the public event types, which `notify` may name. With `None` any word is allowed there.
///
/// # Errors
/// Fails with every fault of the file.
pub fn read(
    workspace: &Workspace,
    path: &Path,
    event_types: Option<&[&str]>,
) -> Result<ProjectFile, Vec<ConfigError>> {
    let shown = path.strip_prefix(workspace.root()).unwrap_or(path).display().to_string();
    let sink = Sink::new(&shown);
    match plain::read(path) {
        Ok(bytes) => {
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            parse(&bytes, &shown, stem.as_deref(), workspace.root(), event_types)
        }
        Err(error) => {
            sink.add(Place::default(), "", format!("cannot be read: {error}"), None);
            sink.finish(None::<ProjectFile>).map(|(file, _)| file)
        }
    }
}

/// Returns the folder of the repository that a project file names, also where the file has other faults;
/// `None` if it names none.
#[must_use]
pub fn repo_root_of(workspace: &Workspace, path: &Path) -> Option<PathBuf> {
    if let Ok(file) = read(workspace, path, None) {
        return Some(file.repo_root);
    }
    let text = plain::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(keys::REPO_ROOT.name())?.strip_prefix(':'))?;
    let value = line.split(" #").next().unwrap_or_default().trim();
    let value = value.trim_matches(|quote| quote == '"' || quote == '\'');
    (!value.is_empty()).then(|| workspace.root().join(value))
}

/// Parses the bytes of a project file. `shown` is the file's name in faults, `stem` the required slug, `root`
/// the workspace, which paths are relative to.
///
/// # Errors
/// Fails with every fault of the file.
pub fn parse(
    bytes: &[u8],
    shown: &str,
    stem: Option<&str>,
    root: &Path,
    event_types: Option<&[&str]>,
) -> Result<ProjectFile, Vec<ConfigError>> {
    let sink = Sink::new(shown);
    let node = shared_part::parse(bytes, &sink);
    let file = node.and_then(|node| read_node(&node, &sink, shown, stem, root, event_types));
    sink.finish(file).map(|(file, _)| file)
}

fn read_node(
    node: &Node,
    sink: &Sink,
    shown: &str,
    stem: Option<&str>,
    root: &Path,
    event_types: Option<&[&str]>,
) -> Option<ProjectFile> {
    let file = Section::new(node, "", sink);
    if !Section::is_map(node) {
        // `Section::new` has added the fault. Faults about every missing key would only bury it.
        return None;
    }
    let slug = slug(&file, stem);
    let repo_root = folder(&file, &keys::REPO_ROOT, root);
    let worktrees_root = folder(&file, &keys::WORKTREES_ROOT, root);
    // Worktrees in the repository's own folder would be untracked files in it.
    if repo_root.is_some() && repo_root == worktrees_root {
        let place = file.place_of(&keys::WORKTREES_ROOT);
        let problem = "`worktrees_root` is the repository's own folder".to_owned();
        file.fault("worktrees_root", place, problem, Some("choose another folder".to_owned()));
    }
    let target_branch = target_branch(&file);
    let target_line = file.get(&keys::TARGET_BRANCH).map_or(0, |node| node.place.line);
    let worktrees_place = file.place_of(&keys::WORKTREES_ROOT);
    let land = file.section(&keys::LAND);
    let push_place = land.get(&keys::PUSH).map_or(land.place, |node| node.place);
    let planner = file.section(&keys::PLANNER);
    let own = SharedPart::read(&file, &planner, shown);
    let mut settings = unshared(&file, &planner, event_types);
    planner.finish();
    let places = places(&file);
    // Last: whatever has not been read by now is an unknown key.
    file.finish();
    // Only now, after every key was read: returning earlier would hide the faults that follow.
    settings.repo_root = repo_root.as_ref()?.display().to_string();
    settings.worktrees_root = worktrees_root?.display().to_string();
    Some(ProjectFile {
        slug: slug?,
        repo_root: repo_root?,
        target_branch,
        target_line,
        worktrees_place,
        push_place,
        own,
        settings,
        places,
    })
}

/// Reads the settings that only the workspace's file may give; the others stay empty.
fn unshared(file: &Section<'_>, planner: &Section<'_>, event_types: Option<&[&str]>) -> ProjectSettings {
    let queue = sections::queue(file);
    ProjectSettings {
        name: String::new(),
        description: String::new(),
        repo_root: String::new(),
        worktrees_root: String::new(),
        target_branch: String::new(),
        enabled: file.value(&keys::ENABLED),
        max_parallel_sessions: file.value(&keys::MAX_PARALLEL_SESSIONS),
        integrator_only_patterns: file.value(&keys::INTEGRATOR_ONLY_PATTERNS),
        path_scope: file.value(&keys::PATH_SCOPE),
        path_conflicts: file.value(&keys::PATH_CONFLICTS),
        shared_patterns: file.value(&keys::SHARED_PATTERNS),
        session_defaults: sections::session_defaults(file),
        recovery: sections::recovery(file),
        workplace: file.value(&keys::WORKPLACE),
        worktree: sections::worktree(file),
        ports: sections::ports(file),
        verify: Vec::new(),
        gate: keep::gate(file, queue.clean),
        queue,
        land: sections::land(file),
        test_patterns: file.given(&keys::TEST_PATTERNS),
        planner: PlannerSettings {
            agent: planner.value(&keys::PLANNER_CHOICE).into(),
            approval: planner.value(&keys::APPROVAL),
            context_files: Vec::new(),
        },
        budget: sections::budget(file),
        disk: sections::disk(file),
        sign: file.value(&keys::SIGN),
        notify: sections::notify(file, event_types),
        agents: Vec::new(),
        workers: Vec::new(),
    }
}

/// Reads the slug. It must equal the file's name, by which commands and people find the file.
fn slug(file: &Section<'_>, stem: Option<&str>) -> Option<ProjectSlug> {
    let text = file.required(&keys::SLUG)?;
    let place = file.place_of(&keys::SLUG);
    match ProjectSlug::new(text.as_str()) {
        Err(error) => {
            file.fault("slug", place, error.to_string(), None);
            None
        }
        Ok(slug) => {
            if let Some(stem) = stem.filter(|stem| *stem != text) {
                let problem = format!("`slug` is `{text}` but the file is named `{stem}.yaml`");
                let right = format!("write `slug: {stem}` or rename the file to `{text}.yaml`");
                file.fault("slug", place, problem, Some(right));
            }
            Some(slug)
        }
    }
}

/// Reads a folder as an absolute path without `.` and `..`. The folder need not exist, so nothing is looked
/// up on disk.
fn folder(file: &Section<'_>, row: &Key<String>, root: &Path) -> Option<PathBuf> {
    let (text, key) = (file.required(row)?, row.name());
    if text == "~" || text.starts_with("~/") {
        let place = file.place_of(row);
        let right = "write an absolute path, or one relative to the workspace".to_owned();
        file.fault(
            key,
            place,
            format!("`{key}` begins with `~`, which only a shell understands"),
            Some(right),
        );
        return None;
    }
    let mut whole = PathBuf::new();
    for part in root.join(text).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(whole.pop()),
            other => whole.push(other),
        }
    }
    Some(whole)
}

fn target_branch(file: &Section<'_>) -> Option<String> {
    let branch = file.given(&keys::TARGET_BRANCH)?;
    let place = file.place_of(&keys::TARGET_BRANCH);
    let short = branch.strip_prefix("refs/heads/");
    if short.is_some() || !branch_name::is_valid(&branch) {
        let right = short.map(|short| format!("write `{short}`"));
        file.fault("target_branch", place, format!("{branch:?} is not a valid name of a branch"), right);
    }
    Some(branch)
}

fn places(file: &Section<'_>) -> Places {
    let defaults = file.section(&keys::SESSION_DEFAULTS);
    let budget = file.section(&keys::BUDGET);
    let limit =
        |section: &Section<'_>, row: &dyn Row| section.get(row).map(|node| (node.place, row.setting().path));
    Places {
        top: file.place,
        planner_agent: defaults.get(&keys::PLANNER_AGENT).map(|node| node.place),
        planner_choice: file.section(&keys::PLANNER).get(&keys::PLANNER_CHOICE).map(|node| node.place),
        usd: limit(&defaults, &keys::MAX_USD).or_else(|| limit(&budget, &keys::USD_PER_DAY)),
        tokens: limit(&defaults, &keys::MAX_TOKENS).or_else(|| limit(&budget, &keys::TOKENS_PER_DAY)),
    }
}
