//! Why a queued objective has not landed yet.

use super::stops::{project_stop, reason, stopped};
use crate::listing::a_few_of;
use crate::train::in_order;
use paddock_model::answers::Surroundings;
use paddock_model::clock;
use paddock_model::gate::{GateRun, Purpose};
use paddock_model::ids::GateId;
use paddock_model::objective::Objective;
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::side_runs::Guard;
use paddock_model::state::State;
use paddock_model::train::{Entry, Subject};

pub(super) fn why(state: &State, project: &Project, objective: &Objective, facts: &Surroundings) -> Reason {
    // A hold stops everything but a landing whose intent is recorded: the ref may have moved already.
    let order = in_order(&project.train);
    let is_own = |entry: &&Entry| entry.subject == Subject::Objective(objective.key.id.clone());
    let place = order.iter().position(is_own);
    let entry = place.map(|place| order[place]);
    let is_landing = entry.is_some_and(|entry| project.train.is_landing(entry.id));
    let hold = project.train.held.clone().or_else(|| project.landing_hold().cloned());
    if let Some(hold) = hold.filter(|_| !is_landing) {
        return hold;
    }
    // A disabled project outranks a missing supervisor, which would not move it either.
    let disabled = (!project.is_enabled()).then(|| project_stop(project, objective)).flatten();
    if let Some(stop) = disabled.or_else(|| stopped(objective, facts)) {
        return stop;
    }
    match (entry, place) {
        (Some(entry), Some(place)) => queued(state, project, objective, entry, &order[..place], facts),
        _ => reason(objective, ReasonCode::Building, "enters the merge queue", "the next cycle"),
    }
}

fn queued(
    state: &State,
    project: &Project,
    objective: &Objective,
    entry: &Entry,
    before: &[&Entry],
    facts: &Surroundings,
) -> Reason {
    let train = &project.train;
    if train.is_landing(entry.id) {
        return reason(objective, ReasonCode::Landing, "it is landing", "the integration ref moves");
    }
    if let Some(until_ms) = entry.not_before_ms.filter(|at_ms| !clock::is_over(*at_ms, facts.now_ms)) {
        let seconds = (until_ms - facts.now_ms + 999) / 1000;
        let text = format!("first in the merge queue; tried again in {seconds} s");
        return reason(objective, ReasonCode::Backoff, text, "the time passes");
    }
    // An entry that waits for its guard is left out of the chain, whatever its place is.
    if let Some(guard) = entry.guard.as_ref().filter(|guard| !guard.settled) {
        return guarded(state, project, objective, entry, guard);
    }
    if let Some(run) = run_of(state, project, entry) {
        return gated(run, entry);
    }
    if train.is_separate(entry.id) {
        let text = "its branch conflicts with entries that are tried before it, and waits for them";
        return reason(objective, ReasonCode::QueueBehind, text, "they land or leave the queue");
    }
    let chain = train.chain.as_ref();
    let place = chain.and_then(|chain| chain.links().iter().position(|link| link.entry == entry.id));
    match (chain, place) {
        (Some(chain), _) if chain.is_building && chain.asked.contains(&entry.id) => {
            reason(objective, ReasonCode::Building, "its merge is being made", "the merge is made")
        }
        // No chain yet: the next plan asks for one, with this entry first.
        (None, _) if before.is_empty() => {
            reason(objective, ReasonCode::Building, "its merge is being made", "the merge is made")
        }
        (Some(_), Some(0)) if recheck_before(state, project).is_some() => {
            let run = recheck_before(state, project).map(|gate| gate.to_string()).unwrap_or_default();
            let text = format!("waits for the day's gate run on what has landed, from nothing (run {run})");
            reason(objective, ReasonCode::QueueBehind, text, "that run ends")
        }
        (Some(_), Some(0)) if tip_run(state, project).is_some() => {
            let run = tip_run(state, project).map(|gate| gate.to_string()).unwrap_or_default();
            let text = format!("waits for the gate on the tip, to know which tests are there (run {run})");
            reason(objective, ReasonCode::Gating, text, "that run ends")
        }
        // Its own merge is the next to be tried, and needs no other entry to land.
        (Some(_), Some(0)) => {
            reason(objective, ReasonCode::Gating, "its gate run is starting", "the gate ends")
        }
        (Some(chain), Some(place)) => {
            let names = listed(&before[..place.min(before.len())]);
            let text = format!("in batch {} of the merge queue, behind {names}", chain.number);
            reason(objective, ReasonCode::QueueBehind, text, "the entries before it land or leave the queue")
        }
        _ => {
            let text = format!("number {} in the merge queue, behind {}", before.len() + 1, listed(before));
            reason(objective, ReasonCode::QueueBehind, text, "the entries before it land or leave the queue")
        }
    }
}

