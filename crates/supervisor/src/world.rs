//! What every effect works with: the workspace, the runner, the repositories, the kernel's inbox.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::disk_space::DiskWaits;
use super::error::EffectError;
use super::executor::Executor;
use super::homes::Homes;
use super::message::{Inbox, Message, Pending};
use super::radars::Radars;
use super::tail::Tails;
use super::trust::found;
use super::user_refs::Befores;
use paddock_config::{Environment, Workspace};
use paddock_engine::input::Input;
use paddock_engine::pool::pool_max;
use paddock_git::{GitError, Identity, Repository};
use paddock_ipc::Gauges;
use paddock_model::facts::{TrustFound, TrustRecord};
use paddock_model::ids::{ObjectId, ObjectiveId, ProjectSlug, SessionId};
use paddock_model::project::Project;
use paddock_model::settings::Workplace;
use paddock_model::state::State;
use paddock_model::tamper;
use paddock_model::train::Subject;
use paddock_runner::LocalRunner;

/// Shared by the kernel and all executor threads. Holds no part of the state: what an effect needs of the
/// state, its order copies.
pub(super) struct World {
    pub(super) workspace: Workspace,
    pub(super) environment: Environment,
    pub(super) runner: LocalRunner,
    pub(super) inbox: Inbox,
    pub(super) executor: Executor,
    pub(super) gauges: Arc<Gauges>,
    pub(super) tails: Tails,
    /// The places from which work comes home while sessions run.
    pub(super) homes: Homes,
    pub(super) exe: PathBuf,
    pub(super) radars: Radars,
    /// Set while a [`Message::Wake`] waits in the inbox.
    pub(super) over: Pending,
    /// Number of jobs and appends that are not over (see `jobs::InFlight`).
    pub(super) in_flight: AtomicUsize,
    /// Whether the supervisor was asked to stop. Effects then no longer wait for free disk space.
    pub(super) is_ending: AtomicBool,
    /// Whether this process resets worktrees in the background. A kernel for one command does not.
    pub(super) tends_pools: AtomicBool,
    /// Effects that wait for disk space.
    pub(super) disk_waits: DiskWaits,
    /// Open repositories, by the folder that the project file names.
    repositories: Mutex<HashMap<PathBuf, Repository>>,
    /// Target and tip of the last search for commits that bypassed the queue. The same two give the same
    /// result.
    pub(super) bypass_looked: Mutex<HashMap<ProjectSlug, (ObjectId, ObjectId)>>,
    /// What each project's repository held before sessions began.
    pub(super) before: Befores,
    /// Projects for which a look is ordered and has not begun.
    looks_due: Mutex<BTreeSet<ProjectSlug>>,
}

/// A project's repository and the settings that git operations need, copied out of the state for another
/// thread.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) slug: ProjectSlug,
    pub(super) repo_root: PathBuf,
    pub(super) worktrees_root: PathBuf,
    pub(super) target_branch: String,
    pub(super) integration_ref: String,
    /// Whether the integration ref has to be moved to the tip, wherever it is now: the target branch was set
    /// anew.
    pub(super) is_reset: bool,
    /// Recorded tip of the integration ref.
    pub(super) tip: ObjectId,
    /// Whether the gate may have to run on the tip, so that its tree is needed: the tip is a commit of the
    /// user's, or nothing is known about its tests.
    pub(super) is_tree_wanted: bool,
    /// Queued objectives and their pinned heads.
    pub(super) queued: Vec<(ObjectiveId, ObjectId)>,
    /// Commit of the last publication to the target branch.
    pub(super) published: ObjectId,
    /// Sessions that run or are being harvested.
    pub(super) open: Vec<SessionId>,
    /// Objectives of these sessions.
    pub(super) at_work: Vec<ObjectiveId>,
    /// Number of the last session of the workspace.
    pub(super) last_session: u64,
    /// Git configuration that a person agreed to.
    pub(super) trust: TrustRecord,
    /// Remote that the target branch is pushed to.
    pub(super) push: Option<String>,
    /// Whether merges are to be signed.
    pub(super) signs: bool,
    pub(super) min_free_gb: f64,
    /// Whether new objectives begin in a place of their own.
    pub(super) is_own_wanted: bool,
    /// Most worktrees that are kept in the pool.
    pub(super) pool_max: usize,
    /// Files of `worktree.copy`.
    pub(super) copy: Vec<String>,
    /// Patterns of test files, and the gate's commands: what the tamper guard watches.
    pub(super) guarded: (Vec<String>, Vec<String>),
}

