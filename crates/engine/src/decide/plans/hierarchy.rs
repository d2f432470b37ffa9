//! Goals, milestones and phases: orders about them, and how one becomes active or completed.
//!
//! One goal, one milestone and one phase are active in a project at most. In the code, all three are nodes.

mod delete;

use crate::decide::scribe::Scribe;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::event::Fact;
use paddock_model::hierarchy::{HierarchyNode, Level, NodeKey, NodeOrder, Stage};
use paddock_model::ids::{NodeId, ProjectSlug, free_id};

pub(in crate::decide) fn take(scribe: &mut Scribe<'_>, key: &NodeKey, order: NodeOrder) -> Reply {
    let (level, id) = (key.level, &key.id);
    let found = scribe.state.node(key).cloned();
    let text = match (order, found) {
        (NodeOrder::Add { .. }, Some(_)) => {
            return Err(Refusal::new(format!("{level} {id} exists already; choose another --id")));
        }
        (NodeOrder::Add { title, description, parent }, None) => {
            add(scribe, key, title, description, parent)?
        }
        (
            NodeOrder::Edit { .. }
            | NodeOrder::Activate
            | NodeOrder::Complete
            | NodeOrder::Delete
            | NodeOrder::RemoveCheck { .. },
            None,
        ) => {
            return Err(unknown(scribe, key));
        }
        (NodeOrder::Edit { title, description, parent }, Some(node)) => {
            // A field that is not given keeps its value.
            let parent = checked_parent(scribe, key, parent)?.or(node.parent);
            let title = checked_title(title.unwrap_or(node.title))?;
            let description = description.unwrap_or(node.description);
            let (project, node) = (key.project.clone(), key.clone());
            scribe.record(Fact::NodeEdited { project, node, title, description, parent });
            format!("{level} {id} is changed")
        }
        (NodeOrder::Activate, Some(node)) if node.stage == Stage::Active => {
            return Err(Refusal::new(format!("{level} {id} is active already")));
        }
        (NodeOrder::Activate, Some(node)) => {
            activate(scribe, &node);
            format!("{level} {id} is active")
        }
        (NodeOrder::Complete, Some(node)) if node.stage == Stage::Completed => {
            return Err(Refusal::new(format!("{level} {id} is completed already")));
        }
        (NodeOrder::Complete, Some(node)) => {
            complete(scribe, key);
            format!("{level} {id} is completed{}", begun_next(scribe, &node))
        }
        (NodeOrder::Delete, Some(node)) => delete::delete(scribe, &node)?,
        (NodeOrder::RemoveCheck { check }, Some(node)) => delete::remove_check(scribe, &node, &check)?,
    };
    scribe.mark(&key.project);
    Ok(Answer::text(text))
}

/// Fails if the project has no phase of this name.
pub(in crate::decide) fn check_phase(
    scribe: &Scribe<'_>,
    project: &ProjectSlug,
    phase: &str,
) -> Result<(), Refusal> {
    let id = NodeId::new(phase).map_err(|error| Refusal::new(format!("phase: {error}")))?;
    let key = NodeKey { project: project.clone(), level: Level::Phase, id };
    match scribe.state.node(&key) {
        Some(_) => Ok(()),
        None => Err(unknown(scribe, &key)),
    }
}

fn unknown(scribe: &Scribe<'_>, key: &NodeKey) -> Refusal {
    let of_level = scribe.state.nodes_of(&key.project).filter(|node| node.key.level == key.level);
    let known: Vec<&str> = of_level.map(|node| node.key.id.as_str()).collect();
    let (level, id) = (key.level, &key.id);
    match known.is_empty() {
        true => Refusal::new(format!("there is no {level} {id}; `paddock {level} add TITLE` adds one")),
        false => Refusal::new(format!("there is no {level} {id}; there is: {}", known.join(", "))),
    }
}

