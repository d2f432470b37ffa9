//! Builds the status document from the state.

use super::{
    BudgetStatus, ExitStatus, IntegrationStatus, LandedStatus, NeedStatus, ObjectiveStatus, ProjectStatus,
    PullStatus, ReasonStatus, RefsMovedStatus, SessionBudgetStatus, SessionStatus, StatusDocument,
    SupervisorStatus, UpstreamStatus, UsageStatus, Used, View, gate, node_status, queue,
};
use crate::evidence;
use crate::text::rfc3339;
use paddock_model::answers::Surroundings;
use paddock_model::budget::spent_since;
use paddock_model::needs::{Need, NeedKind};
use paddock_model::objective::{Landed, Objective, Status, WorktreeStage};
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::scope::OverlapCache;
use paddock_model::session::{Exit, ProcessEnd, Session, SessionBudget};
use paddock_model::side_runs::PullStage;
use paddock_model::usage::{Tokens, dollars};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Returns the status document of all projects, or of the project `only`.
#[must_use]
pub fn document(view: &View<'_>, only: Option<&paddock_model::ids::ProjectSlug>) -> StatusDocument {
    let supervisor = SupervisorStatus {
        running: view.supervisor.is_some(),
        pid: view.supervisor.as_ref().and_then(|holder| holder.pid),
        since: view.supervisor.as_ref().and_then(|holder| holder.since.clone()),
    };
    let wanted = view.state.projects().filter(|project| only.is_none_or(|only| project.slug == *only));
    StatusDocument {
        version: 1,
        workspace: view.workspace.display().to_string(),
        supervisor,
        projects: wanted.map(|project| project_status(view, project)).collect(),
    }
}

fn project_status(view: &View<'_>, project: &Project) -> ProjectStatus {
    let count = |status: Status| (status.word(), view.state.in_status(&project.slug, status).len());
    let (needs, line) =
        ((view.answers.needs)(view.state, &project.slug), view.state.active_line(&project.slug));
    let of_project = || needs.iter().filter(|need| !matches!(need.kind, NeedKind::Objective(_)));
    // An agent that needs a person does not hold the project: another agent can do the work.
    let is_held = of_project().any(|need| !matches!(need.kind, NeedKind::Agent(_)));
    let sessions: Vec<&Session> =
        view.state.sessions().filter(|session| session.objective.project == project.slug).collect();
    let recent = |session: &&&Session| {
        // Sessions that ended earlier are left out, since they grow without limit; `--all` adds them.
        let ended = session.finished_ms.is_none_or(|at_ms| at_ms >= view.now_ms - DAY_MS);
        view.all || session.status.is_open() || ended
    };
    ProjectStatus {
        slug: project.slug.to_string(),
        name: project.settings.name.clone(),
        target_branch: project.settings.target_branch.clone(),
        integration: integration(project),
        state: state_word(view, project, is_held),
        reasons: of_project().map(|need| reason_status(&need.reason)).collect(),
        needs: needs.iter().map(need_status).collect(),
        goal: line.goal.map(node_status).unwrap_or_default(),
        milestone: line.milestone.map(node_status).unwrap_or_default(),
        phase: line.phase.map(node_status).unwrap_or_default(),
        next_goal: line
            .goal
            .and_then(|goal| view.state.next_after(goal))
            .map(node_status)
            .unwrap_or_default(),
        counts: Status::ALL.iter().copied().map(count).collect(),
        slots: project.settings.max_parallel_sessions,
        budget: budget(view, project),
        objectives: objectives(view, project),
        sessions: sessions.iter().filter(recent).map(|session| session_status(view, session)).collect(),
        queue: queue::queue(view, project),
        radar: queue::radar(project),
        canary: queue::canary(project),
        recheck: queue::recheck(view, project),
        gate_slots: queue::gate_slots(project),
        gate: gate::commands(view, project),
        landing: gate::landing(view, project),
        git_configuration_off: project.switched_off.clone(),
        upstream: upstream(project),
        pull: pull(project),
        set_up_leaves: project.set_ups.left.iter().map(ToString::to_string).collect(),
        copies_missed: project.set_ups.missed.clone(),
        refs_moved: refs_moved(project, if view.all { i64::MIN } else { view.now_ms - DAY_MS }),
    }
}

