//! Harvests a session that is over: its commits, its uncommitted work, and what its agent said.

use std::fs;
use std::path::PathBuf;

use super::super::clock::now_ms;
use super::super::error::EffectError;
use super::super::homecoming;
use super::super::homes::Source;
use super::super::user_refs;
use super::super::world::{Site, World};
use super::attempts::{past_locks, patiently};
use super::copying::Copied;
use super::transcripts;
use super::worktrees::{Place, make_again_if_gone};
use paddock_engine::input::{Input, Problem};
use paddock_git::{CheckpointFacts, HeadElsewhere, Home, SalvageOrder, Worktree};
use paddock_model::facts::{CommitFacts, HarvestFacts, SetUpFacts};
use paddock_model::finding::ElsewhereHead;
use paddock_model::ids::{ObjectId, ObjectiveKey, SessionId};
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;
use paddock_model::session::{Exit, Salvage, Session};
use paddock_model::settings::Role;
use paddock_model::state::State;
use paddock_os::fail_points::{fail_point, trouble_point};

/// A session to harvest.
pub(in super::super) struct Order {
    site: Site,
    session: SessionId,
    objective: ObjectiveKey,
    path: PathBuf,
    branch: String,
    base: ObjectId,
    /// Head of the branch when the session began.
    from: ObjectId,
    /// Head of the objective at its last review, if there was one.
    reviewed: Option<ObjectId>,
    /// Ranges of commits (from, head) that earlier sessions of integrators made.
    integrated: Vec<(ObjectId, ObjectId)>,
    /// Whether this session is an integrator's.
    is_integrator: bool,
    /// Whether its set-up failed, so that no agent ran.
    is_unset_up: bool,
    source: transcripts::Source,
}

impl Order {
    pub(in super::super) fn from_state(state: &State, session: SessionId) -> Option<Self> {
        let session = state.session(session)?;
        let objective = state.objective(&session.objective)?;
        let worktree = objective.worktree.as_ref()?;
        let settings = &state.project(&session.objective.project)?.settings;
        let is_integrator = |session: &Session| {
            settings.worker(&session.worker).is_some_and(|worker| worker.role == Role::Integrator)
        };
        let earlier = objective.sessions.iter().filter_map(|id| state.session(*id));
        let stretch =
            |session: &Session| Some((session.from.clone(), session.harvest.as_ref()?.head.clone()));
        let integrated = earlier.filter(|session| is_integrator(session)).filter_map(stretch).collect();
        Some(Self {
            site: Site::find(state, &session.objective.project)?,
            session: session.id,
            objective: session.objective.clone(),
            path: PathBuf::from(&worktree.path),
            branch: worktree.branch.clone(),
            base: worktree.base.clone(),
            from: session.from.clone(),
            reviewed: objective.head.clone(),
            integrated,
            // A session that is harvested again, after a pause, is among `integrated` already.
            is_integrator: is_integrator(session) && session.harvest.is_none(),
            is_unset_up: session.process.as_ref().is_some_and(|p| matches!(p.exit, Exit::SetupFailed(_))),
            source: transcripts::Source::from_session(state, session),
        })
    }
}

/// Harvests a session.
///
/// Reconciled by reading again: a harvest changes nothing but refs that keep what would be lost, and the list
/// of the stash, which holds what the session took or left only the first time.
pub(in super::super) fn harvest(world: &World, order: &Order) {
    fail_point!("harvest.before");
    trouble_point!("harvest", order.site.slug.as_str());
    world.tails.end(order.session, &world.gauges);
    let doing = format!("session {} is harvested", order.session);
    let read = || world.with_disk_space(&order.site, &doing, || read(world, order));
    let facts = past_locks(world, &order.site, || patiently(read));
    let facts = facts.map(Box::new).map_err(|error| error.to_string());
    fail_point!("harvest.after");
    if facts.is_err()
        && let Some(problem) = world.why_unusable(&order.site.repo_root)
    {
        return world.report(Input::HarvestWaits { session: order.session, problem: Problem::new(problem) });
    }
    world.report(Input::Harvested { session: order.session, facts: facts.map_err(Problem::new) });
}

