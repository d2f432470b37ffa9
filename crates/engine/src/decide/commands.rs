//! What people ask for: checked, carried out or refused with what to do instead.

use super::plans;
use super::scribe::Scribe;
use super::target;
use crate::effect::Effect;
use crate::graph::Graph;
use paddock_model::command::{Answer, Command, Refusal, Reply, StopMode};
use paddock_model::event::Fact;
use paddock_model::facts::{RepositoryFacts, TrustRecord};
use paddock_model::ids::{ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::objective::ObjectiveSpec;
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::scope::Globs;
use paddock_model::session::{SessionBudget, Stop};
use paddock_model::settings::ProjectSettings;

pub(super) fn take(scribe: &mut Scribe<'_>, command: Command) -> Reply {
    if let Some(project) = command.project().filter(|project| scribe.state.project(project).is_none()) {
        return Err(unknown_project(scribe, project));
    }
    match command {
        Command::ProjectAdd { project, settings, repository } => {
            add_project(scribe, &project, settings, repository)
        }
        Command::ProjectEnable { project, enabled } => enable_project(scribe, project, enabled),
        Command::ProjectPause { project, paused } => pause_project(scribe, project, paused),
        Command::ProjectTrust { project, trust } => trust_project(scribe, project, trust),
        Command::ProjectSetTarget { project, order } => super::retarget::set(scribe, &project, &order),
        Command::ProjectRemove { project } => remove_project(scribe, &project),
        Command::ObjectivesAdd { project, objectives } => add_objectives(scribe, &project, objectives),
        Command::Objective { objective, order, by } => super::operate::take(scribe, &objective, order, &by),
        Command::Aim { aim, order } => super::hierarchy::take(scribe, &aim, order),
        Command::AimsImport { project, aims } => super::import::take(scribe, &project, &aims),
        Command::PlanNow { project } => plans::ask(scribe, &project),
        Command::PlanApply { project, plan } => plans::apply_written(scribe, &project, *plan),
        Command::PlanApprove { project } => plans::approve(scribe, &project),
        Command::PlanReject { project, note } => plans::reject(scribe, &project, &note),
        Command::SessionKill { session } => kill(scribe, session),
        Command::SessionExtend { session, minutes, commits, tokens, usd_micros } => {
            extend(scribe, session, &More { minutes, commits, tokens, usd_micros })
        }
        Command::AgentEnable { agent, enabled, by } => super::health::enable(scribe, &agent, enabled, by),
        Command::AgentChecked { agent, check } => super::health::checked(scribe, &agent, check),
        Command::QueueHold { project } => hold_queue(scribe, &project),
        Command::QueueRelease { project } => release_queue(scribe, &project),
        Command::QueueCanary { project } => super::asides::ask_canary(scribe, &project),
        Command::QueueAdopt { project } => adopt(scribe, &project),
        Command::QueueRepublish { project } => republish(scribe, &project),
        Command::QueuePublish { project } => publish(scribe, project),
        Command::SupervisorStop { mode } => stop(scribe, mode),
    }
}

fn enable_project(scribe: &mut Scribe<'_>, project: ProjectSlug, enabled: bool) -> Reply {
    let word = if enabled { "enabled" } else { "disabled" };
    let text = format!("project {project} is {word}");
    scribe.mark(&project);
    scribe.record(Fact::ProjectEnabled { project, enabled });
    Ok(Answer::text(text))
}

fn pause_project(scribe: &mut Scribe<'_>, project: ProjectSlug, paused: bool) -> Reply {
    let word = match paused {
        true => "paused: no new sessions start; running ones and the queue go on",
        false => "resumed",
    };
    let text = format!("project {project} is {word}");
    scribe.mark(&project);
    scribe.record(Fact::ProjectPaused { project, paused });
    Ok(Answer::text(text))
}

fn trust_project(scribe: &mut Scribe<'_>, project: ProjectSlug, trust: TrustRecord) -> Reply {
    scribe.record(Fact::ProjectTrusted { project: project.clone(), trust, landing: None });
    super::watch::release(scribe, &project, ReasonCode::Untrusted);
    let text = format!("project {project}: its git configuration is agreed to as it is now");
    scribe.order(Effect::Look { project });
    Ok(Answer::text(text))
}

fn publish(scribe: &mut Scribe<'_>, project: ProjectSlug) -> Reply {
    let text = format!("publishing {project} now; `paddock queue list` shows what waits, if anything");
    scribe.mark(&project);
    scribe.memo.publish_now.insert(project, false);
    Ok(Answer::text(text))
}

pub(super) fn unknown_project(scribe: &Scribe<'_>, project: &ProjectSlug) -> Refusal {
    let known: Vec<&str> = scribe.state.projects().map(|project| project.slug.as_str()).collect();
    match known.is_empty() {
        true => {
            Refusal::new(format!("there is no project {project}; `paddock project add PATH` registers one"))
        }
        false => Refusal::new(format!("there is no project {project}; there is: {}", known.join(", "))),
    }
}

fn add_project(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    settings: Box<ProjectSettings>,
    repository: RepositoryFacts,
) -> Reply {
    if scribe.state.project(slug).is_some() {
        return Err(Refusal::new(format!("project {slug} exists; choose another name with --slug")));
    }
    let same = scribe.state.projects().find(|other| other.common_dir == repository.common_dir);
    if let Some(other) = same {
        let text =
            format!("project {} works on this repository already; two projects never share one", other.slug);
        return Err(Refusal::new(text));
    }
    let (branch, at) = (settings.target_branch.clone(), repository.target.clone());
    scribe.mark(slug);
    scribe.record(Fact::ProjectAdded { project: slug.clone(), settings, repository });
    if branch.is_empty() {
        super::retarget::key_read(scribe, slug, None);
        return Ok(Answer::text(format!("project {slug} is registered; it waits for its target branch")));
    }
    scribe.order(Effect::MakeIntegration { project: slug.clone(), at: at.clone() });
    Ok(Answer::text(format!("project {slug} is registered; it lands on {branch}, now at {}", at.short())))
}

fn remove_project(scribe: &mut Scribe<'_>, project: &ProjectSlug) -> Reply {
    let is_busy = scribe.state.open_sessions().any(|session| session.objective.project == *project)
        || scribe.state.open_gates().any(|gate| gate.project == *project)
        || scribe.state.project(project).is_some_and(|p| p.train.landing.is_some());
    if is_busy {
        let text =
            format!("sessions or gate runs of {project} are in progress; disable it and let them end first");
        return Err(Refusal::new(text));
    }
    scribe.record(Fact::ProjectRemoved { project: project.clone() });
    let text =
        "is no longer managed; its branches, worktrees and refs stay as they are (but for those of its gate)";
    Ok(Answer::text(format!("project {project} {text}")))
}

fn add_objectives(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    objectives: Vec<(ObjectiveId, ObjectiveSpec)>,
) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    check_objectives(scribe, project, &objectives)?;
    scribe.mark(slug);
    let mut added = Vec::new();
    for (id, spec) in objectives {
        let objective = ObjectiveKey { project: slug.clone(), id };
        added.push(objective.clone());
        scribe.record(Fact::ObjectiveAdded { objective, spec: Box::new(spec) });
    }
    let names: Vec<String> = added.iter().map(|key| key.id.to_string()).collect();
    let text = format!("added {} to {slug}: {}", counted(added.len()), names.join(", "));
    Ok(Answer { text, objectives: added })
}

