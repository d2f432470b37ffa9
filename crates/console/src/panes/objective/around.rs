//! The dependencies and dependents of an objective, two steps each way, with the same graph as the list.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::graph::{self, Drawing, Folds, Kin, Node, Rails, Row, order, rows};
use crate::theme::Theme;
use crate::{Model, text};
use paddock_model::ids::ObjectiveKey;
use paddock_model::objective::Objective;

/// Steps from the objective in each direction.
const STEPS: usize = 2;
/// Objectives shown, at most: an objective that everything depends on has hundreds of dependents.
const SHOWN_MAX: usize = 200;
/// Columns of the graph, at most.
const GRAPH_COLUMNS_MAX: usize = 8;

/// Returns an objective with those around it, oldest first.
fn around<'m>(model: &'m Model, one: &'m Objective) -> Vec<&'m Objective> {
    let state = &model.facts.state;
    let mut found: BTreeSet<ObjectiveKey> = BTreeSet::from([one.key.clone()]);
    // Each direction on its own: an objective that shares a dependency with this one is not related to it.
    for is_down in [false, true] {
        let mut edge = vec![one.key.clone()];
        // Breadth first, so that the bound drops the most distant objectives.
        for _ in 0..STEPS {
            let mut next = Vec::new();
            for key in &edge {
                let neighbours: Vec<_> = match (is_down, state.objective(key)) {
                    (true, _) => state.dependents(key).iter().cloned().collect(),
                    (false, Some(one)) => one.spec.depends_on.clone(),
                    (false, None) => Vec::new(),
                };
                let keys =
                    neighbours.into_iter().map(|id| ObjectiveKey { project: one.key.project.clone(), id });
                next.extend(keys.filter(|key| found.len() < SHOWN_MAX && found.insert(key.clone())));
            }
            edge = next;
        }
    }
    let mut all: Vec<&Objective> = found.iter().filter_map(|key| state.objective(key)).collect();
    all.sort_by_key(|one| one.added_seq);
    all
}

/// Draws the objectives around one, with the row of the objective itself marked. Returns the number of rows.
pub(super) fn draw(
    model: &Model,
    one: &Objective,
    top: usize,
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
) -> usize {
    let all = around(model, one);
    let place =
        |id: &_| all.iter().position(|other| other.key.id == *id).and_then(|at| u32::try_from(at).ok());
    let node = |one: &&Objective| Node {
        needs: one.spec.depends_on.iter().filter_map(place).collect(),
        ..Node::default()
    };
    let nodes: Vec<Node> = all.iter().map(node).collect();
    let order = order(&nodes);
    let rows = rows(&nodes, &order, &Folds::default());
    let rails = Rails::new(&nodes, &rows, GRAPH_COLUMNS_MAX);
    let at = u32::try_from(all.iter().position(|other| other.key == one.key).unwrap_or(0)).unwrap_or(0);
    let kin = graph::kin(&nodes, &order, &[at]);
    let kin_of = |row: usize| {
        rows.get(row).and_then(|row| row.nodes().first()).map_or(Kin::default(), |&at| kin[at as usize])
    };
    let glyphs = if theme.glyphs.ascii { &graph::ASCII } else { &graph::UNICODE };
    let name = all.iter().map(|one| one.key.id.as_str().len()).max().unwrap_or(0).min(28);
    // The objective may have lost neighbours since the position was set.
    let top = top.min(rows.len().saturating_sub(usize::from(area.height)));
    for (y, number) in (area.y..area.bottom()).zip(top..rows.len()) {
        let Some(Row::Node(node)) = rows.get(number) else { continue };
        let mut x = area.x + 1;
        for piece in rails.gutter(number, &kin_of, glyphs) {
            if x < area.right() {
                let style = if piece.is_lit { theme.strong } else { theme.dim };
                buf[(x, y)].set_char(piece.glyph).set_style(style);
            }
            x += 1;
        }
        let Some(other) = all.get(*node as usize) else { continue };
        let look = theme.objective(other);
        let width_from = |x: u16| area.right().saturating_sub(x);
        x += text::put(buf, x, y, width_from(x).min(1), look.glyph, look.style) + 1;
        let style = if node == &at { theme.strong } else { theme.plain };
        text::put(buf, x, y, width_from(x), &text::fit(other.key.id.as_str(), name), style);
        x += u16::try_from(name).unwrap_or(0) + 2;
        text::put(buf, x, y, width_from(x), &text::fit(look.word, 9), look.style);
        x += 11;
        text::put(buf, x, y, width_from(x), &other.spec.title, theme.dim);
        if node == &at {
            buf[(area.x, y)].set_symbol(theme.glyphs.selected);
        }
    }
    rows.len()
}
