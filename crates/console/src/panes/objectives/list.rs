//! The rows of the list of objectives, cached until they change.
//!
//! There are two caches. The [`Shape`] (the objectives, their dependencies and their order) changes only with
//! these. The [`List`] (rows and graph) changes also with a status, the filter, a fold or the size of the
//! pane. Drawing and moving the selection cost only what is on the screen.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::graph::{Drawing, Folds, Node, Rails, Row, critical, order, rows};
use crate::text;
use crate::theme::Theme;
use paddock_model::hierarchy::{HierarchyNode, Line};
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_model::objective::{Objective, Status};
use paddock_model::state::State;

/// The objectives of a project with their dependencies. A node is named by its index in `keys` and `nodes`.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Objectives, oldest first.
    pub keys: Vec<ObjectiveKey>,
    /// The objectives as nodes of the graph; none is marked as done.
    pub nodes: Vec<Node>,
    /// Nodes in the order of their rows.
    pub order: Vec<u32>,
    /// Titles of the headings.
    pub groups: Vec<String>,
    /// Node of each objective.
    node_of: BTreeMap<ObjectiveKey, u32>,
    /// Nodes in the order of their ids, as [`Fingerprint`] lists statuses.
    by_id: Vec<u32>,
    /// Columns of the longest id.
    pub name_width: usize,
    /// Columns of the longest title.
    pub title_width: usize,
}

/// A hash of numbers and texts. It is computed over all objectives after every event, so it must be fast; it
/// only has to notice changes, and no adversary chooses its input.
#[derive(Debug, Clone, Copy)]
struct QuickHash(u64);

impl QuickHash {
    fn number(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }

    fn text(&mut self, text: &str) {
        for piece in text.as_bytes().chunks(8) {
            let mut bytes = [0; 8];
            bytes[..piece.len()].copy_from_slice(piece);
            self.number(u64::from_le_bytes(bytes));
        }
        // The length tells texts apart that end in zero bytes or differ in where they were split.
        self.number(text.len() as u64);
    }
}

/// The parts of the state that the list depends on, compared after every event. Most events (progress, usage)
/// change none of them, and the list is kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    project: Option<ProjectSlug>,
    /// Hash of what the shape depends on.
    signature: u64,
    /// Statuses of the objectives, in the order of their ids.
    statuses: Vec<Status>,
}

impl Fingerprint {
    /// Computes the fingerprint of a project.
    #[must_use]
    pub(crate) fn new(state: &State, project: Option<&ProjectSlug>) -> Self {
        let mut hash = QuickHash(0);
        let mut statuses = Vec::new();
        let Some(slug) = project else { return Self { project: None, signature: 0, statuses } };
        // All that `shape` reads: a part left out here would leave an outdated list on the screen.
        for one in state.objectives_of(slug) {
            statuses.push(one.status);
            hash.number(one.added_seq);
            // Titles are drawn from the state; the shape holds only their width.
            hash.number(one.spec.title.len() as u64);
            one.spec.depends_on.iter().for_each(|id| hash.text(id.as_str()));
            hash.text(one.spec.phase.as_deref().unwrap_or_default());
        }
        for node in state.nodes_of(slug) {
            hash.number(node.added_seq);
            hash.text(&node.title);
            hash.text(node.stage.word());
            hash.text(node.parent.as_ref().map_or("", |id| id.as_str()));
        }
        Self { project: project.cloned(), signature: hash.0, statuses }
    }

    /// Returns whether a shape made from `other` is right for this fingerprint: only statuses may differ.
    #[must_use]
    pub(crate) fn has_shape_of(&self, other: &Self) -> bool {
        self.signature == other.signature
            && self.project == other.project
            && self.statuses.len() == other.statuses.len()
    }
}