/// Returns the objectives in a project's queue with their pinned heads.
fn queued(project: &Project) -> Vec<(ObjectiveId, ObjectId)> {
    let found = project.train.entries.iter().filter_map(|entry| match &entry.subject {
        Subject::Objective(id) => Some((id.clone(), entry.head.clone())),
        Subject::Target | Subject::Remote => None,
    });
    found.collect()
}

/// Returns the patterns of test files and the gate's commands.
fn guarded(project: &Project) -> (Vec<String>, Vec<String>) {
    let commands = project.settings.verify.iter().map(|command| command.run.clone()).collect();
    (tamper::patterns(project.settings.test_patterns.as_ref()), commands)
}

impl Site {
    fn from_project(project: &Project) -> Self {
        Self {
            slug: project.slug.clone(),
            repo_root: PathBuf::from(&project.settings.repo_root),
            worktrees_root: PathBuf::from(&project.settings.worktrees_root),
            target_branch: project.settings.target_branch.clone(),
            integration_ref: project.integration_ref(),
            is_reset: project.integration.is_reset,
            tip: project.integration.tip.clone(),
            is_tree_wanted: project.integration.is_external || project.tested.is_empty(),
            queued: queued(project),
            published: project.integration.published.clone(),
            open: Vec::new(),
            at_work: Vec::new(),
            last_session: 0,
            trust: project.trust.clone(),
            push: project.settings.land.push.clone(),
            signs: project.settings.sign,
            min_free_gb: project.settings.disk.min_free_gb,
            is_own_wanted: project.settings.workplace == Workplace::Own,
            pool_max: 0,
            copy: project.settings.worktree.copy.clone(),
            guarded: guarded(project),
        }
    }

    /// Returns the folder of the project's worktrees and places.
    pub(super) fn places_folder(&self) -> PathBuf {
        self.worktrees_root.join(self.slug.as_str())
    }

    /// Compares git's configuration with what a person agreed to, for the commits that the project works with.
    pub(super) fn trust_found(&self, repository: &Repository) -> Result<TrustFound, GitError> {
        let queued = self.queued.iter().map(|(_, head)| head);
        found(repository, &self.trust, self.signs, [&self.tip, &self.published].into_iter().chain(queued))
    }

    /// Returns the site of a project; `None` if the project is gone.
    pub(super) fn find(state: &State, slug: &ProjectSlug) -> Option<Self> {
        let mut site = state.project(slug).map(Self::from_project)?;
        let open = state.open_sessions().filter(|session| session.objective.project == *slug);
        let open: Vec<_> = open.map(|session| (session.id, session.objective.id.clone())).collect();
        (site.open, site.at_work) = open.into_iter().unzip();
        site.last_session = state.counters().session;
        site.pool_max = state.project(slug).map_or(0, |project| pool_max(state, project));
        Some(site)
    }
}

impl World {
    pub(super) fn new(
        workspace: Workspace,
        environment: Environment,
        runner: LocalRunner,
        inbox: Inbox,
        exe: PathBuf,
    ) -> Self {
        Self {
            workspace,
            environment,
            runner,
            inbox,
            executor: Executor::default(),
            gauges: Arc::default(),
            tails: Tails::default(),
            homes: Homes::default(),
            exe,
            radars: Radars::default(),
            over: Pending::default(),
            in_flight: AtomicUsize::new(0),
            is_ending: AtomicBool::new(false),
            tends_pools: AtomicBool::new(false),
            disk_waits: DiskWaits::default(),
            repositories: Mutex::default(),
            bypass_looked: Mutex::default(),
            before: Befores::default(),
            looks_due: Mutex::default(),
        }
    }

