//! Prepares trees for gate runs outside the queue (canary, tamper guard).

use super::super::clock::now_ms;
use super::super::world::{Site, World};
use super::attempts::patiently;
use super::candidates::conflict_text;
use paddock_engine::input::{Input, MemberConflict, Problem, SideTreeAnswer};
use paddock_git::{Candidate, CandidateOrder, GitError, Repository, make_candidate};
use paddock_model::ids::ProjectSlug;
use paddock_model::side_runs::{Prepared, SideTree};
use paddock_model::state::State;

/// A tree to prepare.
pub(in super::super) struct Order {
    site: Site,
    side_tree: SideTree,
    commands: Vec<String>,
}

impl Order {
    pub(in super::super) fn from_state(
        state: &State,
        project: &ProjectSlug,
        side_tree: SideTree,
    ) -> Option<Self> {
        let verify = &state.project(project)?.settings.verify;
        let commands = verify.iter().map(|command| command.run.clone()).collect();
        Some(Self { site: Site::find(state, project)?, side_tree, commands })
    }
}

/// Prepares a tree for a gate run.
///
/// Reconciled by making it again: the same inputs give the same tree.
pub(in super::super) fn prepare(world: &World, order: &Order) {
    let make = || world.trusted(&order.site).and_then(|repository| Ok(make_tree(world, &repository, order)?));
    let make = || world.with_disk_space(&order.site, "a tree for the gate is made", make);
    let result = patiently(make).map_err(|error| error.to_string());
    let (project, side_tree) = (order.site.slug.clone(), order.side_tree.clone());
    world.report(Input::TreePrepared { project, side_tree, result: result.map_err(Problem::new) });
}

/// Makes the tree and a commit for it, unless the guard's merge conflicts.
fn make_tree(world: &World, repository: &Repository, order: &Order) -> Result<SideTreeAnswer, GitError> {
    Ok(SideTreeAnswer::Made(match &order.side_tree {
        // Only the files that the gate's commands name are left. A gate that passes on this tree checks
        // nothing.
        SideTree::Canary { at } => {
            let (commit, tree) = repository.emptied(at, &order.commands)?;
            repository.keep("candidate/canary", &commit)?;
            Prepared { commit, tree, onto_tree: None }
        }
        // The branch's merge, with the tests and scripts that it changed as they are in `onto`.
        SideTree::Guard { entry, head, onto, paths } => {
            let name = format!("guard-{entry}");
            let wanted = CandidateOrder {
                base: onto.clone(),
                head: head.clone(),
                message: "Paddock: a merge with the tests as they were\n".to_owned(),
                identity: world.identity(repository),
                time_s: now_ms() / 1_000,
                name: name.clone(),
                // This commit never lands, so it is neither flushed nor signed.
                durable: false,
                sign: false,
                seal: false,
            };
            let merge = match make_candidate(repository, &wanted)? {
                Candidate::Clean { commit, .. } => commit,
                Candidate::Conflict { paths, messages } => {
                    let text = conflict_text(repository, onto, head, &paths, &messages);
                    return Ok(SideTreeAnswer::Conflict(MemberConflict { entry: *entry, paths, text }));
                }
            };
            let (commit, tree) = repository.with_files_of(&merge, onto, paths)?;
            repository.keep(&format!("candidate/{name}"), &commit)?;
            Prepared { commit, tree, onto_tree: Some(repository.tree_of(onto)?) }
        }
    }))
}