/// Returns the refs of the user that changed from `since_ms` on while sessions ran.
pub(crate) fn refs_moved(project: &Project, since_ms: i64) -> RefsMovedStatus {
    let (total, names) = project.refs_moved_since(since_ms);
    RefsMovedStatus { total, names: names.into_iter().map(str::to_owned).collect() }
}

fn integration(project: &Project) -> IntegrationStatus {
    let waits = project.integration.waits.as_ref();
    IntegrationStatus {
        reference: project.integration_ref(),
        commit: project.integration.tip.to_string(),
        ahead: project.integration.unpublished.len(),
        waiting_for: waits
            .map(|wait| wait.files.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
    }
}

fn state_word(view: &View<'_>, project: &Project, is_held: bool) -> &'static str {
    use ReasonCode as R;
    let holds = |codes: &[R]| project.holds.keys().any(|code| codes.contains(code));
    let is_busy = view.state.open_sessions().any(|session| session.objective.project == project.slug)
        || view.state.open_gates().any(|gate| gate.project == project.slug);
    let needs_human = !view.state.in_status(&project.slug, Status::NeedsReview).is_empty();
    // Faults come first, since they explain all the rest. Running work comes before needs of a person, so
    // that a project whose other objectives go on is not shown as waiting.
    match () {
        () if holds(&[R::RepositoryBroken, R::ConfigBroken, R::Claimed, R::EffectPanicked]) => "broken",
        () if holds(&[R::TargetRewritten]) => "target_rewritten",
        () if holds(&[R::TargetMissing]) => "target_missing",
        () if !project.is_enabled() => "disabled",
        () if project.paused => "paused",
        () if is_busy => "working",
        () if needs_human || is_held => "waiting",
        () if view.supervisor.is_some() && has_work(view, project) => "working",
        () => "idle",
    }
}

fn has_work(view: &View<'_>, project: &Project) -> bool {
    [Status::Ready, Status::Active, Status::Review, Status::Queued]
        .into_iter()
        .any(|status| !view.state.in_status(&project.slug, status).is_empty())
}

pub(crate) fn need_status(need: &Need) -> NeedStatus {
    let (mut objective, mut agent, mut worker) = (None, None, None);
    match &need.kind {
        NeedKind::Objective(key) => objective = Some(key.id.to_string()),
        NeedKind::Agent(id) => agent = Some(id.clone()),
        NeedKind::Worker(id) => worker = Some(id.clone()),
        _ => {}
    }
    let ReasonStatus { code, text, since, clears } = reason_status(&need.reason);
    NeedStatus { code, text, since, clears, about: need.kind.word(), objective, agent, worker }
}

pub(crate) fn reason_status(reason: &Reason) -> ReasonStatus {
    let code = serde_json::to_value(reason.code).ok();
    ReasonStatus {
        code: code.and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default(),
        text: reason.text.clone(),
        since: rfc3339(reason.since_ms),
        clears: reason.clears.clone(),
    }
}

fn objectives(view: &View<'_>, project: &Project) -> Vec<ObjectiveStatus> {
    let facts = Surroundings {
        supervisor_running: view.supervisor.is_some(),
        now_ms: view.now_ms,
        max_parallel: None,
    };
    // One cache for all objectives: whether two scopes overlap is asked again and again for the same pairs.
    let mut overlaps = OverlapCache::default();
    let all = view.state.objectives_of(&project.slug);
    all.map(|objective| {
        let reason = (view.answers.why)(view.state, objective, &facts, &mut overlaps);
        objective_status(view, objective, reason.as_ref())
    })
    .collect()
}

fn objective_status(view: &View<'_>, objective: &Objective, reason: Option<&Reason>) -> ObjectiveStatus {
    let worktree = objective.worktree.as_ref();
    // A worktree that is only ordered has no folder yet, and a removed one no longer has any.
    let is_there =
        worktree.filter(|worktree| matches!(worktree.stage, WorktreeStage::Ready | WorktreeStage::Removing));
    ObjectiveStatus {
        id: objective.key.id.to_string(),
        title: objective.spec.title.clone(),
        status: objective.status.word(),
        since: rfc3339(objective.since_ms),
        reason: reason.map(reason_status),
        priority: objective.spec.priority,
        depends_on: objective.spec.depends_on.iter().map(ToString::to_string).collect(),
        path_scope: objective.spec.path_scope.clone(),
        branch: is_there.map(|worktree| worktree.branch.clone()),
        worktree: is_there.map(|worktree| worktree.path.clone()),
        retries: objective.retries,
        expansions: objective.expansions,
        sessions: objective.sessions.iter().map(|session| session.0).collect(),
        landed: objective.landed.as_ref().map(|landed| landed_status(view, landed)),
    }
}

fn landed_status(view: &View<'_>, landed: &Landed) -> LandedStatus {
    let run = landed.gate.and_then(|gate| view.state.gate(gate));
    LandedStatus {
        commit: landed.commit.as_ref().map(ToString::to_string),
        at: rfc3339(landed.at_ms),
        published_at: landed.published_at_ms.map(rfc3339),
        verified: landed.verified,
        gate: landed.gate.map(|gate| gate.0),
        tests: run.and_then(evidence::verdict),
    }
}

fn upstream(project: &Project) -> Option<UpstreamStatus> {
    let found = project.upstream.as_ref()?;
    let text = found.sentence(&project.settings.target_branch);
    Some(UpstreamStatus { name: found.name.clone(), behind: found.behind, text })
}

fn pull(project: &Project) -> Option<PullStatus> {
    let pull = project.pushing.pull.as_ref()?;
    let state = match &pull.stage {
        PullStage::Fetching => "fetching",
        PullStage::Forwarding(_) => "forwarding",
        PullStage::Merging(_) => "merging",
        PullStage::Merged => "merged",
        PullStage::Failed(_) => "failed",
    };
    let failure = project.pushing.pull_failure();
    let files = failure.map_or(&[][..], |failure| &failure.files);
    Some(PullStatus {
        state,
        round: pull.round,
        since: rfc3339(pull.since_ms),
        problem: failure.map(|failure| failure.text.clone()),
        files: files.iter().map(ToString::to_string).collect(),
    })
}

/// Returns the status of a session, as every list of sessions shows it.
#[must_use]
pub fn session_status(view: &View<'_>, session: &Session) -> SessionStatus {
    let folder = view.workspace.join("runtime/sessions").join(session.id.to_string());
    SessionStatus {
        id: session.id.0,
        kind: session.kind.word(),
        objective: (!session.objective.id.is_planner()).then(|| session.objective.id.to_string()),
        agent: session.agent.clone(),
        worker: session.worker.clone(),
        status: session.status.word(),
        // Without this filter, a pid that the system has given to another process would be shown.
        pid: session.pid.filter(|_| session.status.has_processes()),
        started_at: session.started_ms.map(rfc3339),
        finished_at: session.finished_ms.map(rfc3339),
        exit: session.process.as_ref().map(|process| exit_status(process, &session.budget)),
        commits: session.harvest.as_ref().map_or(0, |harvest| harvest.commits),
        budget: SessionBudgetStatus {
            max_commits: session.budget.max_commits,
            max_minutes: session.budget.max_minutes,
            max_tokens: session.budget.max_tokens,
            max_usd: session.budget.max_usd_micros.map(dollars),
        },
        usage: UsageStatus {
            tokens: session.account.usage.tokens.map(Tokens::total),
            usd: session.account.usage.usd(),
        },
        // The first segment is never dropped, so this path stays valid; scripts find later segments in the
        // same folder.
        log: folder.join("stdout.log.0").display().to_string(),
        job_slot: None,
    }
}

fn exit_status(process: &ProcessEnd, budget: &SessionBudget) -> ExitStatus {
    let (code, signal) = match &process.exit {
        Exit::Code(code) | Exit::DiskFull(code) => (Some(*code), None),
        Exit::Signal(signal) => (None, Some(*signal)),
        // The agent did not run, so it has neither a code nor a signal; the text says why.
        Exit::NotStarted(_) | Exit::SetupFailed(_) => (None, None),
    };
    ExitStatus { code, signal, text: process.words(budget) }
}

/// Returns what sessions used since the day began. A session that runs over midnight counts only with today's
/// part.
fn budget(view: &View<'_>, project: &Project) -> BudgetStatus {
    // Without the live figures of running sessions, which only the supervisor has.
    let spent = spent_since(view.state, &project.slug, view.day_ms, view.now_ms, |_| None);
    let limits = &project.settings.budget;
    BudgetStatus {
        session_minutes: Used { used: Some(spent.minutes), limit: limits.session_minutes },
        tokens: Used { used: spent.known_tokens(), limit: limits.tokens },
        usd: Used { used: spent.known_usd(), limit: limits.usd },
    }
}
