//! `paddock goal import` and `paddock goal export`: the hierarchy as one Markdown document.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::goal::id_for;
use super::{output, plan};
use paddock_config::goals_file::{self, DraftNode, Written};
use paddock_model::command::Command;
use paddock_model::hierarchy::{HierarchyNode, ImportedNode, Level, NodeKey};
use paddock_model::ids::{NodeId, ProjectSlug};
use paddock_model::state::State;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paddock goal import goals.md
  paddock goal import - < goals.md

The document:
  # A safe shop <!-- id: shop -->
  What it is about.
  ## Payments work
  ### The form
  What is to be done in this phase.
  ```checks
  - {description: The form is there, check_command: test -f form, expected: \"\"}
  ```

The comment gives the id. A heading without one updates the goal, milestone or phase that has its title and its \
parent, if there is one; otherwise it gets a new id made from the title. `goal export` writes a document with all ids.")]
pub(super) struct Import {
    /// File with the document; - for standard input
    file: PathBuf,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  paddock goal export > goals.md\n  paddock goal export shop")]
pub(super) struct Export {
    /// Id of a goal to print; default: all goals
    id: Option<String>,
}

impl Import {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let project = context.project(&state, None)?;
        let (text, shown) = plan::read(&self.file)?;
        let drafts = goals_file::read(&text, &shown);
        let drafts = drafts.map_err(|faults| Failure::faults(&faults, "nothing was imported"))?;
        let nodes = named(&state, &project, drafts)?;
        let answer = context.ask(Command::NodesImport { project, nodes })?;
        match self.json {
            true => output::json(&answer)?,
            false => output::line(&answer.text)?,
        }
        Ok(Exit::Good)
    }
}

/// Gives every draft its id: that of the document, else that of the existing node with its level, title and
/// parent, else a new one.
fn named(state: &State, project: &ProjectSlug, drafts: Vec<DraftNode>) -> Result<Vec<ImportedNode>, Failure> {
    // All ids of the document are reserved first: a heading without an id must not take one that a later
    // heading names.
    let mut used: BTreeSet<(Level, NodeId)> =
        drafts.iter().filter_map(|draft| Some((draft.level, draft.id.clone()?))).collect();
    let mut ids: Vec<NodeId> = Vec::new();
    let mut named = Vec::new();
    for draft in drafts {
        // Parents come before their children in a document, so the parent's id is known.
        let parent = draft.parent.and_then(|at| ids.get(at).cloned());
        let is_same = |node: &&HierarchyNode| {
            node.key.level == draft.level
                && node.title == draft.title
                && node.parent == parent
                // Of two headings with one title only the first can be the existing node.
                && !used.contains(&(draft.level, node.key.id.clone()))
        };
        let id = match (&draft.id, state.nodes_of(project).find(is_same)) {
            (Some(id), _) => id.clone(),
            (None, Some(node)) => node.key.id.clone(),
            (None, None) => id_for(draft.level, &draft.title, |id| {
                let key = NodeKey { project: project.clone(), level: draft.level, id: id.clone() };
                state.node(&key).is_none() && !used.contains(&(draft.level, id.clone()))
            })?,
        };
        used.insert((draft.level, id.clone()));
        ids.push(id.clone());
        let DraftNode { level, title, description, checks, .. } = draft;
        named.push(ImportedNode { level, id, title, description, parent, checks });
    }
    Ok(named)
}

impl Export {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let project = context.project(&state, None)?;
        let wanted = self.id.map(NodeId::new).transpose()?;
        let mut all: Vec<&HierarchyNode> = state.nodes_of(&project).collect();
        all.sort_by_key(|node| node.place());
        let is_wanted = |node: &&&HierarchyNode| wanted.as_ref().is_none_or(|id| *id == node.key.id);
        let goals = all.iter().filter(|node| node.key.level == Level::Goal).filter(is_wanted);
        let mut written: Vec<&HierarchyNode> = Vec::new();
        for goal in goals {
            add(&mut written, goal, &all);
        }
        // An empty document would look like a goal without anything below it.
        if let (Some(id), true) = (&wanted, written.is_empty()) {
            return Err(Failure::error(format!("there is no goal {id}; `paddock goal list` shows them")));
        }
        if wanted.is_none() && written.len() < all.len() {
            output::note(
                "milestones and phases that belong to no goal are left out; `paddock milestone edit ID --goal GOAL` \
                 assigns a milestone to a goal",
            );
        }
        let text = goals_file::write(written.iter().map(|node| Written {
            level: node.key.level,
            id: node.key.id.as_str(),
            title: &node.title,
            description: &node.description,
            checks: &node.progress.checks,
        }));
        output::print(&text)?;
        Ok(Exit::Good)
    }
}

/// Appends a node and, after it, its descendants in document order.
fn add<'a>(written: &mut Vec<&'a HierarchyNode>, node: &'a HierarchyNode, all: &[&'a HierarchyNode]) {
    written.push(node);
    let is_below = |below: &&&'a HierarchyNode| {
        below.key.level.parent() == Some(node.key.level) && below.parent.as_ref() == Some(&node.key.id)
    };
    for below in all.iter().filter(is_below) {
        add(written, below, all);
    }
}