/// Returns the shape of a project.
#[must_use]
pub(crate) fn shape(state: &State, project: Option<&ProjectSlug>, theme: &Theme) -> Shape {
    let by_id: Vec<&Objective> = project.into_iter().flat_map(|slug| state.objectives_of(slug)).collect();
    // Oldest first: the graph uses the index of a node to decide between rows that could be in either order.
    let mut objectives = by_id.clone();
    objectives.sort_by_key(|one| one.added_seq);
    let node_of: BTreeMap<ObjectiveKey, u32> =
        objectives.iter().zip(0_u32..).map(|(one, at)| (one.key.clone(), at)).collect();
    let (groups, group_of) = groups(&objectives, state, project, theme);
    let node = |(one, group): (&&Objective, u32)| {
        let key = |id: &_| ObjectiveKey { project: one.key.project.clone(), id: Clone::clone(id) };
        // A dependency that does not exist cannot be drawn.
        let needs = one.spec.depends_on.iter().filter_map(|id| node_of.get(&key(id)).copied()).collect();
        Node { needs, group, is_done: false }
    };
    let nodes: Vec<Node> = objectives.iter().zip(group_of).map(node).collect();
    let order = order(&nodes);
    // The fingerprint lists statuses by id, the nodes are by age: this maps one order to the other.
    let by_id = by_id.iter().filter_map(|one| node_of.get(&one.key).copied()).collect();
    let name_width = objectives.iter().map(|one| one.key.id.as_str().len()).max().unwrap_or(0);
    let title_width = objectives.iter().map(|one| text::width(&one.spec.title)).max().unwrap_or(0);
    let keys = objectives.into_iter().map(|one| one.key.clone()).collect();
    Shape { keys, nodes, order, groups, node_of, by_id, name_width, title_width }
}

/// Returns the sort key of a heading: goal, milestone and phase by the time they were added. Objectives
/// without a phase come last.
fn rank(line: &Line<'_>) -> [u64; 3] {
    [line.goal, line.milestone, line.phase].map(|node| node.map_or(u64::MAX, |node| node.added_seq))
}

/// Returns the title of a heading: goal, milestone and phase.
pub(super) fn path(line: &Line<'_>, theme: &Theme) -> String {
    let nodes = [line.goal, line.milestone, line.phase].into_iter().flatten();
    let mut titles: Vec<&str> = nodes.map(|node: &HierarchyNode| node.title.as_str()).collect();
    // A goal that was not divided is its own milestone and phase: its title is shown once.
    titles.dedup();
    titles.join(&format!(" {} ", theme.glyphs.arrow))
}

/// Returns the titles of the headings, and the heading of each objective.
fn groups(
    objectives: &[&Objective],
    state: &State,
    project: Option<&ProjectSlug>,
    theme: &Theme,
) -> (Vec<String>, Vec<u32>) {
    let lines: Vec<Line<'_>> = objectives.iter().map(|one| state.line_of(one)).collect();
    let mut found: BTreeMap<[u64; 3], String> = BTreeMap::new();
    for line in &lines {
        found.entry(rank(line)).or_insert_with(|| path(line, theme));
    }
    if found.values().all(String::is_empty) {
        // No objective belongs to a phase: one heading is above all of them. They do not count as work of the
        // active goal.
        let active = project.map(|slug| state.active_line(slug)).unwrap_or_default();
        let title = path(&active, theme);
        let heading = || format!("Without a phase; no objective yet for {title}");
        let titles = if title.is_empty() { Vec::new() } else { vec![heading()] };
        return (titles, vec![0; objectives.len()]);
    }
    // The map is sorted by rank, so that the numbers are in the order of the headings.
    let number: BTreeMap<[u64; 3], u32> = found.keys().copied().zip(0..).collect();
    let group_of = lines.iter().map(|line| number.get(&rank(line)).copied().unwrap_or(0)).collect();
    let name = |title: String| if title.is_empty() { "Without a phase".to_owned() } else { title };
    (found.into_values().map(name).collect(), group_of)
}

/// What the list depends on, other than the state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ListInputs {
    /// Filter text: only objectives with it in id, title or state are listed.
    pub filter: String,
    /// Objectives that a person has unfolded.
    pub unfolded: BTreeSet<ObjectiveKey>,
    /// Rows of the pane. Finished objectives are folded if the list is longer.
    pub height: usize,
    /// Columns of the graph, at most.
    pub graph_columns_max: usize,
}

/// The rows of the list, and the graph at their left.
#[derive(Debug)]
pub(crate) struct List {
    /// Inputs that the list was made from.
    pub inputs: ListInputs,
    /// Fingerprint of the state that the list was made from.
    pub fingerprint: Fingerprint,
    /// Objectives and dependencies.
    pub shape: Rc<Shape>,
    /// The shape's nodes, with finished ones marked as done.
    pub nodes: Vec<Node>,
    /// Rows, in order.
    pub rows: Vec<Row>,
    /// Graph at the left of the rows.
    pub drawing: Rc<dyn Drawing>,
    /// Whether each node is on the longest chain of unfinished objectives.
    pub critical: Vec<bool>,
    /// Numbers of finished and of all objectives of each heading.
    pub counts: Vec<(usize, usize)>,
    /// Row of each node.
    row_of: Vec<u32>,
}

