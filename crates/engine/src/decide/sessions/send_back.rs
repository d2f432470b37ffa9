//! Entries that leave the queue because of a fault. An objective's branch goes back to work with the fault as
//! feedback. For the user's own commits, publishing waits for the user.

use crate::decide::queue::entries::drop_entry;
use crate::decide::queue::pull;
use crate::decide::scribe::Scribe;
use crate::decide::sessions::retries::{human, retry};
use crate::listing::a_few_of;
use paddock_model::cut;
use paddock_model::event::{Dropped, Fact};
use paddock_model::finding::{Finding, FindingCode};
use paddock_model::gate::{CommandResult, GateRun, Verdict};
use paddock_model::ids::{ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::objective::Feedback;
use paddock_model::path::RepoPath;
use paddock_model::project::{PublicationWait, WaitCode};
use paddock_model::reason::ReasonCode;
use paddock_model::session::SessionKind;
use paddock_model::side_runs::{PullFailure, PullFault};
use paddock_model::train::{Entry, Subject};

/// Paths that an event names; a conflict can have thousands.
const PATHS_MAX: usize = 20;
/// Paths that a sentence names.
const NAMED_MAX: usize = 5;

fn key(project: &ProjectSlug, id: &ObjectiveId) -> ObjectiveKey {
    ObjectiveKey { project: project.clone(), id: id.clone() }
}

/// The branch conflicts with the tip: sends it back with the files in conflict.
pub(in crate::decide) fn conflicts(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    entry: &Entry,
    mut paths: Vec<RepoPath>,
    text: &str,
) {
    paths.truncate(PATHS_MAX);
    drop_entry(scribe, project, entry, Dropped::Conflict { paths: paths.clone() });
    match &entry.subject {
        Subject::Objective(id) => {
            let feedback = Feedback::Conflict { paths, text: cut::start(text, 2_000).to_owned() };
            retry(scribe, &key(project, id), SessionKind::Conflict, feedback);
        }
        Subject::Target => {
            let text = "your commits on the target branch conflict with landed work";
            refuse_external(scribe, project, entry, WaitCode::Conflict, paths, text);
        }
        Subject::Remote => {
            let text = "the commits of the remote conflict with landed work".to_owned();
            refuse_pull(scribe, project, PullFault::Conflict, paths, text);
        }
    }
}

/// The branch failed alone on a green base: sends it back with the command that failed.
pub(in crate::decide) fn red(scribe: &mut Scribe<'_>, gate: &GateRun, entry: &Entry, failed: &CommandResult) {
    drop_entry(scribe, &gate.project, entry, Dropped::Red);
    match &entry.subject {
        Subject::Objective(id) => {
            let (command, outcome) = (failed.name.clone(), failed.outcome());
            let feedback = Feedback::Gate { gate: gate.id, command, outcome };
            retry(scribe, &key(&gate.project, id), SessionKind::Correction, feedback);
        }
        Subject::Target => {
            let text = format!(
                "the gate command {} is red on the merge of your commits with landed work",
                failed.name
            );
            refuse_external(scribe, &gate.project, entry, WaitCode::Red, Vec::new(), &text);
        }
        Subject::Remote => {
            let text = format!(
                "the gate command {} is red on the merge of the remote's commits with landed work (gate run {})",
                failed.name, gate.id
            );
            refuse_pull(scribe, &gate.project, PullFault::Red, Vec::new(), text);
        }
    }
}

/// The gate is red on the branch's merge with the original versions of tests that the branch changed: sends
/// it back with this finding.
pub(in crate::decide) fn tampered(scribe: &mut Scribe<'_>, run: &GateRun, entry: &Entry, paths: &[RepoPath]) {
    drop_entry(scribe, &run.project, entry, Dropped::Red);
    let Subject::Objective(id) = &entry.subject else { return };
    let outcome = run.results.iter().find(|result| result.verdict() != Verdict::Green);
    let what = outcome.map_or_else(
        || "the gate could not be run".to_owned(),
        |result| format!("the gate command {} failed ({})", result.name, result.outcome()),
    );
    let (files, first) = (named(paths), paths.first().map(ToString::to_string).unwrap_or_default());
    let text = format!(
        "changed existing tests, or what decides which of them run ({files}), and with the original tests {what} \
         on the merge (gate run {gate}; its output is in runtime/gates/{gate}). Make the work pass the original \
         tests. If it needs these changes, stop and say so: a person accepts them with `paddock objective approve \
         {id}`, or names the files in the scope with `paddock objective expand {id} {first}`",
        gate = run.id,
    );
    let (code, paths) = (FindingCode::Tampered, paths.iter().take(PATHS_MAX).cloned().collect());
    let finding = Finding { code, text, paths, more_paths: 0 };
    retry(scribe, &key(&run.project, id), SessionKind::Correction, Feedback::Findings(vec![finding]));
}

/// The gate cannot be run with the original versions of what a branch changed: a person decides. The branch
/// must not land without that run, since an agent may be what prevents it.
pub(in crate::decide) fn unguarded(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry, why: &str) {
    let Subject::Objective(id) = &entry.subject else { return };
    let paths = entry.guard.as_ref().map(|guard| guard.paths.as_slice()).unwrap_or_default();
    let text = format!(
        "the gate has to run with the original versions of {}, and that run could not be made: {why}; `paddock \
         objective approve {id}` lands the work without it, `paddock objective retry {id}` starts another session",
        named(paths)
    );
    let refused = Dropped::Refused("the run with the original tests could not be made".to_owned());
    drop_entry(scribe, project, entry, refused);
    human(scribe, &key(project, id), ReasonCode::NotEvaluated, text);
}

fn named(paths: &[RepoPath]) -> String {
    let names: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
    a_few_of(&names, NAMED_MAX)
}

/// The gate was green, but tests of the base are missing or failed: sends the branch back with this text.
pub(in crate::decide) fn fewer_tests(scribe: &mut Scribe<'_>, run: &GateRun, entry: &Entry, text: String) {
    drop_entry(scribe, &run.project, entry, Dropped::Red);
    let Subject::Objective(id) = &entry.subject else { return };
    let finding = Finding::new(FindingCode::FewerTests, text, Vec::new());
    retry(scribe, &key(&run.project, id), SessionKind::Correction, Feedback::Findings(vec![finding]));
}

/// Records that the remote's commits cannot be merged. The queue continues; the push waits for a person.
fn refuse_pull(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    fault: PullFault,
    files: Vec<RepoPath>,
    text: String,
) {
    let at_ms = scribe.now_ms;
    pull::fail(scribe, project, PullFailure { fault, text, files, at_ms });
}

/// Records that the user's commits cannot be merged. The queue continues; publishing waits, with a reason
/// that names the way out.
fn refuse_external(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    entry: &Entry,
    code: WaitCode,
    files: Vec<RepoPath>,
    text: &str,
) {
    let Some(found) = scribe.state.project(project) else { return };
    let (reference, branch) = (found.integration_ref(), found.settings.target_branch.clone());
    let text = format!("{text}; merge {reference} into {branch} yourself, and publishing continues");
    // The refusal names this very commit: another commit of the user is tried again
    // (`target::enqueue_users_commits`).
    scribe.record(Fact::ExternalRefused { project: project.clone(), target: entry.head.clone() });
    let wait = PublicationWait { code, files, text, since_ms: scribe.now_ms };
    scribe.record(Fact::PublicationWaits { project: project.clone(), wait });
}