/// Reads worktree, branch and transcript.
fn read(world: &World, order: &Order) -> Result<HarvestFacts, EffectError> {
    // Not `trusted`: harvesting runs nothing that the git configuration names.
    let repository = world.repository(&order.site.repo_root)?;
    let place = Place {
        site: &order.site,
        objective: &order.objective,
        path: &order.path,
        branch: &order.branch,
        base: &order.base,
    };
    // The agent or a person may have deleted the folder. What was committed is still on the branch.
    make_again_if_gone(world, &place)?;
    let worktree = paddock_git::find_worktree(&repository, &order.path, &order.branch)?;
    let came = come_home(world, order, &repository, &worktree)?;
    remove_stale_locks(&worktree);
    let (tip, copy) = (&order.site.tip, &Copied::excluded(&worktree, &order.site.copy));
    let found =
        paddock_git::harvest(&repository, &worktree, &order.from, tip, order.reviewed.as_ref(), copy)?;
    let mut integrated = order.integrated.clone();
    integrated.extend(order.is_integrator.then(|| (order.from.clone(), found.head.clone())));
    let branch = paddock_git::read_branch(&repository, tip, &found.head, &integrated)?;
    let (tests, commands) = order.site.guarded.clone();
    let tests = Globs::new(&tests)?;
    let marks = repository.marks(tip, &found.head, &tests)?;
    let guarded = paddock_git::Guarded { tests, commands };
    // Compared with the tip and not with the session's beginning: the whole branch would land.
    let copied = copied(&repository, order, &worktree, &found)?;
    let tampered = repository.tampering(tip, &found.head, &guarded)?;
    // What a set-up that failed left half made is nobody's work: the next try finds it there.
    let uncommitted = if order.is_unset_up { Vec::new() } else { found.uncommitted };
    let salvage = match uncommitted.is_empty() {
        true => None,
        false => salvage(world, order, &repository, &worktree)?,
    };
    let left = user_refs::Left {
        session: order.session,
        objective: order.objective.id.as_str(),
        branch: &order.branch,
        head: &found.head,
        salvage: salvage.as_ref().map(|salvage| &salvage.commit),
    };
    let stash = user_refs::harvest(world, &order.site, &repository, &left)?;
    let stashed = match &came {
        Some((source, home)) => homecoming::keep_left(world, source, order.session.0, home)?,
        None => None,
    };
    let (summary, account) = transcripts::read(world, &order.source, found.commits.len());
    Ok(HarvestFacts {
        head: found.head,
        commits: found.commits.iter().map(commit_facts).collect(),
        net_paths: found.net_paths,
        bad_links: found.bad_links,
        // Of a linked worktree nothing comes home: its objects are the project's.
        left_behind: came.as_ref().map(|(_, home)| home.left_behind()).unwrap_or_default(),
        integrator_paths: branch.own_paths,
        secrets: branch.secrets,
        unsearched: branch.unsearched,
        tampered,
        marks,
        set_up: SetUpFacts {
            left: found.set_up.left,
            committed: found.set_up.committed,
            changed: found.set_up.changed,
            copied,
        },
        uncommitted,
        salvage: salvage.or(stashed).or(stash.salvage),
        stash_taken: stash.taken,
        head_elsewhere: found.head_elsewhere.and_then(head_elsewhere),
        summary,
        account,
    })
}

/// Brings everything home that a session left in an own place.
fn come_home(
    world: &World,
    order: &Order,
    repository: &paddock_git::Repository,
    worktree: &Worktree,
) -> Result<Option<(Source, Home)>, EffectError> {
    if !worktree.is_own {
        return Ok(None);
    }
    let source = Source {
        repository: repository.clone(),
        worktree: worktree.clone(),
        objective: order.objective.id.clone(),
    };
    let home = homecoming::last(world, order.session, &source)?;
    Ok(Some((source, home)))
}

/// Returns the paths of a branch that were copied into its worktree, or are new and match `worktree.copy`.
fn copied(
    repository: &paddock_git::Repository,
    order: &Order,
    worktree: &Worktree,
    found: &paddock_git::Harvest,
) -> Result<Vec<RepoPath>, EffectError> {
    let recorded = Copied::read(worktree).unwrap_or_default().paths;
    let globs = Globs::new(&order.site.copy)?;
    let is_meant = |path: &&RepoPath| recorded.contains(path) || globs.matches(path.as_bytes());
    let meant: Vec<RepoPath> = found.net_paths.iter().filter(is_meant).cloned().collect();
    // A tracked file that a pattern happens to match was never copied.
    Ok(repository.absent_at(&order.site.tip, &found.head, meant)?)
}

/// Removes git's locks from the worktree. The session's processes are dead, so no one holds them, and a lock
/// that is left would fail the next session's first commit.
fn remove_stale_locks(worktree: &Worktree) {
    for name in ["index.lock", "HEAD.lock"] {
        drop(fs::remove_file(worktree.git_dir.join(name)));
    }
}

/// Converts a commit to the type of the model.
fn commit_facts(found: &CheckpointFacts) -> CommitFacts {
    CommitFacts {
        commit: found.commit.clone(),
        summary: found.summary.clone(),
        paths: u32::try_from(found.paths.len()).unwrap_or(u32::MAX),
        is_merge: found.is_merge,
        is_empty: found.is_empty && !found.is_merge,
    }
}

/// Returns the agent's HEAD if it was not on the session's branch and a ref had to keep it.
fn head_elsewhere(found: HeadElsewhere) -> Option<ElsewhereHead> {
    let kept_as = found.kept.filter(|_| !found.taken_over)?;
    Some(ElsewhereHead { commit: found.commit, kept_as })
}

/// Commits uncommitted work to a ref of its own, since the next session may overwrite it.
fn salvage(
    world: &World,
    order: &Order,
    repository: &paddock_git::Repository,
    worktree: &Worktree,
) -> Result<Option<Salvage>, paddock_git::GitError> {
    let wanted = SalvageOrder {
        objective: order.objective.id.to_string(),
        session: order.session.0,
        exclude: Copied::excluded(worktree, &order.site.copy),
        identity: world.identity(repository),
        time_s: now_ms() / 1_000,
    };
    let kept = paddock_git::salvage(repository, worktree, &wanted)?;
    Ok(kept.map(homecoming::salvage_facts))
}
