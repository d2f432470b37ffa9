//! Places the graph lanes in columns, and draws the part of them that each row shows.

use std::collections::BTreeMap;

use super::{Drawing, GlyphSet, Kin, Node, Piece, Row};

/// Characters per column: the lane's own, then a stroke or a blank.
const LANE_WIDTH: usize = 2;

/// The graph lane of one row, from that row down to the last one that needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lane {
    /// The row that owns the lane.
    from: u32,
    /// The rows that need it, in ascending order; never empty.
    to: Vec<u32>,
}

impl Lane {
    fn last(&self) -> u32 {
        self.to.last().copied().unwrap_or(self.from)
    }
}

/// The lanes of a list of rows, placed in columns. Short lanes are next to the nodes, long ones further left.
/// If there are more lanes than columns, the longest are not drawn, and their rows count the missing edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rails {
    /// Lanes of each column, the column next to the nodes first.
    /// Within a column they are in order and do not overlap.
    columns: Vec<Vec<Lane>>,
    /// Edges of each row that are not drawn: number of needs, number of dependents.
    hidden: BTreeMap<u32, (u32, u32)>,
}

impl Rails {
    /// Places the lanes of these rows in at most `graph_columns_max` columns.
    #[must_use]
    pub fn new(nodes: &[Node], rows: &[Row], graph_columns_max: usize) -> Self {
        let mut lanes = lanes(nodes, rows);
        // Shortest first: short lanes get the columns next to the nodes, and as many lanes as possible fit.
        lanes.sort_by_key(|lane| (lane.last() - lane.from, lane.from));
        let mut columns: Vec<BTreeMap<u32, Lane>> = Vec::new();
        let mut hidden: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        for lane in lanes {
            let free = columns.iter().position(|column| is_free(column, &lane));
            match free {
                Some(at) => _ = columns[at].insert(lane.from, lane),
                None if columns.len() < graph_columns_max => {
                    columns.push(BTreeMap::from([(lane.from, lane)]));
                }
                None => {
                    for &to in &lane.to {
                        hidden.entry(lane.from).or_default().1 += 1;
                        hidden.entry(to).or_default().0 += 1;
                    }
                }
            }
        }
        let columns = columns.into_iter().map(|column| column.into_values().collect()).collect();
        Self { columns, hidden }
    }

    fn lane_at(&self, column: usize, row: u32) -> Option<&Lane> {
        let lanes = &self.columns[column];
        let behind = lanes.partition_point(|lane| lane.from <= row);
        lanes[..behind].last().filter(|lane| row <= lane.last())
    }
}

/// Returns whether a lane fits into a column. Lanes in a column do not overlap, so only the last one that
/// begins at or above the new lane's end can be in the way.
fn is_free(column: &BTreeMap<u32, Lane>, lane: &Lane) -> bool {
    column.range(..=lane.last()).next_back().is_none_or(|(_, other)| other.last() < lane.from)
}

/// Returns one lane for every row that a later row needs.
fn lanes(nodes: &[Node], rows: &[Row]) -> Vec<Lane> {
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
            // Only downward: a need in the same folded row, or one that closes a cycle, is not drawn.
            if let Some(list) = from.filter(|from| *from < number).map(|from| &mut to[from as usize])
                && list.last() != Some(&number)
            {
                list.push(number);
            }
        }
    }
    let lanes = (0_u32..).zip(to).filter(|(_, to)| !to.is_empty());
    lanes.map(|(from, to)| Lane { from, to }).collect()
}

/// What a lane does in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The row owns the lane.
    Begin,
    /// The row needs the lane, which continues downward.
    Tap,
    /// The row is the last one that needs the lane.
    End,
    /// The lane crosses the row without a connection.
    Pass,
}

fn role(lane: &Lane, row: u32) -> Role {
    match lane.to.binary_search(&row) {
        // `to` contains only later rows, so the result does not matter here.
        _ if lane.from == row => Role::Begin,
        Ok(_) if lane.last() == row => Role::End,
        Ok(_) => Role::Tap,
        Err(_) => Role::Pass,
    }
}

/// Returns whether the edge between two rows is on a path to or from the selection.
fn is_way(from: Kin, to: Kin) -> bool {
    // A path does not turn around at the selection: both ends lie above it, or both below.
    (from.is_above && to.is_above) || (from.is_below && to.is_below)
}

/// Returns whether a lane is highlighted at a row: the row,
/// or one further down, is on a path with the lane's owner.
fn is_lit(lane: &Lane, row: u32, kin: &dyn Fn(usize) -> Kin) -> bool {
    let from = kin(lane.from as usize);
    let ahead = lane.to.partition_point(|to| *to < row);
    from.is_any() && lane.to[ahead..].iter().any(|to| is_way(from, kin(*to as usize)))
}

/// Returns whether the stroke from this lane to the row's node is highlighted.
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
        // If any edge is missing, one more column at the far left marks the rows concerned.
        if !self.hidden.is_empty() {
            let mark = if self.hidden.contains_key(&line) { glyphs.more } else { ' ' };
            pieces.push(Piece { glyph: mark, is_lit: false });
            pieces.push(Piece { glyph: ' ', is_lit: false });
        }
        // From the left: the stroke begins at the first connected
        // lane, and is highlighted from the first highlighted one on.
        let (mut has_stroke, mut stroke_lit) = (false, false);
        // Reversed, since the first column is the one next to the nodes.
        for column in (0..self.columns.len()).rev() {
            let piece = match self.lane_at(column, line) {
                None if has_stroke => Piece { glyph: glyphs.across, is_lit: stroke_lit },
                None => Piece { glyph: ' ', is_lit: false },
                Some(lane) => {
                    let role = role(lane, line);
                    let glyph = glyph(role, has_stroke, glyphs);
                    has_stroke |= role != Role::Pass;
                    stroke_lit |= stroke_is_lit(lane, line, role, kin);
                    // A highlighted stroke also highlights the glyph in which a lane joins it.
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
    /// Returns how many edges of a row could not be drawn for want of columns: (needs, dependents).
    pub(super) fn hidden(&self, row: usize) -> (u32, u32) {
        let line = u32::try_from(row).unwrap_or(u32::MAX);
        self.hidden.get(&line).copied().unwrap_or_default()
    }
}