pub(super) fn counted(count: usize) -> String {
    match count {
        1 => "1 objective".to_owned(),
        n => format!("{n} objectives"),
    }
}

pub(super) fn check_objectives(
    scribe: &Scribe<'_>,
    project: &Project,
    new: &[(ObjectiveId, ObjectiveSpec)],
) -> Result<(), Refusal> {
    if new.is_empty() {
        return Err(Refusal::new("there is no objective in it"));
    }
    for (id, spec) in new {
        let key = ObjectiveKey { project: project.slug.clone(), id: id.clone() };
        let is_twice = new.iter().filter(|(other, _)| other == id).count() > 1;
        if is_twice || scribe.state.objective(&key).is_some() {
            return Err(Refusal::new(format!("objective {id} exists already; choose another id")));
        }
        check_spec(scribe, project, id, spec)?;
    }
    check_graph(scribe, project, new)
}

/// Whether what is asked for can be done in this project, but for the graph of dependencies.
pub(super) fn check_spec(
    scribe: &Scribe<'_>,
    project: &Project,
    id: &ObjectiveId,
    spec: &ObjectiveSpec,
) -> Result<(), Refusal> {
    if id.is_planner() {
        return Err(Refusal::new(format!("{id} is no objective's id")));
    }
    if spec.depends_on.contains(id) {
        return Err(Refusal::new(format!("objective {id} depends on itself: {id} -> {id}")));
    }
    if project.settings.worker(&spec.worker).is_none() {
        let known: Vec<&str> = project.settings.workers.iter().map(|worker| worker.id.as_str()).collect();
        let text =
            format!("objective {id}: there is no worker {}; there is: {}", spec.worker, known.join(", "));
        return Err(Refusal::new(text));
    }
    if let Some(phase) = &spec.phase {
        super::hierarchy::check_phase(scribe, &project.slug, phase)?;
    }
    Globs::new(&spec.path_scope).map_err(|error| Refusal::new(format!("objective {id}: {error}")))?;
    Ok(())
}

