//! Builds the prompt of a session that works on an objective.

use super::super::copying::Copied;
use super::super::transcripts;
use super::{EffectError, Site, World};
use paddock_agents::prompt::{self, PromptBudget, PromptContext, PromptObjective, titled};
use paddock_agents::summary;
use paddock_agents::terminal::plain;
use paddock_engine::review::ALWAYS_PROTECTED;
use paddock_git::Worktree;
use paddock_model::cut;
use paddock_model::facts::Collision;
use paddock_model::hierarchy::HierarchyNode;
use paddock_model::ids::SessionId;
use paddock_model::objective::{Feedback, Objective};
use paddock_model::session::{Session, SessionKind};
use paddock_model::settings::{ProjectSettings, Role};
use paddock_model::state::State;
use paddock_runner::log::{LogReader, Stream};

/// Most bytes of feedback in a prompt. The middle of longer feedback is left out.
const FEEDBACK_MAX_BYTES: usize = 16 * 1024;
/// Bytes of the end of a log that a prompt quotes.
const LOG_TAIL_BYTES: u64 = 12 * 1024;

/// Most bytes of feedback in a smaller prompt: the session before did not fit into its model's context.
const FEEDBACK_SMALLER_BYTES: usize = 2 * 1024;
/// Lines about earlier sessions in a smaller prompt, the last ones, and characters of each.
const PREVIOUS_SMALLER: (usize, usize) = (3, 300);

/// Most copied files that a prompt names.
const COPIED_MAX: usize = 50;

/// Most collisions that a prompt names.
const COLLISIONS_MAX: usize = 8;

/// The nodes of the hierarchy that the objective serves, as the prompt shows them, and what else comes from
/// the state.
#[derive(Debug, Default)]
pub(super) struct ServedNodes {
    goal: Option<String>,
    milestone: Option<String>,
    phase: Option<String>,
    /// What the set-up of worktrees leaves, as far as it is known.
    set_up: Vec<String>,
    /// Findings of the conflict radar about the objective's branch.
    collisions: Vec<String>,
    /// Transcript format of the session that the feedback is about; empty if it is about none.
    transcript: String,
}

impl ServedNodes {
    pub(super) fn from_state(state: &State, objective: &Objective) -> Self {
        let line = state.line_of(objective);
        let text = |node: Option<&HierarchyNode>| node.map(HierarchyNode::text);
        let (goal, milestone, phase) = (text(line.goal), text(line.milestone), text(line.phase));
        let (collisions, transcript) = (collisions(state, objective), transcript(state, objective));
        let left = state.project(&objective.key.project).map(|project| &project.set_ups.left);
        let set_up = left.into_iter().flatten().map(ToString::to_string).collect();
        Self { goal, milestone, phase, set_up, collisions, transcript }
    }
}

/// Returns the transcript format of the session whose end the feedback is about.
fn transcript(state: &State, objective: &Objective) -> String {
    let ended = match &objective.next.feedback {
        Some(Feedback::Ended { session, .. }) => state.session(*session),
        _ => None,
    };
    let settings = state.project(&objective.key.project).map(|project| &project.settings);
    let agent = ended.zip(settings).and_then(|(session, settings)| settings.agent(&session.agent));
    agent.map_or_else(String::new, |agent| agent.transcript.clone())
}

/// Returns what will collide with this objective's branch, so that its next session can avoid the conflict.
fn collisions(state: &State, objective: &Objective) -> Vec<String> {
    let id = &objective.key.id;
    let Some(project) = state.project(&objective.key.project) else { return Vec::new() };
    let line = |found: &Collision| {
        // A collision is recorded once for its pair, so this objective may be either side. Without a second
        // side it is a conflict with the integration tip.
        let other = match (&found.with, &found.objective) {
            (None, own) if own == id => None,
            (Some(with), own) if own == id => Some(with),
            (Some(with), other) if with == id => Some(other),
            _ => return None,
        };
        let paths: Vec<String> = found.paths.iter().map(ToString::to_string).collect();
        let paths = paths.join(", ");
        Some(match other {
            None => format!("radar: this branch no longer merges with what has landed: conflict in {paths}"),
            Some(other) => format!(
                "radar: this branch and the one of objective {other}, which is in progress, will conflict in \
                 {paths}: keep your change there as small as it can be"
            ),
        })
    };
    project.collisions.iter().filter_map(line).take(COLLISIONS_MAX).collect()
}

