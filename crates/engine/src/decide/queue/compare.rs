//! Comparisons of a candidate's tests with those on its base, and what follows for the branch.

use crate::decide::queue::entries::drop_entry;
use crate::decide::queue::holds::hold_queue;
use crate::decide::scribe::Scribe;
use crate::decide::sessions::retries::human;
use crate::decide::sessions::send_back;
use crate::effect::{Compare, Effect};
use crate::evidence::outcome;
use crate::input::Problem;
use crate::judge::Evidence;
use crate::tamper::Leave;
use paddock_model::event::{Dropped, Fact};
use paddock_model::evidence::{ComparedCommand, Comparison, Gone, Outcome};
use paddock_model::finding::{Finding, FindingCode};
use paddock_model::gate::GateRun;
use paddock_model::ids::{EntryId, GateId, ObjectiveKey, ProjectSlug};
use paddock_model::objective::Objective;
use paddock_model::operate::Approval;
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::tamper::patterns;
use paddock_model::train::{Entry, Subject};

/// Groups of missing tests that a text names; the others are counted.
const GROUPS_MAX: usize = 8;

/// Returns the runs whose tests are being compared.
pub(in crate::decide) fn under_way(scribe: &Scribe<'_>, slug: &ProjectSlug) -> Vec<GateId> {
    scribe.memo.comparing.iter().filter(|(project, _)| project == slug).map(|(_, gate)| *gate).collect()
}

/// Orders a comparison of the tests of a run on the first `count` members of the chain. Returns whether it
/// did.
pub(in crate::decide) fn order(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    count: usize,
    gate: GateId,
) -> bool {
    let Some(project) = scribe.state.project(slug) else { return false };
    let chain = project.train.chain.as_ref();
    let Some((candidate, entries)) =
        chain.and_then(|chain| Some((chain.candidate(count)?, chain.members(count))))
    else {
        return false;
    };
    let evidence = Evidence { tested: &project.tested, ..Evidence::default() };
    let bases = evidence.runs(&candidate.onto_tree, &project.settings.gate_terms()).to_vec();
    let wanted = Compare {
        gate,
        commit: candidate.commit,
        entries,
        bases,
        onto: candidate.onto,
        base_tree: candidate.onto_tree,
    };
    scribe.memo.comparing.insert((slug.clone(), gate));
    scribe.order(Effect::CompareTests { project: slug.clone(), wanted: Box::new(wanted) });
    true
}

/// The tests of a run were compared with those on the base, or could not be.
pub(in crate::decide) fn answered(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    wanted: &Compare,
    result: Result<Box<Comparison>, Problem>,
) {
    // The answer is not awaited: it belongs to an earlier order.
    if !scribe.memo.comparing.remove(&(slug.clone(), wanted.gate)) {
        return;
    }
    scribe.mark(slug);
    let comparison = match result {
        Ok(comparison) => comparison,
        Err(problem) => {
            let text = format!("the tests of gate run {} could not be compared: {problem}", wanted.gate);
            hold_queue(scribe, slug, ReasonCode::NotEvaluated, &text);
            return;
        }
    };
    let Some(project) = scribe.state.project(slug) else { return };
    let outcome = judge(scribe, project, &wanted.entries, &comparison);
    scribe.record(Fact::TestsCompared {
        project: slug.clone(),
        gate: wanted.gate,
        bases: wanted.bases.clone(),
        base_tree: wanted.base_tree.clone(),
        entries: wanted.entries.clone(),
        comparison,
        outcome,
    });
}

/// Returns what follows from a comparison of the tests of these entries with those on the base.
fn judge(scribe: &Scribe<'_>, project: &Project, entries: &[EntryId], comparison: &Comparison) -> Outcome {
    let entries: Vec<&Entry> = entries.iter().filter_map(|id| project.train.entry(*id)).collect();
    // People may do with their tests what they like.
    if entries.iter().any(|entry| entry.subject.is_of_people()) {
        return Outcome::Kept;
    }
    let found = |entry: &&Entry| objective_of(scribe, project, entry);
    let objectives: Vec<&Objective> = entries.iter().filter_map(found).collect();
    // A person's approval covers the missing tests of this work, and not those of others in the same batch.
    if let ([entry], [objective]) = (entries.as_slice(), objectives.as_slice())
        && objective.operated.approvals.last().is_some_and(|approval| covers_tests(approval, entry))
    {
        return Outcome::Kept;
    }
    let tests = patterns(project.settings.test_patterns.as_ref());
    let members: Vec<Leave<'_>> = objectives
        .iter()
        .map(|objective| Leave {
            tests: &tests,
            scope: &objective.spec.path_scope,
            grown: &objective.operated.grown_scope,
            criteria: &objective.spec.acceptance_criteria,
        })
        .collect();
    outcome(comparison, &members)
}

