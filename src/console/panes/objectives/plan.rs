//! What the list of objectives shows, kept until something about it changes.
//!
//! Two caches: the shape (which objectives, what needs what, their order), made anew only when that changes,
//! and the plan (lines and lanes), made anew when a state, the filter, a fold or the size changes. Drawing and
//! moving touch only what is on the screen.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use crate::console::lanes::{Drawing, Folds, Node, Rails, Row, critical, order, rows};
use crate::console::theme::Theme;
use crate::domain::hierarchy::{Aim, Line};
use crate::domain::ids::{ObjectiveKey, ProjectSlug};
use crate::domain::objective::{Objective, Status};
use crate::domain::state::State;

/// Objectives of a project and what needs what.
#[derive(Debug)]
pub struct Shape {
    project: Option<ProjectSlug>,
    signature: u64,
    /// The objectives, oldest first.
    pub keys: Vec<ObjectiveKey>,
    /// The same as nodes; none is done.
    pub nodes: Vec<Node>,
    /// The order of their lines.
    pub order: Vec<u32>,
    /// The headings.
    pub groups: Vec<String>,
    place: BTreeMap<ObjectiveKey, u32>,
    /// Columns of the longest id.
    pub name_width: usize,
}

fn signature(objectives: &[&Objective], state: &State, project: &ProjectSlug) -> u64 {
    let mut hash = DefaultHasher::new();
    for one in objectives {
        (one.added_seq, &one.spec.depends_on, &one.spec.phase).hash(&mut hash);
    }
    for aim in state.aims_of(project) {
        (&aim.key, &aim.title, &aim.parent, aim.added_seq).hash(&mut hash);
        aim.stage.word().hash(&mut hash);
    }
    hash.finish()
}

/// The shape of a project as it is now; the one given when nothing about it has changed.
pub fn shape(
    before: Option<&Rc<Shape>>,
    state: &State,
    project: Option<&ProjectSlug>,
    theme: &Theme,
) -> Rc<Shape> {
    let mut objectives: Vec<&Objective> =
        project.into_iter().flat_map(|slug| state.objectives_of(slug)).collect();
    objectives.sort_by_key(|one| one.added_seq);
    let signature = project.map_or(0, |slug| signature(&objectives, state, slug));
    if let Some(before) = before.filter(|one| one.signature == signature && one.project.as_ref() == project) {
        return before.clone();
    }
    let place: BTreeMap<ObjectiveKey, u32> =
        objectives.iter().zip(0_u32..).map(|(one, at)| (one.key.clone(), at)).collect();
    let (groups, group_of) = groups(&objectives, state, project, theme);
    let nodes: Vec<Node> = objectives
        .iter()
        .zip(group_of)
        .map(|(one, group)| {
            let key = |id: &_| ObjectiveKey { project: one.key.project.clone(), id: Clone::clone(id) };
            let needs = one.spec.depends_on.iter().filter_map(|id| place.get(&key(id)).copied()).collect();
            Node { needs, group, is_done: false }
        })
        .collect();
    let order = order(&nodes);
    let name_width = objectives.iter().map(|one| one.key.id.as_str().len()).max().unwrap_or(0);
    let keys = objectives.into_iter().map(|one| one.key.clone()).collect();
    Rc::new(Shape { project: project.cloned(), signature, keys, nodes, order, groups, place, name_width })
}

/// Where something stands among its siblings: by when it was added; what belongs to nothing comes last.
fn rank(line: &Line<'_>) -> [u64; 3] {
    [line.goal, line.milestone, line.phase].map(|aim| aim.map_or(u64::MAX, |aim| aim.added_seq))
}

