//! Times a log of a million lines, and the graph of ten thousand objectives.

use std::time::Instant;

use paddock_agents::transcript::Setting;
use paddock_console::graph::{Folds, Node, Rails, order, rows};
use paddock_console::log::{Chunk, Doc, Matcher, Mode, Raw, Search, Shared, Step, Stream, View};

/// Fills in the parts of the log that the view wants, as the reading thread does. Returns whether there were
/// any.
fn serve(doc: &mut Doc, text: &[u8]) -> bool {
    let wanted = doc.take_wanted();
    for (stream, block) in &wanted {
        let at = |place: u64| usize::try_from(place).unwrap().min(text.len());
        doc.fill(*stream, block, &text[at(block.offset)..at(block.end)]);
    }
    !wanted.is_empty()
}

/// Prints the times of reading, scrolling, jumping through and searching a log of a million lines.
pub(crate) fn log() {
    let setting = Setting { now_ms: 0, zone: jiff::tz::TimeZone::UTC };
    let mut log = Shared::new(Doc::new("plain", setting));
    let text: String =
        (0..1_000_000).map(|n| format!("{n:>7} a line of a log like many others are\n")).collect();
    let begun = Instant::now();
    for piece in text.as_bytes().chunks(128 << 10) {
        let offset = log.doc.end(Stream::Stdout);
        log.doc.push(Stream::Stdout, Chunk { offset, gap_bytes: 0, bytes: piece }, None);
    }
    println!("log of 1,000,000 lines read: {:.2?}", begun.elapsed());
    for (name, turns) in [("readable", 0), ("raw", 1)] {
        let mut view = View::default();
        (0..turns).for_each(|_| view.next_mode(&mut log));
        view.draw(&mut log, 118, 36);
        let mut times = Vec::new();
        for step in 0..2_000_i64 {
            let begun = Instant::now();
            if step % 100 == 50 {
                view.to_top(&mut log);
            }
            view.scroll_by(&mut log, if step % 200 < 100 { -30 } else { 30 });
            view.draw(&mut log, 118, 36);
            // The first draw may lack text. The page counts as drawn once nothing is wanted any more.
            while serve(&mut log.doc, text.as_bytes()) {
                view.draw(&mut log, 118, 36);
            }
            times.push(begun.elapsed());
        }
        let (half, most) = (super::percentile(&mut times, 0.5), super::percentile(&mut times, 0.99));
        println!("a page of it, {name}: median {half:.2?}, 99th percentile {most:.2?}");
    }
    let begun = Instant::now();
    let mut search = Search {
        mode: Mode::Raw(Raw::Out),
        matcher: Matcher::new("nowhere at all").unwrap(),
        from: paddock_console::log::Place::default(),
        forward: true,
        has_turned: false,
    };
    let mut at = search.from;
    while let Step::GoOn(next) = search.go_on(&mut log.doc, at, 4_000) {
        at = next;
        serve(&mut log.doc, text.as_bytes());
    }
    println!("the whole log searched: {:.2?}", begun.elapsed());
}

/// Prints the times of ordering ten thousand objectives and of laying out their rows and graph lanes.
pub(crate) fn graph() {
    let node = |at: u32| Node {
        needs: [7, 31, 200]
            .iter()
            .filter(|back| !at.is_multiple_of(3) && at >= **back)
            .map(|back| at - back)
            .collect(),
        ..Node::default()
    };
    let nodes: Vec<Node> = (0..10_000).map(node).collect();
    let (mut orders, mut rails) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let begun = Instant::now();
        let order = order(&nodes);
        orders.push(begun.elapsed());
        let begun = Instant::now();
        let rows = rows(&nodes, &order, &Folds::default());
        drop(Rails::new(&nodes, &rows, 12));
        rails.push(begun.elapsed());
    }
    let (order, rails) = (super::percentile(&mut orders, 0.5), super::percentile(&mut rails, 0.5));
    println!("graph of 10,000 objectives: order {order:.2?}, rows and lanes {rails:.2?}");
}
