//! The world outside as effects see it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::EffectError;
use super::executor::Executor;
use super::message::{Inbox, Message, Pending};
use super::screens::Radars;
use super::tail::Tails;
use super::trust::{agreed, read_trust, with_agreement};
use paddock_config::{Environment, Workspace};
use paddock_engine::input::Input;
use paddock_git::{GitError, Identity, Repository};
use paddock_ipc::Gauges;
use paddock_model::facts::TrustRecord;
use paddock_model::ids::{ObjectId, ObjectiveId, ProjectSlug};
use paddock_model::project::Project;
use paddock_model::state::State;
use paddock_model::tamper;
use paddock_model::train::Subject;
use paddock_runner::LocalRunner;

/// What every effect may need.
pub(super) struct World {
    pub(super) workspace: Workspace,
    pub(super) environment: Environment,
    pub(super) runner: LocalRunner,
    pub(super) inbox: Inbox,
    pub(super) executor: Executor,
    pub(super) gauges: Arc<Gauges>,
    pub(super) tails: Tails,
    pub(super) exe: PathBuf,
    pub(super) radars: Radars,
    /// That something was over, which the kernel has not heard.
    pub(super) over: Pending,
    /// Effects ordered and not yet answered.
    pub(super) in_flight: AtomicUsize,
    /// The supervisor was told to end: nothing waits any more for what may take long to come.
    pub(super) is_ending: AtomicBool,
    repositories: Mutex<HashMap<PathBuf, Repository>>,
    /// For which target and tip it was last looked for work that bypassed the queue: it would be the same again.
    pub(super) bypass_looked: Mutex<HashMap<ProjectSlug, (ObjectId, ObjectId)>>,
    /// Projects that a look is under way for: another one would see nothing else.
    looking: Mutex<BTreeSet<ProjectSlug>>,
}

/// A repository as its project names it, copied out of the state for work on another thread.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) slug: ProjectSlug,
    pub(super) repo_root: PathBuf,
    pub(super) worktrees_root: PathBuf,
    pub(super) target_branch: String,
    pub(super) integration_ref: String,
    /// The integration ref is put at the tip wherever it is.
    pub(super) is_reset: bool,
    pub(super) tip: ObjectId,
    pub(super) is_external: bool,
    /// Queued objectives and their pinned heads.
    pub(super) queued: Vec<(ObjectiveId, ObjectId)>,
    pub(super) published: ObjectId,
    pub(super) trust: TrustRecord,
    pub(super) min_free_gb: f64,
    pub(super) copy: Vec<String>,
    /// The patterns of tests, and the gate's commands.
    pub(super) guarded: (Vec<String>, Vec<String>),
}

/// The objectives in a project's queue, with the heads that they are pinned at.
fn queued(project: &Project) -> Vec<(ObjectiveId, ObjectId)> {
    let found = project.train.entries.iter().filter_map(|entry| match &entry.subject {
        Subject::Objective(id) => Some((id.clone(), entry.head.clone())),
        Subject::Target => None,
    });
    found.collect()
}

fn guarded(project: &Project) -> (Vec<String>, Vec<String>) {
    let commands = project.settings.verify.iter().map(|command| command.run.clone()).collect();
    (tamper::patterns(project.settings.test_patterns.as_ref()), commands)
}

impl Site {
    pub(super) fn from_project(project: &Project) -> Self {
        Self {
            slug: project.slug.clone(),
            repo_root: PathBuf::from(&project.settings.repo_root),
            worktrees_root: PathBuf::from(&project.settings.worktrees_root),
            target_branch: project.settings.target_branch.clone(),
            integration_ref: project.integration_ref(),
            is_reset: project.integration.is_reset,
            tip: project.integration.tip.clone(),
            is_external: project.integration.is_external,
            queued: queued(project),
            published: project.integration.published.clone(),
            trust: project.trust.clone(),
            min_free_gb: project.settings.disk.min_free_gb,
            copy: project.settings.worktree.copy.clone(),
            guarded: guarded(project),
        }
    }

    pub(super) fn find(state: &State, slug: &ProjectSlug) -> Option<Self> {
        state.project(slug).map(Self::from_project)
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
            exe,
            radars: Radars::default(),
            over: Pending::default(),
            in_flight: AtomicUsize::new(0),
            is_ending: AtomicBool::new(false),
            repositories: Mutex::default(),
            bypass_looked: Mutex::default(),
            looking: Mutex::default(),
        }
    }

    /// Tells the kernel. When it is gone the process is ending, and the next start finds out by itself.
    pub(super) fn report(&self, input: Input) {
        drop(self.inbox.send(Message::Input(input)));
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.load(Ordering::SeqCst) == 0
    }

    pub(super) fn repository(&self, root: &Path) -> Result<Repository, GitError> {
        let mut known = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        // A folder that was moved away or unmounted is noticed here, not by a stale handle.
        if let Some(repository) = known.get(root).filter(|repository| repository.common_dir().is_dir()) {
            return Ok(repository.clone());
        }
        let repository = Repository::open(root)?;
        known.insert(root.to_owned(), repository.clone());
        Ok(repository)
    }

    /// The git directory of a project: of where its file says that the repository is, which may have moved since it
    /// was added; as recorded while it cannot be opened.
    pub(super) fn common_dir(&self, project: &Project) -> PathBuf {
        let found = self.repository(Path::new(&project.settings.repo_root));
        found.map_or_else(|_| PathBuf::from(&project.common_dir), |found| found.common_dir().to_owned())
    }

    /// Where the repositories are that were worked on.
    pub(super) fn repository_roots(&self) -> Vec<PathBuf> {
        self.repositories.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The repository of a site, if the configuration that can run programs is the one agreed to. Called
    /// before every use of git that could run them.
    pub(super) fn trusted(&self, site: &Site) -> Result<Repository, EffectError> {
        let repository = self.repository(&site.repo_root)?;
        let trust = read_trust(&repository)?;
        // What was agreed to of the repository's own file is compared where that file is read.
        let trust = with_agreement(trust, agreed(&site.trust));
        let changes = site.trust.changes(&trust);
        if changes.is_empty() {
            return Ok(repository);
        }
        self.report(Input::TrustRead { project: site.slug.clone(), trust });
        Err(EffectError::Untrusted(changes))
    }

    /// Who Paddock's own commits are by: the user, else Paddock.
    pub(super) fn identity(&self, repository: &Repository) -> Identity {
        let user = repository.facts().ok().and_then(|facts| facts.user_identity);
        let (name, email) = user.unwrap_or_else(|| ("Paddock".to_owned(), "paddock@localhost".to_owned()));
        Identity { name, email }
    }

    /// Whether a look may begin; a second one is not needed while one waits for its turn.
    pub(super) fn begin_look(&self, project: &ProjectSlug) -> bool {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner).insert(project.clone())
    }

    /// From here on another look would see something newer.
    pub(super) fn look_begins(&self, project: &ProjectSlug) {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner).remove(project);
    }
}
