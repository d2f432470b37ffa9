//! The gate in the status document: what its commands reported of tests, and the newest landing.

use super::{GateCommandStatus, LandingStatus, View};
use crate::evidence::{TestsStatus, evidence_status};
use crate::runners;
use crate::text::rfc3339;
use paddock_model::evidence::Source;
use paddock_model::gate::{CommandResult, GateRun, Purpose, Verdict};
use paddock_model::objective::{Landed, Objective};
use paddock_model::project::Project;
use paddock_model::settings::{GateCommand, TestsRule};
use paddock_model::state::State;

/// Newest gate runs that are searched, at most.
const RECENT: usize = 500;

/// Returns the gate's commands, and what each reported of tests when it last passed.
pub(super) fn commands(view: &View<'_>, project: &Project) -> Vec<GateCommandStatus> {
    let passed = |command: &GateCommand| last_passed(view.state, project, command);
    let found: Vec<_> = project.settings.verify.iter().map(|command| (command, passed(command))).collect();
    let tells = |found: &Option<(&GateRun, &CommandResult)>| {
        let tests = found.and_then(|(_, result)| result.tests.as_ref());
        tests.is_some_and(|tests| tests.source != Source::Exit)
    };
    let is_silent = !found.iter().any(|(_, found)| tells(found));
    let status = |(command, found): &(&GateCommand, Option<(&GateRun, &CommandResult)>)| {
        let tests = found.and_then(|(_, result)| result.tests.as_ref());
        let source = tests.map(|tests| tests.source);
        GateCommandStatus {
            name: command.name.clone(),
            verdict: found.map(|(_, result)| result.code().word()),
            tests: tests.map(TestsStatus::from),
            source,
            run: found.map(|(run, _)| run.id.0),
            rule: command.tests,
            exit_only: source == Some(Source::Exit)
                && command.tests != TestsRule::Off
                && (is_silent || runners::runs_tests(command)),
        }
    };
    found.iter().map(status).collect()
}

/// Returns the newest run in which a command passed on the base, or on work that may land, under the present
/// commands. Work that lost its tests says nothing about the command.
#[must_use]
pub fn last_passed<'s>(
    state: &'s State,
    project: &Project,
    command: &GateCommand,
) -> Option<(&'s GateRun, &'s CommandResult)> {
    let terms = project.settings.gate_terms();
    let is_own = |run: &&GateRun| run.project == project.slug && run.terms == terms && is_sound(run);
    state.gates().rev().take(RECENT).filter(is_own).find_map(|run| {
        let result = run.results.iter().find(|result| result.name == command.name)?;
        (result.verdict() == Verdict::Green).then_some((run, result))
    })
}

/// Returns whether a run judged the project's own commands on a tree that is, or may be, on the branch.
fn is_sound(run: &GateRun) -> bool {
    match &run.purpose {
        Purpose::Base { .. } | Purpose::External | Purpose::Recheck => true,
        Purpose::Candidate { .. } | Purpose::Ahead { .. } => {
            run.compared.as_ref().is_some_and(|compared| compared.outcome.may_land())
        }
        Purpose::Tamper { entries } => entries.is_empty(),
        // Other trees, or other commands.
        Purpose::Canary | Purpose::Phase { .. } => false,
    }
}

/// Returns the newest landing that a gate run judged.
pub(super) fn landing(view: &View<'_>, project: &Project) -> Option<LandingStatus> {
    let judged = |objective: &'_ Objective| -> Option<Landed> {
        objective.landed.clone().filter(|landed| landed.gate.is_some())
    };
    let all = view.state.objectives_of(&project.slug);
    let (objective, landed) = all
        .filter_map(|objective| Some((objective, judged(objective)?)))
        .max_by_key(|(_, landed)| landed.at_ms)?;
    let run = view.state.gate(landed.gate?)?;
    Some(LandingStatus {
        objective: objective.key.id.to_string(),
        commit: landed.commit.as_ref().map(ToString::to_string),
        at: rfc3339(landed.at_ms),
        evidence: evidence_status(run)?,
    })
}