fn check_graph(
    scribe: &Scribe<'_>,
    project: &Project,
    new: &[(ObjectiveId, ObjectiveSpec)],
) -> Result<(), Refusal> {
    let existing = scribe.state.objectives_of(&project.slug);
    let nodes = existing.map(|o| (o.key.id.clone(), o.spec.depends_on.clone()));
    let added = new.iter().map(|(id, spec)| (id.clone(), spec.depends_on.clone()));
    let graph = Graph::from_edges(nodes.chain(added));
    if let Some(unknown) = graph.unknown_dependencies().first() {
        let text =
            format!("objective {} depends on {}, which does not exist", unknown.node, unknown.dependency);
        return Err(Refusal::new(text));
    }
    match graph.find_cycle() {
        Some(cycle) => Err(Refusal::new(format!("the dependencies form a cycle: {cycle}"))),
        None => Ok(()),
    }
}

fn kill(scribe: &mut Scribe<'_>, id: SessionId) -> Reply {
    let Some(session) = scribe.state.session(id) else {
        return Err(Refusal::new(format!("there is no session {id}; `paddock session list` shows them")));
    };
    let (objective, status) = (session.objective.clone(), session.status);
    if !status.has_processes() {
        return Err(Refusal::new(format!("session {id} is not running: it is {}", status.word())));
    }
    if session.stop != Some(Stop::Human) {
        let stop = Stop::Human;
        scribe.record(Fact::SessionStopping { objective: objective.clone(), session: id, stop, now: true });
    }
    scribe.order(Effect::StopSession { session: id, stop: Stop::Human, now: true });
    let whose = if objective.id.is_planner() { "the planner".to_owned() } else { objective.to_string() };
    let text = format!("session {id} of {whose} is being killed");
    Ok(Answer { text, objectives: about(objective) })
}

/// What a session is to get beyond its budget.
struct More {
    minutes: u32,
    commits: u32,
    tokens: u64,
    usd_micros: u64,
}

fn extend(scribe: &mut Scribe<'_>, id: SessionId, more: &More) -> Reply {
    let Some(session) = scribe.state.session(id) else {
        return Err(Refusal::new(format!("there is no session {id}; `paddock session list` shows them")));
    };
    if !session.status.is_at_work() {
        return Err(Refusal::new(format!("session {id} is not running: it is {}", session.status.word())));
    }
    let now = session.budget;
    if (more.minutes, more.commits, more.tokens, more.usd_micros) == (0, 0, 0, 0) {
        return Err(Refusal::new("say how much more: --minutes M, --commits C, --tokens T, --usd D"));
    }
    let unlimited = [(more.tokens, now.max_tokens, "tokens"), (more.usd_micros, now.max_usd_micros, "cost")];
    if let Some((_, _, what)) = unlimited.iter().find(|(more, limit, _)| *more > 0 && limit.is_none()) {
        return Err(Refusal::new(format!("session {id} has no limit of {what}: there is nothing to extend")));
    }
    let objective = session.objective.clone();
    let budget = SessionBudget {
        max_commits: now.max_commits.saturating_add(more.commits),
        max_minutes: now.max_minutes.saturating_add(more.minutes),
        max_tokens: now.max_tokens.map(|tokens| tokens.saturating_add(more.tokens)),
        max_usd_micros: now.max_usd_micros.map(|usd| usd.saturating_add(more.usd_micros)),
    };
    scribe.record(Fact::SessionExtended { objective: objective.clone(), session: id, budget });
    scribe.order(Effect::ExtendSession { session: id });
    let text = format!("session {id} may now use {}", super::budgets::described(&budget));
    Ok(Answer { text, objectives: about(objective) })
}

