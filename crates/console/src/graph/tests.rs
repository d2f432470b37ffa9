//! Snapshots of small graphs, and property tests that read every picture back into edges.

use std::collections::BTreeSet;
use std::time::Instant;

use proptest::prelude::*;

use super::*;

fn node(needs: &[u32]) -> Node {
    Node { needs: needs.to_vec(), ..Node::default() }
}

struct Picture {
    nodes: Vec<Node>,
    rows: Vec<Row>,
    rails: Rails,
}

impl Picture {
    fn new(nodes: Vec<Node>, folds: &Folds, graph_columns_max: usize) -> Self {
        let rows = rows(&nodes, &order(&nodes), folds);
        let rails = Rails::new(&nodes, &rows, graph_columns_max);
        Self { nodes, rows, rails }
    }

    fn plain(nodes: Vec<Node>) -> Self {
        Self::new(nodes, &Folds::default(), 12)
    }

    fn line(&self, row: usize, glyphs: &GlyphSet) -> String {
        let gutter = self.rails.gutter(row, &|_| Kin::default(), glyphs);
        assert_eq!(gutter.len(), self.rails.width());
        gutter.iter().map(|piece| piece.glyph).collect()
    }

    fn draw(&self, glyphs: &GlyphSet) -> String {
        let mut out = String::new();
        for (at, row) in self.rows.iter().enumerate() {
            let text = match row {
                Row::Heading { group, again } => format!(" == {group}{}", if *again { " again" } else { "" }),
                Row::Node(at) => format!("* {at}"),
                Row::Folded(nodes) => format!("+{} done", nodes.len()),
            };
            out.push_str(format!("{}{text}", self.line(at, glyphs)).trim_end());
            out.push('\n');
        }
        out
    }

    fn unicode(&self) -> String {
        self.draw(&UNICODE)
    }

    /// Reads a picture back: returns the pairs of rows that it connects.
    fn read(&self) -> BTreeSet<(usize, usize)> {
        let grid: Vec<Vec<char>> =
            (0..self.rows.len()).map(|row| self.line(row, &UNICODE).chars().collect()).collect();
        let mut found = BTreeSet::new();
        for (row, line) in grid.iter().enumerate() {
            let begins = line.iter().enumerate().filter(|(_, glyph)| matches!(glyph, '╭' | '┬'));
            for (column, _) in begins {
                assert!(reaches_node(line, column), "a lane does not begin at a node: row {row}");
                let mut down = row + 1;
                loop {
                    let glyph = grid[down][column];
                    if matches!(glyph, '├' | '┼' | '╰' | '┴') {
                        assert!(reaches_node(&grid[down], column));
                        found.insert((row, down));
                    }
                    match glyph {
                        '╰' | '┴' => break,
                        '├' | '┼' | '│' => down += 1,
                        other => panic!("the lane of row {row} is cut off by {other:?} in row {down}"),
                    }
                }
            }
            let orphans =
                line.iter().enumerate().filter(|(_, glyph)| matches!(glyph, '├' | '┼' | '╰' | '┴' | '│'));
            for (column, _) in orphans {
                let above = grid[row - 1][column];
                assert!(matches!(above, '╭' | '┬' | '├' | '┼' | '│'), "a lane from nowhere: row {row}");
            }
        }
        found
    }

    fn edges(&self) -> BTreeSet<(usize, usize)> {
        let place = |at: u32| self.rows.iter().position(|row| row.nodes().contains(&at)).unwrap();
        let mut edges = BTreeSet::new();
        for (at, node) in (0..).zip(&self.nodes) {
            edges.extend(node.needs.iter().map(|&need| (place(need), place(at))));
        }
        edges.retain(|(from, to)| from != to);
        edges
    }
}

/// Returns whether the stroke reaches from here to the end of the gutter, interrupted only by passing lanes.
fn reaches_node(line: &[char], column: usize) -> bool {
    line[column + 1..].iter().all(|glyph| matches!(glyph, '─' | '│' | '┬' | '┴' | '┼'))
        && line.last() == Some(&'─')
}

fn diamond() -> Vec<Node> {
    vec![node(&[]), node(&[0]), node(&[0]), node(&[1, 2])]
}

#[test]
fn a_chain() {
    let picture = Picture::plain(vec![node(&[]), node(&[0]), node(&[1]), node(&[2])]);
    insta::assert_snapshot!(picture.unicode());
}