/// Renders the prompt of a session.
pub(super) fn prompt(
    world: &World,
    site: &Site,
    settings: &ProjectSettings,
    objective: &Objective,
    session: &Session,
    (nodes, worktree): (&ServedNodes, Option<&Worktree>),
) -> Result<String, EffectError> {
    let worker = settings.worker(&session.worker);
    let is_integrator = worker.is_some_and(|worker| worker.role == Role::Integrator);
    // Corrections and conflicts have templates of their own, whichever worker takes them.
    let template = match session.kind {
        SessionKind::Correction => "session-correction.md",
        SessionKind::Conflict => "session-conflict.md",
        _ => worker.map_or("session-worker.md", |worker| worker.template.as_str()),
    };
    // Two templates say that the session may change the protected files, the others that it must not. Naming
    // them in the wrong kind of template would say the opposite of what the review checks.
    let is_for_integrators = matches!(template, "session-conflict.md" | "session-integrator.md");
    let names_protected = is_integrator == is_for_integrators;
    let mut protected = settings.integrator_only_patterns.clone();
    protected.push(ALWAYS_PROTECTED.to_owned());
    let (spec, smaller) = (&objective.spec, objective.next.smaller);
    let context = PromptContext {
        project: titled(&settings.name, &settings.description),
        goal: nodes.goal.clone(),
        milestone: nodes.milestone.clone(),
        phase: nodes.phase.clone(),
        objective: PromptObjective {
            id: objective.key.id.to_string(),
            title: spec.title.clone(),
            description: spec.description.clone(),
            acceptance_criteria: spec.acceptance_criteria.clone(),
            path_scope: spec.path_scope.clone(),
            context_refs: spec.context_refs.clone(),
        },
        budget: PromptBudget {
            max_commits: session.budget.max_commits,
            max_minutes: session.budget.max_minutes,
        },
        attempt: session.attempt,
        feedback: objective.next.feedback.as_ref().map(|feedback| {
            let max_bytes = if smaller { FEEDBACK_SMALLER_BYTES } else { FEEDBACK_MAX_BYTES };
            cut::middle_out(&feedback_text(world, feedback, &nodes.transcript), max_bytes)
        }),
        human_note: objective.operated.note.as_ref().map(|note| note.text.clone()),
        previous: previous(objective, nodes),
        integration_ref: site.integration_ref.clone(),
        protected: if names_protected { protected } else { Vec::new() },
        shared: settings.shared_patterns.clone(),
        copied: worktree.map_or_else(Vec::new, |worktree| copied(worktree, settings)),
        set_up: nodes.set_up.clone(),
        kind: session.kind.to_string(),
    };
    let templates = world.workspace.templates();
    Ok(prompt::render(Some(&templates), template, &context)?)
}

/// Returns the files that were copied into a worktree.
fn copied(worktree: &Worktree, settings: &ProjectSettings) -> Vec<String> {
    let names = match Copied::read(worktree) {
        Some(copied) => copied.paths.iter().map(ToString::to_string).collect(),
        // An earlier build made the worktree: it copied what the entries name.
        None => settings.worktree.copy.clone(),
    };
    let is_there = |name: &String| worktree.path.join(name).symlink_metadata().is_ok();
    names.into_iter().filter(is_there).take(COPIED_MAX).collect()
}

/// Returns the lines about earlier sessions and about collisions.
fn previous(objective: &Objective, nodes: &ServedNodes) -> Vec<String> {
    let (lines, chars) = PREVIOUS_SMALLER;
    let history = &objective.history;
    let earlier: Vec<String> = match objective.next.smaller {
        true => history[history.len().saturating_sub(lines)..]
            .iter()
            .map(|line| line.chars().take(chars).collect())
            .collect(),
        false => history.clone(),
    };
    earlier.into_iter().chain(nodes.collisions.iter().cloned()).collect()
}

