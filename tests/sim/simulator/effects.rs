//! Effects on the modelled world. Like the real ones, each first finds out whether it has already happened.

use paddock_engine::effect::{Compare, Effect};
use paddock_engine::input::{
    CandidateAnswer, ChainMade, Input, LandingAnswer, MemberConflict, Problem, PublishAnswer,
};
use paddock_model::evidence::{ComparedCommand, Comparison, Tests};
use paddock_model::facts::{Relation, TargetFacts};
use paddock_model::gate::{GateRun, Start};
use paddock_model::ids::{EntryId, GateId, ObjectId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::project::{Project, PublicationWait, WaitCode};
use paddock_model::session::{Exit, ProcessEnd, Session, SessionKind, Stop};
use paddock_model::state::State;
use paddock_model::train::{Entry, Link, Subject};

use super::agent::{self, Behaviour};
use super::git::{Repo, is_green, tree_id};
use super::planning;
use super::remote;
use super::world::{Gate, Job, World};
use crate::rng::Rng;

/// Returns an effect's executor key. Effects with the same key run in order, one after the other.
pub(super) fn executor_key(effect: &Effect) -> String {
    match effect {
        Effect::StartSession { session }
        | Effect::StopSession { session, .. }
        | Effect::ExtendSession { session }
        | Effect::Harvest { session } => format!("session {session}"),
        Effect::StartGate { gate }
        | Effect::StopGate { gate }
        | Effect::KeepCaches { gate }
        | Effect::ReadChecks { gate } => {
            format!("gate {gate}")
        }
        Effect::MakeWorktree { objective, .. } | Effect::RemoveWorktree { objective } => {
            format!("worktrees of {}", objective.project)
        }
        Effect::MakeIntegration { project, .. }
        | Effect::Look { project }
        | Effect::MoveExternal { project, .. }
        | Effect::AdoptTarget { project, .. }
        | Effect::MakeCandidate { project, .. }
        | Effect::Land { project, .. }
        | Effect::WriteProof { project, .. }
        | Effect::PrepareTree { project, .. }
        | Effect::Push { project, .. }
        | Effect::FetchRemote { project, .. }
        | Effect::ForwardTarget { project, .. }
        | Effect::RemoveGateFolder { project, .. }
        | Effect::CompareTests { project, .. }
        | Effect::Publish { project, .. } => format!("git of {project}"),
    }
}

/// Runs one effect and puts its result into the inbox. An error means that a promise is broken.
pub(super) fn run(
    world: &mut World,
    rng: &mut Rng,
    state: &State,
    effect: Effect,
    calm: bool,
) -> Result<(), String> {
    let fails = (world.faults && rng.percent(5)) || world.disk_full;
    match effect {
        Effect::MakeIntegration { project, at } => make_integration(world, project, at, fails),
        Effect::Look { project } => look(world, state, project),
        Effect::MoveExternal { project, from, to } => {
            let result = move_external(world, &project, &from, &to);
            world.inbox.push(Input::ExternalMoved { project, to, result: result.map_err(Problem::new) });
        }
        Effect::AdoptTarget { project, from, landed } => {
            let result = adopt(world, &project, &from).map(|to| {
                let repo = &world.repos[&project];
                let lost = landed.into_iter().filter(|work| !repo.is_in(&work.commit, &to));
                (to.clone(), lost.map(|work| work.id).collect())
            });
            world.inbox.push(Input::TargetAdopted { project, result: result.map_err(Problem::new) });
        }
        Effect::MakeWorktree { objective, epoch } => make_worktree(world, state, objective, epoch, fails),
        Effect::RemoveWorktree { objective } => remove_worktree(world, state, objective),
        Effect::StartSession { session } => return start_session(world, rng, state, session, calm),
        Effect::StopSession { session, stop, now } => {
            let job = world.jobs.get_mut(&session);
            if let Some(job) = job.filter(|job| job.end.is_none()) {
                job.stop = Some((stop, now));
            }
        }
        Effect::ExtendSession { session } => {
            if let Some(job) = world.jobs.get_mut(&session) {
                job.deadline_ms += 60_000;
            }
        }
        Effect::Harvest { session } => harvest(world, state, session, fails && rng.percent(30)),
        Effect::MakeCandidate { project, members, onto, ahead } => {
            let Some(found) = state.project(&project) else { return Ok(()) };
            let answer = candidates(world, found, &members, &onto, fails);
            world.inbox.push(Input::CandidateAnswered { project, members, onto, ahead, answer });
        }
        Effect::StartGate { gate } => start_gate(world, state, gate, fails),
        Effect::ReadChecks { gate } => planning::read_checks(world, gate, fails),
        Effect::StopGate { gate } => {
            if let Some(gate) = world.gates.get_mut(&gate) {
                gate.stopped = true;
            }
        }
        Effect::CompareTests { project, wanted } => {
            let result = compared(world, &project, &wanted);
            world.inbox.push(Input::TestsCompared { project, wanted, result });
        }
        Effect::KeepCaches { .. } => {}
        Effect::Land { project, entry } => return land(world, state, project, entry, fails),
        Effect::WriteProof { project, commit } => {
            let result = if fails { Err("locked".to_owned()) } else { Ok("0".repeat(64)) };
            world.inbox.push(Input::ProofWritten { project, commit, result: result.map_err(Problem::new) });
        }
        Effect::PrepareTree { project, side_tree } => {
            let result = Err(Problem::new("the simulated repository has no such tree"));
            world.inbox.push(Input::TreePrepared { project, side_tree, result });
        }
        Effect::RemoveGateFolder { project, slot } => world.inbox.push(folder_removed(state, project, slot)),
        Effect::Push { project, commit, .. } => {
            let result = remote::push(world, rng);
            world.inbox.push(Input::PushAnswered { project, commit, result });
        }
        Effect::FetchRemote { project, tip } => {
            let result = remote::fetch(world, rng, &project, &tip);
            world.inbox.push(Input::RemoteFetched { project, tip, result });
        }
        Effect::ForwardTarget { project, published, to } => {
            let answer = remote::forward(world, &project, &published, &to);
            world.inbox.push(Input::TargetForwarded { project, to, answer });
        }
        Effect::Publish { project, published, to, create } => {
            let answer = publish(world, &project, &published, &to, create)?;
            world.inbox.push(Input::PublishAnswered { project, to, answer });
        }
    }
    Ok(())
}

fn folder_removed(state: &State, project: ProjectSlug, slot: u32) -> Input {
    let is_in = |run: &GateRun| run.project == project && run.slot == slot;
    let is_taken = state.open_gates().any(is_in);
    let result = if is_taken { Err("something is at work in it".to_owned()) } else { Ok(()) };
    Input::GateFolderRemoved { project, slot, result: result.map_err(Problem::new) }
}

fn make_integration(world: &mut World, project: ProjectSlug, at: ObjectId, fails: bool) {
    let repo = world.repos.get_mut(&project).unwrap();
    let tip = match fails {
        true => Err("locked".to_owned()),
        false => Ok(repo.integration.get_or_insert(at).clone()),
    };
    if fails {
        world.inbox.push(Input::RepositoryFine { project: project.clone() });
    }
    world.inbox.insert(0, Input::IntegrationMade { project, tip: tip.map_err(Problem::new) });
}

fn harvest(world: &mut World, state: &State, session: SessionId, fails: bool) {
    let Some(found) = state.session(session) else { return };
    if found.kind == SessionKind::Planner {
        return planning::harvest(world, found, fails);
    }
    let Some(objective) = state.objective(&found.objective) else { return };
    let facts = match fails {
        true => Err("unreadable".to_owned()),
        false => agent::harvest(world, found, &objective.branch()),
    };
    world.inbox.push(Input::Harvested { session, facts: facts.map_err(Problem::new) });
}

fn look(world: &mut World, state: &State, project: ProjectSlug) {
    let Some(found) = state.project(&project) else { return };
    let repo = &world.repos[&project];
    let (tip, published) = (found.integration.tip.clone(), found.integration.published.clone());
    let relation = |to: &ObjectId| repo.target.as_ref().map_or(Relation::Diverged, |t| repo.relation(t, to));
    let (to_tip, to_published) = (relation(&tip), relation(&published));
    if found.integration.is_external {
        let (commit, tree) = (tip.clone(), tree_id(repo.tree(&tip)));
        world.inbox.push(Input::ExternalSeen { project: project.clone(), commit, tree });
    }
    let repo = &world.repos[&project];
    let facts = TargetFacts { target: repo.target.clone(), tip, published, to_tip, to_published };
    world.inbox.push(Input::TargetLooked { project, facts });
}

fn move_external(
    world: &mut World,
    project: &ProjectSlug,
    from: &ObjectId,
    to: &ObjectId,
) -> Result<(), String> {
    let repo = world.repos.get_mut(project).unwrap();
    let at = repo.integration.clone().unwrap();
    if repo.is_in(to, &at) {
        return Ok(());
    }
    if at != *from || !repo.is_in(from, to) {
        return Err(format!("the integration ref is at {}", at.short()));
    }
    repo.integration = Some(to.clone());
    Ok(())
}

fn adopt(world: &mut World, project: &ProjectSlug, from: &ObjectId) -> Result<ObjectId, String> {
    let repo = world.repos.get_mut(project).unwrap();
    let at = repo.integration.clone().unwrap();
    if at != *from {
        return Ok(at);
    }
    let Some(target) = repo.target.clone() else { return Err("the target branch is gone".to_owned()) };
    repo.integration = Some(target.clone());
    Ok(target)
}

fn make_worktree(world: &mut World, state: &State, objective: ObjectiveKey, epoch: u64, fails: bool) {
    let Some(worktree) = state.objective(&objective).and_then(|o| o.worktree.clone()) else { return };
    let repo = world.repos.get_mut(&objective.project).unwrap();
    let result = if fails { Err("no space".to_owned()) } else { Ok(()) };
    if result.is_ok() {
        if !repo.branches.contains_key(&worktree.branch) {
            repo.branches.insert(worktree.branch.clone(), worktree.base.clone());
            repo.made.insert(worktree.branch.clone(), worktree.base);
        }
        repo.worktrees.entry(worktree.branch).or_default();
    }
    world.inbox.push(Input::WorktreeAnswered { objective, epoch, result: result.map_err(Problem::new) });
}

fn remove_worktree(world: &mut World, state: &State, objective: ObjectiveKey) {
    let Some(found) = state.objective(&objective) else { return };
    let repo = world.repos.get_mut(&objective.project).unwrap();
    let branch = found.branch();
    let head = repo.branches.remove(&branch);
    repo.worktrees.remove(&branch);
    let is_late = head.is_some_and(|head| !repo.is_in(&head, repo.integration.as_ref().unwrap()));
    let late = is_late.then(|| "refs/paddock/kept/late".to_owned());
    world.inbox.push(Input::WorktreeRemoved { objective, late });
}

fn start_session(
    world: &mut World,
    rng: &mut Rng,
    state: &State,
    id: SessionId,
    calm: bool,
) -> Result<(), String> {
    let Some(session) = state.session(id).filter(|s| s.status.has_processes()) else { return Ok(()) };
    if let Some(job) = world.jobs.get_mut(&id) {
        job.watched = true;
        world.adopted.push(id);
        world.inbox.push(Input::SessionStarted { session: id, pid: 1 });
        match job.end.clone() {
            None => {}
            Some(Some(process)) => world.inbox.push(Input::SessionExited { session: id, process }),
            Some(None) => world.inbox.push(Input::SessionLost { session: id }),
        }
        return Ok(());
    }
    if (world.faults && !calm && rng.percent(1)) || world.disk_full {
        world.inbox.push(Input::SessionRefused { session: id, problem: "no keeper".into() });
        return Ok(());
    }
    let key = &session.objective;
    if world.live_jobs(key) > 0 {
        return Err(format!("two live sessions for {key}"));
    }
    if session.kind == SessionKind::Planner {
        begin(world, session, planning::behaviour(world, session), 0);
        return Ok(());
    }
    let (behaviour, commits_left) = agent::choose(world, session, calm);
    let branch = state.objective(key).unwrap().branch();
    let repo = world.repos.get_mut(&key.project).unwrap();
    if !repo.worktrees.contains_key(&branch) {
        return Err(format!("session {id} of {key} starts without a worktree"));
    }
    let base = state.objective(key).and_then(|o| o.worktree.as_ref()).map(|worktree| &worktree.base);
    let is_from_tip = session.attempt == 1 || base == Some(&session.from);
    let head = &repo.branches[&branch];
    if is_from_tip && (repo.made.get(&branch) == Some(head) || repo.is_in(head, &session.from)) {
        repo.branches.insert(branch.clone(), session.from.clone());
        repo.made.insert(branch.clone(), session.from.clone());
    }
    // A branch with a person's commits may start elsewhere: Paddock leaves those commits as they are.
    if !repo.touched.contains(&branch) && !repo.is_in(&session.from, &repo.branches[&branch]) {
        return Err(format!("session {id} of {key} does not start from its branch"));
    }
    begin(world, session, behaviour, commits_left);
    Ok(())
}

fn begin(world: &mut World, session: &Session, behaviour: Behaviour, commits_left: u32) {
    let id = session.id;
    let job = Job {
        objective: session.objective.clone(),
        behaviour,
        from: session.from.clone(),
        commits_left,
        stop: None,
        deadline_ms: world.awake_ms + i64::from(session.budget.max_minutes) * 60_000,
        started_ms: Some(world.awake_ms),
        end: None,
        watched: true,
        misjudged: false,
    };
    world.jobs.insert(id, job);
    if behaviour == Behaviour::NotStarted {
        let exit = Exit::NotStarted("not found".to_owned());
        let process = ProcessEnd { exit, stop: None::<Stop>, awake_seconds: 0, survivors: 0 };
        world.jobs.get_mut(&id).unwrap().end = Some(Some(process.clone()));
        world.inbox.push(Input::SessionExited { session: id, process });
    } else {
        world.inbox.push(Input::SessionStarted { session: id, pid: 1 });
    }
}

/// Returns whether an entry's branch still has the head that was pinned.
fn is_at_head(repo: &Repo, entry: &Entry) -> bool {
    let at = match &entry.subject {
        Subject::Objective(id) => repo.branches.get(&format!("paddock/{id}/work")),
        Subject::Target | Subject::Remote => return true,
    };
    at == Some(&entry.head)
}

fn candidates(
    world: &mut World,
    project: &Project,
    members: &[EntryId],
    onto: &ObjectId,
    fails: bool,
) -> CandidateAnswer {
    let repo = world.repos.get_mut(&project.slug).unwrap();
    if fails {
        return CandidateAnswer::Failed("locked".into());
    }
    let mut made = ChainMade {
        onto_tree: tree_id(repo.tree(onto)),
        links: Vec::new(),
        separate: Vec::new(),
        sealed: !project.settings.verify.is_empty(),
        conflicts: Vec::new(),
        moved: Vec::new(),
    };
    let mut chain = onto.clone();
    for entry in members.iter().filter_map(|id| project.train.entry(*id)) {
        let id = entry.id;
        if !is_at_head(repo, entry) {
            made.moved.push(id);
            continue;
        }
        match (repo.merge(&chain, &entry.head), repo.merge(onto, &entry.head)) {
            (Ok(tree), _) => {
                let first = made.links.is_empty();
                chain = repo.commit(vec![chain, entry.head.clone()], tree.clone());
                let second = if first { entry.head.clone() } else { chain.clone() };
                let name = tree_id(&tree);
                let commit = repo.commit(vec![onto.clone(), second], tree);
                made.links.push(Link { entry: id, commit, tree: name });
            }
            (Err(_), Ok(_)) => made.separate.push(id),
            (Err(_), Err(paths)) => {
                made.conflicts.push(MemberConflict { entry: id, paths, text: "conflict".to_owned() });
            }
        }
    }
    CandidateAnswer::Made(Box::new(made))
}

fn start_gate(world: &mut World, state: &State, id: GateId, fails: bool) {
    let Some(gate) = state.gate(id).filter(|gate| gate.finished_ms.is_none()) else { return };
    if let Some(known) = world.gates.get_mut(&id) {
        known.watched = true;
        if let Some(results) = known.end.clone() {
            let from_nothing = known.from_nothing;
            world.inbox.push(Input::GateExited { gate: id, results, from_nothing });
        }
        return;
    }
    if fails {
        return world.inbox.push(Input::GateExited { gate: id, results: None, from_nothing: false });
    }
    let (project, commit) = (gate.project.clone(), gate.commit.clone());
    let is_recheck = gate.start == Start::FromNothing;
    let is_first = !world.gates.values().any(|known| known.project == project);
    let new = Gate {
        project,
        commit,
        commands: gate.commands.len().max(1),
        is_recheck,
        from_nothing: is_recheck || is_first,
        end: None,
        stopped: false,
        watched: true,
    };
    world.gates.insert(id, new);
}

fn land(
    world: &mut World,
    state: &State,
    project: ProjectSlug,
    entry: EntryId,
    fails: bool,
) -> Result<(), String> {
    let Some(found) = state.project(&project) else { return Ok(()) };
    let landing = found.train.landing.as_ref().filter(|landing| landing.members.first() == Some(&entry));
    let Some(landing) = landing else { return Ok(()) };
    let candidate = landing.candidate.clone();
    let repo = world.repos.get_mut(&project).unwrap();
    let at = repo.integration.clone().unwrap();
    let mut members = landing.members.iter().filter_map(|id| found.train.entry(*id));
    let answer = if repo.is_in(&candidate.commit, &at) {
        LandingAnswer::Landed
    } else if let Some(moved) = members.find(|entry| !is_at_head(repo, entry)) {
        LandingAnswer::HeadMoved { entry: moved.id }
    } else if fails {
        LandingAnswer::Failed("locked".into())
    } else if at == candidate.onto {
        if !found.settings.verify.is_empty() && !world.green.contains(&candidate.tree) {
            return Err(format!("{} lands although no gate was green on its tree", candidate.commit.short()));
        }
        let is_worse = is_green(repo.tree(&candidate.onto)) && !is_green(repo.tree(&candidate.commit));
        let is_worse = is_worse && !is_waived(state, found, &landing.members);
        if is_worse && !found.settings.verify.is_empty() {
            return Err(format!("{} lands with fewer tests than its base", candidate.commit.short()));
        }
        repo.integration = Some(candidate.commit.clone());
        LandingAnswer::Landed
    } else {
        LandingAnswer::Moved { found: Some(at) }
    };
    world.inbox.push(Input::LandingAnswered { project, entry, commit: candidate.commit, answer });
    Ok(())
}

/// Returns whether a person may land what fails tests: their own commits, or a head that they approved.
fn is_waived(state: &State, project: &Project, members: &[EntryId]) -> bool {
    let entries: Vec<&Entry> = members.iter().filter_map(|id| project.train.entry(*id)).collect();
    let approved = |entry: &Entry| match &entry.subject {
        Subject::Target | Subject::Remote => true,
        Subject::Objective(id) => {
            let key = ObjectiveKey { project: project.slug.clone(), id: id.clone() };
            let approval = state.objective(&key).and_then(|found| found.operated.approvals.last());
            approval.is_some_and(|approval| approval.head == entry.head)
        }
    };
    matches!(entries.as_slice(), [entry] if approved(entry))
}

/// Compares tests: the work in a red tree fails some that pass on a green base.
fn compared(world: &World, project: &ProjectSlug, wanted: &Compare) -> Result<Box<Comparison>, Problem> {
    let repo = &world.repos[project];
    let is_worse = is_green(repo.tree(&wanted.onto)) && !is_green(repo.tree(&wanted.commit));
    let command = ComparedCommand {
        name: "tests".to_owned(),
        tests: Tests::untold(),
        base: (!wanted.bases.is_empty()).then(Tests::untold),
        added: 0,
        added_names: Vec::new(),
        gone: Vec::new(),
        silent: Vec::new(),
        nameless: Vec::new(),
        fewer: 0,
        failures: u64::from(is_worse),
    };
    Ok(Box::new(Comparison { commands: vec![command], ..Comparison::default() }))
}

pub(super) fn waiting(code: WaitCode) -> PublicationWait {
    let text = "in the way".to_owned();
    PublicationWait { code, files: Vec::new(), text, since_ms: 0 }
}

fn publish(
    world: &mut World,
    project: &ProjectSlug,
    published: &ObjectId,
    to: &ObjectId,
    create: bool,
) -> Result<PublishAnswer, String> {
    if world.disk_full {
        return Ok(PublishAnswer::Waits(waiting(WaitCode::Other)));
    }
    let repo = world.repos.get_mut(project).unwrap();
    if !repo.is_in(to, repo.integration.as_ref().unwrap()) {
        return Err(format!("publishing {}, which is not on the integration ref", to.short()));
    }
    Ok(match repo.target.clone() {
        None if create => {
            repo.target = Some(to.clone());
            PublishAnswer::Published
        }
        Some(target) if target == *to => PublishAnswer::Published,
        Some(target) if target == *published && repo.is_in(&target, to) => {
            if world.in_the_way.contains(project) {
                return Ok(PublishAnswer::Waits(waiting(WaitCode::Untracked)));
            }
            repo.target = Some(to.clone());
            PublishAnswer::Published
        }
        _ => PublishAnswer::Moved,
    })
}
