//! Times the console. `cargo bench --bench console` prints the figures; docs/performance.md holds them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench fails by panicking")]

#[expect(dead_code, reason = "the log is that of the console's tests, which use more of it")]
#[path = "../../tests/it/console/fixture.rs"]
mod fixture;
mod idle;
mod large;
mod lists;

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use paddock_console::data::FactsMsg;
use paddock_console::{Model, Msg, frame, store_feed};
use paddock_store::Reader;
use ratatui::backend::CrosstermBackend;
use ratatui::{Terminal, TerminalOptions, Viewport, layout::Rect};
use serde_json::json;

use fixture::{Log, happens, key, send};

/// A terminal that counts the bytes written to it.
#[derive(Clone, Default)]
struct Counter(Rc<RefCell<usize>>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.0.borrow_mut() += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Screen {
    terminal: Terminal<CrosstermBackend<Counter>>,
    counter: Counter,
}

impl Screen {
    fn new((width, height): (u16, u16)) -> Self {
        let counter = Counter::default();
        let area = Rect { x: 0, y: 0, width, height };
        let options = TerminalOptions { viewport: Viewport::Fixed(area) };
        let terminal = Terminal::with_options(CrosstermBackend::new(counter.clone()), options).unwrap();
        Self { terminal, counter }
    }

    /// Draws a frame and returns the number of its bytes.
    fn draw(&mut self, model: &Model) -> usize {
        let before = *self.counter.0.borrow();
        self.terminal.draw(|to| frame::draw(model, to.buffer_mut())).unwrap();
        let after = *self.counter.0.borrow();
        after - before
    }
}

fn main() {
    // `cargo bench -- NAME` runs the benches whose name contains NAME; `cargo test --benches` passes flags
    // only.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    if is_wanted("bytes") {
        bytes();
    }
    if is_wanted("keys") {
        keys();
    }
    if is_wanted("lanes") {
        lists::graph();
    }
    if is_wanted("log") {
        lists::log();
    }
    if is_wanted("open") {
        open();
    }
    if is_wanted("idle") {
        idle::bytes_in_a_minute();
    }
}

/// Prints the bytes written to the terminal for a first frame, for no change, for a second passed, and for
/// one more event.
fn bytes() {
    for size in [(80, 24), (120, 40), (200, 50)] {
        let mut model = Log::evening().model(size);
        let mut screen = Screen::new(size);
        let first = screen.draw(&model);
        let nothing = screen.draw(&model);
        model.now_ms += 1000;
        send(&mut model, Msg::Tick);
        let second = screen.draw(&model);
        let note =
            json!({ "objective": key("audit-log"), "by": "ada", "note": "a line in the log of events" });
        happens(&mut model, 0, "human_note", note);
        let line = screen.draw(&model);
        let (width, height) = size;
        println!(
            "{width}x{height}: first frame {first} B, nothing changed {nothing} B, a second passed {second} B, \
             an event more {line} B"
        );
    }
}

/// Returns the time below which the given share of the times lies. Sorts the times.
fn percentile(times: &mut [Duration], share: f64) -> Duration {
    times.sort();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let index = ((times.len() - 1) as f64 * share) as usize;
    times[index]
}

/// Prints the time from a key to its frame, with 10,000 objectives and 100 sessions, and an event before each
/// key.
fn keys() {
    let size = (200, 50);
    let mut model = large::log(10_000, 100).model(size);
    let mut screen = Screen::new(size);
    screen.draw(&model);
    let keys = ["j", "j", "k", "G", "g", "j", "2", "j", "1", "j", "3", "1", "z", "j", "z", "6", "k", "1"];
    let mut times = Vec::new();
    for round in 0..2000_usize {
        let note = json!({ "objective": large::id(round), "by": "ada", "note": "at work" });
        happens(&mut model, 0, "human_note", note);
        let code = KeyCode::Char(keys[round % keys.len()].chars().next().unwrap());
        let begun = Instant::now();
        send(&mut model, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        screen.draw(&model);
        times.push(begun.elapsed());
    }
    let (half, most) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
    println!("key to frame, 10,000 objectives, 100 sessions: median {half:.2?}, 99th percentile {most:.2?}");
}

/// Prints the time from opening the database to the first complete frame.
fn open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paddock.db");
    large::store(&path, 10_000, 100_000);
    let mut times = Vec::new();
    for _ in 0..9 {
        let begun = Instant::now();
        let loaded = store_feed::load(&Reader::open(&path).unwrap()).unwrap();
        let mut model = Model {
            size: (120, 40),
            now_ms: fixture::NOW_MS,
            ..Model::new(paddock_engine::ANSWERS, paddock_console::actions::keymap())
        };
        send(&mut model, Msg::Facts(FactsMsg::Loaded(Box::new(loaded))));
        Screen::new((120, 40)).draw(&model);
        times.push(begun.elapsed());
    }
    let half = percentile(&mut times, 0.5);
    println!("open to first frame, 10,000 objectives, 100,000 events: median {half:.2?}");
}