fn add(
    scribe: &mut Scribe<'_>,
    key: &NodeKey,
    title: String,
    description: String,
    parent: Option<NodeId>,
) -> Result<String, Refusal> {
    let title = checked_title(title)?;
    // Without a parent given, the new node belongs to the active one of the level above.
    let parent = checked_parent(scribe, key, parent)?.or_else(|| {
        let level = key.level.parent()?;
        let mut all = scribe.state.nodes_of(&key.project);
        all.find(|node| node.key.level == level && node.stage == Stage::Active)
            .map(|node| node.key.id.clone())
    });
    let (project, node) = (key.project.clone(), key.clone());
    scribe.record(Fact::NodeAdded { project, node, title, description, parent });
    let is_first = !scribe
        .state
        .nodes_of(&key.project)
        .any(|node| node.key.level == key.level && node.stage == Stage::Active);
    let Some(added) = scribe.state.node(key).cloned() else { return Ok(String::new()) };
    let above = parent_of(scribe, &added);
    let (level, id) = (key.level, &key.id);
    // The first node of a level begins at once; later ones wait for their turn.
    let is_under_way = above.as_ref().is_none_or(|above| above.stage == Stage::Active);
    if is_first && is_under_way {
        move_to(scribe, key, Stage::Active);
        descend(scribe, key);
        return Ok(format!("added {level} {id}; it is the active one"));
    }
    let active = scribe.state.nodes_of(&key.project).find(|node| {
        node.key.level == key.level && node.stage == Stage::Active && node.parent == added.parent
    });
    let turn = match (active, above) {
        (Some(active), _) => format!("it begins by itself after {level} {}, which is active", active.key.id),
        (None, Some(above)) => format!("it begins with its {} {}", above.key.level, above.key.id),
        (None, None) => "another one is active".to_owned(),
    };
    Ok(format!("added {level} {id}; {turn}; `paddock {level} activate {id}` begins it now"))
}

/// Returns the clause that names the goal, milestone or phase that began when this one ended; empty if none
/// of its level did. `ended` is the node as it was before.
fn begun_next(scribe: &Scribe<'_>, ended: &HierarchyNode) -> String {
    let (project, level) = (&ended.key.project, ended.key.level);
    let is_next = |node: &&HierarchyNode| node.key.level == level && node.stage == Stage::Active;
    let was_active = ended.stage == Stage::Active;
    let next =
        scribe.state.nodes_of(project).find(is_next).filter(|next| was_active && next.key != ended.key);
    next.map_or_else(String::new, |next| format!("; {level} {} is active now", next.key.id))
}

/// Gives a goal without milestones one milestone, and a milestone without phases one phase, each of the same
/// title. From there on the goal is planned and completed like any other.
pub(in crate::decide) fn add_single_phase(scribe: &mut Scribe<'_>, project: &ProjectSlug) {
    // The goal gets its milestone first, then the milestone its phase.
    for _ in [Level::Goal, Level::Milestone] {
        let Some(above) = scribe.state.undivided(project).cloned() else { return };
        let level = match above.key.level {
            Level::Goal => Level::Milestone,
            Level::Milestone | Level::Phase => Level::Phase,
        };
        let key = |id| NodeKey { project: project.clone(), level, id };
        let is_taken = |id: &str| NodeId::new(id).is_ok_and(|id| scribe.state.node(&key(id)).is_some());
        let Ok(id) = NodeId::new(free_id(above.key.id.as_str(), level.word(), is_taken)) else { return };
        let (node, title, parent) = (key(id), above.title.clone(), Some(above.key.id.clone()));
        let description = String::new();
        scribe.record(Fact::NodeAdded { project: project.clone(), node, title, description, parent });
        descend(scribe, &above.key);
    }
}

fn checked_title(title: String) -> Result<String, Refusal> {
    match title.trim() {
        "" => Err(Refusal::new("the title is empty: say in one line what is to be reached")),
        _ => Ok(title),
    }
}

fn checked_parent(
    scribe: &Scribe<'_>,
    key: &NodeKey,
    parent: Option<NodeId>,
) -> Result<Option<NodeId>, Refusal> {
    let Some(parent) = parent else { return Ok(None) };
    let Some(level) = key.level.parent() else {
        return Err(Refusal::new("a goal has no parent"));
    };
    let above = NodeKey { project: key.project.clone(), level, id: parent };
    match scribe.state.node(&above) {
        Some(_) => Ok(Some(above.id)),
        None => Err(unknown(scribe, &above)),
    }
}

fn parent_of(scribe: &Scribe<'_>, node: &HierarchyNode) -> Option<HierarchyNode> {
    let (level, id) = (node.key.level.parent()?, node.parent.clone()?);
    scribe.state.node(&NodeKey { project: node.key.project.clone(), level, id }).cloned()
}

/// Makes a node active, together with its parents and the first planned node of each level below. The nodes
/// that were active before become planned again, since only one of each level may be active.
fn activate(scribe: &mut Scribe<'_>, node: &HierarchyNode) {
    // From the node upwards: each level gives up its active node before the new one becomes active.
    let mut next = Some(node.clone());
    while let Some(node) = next {
        for other in active_siblings(scribe, &node) {
            set_aside(scribe, &other);
        }
        if node.stage != Stage::Active {
            move_to(scribe, &node.key, Stage::Active);
        }
        next = parent_of(scribe, &node);
    }
    descend(scribe, &node.key);
}

fn active_siblings(scribe: &Scribe<'_>, node: &HierarchyNode) -> Vec<NodeKey> {
    let is_sibling = |other: &&HierarchyNode| {
        other.key.level == node.key.level && other.stage == Stage::Active && other.key != node.key
    };
    scribe.state.nodes_of(&node.key.project).filter(is_sibling).map(|other| other.key.clone()).collect()
}

