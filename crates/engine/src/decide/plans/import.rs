//! Import of goals, milestones and phases from a document: existing ones are changed, others are added, and
//! all get the document's order.

use crate::decide::scribe::Scribe;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::event::Fact;
use paddock_model::hierarchy::{HierarchyNode, ImportedNode, Level, NodeKey, NodeOrder, Stage};
use paddock_model::ids::{NodeId, ProjectSlug};
use paddock_model::operate::By;

/// Numbers of nodes that an import added and changed.
#[derive(Default)]
struct Count {
    added: usize,
    changed: usize,
}

pub(in crate::decide) fn take(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    nodes: &[ImportedNode],
) -> Reply {
    check(project, nodes)?;
    // Parents before children, so that each node finds the one that it belongs to.
    let mut count = Count::default();
    for level in [Level::Goal, Level::Milestone, Level::Phase] {
        for node in nodes.iter().filter(|node| node.level == level) {
            add_or_edit(scribe, project, node, &mut count);
        }
        order(scribe, project, level, nodes, &mut count);
    }
    begin(scribe, project, nodes)?;
    scribe.mark(project);
    Ok(Answer::text(summary_of(scribe, project, nodes, &count)))
}

/// Fails if the list is faulty. The reader of documents has checked all of this and reports the line; this
/// check keeps a list from any other source from being applied by half.
fn check(project: &ProjectSlug, nodes: &[ImportedNode]) -> Result<(), Refusal> {
    for (place, node) in nodes.iter().enumerate() {
        let name = NodeKey { project: project.clone(), level: node.level, id: node.id.clone() };
        let is_twice = nodes[..place].iter().any(|other| (other.level, &other.id) == (node.level, &node.id));
        let has_parent = match (node.level.parent(), &node.parent) {
            (None, None) => true,
            (Some(level), Some(id)) => nodes[..place].iter().any(|a| (a.level, &a.id) == (level, id)),
            _ => false,
        };
        let problem = match () {
            () if is_twice => "is named twice",
            () if node.title.trim().is_empty() => "has no title",
            () if !has_parent => "has no parent before it in the document",
            () if node.level != Level::Phase && !node.checks.is_empty() => {
                "has checks, which only phases may have"
            }
            () => continue,
        };
        return Err(Refusal::new(format!("{} {} {problem}; nothing was imported", name.level, name.id)));
    }
    Ok(())
}

fn add_or_edit(scribe: &mut Scribe<'_>, slug: &ProjectSlug, new: &ImportedNode, count: &mut Count) {
    let node = NodeKey { project: slug.clone(), level: new.level, id: new.id.clone() };
    let project = slug.clone();
    let (title, description, parent) = (new.title.clone(), new.description.clone(), new.parent.clone());
    match scribe.state.node(&node) {
        None => {
            count.added += 1;
            scribe.record(Fact::NodeAdded { project, node: node.clone(), title, description, parent });
        }
        Some(old) if (&old.title, &old.description, &old.parent) != (&title, &description, &parent) => {
            count.changed += 1;
            scribe.record(Fact::NodeEdited { project, node: node.clone(), title, description, parent });
        }
        Some(_) => {}
    }
    if new.level == Level::Phase {
        crate::decide::plans::phases::set_checks(scribe, slug, &new.id, new.checks.clone(), By::Human);
    }
}

fn order(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    level: Level,
    nodes: &[ImportedNode],
    count: &mut Count,
) {
    let wanted: Vec<NodeId> =
        nodes.iter().filter(|node| node.level == level).map(|node| node.id.clone()).collect();
    let named = |node: &&HierarchyNode| node.key.level == level && wanted.contains(&node.key.id);
    let mut now: Vec<&HierarchyNode> = scribe.state.nodes_of(project).filter(named).collect();
    now.sort_by_key(|node| node.place());
    if now.iter().map(|node| &node.key.id).ne(&wanted) {
        // An import that only reorders must not report that nothing changed.
        count.changed += usize::from(count.added + count.changed == 0);
        scribe.record(Fact::NodesOrdered { project: project.clone(), level, order: wanted });
    }
}

/// Makes the document's first planned goal active if no goal is active.
fn begin(scribe: &mut Scribe<'_>, project: &ProjectSlug, nodes: &[ImportedNode]) -> Result<(), Refusal> {
    let line = scribe.state.active_line(project);
    // Work is under way already.
    if line.phase.is_some() {
        return Ok(());
    }
    let goal = line.goal.map(|goal| goal.key.clone());
    let is_own = |key: &NodeKey| nodes.iter().any(|node| node.level == Level::Goal && node.id == key.id);
    let first = nodes.iter().filter(|node| node.level == Level::Goal).find_map(|node| {
        let key = NodeKey { project: project.clone(), level: Level::Goal, id: node.id.clone() };
        scribe.state.node(&key).filter(|node| node.stage == Stage::Planned).map(|node| node.key.clone())
    });
    // An active goal of the document continues with the children that were added to it. Another active goal
    // is left alone: an import does not end anybody's work.
    match goal {
        Some(key) if is_own(&key) => crate::decide::plans::hierarchy::resume(scribe, &key),
        Some(_) => {}
        None => {
            if let Some(key) = first {
                crate::decide::plans::hierarchy::take(scribe, &key, NodeOrder::Activate)?;
            }
        }
    }
    Ok(())
}

fn summary_of(scribe: &Scribe<'_>, project: &ProjectSlug, nodes: &[ImportedNode], count: &Count) -> String {
    let count_of = |level: Level| nodes.iter().filter(|node| node.level == level).count();
    let counted = |level: Level| match count_of(level) {
        1 => format!("1 {level}"),
        n => format!("{n} {level}s"),
    };
    let levels = [Level::Goal, Level::Milestone, Level::Phase].map(counted).join(", ");
    let mut text = format!("{levels}: {} added, {} changed", count.added, count.changed);
    let is_named =
        |node: &HierarchyNode| nodes.iter().any(|new| (new.level, &new.id) == (node.key.level, &node.key.id));
    let left: Vec<String> = scribe
        .state
        .nodes_of(project)
        .filter(|node| !is_named(node) && node.stage != Stage::Completed)
        .map(|node| format!("{} {}", node.key.level, node.key.id))
        .take(10)
        .collect();
    if !left.is_empty() {
        text.push_str(&format!("; not in the document, and left as they are: {}", left.join(", ")));
    }
    if let Some(phase) = scribe.state.active_line(project).phase {
        text.push_str(&format!("; the active phase is {}", phase.key.id));
    }
    text
}
