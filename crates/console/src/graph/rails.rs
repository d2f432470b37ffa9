//! Lanes: where each runs, and what a line shows of them.

use std::collections::BTreeMap;

use super::{Drawing, GlyphSet, Kin, Node, Piece, Row};

/// Characters per lane: its own, and a stroke or a blank.
const LANE_WIDTH: usize = 2;

/// The lane of one line, from that line down to the last one that needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lane {
    from: u32,
    /// The lines that need it, in order; never empty.
    to: Vec<u32>,
}

impl Lane {
    fn last(&self) -> u32 {
        self.to.last().copied().unwrap_or(self.from)
    }
}

/// The lanes of a list of lines, at most so many beside each other. Short ones lie next to the nodes, long
/// ones further out; the longest of those that find no place are not drawn, and counted on their lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rails {
    /// What each column holds, the one next to the nodes first; ordered by line, never overlapping.
    columns: Vec<Vec<Lane>>,
    hidden: BTreeMap<u32, (u32, u32)>,
}

impl Rails {
    /// Lays out the lanes of these lines, at most `graph_columns_max` beside each other.
    #[must_use]
    pub fn new(nodes: &[Node], rows: &[Row], graph_columns_max: usize) -> Self {
        let mut graph = graph(nodes, rows);
        graph.sort_by_key(|lane| (lane.last() - lane.from, lane.from));
        let mut taken: Vec<BTreeMap<u32, Lane>> = Vec::new();
        let mut hidden: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        for lane in graph {
            let free = taken.iter().position(|column| is_free(column, &lane));
            match free {
                Some(at) => _ = taken[at].insert(lane.from, lane),
                None if taken.len() < graph_columns_max => taken.push(BTreeMap::from([(lane.from, lane)])),
                None => {
                    for &to in &lane.to {
                        hidden.entry(lane.from).or_default().1 += 1;
                        hidden.entry(to).or_default().0 += 1;
                    }
                }
            }
        }
        let columns = taken.into_iter().map(|column| column.into_values().collect()).collect();
        Self { columns, hidden }
    }

    fn lane_at(&self, column: usize, row: u32) -> Option<&Lane> {
        let graph = &self.columns[column];
        let behind = graph.partition_point(|lane| lane.from <= row);
        graph[..behind].last().filter(|lane| row <= lane.last())
    }
}

fn is_free(column: &BTreeMap<u32, Lane>, lane: &Lane) -> bool {
    column.range(..=lane.last()).next_back().is_none_or(|(_, other)| other.last() < lane.from)
}

fn graph(nodes: &[Node], rows: &[Row]) -> Vec<Lane> {
    let mut row_of: Vec<Option<u32>> = vec![None; nodes.len()];
    for (number, row) in (0_u32..).zip(rows) {
        for &at in row.nodes() {
            row_of[at as usize] = Some(number);
        }
    }
    let mut to: Vec<Vec<u32>> = vec![Vec::new(); rows.len()];
    for (number, row) in (0_u32..).zip(rows) {
        for need in row.nodes().iter().flat_map(|&at| &nodes[at as usize].needs) {
            let from = row_of.get(*need as usize).copied().flatten();
            // Only downward: a need on the same folded line, or one that closes a circle, is no lane.
            if let Some(list) = from.filter(|from| *from < number).map(|from| &mut to[from as usize])
                && list.last() != Some(&number)
            {
                list.push(number);
            }
        }
    }
    let graph = (0_u32..).zip(to).filter(|(_, to)| !to.is_empty());
    graph.map(|(from, to)| Lane { from, to }).collect()
}

/// What a lane does on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Begin,
    Tap,
    End,
    Pass,
}

fn role(lane: &Lane, row: u32) -> Role {
    match lane.to.binary_search(&row) {
        _ if lane.from == row => Role::Begin,
        Ok(_) if lane.last() == row => Role::End,
        Ok(_) => Role::Tap,
        Err(_) => Role::Pass,
    }
}

/// Whether the way between two lines is one to or from the selection.
fn is_way(from: Kin, to: Kin) -> bool {
    (from.is_above && to.is_above) || (from.is_below && to.is_below)
}

/// Whether a lane leads, on this line or further down, to something that is lit with it.
fn is_lit(lane: &Lane, row: u32, kin: &dyn Fn(usize) -> Kin) -> bool {
    let from = kin(lane.from as usize);
    let ahead = lane.to.partition_point(|to| *to < row);
    from.is_any() && lane.to[ahead..].iter().any(|to| is_way(from, kin(*to as usize)))
}

/// Whether the stroke from this lane to the node is lit.
fn stroke_is_lit(lane: &Lane, row: u32, role: Role, kin: &dyn Fn(usize) -> Kin) -> bool {
    match role {
        Role::Begin => is_lit(lane, row, kin),
        Role::Tap | Role::End => is_way(kin(lane.from as usize), kin(row as usize)),
        Role::Pass => false,
    }
}

fn glyph(role: Role, reaches_left: bool, glyphs: &GlyphSet) -> char {
    match (role, reaches_left) {
        (Role::Pass, _) => glyphs.pass,
        (Role::Begin, false) => glyphs.begin,
        (Role::Begin, true) => glyphs.begin_across,
        (Role::Tap, false) => glyphs.tap,
        (Role::Tap, true) => glyphs.tap_across,
        (Role::End, false) => glyphs.end,
        (Role::End, true) => glyphs.end_across,
    }
}

impl Drawing for Rails {
    fn width(&self) -> usize {
        let more = if self.hidden.is_empty() { 0 } else { LANE_WIDTH };
        self.columns.len() * LANE_WIDTH + more
    }

    fn gutter(&self, row: usize, kin: &dyn Fn(usize) -> Kin, glyphs: &GlyphSet) -> Vec<Piece> {
        let line = u32::try_from(row).unwrap_or(u32::MAX);
        let mut pieces = Vec::with_capacity(self.width());
        if !self.hidden.is_empty() {
            let mark = if self.hidden.contains_key(&line) { glyphs.more } else { ' ' };
            pieces.push(Piece { glyph: mark, is_lit: false });
            pieces.push(Piece { glyph: ' ', is_lit: false });
        }
        // From the left: the stroke begins at the first lane that is connected, and is lit from the first
        // that is lit.
        let (mut has_stroke, mut stroke_lit) = (false, false);
        for column in (0..self.columns.len()).rev() {
            let piece = match self.lane_at(column, line) {
                None if has_stroke => Piece { glyph: glyphs.across, is_lit: stroke_lit },
                None => Piece { glyph: ' ', is_lit: false },
                Some(lane) => {
                    let role = role(lane, line);
                    let glyph = glyph(role, has_stroke, glyphs);
                    has_stroke |= role != Role::Pass;
                    stroke_lit |= stroke_is_lit(lane, line, role, kin);
                    let crossed = role != Role::Pass && stroke_lit;
                    Piece { glyph, is_lit: crossed || is_lit(lane, line, kin) }
                }
            };
            pieces.push(piece);
            let across = if has_stroke { glyphs.across } else { ' ' };
            pieces.push(Piece { glyph: across, is_lit: has_stroke && stroke_lit });
        }
        pieces
    }

    fn is_cut(&self) -> bool {
        !self.hidden.is_empty()
    }
}

#[cfg(test)]
impl Rails {
    /// How many dependencies of this line could not be drawn for want of width: (needed, needed by).
    pub(super) fn hidden(&self, row: usize) -> (u32, u32) {
        let line = u32::try_from(row).unwrap_or(u32::MAX);
        self.hidden.get(&line).copied().unwrap_or_default()
    }
}