    /// Sends an input to the kernel.
    pub(super) fn report(&self, input: Input) {
        // An error means that the kernel is gone and the process is ending. The effect's outcome is then not
        // recorded, and the next supervisor reconciles the effect.
        drop(self.inbox.send(Message::Input(input)));
    }

    /// Returns whether no job and no append is in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.load(Ordering::SeqCst) == 0
    }

    /// Returns the repository at a folder, opened once and then kept.
    pub(super) fn repository(&self, root: &Path) -> Result<Repository, GitError> {
        let known = || self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        // A kept handle would go on working on a folder that was moved away or unmounted, so its path is
        // checked.
        let kept = known().get(root).cloned();
        if let Some(repository) = kept.filter(|repository| repository.common_dir().is_dir()) {
            return Ok(repository);
        }
        // Not under the lock: a repository on a disk that hangs must not stop the work on all others.
        let repository = Repository::open(root)?;
        known().insert(root.to_owned(), repository.clone());
        Ok(repository)
    }

    /// Returns why the repository at a folder cannot be used at all: it is away, or git cannot read it. `None`
    /// if it can.
    pub(super) fn why_unusable(&self, root: &Path) -> Option<String> {
        let checked = self.repository(root).and_then(|repository| repository.check());
        checked.err().map(|error| error.to_string())
    }

    /// Returns the git directory of a project's repository, at the place that the project file names now.
    /// While that repository cannot be opened, returns the recorded directory.
    pub(super) fn common_dir(&self, project: &Project) -> PathBuf {
        let found = self.repository(Path::new(&project.settings.repo_root));
        found.map_or_else(|_| PathBuf::from(&project.common_dir), |found| found.common_dir().to_owned())
    }

    /// Returns the folders of all repositories that were opened.
    pub(super) fn repository_roots(&self) -> Vec<PathBuf> {
        self.repositories.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Returns the repository of a site, in which git runs what a person agreed to and nothing else. Called
    /// before every use of git that could run a program: an agent can write to git's configuration.
    ///
    /// # Errors
    /// [`EffectError::Untrusted`] names what the project's work needs and nobody agreed to; the kernel
    /// receives it and holds the project.
    pub(super) fn trusted(&self, site: &Site) -> Result<Repository, EffectError> {
        let repository = self.agreeing(site)?;
        let found = site.trust_found(&repository)?;
        if found.needed.is_empty() {
            return Ok(repository);
        }
        let needed = found.needed.clone();
        self.report(Input::TrustRead { project: site.slug.clone(), trust: found });
        Err(EffectError::Untrusted(needed))
    }

    /// Returns the repository of a site, in which git runs what a person agreed to and nothing else.
    pub(super) fn agreeing(&self, site: &Site) -> Result<Repository, GitError> {
        Ok(self.repository(&site.repo_root)?.agreeing(site.trust.entries.iter().cloned()))
    }

    /// Returns the author of Paddock's own commits: the user, or Paddock where git knows no user.
    pub(super) fn identity(&self, repository: &Repository) -> Identity {
        // An error leaves Paddock as the author: nothing that Paddock commits should fail for want of a name.
        let user = repository.facts().ok().and_then(|facts| facts.user_identity);
        let (name, email) = user.unwrap_or_else(|| ("Paddock".to_owned(), "paddock@localhost".to_owned()));
        Identity { name, email }
    }

    /// Returns whether to order a look at the project. `false` while an ordered look has not begun: it will
    /// see the same as a second one.
    pub(super) fn claim_look(&self, project: &ProjectSlug) -> bool {
        self.looks_due.lock().unwrap_or_else(PoisonError::into_inner).insert(project.clone())
    }

    /// Marks that the look begins. A change from here on may escape it, so another look may be ordered.
    pub(super) fn mark_look_begun(&self, project: &ProjectSlug) {
        self.looks_due.lock().unwrap_or_else(PoisonError::into_inner).remove(project);
    }
}
