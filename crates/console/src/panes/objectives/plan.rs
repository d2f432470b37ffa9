//! What the list of objectives shows, kept until something about it changes.
//!
//! Two caches: the shape (which objectives, what needs what, their order), made anew only when that changes,
//! and the plan (lines and lanes), made anew when a state, the filter, a fold or the size changes. Drawing and
//! moving touch only what is on the screen.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::graph::{Drawing, Folds, Node, Rails, Row, critical, order, rows};
use crate::text;
use crate::theme::Theme;
use paddock_model::hierarchy::{HierarchyNode, Line};
use paddock_model::ids::{ObjectiveKey, ProjectSlug};
use paddock_model::objective::{Objective, Status};
use paddock_model::state::State;

/// Objectives of a project and what needs what.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The objectives, oldest first.
    pub keys: Vec<ObjectiveKey>,
    /// The same as nodes; none is done.
    pub nodes: Vec<Node>,
    /// The order of their lines.
    pub order: Vec<u32>,
    /// The headings.
    pub groups: Vec<String>,
    place: BTreeMap<ObjectiveKey, u32>,
    /// The nodes in the order of their ids.
    by_id: Vec<u32>,
    /// Columns of the longest id.
    pub name_width: usize,
    /// Columns of the longest title.
    pub title_width: usize,
}

/// Numbers and texts in one number: quick, for it is made of every objective whenever anything happens.
#[derive(Debug, Clone, Copy)]
struct Mix(u64);

impl Mix {
    fn number(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }

    fn text(&mut self, text: &str) {
        for piece in text.as_bytes().chunks(8) {
            let mut bytes = [0; 8];
            bytes[..piece.len()].copy_from_slice(piece);
            self.number(u64::from_le_bytes(bytes));
        }
        self.number(text.len() as u64);
    }
}

/// What is looked at whenever anything has happened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Glance {
    project: Option<ProjectSlug>,
    signature: u64,
    /// By id.
    statuses: Vec<Status>,
}

impl Glance {
    /// Looks at a project.
    #[must_use]
    pub(crate) fn new(state: &State, project: Option<&ProjectSlug>) -> Self {
        let mut mix = Mix(0);
        let mut statuses = Vec::new();
        let Some(slug) = project else { return Self { project: None, signature: 0, statuses } };
        for one in state.objectives_of(slug) {
            statuses.push(one.status);
            mix.number(one.added_seq);
            mix.number(one.spec.title.len() as u64);
            one.spec.depends_on.iter().for_each(|id| mix.text(id.as_str()));
            mix.text(one.spec.phase.as_deref().unwrap_or_default());
        }
        for node in state.nodes_of(slug) {
            mix.number(node.added_seq);
            mix.text(&node.title);
            mix.text(node.stage.word());
            mix.text(node.parent.as_ref().map_or("", |id| id.as_str()));
        }
        Self { project: project.cloned(), signature: mix.0, statuses }
    }

    /// Whether a shape that was made from this one is still right.
    #[must_use]
    pub(crate) fn has_shape_of(&self, other: &Self) -> bool {
        self.signature == other.signature
            && self.project == other.project
            && self.statuses.len() == other.statuses.len()
    }
}

/// The shape of a project as it is now.
#[must_use]
pub(crate) fn shape(state: &State, project: Option<&ProjectSlug>, theme: &Theme) -> Shape {
    let by_id: Vec<&Objective> = project.into_iter().flat_map(|slug| state.objectives_of(slug)).collect();
    let mut objectives = by_id.clone();
    objectives.sort_by_key(|one| one.added_seq);
    let place: BTreeMap<ObjectiveKey, u32> =
        objectives.iter().zip(0_u32..).map(|(one, at)| (one.key.clone(), at)).collect();
    let (groups, group_of) = groups(&objectives, state, project, theme);
    let node = |(one, group): (&&Objective, u32)| {
        let key = |id: &_| ObjectiveKey { project: one.key.project.clone(), id: Clone::clone(id) };
        let needs = one.spec.depends_on.iter().filter_map(|id| place.get(&key(id)).copied()).collect();
        Node { needs, group, is_done: false }
    };
    let nodes: Vec<Node> = objectives.iter().zip(group_of).map(node).collect();
    let order = order(&nodes);
    let by_id = by_id.iter().filter_map(|one| place.get(&one.key).copied()).collect();
    let name_width = objectives.iter().map(|one| one.key.id.as_str().len()).max().unwrap_or(0);
    let title_width = objectives.iter().map(|one| text::width(&one.spec.title)).max().unwrap_or(0);
    let keys = objectives.into_iter().map(|one| one.key.clone()).collect();
    Shape { keys, nodes, order, groups, place, by_id, name_width, title_width }
}

/// Where something stands among its siblings: by when it was added; what belongs to nothing comes last.
fn rank(line: &Line<'_>) -> [u64; 3] {
    [line.goal, line.milestone, line.phase].map(|node| node.map_or(u64::MAX, |node| node.added_seq))
}

/// What a line of aims is called: the goal, then what is in it.
pub(super) fn path(line: &Line<'_>, theme: &Theme) -> String {
    let nodes = [line.goal, line.milestone, line.phase].into_iter().flatten();
    let mut titles: Vec<&str> = nodes.map(|node: &HierarchyNode| node.title.as_str()).collect();
    // A goal that nobody divided is its own milestone and phase.
    titles.dedup();
    titles.join(&format!(" {} ", theme.glyphs.arrow))
}