#[test]
fn a_fork() {
    insta::assert_snapshot!(Picture::plain(vec![node(&[]), node(&[0]), node(&[0]), node(&[0])]).unicode());
}

#[test]
fn a_join() {
    insta::assert_snapshot!(
        Picture::plain(vec![node(&[]), node(&[]), node(&[]), node(&[0, 1, 2])]).unicode()
    );
}

#[test]
fn a_diamond() {
    insta::assert_snapshot!(Picture::plain(diamond()).unicode());
    insta::assert_snapshot!("a_diamond_in_ascii", Picture::plain(diamond()).draw(&ASCII));
}

#[test]
fn a_crossing() {
    let nodes = vec![node(&[]), node(&[]), node(&[0]), node(&[1]), node(&[0, 1]), node(&[2, 3])];
    insta::assert_snapshot!(Picture::plain(nodes.clone()).unicode());
    insta::assert_snapshot!("a_crossing_in_ascii", Picture::plain(nodes).draw(&ASCII));
}

#[test]
fn many_roots() {
    let mut nodes = vec![node(&[]); 6];
    nodes.push(node(&[1, 4]));
    insta::assert_snapshot!(Picture::plain(nodes).unicode());
}

#[test]
fn headings_and_a_phase_that_waits_for_a_later_one() {
    let mut nodes = vec![node(&[]), node(&[2]), node(&[]), node(&[0, 1])];
    for (node, group) in nodes.iter_mut().zip([0, 0, 1, 1]) {
        node.group = group;
    }
    let folds = Folds { has_headings: true, ..Folds::default() };
    insta::assert_snapshot!(Picture::new(nodes, &folds, 12).unicode());
}

#[test]
fn what_is_finished_is_folded_but_what_unfinished_work_rests_on_stays() {
    let mut nodes = vec![node(&[]), node(&[0]), node(&[0]), node(&[1, 2]), node(&[3]), node(&[4])];
    for node in nodes.iter_mut().take(5) {
        node.is_done = true;
    }
    let folds = Folds { is_on: true, ..Folds::default() };
    let picture = Picture::new(nodes.clone(), &folds, 12);
    insta::assert_snapshot!(picture.unicode());
    assert_eq!(picture.read(), picture.edges());
    let shown = Folds { shown: (0..6).collect(), ..folds };
    assert_eq!(Picture::new(nodes, &shown, 12).rows.len(), 6);
}

#[test]
fn lanes_that_find_no_place_are_counted_on_their_lines() {
    let mut nodes: Vec<Node> = (0..4).map(|_| node(&[])).collect();
    nodes.extend([node(&[3]), node(&[2]), node(&[1]), node(&[0])]);
    // In this order every lane is nested in the one before, so each needs a column of its own.
    let rows: Vec<Row> = (0..8).map(Row::Node).collect();
    let rails = Rails::new(&nodes, &rows, 2);
    let picture = Picture { nodes, rows, rails };
    insta::assert_snapshot!(picture.unicode());
    assert_eq!(picture.rails.hidden(0), (0, 1));
    assert_eq!(picture.rails.hidden(7), (1, 0));
    assert_eq!(picture.rails.hidden(3), (0, 0));
}