impl List {
    /// Makes the list. `before` is the list shown last; its graph is reused if the rows are the same.
    #[must_use]
    pub(crate) fn new(
        inputs: ListInputs,
        fingerprint: Fingerprint,
        shape: Rc<Shape>,
        state: &State,
        before: Option<&Self>,
    ) -> Self {
        let mut nodes = shape.nodes.clone();
        for (&at, status) in shape.by_id.iter().zip(&fingerprint.statuses) {
            nodes[at as usize].is_done = *status == Status::Done;
        }
        let mut counts = vec![(0, 0); shape.groups.len().max(1)];
        for node in &nodes {
            if let Some(count) = counts.get_mut(node.group as usize) {
                *count = (count.0 + usize::from(node.is_done), count.1 + 1);
            }
        }
        let mut is_critical = vec![false; nodes.len()];
        for at in critical(&nodes, &shape.order) {
            is_critical[at as usize] = true;
        }
        let (rows, drawing) = lines(&inputs, &shape, &nodes, state, before);
        let mut row_of = vec![0; nodes.len()];
        for (row, number) in rows.iter().zip(0_u32..) {
            for &at in row.nodes() {
                row_of[at as usize] = number;
            }
        }
        Self { inputs, fingerprint, shape, nodes, rows, drawing, critical: is_critical, counts, row_of }
    }

    /// Returns whether the list is that of a project.
    #[must_use]
    pub(crate) fn is_of(&self, project: Option<&ProjectSlug>) -> bool {
        self.fingerprint.project.as_ref() == project
    }

    /// Returns the row of an objective, which may be a fold; `None` if the filter leaves it out.
    #[must_use]
    pub(crate) fn row_of(&self, key: Option<&ObjectiveKey>) -> Option<usize> {
        let at = *self.shape.node_of.get(key?)?;
        // Nodes without a row have 0 in `row_of`: the row must be checked.
        let row = *self.row_of.get(at as usize)? as usize;
        self.rows.get(row)?.nodes().contains(&at).then_some(row)
    }

    /// Returns the objective of a row; of a fold, the first.
    #[must_use]
    pub(super) fn key(&self, row: usize) -> Option<&ObjectiveKey> {
        let at = *self.rows.get(row)?.nodes().first()?;
        self.shape.keys.get(at as usize)
    }
}

/// Returns whether the id, title or state of an objective contains the filter's text. A state matches by its
/// word on the screen and by its word in scripts.
fn matches(one: &Objective, filter: &str, theme: &Theme) -> bool {
    one.key.id.as_str().contains(filter)
        || one.spec.title.to_lowercase().contains(filter)
        || one.status.word().contains(filter)
        || theme.objective(one).word.contains(filter)
}

/// Returns the rows and their graph. A filtered list has no graph: with objectives missing, it would show
/// wrong dependencies. The graph is laid out again only if the rows have changed.
fn lines(
    inputs: &ListInputs,
    shape: &Rc<Shape>,
    nodes: &[Node],
    state: &State,
    before: Option<&List>,
) -> (Vec<Row>, Rc<dyn Drawing>) {
    if !inputs.filter.is_empty() {
        // The words of states are the same in every theme.
        let (filter, theme) = (inputs.filter.to_lowercase(), Theme::default());
        let wanted = |at: &u32| shape.keys.get(*at as usize).and_then(|key| state.objective(key));
        let wanted = |at: &u32| wanted(at).is_some_and(|one| matches(one, &filter, &theme));
        let found = shape.order.iter().copied().filter(wanted);
        let found: Vec<Row> = found.map(Row::Node).collect();
        return (found, Rc::new(Rails::new(&[], &[], 0)));
    }
    let shown = inputs.unfolded.iter().filter_map(|key| shape.node_of.get(key).copied()).collect();
    let headings = shape.groups.len();
    // Folding only when needed: a short list shows everything.
    let is_on = nodes.len() + headings > inputs.height;
    let folds = Folds { is_on, shown, has_headings: headings > 0 };
    let found = rows(nodes, &shape.order, &folds);
    let same = before.filter(|before| {
        let is_plain =
            before.inputs.filter.is_empty() && before.inputs.graph_columns_max == inputs.graph_columns_max;
        is_plain && Rc::ptr_eq(&before.shape, shape) && before.rows == found
    });
    let drawing = match same {
        Some(before) => before.drawing.clone(),
        None => Rc::new(Rails::new(nodes, &found, inputs.graph_columns_max)),
    };
    (found, drawing)
}