/// The headings, and which one each objective stands under.
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
        // Nothing belongs to a phase: what is worked towards stands above all of it.
        let active = project.map(|slug| state.active_line(slug)).unwrap_or_default();
        let title = path(&active, theme);
        let titles = if title.is_empty() { Vec::new() } else { vec![title] };
        return (titles, vec![0; objectives.len()]);
    }
    let number: BTreeMap<[u64; 3], u32> = found.keys().copied().zip(0..).collect();
    let group_of = lines.iter().map(|line| number.get(&rank(line)).copied().unwrap_or(0)).collect();
    let name = |title: String| if title.is_empty() { "Without a phase".to_owned() } else { title };
    (found.into_values().map(name).collect(), group_of)
}

/// What a plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Terms {
    /// Only objectives with this in id or title.
    pub filter: String,
    /// Objectives that a person unfolded.
    pub unfolded: BTreeSet<ObjectiveKey>,
    /// Lines there is room for: finished work is folded when there are more.
    pub room: usize,
    /// Lanes beside each other, at most.
    pub graph_columns_max: usize,
}

/// The lines of the list, and the lanes beside them.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What it was made from.
    pub terms: Terms,
    /// The same.
    pub glance: Glance,
    /// The shape.
    pub shape: Rc<Shape>,
    /// The nodes with what is done.
    pub nodes: Vec<Node>,
    /// The lines.
    pub rows: Vec<Row>,
    /// The lanes.
    pub drawing: Rc<dyn Drawing>,
    /// Which nodes are on the longest chain of what is left.
    pub critical: Vec<bool>,
    /// Landed and all objectives of each heading.
    pub counts: Vec<(usize, usize)>,
    row_of: Vec<u32>,
}

impl Plan {
    /// Makes it.
    #[must_use]
    pub(crate) fn new(
        terms: Terms,
        glance: Glance,
        shape: Rc<Shape>,
        state: &State,
        before: Option<&Self>,
    ) -> Self {
        let mut nodes = shape.nodes.clone();
        for (&at, status) in shape.by_id.iter().zip(&glance.statuses) {
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
        let (rows, drawing) = lines(&terms, &shape, &nodes, state, before);
        let mut row_of = vec![0; nodes.len()];
        for (row, number) in rows.iter().zip(0_u32..) {
            for &at in row.nodes() {
                row_of[at as usize] = number;
            }
        }
        Self { terms, glance, shape, nodes, rows, drawing, critical: is_critical, counts, row_of }
    }

    /// Whether it is of that project.
    #[must_use]
    pub(crate) fn is_of(&self, project: Option<&ProjectSlug>) -> bool {
        self.glance.project.as_ref() == project
    }

    /// The line that an objective is on.
    #[must_use]
    pub(crate) fn row_of(&self, key: Option<&ObjectiveKey>) -> Option<usize> {
        let at = *self.shape.place.get(key?)?;
        let row = *self.row_of.get(at as usize)? as usize;
        self.rows.get(row)?.nodes().contains(&at).then_some(row)
    }

    /// The objective of a line; of a fold, the first.
    #[must_use]
    pub(super) fn key(&self, row: usize) -> Option<&ObjectiveKey> {
        let at = *self.rows.get(row)?.nodes().first()?;
        self.shape.keys.get(at as usize)
    }
}

/// Whether id, title or state have it in them; a state by the word on the screen, and by the one that scripts
/// know.
fn has(one: &Objective, filter: &str, theme: &Theme) -> bool {
    one.key.id.as_str().contains(filter)
        || one.spec.title.to_lowercase().contains(filter)
        || one.status.word().contains(filter)
        || theme.objective(one).word.contains(filter)
}

/// A filtered list is one without lanes: half a graph would say what is not so. Lanes are laid out anew only
/// when the lines have changed.
fn lines(
    terms: &Terms,
    shape: &Rc<Shape>,
    nodes: &[Node],
    state: &State,
    before: Option<&Plan>,
) -> (Vec<Row>, Rc<dyn Drawing>) {
    if !terms.filter.is_empty() {
        let (filter, theme) = (terms.filter.to_lowercase(), Theme::default());
        let wanted = |at: &u32| shape.keys.get(*at as usize).and_then(|key| state.objective(key));
        let wanted = |at: &u32| wanted(at).is_some_and(|one| has(one, &filter, &theme));
        let found = shape.order.iter().copied().filter(wanted);
        let found: Vec<Row> = found.map(Row::Node).collect();
        return (found, Rc::new(Rails::new(&[], &[], 0)));
    }
    let shown = terms.unfolded.iter().filter_map(|key| shape.place.get(key).copied()).collect();
    let headings = shape.groups.len();
    let is_on = nodes.len() + headings > terms.room;
    let folds = Folds { is_on, shown, has_headings: headings > 0 };
    let found = rows(nodes, &shape.order, &folds);
    let same = before.filter(|before| {
        let is_plain =
            before.terms.filter.is_empty() && before.terms.graph_columns_max == terms.graph_columns_max;
        is_plain && Rc::ptr_eq(&before.shape, shape) && before.rows == found
    });
    let drawing = match same {
        Some(before) => before.drawing.clone(),
        None => Rc::new(Rails::new(nodes, &found, terms.graph_columns_max)),
    };
    (found, drawing)
}