/// Returns a pseudo-random number that depends only on the seed (SplitMix64).
fn scattered(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn many(count: u32, reach: u64) -> Vec<Node> {
    let need = |at: u32, salt: u64| {
        let back = 1 + scattered(u64::from(at) * 7 + salt) % reach;
        u64::from(at).checked_sub(back).and_then(|need| u32::try_from(need).ok())
    };
    (0..count)
        .map(|at| Node {
            needs: [need(at, 1), need(at, 2)].into_iter().flatten().collect(),
            ..Node::default()
        })
        .collect()
}

#[test]
fn five_hundred_nodes() {
    let picture = Picture::new(many(500, 12), &Folds::default(), 10);
    assert!(picture.rails.width() <= 22);
    let text = picture.unicode();
    assert_eq!(text.lines().count(), 500);
    insta::assert_snapshot!(text.lines().take(60).collect::<Vec<_>>().join("\n"));
}

#[test]
fn ten_thousand_nodes_are_placed_within_the_limit() {
    let nodes = many(10_000, 40);
    let begun = Instant::now();
    let picture = Picture::new(nodes, &Folds::default(), 10);
    let took = begun.elapsed();
    assert_eq!(picture.rows.len(), 10_000);
    // A wide limit, for a debug build on a busy machine; the benchmark measures the real time.
    assert!(took.as_secs() < 10, "{took:?}");
}

#[test]
fn in_a_cycle_every_node_still_has_a_row() {
    let nodes = vec![node(&[2]), node(&[0]), node(&[1]), node(&[2, 9]), node(&[4])];
    let picture = Picture::plain(nodes);
    let drawn: BTreeSet<u32> = picture.rows.iter().flat_map(Row::nodes).copied().collect();
    assert_eq!(drawn, (0..5).collect());
    picture.read();
}

#[test]
fn the_selection_lights_its_way_up_and_down_and_nothing_beside() {
    // 0 ─ 1 ─ 3, 0 ─ 2 ─ 3 ─ 4: selecting 1 leaves 2 dark, though it hangs on the same lane.
    let mut nodes = diamond();
    nodes.push(node(&[3]));
    let order = order(&nodes);
    let kin = kin(&nodes, &order, &[1]);
    let any: Vec<bool> = kin.iter().map(|kin| kin.is_any()).collect();
    assert_eq!(any, [true, true, false, true, true]);
    let picture = Picture::plain(nodes);
    let lit = |row: usize| {
        let of = |row: usize| kin[picture.rows[row].nodes()[0] as usize];
        let gutter = picture.rails.gutter(row, &of, &UNICODE);
        gutter.iter().map(|piece| if piece.is_lit { piece.glyph } else { '.' }).collect::<String>()
    };
    let drawn: Vec<String> = (0..5).map(lit).collect();
    insta::assert_snapshot!(drawn.join("\n"));
}

#[test]
fn the_critical_path_is_the_longest_chain_of_what_is_left() {
    let mut nodes = vec![node(&[]), node(&[0]), node(&[1]), node(&[]), node(&[3])];
    assert_eq!(critical(&nodes, &order(&nodes)), [0, 1, 2]);
    nodes[0].is_done = true;
    nodes[1].is_done = true;
    assert_eq!(critical(&nodes, &order(&nodes)), [3, 4]);
    nodes[3].is_done = true;
    assert!(critical(&nodes, &order(&nodes)).is_empty());
}

#[test]
fn finished_nodes_move_no_row() {
    let mut nodes = many(200, 9);
    let before = order(&nodes);
    for node in nodes.iter_mut().take(90) {
        node.is_done = true;
    }
    assert_eq!(order(&nodes), before);
}

fn graphs() -> impl Strategy<Value = Vec<Node>> {
    let one = (prop::collection::vec(any::<prop::sample::Index>(), 0..4), 0_u32..3, any::<bool>());
    prop::collection::vec(one, 1..40).prop_map(|parts| {
        let mut nodes: Vec<Node> = Vec::new();
        for (at, (needs, group, is_done)) in parts.into_iter().enumerate() {
            let needs: BTreeSet<u32> =
                needs.iter().filter(|_| at > 0).map(|need| u32::try_from(need.index(at)).unwrap()).collect();
            // A node is done only after its needs, as in a valid state.
            let is_done = is_done && needs.iter().all(|&need| nodes[need as usize].is_done);
            nodes.push(Node { needs: needs.into_iter().collect(), group, is_done });
        }
        nodes
    })
}

proptest! {
    #[test]
    fn exactly_the_dependencies_are_drawn_as_connected(nodes in graphs(), headings: bool, folded: bool) {
        let folds = Folds { is_on: folded, has_headings: headings, ..Folds::default() };
        let picture = Picture::new(nodes.clone(), &folds, usize::MAX);
        prop_assert_eq!(picture.read(), picture.edges(), "{}", picture.unicode());
        let drawn: Vec<u32> = picture.rows.iter().flat_map(Row::nodes).copied().collect();
        prop_assert_eq!(drawn.len(), nodes.len());
        prop_assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), nodes.len());
    }

    #[test]
    fn edges_that_a_narrow_gutter_leaves_out_are_counted(nodes in graphs(), graph_columns_max in 0_usize..4) {
        let picture = Picture::new(nodes, &Folds::default(), graph_columns_max);
        let (read, edges) = (picture.read(), picture.edges());
        prop_assert!(read.is_subset(&edges));
        prop_assert!(picture.rails.width() <= graph_columns_max * 2 + 2);
        let hidden: u32 = (0..picture.rows.len()).map(|row| picture.rails.hidden(row).0).sum();
        prop_assert_eq!(edges.len() - read.len(), hidden as usize);
    }
}
