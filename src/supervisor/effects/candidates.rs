//! Merges made in memory.

use super::super::world::{Site, World, now_ms};
use crate::domain::ids::{ObjectId, ObjectiveKey, ProjectSlug};
use crate::domain::input::{CandidateAnswer, Input};
use crate::domain::state::State;
use crate::domain::train;
use crate::domain::train::Subject;
use crate::git::{Candidate, CandidateOrder, RepoPath, Repository, make_candidate};

/// Landings that a conflict names.
const LANDED_MAX: usize = 8;
/// Bytes kept of what git says of a conflict.
const TEXT_MAX_BYTES: usize = 2_000;

pub(in super::super) struct Order {
    site: Site,
    entry: u64,
    head: ObjectId,
    onto: ObjectId,
    /// The branch that has to be at the head still; none for the user's commits.
    branch: Option<String>,
    message: String,
    has_gate: bool,
}

impl Order {
    pub(in super::super) fn of(
        state: &State,
        project: &ProjectSlug,
        entry: u64,
        subject: Subject,
        head: ObjectId,
        onto: ObjectId,
    ) -> Option<Self> {
        let site = Site::find(state, project)?;
        let (branch, message) = match subject {
            Subject::Objective(id) => {
                let objective = state.objective(&ObjectiveKey { project: project.clone(), id })?;
                let (id, title) = (&objective.key.id, objective.spec.title.trim());
                let session = objective.sessions.last().map(|n| format!("\nPaddock-Session: {n}"));
                let session = session.unwrap_or_default();
                let message =
                    format!("Merge objective '{title}' [{id}]\n\nPaddock-Objective: {id}{session}\n");
                (Some(objective.branch()), message)
            }
            Subject::Target => (None, format!("Merge branch '{}' into landed work\n", site.target_branch)),
        };
        let has_gate = state.project(project).is_some_and(|project| !project.settings.verify.is_empty());
        Some(Self { site, entry, head, onto, branch, message, has_gate })
    }
}

/// Made from the same inputs it is the same merge: making it again after a crash does no harm.
pub(in super::super) fn make(world: &World, order: &Order) {
    let answer = answer(world, order);
    let (project, onto) = (order.site.slug.clone(), order.onto.clone());
    world.tell(Input::CandidateAnswered { project, entry: order.entry, onto, answer });
}

fn candidate_name(entry: u64) -> String {
    format!("entry-{entry}")
}

/// The ref that keeps an entry's merge alive until it lands.
pub(super) fn candidate_ref(entry: u64) -> String {
    format!("refs/paddock/candidate/{}", candidate_name(entry))
}

fn answer(world: &World, order: &Order) -> CandidateAnswer {
    let repository = match world.trusted(&order.site) {
        Ok(repository) => repository,
        Err(problem) => return CandidateAnswer::Failed(problem),
    };
    if let Some(branch) = &order.branch {
        match repository.commit_of(&format!("refs/heads/{branch}")) {
            Ok(Some(found)) if found == order.head => {}
            Ok(_) => return CandidateAnswer::HeadMoved,
            Err(error) => return CandidateAnswer::Failed(error.to_string()),
        }
    }
    let wanted = CandidateOrder {
        base: order.onto.clone(),
        head: order.head.clone(),
        message: order.message.clone(),
        identity: world.identity(&repository),
        time_s: now_ms() / 1_000,
        name: candidate_name(order.entry),
        durable: true,
        seal: order.has_gate,
    };
    match make_candidate(&repository, &wanted) {
        Ok(Candidate::Clean { commit, tree }) => {
            let onto_tree = match repository.tree_of(&order.onto) {
                Ok(tree) => tree,
                Err(error) => return CandidateAnswer::Failed(error.to_string()),
            };
            CandidateAnswer::Made(train::Candidate {
                onto: order.onto.clone(),
                onto_tree,
                commit,
                tree,
                sealed: order.has_gate,
            })
        }
        Ok(Candidate::Conflict { paths, messages }) => {
            let mut text = landed_there(&repository, order, &paths) + &messages.join("\n");
            let end = (0..=TEXT_MAX_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
            text.truncate(end.unwrap_or(0));
            CandidateAnswer::Conflict { paths, text }
        }
        Err(error) => CandidateAnswer::Failed(error.to_string()),
    }
}

/// What landed on the conflicting files meanwhile: the other side's intent.
fn landed_there(repository: &Repository, order: &Order, paths: &[RepoPath]) -> String {
    let found = repository.landed_on(&order.onto, &order.head, paths, LANDED_MAX).unwrap_or_default();
    if found.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = found.iter().map(|summary| format!("- {summary}")).collect();
    format!("What landed on these files meanwhile:\n{}\n\n", lines.join("\n"))
}