/// A session of the planner is about no objective.
fn about(objective: ObjectiveKey) -> Vec<ObjectiveKey> {
    if objective.id.is_planner() { Vec::new() } else { vec![objective] }
}

fn stop(scribe: &mut Scribe<'_>, mode: StopMode) -> Reply {
    super::lifecycle::stop(scribe, mode);
    let text = match mode {
        StopMode::Graceful => "stopping: sessions are asked to stop and harvested",
        StopMode::Now => "stopping now: sessions are killed and harvested",
        StopMode::Leave => "stopping: sessions go on under their keepers",
    };
    Ok(Answer::text(text))
}

fn hold_queue(scribe: &mut Scribe<'_>, project: &ProjectSlug) -> Reply {
    scribe.mark(project);
    let clears = format!("`paddock --project {project} queue release`");
    let reason = Reason::new(ReasonCode::QueueHeld, scribe.now_ms, "a person holds the merge queue", clears);
    scribe.record(Fact::QueueHeld { project: project.clone(), reason });
    Ok(Answer::text(format!("the merge queue of {project} is held; `paddock queue release` lets it go on")))
}

/// What stops the whole project is not cleared by letting the queue go on: it says itself what clears it.
fn release_queue(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    let other = project.landing_hold().map(|reason| format!("{}; {}", reason.text, reason.clears));
    match (project.train.held.is_some(), &other) {
        (false, Some(other)) => {
            Err(Refusal::new(format!("`queue release` does not clear what stops {slug}: {other}")))
        }
        (_, other) => {
            let text = match other {
                Some(other) => format!("the merge queue of {slug} is released, but {other}"),
                None => format!("the merge queue of {slug} goes on"),
            };
            scribe.mark(slug);
            scribe.record(Fact::QueueReleased { project: slug.clone() });
            Ok(Answer::text(text))
        }
    }
}

/// Refuses what would act on a target branch that is not settled, with the way out.
fn refuse_unsettled(project: &Project, codes: &[ReasonCode]) -> Result<(), Refusal> {
    match codes.iter().find_map(|code| project.holds.get(code)) {
        Some(reason) => Err(Refusal::new(format!("{}; {}", reason.text, reason.clears))),
        None => Ok(()),
    }
}

fn adopt(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Reply {
    let Some(project) = scribe.state.project(slug).cloned() else {
        return Err(unknown_project(scribe, slug));
    };
    use ReasonCode as R;
    refuse_unsettled(&project, &[R::TargetUnset, R::TargetChanged, R::TargetMissing])?;
    if !project.holds.contains_key(&ReasonCode::TargetRewritten) {
        if let Some(reply) = super::bypass::accept(scribe, slug) {
            return reply;
        }
        let branch = &project.settings.target_branch;
        let text = format!("there is nothing to adopt: {branch} descends from what was published");
        return Err(Refusal::new(text));
    }
    target::adopt(scribe, &project);
    Ok(Answer::text(format!(
        "{} is taken as it is; landings that it lacks go to needs_review",
        project.settings.target_branch
    )))
}

fn republish(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    refuse_unsettled(project, &[ReasonCode::TargetUnset, ReasonCode::TargetChanged])?;
    let integration = project.integration.clone();
    let branch = project.settings.target_branch.clone();
    let is_missing = project.holds.contains_key(&ReasonCode::TargetMissing);
    let is_rewritten = project.holds.contains_key(&ReasonCode::TargetRewritten);
    let published = match &integration.target {
        _ if is_missing => integration.tip.clone(),
        Some(target) if is_rewritten => target.clone(),
        _ => {
            return Err(Refusal::new(format!(
                "there is nothing to republish: {branch} holds what was published"
            )));
        }
    };
    super::watch::release(scribe, slug, ReasonCode::TargetMissing);
    super::watch::release(scribe, slug, ReasonCode::TargetRewritten);
    // Commits that stood on the branch before are nobody's to merge any more.
    target::drop_users_entry(scribe, slug, None);
    scribe.record(Fact::RepublishAsked { project: slug.clone(), published });
    if is_missing {
        scribe.memo.publish_now.insert(slug.clone(), true);
    } else {
        scribe.order(Effect::Look { project: slug.clone() });
    }
    Ok(Answer::text(format!("landed work is brought onto {branch} again")))
}