fn path(line: &Line<'_>, theme: &Theme) -> String {
    let titles =
        [line.goal, line.milestone, line.phase].into_iter().flatten().map(|aim: &Aim| aim.title.as_str());
    titles.collect::<Vec<_>>().join(&format!(" {} ", theme.glyphs.arrow))
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
pub struct Terms {
    /// The version of the facts.
    pub version: u64,
    /// The project.
    pub project: Option<ProjectSlug>,
    /// Only objectives with this in id or title.
    pub filter: String,
    /// Objectives that a person unfolded.
    pub unfolded: BTreeSet<ObjectiveKey>,
    /// Lines there is room for: finished work is folded when there are more.
    pub room: usize,
    /// Lanes beside each other, at most.
    pub lanes_max: usize,
}

/// The lines of the list, and the lanes beside them.
#[derive(Debug)]
pub struct Plan {
    /// What it was made from.
    pub terms: Terms,
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
    pub fn new(terms: Terms, shape: Rc<Shape>, state: &State, before: Option<&Self>) -> Self {
        let mut nodes = shape.nodes.clone();
        let mut counts = vec![(0, 0); shape.groups.len().max(1)];
        let mut wanted = Vec::with_capacity(nodes.len());
        let filter = terms.filter.to_lowercase();
        for (node, key) in nodes.iter_mut().zip(&shape.keys) {
            let Some(one) = state.objective(key) else {
                wanted.push(false);
                continue;
            };
            node.is_done = one.status == Status::Done;
            if let Some(count) = counts.get_mut(node.group as usize) {
                *count = (count.0 + usize::from(node.is_done), count.1 + 1);
            }
            wanted.push(filter.is_empty() || has(one, &filter));
        }
        let mut is_critical = vec![false; nodes.len()];
        for at in critical(&nodes, &shape.order) {
            is_critical[at as usize] = true;
        }
        let (rows, drawing) = lines(&terms, &shape, &nodes, &wanted, before);
        let mut row_of = vec![0; nodes.len()];
        for (row, number) in rows.iter().zip(0_u32..) {
            for &at in row.nodes() {
                row_of[at as usize] = number;
            }
        }
        Self { terms, shape, nodes, rows, drawing, critical: is_critical, counts, row_of }
    }

    /// The line that an objective is on.
    #[must_use]
    pub fn row_of(&self, key: Option<&ObjectiveKey>) -> Option<usize> {
        let at = *self.shape.place.get(key?)?;
        let row = *self.row_of.get(at as usize)? as usize;
        self.rows.get(row)?.nodes().contains(&at).then_some(row)
    }

    /// The objective of a line; of a fold, the first.
    #[must_use]
    pub fn key(&self, row: usize) -> Option<&ObjectiveKey> {
        let at = *self.rows.get(row)?.nodes().first()?;
        self.shape.keys.get(at as usize)
    }
}

fn has(one: &Objective, filter: &str) -> bool {
    one.key.id.as_str().contains(filter)
        || one.spec.title.to_lowercase().contains(filter)
        || one.status.word().contains(filter)
}

/// A filtered list is one without lanes: half a graph would say what is not so. Lanes are laid out anew only
/// when the lines have changed.
fn lines(
    terms: &Terms,
    shape: &Rc<Shape>,
    nodes: &[Node],
    wanted: &[bool],
    before: Option<&Plan>,
) -> (Vec<Row>, Rc<dyn Drawing>) {
    if !terms.filter.is_empty() {
        let found = shape.order.iter().copied().filter(|&at| wanted[at as usize]);
        let found: Vec<Row> = found.map(Row::Node).collect();
        return (found, Rc::new(Rails::new(&[], &[], 0)));
    }
    let shown = terms.unfolded.iter().filter_map(|key| shape.place.get(key).copied()).collect();
    let headings = shape.groups.len();
    let is_on = nodes.len() + headings > terms.room;
    let folds = Folds { is_on, shown, has_headings: headings > 0 };
    let found = rows(nodes, &shape.order, &folds);
    let same = before.filter(|before| {
        let is_plain = before.terms.filter.is_empty() && before.terms.lanes_max == terms.lanes_max;
        is_plain && Rc::ptr_eq(&before.shape, shape) && before.rows == found
    });
    let drawing = match same {
        Some(before) => before.drawing.clone(),
        None => Rc::new(Rails::new(nodes, &found, terms.lanes_max)),
    };
    (found, drawing)
}