/// Explains an entry whose tamper guard is due: it changed tests that its scope does not name, so the gate
/// has to be green with the original versions of these tests.
fn guarded(state: &State, project: &Project, objective: &Objective, entry: &Entry, guard: &Guard) -> Reason {
    const SHOWN: usize = 3;
    let names: Vec<String> = guard.paths.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = guard.paths.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let what = format!("its changes to tests undone ({}{more})", names.join(", "));
    let id = &objective.key.id;
    let clears = format!(
        "the gate is green with the original tests; `paddock queue drop {id}` takes the objective out of the \
         queue, and an approval lets it pass"
    );
    match run_of(state, project, entry) {
        Some(run) => {
            let text = format!("the gate runs on its merge with {what} (run {})", run.id);
            Reason::new(ReasonCode::Gating, run.started_ms, text, clears)
        }
        None => {
            let text = format!("waits for a gate run on its merge with {what}");
            reason(objective, ReasonCode::QueueBehind, text, &clears)
        }
    }
}

/// Returns the recheck that has a slot while none is free for the queue.
fn recheck_before(state: &State, project: &Project) -> Option<GateId> {
    let runs = || state.open_gates().filter(|run| run.project == project.slug);
    let recheck = runs().find(|run| run.purpose == Purpose::Recheck && !run.cancelled)?;
    (runs().count() >= project.gate_slots() as usize).then_some(recheck.id)
}

/// Returns the run that finds out which tests are on the tip.
fn tip_run(state: &State, project: &Project) -> Option<GateId> {
    let is_tip = |run: &&GateRun| {
        run.project == project.slug && run.purpose == Purpose::Base { entries: Vec::new() } && !run.cancelled
    };
    state.open_gates().find(is_tip).map(|run| run.id)
}

/// Returns the names of the first few entries, and the number of the others.
fn listed(entries: &[&Entry]) -> String {
    const SHOWN: usize = 5;
    let names: Vec<String> = entries.iter().map(|entry| name(entry)).collect();
    a_few_of(&names, SHOWN)
}

/// Returns the open gate run with the fewest members that includes this entry: it tells the most about it.
fn run_of<'s>(state: &'s State, project: &Project, entry: &Entry) -> Option<&'s GateRun> {
    let has_entry = |run: &&GateRun| {
        run.project == project.slug && !run.cancelled && run.purpose.entries().contains(&entry.id)
    };
    state.open_gates().filter(has_entry).min_by_key(|run| run.purpose.entries().len())
}

fn gated(run: &GateRun, entry: &Entry) -> Reason {
    let gate = run.id;
    let text = match &run.purpose {
        Purpose::Base { .. } => {
            format!("the gate runs on the tip without it, to compare (run {gate})")
        }
        Purpose::Ahead { .. } => format!("the gate runs on its merge ahead of its turn (run {gate})"),
        Purpose::Candidate { entries } if entries.len() > 1 => {
            let place = entries.iter().position(|id| *id == entry.id).unwrap_or(0) + 1;
            format!("the gate runs on a batch of {}; it is number {place} in it (run {gate})", entries.len())
        }
        Purpose::Candidate { .. }
        | Purpose::External
        | Purpose::Canary
        | Purpose::Tamper { .. }
        | Purpose::Phase { .. }
        | Purpose::Recheck => format!("the gate runs on its merge (run {gate})"),
    };
    Reason::new(ReasonCode::Gating, run.started_ms, text, "the gate ends")
}

fn name(entry: &Entry) -> String {
    match &entry.subject {
        Subject::Objective(id) => id.to_string(),
        Subject::Target => "your own commits".to_owned(),
        Subject::Remote => "the commits of the remote".to_owned(),
    }
}