/// Returns whether a person approved this head, and had been shown that tests are missing or weakened.
fn covers_tests(approval: &Approval, entry: &Entry) -> bool {
    let is_about_tests =
        |finding: &Finding| matches!(finding.code, FindingCode::FewerTests | FindingCode::Tampered);
    approval.head == entry.head && approval.overrides.iter().any(is_about_tests)
}

fn objective_of<'s>(scribe: &'s Scribe<'_>, project: &Project, entry: &Entry) -> Option<&'s Objective> {
    let Subject::Objective(id) = &entry.subject else { return None };
    scribe.state.objective(&ObjectiveKey { project: project.slug.clone(), id: id.clone() })
}

/// Sends a branch back that lacks tests of the base, or asks a person whether its tests may go. Returns
/// whether anything was recorded.
pub(in crate::decide) fn send_back(scribe: &mut Scribe<'_>, run: &GateRun, entry: &Entry) -> bool {
    let Some(compared) = &run.compared else { return false };
    let Subject::Objective(id) = &entry.subject else { return false };
    let what = in_words(&compared.comparison);
    let runs: Vec<String> = compared.bases.iter().map(ToString::to_string).collect();
    let base = match runs.is_empty() {
        true => String::new(),
        false => format!(", compared with run {} on the base", runs.join(" and ")),
    };
    if compared.outcome == Outcome::Person {
        let key = ObjectiveKey { project: run.project.clone(), id: id.clone() };
        let branch = scribe.state.project(&run.project).map(|found| found.settings.target_branch.clone());
        let text = format!(
            "the work removes tests, and its scope does not say that it may: {what} (gate run {}{base}); see \
             `git diff {}...paddock/{id}/work`; `paddock objective approve {id}` lets them go, `paddock \
             objective reject {id} --note TEXT` sends the work back",
            run.id,
            branch.unwrap_or_default()
        );
        drop_entry(scribe, &run.project, entry, Dropped::Red);
        human(scribe, &key, ReasonCode::TestsRemoved, text);
        return true;
    }
    let text = format!(
        "the gate ended with 0, but not all tests of the base passed: {what} (gate run {0}{base}; its output \
         is in runtime/gates/{0}). Make these tests run and pass again; the exit status alone proves \
         nothing. If the work has to remove tests, stop and say so: a person names their file in the scope, \
         or accepts it with `paddock objective approve {id}`",
        run.id
    );
    send_back::fewer_tests(scribe, run, entry, text);
    true
}

/// Returns what differs from the base, in words.
pub(in crate::decide) fn in_words(comparison: &Comparison) -> String {
    let parts: Vec<String> = comparison.commands.iter().flat_map(parts_of).collect();
    let more = parts.len().saturating_sub(GROUPS_MAX);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{more}", parts.iter().take(GROUPS_MAX).cloned().collect::<Vec<_>>().join("; "))
}

fn parts_of(command: &ComparedCommand) -> Vec<String> {
    let mut parts: Vec<String> =
        command.silent.iter().map(|runner| format!("{runner} printed no summary")).collect();
    parts.extend(command.nameless.iter().map(|runner| format!("{runner} names its tests no more")));
    parts.extend(command.gone.iter().map(gone_in_words));
    let base = command.base.as_ref().map_or(0, |base| base.passed);
    if command.fewer > 0 {
        parts.push(format!("{} tests passed, and {base} on the base", command.tests.passed));
    }
    if command.failures > 0 {
        let failed = command.tests.failed.max(command.failures);
        parts.push(format!("the output of {} reports {failed} failed", command.name));
    }
    parts
}

fn gone_in_words(gone: &Gone) -> String {
    match &gone.file {
        Some(file) if gone.names.is_empty() => return format!("tests were taken out of {file}"),
        None if gone.names.is_empty() => return format!("{} more {}", gone.count, gone.how.words()),
        _ => {}
    }
    let more = gone.count.saturating_sub(gone.names.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let file = gone.file.as_ref().map(|file| format!(" ({file})")).unwrap_or_default();
    format!("{}{more} {}{file}", gone.names.join(", "), gone.how.words())
}