/// Makes a node planned again, together with the active nodes below it.
fn set_aside(scribe: &mut Scribe<'_>, key: &NodeKey) {
    for below in children(scribe, key) {
        if below.stage == Stage::Active {
            set_aside(scribe, &below.key);
        }
    }
    move_to(scribe, key, Stage::Planned);
}

/// Returns the direct children of a node, in order.
fn children(scribe: &Scribe<'_>, key: &NodeKey) -> Vec<HierarchyNode> {
    let is_below = |other: &&HierarchyNode| {
        other.key.level.parent() == Some(key.level) && other.parent.as_ref() == Some(&key.id)
    };
    // Sorted, since an import or an edit may have changed the order in which they were added.
    let mut found: Vec<HierarchyNode> =
        scribe.state.nodes_of(&key.project).filter(is_below).cloned().collect();
    found.sort_by_key(HierarchyNode::place);
    found
}

/// Continues an active node with children that were added to it: the first planned one becomes active, where
/// none is.
pub(in crate::decide) fn resume(scribe: &mut Scribe<'_>, key: &NodeKey) {
    let active = children(scribe, key).into_iter().find(|node| node.stage == Stage::Active);
    match active {
        Some(below) => resume(scribe, &below.key),
        None => descend(scribe, key),
    }
}

/// Makes the first planned child of an active node active, and so on downwards, unless a child is active
/// already.
fn descend(scribe: &mut Scribe<'_>, key: &NodeKey) {
    let below = children(scribe, key);
    // Work under an active child continues.
    if below.iter().any(|node| node.stage == Stage::Active) {
        return;
    }
    if let Some(first) = below.iter().find(|node| node.stage == Stage::Planned) {
        for other in active_siblings(scribe, first) {
            set_aside(scribe, &other);
        }
        move_to(scribe, &first.key, Stage::Active);
        descend(scribe, &first.key);
    }
}

/// Completes a node and the active nodes below it. If it was active, the next sibling becomes active; if it
/// was the last one, its parent is completed as well. After a goal the next planned goal begins.
pub(in crate::decide) fn complete(scribe: &mut Scribe<'_>, key: &NodeKey) {
    let Some(node) = scribe.state.node(key).cloned() else { return };
    for below in children(scribe, key) {
        if below.stage == Stage::Active {
            complete_below(scribe, &below.key);
        }
    }
    move_to(scribe, key, Stage::Completed);
    if node.stage == Stage::Active {
        advance(scribe, &node);
    }
}

fn complete_below(scribe: &mut Scribe<'_>, key: &NodeKey) {
    for below in children(scribe, key) {
        if below.stage == Stage::Active {
            complete_below(scribe, &below.key);
        }
    }
    move_to(scribe, key, Stage::Completed);
}

/// Moves on after an active node was completed: to its next sibling, or to its parent if none is left.
fn advance(scribe: &mut Scribe<'_>, done: &HierarchyNode) {
    if begin_next(scribe, done) {
        return;
    }
    let Some(above) = parent_of(scribe, done).filter(|above| above.stage == Stage::Active) else { return };
    // The last child was completed, so its parent is reached.
    if children(scribe, &above.key).iter().all(|node| node.stage == Stage::Completed) {
        complete(scribe, &above.key);
    }
}

/// Begins the first planned sibling of a node that ended; the sibling of a goal is the next goal. Returns
/// whether there is one.
fn begin_next(scribe: &mut Scribe<'_>, ended: &HierarchyNode) -> bool {
    let siblings = match parent_of(scribe, ended) {
        Some(above) if above.stage == Stage::Active => children(scribe, &above.key),
        None if ended.key.level == Level::Goal => goals(scribe, &ended.key.project),
        _ => return false,
    };
    let Some(next) = siblings.iter().find(|node| node.stage == Stage::Planned) else { return false };
    move_to(scribe, &next.key, Stage::Active);
    descend(scribe, &next.key);
    true
}

/// Returns the goals of a project, in order.
fn goals(scribe: &Scribe<'_>, project: &ProjectSlug) -> Vec<HierarchyNode> {
    let all = scribe.state.nodes_of(project).filter(|node| node.key.level == Level::Goal);
    let mut found: Vec<HierarchyNode> = all.cloned().collect();
    found.sort_by_key(HierarchyNode::place);
    found
}

fn move_to(scribe: &mut Scribe<'_>, key: &NodeKey, to: Stage) {
    let (project, node, level) = (key.project.clone(), key.clone(), key.level);
    scribe.record(Fact::NodeMoved { project, node, level, to });
}
