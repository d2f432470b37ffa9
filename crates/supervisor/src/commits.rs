//! Counts the commits of running sessions, for their budgets and for the gauges.

use std::path::Path;

use super::message::Message;
use super::world::{Site, World};
use paddock_engine::input::Input;
use paddock_git::{find_worktree, head_count};
use paddock_ipc::Gauge;
use paddock_model::ids::{ObjectId, ProjectSlug, SessionId};
use paddock_model::session::SessionStatus;
use paddock_model::state::State;
use paddock_os::fail_points::fail_point;

/// A running session, with what the counter needs of it.
pub(super) struct Running {
    session: SessionId,
    path: String,
    branch: String,
    from: ObjectId,
}

/// Returns the running sessions of a project.
pub(super) fn running(state: &State, project: &ProjectSlug) -> Vec<Running> {
    let sessions = state.open_sessions().filter(|session| {
        session.objective.project == *project
            && matches!(session.status, SessionStatus::Starting | SessionStatus::Running)
    });
    sessions
        .filter_map(|session| {
            let worktree = state.objective(&session.objective)?.ready_worktree()?;
            let (path, branch) = (worktree.path.clone(), worktree.branch.clone());
            Some(Running { session: session.id, path, branch, from: session.from.clone() })
        })
        .collect()
}

/// Counts the commits of each session and reports them. Skips a worktree that cannot be read now: the harvest
/// reads it at the latest.
pub(super) fn count(world: &World, site: &Site, sessions: &[Running]) {
    let Ok(repository) = world.repository(&site.repo_root) else { return };
    // Read from the ref and not from the state: a landing may have moved it since this job was ordered, and
    // an agent that merges the new tip must not have all landed commits counted as its own.
    let tip = repository.commit_of(&site.integration_ref).ok().flatten().unwrap_or(site.tip.clone());
    for running in sessions {
        let counted = find_worktree(&repository, Path::new(&running.path), &running.branch)
            .and_then(|worktree| head_count(&repository, &worktree, &running.from, &tip));
        if let Ok(commits) = counted {
            if commits > 0 {
                fail_point!("checkpoint.counted");
            }
            let value = serde_json::Value::from(commits);
            let session = Some(running.session.0);
            world.gauges.set(Gauge { name: "commits".to_owned(), session, gate: None, value });
            let input = Input::CommitsSeen { session: running.session, commits };
            drop(world.inbox.send(Message::Input(input)));
        }
    }
}