/// Returns the feedback in words for the agent.
fn feedback_text(world: &World, feedback: &Feedback, transcript: &str) -> String {
    match feedback {
        Feedback::Findings(findings) => {
            let lines = findings.iter().map(|finding| {
                let paths: Vec<String> = finding.paths.iter().map(|path| format!("\n  - {path}")).collect();
                let more = match finding.more_paths {
                    0 => String::new(),
                    n => format!("\n  - and {n} more"),
                };
                format!("- {}{}{more}", finding.text, paths.concat())
            });
            format!("Review of the last session found:\n{}", lines.collect::<Vec<_>>().join("\n"))
        }
        Feedback::Gate { gate, command, outcome } => {
            let dir = world.workspace.gate_dir(*gate);
            let output = tail(&dir);
            format!(
                "The gate command `{command}` failed ({outcome}) on your branch merged with the integration \
                 branch. Its whole output is in {}. The end of it:\n\n{output}",
                dir.display()
            )
        }
        Feedback::Conflict { paths, text } => {
            let names: Vec<String> = paths.iter().map(|path| format!("- {path}")).collect();
            format!("Your branch does not merge. In conflict:\n{}\n\n{text}", names.join("\n"))
        }
        Feedback::Ended { session, outcome } => end_text(world, *session, outcome, transcript),
        Feedback::Rejected { note } => format!("A person looked at your work and sent it back:\n\n{note}"),
        Feedback::FollowUp { session, notes } => {
            let notes = if notes.is_empty() { "none" } else { notes.as_str() };
            format!("Session {session} stopped before the work was complete. Its notes for you:\n\n{notes}")
        }
    }
}

/// Returns how the session before ended, with the end of its output.
fn end_text(world: &World, session: SessionId, outcome: &str, transcript: &str) -> String {
    let dir = world.workspace.session_dir(session);
    // Formats of JSON events are shown as readable lines; plain output is quoted as it is.
    let output = match transcript {
        "" | "plain" | "scripted" => tail(&dir),
        _ => indented(&transcripts::readable_end(&dir, transcript, LOG_TAIL_BYTES)),
    };
    format!("Session {session} ended: {outcome}. The end of its output:\n\n{output}")
}

/// Returns the end of a job's output, both streams, as text.
fn tail(dir: &std::path::Path) -> String {
    let mut parts = Vec::new();
    for stream in [Stream::Stdout, Stream::Stderr] {
        let log = LogReader::open(dir, stream);
        // Half for each stream, so that a flood on one does not push the other out.
        let from = log.length().unwrap_or(0).saturating_sub(LOG_TAIL_BYTES / 2);
        let bytes = log.read_at(from, usize::try_from(LOG_TAIL_BYTES).unwrap_or(usize::MAX));
        let clean = bytes.map(|chunk| plain(&chunk.bytes)).unwrap_or_default();
        if !clean.trim().is_empty() {
            parts.push(clean.trim_end().to_owned());
        }
    }
    indented(&parts.join("\n"))
}

/// Quotes output in a prompt. A summary in it loses its markers. Otherwise an agent that ends with the same
/// summary again would seem to echo its prompt, and its summary would be ignored.
fn indented(text: &str) -> String {
    let text = text.replace(summary::BEGIN, "(its summary:)").replace(summary::END, "(end of its summary)");
    let lines = text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>();
    if lines.is_empty() { "    (no output)".to_owned() } else { lines.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_summary_again_is_no_echo_of_the_quoted_output() {
        let said = format!("{}\nstatus: completed\nsummary: done\n{}\n", summary::BEGIN, summary::END);
        let prompt = format!("Session 25 ended: lost. The end of its output:\n\n{}\n", indented(&said));
        assert!(prompt.contains("    status: completed"), "{prompt}");
        let found = summary::find(&said, &prompt).map(|found| found.summary);
        assert_eq!(found.as_deref(), Some("done"));
    }
}
